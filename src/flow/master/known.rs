//! What is known of the plant's things, by kind and id, and what a message changes in it.
//!
//! A message is tried on a copy: what comes out is the same whether it is only looked at (`--preview`) or taken.

use super::{
    item::{Content, Kind},
    message::{Message, Said},
};
use record::{Hash, Stamp};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What was retracted is remembered so long, so that an older message cannot bring it back.
const RETRACTED_KEPT_MS: i64 = 90 * 86_400_000;

/// One item as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub id: String,
    pub revision: u64,
    pub source: String,
    /// When its source said so last.
    pub said: Stamp,
    /// When this gateway first had this revision.
    pub arrived: Stamp,
    /// `None`: it was retracted.
    pub content: Option<Content>,
    /// It was retracted by not being named any more, and may be named again as it was.
    pub omitted: bool,
}

/// Everything known of one kind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shelf {
    pub items: BTreeMap<String, Arc<Held>>,
    /// Of each source: when its last message was sent, the SHA-256 of that message, and when its last whole one was.
    pub heard: BTreeMap<String, Heard>,
    /// When it was last written to its file and entered.
    pub filed: Option<Stamp>,
}

/// The last words of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    pub sent: Stamp,
    pub digest: Hash,
    pub whole: Option<Stamp>,
}

/// Everything known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Store {
    shelves: BTreeMap<Kind, Arc<Shelf>>,
}

/// What a message does to one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It was not known.
    New(Arc<Held>),
    /// A newer revision takes the place of the one before.
    Replaced { before: Arc<Held>, after: Arc<Held> },
    /// It is not to be used any more.
    Retracted { before: Arc<Held>, after: Arc<Held> },
    /// Said once more as it was.
    Confirmed(Arc<Held>),
    /// Not taken.
    Refused { id: String, why: String },
}

/// What a message does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub kind: Kind,
    pub source: String,
    pub sent: Stamp,
    pub digest: Hash,
    pub whole: bool,
    /// In the order of the message; retracted by a whole message last.
    pub changes: Vec<Change>,
    /// It is the very message that was taken last.
    pub again: bool,
}

/// How many of each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub new: u64,
    pub replaced: u64,
    pub retracted: u64,
    pub confirmed: u64,
    pub refused: u64,
}

impl Counts {
    /// Whether anything is otherwise than before.
    pub fn changes(&self) -> bool {
        self.new + self.replaced + self.retracted > 0
    }
}

impl Outcome {
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for change in &self.changes {
            match change {
                Change::New(_) => counts.new += 1,
                Change::Replaced { .. } => counts.replaced += 1,
                Change::Retracted { .. } => counts.retracted += 1,
                Change::Confirmed(_) => counts.confirmed += 1,
                Change::Refused { .. } => counts.refused += 1,
            }
        }
        counts
    }

    /// The items that were not taken, and why.
    pub fn refused(&self) -> impl Iterator<Item = (&str, &str)> {
        self.changes.iter().filter_map(|change| match change {
            Change::Refused { id, why } => Some((id.as_str(), why.as_str())),
            _ => None,
        })
    }
}

impl Store {
    /// Everything of one kind, retracted items too.
    pub fn shelf(&self, kind: Kind) -> Option<&Shelf> {
        self.shelves.get(&kind).map(Arc::as_ref)
    }

    /// Puts back what was held of one kind.
    pub fn put(&mut self, kind: Kind, shelf: Shelf) {
        self.shelves.insert(kind, Arc::new(shelf));
    }

    /// It is in its file now.
    pub fn filed(&mut self, kind: Kind, now: Stamp) {
        if let Some(shelf) = self.shelves.get_mut(&kind) {
            Arc::make_mut(shelf).filed = Some(now);
        }
    }

    /// One item, retracted or not.
    pub fn held(&self, kind: Kind, id: &str) -> Option<&Arc<Held>> {
        self.shelves.get(&kind)?.items.get(id)
    }

