//! A session ends: somebody signed out, or it was over.

use super::{Act, Asked, Carry, Core};
use record::{Draft, Trouble};
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "sign-out",
    carry: Carry::Now(carry_out),
};

#[derive(Serialize, Deserialize)]
pub(crate) struct SignOut {
    pub(crate) person: String,
    /// The session was longer than any may be.
    pub(crate) over: bool,
}

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    if !asked.is_inside() {
        return Err(
            Trouble::new("request-not-understood", "sessions are ended at their screen")
                .means("nothing was done and nothing was changed")
                .so("revoke the account with `steelyard user revoke` to end all of a person's sessions"),
        );
    }
    let what: SignOut = asked.read()?;
    let because = if what.over { "session-over" } else { "signed-out" };
    let mut draft = Draft::new("access", core.clock.now())
        .with("state", "ended")
        .with("because", because)
        .data("person", what.person.as_str())
        .data("from", asked.from.as_str());
    if let Some(panel) = &asked.panel {
        draft = draft.data("panel", panel.as_str());
        if core.panels.sitting(panel) == Some(what.person.as_str()) {
            core.panels.left(panel);
        }
    }
    core.enter(draft)?;
    Ok(String::new())
}
