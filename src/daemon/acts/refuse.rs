//! A screen refused somebody something: that is an entry.

use super::{Act, Asked, Carry, Core};
use record::Trouble;
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "refuse",
    carry: Carry::Now(carry_out),
};

#[derive(Serialize, Deserialize)]
pub(crate) struct Refuse {
    pub(crate) person: String,
    /// `not-allowed` or `not-enrolled`; anything else is `refused`.
    pub(crate) because: String,
    pub(crate) what: String,
}

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    if !asked.is_inside() {
        return Err(Trouble::new(
            "request-not-understood",
            "this is asked by the gateway itself only",
        )
        .means("nothing was done and nothing was changed")
        .so("use the steelyard command of the same version as the gateway that runs"));
    }
    let what: Refuse = asked.read()?;
    let because = match what.because.as_str() {
        "not-allowed" => "not-allowed",
        "not-enrolled" => "not-enrolled",
        _ => "refused",
    };
    core.refused_as(because, &what.person, &what.what, &asked.from)?;
    Ok(String::new())
}
