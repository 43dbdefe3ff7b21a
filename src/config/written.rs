//! The configuration as written: blocks and keys with their places, sentences taken apart, nothing
//! resolved yet. A key that is not listed here does not exist; the reference page lists the same ones.

use super::{
    block::{Block, Page},
    plant::{Authority, Pace, Proof, Use, WhenOver},
    recipe,
    sentence::{self, Band, Slip},
    server::{Security, Start},
};
use driver::Complaint;
use record::Quantity;
use std::{ops::Range, time::Duration};
use toml::{Spanned, de::DeTable};

/// A key that may be absent, with its place.
pub(super) type Key<T> = Option<Spanned<T>>;

/// Every block with its keys, in the order of the reference.
pub const KEYS: &[(&str, &[&str])] = &[
    ("", FILE),
    ("[gateway]", GATEWAY),
    ("[record_store]", RECORD_STORE),
    ("[equipment.TAG]", EQUIPMENT),
    ("[unit.NAME]", UNIT),
    ("[unit.NAME.context]", CONTEXT),
    ("[[capture]]", CAPTURE),
    ("[station.NAME]", super::station::STATION),
    ("[[station.NAME.scale]]", super::station::SCALE),
    ("[master]", MASTER),
    ("[people]", PEOPLE),
    ("[web]", WEB),
    ("[signal]", SIGNAL),
];

const FILE: &[&str] = &[
    "format",
    "gateway",
    "record_store",
    "equipment",
    "unit",
    "capture",
    "station",
    "master",
    "people",
    "web",
    "signal",
];
const GATEWAY: &[&str] = &[
    "name",
    "plant",
    "use",
    "zone",
    "ledger",
    "signing_key",
    "seal_within",
    "page_size",
    "segment_size",
    "stop_capture_below",
    "clock_may_differ_by",
    "settle",
    "recipes",
    "when_calibration_is_over",
    "trust",
    "when_certificate_is_over",
    "values_by_hand_by",
];
const RECORD_STORE: &[&str] = &[
    "broker",
    "insecure_plaintext",
    "mqtt",
    "user",
    "password_file",
    "trust",
    "certificate",
    "private_key",
    "topics",
    "key",
    "release_on",
    "window",
];
const EQUIPMENT: &[&str] = &[
    "title",
    "driver",
    "edition",
    "serial",
    "tcp",
    "modbus_tcp",
    "modbus_rtu",
    "modbus_rtu_tcp",
    "opcua",
    "security",
    "user",
    "password_file",
    "user_certificate",
    "user_key",
    "anonymous",
    "starts",
    "line",
    "unit_id",
    "serial_number",
    "calibrated_till",
    "every",
    "allow",
    "record_with_draft",
    "range",
    "division",
];
const UNIT: &[&str] = &[
    "title",
    "kind",
    "authority",
    "context",
    "context_key",
    "context_token_file",
    "lease",
    "without_step",
    "roles",
];
const CONTEXT: &[&str] = &[
    "batch",
    "step",
    "state",
    "batch_state",
    "counter",
    "steps",
    "states",
];
const CAPTURE: &[&str] = &[
    "during",
    "at",
    "what",
    "every",
    "when",
    "must_be",
    "warn_outside",
    "missing_after",
];
const MASTER: &[&str] = &[
    "orders_may_be",
    "lots_may_be",
    "containers_may_be",
    "check_weights_may_be",
    "people_may_be",
];
const PEOPLE: &[&str] = &["performed_with", "verified_with", "acknowledged_with"];
const WEB: &[&str] = &[
    "listen",
    "certificate",
    "private_key",
    "show_without_sign_in",
    "lock_after",
    "session_at_most",
];
const SIGNAL: &[&str] = &["listen", "units"];

/// The keys of `[equipment.TAG]` that say how it is reached; exactly one of them.
pub(super) const LINKS: &[&str] = &[
    "serial",
    "tcp",
    "modbus_tcp",
    "modbus_rtu",
    "modbus_rtu_tcp",
    "opcua",
];

