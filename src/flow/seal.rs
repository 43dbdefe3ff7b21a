//! Sealing: numbered lines become a page under one seal. Pure: the thread that writes and syncs is the
//! daemon's, so that a page grows by itself while the one before it is being made durable.

use super::enter::Numbered;
use record::{Hash, Seal, Signer, Stamp, Tree, Trouble};
use std::{collections::VecDeque, sync::Arc, time::Duration};

/// What every seal of this run says.
#[derive(Debug, Clone)]
pub struct Identity {
    pub gateway: String,
    pub ledger: String,
    pub usage: String,
    pub software: String,
    pub zone: String,
    pub boot: String,
}

/// Where the chain stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub epoch: u64,
    /// The last page; 0 before the first.
    pub page: u64,
    /// The last entry; 0 before the first.
    pub seq: u64,
    /// Hash of the last seal line.
    pub seal: Option<Hash>,
    /// Leaf of the configuration entry in force.
    pub config: Option<Hash>,
}

impl Head {
    /// Before the first page.
    pub fn start() -> Self {
        Self {
            epoch: 1,
            page: 0,
            seq: 0,
            seal: None,
            config: None,
        }
    }
}

/// A page under its seal: bytes that can only be written as they are.
#[derive(Debug, Clone)]
pub struct SealedPage {
    pub bytes: Vec<u8>,
    /// The chain after it.
    pub head: Head,
    pub first: u64,
    pub count: u64,
    pub sealed: Stamp,
    /// What stands on it, for the index.
    pub lines: Vec<Numbered>,
}

/// Collects lines, and says when they are a page.
pub struct PageMaker {
    identity: Identity,
    signer: Arc<dyn Signer>,
    /// The key of the next page, once the old one has handed over.
    next_signer: Option<Arc<dyn Signer>>,
    within: Duration,
    full: usize,
    head: Head,
    waiting: VecDeque<Numbered>,
    bytes: usize,
    oldest: Option<Duration>,
    urgent: bool,
}

impl PageMaker {
    /// Goes on from `head`.
    pub fn new(
        identity: Identity,
        signer: Arc<dyn Signer>,
        head: Head,
        within: Duration,
        full: usize,
    ) -> Self {
        Self {
            identity,
            signer,
            next_signer: None,
            within,
            full,
            head,
            waiting: VecDeque::new(),
            bytes: 0,
            oldest: None,
            urgent: false,
        }
    }

    /// Where the chain stands.
    pub fn head(&self) -> Head {
        self.head
    }

    /// How many lines wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Takes a line. Only the next number is taken: nothing is left out, nothing comes twice.
    pub fn add(&mut self, line: Numbered, now: Duration) -> Result<(), Trouble> {
        let expected = self.head.seq + self.waiting.len() as u64 + 1;
        if line.seq != expected {
            return Err(Trouble::new(
                "number-out-of-order",
                format!("entry {} came where {expected} was due", line.seq),
            )
            .means("sealing stops before anything wrong is sealed; what is captured stays")
            .so("this is a fault of the gateway: keep its log and report it"));
        }
        self.oldest.get_or_insert(now);
        self.bytes += line.line.len() + 1;
        self.urgent |= line.at_once;
        self.waiting.push_back(line);
        Ok(())
    }

    /// The key that takes over after the page whose last entry is the old key's `key` entry.
    pub fn hand_over_to(&mut self, signer: Arc<dyn Signer>) {
        self.next_signer = Some(signer);
    }

    /// How long the lines that wait may still wait: zero when a page is due, none when nothing waits.
    pub fn due_in(&self, now: Duration) -> Option<Duration> {
        let oldest = self.oldest?;
        if self.urgent || self.bytes >= self.full || self.waiting.iter().skip(1).any(|line| line.begins_page)
        {
            return Some(Duration::ZERO);
        }
        Some((oldest + self.within).saturating_sub(now))
    }

    /// Whether as much waits as one page may hold.
    pub fn is_full(&self) -> bool {
        self.bytes >= self.full
    }

