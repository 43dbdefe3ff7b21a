//! Put an instrument back into service before its time is over.

use super::{Act, Asked, Carry, Core};
use crate::daemon::gateway::equipment::reason_of;
use record::Trouble;
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "equipment-in-service",
    carry: Carry::Now(carry_out),
};

#[derive(Serialize, Deserialize)]
pub(crate) struct InService {
    pub(crate) equipment: String,
    pub(crate) reason: String,
}

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let InService { equipment, reason } = asked.read()?;
    core.has_equipment(&equipment)?;
    let reason = reason_of(&reason)?;
    if core.state.standings.of(&equipment).out.is_none() {
        return Err(
            Trouble::new("in-service-already", format!("{equipment} is in service"))
                .means("nothing was done and nothing was entered")
                .so("steelyard equipment list shows how each stands"),
        );
    }
    let person = core.person(asked, &["supervisor", "engineer"])?;
    core.back(&equipment, "in-service", (&person.id, reason), core.clock.now())?;
    Ok(format!("{equipment} is in service"))
}
