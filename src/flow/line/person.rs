//! Context told by a person: where that is the unit's authority, and as a named fallback while its authority
//! is away. When the authority returns its history wins, and the difference is an exception.

use super::{Enter, Line, told::told_by};
use crate::{
    config::plant::Authority,
    flow::context::{
        Message, Origin,
        compose::{self, Head, Of, Said, What},
    },
};
use record::{Draft, Line as Entry, Stamp, Trouble};
use std::sync::Arc;

/// Persons tell in place of the authority.
#[derive(Debug, Clone)]
pub(super) struct Fallback {
    pub(super) since: Stamp,
    /// Batches that only persons told.
    batches: Vec<Arc<str>>,
}

impl Line {
    /// Whether the authority of a unit is away: its way is cut, its lease is over, or it was not heard at all.
    pub fn is_away(&self, unit: &str) -> bool {
        self.units.iter().any(|known| known.name == unit && known.away())
    }

    /// A person says what happens in a unit. Gives the sentence to answer with, or why nothing was done.
    pub fn said(
        &mut self,
        unit: &str,
        said: &Said,
        by: &str,
        reason: &str,
        now: Stamp,
        enter: &mut dyn Enter,
    ) -> Result<String, Trouble> {
        self.time(now);
        let Some(at) = self.units.iter().position(|known| known.name == unit) else {
            let known: Vec<&str> = self.units.iter().map(|unit| unit.name.as_str()).collect();
            return Err(not_done(
                format!("there is no unit {unit:?} at this gateway"),
                unit,
                &format!("units here: {}", known.join(", ")),
            ));
        };
        let known = &self.units[at];
        let own = known.authority == Authority::Person;
        if !own && !known.away() && !self.ends_displaced(at, said) {
            return Err(not_done(
                format!(
                    "the context of this unit is told by {}, which is there",
                    known.authority.word()
                ),
                unit,
                "let it tell; a person tells only while it is away, or ends a batch that another one displaced",
            ));
        }
        if said.at > now {
            let what = format!("{} has not come yet", said.at);
            return Err(not_done(
                what,
                unit,
                "say it when it happens, or name a moment that has passed",
            ));
        }
        let head = Head {
            number: known.number + u64::from(own),
            sent: now,
            source: by.to_owned(),
        };
        let message = compose::said(&known.history, said, head)
            .map_err(|what| not_done(what, unit, "steelyard context shows what runs in the unit"))?;
        let origin = Origin {
            by: Some((by.to_owned(), reason.to_owned())),
            ..Origin::of(Authority::Person)
        };
        if !own {
            self.stand_in(at, &message, by, enter);
        }
        let place = message
            .batch
            .as_ref()
            .map(|batch| batch.id.clone())
            .unwrap_or_default();
        self.accept(at, message, &origin, None, enter);
        let word = What::ALL
            .iter()
            .find(|(_, what)| *what == said.what)
            .map_or("", |(word, _)| word);
        Ok(match &said.of {
            Of::Batch { .. } => format!("{word} of batch {place} in {unit} is entered"),
            Of::Step { id, .. } => format!("{word} of step {id}, batch {place} in {unit} is entered"),
        })
    }

    /// To end a batch that another one displaced needs a person, whoever is the authority.
    fn ends_displaced(&self, at: usize, said: &Said) -> bool {
        let over = matches!(said.what, What::Stop | What::Abort | What::Complete);
        match &said.of {
            Of::Batch { id: Some(id), .. } if over => {
                self.units[at].history.displaced().any(|batch| *batch.id == **id)
            }
            _ => false,
        }
    }

    fn stand_in(&mut self, at: usize, message: &Message, by: &str, enter: &mut dyn Enter) {
        let now = self.now;
        let away = self.units[at].away();
        let unit = &mut self.units[at];
        if away {
            let fallback = unit.fallback.get_or_insert_with(|| Fallback {
                since: now,
                batches: Vec::new(),
            });
            if let Some(batch) = message
                .batch
                .as_ref()
                .filter(|batch| unit.history.batch(&batch.id).is_none())
            {
                fallback.batches.push(batch.id.clone());
            }
        }
        let says = if away {
            format!(
                "{by} tells the context, because {} is away",
                unit.authority.word()
            )
        } else {
            format!("{by} ends a batch that its authority never told to be over")
        };
        let because = if away {
            "context-by-person"
        } else {
            "context-unexpected"
        };
        self.odd(at, because, &says, now, None, enter);
    }

