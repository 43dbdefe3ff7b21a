//! `spc`: the run rules of Nelson. They show a trend and never fail a batch.

use super::{Asking, Asks, Kind, keys};
use driver::Complaint;
use record::Quantity;

/// Centre and deviation, fixed: nothing in the path of a verdict is learned.
#[derive(Debug, Clone, PartialEq)]
pub struct Spc {
    pub of: String,
    pub centre: Quantity,
    /// A difference.
    pub sigma: Quantity,
    /// Which of Nelson's rules, 1 to 8, by bit `number - 1`.
    pub rules: u8,
}

pub(super) const KIND: Kind = Kind {
    name: "spc",
    says: "the run rules of Nelson: a trend, never a failure",
    keys: keys!["of", "centre", "sigma", "nelson"],
    read,
};

fn read(asking: &mut Asking<'_>) -> Option<Asks> {
    let of = asking.role("of");
    let centre = asking.needed_quantity("centre", "\"70.0 °C\"");
    asking.needs("sigma", "\"0.25 K\"");
    let sigma = asking.size("sigma");
    let mut rules = u8::MAX;
    if let Some(list) = asking.block.value("nelson") {
        let numbers: Option<Vec<u8>> = list.get_ref().as_array().and_then(|list| {
            list.iter()
                .map(|number| number.get_ref().as_integer()?.as_str().parse().ok())
                .collect()
        });
        match numbers {
            Some(numbers) if !numbers.is_empty() && numbers.iter().all(|number| (1..=8).contains(number)) => {
                rules = numbers.iter().fold(0, |rules, number| rules | 1 << (number - 1));
            }
            _ => asking.complain(
                Complaint::new("wrong-kind", "`nelson` lists rules 1 to 8").help("write nelson = [1, 2, 3]"),
                "nelson",
            ),
        }
    }
    let (centre, sigma) = (centre?, sigma?);
    asking.same_dimension("sigma", sigma.unit, centre.unit);
    asking.in_unit(centre.unit);
    Some(Asks::Spc(Spc {
        of: of?,
        centre,
        sigma,
        rules,
    }))
}