    /// Makes a page of what waits, up to the page limit; `None` when nothing waits.
    pub fn make(
        &mut self,
        now: Stamp,
        clock: (&str, u32),
        elapsed: Duration,
    ) -> Result<Option<SealedPage>, Trouble> {
        let Some((count, size)) = self.cut() else {
            return Ok(None);
        };
        let lines: Vec<Numbered> = self.waiting.drain(..count).collect();
        let tree: Tree = lines.iter().map(|line| line.leaf).collect();
        let config = match lines.first() {
            Some(first) if first.kind == "configuration" => Some(first.leaf),
            _ => self.head.config,
        };
        let epoch_begins = lines.first().is_some_and(|first| first.kind == "epoch");
        let first = self.head.seq + 1;
        let seal = Seal {
            gateway: self.identity.gateway.clone(),
            ledger: self.identity.ledger.clone(),
            usage: self.identity.usage.clone(),
            software: self.identity.software.clone(),
            epoch: self.head.epoch + u64::from(epoch_begins),
            page: self.head.page + 1,
            first,
            count: count as u64,
            root: tree.root(),
            prev: self.head.seal,
            config,
            sealed: now,
            zone: self.identity.zone.clone(),
            boot: self.identity.boot.clone(),
            clock: clock.0.to_owned(),
            clock_error_ms: u64::from(clock.1),
        };
        let mut bytes = Vec::with_capacity(size + 1200);
        bytes.extend_from_slice(&seal.write(self.signer.as_ref())?);
        let head = Head {
            epoch: seal.epoch,
            page: seal.page,
            seq: seal.last(),
            seal: Some(Hash::of(&bytes)),
            config,
        };
        bytes.push(b'\n');
        for line in &lines {
            bytes.extend_from_slice(&line.line);
            bytes.push(b'\n');
        }
        if lines.last().is_some_and(|last| last.ends_page) {
            if let Some(signer) = self.next_signer.take() {
                self.signer = signer;
            }
        }
        self.head = head;
        self.bytes -= size;
        self.urgent = self.waiting.iter().any(|line| line.at_once);
        self.oldest = (!self.waiting.is_empty()).then_some(elapsed);
        Ok(Some(SealedPage {
            bytes,
            head,
            first,
            count: count as u64,
            sealed: now,
            lines,
        }))
    }

    /// How many of the waiting lines the next page takes, and their bytes: up to the limit (always at least
    /// one), not over a line that must begin a page, and not beyond one that must end it.
    fn cut(&self) -> Option<(usize, usize)> {
        let (mut count, mut size) = (0, 0);
        for line in &self.waiting {
            let more = line.line.len() + 1;
            if count > 0 && (line.begins_page || size + more > self.full) {
                break;
            }
            count += 1;
            size += more;
            if line.ends_page {
                break;
            }
        }
        (count > 0).then_some((count, size))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::flow::enter::{Enter, Recorder};
    use crate::flow::needs::Random;
    use record::{Draft, KeySet, Role, SecretKey, verify::Check};
    use std::collections::HashMap;

    struct Counting;
    impl Random for Counting {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), Trouble> {
            (0..).zip(bytes).for_each(|(i, byte): (usize, _)| *byte = i as u8);
            Ok(())
        }
    }

    fn identity() -> Identity {
        let word = |text: &str| text.to_owned();
        Identity {
            gateway: word("line-3"),
            ledger: word("l"),
            usage: word("demo"),
            software: word("0.1.0"),
            zone: word("UTC"),
            boot: word("b"),
        }
    }

    fn maker(full: usize) -> (PageMaker, Arc<SecretKey>) {
        let key = Arc::new(SecretKey::from_seed(&[1; 32]));
        (
            PageMaker::new(
                identity(),
                key.clone(),
                Head::start(),
                Duration::from_secs(1),
                full,
            ),
            key,
        )
    }

    fn recorder() -> Recorder {
        Recorder::new(0, HashMap::new(), Arc::new(Counting))
    }

    fn comment(batch: &str) -> Draft {
        Draft::new("comment", Stamp(0))
            .with("batch", batch)
            .data("text", "all well")
    }

    fn pages(maker: &mut PageMaker) -> Vec<SealedPage> {
        std::iter::from_fn(|| maker.make(Stamp(0), ("unknown", 0), Duration::ZERO).unwrap()).collect()
    }

    fn report(pages: &[SealedPage], keys: &[&SecretKey]) -> record::verify::Report {
        let mut set = KeySet::default();
        keys.iter()
            .for_each(|key| set.add(key.public().clone(), Role::Page).unwrap());
        let mut check = Check::new(set);
        check.segment("segment-000001.pages", false);
        pages.iter().for_each(|page| check.feed(&page.bytes, false));
        check.feed(&[], true);
        check.finish()
    }

