//! What nodes of a server say, as readings: status, times, structures, several nodes of one moment.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::{Driver, lint, run_samples};
use record::Stamp;

const SCALE: &str = r#"
format = 1
[driver]
name = "scale"
edition = 1
title = "Scale"
maker = "Example"
speaks = "opc-ua"
evidence = "draft"
[opc_ua]
namespaces = { scales = ["http://opcfoundation.org/UA/Scales/V2/", "http://opcfoundation.org/UA/Scales"] }
[start.scale]
title = "The scale's own object"
[structure.WeightType]
encoding = "scales;i=88"
members  = { Gross = "float64", Net = "float64", Tare = "float64" }
[[nodes]]
points = [
  { path = "scale / scales:CurrentWeight", measure = "net", of = "WeightType", member = "Net", is = "float64", units = ["kg", "g"], unit_at = "EngineeringUnits" },
  { path = "scale / scales:CurrentWeight", measure = "tare", of = "WeightType", member = "Tare", is = "float64", unit = "kg", unit_at = "EngineeringUnits" },
  { path = "scale / scales:CurrentWeight / scales:Overload", field = "overload", is = "boolean" },
  { path = "scale / scales:CurrentWeight / scales:WeightStable", field = "stable", is = "boolean", optional = true },
]
doubts = [
  { about = ["net", "tare"], when = "overload is set", quality = "bad", because = "overload" },
  { about = "net", when = "stable is clear", quality = "uncertain", because = "not settled" },
  { about = "net", when = "stable is missing", quality = "uncertain", because = "settling unknown" },
]
"#;

fn hearing() -> NodeHearing {
    let driver = Driver::parse(SCALE, "scale.toml").unwrap_or_else(|wrong| panic!("{wrong:#?}"));
    NodeHearing::new(&driver).unwrap()
}

fn id(hearing: &NodeHearing, name: &str) -> ItemId {
    let mut items = hearing.nodes().items.iter();
    items
        .find(|item| item.names.iter().any(|known| known == name))
        .unwrap()
        .id
}

fn weight(net: f64) -> NodeData {
    NodeData::Encoded {
        namespace: "http://opcfoundation.org/UA/Scales".to_owned(),
        identifier: "i=88".to_owned(),
        body: [net + 2.5, net, 2.5].map(f64::to_le_bytes).concat(),
    }
}

fn flag(flag: bool) -> NodeData {
    NodeData::Scalar(Scalar::Boolean(flag))
}

fn at(data: NodeData, time: &str) -> NodeValue {
    NodeValue {
        source_time: Stamp::read(&format!("2026-11-20T10:15:{time}Z")),
        ..NodeValue::of(data)
    }
}

fn said(heard: &NodeHeard, measure: &str) -> Vec<String> {
    let readings = heard
        .readings
        .iter()
        .filter(|reading| &*reading.measure == measure);
    readings.map(|reading| reading.answer.to_string()).collect()
}

/// A scale of which everything has been heard once.
fn settled() -> (NodeHearing, ItemId, ItemId, ItemId) {
    let mut hearing = hearing();
    let [weights, overload, stable, unit] =
        ["net", "overload", "stable", "unit of net"].map(|name| id(&hearing, name));
    let heard = hearing.hear(&[
        (overload, at(flag(false), "01.000")),
        (stable, at(flag(true), "01.000")),
        (unit, NodeValue::of(units::said("kg").unwrap())),
        (weights, at(weight(10.0), "02.000")),
    ]);
    assert_eq!(
        (said(&heard, "net"), said(&heard, "tare")),
        (vec!["10 kg".to_owned()], vec!["2.5 kg".to_owned()])
    );
    (hearing, weights, overload, stable)
}

#[test]
fn nothing_is_entered_before_everything_it_depends_on_has_been_heard() {
    let mut hearing = hearing();
    let (weights, overload) = (id(&hearing, "net"), id(&hearing, "overload"));
    assert!(
        hearing
            .hear(&[(weights, at(weight(10.0), "01.000"))])
            .readings
            .is_empty()
    );
    assert!(
        hearing
            .hear(&[(overload, at(flag(false), "01.000"))])
            .readings
            .is_empty()
    );
    assert_eq!(hearing.waiting().count(), 2);
}

#[test]
fn one_node_is_asked_for_once_whatever_is_made_of_it() {
    let hearing = hearing();
    let paths: Vec<String> = hearing
        .nodes()
        .items
        .iter()
        .map(|item| item.at.to_string())
        .collect();
    assert_eq!(
        paths,
        [
            "scale / scales:CurrentWeight",
            "scale / scales:CurrentWeight / EngineeringUnits",
            "scale / scales:CurrentWeight / scales:Overload",
            "scale / scales:CurrentWeight / scales:WeightStable",
        ]
    );
}

