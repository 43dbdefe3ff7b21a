//! Trust the certificate of an OPC UA server, by a named person who has compared fingerprints.

use super::{Act, Asked, Carry, Core};
use crate::{daemon::gateway::equipment::reason_of, ports::trust};
use record::{Draft, Trouble};
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "trust-accept",
    carry: Carry::Now(carry_out),
};

#[derive(Serialize, Deserialize)]
pub(crate) struct Trust {
    pub(crate) fingerprint: String,
    pub(crate) reason: String,
}

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let what: Trust = asked.read()?;
    let reason = reason_of(&what.reason)?;
    let by = core.person(asked, &["engineer", "supervisor"])?;
    let folder = core.plant.gateway.trust.clone();
    // found before it is entered, entered before it counts
    let shown = trust::one(&folder, &what.fingerprint)?;
    let certificate = &shown.certificate;
    if shown.role == "trusted" {
        return Err(Trouble::new(
            "already-trusted",
            format!("{} is trusted already", certificate.subject),
        )
        .means("nothing was done and nothing was entered")
        .so("steelyard trust list shows what is trusted"));
    }
    let draft = Draft::new("trust", core.clock.now())
        .with("state", "trusted")
        .with("because", "accepted")
        .data("fingerprint", certificate.fingerprint.as_str())
        .data("subject", certificate.subject.as_str())
        .data("until", certificate.until)
        .data("by", by.id.as_str())
        .data("reason", reason);
    core.enter(draft)?;
    let known = trust::accept(&folder, &certificate.fingerprint)?;
    Ok(format!(
        "{} is trusted until {}: {}",
        known.subject, known.until, known.fingerprint
    ))
}
