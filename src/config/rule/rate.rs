//! `rate`: how fast a value changes.

use super::{Asking, Asks, Kind, keys, sides};
use driver::Complaint;
use record::{Quantity, Unit};
use std::time::Duration;

/// The slope of the least-squares line through the readings of a window.
#[derive(Debug, Clone, PartialEq)]
pub struct Rate {
    pub of: String,
    /// Limits of the change, per `per`.
    pub low: Option<Quantity>,
    pub high: Option<Quantity>,
    pub unit: Unit,
    pub per: Duration,
    pub window: Duration,
    pub min_readings: u32,
    /// Two readings further apart than this begin the window anew.
    pub max_sample_gap: Duration,
}

pub(super) const KIND: Kind = Kind {
    name: "rate",
    says: "how fast a value changes",
    keys: keys!["of", "must_be", "per", "window", "min_readings", "max_sample_gap"],
    read,
};

fn read(asking: &mut Asking<'_>) -> Option<Asks> {
    let of = asking.role("of");
    let must_be = asking.needed_band("must_be", "\"0.5 to 2.0 °C\"");
    let per = asking.word(
        "per",
        &[
            ("s", Duration::from_secs(1)),
            ("min", Duration::from_secs(60)),
            ("h", Duration::from_secs(3600)),
        ],
    );
    asking.needs("per", "\"min\"");
    let window = asking.needed_time("window", "\"5 min\"");
    let min_readings = asking.count("min_readings", 3).unwrap_or(5);
    let gap = asking.time("max_sample_gap");
    let (must_be, window) = (must_be?, window?);
    let gap = gap.unwrap_or(window / 2);
    if gap > window {
        asking.complain(
            Complaint::new(
                "rule-contradicts-itself",
                "a gap longer than the window leaves nothing in it",
            )
            .help("write a `max_sample_gap` shorter than `window`"),
            "max_sample_gap",
        );
    }
    asking.in_unit(must_be.unit);
    asking.no_slower_than(gap.min(window / min_readings));
    let (low, high) = sides(&must_be);
    Some(Asks::Rate(Rate {
        of: of?,
        low,
        high,
        unit: must_be.unit,
        per: per?,
        window,
        min_readings,
        max_sample_gap: gap,
    }))
}
