//! Take the pen of a station: of two panels there, one writes and the other looks.

use super::{Act, Asked, Carry, Core};
use record::Trouble;

pub(crate) const ACT: Act = Act {
    name: "panel-pen",
    carry: Carry::Now(carry_out),
};

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let by = core.person(asked, &[])?;
    let Some(panel) = &asked.panel else {
        core.refused_as("not-enrolled", &by.id, "panel-pen", &asked.from)?;
        return Err(Trouble::new("not-a-panel", "this browser is no enrolled panel")
            .means("it may look, and captures nothing")
            .so("go to the station's panel, or enrol this one with `steelyard panel add`"));
    };
    if let Some(draft) = core.panels.take_pen(panel, &by.id, core.clock.now())? {
        core.enter(draft)?;
    }
    Ok(format!("{panel} has the pen"))
}
