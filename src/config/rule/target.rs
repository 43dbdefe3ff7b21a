//! `target`: a value comes to a target within its tolerance.

use super::{Asking, Asks, Kind, keys};
use crate::config::tolerance::{self, Tolerance, Whichever, window};
use driver::Complaint;
use record::Quantity;

/// A target and what it may be missed by.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    pub of: String,
    /// Scaled with the batch where the recipe says so.
    pub target: Quantity,
    pub tolerance: Tolerance,
    pub or: Option<(Tolerance, Whichever)>,
    /// The scale's division: the window is rounded inwards to it.
    pub division: Option<Quantity>,
    pub judged: Judged,
}

/// Which readings are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judged {
    /// The last good one of the step.
    AtEnd,
    /// Every one.
    Every,
}

pub(super) const JUDGED: &[(&str, Judged)] = &[("at-end", Judged::AtEnd), ("every", Judged::Every)];

impl Target {
    /// The lowest and the highest value on target, in the unit of the target; `Err` where none is left.
    pub fn window(
        &self,
    ) -> Result<
        (rust_decimal::Decimal, rust_decimal::Decimal),
        Option<(rust_decimal::Decimal, rust_decimal::Decimal)>,
    > {
        let or = self.or.as_ref().map(|(or, which)| (or, *which));
        window(&self.target, &self.tolerance, or, self.division.as_ref())
    }
}

pub(super) const KIND: Kind = Kind {
    name: "target",
    says: "a value comes to a target within its tolerance",
    keys: keys![
        "of",
        "target",
        "tolerance",
        "or",
        "whichever_is",
        "division",
        "judged"
    ],
    read,
};

fn read(asking: &mut Asking<'_>) -> Option<Asks> {
    let of = asking.role("of");
    let target = asking.needed_quantity("target", "\"12.50 kg\"");
    asking.needs("tolerance", "\"± 0.5 %\"");
    let allowed = asking.sentence("tolerance", tolerance::tolerance);
    let or = asking.sentence("or", tolerance::tolerance);
    let which = asking.word(
        "whichever_is",
        &[("greater", Whichever::Greater), ("lesser", Whichever::Lesser)],
    );
    if or.is_some() != which.is_some() {
        let key = if or.is_some() { "or" } else { "whichever_is" };
        asking.complain(
            Complaint::new(
                "rule-contradicts-itself",
                "`or` and `whichever_is` belong together",
            )
            .help("with two tolerances say which counts: whichever_is = \"greater\" or \"lesser\""),
            key,
        );
    }
    let division = asking.size("division");
    let judged = asking.word("judged", JUDGED).unwrap_or(Judged::AtEnd);
    let target = target?;
    asking.in_unit(target.unit);
    let target = Target {
        of: of?,
        target,
        tolerance: allowed?,
        or: or.zip(which),
        division,
        judged,
    };
    no_window(asking, &target);
    Some(Asks::Target(target))
}

/// A tolerance that leaves nothing, or measures something else.
fn no_window(asking: &mut Asking<'_>, target: &Target) {
    let complaint = match target.window() {
        Ok(_) => return,
        Err(None) => Complaint::new(
            "unit-of-something-else",
            format!(
                "a tolerance or division is no amount of {}",
                target.target.unit.dimension()
            ),
        )
        .help("write them in per cent or in a unit of the target's kind"),
        Err(Some((low, high))) => {
            let unit = target.target.unit;
            let what = format!("between {low} and {high} {unit} lies no value the scale can show");
            Complaint::new("tolerance-without-window", what)
                .why("every weighing would be judged as missed")
                .help("choose a scale with a finer division, or a wider tolerance")
        }
    };
    asking.complain(complaint, "tolerance");
}
