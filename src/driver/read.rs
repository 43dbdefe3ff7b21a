//! From a file as written to a driver as meant, or to every complaint about it at once.

use crate::{
    Complaint,
    driver::{
        Ask, Caveat, Comes, Driver, Evidence, Handshake, KINDS_OF_SAMPLE, LineSettings, Measure, Modbus,
        Read, ReadRole, RegisterPoint, Sample, Speaks, Text, TextAnswer, TextIdentity, Then,
    },
    frame::{Check, Framing},
    meaning::{self, Doubt, Making, Part, SENTENCES, UnitFrom, When, Written},
    modbus::Table,
    pattern::{Digits, Kind, Pattern, is_name},
    registers::{Is, Order},
    tree::{At, Block, Desk, closest},
};
use record::{Quality, Quantity, Unit};
use rust_decimal::Decimal;
use std::{ops::Range, str::FromStr, sync::Arc, time::Duration};
use toml::de::{DeTable, DeValue};

pub(crate) fn driver(text: &str, file: &str) -> Result<Driver, Vec<Complaint>> {
    let desk = Desk::new(file, text);
    let (table, mistakes) = DeTable::parse_recoverable(text);
    if !mistakes.is_empty() {
        for mistake in mistakes {
            desk.complain(
                Complaint::new("not-toml", mistake.message().to_owned())
                    .mark(mistake.span().unwrap_or(0..0), "here")
                    .why("a file that cannot be read as TOML says nothing about an instrument")
                    .help("correct the marked place"),
            );
        }
        return Err(desk.into_complaints());
    }
    let head = text.lines().next().map_or(0, str::len);
    let root = Block::new(&desk, table.get_ref(), "the file", 0..head);
    let driver = whole_file(&root, text, file);
    match driver {
        Some(driver) if desk.is_clean() => Ok(driver),
        _ => Err(desk.into_complaints()),
    }
}

/// The two ways of writing down bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ways {
    Characters,
    Bytes,
    Modbus,
}

fn whole_file(root: &Block<'_>, text: &str, file: &str) -> Option<Driver> {
    if root.number::<u8>("format", 1..2).is_none() && !root.has("format") {
        root.missing("format");
    }
    let head = root.block("driver", "[driver]");
    if head.is_none() {
        root.missing("driver");
    }
    let head = head?;
    let name = head.need_text("name");
    let edition = head.number::<u32>("edition", 1..1_000_000);
    if edition.is_none() && !head.has("edition") {
        head.missing("edition");
    }
    let title = head.need_text("title").what;
    let maker = head.need_text("maker").what;
    let evidence = head.word(
        "evidence",
        &[
            ("draft", Evidence::Draft),
            ("documented", Evidence::Documented),
            ("bench", Evidence::Bench),
            ("plant", Evidence::Plant),
        ],
    );
    if evidence.is_none() && !head.has("evidence") {
        head.missing("evidence");
    }
    let manual = head.text("manual").map(|manual| manual.what).unwrap_or_default();
    let speaks = head.word(
        "speaks",
        &[
            ("text-over-serial", Ways::Characters),
            ("bytes-over-serial", Ways::Bytes),
            ("modbus", Ways::Modbus),
        ],
    );
    if speaks.is_none() && !head.has("speaks") {
        head.missing("speaks");
    }
    head.finish();
    let ways = speaks?;
    let speaks = if ways == Ways::Modbus {
        Speaks::Modbus(Arc::new(modbus(root)?))
    } else {
        Speaks::Text(Arc::new(text_way(root, ways == Ways::Bytes)))
    };
    let caveats = root.blocks("caveat", "[[caveat]]").iter().map(caveat).collect();
    let mut driver = Driver {
        name: name.what,
        edition: edition.map_or(0, |edition| edition.what),
        title,
        maker,
        manual,
        evidence: evidence.unwrap_or(Evidence::Draft),
        speaks,
        caveats,
        samples: Vec::new(),
        file: file.to_owned(),
        text: text.into(),
    };
    driver.samples = root
        .blocks("sample", "[[sample]]")
        .iter()
        .filter_map(|block| sample(block, &driver, ways))
        .collect();
    root.finish();
    if driver.points().is_empty() && root.desk().is_clean() {
        root.desk().complain(
            Complaint::new("gives-nothing", "this driver gives no value")
                .mark(root.span.clone(), "no measure in the whole file")
                .help("add [measure.NAME] with its answers, or [[read]] with points"),
        );
    }
    Some(driver)
}

fn caveat(block: &Block<'_>) -> Caveat {
    let no_samples_of = block.texts("no_samples_of");
    for kind in no_samples_of
        .iter()
        .filter(|kind| !KINDS_OF_SAMPLE.contains(&kind.what.as_str()))
    {
        block
            .desk()
            .complain(no_such("kind of sample", kind, KINDS_OF_SAMPLE));
    }
    let caveat = Caveat {
        no_samples_of: no_samples_of.into_iter().map(|kind| kind.what).collect(),
        says: block.need_text("says").what,
        so: block.need_text("so").what,
        seen: block.need_text("seen").what,
    };
    block.finish();
    caveat
}

