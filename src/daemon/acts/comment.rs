//! A person's words, about a batch, a unit or an entry.

use super::{Act, Asked, Carry, Core, enter::refused};
use record::{Draft, Trouble};
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "comment",
    carry: Carry::Now(carry_out),
};

/// Longer is a document, and belongs elsewhere.
const LONGEST: usize = 4_000;

#[derive(Serialize, Deserialize)]
pub(crate) struct Comment {
    pub(crate) text: String,
    pub(crate) unit: Option<String>,
    pub(crate) batch: Option<String>,
    pub(crate) about: Option<u64>,
    pub(crate) by: String,
    pub(crate) secret: String,
}

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let what: Comment = asked.read()?;
    let by = core.person(asked, &[])?;
    let text = what.text.trim();
    if text.is_empty() || text.chars().count() > LONGEST {
        return Err(refused(
            format!("a comment says something, in at most {LONGEST} characters"),
            "comment",
            "write it shorter, or name the document in it",
        ));
    }
    if let Some(unit) = what
        .unit
        .as_ref()
        .filter(|unit| core.plant.units.iter().all(|known| known.name != **unit))
    {
        return Err(refused(
            format!("there is no unit {unit:?} here"),
            "comment",
            "name a unit of the configuration",
        ));
    }
    if let Some(seq) = what.about.filter(|seq| *seq == 0 || *seq >= core.recorder.next()) {
        return Err(refused(
            format!("there is no entry {seq} yet"),
            "--about",
            "look for it with `steelyard ledger show`",
        ));
    }
    if what
        .batch
        .as_ref()
        .is_some_and(|batch| core.recorder.batch(batch).is_none() && !core.knows_batch(batch))
    {
        return Err(refused(
            format!("this gateway has no batch {:?}", what.batch.unwrap_or_default()),
            "--batch",
            "name a batch as the record has it",
        ));
    }
    let mut draft = Draft::new("comment", core.clock.now());
    if let Some(unit) = &what.unit {
        draft = draft.with("unit", unit.as_str());
    }
    if let Some(batch) = &what.batch {
        draft = draft.with("batch", batch.as_str());
    }
    if let Some(about) = what.about {
        draft = draft.with("about", about);
    }
    let entered = core.enter(draft.data("text", text).data("by", by.id.as_str()))?;
    Ok(format!("entry {}: entered", entered.seq))
}
