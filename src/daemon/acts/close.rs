//! Cover later entries of a batch by a further closing. The answer is the number of the last entry.

use super::{Act, Asked, Carry, Core};
use crate::flow::line::LineEvent;
use record::Trouble;
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "close",
    carry: Carry::Now(carry_out),
};

#[derive(Serialize, Deserialize)]
pub(crate) struct Close {
    pub(crate) batch: String,
}

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let Close { batch } = asked.read()?;
    core.event(LineEvent::CloseAgain {
        batch,
        because: "evidence",
        now: core.clock.now(),
    })?;
    Ok((core.recorder.next() - 1).to_string())
}