    /// What is known after a message, and what it changed. Nothing is said to be newer than when it arrived: a clock
    /// that is ahead must not keep master data young.
    pub fn take(&self, message: &Message, now: Stamp) -> (Self, Outcome) {
        let mut shelf = self.shelf(message.kind).cloned().unwrap_or_default();
        let mut outcome = Outcome {
            kind: message.kind,
            source: message.source.clone(),
            sent: message.sent,
            digest: message.digest,
            whole: message.whole,
            changes: Vec::with_capacity(message.items.len()),
            again: false,
        };
        let heard = shelf.heard.get(&message.source).cloned();
        if heard.as_ref().is_some_and(|heard| heard.digest == message.digest) {
            outcome.again = true;
            return (self.clone(), outcome);
        }
        let sent = message.sent.min(now);
        for said in &message.items {
            let change = shelf.take(said, &message.source, sent, now);
            outcome.changes.push(change);
        }
        let refused = message.refused.iter().map(|(id, why)| Change::Refused {
            id: id.clone(),
            why: why.clone(),
        });
        outcome.changes.extend(refused);
        let before = heard.as_ref().and_then(|heard| heard.whole);
        if message.whole && before.is_none_or(|before| before <= sent) {
            outcome.changes.extend(shelf.retract_others(message, sent, now));
        }
        let whole = if message.whole {
            before.max(Some(sent))
        } else {
            before
        };
        let last = heard.map_or(sent, |heard| heard.sent.max(sent));
        let heard = Heard {
            sent: last,
            digest: message.digest,
            whole,
        };
        shelf.heard.insert(message.source.clone(), heard);
        shelf.forget(now);
        let mut after = self.clone();
        after.put(message.kind, shelf);
        (after, outcome)
    }
}

impl Shelf {
    fn take(&mut self, said: &Said, source: &str, sent: Stamp, now: Stamp) -> Change {
        let refused = |why: String| Change::Refused {
            id: said.id.clone(),
            why,
        };
        let moment = said.said.unwrap_or(sent).min(now);
        let mut after = Held {
            id: said.id.clone(),
            revision: said.revision,
            source: source.to_owned(),
            said: moment,
            arrived: now,
            content: said.content.clone(),
            omitted: false,
        };
        let Some(before) = self.items.get(&said.id).cloned() else {
            let after = Arc::new(after);
            self.items.insert(said.id.clone(), after.clone());
            return if after.content.is_some() {
                Change::New(after)
            } else {
                Change::Confirmed(after)
            };
        };
        if said.revision < before.revision {
            let (older, newer) = (said.revision, before.revision);
            return refused(format!("revision {older} is older than {newer}, which is known"));
        }
        let named_again = before.omitted && said.content.is_some() && moment > before.said;
        if said.revision == before.revision && !named_again {
            if said.content != before.content {
                let revision = said.revision;
                return refused(format!("revision {revision} is known with another content"));
            }
            after.said = before.said.max(moment);
            after.arrived = before.arrived;
            let after = Arc::new(after);
            self.items.insert(said.id.clone(), after.clone());
            return Change::Confirmed(after);
        }
        let after = Arc::new(after);
        self.items.insert(said.id.clone(), after.clone());
        match (&before.content, &after.content) {
            (Some(_), None) => Change::Retracted { before, after },
            (None, Some(_)) => Change::New(after),
            (Some(_), Some(_)) => Change::Replaced { before, after },
            (None, None) => Change::Confirmed(after),
        }
    }

    /// A whole message speaks of everything its source said before it.
    fn retract_others(&mut self, message: &Message, sent: Stamp, now: Stamp) -> Vec<Change> {
        let items = message.items.iter().map(|said| said.id.as_str());
        let named: BTreeSet<&str> = items
            .chain(message.refused.iter().map(|(id, _)| id.as_str()))
            .collect();
        let gone = self.items.values().filter(|held| {
            held.source == message.source
                && held.content.is_some()
                && held.said <= sent
                && !named.contains(held.id.as_str())
        });
        let gone: Vec<Arc<Held>> = gone.cloned().collect();
        let retract = |before: Arc<Held>| {
            let after = Arc::new(Held {
                said: sent,
                arrived: now,
                content: None,
                omitted: true,
                ..before.as_ref().clone()
            });
            self.items.insert(before.id.clone(), after.clone());
            Change::Retracted { before, after }
        };
        gone.into_iter().map(retract).collect()
    }

    fn forget(&mut self, now: Stamp) {
        self.items
            .retain(|_, held| held.content.is_some() || now.ms_since(held.said) < RETRACTED_KEPT_MS);
    }
}
