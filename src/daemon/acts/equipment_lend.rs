//! Lend a port to a service tool: the gateway closes it, and takes it back when the time is over.

use super::{Act, Asked, Carry, Core};
use crate::{
    daemon::gateway::equipment::reason_of,
    flow::link::{Order, standing::entry},
};
use record::Trouble;
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "equipment-lend",
    carry: Carry::Now(carry_out),
};

#[derive(Serialize, Deserialize)]
pub(crate) struct Lend {
    /// A tag, or a port as the configuration names it.
    pub(crate) of: String,
    pub(crate) seconds: u64,
    pub(crate) reason: String,
}

/// A tool that needs longer than this takes the instrument out of service.
const AT_MOST: u64 = 3600;

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let act: Lend = asked.read()?;
    let reason = reason_of(&act.reason)?;
    let line = core.links.on_the_line_of(&act.of);
    let (port, tags) = line.ok_or_else(|| {
        Trouble::new(
            "no-such-equipment",
            format!("{} is neither equipment nor a port of it", act.of),
        )
        .means("nothing was done and nothing was entered")
        .so("steelyard equipment list shows tags and ports")
    })?;
    if !(1..=AT_MOST).contains(&act.seconds) {
        return Err(Trouble::new("no-such-time", "a port is lent for an hour at most")
            .means("nothing was done and nothing was entered")
            .so("write --for \"10 min\"; for longer, put the equipment out of service"));
    }
    let person = core.person(asked, &["supervisor", "engineer"])?;
    let now = core.clock.now();
    let until = now.plus_ms((act.seconds * 1000) as i64);
    for tag in &tags {
        let draft = entry(tag, "lent", "lent", now)
            .with("until", until)
            .data("by", person.id.as_str())
            .data("reason", reason)
            .data("found", format!("port is {port}"));
        core.stands(draft)?;
    }
    if let Some(tag) = tags.first() {
        core.links.tell(tag, Order::Lend);
    }
    for tag in &tags {
        core.declare(tag)?;
    }
    Ok(format!(
        "{port} is yours until {}: {}",
        core.in_plant_time(until),
        tags.join(", ")
    ))
}