pub(super) struct Written {
    pub(super) gateway: Option<Gateway>,
    pub(super) record_store: Option<RecordStore>,
    pub(super) equipment: Vec<Equipment>,
    pub(super) units: Vec<Unit>,
    pub(super) captures: Vec<Capture>,
    pub(super) stations: Vec<super::station::Written>,
    pub(super) master: Option<Master>,
    pub(super) people: Option<People>,
    pub(super) web: Option<Web>,
    pub(super) signal: Option<Signal>,
}

#[derive(Default)]
pub(super) struct Gateway {
    pub(super) name: Key<String>,
    pub(super) plant: Key<String>,
    pub(super) usage: Key<Use>,
    pub(super) zone: Key<String>,
    pub(super) ledger: Key<String>,
    pub(super) signing_key: Key<String>,
    pub(super) seal_within: Key<Duration>,
    pub(super) page_size: Key<u64>,
    pub(super) segment_size: Key<u64>,
    pub(super) stop_capture_below: Key<u64>,
    pub(super) clock_may_differ_by: Key<Duration>,
    pub(super) settle: Key<Duration>,
    pub(super) recipes: Key<String>,
    pub(super) when_calibration_is_over: Key<WhenOver>,
    pub(super) trust: Key<String>,
    pub(super) when_certificate_is_over: Key<WhenOver>,
    pub(super) values_by_hand_by: Key<Vec<String>>,
}

#[derive(Default)]
pub(super) struct RecordStore {
    pub(super) place: Range<usize>,
    pub(super) broker: Key<String>,
    pub(super) insecure_plaintext: Key<bool>,
    pub(super) mqtt_version_3: Key<bool>,
    pub(super) user: Key<String>,
    pub(super) password_file: Key<String>,
    pub(super) trust: Key<String>,
    pub(super) certificate: Key<String>,
    pub(super) private_key: Key<String>,
    pub(super) topics: Key<String>,
    pub(super) key: Key<String>,
    pub(super) release_on_broker: Key<bool>,
    pub(super) window: Key<i64>,
}

