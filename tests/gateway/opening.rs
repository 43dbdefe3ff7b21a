//! Opening a gateway's ledger: whose it is, how it was left, what runs. Whatever is wrong is said in four parts, and
//! nothing that was recorded is changed.

use record::{Draft, KeySet, Line, Stamp, verify::Check};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::sync_channel,
    },
};
use steelyard::{
    config::Source,
    daemon::{
        opening::{self, Open, Outside},
        sealing::{FromSealer, Sealer, ToSealer},
    },
    flow::{enter::Enter, ledger, seal::PageMaker},
    ports::{clock::SystemClock, files::SystemFiles, random::SystemRandom},
};

/// A directory that goes when it is dropped.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("steelyard-opening-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn ledger(&self) -> PathBuf {
        self.0.join("line.ledger")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn outside() -> Outside {
    Outside {
        clock: Arc::new(SystemClock::new()),
        random: Arc::new(SystemRandom),
        files: Arc::new(SystemFiles),
    }
}

fn source(place: &Place, change: impl Fn(String) -> String) -> Source {
    let dir = place.0.display();
    let text = format!(
        r#"format = 1

[gateway]
name = "line-3"
plant = "Essen"
use = "qualification"
ledger = "{dir}/line.ledger"
signing_key = "{dir}/gateway.key"
segment_size = "4 MiB"
stop_capture_below = "1 MiB free"

[record_store]
broker = "mqtt://127.0.0.1:1"
release_on = "broker"

[equipment.TC-3105]
title = "Product temperature"
driver = "tc200"
edition = 2
modbus_tcp = "127.0.0.1:1"
record_with_draft = true

[unit.MX-3]
title = "Mixer 3"
kind = "mixer"
authority = "mqtt"

[unit.MX-3.roles]
product-temperature = "TC-3105.temperature"
"#
    );
    Source {
        name: format!("{dir}/steelyard.toml"),
        text: change(text),
        drivers: Vec::new(),
        recipes: Vec::new(),
    }
}

fn as_it_is(text: String) -> String {
    text
}

fn block<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

fn open(place: &Place, change: impl Fn(String) -> String) -> Result<Open, String> {
    let opened = block(opening::open(source(place, change), true, &outside()));
    opened.map_err(|refusals| {
        refusals
            .into_iter()
            .map(|refusal| refusal.0)
            .collect::<Vec<_>>()
            .join("\n")
    })
}

/// Makes durable what was entered, as the daemon does.
fn capture(mut open: Open) {
    let lines = open.recorder.take();
    let (input, from_here) = sync_channel(lines.len() + 1);
    let (output, mut sealed) = tokio::sync::mpsc::unbounded_channel();
    lines
        .into_iter()
        .for_each(|line| input.send(ToSealer::Line(line)).unwrap());
    input.send(ToSealer::Stop).unwrap();
    let within = open.plant.gateway.seal_within;
    let maker = PageMaker::new(
        open.identity.clone(),
        open.signer.clone(),
        open.head,
        within,
        96 * 1024,
    );
    let clock = Arc::new(SystemClock::new());
    let (writer, high_water) = (open.writer, open.high_water);
    Sealer {
        maker,
        writer,
        high_water,
        clock,
        input: from_here,
        output,
    }
    .start()
    .unwrap();
    block(async {
        loop {
            match sealed.recv().await {
                Some(FromSealer::Captured(..)) => {}
                Some(FromSealer::Ended) | None => return,
                Some(FromSealer::Failed(trouble)) => panic!("{trouble}"),
            }
        }
    });
}

/// A ledger with a configuration and some entries of a batch.
fn begun() -> Place {
    let place = Place::new();
    let mut first = open(&place, as_it_is).unwrap();
    for number in 0..5 {
        let draft = Draft::new("comment", Stamp(0)).with("batch", "B-1");
        first.enter(draft.data("text", format!("all well {number}")));
    }
    capture(first);
    place
}

fn bytes(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "pages"))
        .map(|path| (path.display().to_string(), fs::read(&path).unwrap()))
        .collect();
    all.sort();
    all
}

fn report(place: &Place) -> record::verify::Report {
    let keys = KeySet::read(&fs::read_to_string(place.ledger().join("keys.jwks")).unwrap()).unwrap();
    let mut check = Check::new(keys);
    for (name, bytes) in bytes(&place.ledger()) {
        check.segment(Path::new(&name).file_name().unwrap().to_str().unwrap(), false);
        check.feed(&bytes, true);
    }
    check.finish()
}

fn entries(place: &Place, kind: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (_, bytes) in bytes(&place.ledger()) {
        for line in bytes.split(|byte| *byte == b'\n') {
            if let Ok(read) = Line::read(line)
                && read.kind() == kind
            {
                found.push(String::from_utf8(line.to_vec()).unwrap());
            }
        }
    }
    found
}

