//! `[[step]]` and what is captured in it.

use super::{Asked, Step, dispense, plain_id, texts};
use crate::config::{
    block::Block,
    plant::Pace,
    resolve::captures,
    rule::{self, Rule},
    written,
};
use driver::Complaint;
use record::Quantity;
use std::collections::BTreeMap;
use toml::Spanned;

pub(super) const STEP: &[&str] = &[
    "id",
    "title",
    "kind",
    "after",
    "optional",
    "any_order",
    "capture",
    "rule",
    "dispense",
];
pub(super) const CAPTURE: &[&str] = &[
    "what",
    "every",
    "when",
    "must_be",
    "warn_outside",
    "missing_after",
];

/// The steps in the order of the file; each comes after the one before it where it does not say otherwise.
pub(super) fn steps(file: &Block, everywhere: Option<&str>, size: Option<&Quantity>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for value in file.list("step") {
        let Some(block) = Block::open(file.page, "[[step]]", value, STEP) else {
            continue;
        };
        let id = block.needed("id", "\"emulsify\"");
        if let Some(id) = &id {
            plain_id(file.page, "a step", id);
        }
        let after = match texts(&block, "after") {
            Some(after) => after.into_iter().map(Spanned::into_inner).collect(),
            None => steps.last().map(|before| before.id.clone()).into_iter().collect(),
        };
        let title = block.text("title").map(Spanned::into_inner);
        let kind = block.text("kind").map(Spanned::into_inner);
        let optional = block.flag("optional").is_some_and(Spanned::into_inner);
        let any_order = block.flag("any_order").is_some_and(Spanned::into_inner);
        let captures = captures(&block, "[[step.capture]]");
        let rules = rules(&block);
        let lines = dispense::lines(&block, size);
        let Some(id) = id else { continue };
        steps.push(Step {
            title: title.unwrap_or_else(|| id.get_ref().clone()),
            kind: kind.or_else(|| everywhere.map(str::to_owned)),
            after,
            optional,
            any_order,
            captures,
            rules,
            lines,
            place: id.span(),
            id: id.into_inner(),
        });
    }
    if steps.is_empty() && !file.has("step") {
        file.page.add(
            Complaint::new("missing-block", "a recipe without a single step")
                .help("add [[step]] with id and title: the steps are what readings are bound to"),
        );
    }
    steps
}

/// What a block captures; each role once.
pub(super) fn captures(block: &Block, title: &str) -> Vec<Asked> {
    let mut asked: Vec<Asked> = Vec::new();
    let mut first: BTreeMap<String, std::ops::Range<usize>> = BTreeMap::new();
    for value in block.list("capture") {
        let Some(block) = Block::open(block.page, title, value, CAPTURE) else {
            continue;
        };
        let Some(one) = capture(&block) else { continue };
        if let Some(before) = first.get(&one.what) {
            let what = format!("{} is captured twice here", one.what);
            block.page.add(
                Complaint::new("captured-twice", what)
                    .mark(one.place.clone(), "again here")
                    .mark(before.clone(), "first here")
                    .why("every reading would be entered twice, and be judged by two sets of limits")
                    .help("keep one of the two blocks"),
            );
        } else {
            first.insert(one.what.clone(), one.place.clone());
        }
        asked.push(one);
    }
    asked
}

fn capture(block: &Block) -> Option<Asked> {
    let what = block.needed("what", "\"product-temperature\"");
    let written = written::Capture {
        place: block.place.clone(),
        during: None,
        at: None,
        what: None,
        pace: written::pace(block),
        must_be_text: block.value("must_be").and_then(written::as_text),
        must_be: block.sentence("must_be", crate::config::sentence::band),
        warn_outside_text: block.value("warn_outside").and_then(written::as_text),
        warn_outside: block.sentence("warn_outside", crate::config::sentence::band),
        missing_after: block.sentence("missing_after", crate::config::sentence::duration),
    };
    let limits = captures::limits(block.page, &written);
    let what = what?;
    a_role(block, &what);
    let place_of = |span: Option<std::ops::Range<usize>>| span.unwrap_or_else(|| block.place.clone());
    let missing_after = written.missing_after.as_ref().map(|missing| *missing.get_ref());
    let pace = *written.pace.as_ref()?.get_ref();
    if let (Pace::Every(every), Some(missing)) = (pace, &written.missing_after)
        && *missing.get_ref() < every
    {
        let what = "silence would be entered before the next reading is even due";
        block.page.add(
            Complaint::new("missing-before-due", what)
                .mark(missing.span(), "shorter than the pace")
                .mark(place_of(written.pace.as_ref().map(Spanned::span)), "the pace")
                .why("every interval would be a gap in the record, though the instrument answers")
                .help("write the pace or more; three times the pace rides over two lost answers"),
        );
    }
    Some(Asked {
        place: what.span(),
        what: what.into_inner(),
        pace,
        limits,
        missing_after,
        limits_place: place_of(written.must_be_text.as_ref().map(Spanned::span)),
        pace_place: place_of(written.pace.as_ref().map(Spanned::span)),
    })
}

/// A recipe speaks of roles; a tag would tie it to one line.
fn a_role(block: &Block, what: &Spanned<String>) {
    if what.get_ref().contains('.') {
        block.page.add(
            Complaint::new(
                "tag-in-recipe",
                format!("{:?} is a point of one line", what.get_ref()),
            )
            .mark(what.span(), "a role belongs here")
            .why("one recipe serves every unit of a kind, and each has its own equipment")
            .help(
                "write a role, such as \"product-temperature\"; [unit.NAME.roles] says which point plays it",
            ),
        );
    }
}

/// The rules of a step; each id once, because the record names a rule by it.
fn rules(block: &Block) -> Vec<Rule> {
    let blocks = block.list("rule").into_iter();
    let rules: Vec<Rule> = blocks.filter_map(|value| rule::read(block.page, value)).collect();
    for (at, rule) in rules.iter().enumerate() {
        if let Some(before) = rules[..at].iter().find(|before| before.id == rule.id) {
            block.page.add(
                Complaint::new(
                    "rule-twice",
                    format!("the rule {:?} stands twice in this step", rule.id),
                )
                .mark(rule.place.0.clone(), "again here")
                .mark(before.place.0.clone(), "first here")
                .why("the record names a rule by its id within its step")
                .help("give each rule its own id"),
            );
        }
    }
    rules
}
