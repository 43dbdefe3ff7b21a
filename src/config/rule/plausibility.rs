//! `plausibility`: a value can be true at all.

use super::{Asking, Asks, Kind, keys, sides};
use record::{Quantity, Unit};
use std::time::Duration;

/// What no real value does. A breach is a fault of the instrument, never of the process.
#[derive(Debug, Clone, PartialEq)]
pub struct Plausibility {
    pub of: String,
    pub low: Option<Quantity>,
    pub high: Option<Quantity>,
    pub unit: Option<Unit>,
    /// The same digits for this long.
    pub stuck_after: Option<Duration>,
    /// A change between neighbours of more than this. A difference.
    pub jump: Option<Quantity>,
    /// Neighbours further apart may differ by anything.
    pub max_sample_gap: Duration,
}

pub(super) const KIND: Kind = Kind {
    name: "plausibility",
    says: "a value can be true at all: physical range, stuck, jump",
    keys: keys!["of", "physical", "stuck_after", "jump", "max_sample_gap"],
    read,
};

fn read(asking: &mut Asking<'_>) -> Option<Asks> {
    let of = asking.role("of");
    let physical = asking.band("physical");
    let stuck_after = asking.time("stuck_after");
    let jump = asking.size("jump");
    let max_sample_gap = asking.time("max_sample_gap").unwrap_or(Duration::from_secs(5));
    asking.one_of(&["physical", "stuck_after", "jump"]);
    let unit = physical
        .as_ref()
        .map(|band| band.unit)
        .or(jump.as_ref().map(|jump| jump.unit));
    if let Some(unit) = unit {
        asking.in_unit(unit);
        if let Some(jump) = &jump {
            asking.same_dimension("jump", jump.unit, unit);
        }
    }
    let (low, high) = physical.as_ref().map_or((None, None), sides);
    Some(Asks::Plausibility(Plausibility {
        of: of?,
        low,
        high,
        unit,
        stuck_after,
        jump,
        max_sample_gap,
    }))
}
