//! A named person has seen an exception or excursion, and says why that is enough for now. It decides nothing about
//! the batch.

use super::{Act, Asked, Carry, Core};
use record::Trouble;
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "acknowledge",
    carry: Carry::Now(carry_out),
};

#[derive(Serialize, Deserialize)]
pub(crate) struct Acknowledge {
    /// The number of the entry.
    pub(crate) about: u64,
    pub(crate) reason: String,
    /// The deviation, or whatever it is followed up under.
    pub(crate) reference: String,
    pub(crate) by: String,
    pub(crate) secret: String,
}

/// As a screen asks, whose session has proved the person.
#[derive(Deserialize)]
struct What {
    about: u64,
    reason: String,
    #[serde(default)]
    reference: String,
}

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let person = core.person(asked, &[])?;
    let What {
        about,
        reason,
        reference,
    } = asked.read()?;
    let nothing = "nothing was entered; the exception stands as it is";
    if reason.trim().is_empty() || reason.len() > 4_000 || reference.len() > 200 {
        return Err(Trouble::new(
            "reason-missing",
            "an acknowledgement has a reason, of 4,000 characters at most",
        )
        .means(nothing)
        .so("say in a few words what was seen and done: --reason \"…\""));
    }
    let Some(noted) = core.line.noted(about).cloned() else {
        return Err(Trouble::new(
            "no-such-exception",
            format!("entry {about} is no exception or excursion of late"),
        )
        .means(nothing)
        .so("find its number with `steelyard ledger show --kind exception`"));
    };
    let now = core.clock.now();
    core.enter(noted.acknowledgement(about, &person.id, reason.trim(), reference.trim(), now))?;
    let before = noted
        .seen
        .map_or_else(String::new, |(by, time)| format!("; {by} had done so at {time}"));
    Ok(format!(
        "{} {about} is acknowledged by {}{before}",
        noted.kind, person.name
    ))
}