// ---------------------------------------------------------------- characters

fn text_way(root: &Block<'_>, in_bytes: bool) -> Text {
    let (line, framing) = if let Some(serial) = root.block("serial", "[serial]") {
        let line = line_settings(&serial, 9600, "8N1");
        let framing = framing(&serial);
        serial.finish();
        (line, framing)
    } else {
        root.missing("serial");
        (line_of(9600, "8N1"), plain_lines())
    };
    let blocks = root.named_blocks("measure");
    let names: Vec<String> = blocks.iter().map(|(name, _)| name.what.clone()).collect();
    let mut asks: Vec<(String, Ask)> = Vec::new();
    for (name, block) in blocks.iter().filter(|(_, block)| !block.has("comes_with")) {
        measure_name(root.desk(), name);
        asks.push((name.what.clone(), ask(name, block, &names, &blocks)));
    }
    for (name, block) in blocks.iter().filter(|(_, block)| block.has("comes_with")) {
        measure_name(root.desk(), name);
        let with = block.need_text("comes_with");
        let (measure, doubts, words) = measure(name, block);
        let Some((_, ask)) = asks.iter_mut().find(|(other, _)| *other == with.what) else {
            let asked: Vec<&str> = asks.iter().map(|(name, _)| name.as_str()).collect();
            root.desk().complain(no_such("measure", &with, &asked));
            continue;
        };
        ask.units.extend(words);
        ask.doubts.extend(doubts);
        ask.measures.push(measure);
        block.finish();
    }
    for (_, ask) in &asks {
        check_answers(root.desk(), ask);
    }
    let identity = root.block("identity", "[identity]").map(|block| {
        let identity = text_identity(&block);
        block.finish();
        identity
    });
    let asides = root
        .texts("asides")
        .iter()
        .filter_map(|text| pattern(root.desk(), text, |_| Kind::Any))
        .collect();
    Text {
        line,
        framing,
        asks: asks.into_iter().map(|(_, ask)| ask).collect(),
        identity,
        asides,
        in_bytes,
    }
}

fn measure_name(desk: &Desk<'_>, name: &Written) {
    if !is_name(&name.what) || ["value", "unit", "number", "serial_number"].contains(&name.what.as_str()) {
        desk.complain(
            Complaint::new(
                "not-a-name",
                format!("{:?} cannot be the name of a measure", name.what),
            )
            .mark(
                name.span.clone(),
                "letters a to z, digits and _; not value, unit, number or serial_number",
            )
            .help("name it after what it measures: weight, temperature, speed"),
        );
    }
}

/// Line settings under `speed`, `frame`, `handshake`.
fn line_settings(block: &Block<'_>, speed: u32, frame: &str) -> LineSettings {
    let speed = block
        .number::<u32>("speed", 50..4_000_001)
        .map_or(speed, |speed| speed.what);
    let handshake = block
        .word(
            "handshake",
            &[
                ("none", Handshake::None),
                ("xon-xoff", Handshake::XonXoff),
                ("rts-cts", Handshake::RtsCts),
            ],
        )
        .unwrap_or_default();
    let written = block.text("frame");
    let frame = written.as_ref().map_or(frame, |frame| frame.what.as_str());
    LineSettings::read(speed, frame, handshake).unwrap_or_else(|| {
        let span = written
            .as_ref()
            .map_or(block.span.clone(), |frame| frame.span.clone());
        block.desk().complain(
            Complaint::new(
                "no-line-settings",
                format!("{frame:?} is no setting of a serial line"),
            )
            .mark(span, "data bits 7 or 8, parity N, E or O, stop bits 1 or 2")
            .help("write for instance `frame = \"8N1\"`"),
        );
        line_of(speed, "8N1")
    })
}

fn line_of(speed: u32, frame: &str) -> LineSettings {
    LineSettings::read(speed, frame, Handshake::None).unwrap_or(LineSettings {
        speed,
        data_bits: 8,
        parity: 'N',
        stop_bits: 1,
        handshake: Handshake::None,
    })
}

fn plain_lines() -> Framing {
    Framing {
        starts_with: Vec::new(),
        ends_with: b"\r\n".to_vec(),
        sends_with: b"\r\n".to_vec(),
        length: None,
        check: None,
        seven_bits: false,
        or_exactly: Vec::new(),
    }
}

fn framing(block: &Block<'_>) -> Framing {
    let bytes = |key: &'static str| block.text(key).map(|text| on_the_wire(block.desk(), &text));
    let ends_with = bytes("ends_with").unwrap_or_else(|| b"\r\n".to_vec());
    let length = block.number::<usize>("length", 2..513).map(|length| length.what);
    let framing = Framing {
        starts_with: bytes("starts_with").unwrap_or_default(),
        sends_with: bytes("sends_with").unwrap_or_else(|| ends_with.clone()),
        ends_with,
        length,
        check: block.word("check", Check::words()),
        seven_bits: block
            .word("keeps", &[("7 bits", true), ("8 bits", false)])
            .unwrap_or(false),
        or_exactly: block
            .texts("or_exactly")
            .iter()
            .map(|text| on_the_wire(block.desk(), text))
            .collect(),
    };
    let no_end = framing.length.is_none() && framing.ends_with.is_empty();
    let no_start = framing.length.is_some() && framing.starts_with.is_empty();
    if no_end || no_start {
        block.desk().complain(
            Complaint::new("no-frame", "nothing says where a frame ends and the next begins")
                .mark(block.span.clone(), "neither an end, nor a start with a length")
                .help("add `ends_with`, or `starts_with` and `length`"),
        );
    }
    framing
}