    #[test]
    fn a_quiet_line_waits_for_company_and_an_urgent_one_for_nobody() {
        let (mut maker, _) = maker(96 * 1024);
        let mut recorder = recorder();
        let second = Duration::from_secs(1);
        recorder.enter(comment("B-1"));
        recorder
            .take()
            .into_iter()
            .for_each(|line| maker.add(line, second).unwrap());
        assert_eq!(maker.due_in(second * 3 / 2), Some(second / 2));
        assert_eq!(maker.due_in(second * 5), Some(Duration::ZERO));
        recorder.enter(Draft::new("step", Stamp(0)).with("state", "running"));
        recorder
            .take()
            .into_iter()
            .for_each(|line| maker.add(line, second).unwrap());
        assert_eq!(
            maker.due_in(second),
            Some(Duration::ZERO),
            "a step change is sealed at once"
        );
    }

    #[test]
    fn pages_hold_what_fits_and_the_chain_holds_over_them() {
        let (mut maker, key) = maker(1000);
        let mut recorder = recorder();
        for _ in 0..50 {
            recorder.enter(comment("B-1"));
        }
        recorder.close(Draft::new("batch", Stamp(0)).with("state", "complete"), "B-1");
        recorder
            .take()
            .into_iter()
            .for_each(|line| maker.add(line, Duration::ZERO).unwrap());
        let pages = pages(&mut maker);
        assert!(pages.len() > 3);
        let report = report(&pages, &[&key]);
        assert_eq!(report.problems, []);
        assert_eq!(
            (report.entries, report.closings[0].count, report.closings[0].holds),
            (51, 50, true)
        );
    }

    #[test]
    fn a_change_of_configuration_begins_a_page_and_every_later_seal_names_it() {
        let (mut maker, key) = maker(96 * 1024);
        let mut recorder = recorder();
        recorder.enter(Draft::new("start", Stamp(0)).with("because", "first-start"));
        let config = recorder.enter(Draft::new("configuration", Stamp(0)).with("because", "first-start"));
        recorder.enter(comment("B-1"));
        recorder
            .take()
            .into_iter()
            .for_each(|line| maker.add(line, Duration::ZERO).unwrap());
        let pages = pages(&mut maker);
        assert_eq!(pages.iter().map(|page| page.count).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(pages[1].head.config, Some(config.leaf));
        assert_eq!(report(&pages, &[&key]).problems, []);
    }

    #[test]
    fn a_key_hands_over_at_one_place_only() {
        let (mut maker, old) = maker(96 * 1024);
        let new = Arc::new(SecretKey::from_seed(&[2; 32]));
        let mut recorder = recorder();
        recorder.enter(comment("B-1"));
        let thumb = |key: &SecretKey| key.public().thumbprint();
        recorder.enter(
            Draft::new("key", Stamp(0))
                .with("new", thumb(&new))
                .with("x", new.public().x()),
        );
        recorder.enter(Draft::new("key", Stamp(0)).with("old", thumb(&old)));
        recorder.enter(comment("B-1"));
        maker.hand_over_to(new.clone());
        recorder
            .take()
            .into_iter()
            .for_each(|line| maker.add(line, Duration::ZERO).unwrap());
        let pages = pages(&mut maker);
        assert_eq!(pages.iter().map(|page| page.count).collect::<Vec<_>>(), [2, 2]);
        let report = report(&pages, &[&old, &new]);
        assert_eq!(
            (report.problems, report.sealed_by),
            (vec![], vec![thumb(&old), thumb(&new)])
        );
    }

    #[test]
    fn only_the_next_number_is_taken() {
        let (mut maker, _) = maker(96 * 1024);
        let mut recorder = recorder();
        recorder.enter(comment("B-1"));
        recorder.enter(comment("B-1"));
        let second = recorder.take().pop().unwrap();
        assert_eq!(
            maker.add(second, Duration::ZERO).unwrap_err().name,
            "number-out-of-order"
        );
    }

    #[test]
    fn an_entry_nobody_could_read_becomes_an_exception_in_its_place() {
        let mut recorder = recorder();
        let entered = recorder.enter(comment("B-1").data("text", "x".repeat(70_000)));
        let lines = recorder.take();
        assert_eq!(
            (entered.seq, lines[0].kind, lines[0].batch.as_deref()),
            (1, "exception", Some("B-1"))
        );
        assert_eq!(recorder.troubles()[0].name, "entry-too-long");
    }
}
