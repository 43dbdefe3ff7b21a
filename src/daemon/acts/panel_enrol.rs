//! A browser shows the code of `steelyard panel add` and becomes that panel.

use super::{Act, Asked, Carry, Core};
use record::Trouble;
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "panel-enrol",
    carry: Carry::Now(carry_out),
};

#[derive(Serialize, Deserialize)]
pub(crate) struct PanelEnrol {
    pub(crate) code: String,
    /// What the browser will be known by; only its hash is kept.
    pub(crate) token: String,
}

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let what: PanelEnrol = asked.read()?;
    let now = core.clock.now();
    match core.panels.enrol(&what.code, &what.token, &asked.from, now) {
        Ok((panel, draft)) => {
            core.enter(draft)?;
            Ok(panel.name)
        }
        Err(trouble) => {
            core.refused_as("not-enrolled", "", "panel-enrol", &asked.from)?;
            Err(trouble)
        }
    }
}
