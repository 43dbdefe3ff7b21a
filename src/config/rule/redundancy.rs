//! `redundancy`: two instruments that measure the same agree.

use super::{Asking, Asks, Kind, keys};
use driver::Complaint;
use record::Quantity;
use std::time::Duration;

/// A pair of points that must not differ by more than so much.
#[derive(Debug, Clone, PartialEq)]
pub struct Redundancy {
    pub of: String,
    pub and: String,
    /// A difference.
    pub within: Quantity,
    /// Readings are compared that were taken no further apart than this.
    pub at_most_apart: Duration,
    /// Shorter disagreements are none.
    pub longer_than: Duration,
}

pub(super) const KIND: Kind = Kind {
    name: "redundancy",
    says: "two instruments that measure the same agree",
    keys: keys!["of", "and", "within", "at_most_apart", "longer_than"],
    read,
};

fn read(asking: &mut Asking<'_>) -> Option<Asks> {
    let of = asking.role("of");
    let and = asking.role("and");
    asking.needs("within", "\"0.5 K\"");
    let within = asking.quantity("within");
    let at_most_apart = asking.time("at_most_apart").unwrap_or(Duration::from_secs(5));
    let longer_than = asking.time("longer_than").unwrap_or_default();
    if of.is_some() && of == and {
        asking.complain(
            Complaint::new("rule-contradicts-itself", "a point always agrees with itself")
                .help("name two roles"),
            "and",
        );
    }
    let within = within?;
    asking.in_unit(within.unit);
    asking.no_slower_than(at_most_apart);
    Some(Asks::Redundancy(Redundancy {
        of: of?,
        and: and?,
        within,
        at_most_apart,
        longer_than,
    }))
}
