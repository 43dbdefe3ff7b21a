//! Give somebody a badge with a PIN – for good on the machine or at a screen, or for a shift at the panel – or take
//! every badge away.

use super::{Act, Asked, Carry, Core};
use crate::flow::people::NewBadge;
use record::{Stamp, Trouble, b64};
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "user-badge",
    carry: Carry::Now(carry_out),
};

#[derive(Serialize, Deserialize)]
pub(crate) struct UserBadge {
    pub(crate) id: String,
    /// None takes every badge away.
    pub(crate) code: Option<String>,
    pub(crate) new_pin: String,
    pub(crate) until: Option<String>,
    pub(crate) reason: String,
    pub(crate) salt: String,
    pub(crate) by: String,
    pub(crate) secret: String,
}

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let what: UserBadge = asked.read()?;
    let by = core.person(asked, &["supervisor"])?;
    let now = core.clock.now();
    let Some(code) = what.code else {
        for draft in core.people.withdraw_badge(&what.id, &by.id, &what.reason, now)? {
            core.enter(draft)?;
        }
        return Ok(format!("{} has no badge any more", what.id));
    };
    let wrong = |what: &str| {
        Trouble::new("person-refused", what)
            .means("nobody was added and nothing was changed")
            .so("give the moment as 2026-11-20T22:00:00.000Z")
    };
    let until = match what.until.as_deref() {
        Some(until) => Some(Stamp::read(until).ok_or_else(|| wrong("the end of the badge is no moment"))?),
        None => None,
    };
    let salt = b64::decode(what.salt.as_bytes()).and_then(|salt| salt.try_into().ok());
    let badge = NewBadge {
        person: what.id,
        badge: code,
        pin: what.new_pin,
        by: by.id,
        reason: what.reason,
        salt: salt.ok_or_else(|| wrong("the salt is not 16 bytes"))?,
        until,
    };
    // the PIN is hashed as slowly as a password
    let people = &mut core.people;
    let drafts = tokio::task::block_in_place(|| people.give_badge(&badge, now))?;
    for draft in drafts {
        core.enter(draft)?;
    }
    Ok(format!("{} has a badge", badge.person))
}
