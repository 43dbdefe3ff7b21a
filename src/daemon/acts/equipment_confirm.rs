//! Confirm that an instrument is the right one, as it is and as it is set now: what it says is known from then on.

use super::{Act, Asked, Carry, Core};
use crate::{
    daemon::gateway::equipment::reason_of,
    flow::link::{
        Order,
        standing::{entry, in_words},
    },
};
use record::Trouble;
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "equipment-confirm",
    carry: Carry::Now(carry_out),
};

#[derive(Serialize, Deserialize)]
pub(crate) struct Confirm {
    pub(crate) equipment: String,
    pub(crate) reason: String,
}

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let Confirm { equipment, reason } = asked.read()?;
    core.has_equipment(&equipment)?;
    let reason = reason_of(&reason)?;
    let standing = core.state.standings.of(&equipment);
    if standing.doubt.is_none() && standing.to_confirm.is_none() {
        return Err(Trouble::new(
            "nothing-to-confirm",
            format!("nothing about {equipment} is in doubt"),
        )
        .means("nothing was done and nothing was entered")
        .so("was it exchanged without being able to say so? then: steelyard equipment exchanged"));
    }
    let person = core.person(asked, &["supervisor"])?;
    let configured = core.configured(&equipment);
    let known = standing.confirmed(configured.as_deref());
    let draft = entry(&equipment, "known", "confirmed", core.clock.now())
        .data("by", person.id.as_str())
        .data("reason", reason)
        .data("found", in_words(&known))
        .data("configured", configured.unwrap_or_default());
    core.stands(draft)?;
    core.stands_anew(
        &equipment,
        Order::Known {
            tag: equipment.clone(),
            known: known.clone(),
        },
    );
    Ok(if known.is_empty() {
        format!("{equipment} is confirmed")
    } else {
        format!("{equipment} is confirmed: {}", in_words(&known))
    })
}
