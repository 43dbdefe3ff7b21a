//! `reconciliation`: what came out is what went in.

use super::{Asking, Asks, Kind, keys, sides};
use driver::Complaint;
use record::Quantity;

/// The sum of the outputs as a share of the sum of the inputs.
#[derive(Debug, Clone, PartialEq)]
pub struct Reconciliation {
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
    /// Limits of the yield, in per cent.
    pub low: Option<Quantity>,
    pub high: Option<Quantity>,
}

pub(super) const KIND: Kind = Kind {
    name: "reconciliation",
    says: "what came out is what went in, within limits",
    keys: keys!["inputs", "outputs", "must_be"],
    read,
};

fn read(asking: &mut Asking<'_>) -> Option<Asks> {
    let inputs = asking.roles("inputs", "[\"water-net\", \"oil-net\"]");
    let outputs = asking.roles("outputs", "[\"filled-net\"]");
    let must_be = asking.needed_band("must_be", "\"98.0 to 101.0 %\"")?;
    if must_be.unit.ucum() != "%" {
        asking.complain(
            Complaint::new("unit-of-something-else", "a yield is a share, in per cent")
                .help("write \"98.0 to 101.0 %\""),
            "must_be",
        );
    }
    if let Some(twice) = outputs.iter().find(|output| inputs.contains(output)) {
        asking.complain(
            Complaint::new(
                "rule-contradicts-itself",
                format!("{twice} goes in and comes out"),
            )
            .help("name each role on one side"),
            "outputs",
        );
    }
    let (low, high) = sides(&must_be);
    Some(Asks::Reconciliation(Reconciliation {
        inputs,
        outputs,
        low,
        high,
    }))
}
