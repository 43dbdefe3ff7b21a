//! Change the control recipe of a batch that runs: two proven persons, a reason, and a time it counts from.

use super::{Act, Asked, Carry, Core, recipe_approve::understood};
use crate::flow::line::{LineEvent, RecipeChange as Change};
use record::{Stamp, Trouble};
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "recipe-change",
    carry: Carry::Now(carry_out),
};

const CHANGERS: &[&str] = &["reviewer", "supervisor"];

#[derive(Serialize, Deserialize)]
pub(crate) struct RecipeChange {
    pub(crate) batch: String,
    pub(crate) file: String,
    pub(crate) text: String,
    /// An RFC 3339 moment; now where none is given.
    pub(crate) from: Option<String>,
    pub(crate) reason: String,
    pub(crate) by: String,
    pub(crate) secret: String,
    pub(crate) second: String,
    pub(crate) second_secret: String,
}

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let what: RecipeChange = asked.read()?;
    let refused = |says: String, action: &str| {
        Trouble::new("recipe-change-refused", says)
            .at(&what.batch)
            .means("nothing was changed: the batch goes on under the recipe it has")
            .so(action.to_owned())
    };
    let by = core.person(asked, CHANGERS)?;
    let second = core.prove(&what.second, &what.second_secret, "recipe-change")?;
    if second.id == by.id {
        let says = "the second person is the first".to_owned();
        return Err(refused(says, "have somebody else look at it and sign in"));
    }
    if !second.roles.iter().any(|role| CHANGERS.contains(&role.as_str())) {
        let says = format!(
            "{} may not do this: it needs the role {}",
            second.name,
            CHANGERS.join(" or ")
        );
        return Err(refused(says, "ask somebody who has the role"));
    }
    if what.reason.trim().is_empty() {
        return Err(refused("no reason was given".into(), "say why with --reason"));
    }
    let now = core.clock.now();
    let from = match &what.from {
        None => now,
        Some(text) => moment(text).ok_or_else(|| {
            refused(
                format!("{text:?} is no moment with its offset"),
                "write it like 2026-11-20T10:15:00.000Z",
            )
        })?,
    };
    let recipe = understood(core, &what.file, &what.text)?;
    let change = Change {
        batch: what.batch,
        recipe,
        from,
        by: by.id,
        second: second.id,
        reason: what.reason,
    };
    let number = core.line.may_change(&change, now)?;
    let said = format!(
        "{} runs under rev {}, change {number} from {from}",
        change.batch, change.recipe.revision
    );
    let change = Box::new(change);
    core.event(LineEvent::RecipeChanged { change, now })?;
    Ok(said)
}

fn moment(text: &str) -> Option<Stamp> {
    let any = || text.parse::<jiff::Timestamp>().ok();
    Stamp::read(text).or_else(|| any().map(|at| Stamp(at.as_millisecond())))
}