#[test]
fn a_first_start_enters_itself_and_its_configuration_and_the_ledger_verifies() {
    let place = begun();
    let report = report(&place);
    assert_eq!(report.problems, []);
    assert_eq!(
        (
            entries(&place, "start").len(),
            entries(&place, "configuration").len()
        ),
        (1, 1)
    );
    assert_eq!(
        entries(&place, "file").len(),
        2,
        "the configuration and the one driver in use"
    );
    let mode = fs::metadata(place.0.join("gateway.key"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_ledger_that_is_not_this_gateways_is_refused_and_not_touched() {
    type Spoil = fn(&Place) -> Result<Open, String>;
    let cases: &[(&str, Spoil)] = &[
        ("ledger-of-another-gateway", |place| {
            open(place, |text| text.replace("\"line-3\"", "\"line-4\""))
        }),
        ("ledger-of-another-use", |place| {
            open(place, |text| text.replace("\"qualification\"", "\"training\""))
        }),
        ("ledger-key-missing", |place| {
            let other = Place::new();
            drop(open(&other, as_it_is));
            fs::copy(other.0.join("gateway.key"), place.0.join("gateway.key")).unwrap();
            open(place, as_it_is)
        }),
        ("secret-readable", |place| {
            fs::set_permissions(place.0.join("gateway.key"), fs::Permissions::from_mode(0o644)).unwrap();
            open(place, as_it_is)
        }),
        ("signing-key-unusable", |place| {
            fs::remove_file(place.0.join("gateway.key")).unwrap();
            open(place, as_it_is)
        }),
    ];
    for (name, spoil) in cases {
        let place = begun();
        let before = bytes(&place.ledger());
        // A ledger that says nothing of its configuration would be asked by the file on disk alone.
        let Err(words) = spoil(&place) else {
            panic!("{name}: it was opened")
        };
        assert!(words.contains(&format!("error[{name}]")), "{name}: {words}");
        assert!(
            words.contains("record:") && words.contains("do:"),
            "{name} has no four parts: {words}"
        );
        assert!(bytes(&place.ledger()) == before, "{name}: the ledger was touched");
    }
}

#[test]
fn a_second_gateway_on_the_same_ledger_is_refused() {
    let place = begun();
    let first = open(&place, as_it_is).unwrap();
    let Err(words) = open(&place, as_it_is) else {
        panic!("it was opened twice")
    };
    assert!(words.contains("error[ledger-in-use]"), "{words}");
    drop(first);
}

#[test]
fn the_last_accepted_configuration_runs_whatever_the_file_says_by_now() {
    let place = begun();
    let differing = open(&place, |text| text.replace("Mixer 3", "Mixer 33")).unwrap();
    assert_eq!(differing.plant.units[0].title, "Mixer 3");
    assert_eq!(differing.troubles[0].name, "configuration-differs");
    capture(differing);
    assert_eq!(
        entries(&place, "exception").len(),
        1,
        "the difference is an entry"
    );

    let broken = open(&place, |text| text.replace("kind = \"mixer\"", "kind = ")).unwrap();
    assert_eq!(broken.plant.units[0].title, "Mixer 3");
    assert!(
        broken
            .troubles
            .iter()
            .any(|trouble| trouble.name == "configuration-broken")
    );
}

#[test]
fn only_a_first_start_refuses_what_it_cannot_accept_whole() {
    let place = Place::new();
    let Err(words) = open(&place, |text| {
        text.replace("tc200", "tc-200").replace("\"Mixer 3\"", "3")
    }) else {
        panic!("half a plant was accepted");
    };
    assert!(
        words.matches("error[").count() >= 2,
        "every complaint at once: {words}"
    );
    assert!(bytes(&place.ledger()).is_empty(), "nothing was captured");
}

#[test]
fn without_its_index_a_gateway_finds_the_same_answers() {
    let place = begun();
    let facts = |open: &Open| {
        (
            open.head,
            open.recorder.next(),
            open.recorder.batch("B-1").cloned(),
            open.kept.clone(),
        )
    };
    let with = facts(&open(&place, as_it_is).unwrap());
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(place.ledger().join(format!("index.sqlite{end}")));
    }
    let without = facts(&open(&place, as_it_is).unwrap());
    assert_eq!(with, without);
    fs::write(place.ledger().join("index.sqlite"), b"not a database at all").unwrap();
    assert_eq!(
        facts(&open(&place, as_it_is).unwrap()),
        with,
        "a broken index is made again"
    );
}

#[test]
fn a_start_reads_only_what_the_index_lacks() {
    let place = begun();
    let opened = open(&place, as_it_is).unwrap();
    let added = block(steelyard::daemon::indexing::catch_up(
        &opened.index,
        opened.disk.as_ref(),
    ))
    .unwrap();
    assert_eq!(added, 0);
}

#[test]
fn a_damaged_segment_opens_a_new_epoch_and_stays_as_it_is() {
    let place = begun();
    let segment = place.ledger().join(ledger::segment_name(1));
    let mut damaged = fs::read(&segment).unwrap();
    // On the first page, with another one behind it: no torn tail can look like that.
    let first = damaged
        .windows(7)
        .position(|bytes| bytes == b"\"kind\":")
        .unwrap();
    damaged[first + 12] ^= 1;
    fs::write(&segment, &damaged).unwrap();
    let opened = open(&place, as_it_is).unwrap();
    assert!(
        opened
            .troubles
            .iter()
            .any(|trouble| trouble.name == "ledger-damaged"),
        "{:?}",
        opened.troubles
    );
    capture(opened);
    assert_eq!(
        fs::read(&segment).unwrap(),
        damaged,
        "recovery never edits a segment in place"
    );
    let report = report(&place);
    assert_eq!(report.epochs.len(), 2);
    assert!(!report.problems.is_empty(), "the damage stays visible for ever");
}

#[test]
fn damage_found_while_it_runs_begins_an_epoch_in_a_segment_of_its_own() {
    let place = begun();
    let mut opened = open(&place, as_it_is).unwrap();
    // The page of this start comes before it.
    let (page, seq) = (opened.head.page + 1, opened.recorder.next() - 1);
    let draft = Draft::new("epoch", Stamp(0)).with("because", "damage");
    let draft = draft.with("last_page", page).with("last_seq", seq);
    opened.enter(draft.data("found", "segment-000001.pages at 4096: does not hold"));
    opened.enter(Draft::new("comment", Stamp(0)).data("text", "and on it goes"));
    capture(opened);
    let report = report(&place);
    assert_eq!(report.problems, []);
    assert_eq!(report.epochs.len(), 2);
    let written = bytes(&place.ledger());
    let written = written
        .iter()
        .filter(|(_, bytes)| bytes.iter().any(|byte| *byte != b'\n'));
    assert_eq!(written.count(), 2, "an epoch begins a segment");
}

#[test]
fn what_runs_is_found_in_the_ledger_without_reading_all_of_it_and_without_an_index() {
    let place = begun();
    for round in 0..3 {
        let mut opened = open(&place, as_it_is).unwrap();
        for _ in 0..6 {
            let text = format!("{round} {}", "x".repeat(30_000));
            opened.enter(Draft::new("comment", Stamp(0)).data("text", text));
        }
        opened.writer.begin_segment();
        capture(opened);
    }
    let name = source(&place, as_it_is).name;
    let found = opening::accepted_in(&place.ledger(), &name).unwrap().unwrap();
    assert_eq!(found.text, source(&place, as_it_is).text);
}

#[test]
fn a_restored_image_gives_no_number_twice() {
    let place = begun();
    let segment = place.ledger().join(ledger::segment_name(1));
    let image = fs::read(&segment).unwrap();
    let mut later = open(&place, as_it_is).unwrap();
    let last = later
        .enter(Draft::new("comment", Stamp(0)).data("text", "after the image"))
        .seq;
    capture(later);
    // The index is of the later state: it knows pages the image does not hold.
    drop(open(&place, as_it_is).unwrap());
    fs::write(&segment, image).unwrap();
    for number in 2..5 {
        let _ = fs::remove_file(place.ledger().join(ledger::segment_name(number)));
    }
    let restored = open(&place, as_it_is).unwrap();
    assert!(
        restored
            .troubles
            .iter()
            .any(|trouble| trouble.name == "ledger-restored"),
        "{:?}",
        restored.troubles
    );
    let known = block(restored.index.last()).unwrap().map(|place| place.page);
    assert_eq!(known, Some(2), "the index is made again from what is there");
    let first = restored.own[0].0.seq;
    assert!(
        first > last,
        "entry {first} would be given twice; {last} was captured once"
    );
    capture(restored);
    let epochs = report(&place).epochs;
    assert_eq!(
        epochs.last().map(|(number, because)| (*number, because.as_str())),
        Some((2, "restored-image"))
    );
}

#[test]
fn after_a_clean_stop_writing_goes_on_in_the_same_segment() {
    let place = begun();
    for _ in 0..3 {
        let opened = open(&place, as_it_is).unwrap();
        capture(opened);
    }
    let written = bytes(&place.ledger())
        .iter()
        .filter(|(_, bytes)| bytes.iter().any(|byte| *byte != b'\n'))
        .count();
    assert_eq!(written, 1, "every start took a new segment");
    let report = report(&place);
    assert_eq!((report.problems, report.pages), (vec![], 5));
}
