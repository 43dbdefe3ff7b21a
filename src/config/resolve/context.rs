//! How a unit's context comes: what belongs to its authority, and only to that one.

use super::{Known, names, units::find_point};
use crate::config::{
    block::Page,
    near::nearest,
    plant::{Authority, ContextPoints, ContextWay, PointName, Reported},
    written,
};
use driver::Complaint;
use record::PublicKey;
use std::{ops::Range, path::PathBuf};
use toml::Spanned;

pub(super) fn way(page: &Page, unit: &written::Unit, known: &[Known]) -> ContextWay {
    let authority = unit
        .authority
        .as_ref()
        .map_or(Authority::Mqtt, |authority| *authority.get_ref());
    let messages = matches!(authority, Authority::Mqtt | Authority::Http);
    let name = unit.name.get_ref();
    let key = unit.context_key.as_ref().filter(|key| {
        belongs(page, unit, "context_key", &key.span(), messages);
        signs(page, key)
    });
    let token = unit.context_token_file.as_ref().map(|path| {
        let http = authority == Authority::Http;
        belongs(page, unit, "context_token_file", &path.span(), http);
        names::path(page, "context_token_file", path)
    });
    if let Some(block) = &unit.context {
        let points = authority == Authority::Points;
        belongs(page, unit, "[unit.NAME.context]", &block.place, points);
    } else if authority == Authority::Points {
        let place = unit.authority.as_ref().map_or(unit.place.clone(), Spanned::span);
        page.add(
            Complaint::new(
                "missing-key",
                format!("{name} takes its context from points, and does not say which"),
            )
            .mark(place, "")
            .help("add a block [unit.NAME.context] with batch, step, counter and steps"),
        );
    }
    ContextWay {
        key: key.map(|key| key.get_ref().clone()),
        token_file: token.filter(|path| *path != PathBuf::new()),
        points: unit.context.as_ref().and_then(|block| points(page, block, known)),
    }
}

/// A key that its authority never looks at would be believed to protect something.
fn belongs(page: &Page, unit: &written::Unit, what: &str, place: &Range<usize>, does: bool) {
    if does {
        return;
    }
    let word = unit
        .authority
        .as_ref()
        .map_or("mqtt", |authority| authority.get_ref().word());
    page.add(
        Complaint::new(
            "context-not-this-way",
            format!("{what} does nothing where the authority is {word:?}"),
        )
        .mark(place.clone(), "")
        .why("whoever reads this file would believe that it does something")
        .help("remove it, or name the authority it belongs to: context_key with \"mqtt\" and \"http\", context_token_file with \"http\", the block with \"points\""),
    );
}

fn signs(page: &Page, key: &Spanned<String>) -> bool {
    let known = PublicKey::read_x(key.get_ref().as_bytes()).is_some();
    if !known {
        page.add(
            Complaint::new("context-key-unusable", "this is no public key")
                .mark(key.span(), "")
                .why("no message could be checked, so every one would be refused")
                .help("write the member `x` of the source's Ed25519 key, as a JWK has it: 43 letters of base64url"),
        );
    }
    known
}

fn points(page: &Page, block: &written::Context, known: &[Known]) -> Option<ContextPoints> {
    let point = |written: &written::Key<String>| -> Option<PointName> {
        Some(find_point(page, written.as_ref()?, known)?.0)
    };
    let states: Vec<(String, Reported)> = block
        .states
        .iter()
        .filter_map(|(shown, meant)| Some((shown.get_ref().clone(), state(page, meant)?)))
        .collect();
    for (shown, step) in &block.steps {
        step_id(page, shown, step);
    }
    let stated = block.state.is_some() || block.batch_state.is_some();
    if stated && block.states.is_empty() {
        let what = "this block has a point for states and does not say what they mean";
        page.add(
            Complaint::new("missing-key", what)
                .mark(block.place.clone(), "")
                .help("add a line like states = { 2 = \"running\", 3 = \"complete\", 9 = \"held\" }"),
        );
    }
    Some(ContextPoints {
        batch: point(&block.batch)?,
        step: point(&block.step)?,
        state: point(&block.state),
        batch_state: point(&block.batch_state),
        counter: point(&block.counter)?,
        steps: block
            .steps
            .iter()
            .map(|(shown, step)| (shown.get_ref().clone(), step.get_ref().clone()))
            .collect(),
        states,
    })
}

fn state(page: &Page, meant: &Spanned<String>) -> Option<Reported> {
    let words = Reported::ALL;
    let found = words.iter().find(|(word, _)| word == meant.get_ref());
    if found.is_none() {
        let near = nearest(meant.get_ref(), words.iter().map(|(word, _)| *word));
        let near = near.map_or_else(String::new, |near| format!("did you mean \"{near}\"?\n"));
        let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        page.add(
            Complaint::new(
                "unknown-word",
                format!("no state is called {:?}", meant.get_ref()),
            )
            .mark(meant.span(), "")
            .help(format!("{near}a state is one of {}", all.join(", "))),
        );
    }
    found.map(|(_, meaning)| *meaning)
}

fn step_id(page: &Page, shown: &Spanned<String>, step: &Spanned<String>) {
    if step.get_ref().contains('+') {
        page.add(
            Complaint::new(
                "name-not-allowed",
                format!("{:?} cannot be the id of a step", step.get_ref()),
            )
            .mark(step.span(), "a + joins steps that run side by side")
            .help(format!("write another id for {}", shown.get_ref())),
        );
    }
}
