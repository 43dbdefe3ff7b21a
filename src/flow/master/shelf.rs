//! What is held of one kind, as a file beside the ledger. The ledger holds its SHA-256: a file that is not the one the
//! record names is not used.

use super::{
    item::{Content, Kind},
    known::{Heard, Held, Shelf},
};
use record::{Hash, Stamp};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The folder beside the segments.
pub const FOLDER: &str = "master";

/// The name of the file with this content.
pub fn name(kind: Kind, held: &Hash) -> String {
    format!("{}-{held}.json", kind.word())
}

/// A line for what was heard of each source, then a line for each item, in order of their ids.
pub fn write(kind: Kind, shelf: &Shelf) -> Vec<u8> {
    let mut text = String::new();
    let heard: Map<String, Value> = shelf
        .heard
        .iter()
        .map(|(source, heard)| {
            let whole = heard.whole.map(|stamp| stamp.to_string());
            let of =
                json!({ "sent": heard.sent.to_string(), "sha256": heard.digest.to_string(), "whole": whole });
            (source.clone(), of)
        })
        .collect();
    text.push_str(&json!({ "kind": kind.word(), "heard": heard }).to_string());
    text.push('\n');
    for held in shelf.items.values() {
        let head = json!({
            "id": held.id,
            "revision": held.revision,
            "source": held.source,
            "said": held.said.to_string(),
            "arrived": held.arrived.to_string(),
        });
        let mut line = head.to_string();
        // holds because an object ends with its brace
        line.pop();
        match &held.content {
            Some(content) => line.push_str(&format!(",\"content\":{}}}", content.to_json())),
            None if held.omitted => line.push_str(",\"omitted\":true}"),
            None => line.push('}'),
        }
        text.push_str(&line);
        text.push('\n');
    }
    text.into_bytes()
}

/// Reads it back; `None` where it is not such a file.
pub fn read(kind: Kind, bytes: &[u8]) -> Option<Shelf> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut lines = text.lines();
    let head: Value = serde_json::from_str(lines.next()?).ok()?;
    if head.get("kind")?.as_str()? != kind.word() {
        return None;
    }
    let mut shelf = Shelf::default();
    for (source, of) in head.get("heard")?.as_object()? {
        let stamp = |name: &str| of.get(name).and_then(Value::as_str).and_then(Stamp::read);
        let digest = Hash::read(of.get("sha256")?.as_str()?.as_bytes())?;
        let heard = Heard {
            sent: stamp("sent")?,
            digest,
            whole: stamp("whole"),
        };
        shelf.heard.insert(source.clone(), heard);
    }
    for line in lines {
        let held = item(kind, line)?;
        shelf.items.insert(held.id.clone(), Arc::new(held));
    }
    Some(shelf)
}

fn item(kind: Kind, line: &str) -> Option<Held> {
    let mut members: Map<String, Value> = serde_json::from_str(line).ok()?;
    let content = match members.remove("content") {
        Some(Value::Object(content)) => Some(Content::read(kind, content).ok()?),
        Some(_) => return None,
        None => None,
    };
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    Some(Held {
        id: text("id")?.to_owned(),
        revision: members.get("revision")?.as_u64()?,
        source: text("source")?.to_owned(),
        said: Stamp::read(text("said")?)?,
        arrived: Stamp::read(text("arrived")?)?,
        content,
        omitted: members.get("omitted").is_some(),
    })
}
