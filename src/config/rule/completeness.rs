//! `completeness`: enough was read, without long gaps.

use super::{Asking, Asks, Kind, keys};
use driver::Complaint;
use rust_decimal::Decimal;
use std::time::Duration;

/// Enough good readings, none too far apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Completeness {
    pub of: String,
    /// So many good readings in the run.
    pub readings: Option<u32>,
    /// One reading is expected in every such time …
    pub one_in: Option<Duration>,
    /// … and so many per cent of those must be there. 100 where it is not given.
    pub share: Decimal,
    pub max_gap: Option<Duration>,
}

pub(super) const KIND: Kind = Kind {
    name: "completeness",
    says: "enough was read, without long gaps",
    keys: keys!["of", "readings", "one_in", "share", "max_gap"],
    read,
};

fn read(asking: &mut Asking<'_>) -> Option<Asks> {
    let of = asking.role("of");
    let readings = asking.count("readings", 1);
    let one_in = asking.time("one_in");
    let share = asking.size("share");
    let max_gap = asking.time("max_gap");
    asking.one_of(&["readings", "one_in", "max_gap"]);
    let bad_share = share.as_ref().is_some_and(|share| {
        share.unit.ucum() != "%" || share.amount.number() > Decimal::ONE_HUNDRED || one_in.is_none()
    });
    if bad_share {
        asking.complain(
            Complaint::new(
                "rule-contradicts-itself",
                "`share` is a part of what `one_in` expects, in per cent",
            )
            .help("write one_in = \"5 s\" and share = \"95 %\""),
            "share",
        );
    }
    if let Some(gap) = max_gap {
        asking.no_slower_than(gap);
    }
    Some(Asks::Completeness(Completeness {
        of: of?,
        readings,
        one_in,
        share: share.map_or(Decimal::ONE_HUNDRED, |share| share.amount.number()),
        max_gap,
    }))
}
