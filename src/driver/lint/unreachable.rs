//! Lines that can never be reached: what stands above them takes everything they could say.

use crate::{
    Complaint, Driver,
    conversation::matching,
    driver::{Ask, Measure, Speaks, Text, TextAnswer},
    meaning::{UnitFrom, When},
    player::contents,
};

/// Answers behind answers that read the same, and rules behind rules that hold whenever they do.
pub(super) fn unreachable(driver: &Driver) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    match &driver.speaks {
        Speaks::Text(text) => {
            for ask in &text.asks {
                complaints.extend(answers(driver, text, ask));
                complaints.extend(ask.measures.iter().filter_map(rules));
            }
        }
        Speaks::Modbus(modbus) => {
            let measures = modbus.reads.iter().flat_map(|read| &read.measures);
            complaints.extend(measures.filter_map(rules));
        }
        Speaks::Nodes(nodes) => {
            let measures = nodes.groups.iter().flat_map(|group| &group.measures);
            complaints.extend(measures.filter_map(rules));
        }
    }
    complaints
}

/// An answer is never reached when every line it fits is taken by one above it.
fn answers(driver: &Driver, text: &Text, ask: &Ask) -> Vec<Complaint> {
    let lines: Vec<Vec<u8>> = driver
        .samples
        .iter()
        .flat_map(|sample| contents(text, sample))
        .collect();
    let mut complaints = Vec::new();
    for answer in &ask.answers {
        let mut own = lines.clone();
        own.push(super::probe(ask, answer));
        let mut fits = own
            .iter()
            .filter_map(|line| first_two(ask, line, answer))
            .peekable();
        if fits.peek().is_none() {
            continue;
        }
        let above: Vec<&TextAnswer> = fits.collect();
        if let Some(above) = above.iter().find(|above| above.span != answer.span)
            && above.then == answer.then
            && !own.iter().any(|line| takes(ask, line, answer))
        {
            complaints.push(
                Complaint::new("never-reached", "this answer can never be given")
                    .mark(answer.span.clone(), "never reached")
                    .mark(above.span.clone(), "this one takes every such line")
                    .why("a line nobody reaches looks as if it were heeded")
                    .help("take it out, or put it first and make the other one exact"),
            );
        }
    }
    complaints
}

/// The answer that takes a line which this one fits.
fn first_two<'a>(ask: &'a Ask, line: &[u8], answer: &TextAnswer) -> Option<&'a TextAnswer> {
    let fits = matching(ask, line);
    let own = fits.iter().any(|(fit, _)| fit.span == answer.span);
    own.then(|| fits.first().map(|(fit, _)| *fit)).flatten()
}

fn takes(ask: &Ask, line: &[u8], answer: &TextAnswer) -> bool {
    first_two(ask, line, answer).is_some_and(|first| first.span == answer.span)
}

/// A rule behind the same rule, or behind one that always holds.
fn rules(measure: &Measure) -> Option<Complaint> {
    let states: Vec<&When> = measure.making.words.iter().map(|(when, _)| when).collect();
    let units: Vec<&When> = match &measure.making.unit {
        Some(UnitFrom::When(rules)) => rules.iter().map(|(when, _)| when).collect(),
        _ => Vec::new(),
    };
    let shut = |rules: &[&When]| {
        (1..rules.len()).any(|at| {
            rules[..at]
                .iter()
                .any(|above| above.claims.is_empty() || *above == rules[at])
        })
    };
    (shut(&states) || shut(&units)).then(|| {
        Complaint::new(
            "never-reached",
            format!("a state or a unit of {} can never be said", measure.name),
        )
        .mark(
            measure.span.clone(),
            "one of its rules stands behind one that holds whenever it does",
        )
        .why("the first rule that holds decides; the one behind it looks as if it were heeded")
        .help("take one of the two out, or correct its sentence")
    })
}