pub(super) struct Equipment {
    pub(super) tag: Spanned<String>,
    pub(super) place: Range<usize>,
    pub(super) title: Key<String>,
    pub(super) driver: Key<String>,
    pub(super) edition: Key<i64>,
    /// Which of [`LINKS`], where its name stands, and what it says.
    pub(super) links: Vec<(&'static str, Range<usize>, Spanned<String>)>,
    /// In one spelling: `19200 8E1`.
    pub(super) line: Key<String>,
    pub(super) unit_id: Key<i64>,
    pub(super) serial_number: Key<String>,
    pub(super) calibrated_till: Key<String>,
    pub(super) every: Key<Duration>,
    pub(super) record_with_draft: Key<bool>,
    /// The key is there, though perhaps not understood.
    pub(super) draft_mentioned: bool,
    pub(super) ranges: Vec<(Spanned<String>, Spanned<Band>)>,
    pub(super) divisions: Vec<(Spanned<String>, Spanned<Quantity>)>,
    pub(super) allow: Vec<Spanned<String>>,
    pub(super) security: Key<Security>,
    pub(super) user: Key<String>,
    pub(super) password_file: Key<String>,
    pub(super) user_certificate: Key<String>,
    pub(super) user_key: Key<String>,
    pub(super) anonymous: Key<bool>,
    pub(super) starts: Vec<(Spanned<String>, Spanned<Start>)>,
}

pub(super) struct Unit {
    pub(super) name: Spanned<String>,
    pub(super) place: Range<usize>,
    pub(super) title: Key<String>,
    pub(super) kind: Key<String>,
    pub(super) authority: Key<Authority>,
    pub(super) context: Option<Context>,
    pub(super) context_key: Key<String>,
    pub(super) context_token_file: Key<String>,
    pub(super) lease: Key<Duration>,
    pub(super) without_step: Key<Duration>,
    pub(super) roles_place: Range<usize>,
    pub(super) roles: Vec<(Spanned<String>, Spanned<String>)>,
}

/// `[unit.NAME.context]`.
pub(super) struct Context {
    pub(super) place: Range<usize>,
    pub(super) batch: Key<String>,
    pub(super) step: Key<String>,
    pub(super) state: Key<String>,
    pub(super) batch_state: Key<String>,
    pub(super) counter: Key<String>,
    pub(super) steps: Vec<(Spanned<String>, Spanned<String>)>,
    pub(super) states: Vec<(Spanned<String>, Spanned<String>)>,
}

pub(super) struct Capture {
    pub(super) place: Range<usize>,
    pub(super) during: Key<String>,
    pub(super) at: Key<String>,
    pub(super) what: Key<String>,
    pub(super) pace: Key<Pace>,
    pub(super) must_be: Key<Band>,
    pub(super) must_be_text: Key<String>,
    pub(super) warn_outside: Key<Band>,
    pub(super) warn_outside_text: Key<String>,
    pub(super) missing_after: Key<Duration>,
}

#[derive(Default)]
pub(super) struct Master {
    pub(super) orders_may_be: Key<Duration>,
    pub(super) lots_may_be: Key<Duration>,
    pub(super) containers_may_be: Key<Duration>,
    pub(super) check_weights_may_be: Key<Duration>,
    pub(super) people_may_be: Key<Duration>,
}

#[derive(Default)]
pub(super) struct People {
    pub(super) performed_with: Key<Proof>,
    pub(super) verified_with: Key<Proof>,
    pub(super) acknowledged_with: Key<Proof>,
}

#[derive(Default)]
pub(super) struct Web {
    pub(super) listen: Key<String>,
    pub(super) certificate: Key<String>,
    pub(super) private_key: Key<String>,
    pub(super) show_without_sign_in: Key<bool>,
    pub(super) lock_after: Key<Duration>,
    pub(super) session_at_most: Key<Duration>,
}

pub(super) struct Signal {
    pub(super) place: Range<usize>,
    pub(super) listen: Key<String>,
    pub(super) units: Vec<Spanned<String>>,
}

/// Takes the file apart. Complaints go to the page; what could not be read is left out.
pub(super) fn take_apart<'a>(page: &'a Page<'a>, table: &'a DeTable<'a>) -> Written {
    let file = Block::whole(page, table, FILE);
    format_edition(&file);
    for (needed, why) in [
        ("gateway", "whose record this is"),
        ("record_store", "where the record goes"),
    ] {
        if !file.has(needed) {
            let what = format!("the block [{needed}] is missing");
            let help = format!("add [{needed}]: it says {why}");
            page.add(Complaint::new("missing-block", what).help(help));
        }
    }
    let one = |name: &str, keys| Block::open(page, format!("[{name}]"), file.value(name)?, keys);
    Written {
        gateway: one("gateway", GATEWAY).map(|block| gateway(&block)),
        record_store: one("record_store", RECORD_STORE).map(|block| record_store(&block)),
        equipment: file
            .blocks("equipment")
            .into_iter()
            .filter_map(|(tag, value)| {
                let block = Block::open(
                    page,
                    format!("[equipment.{}]", quoted(tag.get_ref())),
                    value,
                    EQUIPMENT,
                )?;
                Some(equipment(&block, tag))
            })
            .collect(),
        units: file
            .blocks("unit")
            .into_iter()
            .filter_map(|(name, value)| {
                let block = Block::open(page, format!("[unit.{}]", quoted(name.get_ref())), value, UNIT)?;
                Some(unit(&block, name))
            })
            .collect(),
        captures: file
            .list("capture")
            .into_iter()
            .filter_map(|value| Some(capture(&Block::open(page, "[[capture]]", value, CAPTURE)?)))
            .collect(),
        stations: super::station::take_apart(page, &file),
        master: one("master", MASTER).map(|block| master(&block)),
        people: one("people", PEOPLE).map(|block| {
            let proofs = Proof::ALL.map(|proof| (proof.says(), proof));
            People {
                performed_with: block.word("performed_with", &proofs),
                verified_with: block.word("verified_with", &proofs),
                acknowledged_with: block.word("acknowledged_with", &proofs),
            }
        }),
        web: one("web", WEB).map(|block| Web {
            listen: block.text("listen"),
            certificate: block.text("certificate"),
            private_key: block.text("private_key"),
            show_without_sign_in: block.flag("show_without_sign_in"),
            lock_after: block.sentence("lock_after", sentence::duration),
            session_at_most: block.sentence("session_at_most", sentence::duration),
        }),
        signal: one("signal", SIGNAL).map(|block| Signal {
            place: block.place.clone(),
            listen: block.needed("listen", "\"10.30.4.2:1502\""),
            units: block.texts("units", "[\"MX-3\"]"),
        }),
    }
}

