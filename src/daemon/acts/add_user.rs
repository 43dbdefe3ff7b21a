//! Add a person, or give one another name, role or secret.

use super::{Act, Asked, Carry, Core};
use crate::flow::people::NewPerson;
use record::{Trouble, b64};
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "add-user",
    carry: Carry::Now(carry_out),
};

#[derive(Serialize, Deserialize)]
pub(crate) struct AddUser {
    id: String,
    name: String,
    roles: Vec<String>,
    secret: String,
    by: String,
    reason: String,
    salt: String,
    #[serde(default)]
    initial: bool,
}

impl From<&NewPerson> for AddUser {
    fn from(new: &NewPerson) -> Self {
        Self {
            id: new.id.clone(),
            name: new.name.clone(),
            roles: new.roles.clone(),
            secret: new.secret.clone(),
            by: new.by.clone(),
            reason: new.reason.clone(),
            salt: b64::encode(&new.salt),
            initial: new.initial,
        }
    }
}

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let new: AddUser = asked.read()?;
    let salt = b64::decode(new.salt.as_bytes()).and_then(|salt| salt.try_into().ok());
    let salt = salt.ok_or_else(|| Trouble::new("person-refused", "the salt is not 16 bytes"))?;
    let person = NewPerson {
        id: new.id,
        name: new.name,
        roles: new.roles,
        secret: new.secret,
        by: new.by,
        reason: new.reason,
        salt,
        initial: new.initial,
    };
    for draft in core.people.add(&person, core.clock.now())? {
        core.enter(draft)?;
    }
    Ok(format!("{} is entered", person.id))
}
