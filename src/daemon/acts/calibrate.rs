//! A calibration: as found, as left, against which standard, until when. An instrument that was found out of its
//! limits puts every batch since its last good calibration in question; they are named, each with an exception.

use super::{
    Act, Asked, Carry, Core, Ears,
    enter::{moment, refused},
};
use crate::{
    flow::{
        local::{self, Until},
        needs::Waiting,
    },
    ports::index::Kept,
};
use record::{Draft, Line, Stamp, Trouble};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub(crate) const ACT: Act = Act {
    name: "calibrate",
    carry: Carry::Longer(carry_out),
};

/// More batches than this are counted, and the first of them named.
const NAMED: usize = 500;

#[derive(Serialize, Deserialize)]
pub(crate) struct Calibrate {
    pub(crate) tag: String,
    pub(crate) found: String,
    pub(crate) left: String,
    pub(crate) standard: String,
    pub(crate) due: String,
    /// When it was done; now, where nothing is said.
    pub(crate) at: Option<String>,
    pub(crate) reason: String,
    pub(crate) by: String,
    pub(crate) secret: String,
}

fn carry_out<'a>(
    core: &'a mut Core,
    ears: &'a mut Ears,
    asked: Asked,
) -> Waiting<'a, Result<String, Trouble>> {
    Box::pin(async move {
        let what: Calibrate = asked.read()?;
        let by = core.person(&asked, &["engineer", "supervisor"])?;
        let now = core.clock.now();
        let tag = what.tag.as_str();
        if !core.plant.equipment.contains_key(tag) {
            let known: Vec<&str> = core.plant.equipment.keys().map(String::as_str).collect();
            return Err(refused(
                format!("there is no equipment {tag:?} here"),
                tag,
                format!("equipment here: {}", known.join(", ")),
            ));
        }
        let (found_in, left_in) = (
            judged("--as-found", &what.found, tag)?,
            judged("--as-left", &what.left, tag)?,
        );
        let until = Until::read(&what.due).ok_or_else(|| {
            refused(
                format!("{:?} is no day", what.due),
                tag,
                "write the last day it may be used: --due 2027-03-31",
            )
        })?;
        let zone = local::zone(&core.plant.gateway.zone);
        if until.is_over(now, &zone) {
            return Err(refused(
                format!("{until} is over already"),
                tag,
                "write the last day it may be used from now on",
            ));
        }
        let time = match &what.at {
            Some(text) => moment(text, &core.plant, tag, now)?,
            None => now,
        };
        core.settle(ears).await?;
        let kept = core.links.index.kept(&["calibration", "batch"]).await?;
        let (since, batches) = if found_in {
            (None, Vec::new())
        } else {
            let since = last_good(&kept, tag, time);
            let units = units_with(core, tag);
            (since, affected(&kept, &units, since, time))
        };
        let state = if left_in { "within" } else { "out" };
        let draft = Draft::new("calibration", time)
            .with("equipment", tag)
            .with("state", state)
            .with(
                "because",
                if found_in {
                    "as-found-within"
                } else {
                    "as-found-out"
                },
            )
            .with("until", until.to_string())
            .data("found", what.found.as_str())
            .data("left", what.left.as_str())
            .data("standard", what.standard.as_str())
            .data("by", by.id.as_str())
            .data("reason", what.reason.as_str())
            .data("entered", now);
        let draft = if found_in {
            draft
        } else {
            let draft = match since {
                Some(since) => draft.data("since", since),
                None => draft.data("since", "never"),
            };
            draft.data("batches", some(&batches))
        };
        let entered = core.enter(draft)?;
        core.line
            .calibrated(tag, Some(&until.to_string()), !left_in, time);
        for batch in batches.iter().take(NAMED) {
            let draft = Draft::new("exception", now)
                .with("batch", batch.as_str())
                .with("because", "as-found-out")
                .with("about", entered.seq)
                .data(
                    "says",
                    format!(
                        "{tag} was found out of its limits after this batch: {}",
                        what.found
                    ),
                )
                .data("by", by.id.as_str());
            core.enter(draft)?;
        }
        let id = format!("calibration-{tag}");
        core.state.calls.retain(|call| call.id != id);
        core.state.due_told.remove(tag);
        let mut says = format!("entry {}: {tag} is calibrated until {until}", entered.seq);
        if !left_in {
            says = format!(
                "entry {}: {tag} is out of its limits as left; its readings are marked from now on",
                entered.seq
            );
        }
        if !found_in {
            let from = since.map_or_else(
                || "the beginning of this record".to_owned(),
                |since| since.to_string(),
            );
            says.push_str(&format!(
                "\nfound out of its limits; batches since {from}: {}",
                batches.len()
            ));
            for batch in &batches {
                says.push_str(&format!("\n  {batch}"));
            }
        }
        Ok(says)
    })
}

