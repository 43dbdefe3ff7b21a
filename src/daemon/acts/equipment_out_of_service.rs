//! Put an instrument out of service: nothing is asked of it, nobody is alarmed, and its silence is a declared gap.

use super::{Act, Asked, Carry, Core};
use crate::{
    daemon::gateway::equipment::reason_of,
    flow::link::{Order, standing::entry},
};
use record::{Stamp, Trouble};
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "equipment-out-of-service",
    carry: Carry::Now(carry_out),
};

#[derive(Serialize, Deserialize)]
pub(crate) struct OutOfService {
    pub(crate) equipment: String,
    /// A moment, as entries have it.
    pub(crate) until: String,
    pub(crate) reason: String,
}

/// Longer than this is another configuration, and not a state.
const AT_MOST: i64 = 366 * 24 * 3_600_000;

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let act: OutOfService = asked.read()?;
    let tag = act.equipment.as_str();
    core.has_equipment(tag)?;
    let reason = reason_of(&act.reason)?;
    let now = core.clock.now();
    let until = Stamp::read(&act.until).filter(|until| *until > now && until.ms_since(now) <= AT_MOST);
    let until = until.ok_or_else(|| {
        Trouble::new(
            "no-such-time",
            format!("{:?} is no time within the next year", act.until),
        )
        .means("nothing was done and nothing was entered")
        .so("write until when, as 2026-11-21 06:00")
    })?;
    let person = core.person(asked, &["supervisor", "engineer"])?;
    let draft = entry(tag, "out-of-service", "out-of-service", now)
        .with("until", until)
        .data("by", person.id.as_str())
        .data("reason", reason);
    core.stands(draft)?;
    core.links.tell(tag, Order::OutOfService(tag.to_owned()));
    core.declare(tag)?;
    Ok(format!(
        "{tag} is out of service until {}; it ends by itself",
        core.in_plant_time(until)
    ))
}
