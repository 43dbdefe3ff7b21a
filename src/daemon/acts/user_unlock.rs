//! End the lock of an account after wrong tries.

use super::{Act, Asked, Carry, Core};
use record::Trouble;
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "user-unlock",
    carry: Carry::Now(carry_out),
};

#[derive(Serialize, Deserialize)]
pub(crate) struct UserUnlock {
    pub(crate) id: String,
    pub(crate) reason: String,
    pub(crate) by: String,
    pub(crate) secret: String,
}

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let what: UserUnlock = asked.read()?;
    let by = core.person(asked, &["supervisor"])?;
    let now = core.clock.now();
    for draft in core.people.unlock(&what.id, &by.id, &what.reason, now)? {
        core.enter(draft)?;
    }
    Ok(format!("{} may try again", what.id))
}