pub(super) fn format_edition(file: &Block) {
    if !file.has("format") {
        let what = "this file does not say which format it is written in";
        file.page
            .add(Complaint::new("missing-key", what).help("add the line format = 1 before the first block"));
    }
    if let Some(format) = file.count("format")
        && *format.get_ref() != 1
    {
        let what = format!(
            "this file is written in format {}; this program reads format 1",
            format.get_ref()
        );
        let help = "write format = 1, or use the program this file was written for";
        file.page.add(
            Complaint::new("format-unknown", what)
                .mark(format.span(), "")
                .help(help),
        );
    }
}

fn gateway(block: &Block) -> Gateway {
    let uses =
        [Use::Production, Use::Qualification, Use::Training, Use::Demo].map(|usage| (usage.word(), usage));
    Gateway {
        name: block.needed("name", "\"line-3\""),
        plant: block.needed("plant", "\"Essen\""),
        usage: block.word("use", &uses),
        zone: block.text("zone"),
        ledger: block.needed("ledger", "\"/var/lib/steelyard/line-3.ledger\""),
        signing_key: block.text("signing_key"),
        seal_within: block.sentence("seal_within", sentence::duration),
        page_size: block.sentence("page_size", |text| sentence::size(text, None)),
        segment_size: block.sentence("segment_size", |text| sentence::size(text, None)),
        stop_capture_below: block.sentence("stop_capture_below", |text| sentence::size(text, Some("free"))),
        clock_may_differ_by: block.sentence("clock_may_differ_by", sentence::duration),
        settle: block.sentence("settle", sentence::duration),
        recipes: block.text("recipes"),
        when_calibration_is_over: block.word(
            "when_calibration_is_over",
            &[("exception", WhenOver::Exception), ("stop", WhenOver::Stop)],
        ),
        trust: block.text("trust"),
        when_certificate_is_over: block.word(
            "when_certificate_is_over",
            &[("exception", WhenOver::Exception), ("stop", WhenOver::Stop)],
        ),
        values_by_hand_by: block.sentence("values_by_hand_by", sentence::roles),
    }
}

pub(super) fn record_store(block: &Block) -> RecordStore {
    RecordStore {
        place: block.place.clone(),
        broker: block.needed("broker", "\"mqtts://broker.example:8883\""),
        insecure_plaintext: block.flag("insecure_plaintext"),
        mqtt_version_3: block.word("mqtt", &[("5", false), ("3.1.1", true)]),
        user: block.text("user"),
        password_file: block.text("password_file"),
        trust: block.text("trust"),
        certificate: block.text("certificate"),
        private_key: block.text("private_key"),
        topics: block.text("topics"),
        key: block.text("key"),
        release_on_broker: block.word("release_on", &[("receipt", false), ("broker", true)]),
        window: block.count("window"),
    }
}

fn master(block: &Block) -> Master {
    Master {
        orders_may_be: block.sentence("orders_may_be", sentence::age),
        lots_may_be: block.sentence("lots_may_be", sentence::age),
        containers_may_be: block.sentence("containers_may_be", sentence::age),
        check_weights_may_be: block.sentence("check_weights_may_be", sentence::age),
        people_may_be: block.sentence("people_may_be", sentence::age),
    }
}

