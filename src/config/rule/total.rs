//! `total`: how much has passed: a flow over its time, or what a counter went on by.

use super::{Asking, Asks, Kind, keys, sides};
use driver::Complaint;
use record::{Quantity, Unit};
use std::time::Duration;

/// A sum over the run, judged at its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Total {
    pub of: String,
    pub low: Option<Quantity>,
    pub high: Option<Quantity>,
    /// The unit of the total.
    pub unit: Unit,
    pub source: Source,
    /// Between two readings further apart nothing is added, and the total is an estimate.
    pub max_sample_gap: Duration,
}

/// What is read.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// A flow.
    Flow,
    /// A counter, which may go round at an amount, and may be set back.
    Counter {
        rollover: Option<Quantity>,
        reset: Reset,
    },
}

/// What a counter that falls means, where it cannot have gone round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// It was set to zero: what it shows is added; the total is an estimate.
    Restart,
    /// Nobody can say: the total is not judged.
    Refuse,
}

pub(super) const KIND: Kind = Kind {
    name: "total",
    says: "how much has passed: a flow over its time, or what a counter went on by",
    keys: keys!["of", "must_be", "source", "max_sample_gap", "rollover", "reset"],
    read,
};

/// The unit of the flow that adds up to an amount in `of`, and the time it is per: `L/min` to `L`.
pub fn parts(flow: Unit) -> Option<(Unit, Duration)> {
    if flow.ucum() == "kW" {
        return Some((Unit::named("kW.h")?, Duration::from_secs(3600)));
    }
    let (amount, time) = flow.ucum().split_once('/')?;
    let time = match time {
        "s" => 1,
        "min" => 60,
        "h" => 3600,
        _ => return None,
    };
    Some((Unit::named(amount)?, Duration::from_secs(time)))
}

/// A unit of flow whose total can be said in `unit`, for checks of units.
fn flow_of(unit: Unit) -> Option<Unit> {
    Unit::all().find(|flow| parts(*flow).is_some_and(|(amount, _)| amount.dimension() == unit.dimension()))
}

fn read(asking: &mut Asking<'_>) -> Option<Asks> {
    let of = asking.role("of");
    let must_be = asking.needed_band("must_be", "\"495 to 505 L\"");
    let counter = asking
        .word("source", &[("flow", false), ("counter", true)])
        .unwrap_or(false);
    let rollover = asking.size("rollover");
    let reset = asking.word("reset", &[("restart", Reset::Restart), ("refuse", Reset::Refuse)]);
    for key in ["rollover", "reset"] {
        if !counter && asking.block.has(key) {
            asking.complain(
                Complaint::new("rule-contradicts-itself", format!("a flow has no `{key}`"))
                    .help("take it out, or write source = \"counter\""),
                key,
            );
        }
    }
    let gap = asking.needed_time("max_sample_gap", "\"5 s\"");
    let (must_be, gap) = (must_be?, gap?);
    if counter {
        asking.in_unit(must_be.unit);
        if let Some(rollover) = &rollover {
            asking.same_dimension("rollover", rollover.unit, must_be.unit);
        }
    } else if let Some(flow) = flow_of(must_be.unit) {
        asking.in_unit(flow);
    } else {
        asking.complain(
            Complaint::new("unit-of-something-else", format!("no flow adds up to {}", must_be.unit))
                .help("totals of a flow are amounts of mass, volume or energy; a counter takes source = \"counter\""),
            "must_be",
        );
    }
    asking.no_slower_than(gap);
    let (low, high) = sides(&must_be);
    let source = if counter {
        Source::Counter {
            rollover,
            reset: reset.unwrap_or(Reset::Refuse),
        }
    } else {
        Source::Flow
    };
    Some(Asks::Total(Total {
        of: of?,
        low,
        high,
        unit: must_be.unit,
        source,
        max_sample_gap: gap,
    }))
}
