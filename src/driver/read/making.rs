//! What values are made of, and what makes them doubtful: the same for text and for registers.

use super::text::{QUALITIES, on_the_wire, quality_with_reason};
use crate::{
    Complaint,
    driver::{Measure, Then},
    meaning::{self, Doubt, Making, Part, SENTENCES, UnitFrom, When, Written},
    pattern::Digits,
    tree::{Block, Desk, closest},
};
use record::{Quality, Quantity, Unit};
use rust_decimal::Decimal;
use std::{ops::Range, str::FromStr};

/// A measure of a text driver, its doubts, and its unit words on the wire.
pub(super) fn measure(name: &Written, block: &Block<'_>) -> (Measure, Vec<Doubt>, Vec<Vec<u8>>) {
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
pub(super) fn says_unit(block: &Block<'_>) -> bool {
    ["one_count", "unit", "units", "unit_from", "words", "states"]
        .iter()
        .any(|key| block.has(key))
}

pub(super) fn no_unit(desk: &Desk<'_>, name: &str, span: Range<usize>) {
    desk.complain(
        Complaint::new("no-unit", format!("nothing says in which unit {name} is"))
            .mark(span, "a value without a unit")
            .why("a number without a unit cannot be entered")
            .help("add `one_count = \"0.1 °C\"`, `unit = \"°C\"`, `units`, `unit_from`, `words` or `states`"),
    );
}

/// `units = ["g", "kg"]`, or `units = { G = "g" }` where the wire has other words.
pub(super) fn unit_words(block: &Block<'_>) -> Vec<(Vec<u8>, Unit)> {
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

pub(super) fn unit_named(desk: &Desk<'_>, text: &Written) -> Option<Unit> {
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
pub(super) fn common(block: &Block<'_>, making: &mut Making) {
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
pub(super) fn states(block: &Block<'_>, making: &mut Making) {
    for (code, word) in block.named_texts("words") {
        let flag = ["false", "true"]
            .iter()
            .position(|word| *word == code.what)
            .map(|flag| flag as i128);
        let Some(number) = flag.or_else(|| meaning::whole(&code.what)) else {
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

pub(super) fn sentence(block: &Block<'_>, key: &'static str) -> Option<When> {
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

pub(super) fn doubts(block: &Block<'_>, about_itself: Option<&str>) -> Vec<Doubt> {
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
pub(super) fn titled(name: &str) -> String {
    let mut title = name.replace('_', " ");
    if let Some(first) = title.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    title
}

pub(super) fn no_such(what: &str, written: &Written, known: &[&str]) -> Complaint {
    Complaint::new("no-such-name", format!("there is no {what} {:?}", written.what))
        .mark(written.span.clone(), "not in this file")
        .help(closest(&written.what, known).map_or_else(
            || format!("known here: {}", known.join(", ")),
            |near| format!("did you mean {near:?}?"),
        ))
}