fn on_the_wire(desk: &Desk<'_>, text: &Written) -> Vec<u8> {
    meaning::latin(&text.what).unwrap_or_else(|| {
        desk.complain(
            Complaint::new("not-on-the-wire", "a character here takes more than one byte")
                .mark(text.span.clone(), "characters up to \\u00FF only")
                .help("write bytes as \\u0002, or use plain letters"),
        );
        Vec::new()
    })
}

fn pattern(desk: &Desk<'_>, text: &Written, kind: impl Fn(&str) -> Kind) -> Option<Pattern> {
    Pattern::parse(&text.what, kind)
        .map_err(|bad| {
            // places inside the text are exact as long as nothing in it is escaped
            let plain = desk.source(text.span.clone()).get(1..).is_some_and(|s| s.starts_with(&text.what));
            let span = if plain { text.span.start + 1 + bad.at.start..text.span.start + 1 + bad.at.end } else { text.span.clone() };
            desk.complain(
                Complaint::new("bad-pattern", format!("{:?} cannot be read as a pattern", text.what))
                    .mark(span, bad.why)
                    .help("text stands for itself, {value} for digits, {unit} for a unit, {_} for anything; {{ is a brace"),
            );
        })
        .ok()
}

fn ask(name: &Written, block: &Block<'_>, names: &[String], blocks: &[(Written, Block<'_>)]) -> Ask {
    let desk = block.desk();
    let (measure, doubts, units) = measure(name, block);
    let send = block.text("send").map(|text| on_the_wire(desk, &text));
    let comes = block.word(
        "comes",
        &[
            ("by itself", Comes::ByItself),
            ("when printed", Comes::WhenPrinted),
        ],
    );
    if send.is_none() == comes.is_none() {
        desk.complain(
            Complaint::new(
                "how-does-it-come",
                format!("{} must say either what is sent or how it comes", block.name),
            )
            .mark(name.span.clone(), "exactly one of `send` and `comes`")
            .help("add `send = \"…\"`, or `comes = \"by itself\"`, or `comes = \"when printed\"`"),
        );
    }
    let here: Vec<&str> = blocks
        .iter()
        .filter(|(_, other)| other.has("comes_with"))
        .map(|(name, _)| name.what.as_str())
        .filter(|name| names.iter().any(|known| known == name))
        .collect();
    let kind = |field: &str| match field {
        "value" | "number" => Kind::Number,
        "unit" => Kind::Unit,
        other if here.contains(&other) => Kind::Number,
        _ => Kind::Any,
    };
    let answers = block
        .blocks("answers", "this answer")
        .iter()
        .filter_map(|block| {
            let answer = text_answer(block, kind);
            block.finish();
            answer
        })
        .collect();
    if !block.has("answers") {
        desk.complain(
            Complaint::new(
                "no-answers",
                format!("nothing says how {} is answered", block.name),
            )
            .mark(name.span.clone(), "`answers` is missing")
            .help("add `answers = [ { reads = \"…\", quality = \"good\" } ]`"),
        );
    }
    let ask = Ask {
        send,
        comes: comes.unwrap_or_default(),
        answer_within: block.time("answer_within").unwrap_or(Duration::from_millis(500)),
        pause_after: block.time("pause_after").unwrap_or(Duration::ZERO),
        at_most_every: block.pace("ask_at_most").unwrap_or(Duration::from_millis(200)),
        measures: vec![measure],
        answers,
        doubts,
        units,
    };
    block.finish();
    ask
}

fn text_answer(block: &Block<'_>, kind: impl Fn(&str) -> Kind) -> Option<TextAnswer> {
    let reads = block.need_text("reads");
    let reads = pattern(block.desk(), &reads, kind);
    let more = block.word("then", &[("more follows", ())]).is_some();
    let quality = block.word("quality", QUALITIES);
    let because = block.text("because");
    if more {
        return reads.map(|reads| TextAnswer {
            reads,
            then: Then::MoreFollows,
            span: block.span.clone(),
        });
    }
    let then = quality_with_reason(block, quality, because)?;
    reads.map(|reads| TextAnswer {
        reads,
        then,
        span: block.span.clone(),
    })
}

const QUALITIES: &[(&str, Quality)] = &[
    ("good", Quality::Good),
    ("uncertain", Quality::Uncertain),
    ("bad", Quality::Bad),
];

