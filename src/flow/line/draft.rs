//! Recording with a draft is allowed where it is said, and stays in sight: an exception in each batch, until ten
//! readings were compared with the display.

use super::{Enter, Line};
use record::{Draft, Line as Entry, Stamp};
use std::{collections::HashSet, sync::Arc};

/// What rests on a draft, by unit, and which batches carry its exceptions already.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    says: Vec<(String, String)>,
    told: HashSet<Arc<str>>,
}

impl Line {
    /// What is recorded with a draft: unit, and what to say in each of its batches. Counts from the next batch on.
    pub fn rests_on_drafts(&mut self, says: Vec<(String, String)>) {
        self.drafts.says = says;
    }

    /// A batch runs: said once, that it is recorded with a draft.
    pub(super) fn say_drafts(&mut self, at: usize, batch: &Arc<str>, time: Stamp, enter: &mut dyn Enter) {
        let unit = &self.units[at].name;
        let says: Vec<String> = self
            .drafts
            .says
            .iter()
            .filter(|(other, _)| other == unit)
            .map(|(_, says)| says.clone())
            .collect();
        if says.is_empty() || !self.drafts.told.insert(batch.clone()) {
            return;
        }
        for says in says {
            let draft = Draft::new("exception", time)
                .with("unit", self.units[at].name.as_str())
                .with("batch", &**batch)
                .with("because", "draft-driver");
            // It is the batch's, not the step's that happens to run.
            enter.enter(draft.data("says", says));
        }
    }

    /// After a restart the exceptions of an open batch are in the ledger already.
    pub(super) fn recall_drafts(&mut self, line: &Entry<'_>) {
        if line.kind() == "exception" && line.raw("because") == Some("draft-driver") {
            self.drafts
                .told
                .extend(line.text("batch").map(|batch| batch.as_str().into()));
        }
    }
}