#[test]
fn a_flag_that_comes_with_a_weight_speaks_about_that_weight() {
    let (mut hearing, weights, overload, _) = settled();
    // in whatever order the server lists them
    let heard = hearing.hear(&[
        (weights, at(weight(99.0), "03.000")),
        (overload, at(flag(true), "03.001")),
    ]);
    assert_eq!(said(&heard, "net"), ["bad: overload"]);
    let heard = hearing.hear(&[(overload, at(flag(false), "04.000"))]);
    assert_eq!(said(&heard, "net"), ["99 kg"]);
    let reading = heard
        .readings
        .iter()
        .find(|reading| &*reading.measure == "net")
        .unwrap();
    assert_eq!(reading.source_time, Stamp::read("2026-11-20T10:15:04.000Z"));
}

#[test]
fn several_values_of_one_delivery_are_each_judged_by_the_flags_of_their_own_moment() {
    let (mut hearing, weights, _, stable) = settled();
    // the server lists node by node, not moment by moment
    let heard = hearing.hear(&[
        (weights, at(weight(11.0), "03.000")),
        (weights, at(weight(12.0), "05.000")),
        (weights, at(weight(12.5), "07.000")),
        (stable, at(flag(false), "03.001")),
        (stable, at(flag(true), "07.001")),
    ]);
    assert_eq!(
        said(&heard, "net"),
        [
            "11 kg, uncertain: not settled",
            "12 kg, uncertain: not settled",
            "12.5 kg"
        ]
    );
}

#[test]
fn a_scale_without_a_stability_flag_says_that_nobody_knows() {
    let (mut hearing, _, _, stable) = settled();
    let heard = hearing.missing(stable, 0x8034_0000);
    assert_eq!(said(&heard, "net"), ["10 kg, uncertain: settling unknown"]);
    assert!(said(&heard, "tare").is_empty(), "the tare does not depend on it");
}

#[test]
fn a_node_that_is_gone_takes_its_own_readings_and_no_others() {
    let (mut hearing, weights, overload, _) = settled();
    let heard = hearing.missing(overload, 0x8034_0000);
    assert_eq!(said(&heard, "net"), ["bad: refused, no such node"]);
    let heard = hearing.hear(&[(overload, at(flag(false), "05.000"))]);
    assert_eq!(said(&heard, "net"), ["10 kg"]);
    let heard = hearing.hear(&[(weights, NodeValue::without(0x8031_0000))]);
    assert_eq!(said(&heard, "net"), ["bad: no communication"]);
    assert_eq!(heard.readings[0].status, 0x8031_0000);
    assert_eq!(heard.readings[0].failure, Some(record::Failure::Silent));
}

#[test]
fn another_unit_than_the_driver_knows_is_never_a_good_weight() {
    let (mut hearing, _, _, _) = settled();
    let unit = id(&hearing, "unit of net");
    let heard = hearing.hear(&[(unit, NodeValue::of(units::said("g").unwrap()))]);
    // net is told its unit by the server, tare is known to be in kg
    assert_eq!(
        (said(&heard, "net"), said(&heard, "tare")),
        (
            vec!["10 g".to_owned()],
            vec!["2.5 kg, uncertain: another unit".to_owned()]
        )
    );
    let heard = hearing.hear(&[(unit, NodeValue::of(units::said("t").unwrap()))]);
    assert_eq!(said(&heard, "net"), ["bad: unknown unit"]);
}

#[test]
fn values_thrown_away_by_the_server_are_told_with_the_node() {
    let (mut hearing, weights, _, _) = settled();
    let value = NodeValue {
        status: 0x0000_0480,
        ..at(weight(11.0), "09.000")
    };
    let heard = hearing.hear(&[(weights, value)]);
    assert_eq!(heard.lost, [weights]);
    assert_eq!(said(&heard, "net"), ["11 kg"], "the value that did come is good");
}

#[test]
fn a_value_of_another_type_is_no_value() {
    let (mut hearing, weights, overload, _) = settled();
    for data in [
        NodeData::None,
        NodeData::Scalar(Scalar::Double(10.0)),
        NodeData::Array(vec![weight(10.0)]),
        NodeData::Encoded {
            namespace: "http://example.com/another".to_owned(),
            identifier: "i=88".to_owned(),
            body: vec![0; 24],
        },
    ] {
        let heard = hearing.hear(&[(weights, NodeValue::of(data.clone()))]);
        assert_eq!(said(&heard, "net"), ["bad: unexpected"], "{data:?}");
    }
    hearing.hear(&[(weights, NodeValue::of(weight(10.0)))]);
    let heard = hearing.hear(&[(overload, NodeValue::of(NodeData::Scalar(Scalar::Int32(0))))]);
    assert_eq!(said(&heard, "net"), ["bad: unexpected"], "a number is not a flag");
}

