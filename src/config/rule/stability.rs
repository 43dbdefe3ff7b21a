//! `stability`: a value comes to rest in time.

use super::{Asking, Asks, Kind, keys};
use record::Quantity;
use std::time::Duration;

/// At rest: within a band over a window, and by the instrument's own word.
#[derive(Debug, Clone, PartialEq)]
pub struct Stability {
    pub of: String,
    /// Highest less lowest in the window. A difference.
    pub within: Quantity,
    pub over: Duration,
    /// Unstable longer than this is an exception.
    pub timeout: Duration,
    /// May be inferred without the instrument's own word: from five readings over two seconds at least.
    pub inferred: bool,
}

pub(super) const KIND: Kind = Kind {
    name: "stability",
    says: "a value comes to rest in time",
    keys: keys!["of", "within", "over", "timeout", "inferred"],
    read,
};

fn read(asking: &mut Asking<'_>) -> Option<Asks> {
    let of = asking.role("of");
    asking.needs("within", "\"0.02 g\"");
    let within = asking.quantity("within");
    let over = asking.time("over").unwrap_or(Duration::from_secs(2));
    let timeout = asking.needed_time("timeout", "\"30 s\"");
    let inferred = asking.flag("inferred").unwrap_or(false);
    let within = within?;
    asking.in_unit(within.unit);
    asking.no_slower_than(over);
    Some(Asks::Stability(Stability {
        of: of?,
        within,
        over,
        timeout: timeout?,
        inferred,
    }))
}