fn quality_with_reason(
    block: &Block<'_>,
    quality: Option<Quality>,
    because: Option<Written>,
) -> Option<Then> {
    if quality.is_none() && !block.has("quality") {
        block.missing("quality");
    }
    match (quality?, because) {
        (Quality::Good, None) => Some(Then::Gives { doubt: None }),
        (Quality::Good, Some(because)) => {
            block.desk().complain(
                Complaint::new("good-because", "a good answer needs no reason")
                    .mark(because.span, "why should it be good?")
                    .help("remove `because`, or say `quality = \"uncertain\"`"),
            );
            None
        }
        (_, None) => {
            block.desk().complain(
                Complaint::new("because-missing", "an answer that is not good must say why")
                    .mark(block.span.clone(), "`because` is missing here")
                    .why("the reason is entered with the value; without it nobody can review the entry")
                    .help("add `because = \"…\"` in two or three words: \"not settled\", \"overload\""),
            );
            None
        }
        (Quality::Uncertain, Some(because)) => Some(Then::Gives {
            doubt: Some(because.what),
        }),
        (Quality::Bad, Some(because)) => Some(Then::Bad(because.what)),
    }
}

/// Good answers must hold the value, units must be listed, and names must mean something.
fn check_answers(desk: &Desk<'_>, ask: &Ask) {
    let first = &ask.measures[0];
    for answer in &ask.answers {
        let gives = matches!(answer.then, Then::Gives { .. });
        for measure in &ask.measures {
            let field = if measure.name == first.name {
                "value"
            } else {
                measure.name.as_str()
            };
            let needs = measure.making.words.is_empty();
            if gives && needs && !answer.reads.has(field) {
                desk.complain(
                    Complaint::new("value-missing", format!("this answer gives no {}", measure.name))
                        .mark(answer.span.clone(), format!("no {{{field}}} in `reads`"))
                        .help(format!(
                            "mark where the digits stand with {{{field}}}, or make the answer bad"
                        )),
                );
            }
        }
        if gives {
            check_fields(desk, ask, answer);
        }
        if answer.reads.has("unit") && ask.units.is_empty() {
            desk.complain(
                Complaint::new("units-missing", "nothing says which units can stand in {unit}")
                    .mark(answer.span.clone(), "{unit} here")
                    .help("add `units = [\"g\", \"kg\"]`, or `units = { G = \"g\" }` where the wire has other words"),
            );
        }
        let worded = ask
            .measures
            .iter()
            .any(|measure| matches!(measure.making.unit, Some(UnitFrom::Words(_))));
        if gives && worded && !answer.reads.has("unit") {
            desk.complain(
                Complaint::new("unit-missing", "this answer gives a value without its unit")
                    .mark(answer.span.clone(), "no {unit} in `reads`")
                    .why("a number without a unit cannot be entered")
                    .help("mark the unit with {unit}, or say `unit = \"kg\"` where it is always the same"),
            );
        }
    }
}

/// Whatever judges a value must come in the same answer.
fn check_fields(desk: &Desk<'_>, ask: &Ask, answer: &TextAnswer) {
    let here: Vec<&str> = answer.reads.slots().map(|slot| ask.fields_of(slot)).collect();
    let judging = ask.measures.iter().flat_map(|measure| measure.making.fields());
    let judging = judging.chain(ask.doubts.iter().flat_map(|doubt| doubt.when.fields()));
    let mut missing: Vec<&str> = judging.filter(|field| !here.contains(field)).collect();
    missing.sort_unstable();
    missing.dedup();
    for field in missing {
        desk.complain(
            Complaint::new(
                "not-in-this-answer",
                format!("{field:?} is no field of this answer"),
            )
            .mark(answer.span.clone(), "a value of this answer is judged by it")
            .why("a doubt that cannot be looked at makes every such value bad")
            .help(format!(
                "mark where it stands with {{{field}}}; known here: {}",
                here.join(", ")
            )),
        );
    }
}

fn text_identity(block: &Block<'_>) -> TextIdentity {
    let send = on_the_wire(block.desk(), &block.need_text("send"));
    let reads = block.need_text("reads");
    let parsed = pattern(block.desk(), &reads, |_| Kind::Any);
    if parsed.as_ref().is_some_and(|parsed| !parsed.has("serial_number")) {
        block.desk().complain(
            Complaint::new("value-missing", "this answer gives no identity")
                .mark(reads.span, "no {serial_number} in `reads`")
                .help("mark where the serial number stands with {serial_number}"),
        );
    }
    TextIdentity {
        send,
        reads: parsed.unwrap_or_default(),
        answer_within: block.time("answer_within").unwrap_or(Duration::from_millis(500)),
    }
}

// ---------------------------------------------------------------- what values are made of

