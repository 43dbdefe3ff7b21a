//! Stop trusting the certificate of an OPC UA server. A session that stands goes on until its connection ends.

use super::{Act, Asked, Carry, Core, trust_accept::Trust};
use crate::{daemon::gateway::equipment::reason_of, ports::trust};
use record::{Draft, Trouble};

pub(crate) const ACT: Act = Act {
    name: "trust-remove",
    carry: Carry::Now(carry_out),
};

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let what: Trust = asked.read()?;
    let reason = reason_of(&what.reason)?;
    let by = core.person(asked, &["engineer", "supervisor"])?;
    let folder = core.plant.gateway.trust.clone();
    let known = trust::remove(&folder, &what.fingerprint)?;
    let draft = Draft::new("trust", core.clock.now())
        .with("state", "removed")
        .with("because", "removed")
        .data("fingerprint", known.fingerprint.as_str())
        .data("subject", known.subject.as_str())
        .data("until", known.until)
        .data("by", by.id.as_str())
        .data("reason", reason);
    core.enter(draft)?;
    core.links.renew_servers();
    Ok(format!(
        "{} is not trusted any more: {}",
        known.subject, known.fingerprint
    ))
}
