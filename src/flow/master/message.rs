//! One message of master data: who says it, when, and the items. Reading it decides only whether it is well formed; an
//! item that is not is refused by itself, and the rest is taken.

use super::item::{Content, Kind, named};
use record::{Hash, Stamp, Trouble};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The longest message that is looked at.
pub const LONGEST: usize = 8 << 20;
/// The most items one message may hold.
pub const MOST: usize = 200_000;
/// The largest revision.
const LARGEST: u64 = 1 << 53;

/// One message, well formed but for the items that are refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub kind: Kind,
    /// Who says so: `mes`, or a person for a file.
    pub source: String,
    /// When it was sent, by the clock of the source.
    pub sent: Stamp,
    /// It names everything its source knows of this kind: what it does not name is retracted.
    pub whole: bool,
    pub items: Vec<Said>,
    /// Items that are not well formed: which, and why.
    pub refused: Vec<(String, String)>,
    /// SHA-256 of its bytes.
    pub digest: Hash,
}

/// One item as it is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub id: String,
    pub revision: u64,
    /// When it was said, where that differs from when the message was sent.
    pub said: Option<Stamp>,
    /// `None`: it is retracted.
    pub content: Option<Content>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    source: String,
    sent: String,
    #[serde(default)]
    whole: bool,
    items: Vec<Map<String, Value>>,
}

/// Reads one message, or says in four parts why not.
pub fn read(kind: Kind, bytes: &[u8]) -> Result<Message, Trouble> {
    if bytes.len() > LONGEST {
        let what = format!("a message of {} MiB is longer than 8 MiB", bytes.len() >> 20);
        return Err(refusal(
            kind,
            Trouble::new("master-too-large", what),
            "send it in parts, without `whole`",
        ));
    }
    let not_understood = |what: String| {
        refusal(
            kind,
            Trouble::new("master-not-understood", what),
            "docs/reference/master.md shows a message that is",
        )
    };
    let written: Written = serde_json::from_slice(bytes).map_err(|problem| {
        let what = match problem.classify() {
            serde_json::error::Category::Data => format!("the master data is not as agreed: {problem}"),
            _ => format!("the master data is not JSON: {problem}"),
        };
        not_understood(what)
    })?;
    named("source", &written.source).map_err(not_understood)?;
    let sent = moment("sent", &written.sent).map_err(not_understood)?;
    if written.items.len() > MOST {
        let what = format!(
            "{} items are more than the {MOST} of one message",
            written.items.len()
        );
        return Err(refusal(
            kind,
            Trouble::new("master-too-large", what),
            "send them in parts, without `whole`",
        ));
    }
    let (mut items, mut refused, mut ids) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (at, members) in written.items.into_iter().enumerate() {
        let id = members.get("id").and_then(Value::as_str).unwrap_or_default();
        let id = if id.is_empty() {
            format!("item {}", at + 1)
        } else {
            id.to_owned()
        };
        match item(kind, members) {
            Ok(said) if !ids.insert(said.id.clone()) => {
                refused.push((id, "it stands twice in this message".to_owned()));
            }
            Ok(said) => items.push(said),
            Err(why) => refused.push((id, why)),
        }
    }
    Ok(Message {
        kind,
        source: written.source,
        sent,
        whole: written.whole,
        items,
        refused,
        digest: Hash::of(bytes),
    })
}

/// A refusal in four parts; every one has the same consequence.
fn refusal(kind: Kind, trouble: Trouble, action: &str) -> Trouble {
    trouble
        .at(format!("master data, {}", kind.word()))
        .means("nothing was taken from it: what is known stays, and grows older")
        .so(action)
}

fn item(kind: Kind, mut members: Map<String, Value>) -> Result<Said, String> {
    let id = match members.remove("id") {
        Some(Value::String(id)) => id,
        Some(_) => return Err("`id` is a text".to_owned()),
        None => return Err("it has no `id`".to_owned()),
    };
    named("id", &id)?;
    let revision = match members.remove("revision") {
        Some(Value::Number(number)) => number.as_u64().filter(|number| (1..=LARGEST).contains(number)),
        Some(_) => None,
        None => return Err("it has no `revision`".to_owned()),
    };
    let revision = revision.ok_or("`revision` counts from 1 to 2^53, in whole numbers")?;
    let said = match members.remove("said") {
        Some(Value::String(text)) => Some(moment("said", &text)?),
        Some(_) => return Err("`said` is a moment in quotes".to_owned()),
        None => None,
    };
    let retracted = match members.remove("retracted") {
        Some(Value::Bool(retracted)) => retracted,
        Some(_) => return Err("`retracted` is true or false".to_owned()),
        None => false,
    };
    let content = if retracted {
        None
    } else {
        Some(Content::read(kind, members)?)
    };
    Ok(Said {
        id,
        revision,
        said,
        content,
    })
}

/// Any RFC 3339 moment with its offset.
pub(super) fn moment(of: &str, text: &str) -> Result<Stamp, String> {
    let read = Stamp::read(text).or_else(|| {
        let at: jiff::Timestamp = text.parse().ok()?;
        Some(Stamp(at.as_millisecond()))
    });
    read.ok_or_else(|| {
        format!("`{of}` is no moment with its offset: {text:?}; 2026-11-20T10:15:03.000Z would be one")
    })
}
