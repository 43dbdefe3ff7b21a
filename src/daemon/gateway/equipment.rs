//! How instruments stand: who they say they are, whether a person has to confirm it, and whether a person has
//! taken one out of service or lent its port. Everything is an entry first; the record is what a restart reads.

use super::Core;
use crate::flow::{
    board::Urgency,
    line::LineEvent,
    link::{
        Change, Facts, News, Order,
        standing::{Away, entry, in_words},
    },
};
use record::{Draft, Line as Entry, Stamp, Trouble};

impl Core {
    /// Enters something about an instrument, and keeps in mind what it says.
    pub(in crate::daemon) fn stands(&mut self, draft: Draft) -> Result<(), Trouble> {
        let mut line = Vec::new();
        // Read back as it stands in the record, so that a restart can know nothing else.
        draft.write(1, [0; 16], &mut line)?;
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        if let Ok(entry) = Entry::read(text) {
            self.state.standings.recall(&entry);
        }
        self.enter(draft)?;
        Ok(())
    }

    /// What news of a line mean for how its equipment stands.
    pub(in crate::daemon) fn equipment_news(&mut self, news: &News, now: Stamp) -> Result<(), Trouble> {
        for tag in &news.tags {
            let configured = self.configured(tag);
            match &news.change {
                Change::Identified { says } => {
                    let mut known = self.state.standings.of(tag).expected(configured.as_deref());
                    known.extend(says.iter().cloned());
                    let draft = entry(tag, "known", "identified", now).data("found", in_words(&known));
                    self.stands(draft)?;
                }
                Change::AnotherInstrument { name, says, known } => {
                    self.doubted(tag, "another-instrument", (name, says, known), now)?;
                }
                Change::SettingsChanged { name, says, known } => {
                    self.doubted(tag, "settings-changed", (name, says, known), now)?;
                }
                Change::LongAway { since } => {
                    let draft = entry(tag, "to-confirm", "long-silence", now);
                    self.stands(draft.data("found", format!("silent since {since}")))?;
                }
                _ => {}
            }
            self.equipment_calls(tag);
        }
        Ok(())
    }

    fn doubted(
        &mut self,
        tag: &str,
        because: &'static str,
        (name, says, known): (&str, &str, &str),
        now: Stamp,
    ) -> Result<(), Trouble> {
        let found = Facts::from([(name.to_owned(), says.to_owned())]);
        let before = Facts::from([(name.to_owned(), known.to_owned())]);
        let draft = entry(tag, "doubtful", because, now)
            .data("found", in_words(&found))
            .data("known", in_words(&before));
        self.stands(draft)
    }

    /// The serial number the configuration names.
    pub(in crate::daemon) fn configured(&self, tag: &str) -> Option<String> {
        self.plant.equipment.get(tag)?.serial_number.clone()
    }

    /// What calls for a person, from how an instrument stands.
    fn equipment_calls(&mut self, tag: &str) {
        let standing = self.state.standings.of(tag);
        let id = format!("equipment-{tag}");
        self.state.calls.retain(|call| call.id != id);
        if let Some(doubt) = &standing.doubt {
            let words = Trouble::new(
                "equipment-doubtful",
                format!("{tag}: {}, {}", doubt.because, in_words(&doubt.found)),
            )
            .means("Readings are stored as doubtful and never count as within, until a person confirms.")
            .so(format!(
                "Put back what was there; then, or if it is meant: steelyard equipment confirm {tag}"
            ));
            self.call(id, Urgency::Doubt, &words, doubt.since);
        } else if let Some(since) = standing.to_confirm {
            let words = Trouble::new(
                "equipment-to-confirm",
                format!("{tag} was silent for long: is it still the same instrument?"),
            )
            .means("Capture goes on; nobody has said yet whose values these are.")
            .so(format!(
                "The same: steelyard equipment confirm {tag}. Another: steelyard equipment exchanged {tag}"
            ));
            self.call(id, Urgency::Look, &words, since);
        }
    }

