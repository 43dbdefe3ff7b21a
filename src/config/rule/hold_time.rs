//! `hold-time`: so long at most, or at least, from one moment of the batch to another.

use super::{Asked, AskedOf, Asking, Asks, Kind, Place, keys};
use crate::config::sentence::{Slip, slip, whole};
use driver::Complaint;
use std::{fmt, time::Duration};

/// From one moment to another.
#[derive(Debug, Clone, PartialEq)]
pub struct HoldTime {
    pub from: Moment,
    pub to: Moment,
    pub at_most: Option<Duration>,
    pub at_least: Option<Duration>,
}

/// A moment of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Moment {
    BatchStart,
    BatchEnd,
    StepStart(String),
    StepEnd(String),
    /// Something entered under this name: `weighing of water`, `addition of water`.
    Happened(String),
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BatchStart => f.write_str("start of the batch"),
            Self::BatchEnd => f.write_str("end of the batch"),
            Self::StepStart(step) => write!(f, "start of {step}"),
            Self::StepEnd(step) => write!(f, "end of {step}"),
            Self::Happened(what) => f.write_str(what),
        }
    }
}

const FORMS: &str = "write \"start of STEP\", \"end of STEP\", \"start of the batch\", \"end of the batch\", \"weighing of MATERIAL\" or \"addition of MATERIAL\"";

pub(super) const KIND: Kind = Kind {
    name: "hold-time",
    says: "so long at most, or at least, from one moment of the batch to another",
    keys: keys!["from", "to", "at_most", "at_least"],
    read,
};

fn moment(text: &str) -> Result<Moment, Slip> {
    let parts: Vec<&str> = text.split_whitespace().collect();
    match parts.as_slice() {
        ["start", "of", "the", "batch"] => Ok(Moment::BatchStart),
        ["end", "of", "the", "batch"] => Ok(Moment::BatchEnd),
        ["start", "of", step] => Ok(Moment::StepStart((*step).to_owned())),
        ["end", "of", step] => Ok(Moment::StepEnd((*step).to_owned())),
        ["weighing" | "addition", "of", _, ..] => Ok(Moment::Happened(parts.join(" "))),
        _ => Err(slip(
            "sentence-unknown",
            "this is no moment of a batch",
            whole(text),
            FORMS,
        )),
    }
}

fn read(asking: &mut Asking<'_>) -> Option<Asks> {
    asking.needs("from", "\"end of weigh-oils\"");
    asking.needs("to", "\"start of charge-oils\"");
    let from = asking.sentence("from", moment);
    let to = asking.sentence("to", moment);
    for (key, moment) in [("from", &from), ("to", &to)] {
        if let Some(Moment::StepStart(step) | Moment::StepEnd(step)) = moment {
            let place = asking.block.value(key).map(toml::Spanned::span);
            asking.asked.push(Asked {
                what: AskedOf::Step(step.clone()),
                place: Place(place.unwrap_or_default()),
            });
        }
    }
    let at_most = asking.time("at_most");
    let at_least = asking.time("at_least");
    asking.one_of(&["at_most", "at_least"]);
    if at_most.zip(at_least).is_some_and(|(most, least)| most < least) {
        asking.complain(
            Complaint::new("limits-reversed", "`at_most` is less than `at_least`")
                .help("write the longer time there"),
            "at_most",
        );
    }
    let (from, to) = (from?, to?);
    if from == to {
        asking.complain(
            Complaint::new("rule-contradicts-itself", "both moments are the same").help("name two moments"),
            "to",
        );
    }
    Some(Asks::HoldTime(HoldTime {
        from,
        to,
        at_most,
        at_least,
    }))
}
