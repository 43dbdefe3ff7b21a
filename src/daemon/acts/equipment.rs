//! How each instrument stands, as JSON.

use super::{Act, Asked, Carry, Core};
use crate::flow::link::standing::{Away, in_words};
use record::Trouble;
use serde_json::{Value, json};

pub(crate) const ACT: Act = Act {
    name: "equipment",
    carry: Carry::Look(look),
};

#[expect(
    clippy::unnecessary_wraps,
    reason = "every act may be refused; this one never is"
)]
fn look(core: &Core, _: &Asked) -> Result<String, Trouble> {
    let away = |away: &Option<Away>| match away {
        None => Value::Null,
        Some(away) => json!({
            "since": away.since.to_string(), "until": away.until.to_string(), "by": away.by, "reason": away.reason,
        }),
    };
    let all = core.plant.equipment.values().map(|equipment| {
        let standing = core.state.standings.of(&equipment.tag);
        let state = match () {
            () if standing.out.is_some() => "out of service",
            () if standing.lent.is_some() => "lent",
            () if standing.doubt.is_some() => "doubtful",
            () if standing.to_confirm.is_some() => "to be confirmed",
            () => "in service",
        };
        json!({
            "tag": equipment.tag,
            "title": equipment.title,
            "state": state,
            "port": core.links.on_the_line_of(&equipment.tag).map(|(port, _)| port),
            "known": in_words(&standing.expected(equipment.serial_number.as_deref())),
            "doubt": standing.doubt.as_ref().map(|doubt| format!("{}: {}", doubt.because, in_words(&doubt.found))),
            "out_of_service": away(&standing.out),
            "lent": away(&standing.lent),
        })
    });
    Ok(Value::Array(all.collect()).to_string())
}
