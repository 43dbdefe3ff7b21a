//! Hard cases of OPC UA servers that no shipped driver has: asked instead of watched, nodes that must come together,
//! codes with a meaning of their own, elements and bits of values.

use super::proven;
use crate::{
    Driver,
    nodes::{Deadband, How, NodeHearing, NodeValue, Trigger},
};
use std::time::Duration;

/// Every key of the language for nodes that no shipped driver has.
pub(crate) fn watched() -> Driver {
    proven(
        "hard",
        r#"format = 1
[driver]
name = "hard"
edition = 1
title = "Hard"
maker = "Nobody"
speaks = "opc-ua"
evidence = "draft"
[opc_ua]
namespaces = { old = "urn:example:old" }
by = "reading"
publish = "2 s"
keep_alive = "10 s"
values_per_delivery = 500
clock_within = "1500 ms"
statuses = [
  { code = "40910000", quality = "bad", because = "simulated" },
  { code = "GoodClamped", quality = "good" },
]
[start.cell]
node = "old;i=5001"
[start.tank]
path = "old;i=5001 / old:Tanks / old:T1"
[structure.Inner]
encoding = "old;i=11"
members = { Level = "float32", When = "time", Note = "local text", Any = "any" }
[structure.Outer]
encoding = "old;i=12"
members = { Id = "uint16", Inner = "Inner", Flags = "list of boolean" }
[[nodes]]
holds = "settings"
points = [ { node = "old;g=09087e75-8e5e-499b-954f-f2a9603db28a", field = "format", is = "uint16" } ]
[[nodes]]
deadband = "0.5"
points = [
  { path = "tank / old:Level", measure = "level", is = "int32", unit = "kg", decimals_from = "format", decimals_are = { 1 = 1, 2 = 2 }, negative_when = "signs bit 0 is set" },
  { path = "tank / old:Signs", field = "signs", is = "uint16" },
]
[[nodes]]
together = true
sampling = "100 ms"
queue = 5
points = [
  { node = "old;b=c3RhcnQ=", measure = "dose", is = "float64", unit = "g", elements = "2:5", element = 1 },
  { node = "old;s=LotNo", measure = "lot", is = "text" },
]
[[nodes]]
points = [
  { path = "tank / old:State", measure = "inner_level", of = "Outer", member = "Inner.Level", is = "float32", unit = "kg" },
  { path = "tank / old:State", measure = "inner_note", of = "Outer", member = "Inner.Note", is = "text" },
  { path = "tank / old:State", measure = "second_flag", of = "Outer", member = "Flags.1", is = "boolean", words = { false = "closed", true = "open" } },
]
[[nodes]]
points = [ { path = "tank / old:Fill", measure = "fill", is = "number", unit = "%", unit_at = "old:Units", range = "0 to 100", range_at = "old:Span" } ]
[[sample]]
says = "the point stands where another node says, the sign in a bit of a third"
hear = '{ "format": { "value": 2 }, "level": { "value": 7240 }, "signs": { "value": 1 } }'
gives = { level = "-72.40 kg" }
[[sample]]
says = "a format this driver does not know"
hear = '{ "format": { "value": 3 }, "level": { "value": 7240 }, "signs": { "value": 0 } }'
gives = { level = "bad: unexpected" }
[[sample]]
says = "a dose and its lot in one delivery; then the lot alone"
hear = '[ { "dose": { "value": [1, 2.5, 3] }, "lot": { "value": "L-17" } }, { "lot": { "value": "L-18" } } ]'
gives = { dose = "2.5 g", lot = ["L-17", "L-18, uncertain: not of one moment"] }
[[sample]]
says = "a structure in a structure, with a text in some language and a value of any type"
hear = '{ "inner_level": { "body": "07 00 00 00 60 40 00 00 00 00 00 00 00 00 02 02 00 00 00 C3 A4 0B 00 00 00 00 00 00 F0 3F 02 00 00 00 00 01" } }'
gives = { inner_level = "bad: unexpected", inner_note = "bad: unexpected" }
[[sample]]
says = "the same with a time that is one"
hear = '{ "inner_level": { "body": "07 00 00 00 60 40 00 80 3E D5 DE B1 9D 01 02 02 00 00 00 C3 A4 0B 00 00 00 00 00 00 F0 3F 02 00 00 00 00 01" } }'
gives = { inner_level = "3.5 kg", inner_note = "ä", second_flag = "open" }
[[sample]]
says = "a maker who says substituted when he means simulated, and clamps for good"
hear = '{ "format": { "value": 1 }, "level": { "value": 5, "status": "40910000" }, "signs": { "value": 0 } }'
gives = { level = "bad: simulated" }
[[sample]]
says = "clamped is good here"
hear = '{ "format": { "value": 1 }, "level": { "value": 5, "status": "GoodClamped" }, "signs": { "value": 0 } }'
gives = { level = "0.5 kg" }
[[sample]]
says = "unit and range under names of the maker's own"
hear = '[ { "fill": { "value": 40 }, "unit of fill": "%", "range of fill": "0 to 100" }, { "unit of fill": { "missing": "BadNoMatch" } } ]'
gives = { fill = ["40 %", "40 %, uncertain: unit not checked"] }
"#,
    )
}

