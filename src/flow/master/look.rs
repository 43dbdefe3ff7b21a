//! Asking for an item: what is known of it and how old that is, or every reason why it may not be used.
//!
//! A station refuses what is not [`Looked::usable`], or an authorised person overrides it, which is an exception. What
//! was used goes into the record as it was known then.

use super::{
    item::{CheckWeight, Container, Content, Kind, Lot, LotStatus, Order, Person, PersonStatus},
    known::{Held, Store},
};
use crate::config::plant::Master;
use jiff::tz::TimeZone;
use record::{Draft, Quantity, Stamp, Trouble};
use std::{fmt, time::Duration};

/// When is asked, where, and how old an answer may be.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    pub now: Stamp,
    pub zone: &'a TimeZone,
    pub ages: &'a Master,
}

/// A reason not to use an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Against {
    Unknown,
    Retracted,
    TooOld { age_ms: i64, may_be: Duration },
    Expired { at: String },
    NotReleased { status: LotStatus },
    NotClean { until: Option<String> },
    NoTare,
    Overdue { due: String },
    Left,
}

impl Against {
    /// The word in the record.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Retracted => "retracted",
            Self::TooOld { .. } => "too-old",
            Self::Expired { .. } => "expired",
            Self::NotReleased { .. } => "not-released",
            Self::NotClean { .. } => "not-clean",
            Self::NoTare => "no-tare",
            Self::Overdue { .. } => "overdue",
            Self::Left => "left",
        }
    }
}

impl fmt::Display for Against {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("nobody has said anything of it"),
            Self::Retracted => f.write_str("it was retracted"),
            Self::TooOld { age_ms, may_be } => {
                write!(
                    f,
                    "what is known is {} old, and may be {} old",
                    span(*age_ms),
                    span(may_be.as_millis() as i64)
                )
            }
            Self::Expired { at } => write!(f, "it expired: {at}"),
            Self::NotReleased { status } => write!(f, "it is not released: {}", status.word()),
            Self::NotClean { until: Some(until) } => write!(f, "its cleaning held until {until}"),
            Self::NotClean { until: None } => f.write_str("it is not clean"),
            Self::NoTare => f.write_str("what it weighs empty is not known"),
            Self::Overdue { due } => write!(f, "its certificate held until {due}"),
            Self::Left => f.write_str("this person does not work here any more"),
        }
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked<'a, T> {
    pub kind: Kind,
    pub id: String,
    /// As it is known, retracted or not.
    pub held: Option<&'a Held>,
    /// What it says.
    pub item: Option<&'a T>,
    /// Since its source said so last.
    pub age_ms: Option<i64>,
    /// Every reason against it; none: it may be used.
    pub against: Vec<Against>,
}

/// Something that may be asked for.
pub trait Item: Sized {
    const KIND: Kind;
    fn of(content: &Content) -> Option<&Self>;
    /// What speaks against it now, beside its age.
    fn against(&self, asking: &Asking) -> Vec<Against>;
}

impl Store {
    /// Asks for one item.
    pub fn look<'a, T: Item>(&'a self, id: &str, asking: &Asking) -> Looked<'a, T> {
        let held = self.held(T::KIND, id).map(AsRef::as_ref);
        let item = held.and_then(|held| held.content.as_ref()).and_then(T::of);
        let age_ms = held.map(|held| asking.now.ms_since(held.said).max(0));
        let mut against = Vec::new();
        match (held, item) {
            (None, _) => against.push(Against::Unknown),
            (Some(_), None) => against.push(Against::Retracted),
            (Some(_), Some(item)) => against.extend(item.against(asking)),
        }
        let may_be = asking.ages.may_be(T::KIND);
        if let Some(age_ms) = age_ms.filter(|age| item.is_some() && *age > may_be.as_millis() as i64) {
            against.push(Against::TooOld { age_ms, may_be });
        }
        Looked {
            kind: T::KIND,
            id: id.to_owned(),
            held,
            item,
            age_ms,
            against,
        }
    }
}

