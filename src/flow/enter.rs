//! Entering: a draft gets its number, its salt, its bytes and its leaf, and is counted into its batch.
//!
//! One [`Recorder`] per ledger gives every number, in order. What it hands on can only be sealed; nothing
//! can be entered twice or left out, because the sealer refuses any number but the next.

use super::needs::Random;
use record::{Draft, Hash, Kind, Line, Stamp, Tree, Trouble};
use std::{collections::HashMap, sync::Arc};

/// What the one who enters gets back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entered {
    /// The number it has.
    pub seq: u64,
    /// Its leaf.
    pub leaf: Hash,
}

/// Where entries go. The line asks for nothing else, so it can be tested without a ledger.
pub trait Enter {
    /// Enters a draft.
    fn enter(&mut self, draft: Draft) -> Entered;
    /// Enters the `batch` entry that closes a batch: `closing`, `count` and `root` are filled in, over all
    /// entries before it whose `batch` member names this batch.
    fn close(&mut self, draft: Draft, batch: &str) -> Entered;
    /// Gives every entry captured since then, oldest first, for what memory does not hold any more. Who cannot
    /// look back gives none.
    fn earlier(&mut self, _since: Stamp, _each: &mut dyn FnMut(&Line<'_>)) {}
}

/// Reads captured entries back, from about a moment on.
pub type Back = Box<dyn Fn(Stamp, &mut dyn FnMut(&Line<'_>)) + Send + Sync>;

/// A numbered line on its way to the sealer.
#[derive(Debug, Clone)]
pub struct Numbered {
    pub seq: u64,
    pub leaf: Hash,
    /// The bytes, without line feed.
    pub line: Vec<u8>,
    pub kind: &'static str,
    pub batch: Option<String>,
    /// Must be sealed at once.
    pub at_once: bool,
    /// Must be the first of its page: a change of configuration, the first of a new key.
    pub begins_page: bool,
    /// Must be the last of its page: the last of an old key.
    pub ends_page: bool,
}

/// The entries that name one batch, as far as they go.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchSum {
    pub tree: Tree,
    /// Closings so far.
    pub closings: u64,
    /// The last closing made since the start: its number, the entries it covers, and their root.
    pub closed: Option<(u64, u64, Hash)>,
}

/// Gives numbers.
pub struct Recorder {
    next: u64,
    random: Arc<dyn Random>,
    salts: Vec<u8>,
    batches: HashMap<String, BatchSum>,
    out: Vec<Numbered>,
    troubles: Vec<Trouble>,
    back: Option<Back>,
}

const SALT: usize = 16;
const SALTS: usize = 256;

impl Recorder {
    /// Goes on above `last`, with the batches as they stand in the ledger.
    pub fn new(last: u64, batches: HashMap<String, BatchSum>, random: Arc<dyn Random>) -> Self {
        Self {
            next: last + 1,
            random,
            salts: Vec::new(),
            batches,
            out: Vec::new(),
            troubles: Vec::new(),
            back: None,
        }
    }

    /// Where captured entries are read back.
    pub fn look_back(&mut self, back: Back) {
        self.back = Some(back);
    }

    /// The number the next entry will have.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// What was entered since the last time, in order.
    pub fn take(&mut self) -> Vec<Numbered> {
        std::mem::take(&mut self.out)
    }

    /// What could not be entered as it was.
    pub fn troubles(&mut self) -> Vec<Trouble> {
        std::mem::take(&mut self.troubles)
    }

    /// How a batch stands.
    pub fn batch(&self, name: &str) -> Option<&BatchSum> {
        self.batches.get(name)
    }

    /// Forgets batches that nobody will name again soon; the index still knows them.
    pub fn forget(&mut self, name: &str) {
        self.batches.remove(name);
    }

    /// Puts back how a batch stands, when it is named again after it was forgotten.
    pub fn recall(&mut self, name: String, sum: BatchSum) {
        self.batches.entry(name).or_insert(sum);
    }

    fn salt(&mut self) -> [u8; SALT] {
        if self.salts.len() < SALT {
            self.salts.resize(SALT * SALTS, 0);
            if let Err(trouble) = self.random.fill(&mut self.salts) {
                // Without salt a withheld value could be found by trying; the values themselves are safe.
                self.troubles.push(trouble);
            }
        }
        let mut salt = [0; SALT];
        let rest = self.salts.len() - SALT;
        salt.copy_from_slice(&self.salts[rest..]);
        self.salts.truncate(rest);
        salt
    }

    fn number(&mut self, draft: &Draft, begins_page: bool, ends_page: bool) -> Entered {
        let salt = self.salt();
        let mut line = Vec::with_capacity(512);
        let seq = self.next;
        let leaf = match draft.write(seq, salt, &mut line) {
            Ok(leaf) => leaf,
            Err(trouble) => return self.too_long(draft, trouble),
        };
        self.next += 1;
        let batch = draft.text("batch").map(str::to_owned);
        if let Some(name) = &batch {
            if !self.batches.contains_key(name) {
                self.batches.insert(name.clone(), BatchSum::default());
            }
            if let Some(sum) = self.batches.get_mut(name) {
                sum.tree.push(leaf);
            }
        }
        let at_once = Kind::named(draft.kind()).is_some_and(|kind| kind.at_once);
        self.out.push(Numbered {
            seq,
            leaf,
            line,
            kind: draft.kind(),
            batch,
            at_once,
            begins_page,
            ends_page,
        });
        Entered { seq, leaf }
    }

    /// An entry longer than any reader accepts is not written; that it was not is.
    fn too_long(&mut self, draft: &Draft, trouble: Trouble) -> Entered {
        let mut instead = Draft::new("exception", draft.time)
            .with("because", "entry-too-long")
            .data("found", draft.kind())
            .data("says", trouble.what.as_str());
        if let Some(batch) = draft.text("batch").filter(|batch| batch.len() < 1000) {
            instead.set("batch", batch);
        }
        self.troubles.push(trouble);
        self.number(&instead, false, false)
    }
}

impl Enter for Recorder {
    fn enter(&mut self, draft: Draft) -> Entered {
        let draft = super::classes::classified(draft);
        let has = |name: &str| draft.outside().iter().any(|(other, _)| *other == name);
        let (begins, ends) = match draft.kind() {
            "configuration" | "epoch" => (true, false),
            "key" => (has("old"), has("new")),
            _ => (false, false),
        };
        self.number(&draft, begins, ends)
    }

    fn close(&mut self, mut draft: Draft, batch: &str) -> Entered {
        let sum = self.batches.entry(batch.to_owned()).or_default();
        sum.closings += 1;
        sum.closed = Some((sum.closings, sum.tree.size(), sum.tree.root()));
        draft.set("batch", batch);
        draft.set("closing", sum.closings);
        draft.set("count", sum.tree.size());
        draft.set("root", sum.tree.root());
        self.number(&draft, false, false)
    }

    fn earlier(&mut self, since: Stamp, each: &mut dyn FnMut(&Line<'_>)) {
        if let Some(back) = &self.back {
            back(since, each);
        }
    }
}
