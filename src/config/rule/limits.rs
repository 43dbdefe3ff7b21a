//! `limits`: every reading lies between two values.

use super::{Asking, Asks, Kind, keys, sides};
use crate::config::plant;
use driver::Complaint;
use record::Quantity;
use std::time::Duration;

/// Inclusive bounds on every reading.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    pub of: String,
    pub limits: plant::Limits,
    pub basis: Basis,
    /// The alarm is raised once a limit has been broken this long.
    pub on_delay: Duration,
    /// The alarm goes once the value has been back this long.
    pub off_delay: Duration,
    /// And is back inside by this much. A difference.
    pub deadband: Option<Quantity>,
}

/// Which digits are compared.
#[derive(Debug, Clone, PartialEq)]
pub enum Basis {
    /// As the instrument gave them.
    Raw,
    /// As the display shows them: rounded to its division, half away from zero, where one is named.
    Displayed { division: Option<Quantity> },
}

#[derive(Clone, Copy)]
enum Word {
    Raw,
    Displayed,
}

pub(super) const KIND: Kind = Kind {
    name: "limits",
    says: "every reading lies between two values",
    keys: keys![
        "of",
        "must_be",
        "warn_outside",
        "basis",
        "division",
        "on_delay",
        "off_delay",
        "deadband"
    ],
    read,
};

fn read(asking: &mut Asking<'_>) -> Option<Asks> {
    let of = asking.role("of");
    let must_be = asking.needed_band("must_be", "\"68.0 to 72.0 °C\"");
    let warn = asking.band("warn_outside");
    let basis = asking.word("basis", &[("displayed", Word::Displayed), ("raw", Word::Raw)]);
    let division = asking.size("division");
    if let (Some(Word::Raw), Some(_)) = (basis, &division) {
        asking.complain(
            Complaint::new(
                "rule-contradicts-itself",
                "raw digits are not rounded to a division",
            )
            .help("take `division` out, or write basis = \"displayed\""),
            "division",
        );
    }
    let on_delay = asking.time("on_delay").unwrap_or_default();
    let off_delay = asking.time("off_delay").unwrap_or_default();
    let deadband = asking.quantity("deadband");
    let must_be = must_be?;
    asking.in_unit(must_be.unit);
    if let Some(warn) = &warn {
        asking.same_dimension("warn_outside", warn.unit, must_be.unit);
        let number = |placed: &Option<crate::config::sentence::Placed>| {
            placed
                .as_ref()
                .and_then(|placed| placed.quantity.number_in(must_be.unit))
        };
        let beyond = matches!((number(&warn.low), number(&must_be.low)), (Some(warn), Some(limit)) if warn < limit)
            || matches!((number(&warn.high), number(&must_be.high)), (Some(warn), Some(limit)) if warn > limit);
        if beyond {
            asking.complain(
                Complaint::new(
                    "warning-outside-limits",
                    "the warning band reaches beyond the limits",
                )
                .why("nobody would be warned before the limit breaks")
                .help("write a band inside `must_be`"),
                "warn_outside",
            );
        }
    }
    for (key, quantity) in [("division", &division), ("deadband", &deadband)] {
        if let Some(quantity) = quantity {
            asking.same_dimension(key, quantity.unit, must_be.unit);
        }
    }
    let (low, high) = sides(&must_be);
    let (warn_low, warn_high) = warn.as_ref().map_or((None, None), sides);
    Some(Asks::Limits(Limits {
        of: of?,
        limits: plant::Limits {
            low,
            high,
            warn_low,
            warn_high,
        },
        basis: match basis {
            Some(Word::Raw) => Basis::Raw,
            _ => Basis::Displayed { division },
        },
        on_delay,
        off_delay,
        deadband,
    }))
}