#[test]
fn a_server_without_subscriptions_is_read_and_one_with_is_watched() {
    let hearing = NodeHearing::new(&watched()).unwrap();
    let asking = &hearing.nodes().asking;
    assert_eq!(
        (asking.how, asking.publish),
        (How::Reading, Duration::from_secs(2))
    );
    assert_eq!(
        (asking.clock_within, asking.values_per_delivery, asking.keep_alive),
        (Duration::from_millis(1500), 500, Duration::from_secs(10))
    );
    let scales = crate::builtin()
        .iter()
        .find(|(file, _)| *file == "opc-ua-scales.toml")
        .unwrap();
    let scales = NodeHearing::new(&Driver::parse(scales.1, scales.0).unwrap()).unwrap();
    assert_eq!(scales.nodes().asking.how, How::Subscription);
}

#[test]
fn no_change_is_withheld_unless_the_driver_says_so() {
    let deadbands = |driver: &Driver| -> Vec<Deadband> {
        let hearing = NodeHearing::new(driver).unwrap();
        hearing
            .nodes()
            .items
            .iter()
            .filter_map(|item| item.deadband)
            .collect()
    };
    assert_eq!(
        deadbands(&watched()),
        [Deadband::Absolute(0.5), Deadband::Absolute(0.5)]
    );
    let all = crate::builtin()
        .iter()
        .map(|(file, text)| Driver::parse(text, file).unwrap());
    for driver in all.filter(|driver| matches!(driver.speaks, crate::Speaks::Nodes(_))) {
        assert_eq!(deadbands(&driver), [], "{}", driver.name);
    }
}

#[test]
fn what_must_come_together_is_doubted_when_it_does_not() {
    let driver = watched();
    let mut hearing = NodeHearing::new(&driver).unwrap();
    let item = |name: &str| {
        let items = &hearing.nodes().items;
        items
            .iter()
            .find(|item| item.names.iter().any(|known| known == name))
            .unwrap()
            .clone()
    };
    let (dose, lot) = (item("dose"), item("lot"));
    assert_eq!(
        (dose.trigger, dose.queue, dose.range.as_deref()),
        (Trigger::Timestamp, 5, Some("2:5"))
    );
    let doses = |number: f64| {
        let one = |number| crate::nodes::NodeData::Scalar(crate::nodes::Scalar::Double(number));
        NodeValue::of(crate::nodes::NodeData::Array(vec![one(0.0), one(number)]))
    };
    let text = |text: &str| {
        NodeValue::of(crate::nodes::NodeData::Scalar(crate::nodes::Scalar::String(
            text.to_owned(),
        )))
    };
    let words = |heard: crate::nodes::NodeHeard| -> Vec<String> {
        heard
            .readings
            .iter()
            .map(|reading| reading.answer.to_string())
            .collect()
    };
    assert_eq!(
        words(hearing.hear(&[(dose.id, doses(1.5)), (lot.id, text("L-1"))])),
        ["1.5 g", "L-1"]
    );
    assert_eq!(
        words(hearing.hear(&[(dose.id, doses(2.5))])),
        ["2.5 g, uncertain: not of one moment"],
        "nobody knows of which lot"
    );
}