/// A measure of a text driver, its doubts, and its unit words on the wire.
fn measure(name: &Written, block: &Block<'_>) -> (Measure, Vec<Doubt>, Vec<Vec<u8>>) {
    let mut making = Making::new(&name.what);
    making.digits = Digits {
        mark: block
            .word("decimal_mark", &[(".", b'.'), (",", b',')])
            .unwrap_or(b'.'),
        drops: block
            .text("drops")
            .map(|text| on_the_wire(block.desk(), &text))
            .unwrap_or_default(),
        zero_padded: block
            .word("padding", &[("blanks", false), ("zeros", true)])
            .unwrap_or(false),
    };
    let words = unit_words(block);
    if !words.is_empty() {
        making.unit = Some(UnitFrom::Words(words.clone()));
    }
    common(block, &mut making);
    let title = block
        .text("title")
        .map_or_else(|| titled(&name.what), |title| title.what);
    let doubts = doubts(block, Some(&name.what));
    if making.unit.is_none() && making.words.is_empty() && !says_unit(block) {
        no_unit(block.desk(), &name.what, name.span.clone());
    }
    let measure = Measure {
        name: name.what.clone(),
        title,
        making,
        span: name.span.clone(),
    };
    (measure, doubts, words.into_iter().map(|(word, _)| word).collect())
}

/// Whether it says in any way what the value means, rightly or wrongly: one cause, one complaint.
fn says_unit(block: &Block<'_>) -> bool {
    ["one_count", "unit", "units", "unit_from", "words", "states"]
        .iter()
        .any(|key| block.has(key))
}

fn no_unit(desk: &Desk<'_>, name: &str, span: Range<usize>) {
    desk.complain(
        Complaint::new("no-unit", format!("nothing says in which unit {name} is"))
            .mark(span, "a value without a unit")
            .why("a number without a unit cannot be entered")
            .help("add `one_count = \"0.1 °C\"`, `unit = \"°C\"`, `units`, `unit_from`, `words` or `states`"),
    );
}

/// `units = ["g", "kg"]`, or `units = { G = "g" }` where the wire has other words.
fn unit_words(block: &Block<'_>) -> Vec<(Vec<u8>, Unit)> {
    if !block.has("units") {
        return Vec::new();
    }
    let pairs: Vec<(Written, Written)> = if block.is_table("units") {
        block.named_texts("units")
    } else {
        block
            .texts("units")
            .into_iter()
            .map(|text| (text.clone(), text))
            .collect()
    };
    pairs
        .into_iter()
        .filter_map(|(word, unit)| Some((on_the_wire(block.desk(), &word), unit_named(block.desk(), &unit)?)))
        .collect()
}

fn unit_named(desk: &Desk<'_>, text: &Written) -> Option<Unit> {
    let unit = Unit::named(&text.what);
    if unit.is_none() {
        let all: Vec<&str> = Unit::all().map(Unit::shown).collect();
        desk.complain(
            Complaint::new("no-such-unit", format!("{:?} is no unit known here", text.what))
                .mark(text.span.clone(), "not a unit")
                .help(format!("known: {}", all.join(", "))),
        );
    }
    unit
}

/// Keys that values of text and of registers have in common.
fn common(block: &Block<'_>, making: &mut Making) {
    let desk = block.desk();
    if let Some(text) = block.text("one_count") {
        match Quantity::read(&text.what) {
            Some(one) => {
                making.one_count = Some(one.amount.number());
                making.unit = Some(UnitFrom::Fixed(one.unit));
            }
            None => desk.complain(
                Complaint::new("no-quantity", format!("{:?} is no amount with a unit", text.what))
                    .mark(text.span, "an amount, a blank, a unit")
                    .help("write what one count is worth, for instance `one_count = \"0.1 °C\"`"),
            ),
        }
    }
    if let Some(unit) = block.text("unit").and_then(|text| unit_named(desk, &text)) {
        making.unit = Some(UnitFrom::Fixed(unit));
    }
    let rules: Vec<(When, Unit)> = block
        .blocks("unit_from", "this unit")
        .iter()
        .filter_map(|rule| {
            let pair = (sentence(rule, "when"), unit_named(desk, &rule.need_text("unit")));
            rule.finish();
            Some((pair.0?, pair.1?))
        })
        .collect();
    if !rules.is_empty() {
        making.unit = Some(UnitFrom::When(rules));
    }
    if let Some(text) = block.text("plus") {
        making.plus = Decimal::from_str(&text.what).ok();
        if making.plus.is_none() {
            desk.complain(
                Complaint::new("no-number", format!("{:?} is no number", text.what))
                    .mark(text.span, "digits with at most one point")
                    .help("write for instance `plus = \"-50.0\"`"),
            );
        }
    }
    if let Some(text) = block.text("decimals_from") {
        match Part::parse(&text.what) {
            Some(part) => {
                let table = block
                    .named_numbers("decimals_are")
                    .into_iter()
                    .filter_map(|(code, decimals)| {
                        Some((meaning::whole(&code.what)?, i32::try_from(decimals.what).ok()?))
                    })
                    .collect();
                making.decimals_from = Some((part, table));
            }
            None => desk.complain(
                Complaint::new("no-part", format!("{:?} names no field", text.what))
                    .mark(text.span, "a field, or some of its bits")
                    .help("write for instance `decimals_from = \"swa bits 0 to 2\"`"),
            ),
        }
    }
    if block.has("negative_when") {
        making.negative_when = sentence(block, "negative_when");
    }
    states(block, making);
}