fn equipment(block: &Block, tag: Spanned<String>) -> Equipment {
    let links = LINKS
        .iter()
        .filter_map(|key| Some((*key, block.key_place(key), block.text(key)?)));
    if !block.has("edition") && block.has("driver") {
        let what = format!(
            "{} does not say which edition of its driver it was qualified with",
            block.title
        );
        block.page.add(
            Complaint::new("missing-key", what)
                .mark(
                    block.key_place("driver"),
                    "this driver may change its meaning with its edition",
                )
                .help(format!(
                    "add a line like edition = 1; steelyard drivers {} shows the edition in hand",
                    block.text("driver").map_or_else(String::new, Spanned::into_inner)
                )),
        );
    }
    Equipment {
        links: links.collect(),
        place: block.place.clone(),
        title: block.text("title"),
        driver: block.needed("driver", "\"mt-sics-balance\""),
        edition: block.count("edition"),
        line: block.sentence("line", |text| sentence::line(text).map(|line| line.to_string())),
        unit_id: block.count("unit_id"),
        serial_number: block.text("serial_number"),
        calibrated_till: block.date("calibrated_till"),
        every: block.sentence("every", sentence::duration),
        record_with_draft: block.flag("record_with_draft"),
        draft_mentioned: block.has("record_with_draft"),
        ranges: by_measure(block, "range", sentence::band),
        divisions: by_measure(block, "division", recipe::amount),
        allow: block.texts("allow", "[\"zero\", \"tare\"]"),
        security: block.sentence("security", |text| {
            Security::read(text).map_err(|help| {
                slip(
                    text,
                    "security-not-understood",
                    "is no security that is spoken here",
                    help,
                )
            })
        }),
        user: block.text("user"),
        password_file: block.text("password_file"),
        user_certificate: block.text("user_certificate"),
        user_key: block.text("user_key"),
        anonymous: block.flag("anonymous"),
        starts: by_measure(block, "starts", |text| {
            Start::read(text).map_err(|help| slip(text, "node-not-understood", "names no node", help))
        }),
        tag,
    }
}

/// A text that is not understood, as a whole.
fn slip(text: &str, name: &'static str, what: &str, help: String) -> Slip {
    Slip {
        name,
        what: format!("{text:?} {what}"),
        at: 0..text.len(),
        help,
    }
}

/// `{ weight = "0.1 g" }`: one sentence for each measure.
fn by_measure<T>(
    block: &Block,
    key: &str,
    read: impl Fn(&str) -> Result<T, Slip>,
) -> Vec<(Spanned<String>, Spanned<T>)> {
    let mut all = Vec::new();
    for (measure, value) in block.blocks(key) {
        let Some(text) = as_text(value) else {
            let what = format!("`{key}` of {} is a text in quotes", measure.get_ref());
            block.page.add(
                Complaint::new("wrong-kind", what)
                    .mark(value.span(), "")
                    .help("write an amount with its unit in quotes"),
            );
            continue;
        };
        match read(text.get_ref()) {
            Ok(meaning) => all.push((measure, Spanned::new(text.span(), meaning))),
            Err(slip) => block.page.slip(slip, &text),
        }
    }
    all
}

fn unit(block: &Block, name: Spanned<String>) -> Unit {
    block.require(
        "roles",
        &format!(
            "{{ temperature = \"TC-3105.temperature\" }}, or a block [unit.{}.roles]",
            quoted(name.get_ref())
        ),
    );
    Unit {
        place: block.place.clone(),
        title: block.text("title"),
        kind: block.needed("kind", "\"mixer\""),
        authority: block.word("authority", &Authority::ALL),
        context: context(block, &name),
        context_key: block.text("context_key"),
        context_token_file: block.text("context_token_file"),
        lease: block.sentence("lease", sentence::duration),
        without_step: block.sentence("without_step", sentence::duration),
        roles_place: block
            .value("roles")
            .map_or_else(|| block.place.clone(), Spanned::span),
        roles: roles(block),
        name,
    }
}

