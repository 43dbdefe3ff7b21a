//! Lines of characters: the line, the frames, what is asked and how it is answered.

use super::{
    Ways,
    commands::{command_named, commands},
    line::{framing, line_of, line_settings, plain_lines},
    making::{measure, no_such},
};
use crate::{
    Complaint,
    command::Command,
    driver::{Ask, Comes, Start, Text, TextAnswer, TextIdentity, Then},
    meaning::{self, UnitFrom, Written},
    pattern::{Kind, Pattern, is_name},
    tree::{Block, Desk},
};
use record::Quality;
use std::time::Duration;

pub(super) fn text_way(root: &Block<'_>, in_bytes: bool) -> Text {
    let (line, framing) = if let Some(serial) = root.block("serial", "[serial]") {
        let line = line_settings(&serial, 9600, "8N1");
        let framing = framing(&serial);
        serial.finish();
        (line, framing)
    } else {
        root.missing("serial");
        (line_of(9600, "8N1"), plain_lines())
    };
    let commands = commands(root, if in_bytes { Ways::Bytes } else { Ways::Characters });
    let blocks = root.named_blocks("measure");
    let names: Vec<String> = blocks.iter().map(|(name, _)| name.what.clone()).collect();
    let mut asks: Vec<(String, Ask)> = Vec::new();
    for (name, block) in blocks.iter().filter(|(_, block)| !block.has("comes_with")) {
        measure_name(root.desk(), name);
        asks.push((name.what.clone(), ask(name, block, &names, &blocks, &commands)));
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
        commands,
        in_bytes,
    }
}

pub(super) fn measure_name(desk: &Desk<'_>, name: &Written) {
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

pub(super) fn on_the_wire(desk: &Desk<'_>, text: &Written) -> Vec<u8> {
    meaning::latin(&text.what).unwrap_or_else(|| {
        desk.complain(
            Complaint::new("not-on-the-wire", "a character here takes more than one byte")
                .mark(text.span.clone(), "characters up to \\u00FF only")
                .help("write bytes as \\u0002, or use plain letters"),
        );
        Vec::new()
    })
}

pub(super) fn pattern(desk: &Desk<'_>, text: &Written, kind: impl Fn(&str) -> Kind) -> Option<Pattern> {
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

pub(super) fn ask(
    name: &Written,
    block: &Block<'_>,
    names: &[String],
    blocks: &[(Written, Block<'_>)],
    commands: &[Command],
) -> Ask {
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
    let start = start(block, comes);
    let after = command_named(block, "after", commands);
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
        start,
        after,
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

/// What makes it talk by itself, where it does not do so from the start.
fn start(block: &Block<'_>, comes: Option<Comes>) -> Option<Start> {
    let send = block.text("start");
    let again_after = block.time("start_again_after").unwrap_or(Duration::from_secs(5));
    let send = send?;
    if comes != Some(Comes::ByItself) {
        block.desk().complain(
            Complaint::new(
                "start-of-nothing",
                format!("{} does not talk by itself", block.name),
            )
            .mark(send.span.clone(), "nothing to start")
            .help("say `comes = \"by itself\"`, or ask with `send`"),
        );
    }
    Some(Start {
        send: on_the_wire(block.desk(), &send),
        again_after,
    })
}

pub(super) fn text_answer(block: &Block<'_>, kind: impl Fn(&str) -> Kind) -> Option<TextAnswer> {
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

pub(super) const QUALITIES: &[(&str, Quality)] = &[
    ("good", Quality::Good),
    ("uncertain", Quality::Uncertain),
    ("bad", Quality::Bad),
];

pub(super) fn quality_with_reason(
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
pub(super) fn check_answers(desk: &Desk<'_>, ask: &Ask) {
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
pub(super) fn check_fields(desk: &Desk<'_>, ask: &Ask, answer: &TextAnswer) {
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

pub(super) fn text_identity(block: &Block<'_>) -> TextIdentity {
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
