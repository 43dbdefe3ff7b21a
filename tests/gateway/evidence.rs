//! Evidence: what is drawn out of a ledger proves what it says and tells nothing else, and what `verify` says
//! is never more than what was proven.

use record::{
    Draft, Hash, KeySet, Line, Receipt, Role, SecretKey, Signer, Stamp, read_ranges,
    verify::{Report, Scope},
};
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use steelyard::{
    evidence::{Expected, Finding, Folder, Gathered, Rules, gather, verify},
    flow::{
        enter::{Enter, Entered, Recorder},
        ledger::{self, Ending},
        needs::Disk,
        seal::{Head, Identity, PageMaker, SealedPage},
    },
    ports::{disk::Directory, random::SystemRandom},
};

/// A folder that goes with the test.
struct Room(PathBuf);

impl Room {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("steelyard-evidence-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

fn look(path: &Path, expected: &Expected) -> Finding {
    let directory = Directory::look(path).unwrap();
    verify(&Folder::open(&directory).unwrap(), "it", expected)
}

fn draw(from: &Path, batch: Option<&str>, words: &[&str], to: &Path) -> Gathered {
    let source = Directory::look(from).unwrap();
    let rules = Rules::read(words.iter().copied()).unwrap();
    gather(
        &Folder::open(&source).unwrap(),
        batch,
        rules,
        &Directory::make(to).unwrap(),
    )
    .unwrap()
}

fn text(path: &Path) -> String {
    fs::read_to_string(path.join("evidence.pages")).unwrap()
}

/// What the closings of a batch say: number, count, root.
fn closings(report: &Report, batch: &str) -> Vec<(u64, u64, Hash)> {
    let of_batch = report
        .closings
        .iter()
        .filter(|closing| closing.batch == batch && closing.holds);
    of_batch
        .map(|closing| (closing.closing, closing.count, closing.root))
        .collect()
}

// ---------------------------------------------------------------- a gateway with a hard life

const OURS: &str = "B-2611-077";
const OTHER: &str = "B-2611-078";
const SEGMENT: u64 = 32 * 1024;

/// A gateway that writes through the same stations as the daemon.
struct Gateway {
    disk: Arc<dyn Disk>,
    writer: ledger::Writer,
    recorder: Recorder,
    maker: PageMaker,
    pages: Vec<SealedPage>,
    time: Stamp,
}

impl Gateway {
    fn start(path: &Path, key: &Arc<SecretKey>, lost: u64, before: Option<Self>) -> Self {
        let disk: Arc<dyn Disk> = Arc::new(Directory::look(path).unwrap());
        let known = key.clone();
        let mut opened = ledger::open(&disk, SEGMENT, |_| Some(known.public().clone())).unwrap();
        let word = |text: &str| text.to_owned();
        let identity = Identity {
            gateway: word("line-3"),
            ledger: word("golden-ledger-3"),
            usage: word("training"),
            software: word("0.1.0"),
            zone: word("Europe/Berlin"),
            boot: format!("boot-{}", opened.head.seq),
        };
        let head = Head {
            page: opened.head.page + lost,
            seq: opened.head.seq + lost,
            ..opened.head
        };
        opened.head = head;
        let (mut pages, mut time) = (Vec::new(), Stamp::read("2026-11-20T10:15:00.000Z").unwrap());
        let mut batches = HashMap::new();
        if let Some(before) = before {
            for name in [OURS, OTHER] {
                batches.extend(
                    before
                        .recorder
                        .batch(name)
                        .map(|sum| (name.to_owned(), sum.clone())),
                );
            }
            (pages, time) = (before.pages, before.time);
        }
        let mut gateway = Self {
            disk,
            writer: opened.writer,
            recorder: Recorder::new(head.seq, batches, Arc::new(SystemRandom)),
            maker: PageMaker::new(identity, key.clone(), head, Duration::ZERO, 4096),
            pages,
            time,
        };
        if let Ending::Torn(tails) = opened.ending {
            for tail in tails {
                gateway.enter(
                    Draft::new("exception", gateway.time)
                        .with("because", "torn-tail")
                        .with("segment", tail.segment.as_str())
                        .with("offset", tail.offset)
                        .with("length", tail.length)
                        .with("sha256", tail.sha256),
                );
            }
        }
        gateway
    }

    fn enter(&mut self, mut draft: Draft) -> Entered {
        self.time = self.time.plus_ms(250);
        draft.time = self.time;
        self.recorder.enter(draft)
    }

    fn seal(&mut self) {
        for line in self.recorder.take() {
            self.maker.add(line, Duration::ZERO).unwrap();
        }
        while let Some(page) = self
            .maker
            .make(self.time, ("synchronised", 2), Duration::ZERO)
            .unwrap()
        {
            self.writer.append(&page).unwrap();
            self.pages.push(page);
        }
    }

    /// The power goes while a page is being written.
    fn torn(mut self) -> Self {
        let whole = self.pages.len();
        self.enter(Draft::new("comment", Stamp(0)).data("text", "never captured"));
        for line in self.recorder.take() {
            self.maker.add(line, Duration::ZERO).unwrap();
        }
        let mut page = self
            .maker
            .make(self.time, ("synchronised", 2), Duration::ZERO)
            .unwrap()
            .unwrap();
        let half = page.bytes.len() - 40;
        page.bytes.truncate(half);
        self.writer.append(&page).unwrap();
        self.pages.truncate(whole);
        self
    }

    fn reading(&mut self, unit: &str, batch: &str, value: &str, verdict: &str) -> Entered {
        self.enter(
            Draft::new("reading", Stamp(0))
                .with("unit", unit)
                .with("batch", batch)
                .with("step", "emulsify")
                .with("run", 1_u64)
                .with("point", "TC-3105.temperature")
                .with("role", "product-temperature")
                .with("quality", "good")
                .with("verdict", verdict)
                .with("limits", "rev 7")
                .data("value", value)
                .data("in", "Cel")
                .data("low", "68.0")
                .data("high", "72.0"),
        )
    }

    fn bind(&mut self, because: &str, entered: &[Entered]) {
        let seqs: Vec<u64> = entered.iter().map(|entered| entered.seq).collect();
        let root = entered
            .iter()
            .map(|entered| entered.leaf)
            .collect::<record::Tree>()
            .root();
        self.enter(
            Draft::new("binding", Stamp(0))
                .with("unit", "MX-3")
                .with("batch", OURS)
                .with("state", "attached")
                .with("because", because)
                .with("seqs", record::ranges(&seqs))
                .with("count", seqs.len())
                .with("root", root)
                .data("by", "rule"),
        );
    }

    fn close(&mut self, state: &str) {
        self.time = self.time.plus_ms(250);
        let draft = Draft::new("batch", self.time)
            .with("unit", "MX-3")
            .with("state", state);
        self.recorder.close(draft, OURS);
        self.seal();
    }
}

/// Two power cuts in a row, a compressed segment, a key that changes, a restored image, two batches side by side,
/// two closings and a comment after the last: all in 20 pages or so.
fn hard_life(path: &Path) -> Vec<SealedPage> {
    let (old, new) = (
        Arc::new(SecretKey::from_seed(&[31; 32])),
        Arc::new(SecretKey::from_seed(&[32; 32])),
    );
    let store = SecretKey::from_seed(&[33; 32]);
    let draft = |kind| Draft::new(kind, Stamp(0));
    let mut gateway = Gateway::start(path, &old, 0, None);
    gateway.enter(
        draft("start")
            .with("because", "first-start")
            .data("host", "edge-7"),
    );
    gateway.seal();
    gateway.enter(
        draft("configuration")
            .with("because", "first-start")
            .data("files", "steelyard.toml")
            .data("by", "p-1"),
    );
    gateway.enter(
        draft("file")
            .with("name", "steelyard.toml")
            .with("part", 1_u64)
            .with("of", 1_u64)
            .data("text", "[gateway]\nname = \"line-3\"\n"),
    );
    for (id, name) in [("p-17", "Example Operator"), ("p-18", "Example Stranger")] {
        gateway.enter(
            draft("person")
                .with("person", id)
                .with("state", "active")
                .data("name", name)
                .data("roles", "operator"),
        );
    }
    gateway.seal();
    for (unit, batch) in [("MX-3", OURS), ("MX-4", OTHER)] {
        gateway.enter(
            draft("batch")
                .with("unit", unit)
                .with("batch", batch)
                .with("state", "running")
                .data("product", "Hand cream 50 ml"),
        );
    }
    gateway.enter(
        draft("step")
            .with("unit", "MX-3")
            .with("batch", OURS)
            .with("step", "emulsify")
            .with("run", 1_u64)
            .with("state", "running"),
    );
    gateway.seal();
    for tenth in 0..12_u64 {
        gateway.reading("MX-3", OURS, &format!("69.{tenth}"), "within");
        gateway.reading("MX-4", OTHER, &format!("41.{tenth}"), "within");
        if tenth % 4 == 3 {
            gateway.seal();
        }
    }
    gateway.reading("MX-3", OURS, "72.4", "above");
    gateway.enter(
        draft("excursion")
            .with("unit", "MX-3")
            .with("batch", OURS)
            .with("step", "emulsify")
            .with("run", 1_u64)
            .with("point", "TC-3105.temperature")
            .with("state", "open")
            .data("extreme", "72.4")
            .data("limit", "72.0")
            .data("in", "Cel"),
    );
    let clock = gateway.enter(
        draft("clock")
            .with("because", "synchronised")
            .data("step_ms", "-3"),
    );
    let late = gateway.enter(
        draft("reading")
            .with("unit", "MX-3")
            .with("point", "WT-3101.weight")
            .with("quality", "good")
            .with("verdict", "not-judged")
            .data("value", "100.00")
            .data("in", "g"),
    );
    gateway.seal();
    gateway.enter(
        draft("comment")
            .with("unit", "MX-3")
            .with("batch", OURS)
            .data("text", "a quote \" and a trap ,\"data\":{ and 温度")
            .data("by", "p-17"),
    );
    gateway.bind("gateway", &[clock]);
    gateway.bind("context-late", &[late]);
    gateway.close("complete");

    let gateway = gateway.torn();
    let gateway = Gateway::start(path, &old, 0, Some(gateway)).torn();
    let mut gateway = Gateway::start(path, &old, 0, Some(gateway));
    gateway.enter(
        draft("start")
            .with("because", "power-loss")
            .data("host", "edge-7"),
    );
    gateway.seal();
    gateway.reading("MX-4", OTHER, "41.9", "within");
    gateway.enter(
        draft("key")
            .with("new", new.public().thumbprint())
            .with("x", new.public().x())
            .with("because", "yearly")
            .data("by", "p-1"),
    );
    gateway.maker.hand_over_to(new.clone());
    gateway.seal();
    gateway.enter(draft("key").with("old", old.public().thumbprint()));
    gateway.enter(draft("stop").with("because", "asked"));
    gateway.seal();

    let mut gateway = Gateway::start(path, &new, 3, Some(gateway));
    let head = gateway.maker.head();
    gateway.enter(
        draft("epoch")
            .with("because", "restored-image")
            .with("last_page", head.page)
            .with("last_seq", head.seq)
            .data("by", "p-1"),
    );
    gateway.enter(draft("start").with("because", "restart").data("host", "edge-7"));
    gateway.seal();
    gateway.enter(
        draft("signature")
            .with("unit", "MX-3")
            .with("batch", OURS)
            .with("meaning", "reviewed")
            .with("person", "p-17")
            .data("name", "Example Operator")
            .data("zone", "Europe/Berlin"),
    );
    gateway.close("complete");
    gateway.enter(
        draft("comment")
            .with("unit", "MX-3")
            .with("batch", OURS)
            .data("text", "after the closing")
            .data("by", "p-17"),
    );
    gateway.seal();
    ledger::compress(gateway.disk.as_ref(), 1).unwrap();

    let mut keys = KeySet::default();
    keys.add(old.public().clone(), Role::Page).unwrap();
    keys.add(new.public().clone(), Role::Page).unwrap();
    keys.add(store.public().clone(), Role::Receipt).unwrap();
    fs::write(path.join("keys.jwks"), keys.to_jwks()).unwrap();
    let mut receipts = Vec::new();
    for page in &gateway.pages[..gateway.pages.len() - 1] {
        let receipt = Receipt {
            gateway: "line-3".into(),
            ledger: "golden-ledger-3".into(),
            epoch: page.head.epoch,
            page: page.head.page,
            seal: page.head.seal.unwrap(),
            stored: page.sealed,
        };
        receipts.extend(receipt.write(&store).unwrap());
        receipts.push(b'\n');
    }
    fs::write(path.join("receipts.jws"), receipts).unwrap();
    gateway.pages
}

fn lived(name: &str) -> Room {
    let room = Room::new(name);
    fs::create_dir(room.at("ledger")).unwrap();
    hard_life(&room.at("ledger"));
    room
}

// ---------------------------------------------------------------- what must hold

#[test]
fn a_ledger_that_lived_through_everything_is_whole() {
    let room = lived("whole");
    let finding = look(&room.at("ledger"), &Expected::default());
    assert!(finding.holds(), "{}", finding.words());
    let report = &finding.report;
    assert_eq!(report.torn_tails, 2);
    assert_eq!(
        report.epochs,
        [(1, String::new()), (2, "restored-image".to_owned())]
    );
    assert_eq!(
        report.runs.len(),
        1,
        "the old key handed over, and the new one began the epoch"
    );
    assert_eq!(report.unreceipted, 1);
    assert_eq!(closings(report, OURS).len(), 2);
    assert_eq!(report.after_closing, [(OURS.to_owned(), 1)]);
    assert!(room.at("ledger").join("segment-000001.pages.gz").exists());
}

#[test]
fn evidence_holds_the_batch_whole_and_nothing_of_another() {
    let room = lived("drawn");
    let gathered = draw(&room.at("ledger"), Some(OURS), &[], &room.at("out"));
    let finding = look(&room.at("out"), &Expected::default());
    assert!(finding.holds(), "{}", finding.words());
    assert_eq!(finding.scope, Scope::Evidence);
    let whole = look(&room.at("ledger"), &Expected::default());
    assert_eq!(closings(&finding.report, OURS), closings(&whole.report, OURS));
    assert_eq!((gathered.closing, gathered.after, gathered.bound), (2, 1, 2));
    assert_eq!(finding.report.pages, gathered.pages);
    let [full, withheld, bare] = finding.report.forms;
    assert!(full > 0 && withheld == 0 && bare > 0, "{full} {withheld} {bare}");
    let out = text(&room.at("out"));
    for (word, why) in [
        (OTHER, "another batch"),
        ("Example Stranger", "a person who did nothing here"),
        ("41.", "values of another batch"),
    ] {
        assert!(!out.contains(word), "the evidence tells of {why}");
    }
    for (word, why) in [
        ("Example Operator", "who acted"),
        ("[gateway]", "the configuration in force"),
        ("after the closing", "what came later"),
    ] {
        assert!(out.contains(word), "the evidence lacks {why}");
    }
    let bound = out
        .lines()
        .filter_map(|line| Line::read(line.as_bytes()).ok())
        .filter(|line| line.kind() == "binding");
    let named: Vec<(u64, u64)> = bound
        .flat_map(|line| read_ranges(line.raw("seqs").unwrap()).unwrap())
        .collect();
    for (seq, _) in named {
        assert!(
            out.contains(&format!("{{\"seq\":{seq},\"kind\"")),
            "entry {seq} is bound and only bare"
        );
    }
}

#[test]
fn a_withheld_copy_proves_the_same_and_tells_less() {
    let room = lived("withheld");
    draw(&room.at("ledger"), Some(OURS), &[], &room.at("full"));
    draw(&room.at("ledger"), Some(OURS), &["values"], &room.at("buyer"));
    draw(&room.at("full"), None, &["values"], &room.at("copy"));
    draw(&room.at("buyer"), None, &["persons"], &room.at("nobody"));
    draw(&room.at("full"), None, &["all"], &room.at("all"));
    let full = look(&room.at("full"), &Expected::default());
    for name in ["buyer", "copy", "nobody", "all"] {
        let finding = look(&room.at(name), &Expected::default());
        assert!(finding.holds(), "{name}: {}", finding.words());
        assert_eq!(
            closings(&finding.report, OURS),
            closings(&full.report, OURS),
            "{name}"
        );
        let out = text(&room.at(name));
        for value in ["72.4", "69.3", "100.00", "[gateway]", "Hand cream"] {
            assert!(!out.contains(value), "{name} tells {value}");
        }
        assert!(out.contains("\"verdict\":\"above\""), "{name} hides a verdict");
        let hidden = matches!(name, "nobody" | "all");
        assert_eq!(out.contains("Example Operator"), !hidden, "{name}");
    }
    assert_eq!(
        text(&room.at("buyer")),
        text(&room.at("copy")),
        "withheld at once or later: the same bytes"
    );
    assert_eq!(
        look(&room.at("all"), &Expected::default()).report.forms[0],
        0,
        "nothing is left in full"
    );
}

#[test]
fn a_ledger_with_withheld_lines_is_no_ledger() {
    let room = lived("no-ledger");
    draw(&room.at("ledger"), Some(OURS), &["values"], &room.at("out"));
    fs::rename(
        room.at("out").join("evidence.pages"),
        room.at("out").join("segment-000001.pages"),
    )
    .unwrap();
    let finding = look(&room.at("out"), &Expected::default());
    assert!(!finding.holds());
    assert!(
        finding.words().contains("a ledger holds full lines only"),
        "{}",
        finding.words()
    );
}

#[test]
fn what_comes_after_the_last_closing_is_named() {
    let room = lived("later");
    draw(&room.at("ledger"), Some(OURS), &[], &room.at("out"));
    let words = look(&room.at("out"), &Expected::default()).words();
    assert!(
        words.contains("batch B-2611-077: complete as of closing 2 (")
            && words.contains("unaltered since capture; what happened before capture is not proven by this"),
        "{words}"
    );
    assert!(
        words.contains("1 later entry about it is not covered by that closing"),
        "{words}"
    );
    let steps = fs::read_to_string(room.at("out").join("VERIFY.txt")).unwrap();
    assert!(
        steps.contains("Complete as of closing 2; 1 later entry is not covered."),
        "{steps}"
    );
    assert!(steps.contains("openssl pkeyutl -verify -rawin"), "{steps}");
}

#[test]
fn a_changed_entry_is_named_with_its_page_and_what_still_holds() {
    let room = Room::new("changed");
    for file in ["segment-000001.pages", "keys.jwks", "receipts.jws"] {
        fs::copy(golden("ledger-1").join(file), room.at(file)).unwrap();
    }
    let path = room.at("segment-000001.pages");
    let changed = fs::read_to_string(&path)
        .unwrap()
        .replacen("\"value\":\"71.6\"", "\"value\":\"71.4\"", 1);
    fs::write(&path, changed).unwrap();
    let finding = look(&room.0, &Expected::default());
    assert!(!finding.holds());
    let words = finding.words();
    for part in [
        "IT DOES NOT HOLD",
        "page 6 (entries 7–9)",
        "what still holds: pages 1 to 5, unbroken",
    ] {
        assert!(words.contains(part), "{part} is missing in:\n{words}");
    }
    assert!(
        !words.contains("complete as of"),
        "a broken ledger proves nothing complete:\n{words}"
    );
}

#[test]
fn only_a_fingerprint_from_elsewhere_makes_a_key_known() {
    let read = |text: &str| Hash::read(text.as_bytes()).unwrap();
    let (old, new) = (
        read("Wt-Ur0F_hAH7LyTcG_8g7fGycX7vP6jH6JMLSjk0O8E"),
        read("R50Mq_cWJ0IdmDTTP9ItlAM4i_KVH42MeHTWebSV3j0"),
    );
    let store = read("Eggkt54AHoEg0JEHzAn7MSlx_xlKj_OKv5q0Pg2FQFU");
    let ledger = golden("ledger-1");
    let unknown = look(&ledger, &Expected::default());
    assert!(unknown.holds());
    assert!(
        unknown
            .words()
            .contains("consistent in itself, sealed by key Wt-Ur0F_"),
        "{}",
        unknown.words()
    );
    assert!(
        unknown
            .words()
            .contains("compare this fingerprint with the enrolment sheet"),
        "{}",
        unknown.words()
    );
    for key in [old, new] {
        let known = look(
            &ledger,
            &Expected {
                gateway: vec![key],
                store: vec![store],
            },
        );
        assert!(
            known.holds(),
            "either key of a change vouches for both: {}",
            known.words()
        );
        assert!(!known.words().contains("enrolment sheet"), "{}", known.words());
    }
    for expected in [
        Expected {
            gateway: vec![store],
            store: vec![],
        },
        Expected {
            gateway: vec![],
            store: vec![old],
        },
    ] {
        let stranger = look(&ledger, &expected);
        assert!(!stranger.holds());
        assert!(
            stranger.words().contains("which is not the"),
            "{}",
            stranger.words()
        );
    }
    for words in [
        unknown.words(),
        look(
            &ledger,
            &Expected {
                gateway: vec![old],
                store: vec![],
            },
        )
        .words(),
    ] {
        assert!(!words.contains("authentic"), "{words}");
    }
}

#[test]
fn a_gateway_may_go_on_recording_while_its_ledger_is_verified() {
    let room = lived("live");
    let directory = Directory::look(&room.at("ledger")).unwrap();
    let folder = Folder::open(&directory).unwrap();
    let path = room.at("ledger").join("receipts.jws");
    let mut receipts = fs::read(&path).unwrap();
    receipts.extend(b"a receipt for a page that came after we had begun");
    fs::write(&path, receipts).unwrap();
    let finding = verify(&folder, "it", &Expected::default());
    assert!(finding.holds(), "{}", finding.words());
    assert!(
        !look(&room.at("ledger"), &Expected::default()).holds(),
        "the next look sees it"
    );
}

#[test]
fn one_segment_alone_says_that_it_is_a_part() {
    let directory = Directory::look(&golden("ledger-2")).unwrap();
    let part = verify(
        &Folder::only(&directory, "segment-000002.pages").unwrap(),
        "it",
        &Expected::default(),
    );
    assert!(part.holds(), "{}", part.words());
    assert_eq!((part.scope, part.report.page_range), (Scope::Part, Some((4, 5))));
    assert!(part.words().contains("a part of the ledger"), "{}", part.words());
    let torn = verify(
        &Folder::only(&directory, "segment-000001.pages").unwrap(),
        "it",
        &Expected::default(),
    );
    assert!(!torn.holds(), "alone, nothing explains the torn tail");
}

#[test]
fn our_golden_ledger_and_evidence_hold_as_they_did_when_they_were_made() {
    let root = |text: &str| Hash::read(text.as_bytes()).unwrap();
    for (name, scope, facts, forms) in GOLDEN {
        let finding = look(&golden(name), &Expected::default());
        assert!(finding.holds(), "{name}: {}", finding.words());
        let report = &finding.report;
        assert_eq!(finding.scope, *scope, "{name}");
        assert_eq!(
            (
                report.pages,
                report.entries,
                report.receipts,
                report.torn_tails,
                report.bindings
            ),
            *facts,
            "{name}"
        );
        assert_eq!(report.forms, *forms, "{name}");
        let expected: Vec<_> = ROOTS
            .iter()
            .map(|(closing, count, text)| (*closing, *count, root(text)))
            .collect();
        assert_eq!(closings(report, OURS), expected, "{name}");
    }
}

/// Pages, entries, receipts, torn tails, bindings; lines in full, withheld, bare. Made once, never again.
type Facts = (&'static str, Scope, (u64, u64, u64, u64, u64), [u64; 3]);
const GOLDEN: &[Facts] = &[
    ("ledger-3", Scope::Ledger, (14, 52, 13, 2, 2), [52, 0, 0]),
    ("evidence-3", Scope::Evidence, (12, 48, 11, 0, 2), [31, 0, 17]),
    (
        "evidence-3-withheld",
        Scope::Evidence,
        (12, 48, 11, 0, 2),
        [4, 27, 17],
    ),
];
/// Closing, count, root.
const ROOTS: &[(u64, u64, &str)] = &[
    (1, 19, "1CKF866PcdaEphPeP67iTeIowIF0aPizIxCo_-7PGx4"),
    (2, 21, "Ghfwy_vj9N1Px5YjLUXHMu9GLBrUwunXzeXapzLrBXs"),
];
