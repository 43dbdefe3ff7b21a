//! Accept equipment after its display was compared, side by side, with what this gateway captured. Every pair must be
//! one the gateway itself heard; whether it agrees is judged here, not by who asks.

use super::{Act, Asked, Carry, Core};
use crate::{
    flow::accept::{Pair, side_by_side},
    flow::people::Person,
};
use record::{Answer, Quantity, Stamp, Trouble, Value};
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "accept",
    carry: Carry::Now(carry_out),
};

/// Who may say that a display was read right.
pub(crate) const ROLES: &[&str] = &["engineer", "supervisor", "reviewer"];

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Accept {
    pub(crate) by: String,
    pub(crate) secret: String,
    pub(crate) tag: String,
    pub(crate) reason: String,
    pub(crate) pairs: Vec<ComparedPair>,
}

/// One pair, as it travels.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ComparedPair {
    pub(crate) measure: String,
    pub(crate) shown: String,
    /// In the words of samples and screens.
    pub(crate) captured: String,
    pub(crate) time: i64,
    pub(crate) raw: Vec<u8>,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AcceptReply {
    pub(crate) accepted: bool,
    pub(crate) text: String,
}

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let act: Accept = asked.read()?;
    let person: Person = core.person(asked, ROLES)?;
    let Some(equipment) = core.plant.equipment.get(&act.tag).cloned() else {
        return Err(Trouble::new(
            "no-such-equipment",
            format!("no equipment of the gateway that runs is named {:?}", act.tag),
        )
        .means("nothing was entered")
        .so("if it is new in the configuration, apply it: steelyard apply"));
    };
    let stray = act.pairs.iter().find(|pair| {
        !core
            .state
            .tap
            .heard(&act.tag, &pair.measure, &pair.captured, pair.time)
    });
    if let Some(stray) = stray {
        return Err(Trouble::new(
            "pair-not-captured",
            format!(
                "{} {} is nothing this gateway captured then",
                stray.measure, stray.captured
            ),
        )
        .at(format!("{}, {}", act.tag, Stamp(stray.time)))
        .means("nothing was entered; the equipment rests on what it rested on")
        .so("compare again, without a pause of more than half a minute"));
    }
    let pairs: Vec<Pair> = act.pairs.iter().map(ComparedPair::meant).collect();
    let outcome = side_by_side(&equipment, &pairs, &person.id)?;
    let first = core.recorder.next();
    for draft in &outcome.comparisons {
        core.enter(draft.clone())?;
    }
    let seqs = (first, core.recorder.next() - 1);
    let now = core.clock.now();
    core.enter(outcome.acceptance(&equipment, seqs, (&person.id, &act.reason), now))?;
    core.state.accepted.judged(&equipment, outcome.accepted);
    core.line.rests_on_drafts(core.state.accepted.drafts(&core.plant));
    let reply = AcceptReply {
        accepted: outcome.accepted,
        text: format!(
            "{}\nentries {} to {}",
            outcome.in_words(&equipment),
            seqs.0,
            core.recorder.next() - 1
        ),
    };
    Ok(serde_json::to_string(&reply).unwrap_or_default())
}

impl ComparedPair {
    /// The pair as it is judged.
    pub(crate) fn meant(&self) -> Pair {
        Pair {
            measure: self.measure.clone(),
            shown: self.shown.chars().filter(|c| !c.is_control()).take(64).collect(),
            captured: answer(&self.captured),
            time: Stamp(self.time),
            raw: self.raw.clone(),
        }
    }
}

/// An answer in its own words.
fn answer(words: &str) -> Answer {
    let value =
        |text: &str| Quantity::read(text).map_or_else(|| Value::Text(text.to_owned()), Value::Quantity);
    if let Some(because) = words.strip_prefix("bad: ") {
        return Answer::Bad(because.to_owned());
    }
    match words.split_once(", uncertain: ") {
        Some((text, because)) => Answer::Uncertain(value(text), because.to_owned()),
        None => Answer::Good(value(words)),
    }
}