    /// Tells the line what the record says of its equipment: after a start, and under a new configuration.
    pub(in crate::daemon) fn declare_all(&mut self) -> Result<(), Trouble> {
        let all: Vec<String> = self.plant.equipment.keys().cloned().collect();
        for tag in all {
            self.declare(&tag)?;
            self.equipment_calls(&tag);
        }
        Ok(())
    }

    /// Tells the line whether a person answers for the silence of an instrument.
    pub(in crate::daemon) fn declare(&mut self, tag: &str) -> Result<(), Trouble> {
        let standing = self.state.standings.of(tag);
        let (since, because) = match (&standing.out, &standing.lent) {
            (Some(out), _) => (out.since, Some(("out-of-service", self.until(out)))),
            (None, Some(lent)) => (lent.since, Some(("lent", self.until(lent)))),
            (None, None) => (self.clock.now(), None),
        };
        self.event(LineEvent::Declared {
            tag: tag.to_owned(),
            because,
            since,
            now: self.clock.now(),
        })
    }

    fn until(&self, away: &Away) -> String {
        let Away {
            until, by, reason, ..
        } = away;
        format!("until {}, by {by}, {reason}", self.in_plant_time(*until))
    }

    /// A moment as people of the plant say it.
    pub(in crate::daemon) fn in_plant_time(&self, time: Stamp) -> String {
        let zone = jiff::tz::TimeZone::get(&self.plant.gateway.zone);
        match (jiff::Timestamp::from_millisecond(time.0), zone) {
            (Ok(time), Ok(zone)) => time.to_zoned(zone).strftime("%Y-%m-%d %H:%M").to_string(),
            _ => time.to_string(),
        }
    }

    /// Ends what was declared until now: by itself, and as an entry.
    pub(in crate::daemon) fn equipment_time(&mut self, now: Stamp) -> Result<(), Trouble> {
        for (tag, state) in self.state.standings.over(now) {
            self.back(&tag, state, ("", "its time is over"), now)?;
        }
        Ok(())
    }

    /// An instrument is in service again, or its port is ours again.
    pub(in crate::daemon) fn back(
        &mut self,
        tag: &str,
        state: &'static str,
        (by, reason): (&str, &str),
        now: Stamp,
    ) -> Result<(), Trouble> {
        let mut draft = entry(tag, state, state, now);
        if !by.is_empty() {
            draft = draft.data("by", by);
        }
        self.stands(draft.data("reason", reason))?;
        if state == "in-service" {
            self.links.tell(tag, Order::InService(tag.to_owned()));
        } else {
            self.links.tell(tag, Order::TakeBack);
        }
        self.declare(tag)?;
        self.say(
            Trouble::new(
                "equipment-back",
                format!("{tag} is {}: {reason}", state.replace('-', " ")),
            )
            .means("the gap ends with the first good answer")
            .so("nothing"),
        );
        Ok(())
    }

    /// A person has said what is known of an instrument.
    pub(in crate::daemon) fn stands_anew(&mut self, tag: &str, order: Order) {
        self.links.tell(tag, order);
        self.equipment_calls(tag);
    }

    /// The equipment of this tag is configured here.
    pub(in crate::daemon) fn has_equipment(&self, tag: &str) -> Result<(), Trouble> {
        if self.plant.equipment.contains_key(tag) {
            return Ok(());
        }
        let known: Vec<&str> = self.plant.equipment.keys().map(String::as_str).collect();
        Err(
            Trouble::new("no-such-equipment", format!("there is no equipment {tag}"))
                .means("nothing was done and nothing was entered")
                .so(format!("write one of: {}", known.join(", "))),
        )
    }
}

/// Why something is done is a part of the record.
pub(in crate::daemon) fn reason_of(reason: &str) -> Result<&str, Trouble> {
    match reason.trim() {
        "" => Err(Trouble::new("no-reason", "no reason is given")
            .means("nothing was done and nothing was entered")
            .so("say why in a few words: --reason \"calibration by the maker\"")),
        reason => Ok(reason),
    }
}
