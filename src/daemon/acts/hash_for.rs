//! The Argon2id run that proving somebody will need, so that it is made away from the core. For this program alone.

use super::{Act, Asked, Carry, Core};
use crate::flow::{needs::Directory, people::Given};
use record::Trouble;

pub(crate) const ACT: Act = Act {
    name: "hash-for",
    carry: Carry::Look(look),
};

fn look(core: &Core, asked: &Asked) -> Result<String, Trouble> {
    if !asked.is_inside() {
        return Err(Trouble::new(
            "request-not-understood",
            "this is asked by the gateway itself only",
        )
        .means("nothing was done and nothing was changed")
        .so("use the steelyard command of the same version as the gateway that runs"));
    }
    let given: Given = asked.read()?;
    Ok(serde_json::to_string(&core.people.to_spend(&given)).unwrap_or_default())
}
