//! Take the account from somebody who left or must not act any more.

use super::{Act, Asked, Carry, Core};
use record::Trouble;
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "user-revoke",
    carry: Carry::Now(carry_out),
};

#[derive(Serialize, Deserialize)]
pub(crate) struct UserRevoke {
    pub(crate) id: String,
    pub(crate) reason: String,
    pub(crate) by: String,
    pub(crate) secret: String,
}

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let what: UserRevoke = asked.read()?;
    let by = core.person(asked, &["supervisor"])?;
    let now = core.clock.now();
    for draft in core.people.revoke(&what.id, &by.id, &what.reason, now)? {
        core.enter(draft)?;
    }
    Ok(format!("the account of {} is revoked", what.id))
}
