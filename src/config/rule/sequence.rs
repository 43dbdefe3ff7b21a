//! `sequence`: steps begin in their order.

use super::{Asked, AskedOf, Asking, Asks, Kind, Place, keys};
use driver::Complaint;

/// The order of steps in a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Sequence {
    pub order: Vec<String>,
    /// Those that must not be left out.
    pub mandatory: Vec<String>,
    /// One may begin before the one before it has ended.
    pub parallel: bool,
}

pub(super) const KIND: Kind = Kind {
    name: "sequence",
    says: "steps begin in their order, and none is left out",
    keys: keys!["order", "mandatory", "parallel"],
    read,
};

#[expect(
    clippy::unnecessary_wraps,
    reason = "every kind is read alike; of this one, what is left out has a meaning"
)]
fn read(asking: &mut Asking<'_>) -> Option<Asks> {
    asking.needs("order", "[\"charge-water\", \"charge-oils\", \"emulsify\"]");
    let order = asking.texts("order");
    let mandatory = asking.texts("mandatory");
    let parallel = asking.flag("parallel").unwrap_or(false);
    for step in &order {
        asking.asked.push(Asked {
            what: AskedOf::Step(step.get_ref().clone()),
            place: Place(step.span()),
        });
    }
    let names: Vec<String> = order.iter().map(|step| step.get_ref().clone()).collect();
    let twice = names
        .iter()
        .enumerate()
        .find(|(at, name)| names[..*at].contains(name));
    if let Some((_, twice)) = twice {
        asking.complain(
            Complaint::new("given-twice", format!("{twice} stands twice in the order"))
                .help("keep one of the two"),
            "order",
        );
    }
    if let Some(unknown) = mandatory.iter().find(|step| !names.contains(step.get_ref())) {
        asking.complain(
            Complaint::new(
                "rule-contradicts-itself",
                format!("{} is not in the order", unknown.get_ref()),
            )
            .help("name steps of `order`"),
            "mandatory",
        );
    }
    let mandatory: Vec<String> = mandatory.into_iter().map(toml::Spanned::into_inner).collect();
    Some(Asks::Sequence(Sequence {
        mandatory: if asking.block.has("mandatory") {
            mandatory
        } else {
            names.clone()
        },
        order: names,
        parallel,
    }))
}
