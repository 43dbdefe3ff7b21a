//! The figures of the runs are kept beside the ledger now and then, so that a restart in mid-batch goes on counting and
//! reads only what was entered since.

use super::{Core, ToIndex};
use std::time::Duration;

/// What waits to be kept.
#[derive(Default)]
pub(crate) struct Waiting {
    /// As of this entry, and the figures as text.
    taken: Option<(u64, String)>,
    /// The entry that was last counted, and when that was.
    last: (u64, Duration),
    /// An entry said something about others that were counted already.
    changed: bool,
}

/// A crash costs reading so much again.
const AT_LEAST_EVERY: Duration = Duration::from_secs(60);
const ENTRIES: u64 = 50_000;

impl Core {
    /// Takes the figures when it is time, and keeps those whose entries are all captured.
    pub(in crate::daemon) fn keep_figures(&mut self, now: bool) {
        let (elapsed, last) = (self.clock.elapsed(), self.recorder.next() - 1);
        let waiting = &self.state.figures;
        let (seq, at) = waiting.last;
        let due = now || waiting.changed || last >= seq + ENTRIES || elapsed >= at + AT_LEAST_EVERY;
        if due && last > seq && (now || waiting.taken.is_none()) {
            let text = serde_json::to_string(&self.line.figures(last)).unwrap_or_default();
            let waiting = &mut self.state.figures;
            waiting.taken = Some((last, text));
            waiting.last = (last, elapsed);
            waiting.changed = false;
        }
        self.figures_captured();
    }

    /// Hands figures on once nothing they count can be lost any more.
    pub(in crate::daemon) fn figures_captured(&mut self) {
        let captured = self.state.captured;
        if let Some((_, text)) = self.state.figures.taken.take_if(|(seq, _)| *seq <= captured) {
            // holds because an index that ended is made again at the next start
            let _ = self.index.send(ToIndex::Figures(text));
        }
    }

    /// A binding moves what was counted: the figures are taken again soon.
    pub(in crate::daemon) fn figures_moved(&mut self) {
        self.state.figures.changed = true;
    }
}
