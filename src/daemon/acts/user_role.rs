//! Give somebody other roles.

use super::{Act, Asked, Carry, Core};
use record::Trouble;
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "user-role",
    carry: Carry::Now(carry_out),
};

#[derive(Serialize, Deserialize)]
pub(crate) struct UserRole {
    pub(crate) id: String,
    pub(crate) roles: Vec<String>,
    pub(crate) reason: String,
    pub(crate) by: String,
    pub(crate) secret: String,
}

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let what: UserRole = asked.read()?;
    let by = core.person(asked, &["supervisor"])?;
    let now = core.clock.now();
    for draft in core
        .people
        .set_roles(&what.id, &what.roles, &by.id, &what.reason, now)?
    {
        core.enter(draft)?;
    }
    Ok(format!("{} has other roles", what.id))
}