fn context(block: &Block, name: &Spanned<String>) -> Option<Context> {
    let title = format!("[unit.{}.context]", quoted(name.get_ref()));
    let block = Block::open(block.page, title, block.value("context")?, CONTEXT)?;
    Some(Context {
        place: block.place.clone(),
        batch: block.needed("batch", "\"PLC-3.batch\""),
        step: block.needed("step", "\"PLC-3.step\""),
        state: block.text("state"),
        batch_state: block.text("batch_state"),
        counter: block.needed("counter", "\"PLC-3.changes\""),
        steps: {
            block.require("steps", "{ 10 = \"charge-water\", 20 = \"emulsify\" }");
            pairs(&block, "steps", "the step", "= \"emulsify\"")
        },
        states: pairs(&block, "states", "the state", "= \"running\""),
    })
}

fn roles(block: &Block) -> Vec<(Spanned<String>, Spanned<String>)> {
    pairs(block, "roles", "the role", "= \"TAG.measure\"")
}

/// Names and texts under a key, in the order of the file.
fn pairs(block: &Block, key: &str, what: &str, example: &str) -> Vec<(Spanned<String>, Spanned<String>)> {
    let mut roles = Vec::new();
    for (role, value) in block.blocks(key) {
        if let Some(point) = as_text(value) {
            roles.push((role, point));
        } else {
            let what = format!("{what} {} has no text", role.get_ref());
            let help = format!("write {} {example}", role.get_ref());
            block.page.add(
                Complaint::new("wrong-kind", what)
                    .mark(value.span(), "")
                    .help(help),
            );
        }
    }
    roles
}

fn capture(block: &Block) -> Capture {
    Capture {
        place: block.place.clone(),
        during: block.text("during"),
        at: block.needed("at", "\"MX-3\""),
        what: block.needed("what", "\"product-temperature\""),
        pace: pace(block),
        must_be_text: block.value("must_be").and_then(as_text),
        must_be: block.sentence("must_be", sentence::band),
        warn_outside_text: block.value("warn_outside").and_then(as_text),
        warn_outside: block.sentence("warn_outside", sentence::band),
        missing_after: block.sentence("missing_after", sentence::duration),
    }
}

/// `every = "5 s"`, `every = "reading"`, `every = "change"`, or `when = "asked"`: exactly one of them.
pub(super) fn pace(block: &Block) -> Key<Pace> {
    match (block.has("every"), block.has("when")) {
        (true, true) => {
            let complaint = Complaint::new("two-paces", "this capture has two paces")
                .mark(block.key_place("when"), "this says when")
                .mark(block.key_place("every"), "and this says how often");
            block.page.add(complaint.help("keep one of the two"));
            None
        }
        (true, false) => block.sentence("every", |text| match text {
            "reading" => Ok(Pace::EveryReading),
            "change" => Ok(Pace::OnChange),
            _ => sentence::duration(text)
                .map(Pace::Every)
                .map_err(|slip| match slip.name {
                    "not-a-number" => Slip {
                        help: "write a time (\"5 s\"), or one of the words \"reading\" and \"change\"".into(),
                        ..slip
                    },
                    _ => slip,
                }),
        }),
        (false, true) => block.word("when", &[("asked", Pace::OnDemand)]),
        (false, false) => {
            let complaint = Complaint::new("missing-key", format!("{} does not say how often", block.title));
            block.page.add(complaint.mark(block.place.clone(), "").help(
                "add one line: every = \"5 s\", every = \"reading\", every = \"change\" or when = \"asked\"",
            ));
            None
        }
    }
}

pub(super) fn as_text(value: &Spanned<toml::de::DeValue>) -> Key<String> {
    match value.get_ref() {
        toml::de::DeValue::String(text) if !text.trim().is_empty() => {
            Some(Spanned::new(value.span(), text.to_string()))
        }
        _ => None,
    }
}

/// A name as it stands in a header: quoted where TOML asks for it.
pub(super) fn quoted(name: &str) -> String {
    let plain = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if plain {
        name.to_owned()
    } else {
        format!("\"{name}\"")
    }
}
