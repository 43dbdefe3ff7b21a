//! What a person reads about master data.

use super::{
    item::Kind,
    known::{Change, Held, Outcome, Store},
    look::span,
};
use record::Stamp;
use serde_json::{Value, json};

/// What a message would change, item by item, and a line of figures.
pub fn preview(outcome: &Outcome) -> String {
    let mut lines: Vec<String> = outcome.changes.iter().filter_map(line).collect();
    lines.push(taken(outcome));
    lines.join("\n")
}

fn line(change: &Change) -> Option<String> {
    Some(match change {
        Change::New(held) => format!("+ {} rev {}: {}", held.id, held.revision, content(held)),
        Change::Replaced { before, after } => {
            let (old, new) = (before.revision, after.revision);
            format!("~ {} rev {old} → {new}: {}", after.id, differences(before, after))
        }
        Change::Retracted { before, .. } => {
            format!("- {} rev {}: {}", before.id, before.revision, content(before))
        }
        Change::Refused { id, why } => format!("! {id}: {why}"),
        Change::Confirmed(_) => return None,
    })
}

/// A line of figures.
pub fn taken(outcome: &Outcome) -> String {
    if outcome.again {
        return format!(
            "{}: this very file was taken last; nothing changes",
            outcome.kind.word()
        );
    }
    let counts = outcome.counts();
    format!(
        "{}: {} new, {} changed, {} retracted, {} as known, {} refused",
        outcome.kind.word(),
        counts.new,
        counts.replaced,
        counts.retracted,
        counts.confirmed,
        counts.refused
    )
}

fn members(held: &Held) -> serde_json::Map<String, Value> {
    let text = held
        .content
        .as_ref()
        .map(super::item::Content::to_json)
        .unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(lines) if lines.iter().all(Value::is_object) => format!("{} lines", lines.len()),
        other => other.to_string(),
    }
}

fn content(held: &Held) -> String {
    let words: Vec<String> = members(held)
        .iter()
        .map(|(name, value)| format!("{name} {}", shown(value)))
        .collect();
    words.join(", ")
}

/// Member by member, as it was and as it is.
fn differences(before: &Held, after: &Held) -> String {
    let (old, new) = (members(before), members(after));
    let mut words = Vec::new();
    for (name, value) in &new {
        match old.get(name) {
            Some(was) if was == value => {}
            Some(was) if shown(was) == shown(value) => words.push(format!("{name} changed")),
            Some(was) => words.push(format!("{name} {} → {}", shown(was), shown(value))),
            None => words.push(format!("{name} {}", shown(value))),
        }
    }
    let gone = old.keys().filter(|name| !new.contains_key(*name));
    words.extend(gone.map(|name| format!("no {name}")));
    if words.is_empty() {
        "nothing but its revision".to_owned()
    } else {
        words.join(", ")
    }
}

/// A table of what is known of a kind.
pub fn list(store: &Store, kind: Kind, now: Stamp) -> String {
    let Some(shelf) = store.shelf(kind) else {
        return format!("{}: nothing has been said of any", kind.word());
    };
    let mut lines = vec![format!(
        "{:<16} {:>5} {:<12} {:>10}  {}",
        "id", "rev", "source", "age", "says"
    )];
    for held in shelf.items.values() {
        let says = if held.content.is_some() {
            content(held)
        } else {
            "retracted".to_owned()
        };
        let age = span(now.ms_since(held.said).max(0));
        lines.push(format!(
            "{:<16} {:>5} {:<12} {:>10}  {says}",
            held.id, held.revision, held.source, age
        ));
    }
    lines.join("\n")
}

/// The same for a script; of one item where an id is given.
pub fn as_json(store: &Store, kind: Kind, id: Option<&str>, now: Stamp) -> Value {
    let items = store
        .shelf(kind)
        .into_iter()
        .flat_map(|shelf| shelf.items.values());
    let items = items
        .filter(|held| id.is_none_or(|id| held.id == id))
        .map(|held| {
            json!({
                "id": held.id,
                "revision": held.revision,
                "source": held.source,
                "said": held.said.to_string(),
                "arrived": held.arrived.to_string(),
                "age_ms": now.ms_since(held.said).max(0),
                "retracted": held.content.is_none(),
                "content": members(held),
            })
        });
    json!({ "kind": kind.word(), "items": items.collect::<Vec<_>>() })
}