#[test]
fn what_the_record_keeps_is_a_sample() {
    let (mut hearing, weights, _, _) = settled();
    let heard = hearing.hear(&[(weights, at(weight(12.25), "03.000"))]);
    let reading = heard
        .readings
        .iter()
        .find(|reading| &*reading.measure == "net")
        .unwrap();
    let longer = format!(
        "{SCALE}[[sample]]\nsays = \"as kept\"\nhear = '{}'\ngives = {{ net = \"12.25 kg\" }}\n",
        reading.raw
    );
    let driver = Driver::parse(&longer, "scale.toml").unwrap_or_else(|wrong| panic!("{wrong:#?}"));
    let results = run_samples(&driver);
    assert!(results[0].passed(), "{results:#?}");
}

#[test]
fn a_node_by_index_and_a_path_from_nowhere_are_refused() {
    let names = |from: &str, into: &str| -> Vec<&'static str> {
        let text = SCALE.replacen(from, into, 1);
        assert_ne!(text, SCALE);
        match Driver::parse(&text, "scale.toml") {
            Ok(driver) => lint(&driver).iter().map(|complaint| complaint.name).collect(),
            Err(wrong) => wrong.iter().map(|complaint| complaint.name).collect(),
        }
    };
    let path = "path = \"scale / scales:CurrentWeight\", measure = \"net\"";
    for (into, finding) in [
        ("node = \"ns=5;i=203\", measure = \"net\"", "bare-index"),
        ("node = \"scale;i=203\", measure = \"net\"", "no-such-name"),
        ("node = \"scales;i=x\", measure = \"net\"", "no-node"),
        (
            "path = \"weigher / scales:CurrentWeight\", measure = \"net\"",
            "no-such-name",
        ),
        (
            "path = \"scale / scale:CurrentWeight\", measure = \"net\"",
            "no-such-name",
        ),
        ("path = \"scale / \", measure = \"net\"", "no-path"),
        ("measure = \"net\"", "node-or-path"),
    ] {
        assert!(
            names(path, into).contains(&finding),
            "{into}: {:?}",
            names(path, into)
        );
    }
    assert!(
        names(
            "of = \"WeightType\", member = \"Net\"",
            "of = \"WeightType\", member = \"Nett\""
        )
        .contains(&"no-such-name")
    );
    assert!(names("\"stable is clear\"", "\"stabel is clear\"").contains(&"not-in-this-answer"));
    assert!(
        names(
            "units = [\"kg\", \"g\"], unit_at = \"EngineeringUnits\"",
            "units = [\"kg\"]"
        )
        .contains(&"no-unit")
    );
    assert!(names("Tare = \"float64\"", "Tare = \"double\"").contains(&"no-such-name"));
}

#[test]
fn everything_a_sample_promises_can_be_played_and_is_understood() {
    use record::{Answer, Quantity, Value};
    let mut missing = Vec::new();
    let all = crate::builtin()
        .iter()
        .map(|(file, text)| Driver::parse(text, file).unwrap());
    for driver in all.filter(|driver| matches!(driver.speaks, crate::Speaks::Nodes(_))) {
        let points: Vec<String> = driver.points().into_iter().map(|point| point.measure).collect();
        let promises = driver.samples.iter().flat_map(|sample| &sample.gives);
        for (measure, words) in promises.filter(|(measure, _)| points.contains(measure)) {
            for words in words {
                let value = |text: &str| {
                    Quantity::read(text).map_or_else(|| Value::Text(text.to_owned()), Value::Quantity)
                };
                let wanted = match (words.strip_prefix("bad: "), words.split_once(", uncertain: ")) {
                    (Some(because), _) => Answer::Bad(because.to_owned()),
                    (None, Some((text, because))) => Answer::Uncertain(value(text), because.to_owned()),
                    (None, None) => Answer::Good(value(words)),
                };
                // what the gateway says by itself, or by a code it has no word for, cannot be asked for by a word
                let ours = [
                    "unexpected",
                    "no such element",
                    "another unit",
                    "another range",
                    "unknown unit",
                ];
                if wanted
                    .because()
                    .is_some_and(|because| ours.contains(&because) || because.starts_with("status "))
                {
                    continue;
                }
                let mut player = NodePlayer::new(&driver).unwrap();
                if let Err(why) = player.set(measure, &wanted) {
                    missing.push(format!("{} {measure} = {words}: {why}", driver.name));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn a_player_that_cannot_say_it_stays_as_it_was() {
    let (file, text) = crate::builtin()
        .iter()
        .find(|(file, _)| *file == "opc-ua-scales.toml")
        .unwrap();
    let mut player = NodePlayer::new(&Driver::parse(text, file).unwrap()).unwrap();
    let before: Vec<NodeValue> = player.values().map(|(_, value)| value.clone()).collect();
    assert!(
        player
            .set("weight", &record::Answer::Bad("broken leg".to_owned()))
            .is_err()
    );
    assert!(
        player
            .set("height", &record::Answer::Bad("overload".to_owned()))
            .is_err()
    );
    assert!(before.iter().eq(player.values().map(|(_, value)| value)));
}
