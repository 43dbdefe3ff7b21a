//! Somebody proves who they are for one act, beside the session that is open. A refused try is an entry; what was
//! proven is named by the entry of the act.

use super::{Act, Asked, Carry, Core};
use crate::flow::people::Given;
use record::Trouble;
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "prove",
    carry: Carry::Now(carry_out),
};

/// For what, and what is given.
#[derive(Serialize, Deserialize)]
pub(crate) struct Prove {
    pub(crate) what: String,
    pub(crate) roles: Vec<String>,
    /// Whom it must not be: the other of two people.
    pub(crate) not: Option<String>,
    #[serde(flatten)]
    pub(crate) given: Given,
}

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    if !asked.is_inside() {
        return Err(Trouble::new(
            "request-not-understood",
            "this is asked by the gateway itself only",
        )
        .means("nothing was done and nothing was changed")
        .so("use the steelyard command of the same version as the gateway that runs"));
    }
    let what: Prove = asked.read()?;
    let roles: Vec<&str> = what.roles.iter().map(String::as_str).collect();
    let proven = core.for_one_act(&what.given, &what.what, asked, &roles, what.not.as_deref())?;
    Ok(proven.to_json())
}
