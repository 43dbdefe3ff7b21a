//! Recorded exchanges and what they promise.

use super::{Ways, making::no_such, text::on_the_wire};
use crate::{
    Complaint,
    driver::{Driver, Sample},
    meaning::Written,
    tree::{Block, Desk},
};
use toml::de::DeValue;

pub(super) fn sample(block: &Block<'_>, driver: &Driver, ways: Ways) -> Option<Sample> {
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
    let (hear, pauses) = heard(block, ways);
    let exchanges = |key, name| -> Vec<(Vec<u8>, Vec<u8>)> {
        let blocks = block.blocks(key, name);
        let pair = |exchange: &Block<'_>| {
            let pair = (bytes(exchange, "send"), bytes(exchange, "hear"));
            exchange.finish();
            pair
        };
        blocks.iter().map(pair).collect()
    };
    let before = exchanges("before", "what went before");
    let then = exchanges("then", "how it goes on");
    let mut known: Vec<String> = driver.points().into_iter().map(|point| point.measure).collect();
    known.push("serial_number".to_owned());
    known.extend(driver.speaks.told());
    known.extend(driver.commands().into_iter().map(|command| command.name));
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
        then,
        pauses,
        span: block.span.clone(),
        gives_span: gives_block.span.clone(),
    })
}

/// What came; several texts where the line was quiet between them.
fn heard(block: &Block<'_>, ways: Ways) -> (Vec<u8>, Vec<usize>) {
    let (mut hear, mut pauses) = (Vec::new(), Vec::new());
    for text in block.texts("hear") {
        if !hear.is_empty() {
            pauses.push(hear.len());
        }
        hear.extend(sample_bytes(block.desk(), &text, ways).unwrap_or_default());
    }
    (hear, pauses)
}

pub(super) fn promised(value: &DeValue<'_>) -> Option<Vec<String>> {
    match value {
        DeValue::String(text) => Some(vec![text.to_string()]),
        DeValue::Array(items) => items
            .iter()
            .map(|item| item.get_ref().as_str().map(str::to_owned))
            .collect(),
        _ => None,
    }
}

pub(super) fn sample_bytes(desk: &Desk<'_>, text: &Written, ways: Ways) -> Option<Vec<u8>> {
    if ways == Ways::Nodes {
        // JSON; whoever runs the sample reads it
        return Some(text.what.clone().into_bytes());
    }
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
