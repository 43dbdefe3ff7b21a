//! The JSON schemas of the messages, for whoever writes them: `docs/reference/master/*.schema.json` are these.

use super::item::Kind;
use serde_json::{Map, Value, json};

const TEXT: &str = "text";
const AMOUNT: &str = "amount";
const SHARE: &str = "share";
const UNTIL: &str = "until";

/// Members of one item: name, what it is, whether it must be there, what it says.
type Members = &'static [(&'static str, &'static str, bool, &'static str)];

fn members(kind: Kind) -> Members {
    match kind {
        Kind::Orders => &[
            ("product", TEXT, false, "What is made"),
            (
                "unit",
                TEXT,
                false,
                "The unit in which it is made, or the booth in which it is weighed",
            ),
            ("lines", "lines", true, "One for each material"),
        ],
        Kind::Lots => &[
            ("material", TEXT, true, "Code of the material"),
            ("title", TEXT, false, "The material as people call it"),
            ("supplier", TEXT, false, "Who delivered it"),
            ("supplier_lot", TEXT, false, "The supplier's own number"),
            (
                "status",
                "released|quarantine|blocked|rejected",
                true,
                "Quality's decision",
            ),
            (
                "expires",
                UNTIL,
                false,
                "The last day it may be used, in the plant's zone, or a moment",
            ),
            ("assay", SHARE, false, "Content of active substance"),
            ("loss_on_drying", SHARE, false, "Loss on drying"),
            ("left", AMOUNT, false, "What is left of it by the plant's books"),
        ],
        Kind::Containers => &[
            ("title", TEXT, false, "The container as people call it"),
            ("tare", AMOUNT, false, "What it weighs empty"),
            (
                "clean_until",
                UNTIL,
                false,
                "Until when its cleaning holds; without it, it is not clean",
            ),
            ("holds_material", TEXT, false, "What is in it"),
            ("holds_lot", TEXT, false, "Of which lot"),
        ],
        Kind::CheckWeights => &[
            ("nominal", AMOUNT, true, "What it weighs by its certificate"),
            (
                "may_differ_by",
                AMOUNT,
                true,
                "By how much a scale may differ from that",
            ),
            ("class", TEXT, false, "Its class, such as F1"),
            ("certificate", TEXT, true, "Number of its certificate"),
            ("due", UNTIL, true, "The last day its certificate holds"),
        ],
        Kind::People => &[
            ("name", TEXT, true, "Full name"),
            ("roles", "roles", false, "What the plant lets them do"),
            ("status", "active|away|left", true, "Whether somebody works here"),
        ],
    }
}

const OF_A_LINE: Members = &[
    ("line", TEXT, true, "Its number or name within the order"),
    ("batch", TEXT, true, "The batch it is weighed for"),
    ("material", TEXT, true, "Code of the material"),
    ("title", TEXT, false, "The material as people call it"),
    ("target", AMOUNT, true, "How much"),
    (
        "tolerance",
        "tolerance",
        true,
        "± 0.5 %, ± 50 g, or -20 g to +50 g",
    ),
    ("step", TEXT, false, "The step that takes it"),
    ("lot", TEXT, false, "The lot that is reserved for it"),
];

/// The schema of a message of one kind.
pub fn schema(kind: Kind) -> Value {
    let mut properties = Map::new();
    properties.insert(
        "id".into(),
        described(&text(), "Known by this in the whole plant"),
    );
    let revision = json!({ "type": "integer", "minimum": 1, "maximum": 1u64 << 53 });
    properties.insert("revision".into(), described(&revision, "Rises with every change"));
    let said = described(
        &moment(),
        "When it was said, where that is not when the message was sent",
    );
    properties.insert("said".into(), said.clone());
    let item = object(properties.clone(), &["id", "revision"], members(kind));
    let mut gone = properties;
    gone.insert(
        "retracted".into(),
        json!({ "const": true, "description": "Not to be used any more" }),
    );
    let gone = json!({
        "type": "object",
        "required": ["id", "revision", "retracted"],
        "properties": gone,
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": format!("Steelyard master data: {}", kind.word()),
        "type": "object",
        "additionalProperties": false,
        "required": ["source", "sent", "items"],
        "properties": {
            "source": described(&text(), "Who says so"),
            "sent": described(&moment(), "When this message was sent"),
            "whole": { "type": "boolean", "description": "It names everything its source knows of this kind" },
            "items": { "type": "array", "maxItems": super::message::MOST, "items": { "anyOf": [item, gone] } },
        },
    })
}

fn object(mut properties: Map<String, Value>, first: &[&str], members: Members) -> Value {
    let must = members
        .iter()
        .filter(|(_, _, must, _)| *must)
        .map(|(name, ..)| *name);
    let required: Vec<&str> = first.iter().copied().chain(must).collect();
    for (name, form, _, says) in members {
        properties.insert((*name).to_owned(), described(&of(form), says));
    }
    if first.contains(&"revision") {
        properties.insert("retracted".into(), json!({ "const": false }));
    }
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": properties,
    })
}

fn of(form: &str) -> Value {
    let pattern = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    match form {
        TEXT => text(),
        AMOUNT => pattern(r"^-?[0-9]+(\.[0-9]+)? \S+$"),
        SHARE => pattern(r"^[0-9]+(\.[0-9]+)? %$"),
        UNTIL => pattern(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T.*)?$"),
        "tolerance" => pattern(r"^((±|\+/-) ?[0-9.]+ \S+|-[0-9.]+ \S+ to \+[0-9.]+ \S+)$"),
        "lines" => json!({ "type": "array", "minItems": 1, "items": object(Map::new(), &[], OF_A_LINE) }),
        "roles" => json!({ "type": "array", "items": { "enum": crate::flow::people::ROLES } }),
        words => json!({ "enum": words.split('|').collect::<Vec<_>>() }),
    }
}

fn text() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": 200 })
}

fn moment() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

fn described(form: &Value, says: &str) -> Value {
    let mut form = form.clone();
    form["description"] = says.into();
    form
}

/// As it is checked in.
pub fn file(kind: Kind) -> String {
    // holds because a value can always be written
    let mut text = serde_json::to_string_pretty(&schema(kind)).unwrap_or_default();
    text.push('\n');
    text
}
