//! `time-in-range`: a value stays in a range for so long, at a stretch or in sum.

use super::{Asking, Asks, Kind, keys, sides};
use driver::Complaint;
use record::{Quantity, Unit};
use std::time::Duration;

/// So long between two values.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeInRange {
    pub of: String,
    pub low: Option<Quantity>,
    pub high: Option<Quantity>,
    pub unit: Unit,
    pub at_least: Duration,
    pub at_most: Option<Duration>,
    pub how: How,
    /// At a stretch: a stay outside up to this long does not break it. It is not credited.
    pub max_excursion: Option<Duration>,
    /// At a stretch: so many such stays, and not one more.
    pub max_excursions: Option<u32>,
    /// Time between two readings is credited up to this; more is a gap.
    pub max_sample_gap: Duration,
}

/// How the time is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The longest stretch counts.
    Continuous,
    /// The sum of all stretches counts.
    Cumulative,
}

pub(super) const KIND: Kind = Kind {
    name: "time-in-range",
    says: "a value stays in a range for so long, at a stretch or in sum",
    keys: keys![
        "of",
        "range",
        "at_least",
        "at_most",
        "how",
        "max_excursion",
        "max_excursions",
        "max_sample_gap"
    ],
    read,
};

fn read(asking: &mut Asking<'_>) -> Option<Asks> {
    let of = asking.role("of");
    let range = asking.needed_band("range", "\"63.0 to 67.0 °C\"");
    let at_least = asking.needed_time("at_least", "\"10 min\"");
    let at_most = asking.time("at_most");
    let how = asking
        .word(
            "how",
            &[("continuous", How::Continuous), ("cumulative", How::Cumulative)],
        )
        .unwrap_or(How::Continuous);
    let max_excursion = asking.time("max_excursion");
    let max_excursions = asking.count("max_excursions", 0);
    let max_sample_gap = asking.needed_time("max_sample_gap", "\"5 s\"");
    if how == How::Cumulative && (max_excursion.is_some() || max_excursions.is_some()) {
        let key = if max_excursion.is_some() {
            "max_excursion"
        } else {
            "max_excursions"
        };
        asking.complain(
            Complaint::new(
                "rule-contradicts-itself",
                "time counted in sum is not broken by excursions",
            )
            .help("take it out, or write how = \"continuous\""),
            key,
        );
    }
    if at_most.zip(at_least).is_some_and(|(most, least)| most < least) {
        asking.complain(
            Complaint::new("limits-reversed", "`at_most` is less than `at_least`")
                .help("write the longer time there"),
            "at_most",
        );
    }
    let (range, max_sample_gap) = (range?, max_sample_gap?);
    asking.in_unit(range.unit);
    asking.no_slower_than(max_sample_gap);
    let (low, high) = sides(&range);
    Some(Asks::TimeInRange(TimeInRange {
        of: of?,
        low,
        high,
        unit: range.unit,
        at_least: at_least?,
        at_most,
        how,
        max_excursion,
        max_excursions,
        max_sample_gap,
    }))
}
