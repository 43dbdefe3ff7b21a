//! Take a panel's secret from it: replaced, lost, or moved elsewhere.

use super::{Act, Asked, Carry, Core};
use record::Trouble;
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "panel-revoke",
    carry: Carry::Now(carry_out),
};

#[derive(Serialize, Deserialize)]
pub(crate) struct PanelRevoke {
    pub(crate) name: String,
    pub(crate) reason: String,
    pub(crate) by: String,
    pub(crate) secret: String,
}

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let what: PanelRevoke = asked.read()?;
    let by = core.person(asked, &["supervisor", "engineer"])?;
    let draft = core
        .panels
        .revoke(&what.name, &by.id, &what.reason, core.clock.now())?;
    core.enter(draft)?;
    Ok(format!("{} is a panel no longer", what.name))
}
