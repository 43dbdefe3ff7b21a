//! The books are kept all the time and compared every few seconds; a mismatch is an exception and a call.

use super::{Core, ToIndex};
use crate::{
    flow::{
        board::Urgency,
        books::{Booked, Entries, Readings, Shown},
    },
    ports::index::Tallies,
};
use record::{Draft, Stamp, Trouble};
use tokio::sync::oneshot;

/// What the core counts.
#[derive(Default)]
pub(crate) struct Kept {
    pub readings: Readings,
    /// Entries captured, those from before the start among them.
    entered: u64,
    /// What was asked of the index: how many entries were captured then.
    asked: Option<(u64, oneshot::Receiver<Tallies>)>,
    entries: Entries,
    /// What did not balance the last times, and how often.
    found: String,
    times: u32,
    told: bool,
}

/// Receipts and marks are on their way for a moment: only what stays is a mismatch.
const STAYS: u32 = 3;

impl Kept {
    /// Goes on from what the ledger holds at the start.
    pub(in crate::daemon) fn from(tallies: Tallies) -> Self {
        Self {
            entered: tallies.entries(),
            entries: entries(tallies.entries(), tallies),
            ..Self::default()
        }
    }

    pub(super) fn captured(&mut self, entries: u64, readings: u64) {
        self.entered += entries;
        self.readings.captured += readings;
    }
}

fn entries(entered: u64, tallies: Tallies) -> Entries {
    Entries {
        entered,
        receipted: tallies.receipted.1,
        pending: tallies.pending.1,
        set_aside: tallies.set_aside.1,
    }
}

impl Core {
    /// A reading came from equipment, and somebody asks for it.
    pub(super) fn book_reading(&mut self) {
        self.state.books.readings.read += 1;
        self.state.books.readings.kept_out += u64::from(self.state.stopped_since.is_some());
    }

    /// Compares, and asks the index for the next time.
    pub(in crate::daemon) fn books(&mut self, now: Stamp) -> Result<(), Trouble> {
        let books = &mut self.state.books;
        if let Some((entered, answer)) = &mut books.asked {
            if let Ok(tallies) = answer.try_recv() {
                books.entries = entries(*entered, tallies);
                books.asked = None;
            }
        }
        if books.asked.is_none() {
            let (to, answer) = oneshot::channel();
            if self.index.send(ToIndex::Books(to)).is_ok() {
                books.asked = Some((books.entered, answer));
            }
        }
        let line: Booked = self.line.booked();
        let balance = books
            .readings
            .against(&line)
            .and_then(|()| books.entries.balance());
        let found = balance.err().unwrap_or_default();
        books.times = if found == books.found { books.times + 1 } else { 1 };
        books.found = found;
        if books.found.is_empty() {
            if std::mem::take(&mut books.told) {
                self.state.calls.retain(|call| call.id != "books");
            }
            return Ok(());
        }
        if books.times < STAYS || books.told {
            return Ok(());
        }
        books.told = true;
        let found = books.found.clone();
        let draft = Draft::new("exception", now).with("because", "books");
        self.enter(draft.data("says", found.as_str()))?;
        let words = Trouble::new("books", format!("the books do not balance: {found}"))
            .means("what is captured is untouched, but something that was read or captured may be nowhere")
            .so("keep the log and the ledger as they are, run `steelyard verify`, and report it: this is a fault of the gateway");
        self.call("books".into(), Urgency::Act, &words, now);
        self.say(words);
        Ok(())
    }

    /// The books as they stand.
    pub(in crate::daemon) fn books_shown(&self) -> Shown {
        let (books, line) = (&self.state.books, self.line.booked());
        Shown {
            read: books.readings.read,
            read_entered: line.entered,
            summarised: line.summarised,
            in_gaps: line.declared + books.readings.kept_out,
            held: line.held,
            entered: books.entries.entered,
            receipted: books.entries.receipted,
            pending: books.entries.pending,
            set_aside: books.entries.set_aside,
            balanced: !books.told,
        }
    }
}
