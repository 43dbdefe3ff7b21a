//! What the links give: readings, and changes on a line.

use super::{Core, Told};
use crate::flow::{
    accept,
    board::Urgency,
    line::LineEvent,
    link::{Change, LinkOutput, News},
};
use record::{Draft, Failure, Trouble};
use std::time::Duration;

impl Core {
    pub(in crate::daemon) fn link(&mut self, output: LinkOutput) -> Result<(), Trouble> {
        match output {
            LinkOutput::Reading(reading) => {
                self.count_reading();
                let value = reading
                    .failure
                    .is_none_or(|failure| failure == Failure::Unexpected);
                if value && self.line.listens_to(&reading.point) {
                    self.book_reading();
                }
                self.state.tap.hear(&reading, self.clock.elapsed());
                self.weighs(&reading)?;
                if self.state.stopped_since.is_some() {
                    return Ok(());
                }
                let now = self.clock.now();
                self.event(LineEvent::from_link(reading, now))
            }
            LinkOutput::News(news) => self.news(&news),
            LinkOutput::Wrote {
                tag,
                command,
                bytes,
                at,
            } => {
                let draft = Draft::new("command", at)
                    .with("equipment", tag.as_str())
                    .with("command", command.as_str())
                    .with("state", "sent");
                self.enter(draft.data("raw", accept::hex(&bytes))).map(|_| ())
            }
            LinkOutput::Commanded(commanded) => self.commanded(commanded),
            LinkOutput::Lost { point, since, note } => {
                let now = self.clock.now();
                self.event(LineEvent::ValuesLost {
                    point,
                    since,
                    note,
                    now,
                })
            }
        }
    }

    pub(in crate::daemon) fn count_reading(&mut self) {
        let second = Duration::from_secs(self.clock.elapsed().as_secs());
        match self.state.readings.back_mut() {
            Some((at, count)) if *at == second => *count += 1,
            _ => self.state.readings.push_back((second, 1)),
        }
        while self.state.readings.len() > 11 {
            self.state.readings.pop_front();
        }
    }

    /// A change on a line: said once; what it means for each point is the line's to say.
    pub(in crate::daemon) fn news(&mut self, news: &News) -> Result<(), Trouble> {
        let words = news.words();
        let now = self.clock.now();
        let failed: Option<(&'static str, String)> = match &news.change {
            Change::Unplugged { because }
            | Change::CannotOpen { because }
            | Change::LoginRefused { because }
            | Change::Untrusted { because, .. }
            | Change::NotOffered { because } => Some(("unplugged", because.clone())),
            Change::Silent { .. } => Some((Failure::Silent.word(), String::new())),
            _ => None,
        };
        if let Some((because, note)) = failed {
            let points = self
                .plant
                .units
                .iter()
                .flat_map(|unit| unit.roles.iter().map(|(_, point)| point.clone()));
            let points: Vec<_> = points.filter(|point| news.tags.contains(&point.tag)).collect();
            for point in points {
                self.event(LineEvent::Failed {
                    point,
                    since: news.at,
                    because,
                    note: note.clone(),
                    now,
                })?;
            }
        }
        if matches!(
            news.change,
            Change::Unplugged { .. }
                | Change::CannotOpen { .. }
                | Change::Silent { .. }
                | Change::LoginRefused { .. }
                | Change::Untrusted { .. }
                | Change::NotOffered { .. }
        ) {
            self.scales_silent(&news.tags)?;
        }
        if let Some(because) = news.exception() {
            self.event(LineEvent::OfEquipment {
                tags: news.tags.clone(),
                because,
                says: words.what.clone(),
                now,
            })?;
        }
        self.equipment_news(news, now)?;
        let id = format!("link-{}", news.link);
        self.state.calls.retain(|call| call.id != id);
        if matches!(
            news.change,
            Change::AnotherMaster { .. }
                | Change::LoginRefused { .. }
                | Change::Untrusted { .. }
                | Change::NotOffered { .. }
                | Change::CertificateOver { .. }
        ) {
            self.call(id, Urgency::Doubt, &words, now);
        }
        if news.is_recovery() {
            tracing::info!(name = words.name, place = words.place, "{}", words.what);
            self.tell(Told::Say(words));
        } else {
            self.say(words);
        }
        Ok(())
    }
}