/// `words = { 0 = "idle" }` by the field's own number, `states = [ { when, word } ]` by sentences.
fn states(block: &Block<'_>, making: &mut Making) {
    for (code, word) in block.named_texts("words") {
        let Some(number) = meaning::whole(&code.what) else {
            block.desk().complain(
                Complaint::new("no-number", format!("{:?} is no number", code.what))
                    .mark(code.span, "the number that stands for the word")
                    .help("write for instance `words = { 0 = \"stopped\", 1 = \"running\" }`"),
            );
            continue;
        };
        if let Some(when) = When::parse(&format!("{} is {number}", making.from)) {
            making.words.push((when, word.what));
        }
    }
    for state in block.blocks("states", "this state") {
        let when = sentence(&state, "when");
        let word = state.need_text("word").what;
        state.finish();
        making.words.extend(when.map(|when| (when, word)));
    }
}

fn sentence(block: &Block<'_>, key: &'static str) -> Option<When> {
    let text = block.need_text(key);
    let when = When::parse(&text.what);
    if when.is_none() && block.has(key) {
        block.desk().complain(
            Complaint::new(
                "no-sentence",
                format!("{:?} is no sentence this language knows", text.what),
            )
            .mark(text.span, "not understood")
            .help(format!("the forms are: {SENTENCES}")),
        );
    }
    when
}

fn doubts(block: &Block<'_>, about_itself: Option<&str>) -> Vec<Doubt> {
    block
        .blocks("doubts", "this doubt")
        .iter()
        .filter_map(|doubt| {
            let mut about: Vec<String> = doubt.texts("about").into_iter().map(|text| text.what).collect();
            if let (true, Some(own)) = (about.is_empty(), about_itself) {
                about.push(own.to_owned());
            }
            if about.is_empty() && !doubt.has("about") {
                doubt.missing("about");
            }
            let when = sentence(doubt, "when");
            let quality = doubt.word("quality", QUALITIES);
            let because = doubt.text("because");
            let then = quality_with_reason(doubt, quality, because);
            doubt.finish();
            let (quality, because) = match then? {
                Then::Gives { doubt: Some(because) } => (Quality::Uncertain, because),
                Then::Bad(because) => (Quality::Bad, because),
                _ => {
                    doubt.desk().complain(
                        Complaint::new("good-doubt", "a doubt cannot be good")
                            .mark(doubt.span.clone(), "uncertain or bad")
                            .help("say `quality = \"uncertain\"` or `quality = \"bad\"`"),
                    );
                    return None;
                }
            };
            Some(Doubt {
                about,
                when: when?,
                quality,
                because,
                span: doubt.span.clone(),
            })
        })
        .collect()
}

/// `product_temperature` as `Product temperature`.
fn titled(name: &str) -> String {
    let mut title = name.replace('_', " ");
    if let Some(first) = title.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    title
}

fn no_such(what: &str, written: &Written, known: &[&str]) -> Complaint {
    Complaint::new("no-such-name", format!("there is no {what} {:?}", written.what))
        .mark(written.span.clone(), "not in this file")
        .help(closest(&written.what, known).map_or_else(
            || format!("known here: {}", known.join(", ")),
            |near| format!("did you mean {near:?}?"),
        ))
}

// ---------------------------------------------------------------- registers

fn modbus(root: &Block<'_>) -> Option<Modbus> {
    let settings = root.block("modbus", "[modbus]");
    if settings.is_none() && !root.has("modbus") {
        root.missing("modbus");
    }
    let settings = settings?;
    let line = line_settings(&settings, 19_200, "8E1");
    let order = settings.word("order", Order::words()).unwrap_or_default();
    let most = settings.number::<u16>("at_most", 1..2001).map(|most| most.what);
    let merge_over = settings.number::<u16>("merge_over", 0..125).map(|over| over.what);
    let answer_within = settings
        .time("answer_within")
        .unwrap_or(Duration::from_millis(500));
    let pause_between = settings
        .time("pause_between")
        .unwrap_or(Duration::from_millis(20));
    settings.finish();
    let blocks = root.blocks("read", "[[read]]");
    let reads: Vec<Read> = blocks
        .iter()
        .filter_map(|block| read(block, order, most))
        .collect();
    check_reads(root.desk(), &reads);
    Some(Modbus {
        line,
        answer_within,
        pause_between,
        at_most: most,
        merge_over,
        reads,
    })
}

