//! The schema for whoever writes context says what its reader says: member by member, both ways.

use serde_json::{Value, json};
use steelyard::flow::context;

fn schema() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference/context.schema.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A message with every member that the reader knows without a recipe in it.
fn whole() -> Value {
    let over = "2026-11-20T10:10:00.000Z";
    let begun = "2026-11-20T10:00:00.000Z";
    json!({
        "number": 3, "sent": over, "source": "mes",
        "batch": {
            "id": "B-1", "product": "Hand cream", "recipe": "hand-cream", "revision": "7", "size": "60.0 kg",
            "state": "complete", "since": over, "started": begun, "ended": over
        },
        "runs": [{
            "step": "emulsify", "title": "Emulsify", "run": 1, "state": "complete", "since": over,
            "started": begun, "ended": over
        }]
    })
}

fn is_read(message: &Value) -> bool {
    context::read("MX-3", message.to_string().as_bytes()).is_ok()
}

/// Where an object stands in a message, and where its schema does.
const OBJECTS: [(&str, &str); 3] = [("", ""), ("/batch", "/$defs/batch"), ("/runs/0", "/$defs/run")];

#[test]
fn a_message_with_every_member_of_the_schema_is_read() {
    assert!(is_read(&whole()));
    let schema = schema();
    for (place, says) in OBJECTS {
        let says = schema.pointer(says).unwrap();
        let known: Vec<&String> = says["properties"].as_object().unwrap().keys().collect();
        for name in whole().pointer(place).unwrap().as_object().unwrap().keys() {
            assert!(known.contains(&name), "{place}: {name} is not in the schema");
        }
    }
}

#[test]
fn what_the_schema_requires_the_reader_requires_and_nothing_else() {
    let schema = schema();
    for (place, says) in OBJECTS {
        let says = schema.pointer(says).unwrap();
        let required: Vec<&str> = says["required"]
            .as_array()
            .unwrap()
            .iter()
            .map(|name| name.as_str().unwrap())
            .collect();
        for name in says["properties"].as_object().unwrap().keys() {
            let mut without = whole();
            let object = without.pointer_mut(place).unwrap().as_object_mut().unwrap();
            if object.remove(name).is_none() || name == "ended" {
                continue; // an end belongs to a state that is over, which no schema of this kind says
            }
            // `batch` may be absent for the reader where nothing runs; the schema asks that it is said.
            let may_be_absent = !required.contains(&name.as_str());
            if name != "batch" {
                assert_eq!(is_read(&without), may_be_absent, "{place} without {name}");
            }
        }
        let mut more = whole();
        more.pointer_mut(place).unwrap()["nobody-knows-this"] = json!(1);
        assert!(!is_read(&more), "{place} with a member nobody knows");
        assert_eq!(says["additionalProperties"], json!(false), "{place}");
    }
}

#[test]
fn the_limits_of_the_schema_are_those_of_the_reader() {
    let schema = schema();
    let words = |length: usize| "x".repeat(length);
    let longest = schema["$defs"]["name"]["maxLength"].as_u64().unwrap() as usize;
    let cases = [
        ("/batch/id", json!(words(longest)), true),
        ("/batch/id", json!(words(longest + 1)), false),
        ("/batch/id", json!(""), false),
        ("/runs/0/step", json!("a+b"), false),
        ("/runs/0/run", json!(0), false),
        ("/runs/0/state", json!("paused"), false),
        ("/number", json!(0), false),
        ("/number", schema["properties"]["number"]["maximum"].clone(), true),
        ("/batch/started", json!("2026-11-20 10:00"), false),
    ];
    for (place, value, read) in cases {
        let mut message = whole();
        *message.pointer_mut(place).unwrap() = value.clone();
        assert_eq!(is_read(&message), read, "{place} {value:.60}");
    }
    for state in schema["$defs"]["state"]["enum"].as_array().unwrap() {
        let mut message = whole();
        let over = matches!(state.as_str(), Some("complete" | "stopped" | "aborted"));
        message["runs"][0]["state"] = state.clone();
        if !over {
            message["runs"][0]["ended"] = Value::Null;
        }
        assert!(is_read(&message), "{state}");
    }
    let most = schema["properties"]["runs"]["maxItems"].as_u64().unwrap() as usize;
    assert_eq!(most, context::MOST_RUNS);
}