/// Whether it was within its limits: the first word says so.
fn judged(what: &str, text: &str, tag: &str) -> Result<bool, Trouble> {
    let word: String = text
        .trim()
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .collect();
    match word.as_str() {
        "within" => Ok(true),
        "out" => Ok(false),
        _ => Err(refused(
            format!("{what} does not say whether it was within its limits"),
            tag,
            "begin with \"within\" or \"out\": --as-found \"out: 101.3 °C at 100.0 °C\"",
        )),
    }
}

/// When the instrument was last known to be in order.
fn last_good(kept: &[Kept], tag: &str, before: Stamp) -> Option<Stamp> {
    let lines = kept.iter().rev().filter(|kept| kept.kind == "calibration");
    lines
        .filter_map(|kept| {
            let line = Line::read(&kept.line).ok()?;
            let good = line.text("equipment").as_deref() == Some(tag) && line.raw("state") == Some("within");
            line.raw("time")
                .and_then(Stamp::read)
                .filter(|time| good && *time < before)
        })
        .max()
}

/// Units in which the instrument plays a role.
fn units_with(core: &Core, tag: &str) -> Vec<String> {
    let plant = &core.plant;
    let in_roles = |unit: &&crate::config::plant::Unit0| {
        unit.roles.iter().any(|(_, point)| point.tag == tag)
            || plant
                .captures
                .iter()
                .any(|capture| capture.at == unit.name && capture.point.tag == tag)
    };
    plant
        .units
        .iter()
        .filter(in_roles)
        .map(|unit| unit.name.clone())
        .collect()
}

/// Batches that ran in these units at some time between two moments, in the order in which they began.
fn affected(kept: &[Kept], units: &[String], since: Option<Stamp>, until: Stamp) -> Vec<String> {
    let mut spans: BTreeMap<String, (Stamp, Option<Stamp>)> = BTreeMap::new();
    for line in kept
        .iter()
        .filter(|kept| kept.kind == "batch")
        .filter_map(|kept| Line::read(&kept.line).ok())
    {
        let (Some(batch), Some(time)) = (line.text("batch"), line.raw("time").and_then(Stamp::read)) else {
            continue;
        };
        if !line.text("unit").is_some_and(|unit| units.contains(&unit)) {
            continue;
        }
        let stamp = |name: &str| line.data_text(name).and_then(|text| Stamp::read(&text));
        let began = stamp("started").unwrap_or(time);
        let over = matches!(line.raw("state"), Some("complete" | "stopped" | "aborted"));
        let span = spans.entry(batch).or_insert((began, None));
        span.0 = span.0.min(began);
        if over {
            span.1 = Some(stamp("ended").unwrap_or(time));
        }
    }
    let mut found: Vec<(Stamp, String)> = spans
        .into_iter()
        .filter(|(_, (began, ended))| {
            *began <= until && ended.is_none_or(|ended| since.is_none_or(|since| ended >= since))
        })
        .map(|(batch, (began, _))| (began, batch))
        .collect();
    found.sort();
    found.into_iter().map(|(_, batch)| batch).collect()
}

/// As many as fit an entry, and how many more there are.
fn some(batches: &[String]) -> String {
    let first = batches[..batches.len().min(NAMED)].join(", ");
    match batches.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
