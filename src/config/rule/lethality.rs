//! `lethality`: heat adds up to a dose: F0, PU.

use super::{Asking, Asks, Kind, keys};
use crate::config::tolerance::difference_in;
use driver::Complaint;
use record::{Quantity, Unit};
use rust_decimal::Decimal;
use std::time::Duration;

/// `Σ Δt · 10^((T − reference) / z)`, in minutes.
#[derive(Debug, Clone, PartialEq)]
pub struct Lethality {
    pub of: String,
    /// In °C.
    pub reference: Decimal,
    /// In K.
    pub z: Decimal,
    /// Below this nothing is credited, in °C.
    pub from: Option<Decimal>,
    pub at_least: Duration,
    pub at_most: Option<Duration>,
    /// Nothing is credited between readings further apart.
    pub max_sample_gap: Duration,
}

pub(super) const KIND: Kind = Kind {
    name: "lethality",
    says: "heat adds up to a dose: F0, PU",
    keys: keys![
        "of",
        "reference",
        "z",
        "credited_from",
        "at_least",
        "at_most",
        "max_sample_gap"
    ],
    read,
};

fn read(asking: &mut Asking<'_>) -> Option<Asks> {
    let of = asking.role("of");
    let reference = asking.needed_quantity("reference", "\"121.11 °C\"");
    let z = asking.needed_quantity("z", "\"10 K\"");
    let from = asking.quantity("credited_from");
    let at_least = asking.needed_time("at_least", "\"15 min\"");
    let at_most = asking.time("at_most");
    let gap = asking.needed_time("max_sample_gap", "\"5 s\"");
    // holds because the table of units has it; without it the rule is none
    let celsius = Unit::named("Cel")?;
    let mut degrees = |key: &str, quantity: Option<Quantity>, difference: bool| {
        let quantity = quantity?;
        let number = if difference {
            difference_in(&quantity, celsius)
        } else {
            quantity.number_in(celsius)
        };
        if number.is_none() {
            asking.same_dimension(key, quantity.unit, celsius);
        }
        number
    };
    let reference = degrees("reference", reference, false);
    let z = degrees("z", z, true);
    let from = degrees("credited_from", from, false);
    if z.is_some_and(|z| z <= Decimal::ZERO) {
        asking.complain(
            Complaint::new("out-of-range", "`z` is more than nothing").help("write z = \"10 K\""),
            "z",
        );
    }
    asking.in_unit(celsius);
    let gap = gap?;
    asking.no_slower_than(gap);
    Some(Asks::Lethality(Lethality {
        of: of?,
        reference: reference?,
        z: z?,
        from,
        at_least: at_least?,
        at_most,
        max_sample_gap: gap,
    }))
}
