//! Another person verifies a value that was entered by hand; from then on it counts.

use super::{Act, Asked, Carry, Core, enter::refused};
use crate::flow::line::{LineEvent, by_hand::State};
use record::Trouble;
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "verify-hand",
    carry: Carry::Now(carry_out),
};

#[derive(Serialize, Deserialize)]
pub(crate) struct VerifyHand {
    pub(crate) seq: u64,
    pub(crate) by: String,
    pub(crate) secret: String,
}

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let VerifyHand { seq, .. } = asked.read()?;
    let by = core.person(asked, &["verifier", "supervisor", "reviewer"])?;
    let Some(hand) = core.line.hand(seq) else {
        return Err(refused(
            format!("entry {seq} is no value by hand of a batch that is still open here"),
            "--verify",
            "look for it with `steelyard ledger show`",
        ));
    };
    if hand.by == by.id {
        return Err(refused(
            "whoever entered a value does not verify it",
            &by.id,
            "another person compares it with where it came from",
        ));
    }
    if hand.state != State::Unverified {
        return Err(refused(
            format!("entry {seq} was verified or corrected already"),
            "--verify",
            "nothing needs to be done",
        ));
    }
    let now = core.clock.now();
    core.event(LineEvent::HandVerified { seq, by: by.id, now })?;
    Ok(format!("entry {seq} is verified"))
}
