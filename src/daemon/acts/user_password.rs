//! Another password: one's own, proven by the old one; or somebody's, by a supervisor, who then knows it, so that it
//! has to be changed before it counts.

use super::{Act, Asked, Carry, Core};
use record::{Trouble, b64};
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "user-password",
    carry: Carry::Now(carry_out),
};

#[derive(Serialize, Deserialize)]
pub(crate) struct UserPassword {
    pub(crate) id: String,
    pub(crate) new: String,
    pub(crate) salt: String,
    pub(crate) by: String,
    /// Always the one in force, also at a screen: whoever finds an open session changes no password.
    pub(crate) secret: String,
}

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let what: UserPassword = asked.read()?;
    let salt = b64::decode(what.salt.as_bytes()).and_then(|salt| salt.try_into().ok());
    let salt = salt.ok_or_else(|| Trouble::new("person-refused", "the salt is not 16 bytes"))?;
    let by = if what.id == what.by {
        core.proven(&asked.read()?, "user-password", &asked.from)?
            .person()
            .clone()
    } else {
        core.person(asked, &["supervisor"])?
    };
    let now = core.clock.now();
    let people = &mut core.people;
    let drafts =
        tokio::task::block_in_place(|| people.set_password(&what.id, &what.new, &by.id, &salt, now))?;
    for draft in drafts {
        core.enter(draft)?;
    }
    Ok(format!("{} has another password", what.id))
}