fn read(block: &Block<'_>, order: Order, most: Option<u16>) -> Option<Read> {
    let role = block
        .word(
            "holds",
            &[
                ("values", ReadRole::Values),
                ("settings", ReadRole::Settings),
                ("identity", ReadRole::Identity),
            ],
        )
        .unwrap_or(ReadRole::Values);
    let table = block.word("table", Table::words());
    let first = block.number::<u16>("first", 0..65_536);
    let count = block.number::<u16>("count", 1..2001);
    for (key, missing) in [
        ("table", table.is_none()),
        ("first", first.is_none()),
        ("count", count.is_none()),
    ] {
        if missing && !block.has(key) {
            block.missing(key);
        }
    }
    let pace = block.pace("ask_at_most").unwrap_or(match role {
        ReadRole::Values => Duration::from_millis(100),
        ReadRole::Settings | ReadRole::Identity => Duration::from_mins(5),
    });
    let alone = block.flag("alone").unwrap_or(false);
    let mut doubts = doubts(block, None);
    let mut points = Vec::new();
    let mut measures = Vec::new();
    for point in block.blocks("points", "this point") {
        if let Some((register, measure)) = register_point(&point, order) {
            points.push(register);
            measures.extend(measure);
        }
        point.finish();
    }
    block.finish();
    let (table, first, count) = (table?, first?, count?);
    let limit = most.unwrap_or(table.most()).min(table.most());
    if count.what > limit {
        block.desk().complain(
            Complaint::new(
                "read-too-long",
                format!("{} at once are more than can be read", count.what),
            )
            .mark(count.span.clone(), format!("at most {limit}"))
            .help("split it into several [[read]]"),
        );
    }
    if u32::from(first.what) + u32::from(count.what) > 65_536 {
        block.desk().complain(
            Complaint::new("read-too-long", "this read goes beyond the last register")
                .mark(
                    first.span.clone(),
                    format!("{} and {} more", first.what, count.what),
                )
                .help("registers go from 0 to 65535 on the wire"),
        );
    }
    for point in &points {
        for doubt in &mut doubts {
            doubt.when.in_register(&point.name, point.is);
        }
        check_place(block.desk(), point, table, first.what, count.what);
    }
    Some(Read {
        role,
        table,
        first: first.what,
        count: count.what,
        at_most_every: pace,
        alone,
        points,
        measures,
        doubts,
        span: block.span.clone(),
    })
}

fn check_place(desk: &Desk<'_>, point: &RegisterPoint, table: Table, first: u16, count: u16) {
    if u32::from(point.at) + u32::from(point.is.width()) > u32::from(count) {
        desk.complain(
            Complaint::new(
                "point-outside-read",
                format!("{} lies outside its read", point.name),
            )
            .mark(
                point.span.clone(),
                format!(
                    "{} to {}",
                    point.at,
                    u32::from(point.at) + u32::from(point.is.width()) - 1
                ),
            )
            .note(format!(
                "the read has {count}, counted from 0 (register {first} on the wire)"
            ))
            .help("`at` counts from the first register of the read; raise `count` or correct `at`"),
        );
    }
    if table.is_bits() != (point.is == Is::Bit) {
        desk.complain(
            Complaint::new(
                "bit-or-register",
                format!("{} does not fit this table", point.name),
            )
            .mark(point.span.clone(), format!("{} here", point.is.word()))
            .help("coils and discrete inputs hold `bit`; inputs and holding registers hold everything else"),
        );
    }
}

fn register_point(block: &Block<'_>, order: Order) -> Option<(RegisterPoint, Option<Measure>)> {
    let at = block.number::<u16>("at", 0..2000);
    if at.is_none() && !block.has("at") {
        block.missing("at");
    }
    let (name, is_measure) = match (block.text("measure"), block.text("field")) {
        (Some(measure), None) => (measure, true),
        (None, Some(field)) => (field, false),
        _ => {
            block.desk().complain(
                Complaint::new("measure-or-field", "a point is either a measure or a field")
                    .mark(block.span.clone(), "exactly one of `measure` and `field`")
                    .help("`measure` is a value people see; `field` helps to judge another"),
            );
            return None;
        }
    };
    if (is_measure || !is_name(&name.what)) && name.what != "serial_number" {
        measure_name(block.desk(), &name);
    }
    let mut is = block.word("is", Is::words());
    if is.is_none() && !block.has("is") {
        block.missing("is");
    }
    if let (Some(Is::Text(_)), Some(registers)) = (is, block.number::<u16>("registers", 1..126)) {
        is = Some(Is::Text(registers.what));
    }
    let order = block.word("order", Order::words()).unwrap_or(order);
    let mut making = Making::new(&name.what);
    common(block, &mut making);
    let title = block
        .text("title")
        .map_or_else(|| titled(&name.what), |title| title.what);
    let _ = block.text("manual");
    let is = is?;
    let has_meaning = says_unit(block) || matches!(is, Is::Text(_));
    if is_measure && !has_meaning && !matches!(is, Is::Bits | Is::Bits32 | Is::Bit) {
        no_unit(block.desk(), &name.what, name.span.clone());
    }
    let measure = (is_measure && has_meaning).then(|| Measure {
        name: name.what.clone(),
        title,
        making,
        span: name.span.clone(),
    });
    Some((
        RegisterPoint {
            at: at?.what,
            name: name.what,
            is,
            order,
            span: name.span,
        },
        measure,
    ))
}

