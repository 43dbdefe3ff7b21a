//! Context told by a person: where persons are the unit's authority, or while its authority is away.

use super::{Act, Asked, Carry, Core};
use crate::flow::context::compose::{Of, Said, What};
use record::{Stamp, Trouble};
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "context",
    carry: Carry::Now(carry_out),
};

/// What a person says, and why.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Context {
    pub(crate) unit: String,
    /// `start`, `hold`, `restart`, `stop`, `abort` or `complete`.
    pub(crate) what: String,
    /// Id of a step; none: it is said of the batch.
    pub(crate) step: Option<String>,
    #[serde(default)]
    pub(crate) title: String,
    /// Id of the batch; the one in the unit where none is named.
    pub(crate) batch: Option<String>,
    #[serde(default)]
    pub(crate) product: String,
    #[serde(default)]
    pub(crate) recipe: String,
    #[serde(default)]
    pub(crate) revision: String,
    #[serde(default)]
    pub(crate) size: String,
    /// When it took place; now where it is not said.
    pub(crate) at: Option<String>,
    pub(crate) reason: String,
}

/// Who may say what happens in a unit.
const ROLES: &[&str] = &["operator", "supervisor"];

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let told: Context = asked.read()?;
    let now = core.clock.now();
    let said = meant(&told, now)?;
    let person = core.person(asked, ROLES)?;
    let (line, recorder) = (&mut core.line, &mut core.recorder);
    line.said(&told.unit, &said, &person.id, &told.reason, now, recorder)
}

fn meant(told: &Context, now: Stamp) -> Result<Said, Trouble> {
    let refused = |what: String, action: &str| {
        Trouble::new("context-not-taken", what)
            .at(format!("context of unit {}", told.unit))
            .means("nothing was done and nothing was changed")
            .so(action)
    };
    let what = What::ALL
        .iter()
        .find(|(word, _)| *word == told.what)
        .map(|(_, what)| *what)
        .ok_or_else(|| {
            refused(
                format!("nothing is called {:?}", told.what),
                "say start, hold, restart, stop, abort or complete",
            )
        })?;
    if told.reason.trim().is_empty() {
        return Err(refused(
            "no reason is given".to_owned(),
            "say why, in one sentence",
        ));
    }
    let at = match &told.at {
        None => now,
        Some(text) => text
            .parse::<jiff::Timestamp>()
            .map(|at| Stamp(at.as_millisecond()))
            .map_err(|_| {
                refused(
                    format!("{text:?} is no moment with its offset"),
                    "write it as 2026-11-20T10:15:00Z",
                )
            })?,
    };
    for (name, text) in [("step", &told.step), ("batch", &told.batch)] {
        let bad = |text: &String| text.trim().is_empty() || text.contains('+') || text.len() > 200;
        if text
            .as_ref()
            .is_some_and(|text| bad(text) || text.chars().any(char::is_control))
        {
            return Err(refused(
                format!("this cannot be the id of a {name}"),
                "write it as it stands in the order; a + joins steps that run side by side",
            ));
        }
    }
    let of = match &told.step {
        Some(id) => Of::Step {
            id: id.clone(),
            title: told.title.clone(),
        },
        None => Of::Batch {
            id: told.batch.clone(),
            product: told.product.clone(),
            recipe: told.recipe.clone(),
            revision: told.revision.clone(),
            size: told.size.clone(),
        },
    };
    Ok(Said { what, of, at })
}