    /// The authority is back: its history holds. Batches that only persons told, and that it has another history
    /// for, are withdrawn. Gives the number of the first entry.
    pub(super) fn reconcile(
        &mut self,
        at: usize,
        message: &Message,
        origin: &Origin,
        enter: &mut dyn Enter,
    ) -> Option<u64> {
        if origin.authority == Authority::Person {
            return None;
        }
        let fallback = self.units[at].fallback.take()?;
        let told = message.batch.as_ref();
        let contradicted = |batch: &&Arc<str>| {
            let history = &self.units[at].history;
            let (Some(known), Some(told)) = (history.batch(batch), told) else {
                return false;
            };
            known.id != told.id
                && known.started < told.ended.unwrap_or(Stamp(i64::MAX))
                && known.ended.is_none_or(|ended| ended > told.started)
        };
        let gone: Vec<Arc<str>> = fallback.batches.iter().filter(contradicted).cloned().collect();
        let mut first = None;
        for batch in &gone {
            let draft = Draft::new("batch", self.now).with("unit", self.units[at].name.as_str());
            let draft = draft
                .with("batch", &**batch)
                .with("state", "withdrawn")
                .with("because", "corrected");
            let entered = enter.enter(told_by(draft, (message, origin)));
            first = first.or(Some(entered.seq));
            let unit = &mut self.units[at];
            unit.history.withdraw(batch);
            unit.endings
                .retain(|ending| ending.batch != *batch || ending.draft.is_none());
        }
        let mut says = format!(
            "{} is back; a person told the context since {}. Its history holds",
            message.source, fallback.since
        );
        if !gone.is_empty() {
            let names: Vec<&str> = gone.iter().map(|batch| &**batch).collect();
            says.push_str(&format!("; it knows nothing of {}", names.join(", ")));
        }
        self.odd(at, "context-reconciled", &says, self.now, None, enter);
        first
    }

    /// An exception that says in what doubt readings are bound since, unless the authority was heard after it.
    pub(super) fn recall_doubt(&mut self, at: usize, line: &Entry<'_>, time: Stamp) {
        let unit = &mut self.units[at];
        if line.seq() < unit.told {
            return;
        }
        match line.raw("because") {
            Some("context-unconfirmed") => _ = unit.doubt.get_or_insert(time),
            Some("context-by-person") => {
                let batches = std::mem::take(&mut unit.by_person);
                let fallback = unit.fallback.get_or_insert_with(|| Fallback {
                    since: time,
                    batches: Vec::new(),
                });
                fallback.batches.extend(batches);
            }
            _ => {}
        }
    }

    /// Who told what is recalled, so that a restart knows who stood in, and where the change counter stood.
    pub(super) fn recall_teller(&mut self, at: usize, line: &Entry<'_>, time: Stamp) {
        if !matches!(line.kind(), "batch" | "step" | "allocation") {
            return;
        }
        let Some(told) = line.data_text("authority") else {
            return;
        };
        let unit = &mut self.units[at];
        if told == unit.authority.word() {
            unit.fallback = None;
            unit.doubt = None;
            unit.told = line.seq();
            unit.by_person.clear();
            let told = line.raw("state").unwrap_or_default();
            let unsure = line
                .data_int("unsure_ms")
                .filter(|_| !matches!(told, "confirmed" | "found" | "withdrawn"))
                .unwrap_or(0);
            let after = if unit.authority == Authority::Points {
                0
            } else {
                unsure
            };
            if unsure > 0 {
                unit.history.note_unsure(time, unsure, after);
            }
            if let (Some(watcher), Some(counter)) = (&mut unit.watcher, line.data_text("counter")) {
                watcher.recall(counter, time);
            }
        } else {
            let new = line
                .text("batch")
                .filter(|batch| line.kind() == "batch" && unit.history.batch(batch).is_none());
            let new = new.map(|batch| Arc::from(batch.as_str()));
            match &mut unit.fallback {
                Some(fallback) => fallback.batches.extend(new),
                None => unit.by_person.extend(new),
            }
        }
    }
}

impl super::Unit {
    /// Whether nothing is heard of its authority.
    pub(super) fn away(&self) -> bool {
        self.authority != Authority::Person
            && (self.unconfirmed || self.cut.is_some() || self.heard.is_none())
    }
}

fn not_done(what: String, unit: &str, action: &str) -> Trouble {
    Trouble::new("context-not-taken", what)
        .at(format!("context of unit {unit}"))
        .means("nothing was done and nothing was changed")
        .so(action)
}