impl<'a, T> Looked<'a, T> {
    /// The item, where nothing speaks against it.
    pub fn usable(&self) -> Result<&'a T, Trouble> {
        match self.item.filter(|_| self.against.is_empty()) {
            Some(item) => Ok(item),
            None => Err(Trouble::new(
                "master-unusable",
                format!("{} {} cannot be used: {}", self.kind.one(), self.id, self.why()),
            )
            .at(format!("master data, {}", self.kind.word()))
            .means("nothing was entered with it")
            .so("bring the plant's master data up to date, or an authorised person overrides it with a reason")),
        }
    }

    /// The item, where it is known at all: for somebody who may override what speaks against it. Nobody can override
    /// that nothing is known.
    pub fn overridden(&self) -> Option<&'a T> {
        self.item
    }

    /// Every reason, in words.
    pub fn why(&self) -> String {
        let words: Vec<String> = self.against.iter().map(ToString::to_string).collect();
        words.join("; ")
    }

    /// What was used, for the record: the item whole, as it was known, with its source and age. Place it with `unit`,
    /// `batch`, `step` and `run`; the entry it was used for names it by `about`.
    pub fn used(&self, now: Stamp) -> Option<Draft> {
        let (held, item) = (self.held?, self.held?.content.as_ref()?);
        let draft = Draft::new("master", now)
            .with("items", self.kind.word())
            .with("state", "used")
            .data("id", held.id.as_str())
            .data("revision", held.revision)
            .data("source", held.source.as_str())
            .data("said", held.said)
            .data("arrived", held.arrived)
            .data("age_ms", self.age_ms.unwrap_or_default())
            .data("content", item.to_json());
        Some(if self.against.is_empty() {
            draft
        } else {
            draft.data("against", self.words())
        })
    }

    /// That an authorised person used it all the same.
    pub fn override_by(&self, person: &str, reason: &str, now: Stamp) -> Draft {
        Draft::new("exception", now)
            .with("because", "master-overridden")
            .data("text", reason)
            .data("says", self.why())
            .data("found", format!("{} {}", self.kind.one(), self.id))
            .data("expected", self.words())
            .data("by", person)
    }

    fn words(&self) -> String {
        let words: Vec<&str> = self.against.iter().map(Against::word).collect();
        words.join(", ")
    }
}

impl Item for Order {
    const KIND: Kind = Kind::Orders;
    fn of(content: &Content) -> Option<&Self> {
        match content {
            Content::Order(order) => Some(order),
            _ => None,
        }
    }
    fn against(&self, _: &Asking) -> Vec<Against> {
        Vec::new()
    }
}

impl Item for Lot {
    const KIND: Kind = Kind::Lots;
    fn of(content: &Content) -> Option<&Self> {
        match content {
            Content::Lot(lot) => Some(lot),
            _ => None,
        }
    }
    fn against(&self, asking: &Asking) -> Vec<Against> {
        let mut against = Vec::new();
        if self.status != LotStatus::Released {
            against.push(Against::NotReleased { status: self.status });
        }
        if let Some(expires) = self
            .expires
            .as_ref()
            .filter(|until| until.is_over(asking.now, asking.zone))
        {
            against.push(Against::Expired {
                at: expires.to_string(),
            });
        }
        against
    }
}

impl Item for Container {
    const KIND: Kind = Kind::Containers;
    fn of(content: &Content) -> Option<&Self> {
        match content {
            Content::Container(container) => Some(container),
            _ => None,
        }
    }
    fn against(&self, asking: &Asking) -> Vec<Against> {
        let mut against = Vec::new();
        let clean = self.clean_until.as_ref();
        if clean.is_none_or(|until| until.is_over(asking.now, asking.zone)) {
            against.push(Against::NotClean {
                until: clean.map(ToString::to_string),
            });
        }
        if self.tare().is_none() {
            against.push(Against::NoTare);
        }
        against
    }
}

impl Container {
    /// What it weighs empty.
    pub fn tare(&self) -> Option<Quantity> {
        Quantity::read(self.tare.as_deref()?)
    }
}

impl Item for CheckWeight {
    const KIND: Kind = Kind::CheckWeights;
    fn of(content: &Content) -> Option<&Self> {
        match content {
            Content::CheckWeight(weight) => Some(weight),
            _ => None,
        }
    }
    fn against(&self, asking: &Asking) -> Vec<Against> {
        if self.due.is_over(asking.now, asking.zone) {
            vec![Against::Overdue {
                due: self.due.to_string(),
            }]
        } else {
            Vec::new()
        }
    }
}

impl Item for Person {
    const KIND: Kind = Kind::People;
    fn of(content: &Content) -> Option<&Self> {
        match content {
            Content::Person(person) => Some(person),
            _ => None,
        }
    }
    fn against(&self, _: &Asking) -> Vec<Against> {
        if self.status == PersonStatus::Left {
            vec![Against::Left]
        } else {
            Vec::new()
        }
    }
}

impl Master {
    /// How old an item of a kind may be.
    pub fn may_be(&self, kind: Kind) -> Duration {
        match kind {
            Kind::Orders => self.orders,
            Kind::Lots => self.lots,
            Kind::Containers => self.containers,
            Kind::CheckWeights => self.check_weights,
            Kind::People => self.people,
        }
    }
}

/// A length of time as people say it, rounded down to its two largest parts.
pub fn span(ms: i64) -> String {
    let seconds = ms / 1000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}