/// Names must be there once, and refer to fields of their own answer or of the settings.
fn check_reads(desk: &Desk<'_>, reads: &[Read]) {
    let mut seen: Vec<(&str, Range<usize>)> = Vec::new();
    for point in reads.iter().flat_map(|read| &read.points) {
        if let Some((_, first)) = seen.iter().find(|(name, _)| *name == point.name) {
            desk.complain(
                Complaint::new("name-twice", format!("{} is there twice", point.name))
                    .mark(point.span.clone(), "again here")
                    .mark(first.clone(), "first here")
                    .help("give each its own name"),
            );
        }
        seen.push((&point.name, point.span.clone()));
    }
    for read in reads.iter().filter(|read| read.role == ReadRole::Identity) {
        if !read.points.iter().any(|point| point.name == "serial_number") {
            desk.complain(
                Complaint::new("value-missing", "this read gives no identity")
                    .mark(read.span.clone(), "no point with `field = \"serial_number\"`")
                    .help("add the registers that hold the serial number"),
            );
        }
    }
    let settings: Vec<&str> = reads
        .iter()
        .filter(|read| read.role == ReadRole::Settings)
        .flat_map(|read| read.points.iter().map(|point| point.name.as_str()))
        .collect();
    for read in reads {
        let mut fields: Vec<&str> = read.points.iter().map(|point| point.name.as_str()).collect();
        fields.extend(&settings);
        let measures: Vec<&str> = read
            .measures
            .iter()
            .map(|measure| measure.name.as_str())
            .collect();
        for doubt in &read.doubts {
            for about in doubt
                .about
                .iter()
                .filter(|about| !measures.contains(&about.as_str()))
            {
                desk.complain(no_such(
                    "measure",
                    &At {
                        what: about.clone(),
                        span: doubt.span.clone(),
                    },
                    &measures,
                ));
            }
            let missing = doubt.when.fields().filter(|field| !fields.contains(field));
            for field in missing {
                desk.complain(not_in_this_answer(field, doubt.span.clone(), &fields));
            }
        }
        for measure in &read.measures {
            let needed = measure.making.fields();
            for field in needed.into_iter().filter(|field| !fields.contains(field)) {
                desk.complain(not_in_this_answer(field, measure.span.clone(), &fields));
            }
        }
    }
}

fn not_in_this_answer(field: &str, span: Range<usize>, known: &[&str]) -> Complaint {
    Complaint::new(
        "not-in-this-answer",
        format!("{field:?} is no field of this read"),
    )
    .mark(span, "refers to it")
    .why("a status that comes with another answer may speak about another moment")
    .help(closest(field, known).map_or_else(
        || {
            format!(
                "read it in the same [[read]], or in one with `holds = \"settings\"`; known here: {}",
                known.join(", ")
            )
        },
        |near| format!("did you mean {near:?}?"),
    ))
}

// ---------------------------------------------------------------- samples

fn sample(block: &Block<'_>, driver: &Driver, ways: Ways) -> Option<Sample> {
    let says = block.need_text("says").what;
    let bytes = |block: &Block<'_>, key: &'static str| {
        block
            .text(key)
            .and_then(|text| sample_bytes(block.desk(), &text, ways))
            .unwrap_or_default()
    };
    let send = bytes(block, "send");
    if !block.has("hear") {
        block.missing("hear");
    }
    let hear = bytes(block, "hear");
    let before = block
        .blocks("before", "what went before")
        .iter()
        .map(|before| {
            let pair = (bytes(before, "send"), bytes(before, "hear"));
            before.finish();
            pair
        })
        .collect();
    let mut known: Vec<String> = driver.points().into_iter().map(|point| point.measure).collect();
    known.push("serial_number".to_owned());
    let gives_block = block.block("gives", "gives");
    if gives_block.is_none() {
        if !block.has("gives") {
            block.missing("gives");
        }
        block.finish();
        return None;
    }
    let gives_block = gives_block?;
    let mut gives = Vec::new();
    for (name, value, span) in gives_block.names() {
        if !known.contains(&name.what) {
            let names: Vec<&str> = known.iter().map(String::as_str).collect();
            block.desk().complain(no_such("measure", &name, &names));
            continue;
        }
        match promised(value) {
            Some(words) => gives.push((name.what, words)),
            None => block.wrong_kind(&name.what, "the words of an answer", value, span),
        }
    }
    block.finish();
    Some(Sample {
        says,
        send,
        hear,
        gives,
        before,
        span: block.span.clone(),
        gives_span: gives_block.span.clone(),
    })
}

fn promised(value: &DeValue<'_>) -> Option<Vec<String>> {
    match value {
        DeValue::String(text) => Some(vec![text.to_string()]),
        DeValue::Array(items) => items
            .iter()
            .map(|item| item.get_ref().as_str().map(str::to_owned))
            .collect(),
        _ => None,
    }
}

fn sample_bytes(desk: &Desk<'_>, text: &Written, ways: Ways) -> Option<Vec<u8>> {
    if ways == Ways::Characters {
        return Some(on_the_wire(desk, text));
    }
    let pairs: Option<Vec<u8>> = text
        .what
        .split_whitespace()
        .map(|pair| {
            (pair.len() == 2)
                .then(|| u8::from_str_radix(pair, 16).ok())
                .flatten()
        })
        .collect();
    if pairs.is_none() {
        desk.complain(
            Complaint::new("no-bytes", "these are no bytes in hexadecimal pairs")
                .mark(text.span.clone(), "pairs of 0-9 and A-F with blanks between")
                .help("write for instance \"01 04 00 00 00 04 F1 C9\""),
        );
    }
    pairs
}
