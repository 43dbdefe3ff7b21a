//! Give a lent port back before its time is over.

use super::{Act, Asked, Carry, Core};
use record::Trouble;
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "equipment-return",
    carry: Carry::Now(carry_out),
};

#[derive(Serialize, Deserialize)]
pub(crate) struct Return {
    /// A tag, or a port as the configuration names it.
    pub(crate) of: String,
}

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let Return { of } = asked.read()?;
    let (port, mut tags) = core.links.on_the_line_of(&of).unwrap_or((of, Vec::new()));
    tags.retain(|tag| core.state.standings.of(tag).lent.is_some());
    if tags.is_empty() {
        return Err(Trouble::new("not-lent", format!("{port} is not lent"))
            .means("nothing was done and nothing was entered")
            .so("steelyard equipment list shows which ports are"));
    }
    let person = core.person(asked, &["supervisor", "engineer"])?;
    for tag in &tags {
        core.back(tag, "returned", (&person.id, "given back"), core.clock.now())?;
    }
    Ok(format!("{port} is the gateway's again"))
}
