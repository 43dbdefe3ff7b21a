//! Have equipment do what its driver declares and its configuration allows: zero, tare.

use super::{Act, Asked, Carry, Core};
use record::Trouble;
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "equipment-command",
    carry: Carry::Ordered(order),
};

#[derive(Serialize, Deserialize)]
pub(crate) struct Command {
    pub(crate) equipment: String,
    /// As its driver names it: `tare`.
    pub(crate) command: String,
    #[serde(default)]
    pub(crate) reason: String,
}

fn order(core: &mut Core, asked: &Asked) -> Result<u64, Trouble> {
    let act: Command = asked.read()?;
    let person = core.person(asked, &["operator", "supervisor", "engineer"])?;
    core.order((&act.equipment, &act.command), &person, act.reason.trim())
}
