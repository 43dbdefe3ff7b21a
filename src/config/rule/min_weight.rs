//! `min-weight`: a net weight is large enough to be known well enough, and not too large for its scale.

use super::{
    Asking, Asks, Kind, keys,
    target::{JUDGED, Judged},
};
use crate::config::tolerance::difference_in;
use driver::Complaint;
use record::Quantity;
use rust_decimal::Decimal;

/// The smallest net weight, given or from the scale's repeatability: `2 · max(s, 0.41 d) / tolerance · safety`.
#[derive(Debug, Clone, PartialEq)]
pub struct MinWeight {
    pub of: String,
    pub at_least: Quantity,
    pub at_most: Option<Quantity>,
    pub judged: Judged,
}

pub(super) const KIND: Kind = Kind {
    name: "min-weight",
    says: "a net weight is large enough for its scale, and not too large",
    keys: keys![
        "of",
        "at_least",
        "repeatability",
        "division",
        "tolerance",
        "safety",
        "at_most",
        "judged"
    ],
    read,
};

/// The smallest weight that a scale of this repeatability and division weighs within the tolerance (in per cent).
pub fn smallest(
    repeatability: &Quantity,
    division: &Quantity,
    per_cent: Decimal,
    safety: Decimal,
) -> Option<Quantity> {
    let d = division.amount.number();
    let s = difference_in(repeatability, division.unit)?;
    let floor = d.checked_mul(Decimal::new(41, 2))?;
    let smallest = s
        .max(floor)
        .checked_mul(Decimal::from(200))?
        .checked_mul(safety)?
        .checked_div(per_cent)?;
    Some(Quantity {
        amount: record::Amount::of(smallest.normalize()),
        unit: division.unit,
    })
}

fn read(asking: &mut Asking<'_>) -> Option<Asks> {
    let of = asking.role("of");
    let given = asking.size("at_least");
    let repeatability = asking.quantity("repeatability");
    let division = asking.size("division");
    let tolerance = asking.size("tolerance");
    let safety = asking.size("safety");
    let at_most = asking.size("at_most");
    let judged = asking.word("judged", JUDGED).unwrap_or(Judged::AtEnd);
    asking.one_of(&["at_least", "repeatability"]);
    let computed = if asking.block.has("repeatability") {
        asking.needs("division", "\"0.1 mg\"");
        asking.needs("tolerance", "\"0.10 %\"");
        if let Some(given) = &given {
            asking.complain(
                Complaint::new(
                    "rule-contradicts-itself",
                    format!("{given} is given and the repeatability would give another"),
                )
                .help("write either `at_least`, or `repeatability`, `division` and `tolerance`"),
                "at_least",
            );
        }
        for (key, part) in [("tolerance", &tolerance), ("safety", &safety)] {
            let fits = |part: &Quantity| {
                if key == "safety" {
                    part.unit.ucum() == "1"
                } else {
                    part.unit.ucum() == "%"
                }
            };
            if part.as_ref().is_some_and(|part| !fits(part)) {
                asking.complain(
                    Complaint::new(
                        "unit-of-something-else",
                        format!("`{key}` is written in another unit"),
                    )
                    .help("write tolerance = \"0.10 %\" and safety = \"2 pcs\""),
                    key,
                );
            }
        }
        let safety = safety.map_or(Decimal::ONE, |safety| safety.amount.number());
        let smallest = smallest(&repeatability?, &division?, tolerance?.amount.number(), safety);
        if smallest.is_none() {
            asking.complain(
                Complaint::new(
                    "unit-of-something-else",
                    "repeatability and division are no amounts of one kind",
                )
                .help("write both in units of mass"),
                "repeatability",
            );
        }
        smallest
    } else {
        given
    };
    let at_least = computed?;
    asking.in_unit(at_least.unit);
    if let Some(most) = &at_most {
        asking.same_dimension("at_most", most.unit, at_least.unit);
    }
    Some(Asks::MinWeight(MinWeight {
        of: of?,
        at_least,
        at_most,
        judged,
    }))
}
