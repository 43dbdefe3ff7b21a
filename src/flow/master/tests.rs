//! What the plant says, as tables.

#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::{
    csv,
    item::*,
    known::{Change, Store},
    look::{Asking, span},
    message, schema, shelf,
};
use crate::{config::plant::Master, flow::local};
use record::{Quantity, Stamp};
use serde_json::{Value, json};
use std::time::Duration;

const HOUR: u64 = 3600;

fn at(text: &str) -> Stamp {
    Stamp::read(&format!("2026-11-{text}:00.000Z")).unwrap()
}

fn ages() -> Master {
    let hours = |hours: u64| Duration::from_secs(hours * HOUR);
    Master {
        orders: hours(24),
        lots: hours(24),
        containers: hours(24),
        check_weights: hours(720),
        people: hours(168),
    }
}

fn lot(id: &str, revision: u64, status: &str) -> Value {
    json!({ "id": id, "revision": revision, "material": "1204", "status": status, "expires": "2026-11-30" })
}

/// Sends lots and says what became of each.
fn send(store: &mut Store, sent: &str, now: &str, whole: bool, items: &[Value]) -> Vec<String> {
    let text = json!({ "source": "mes", "sent": at(sent).to_string(), "whole": whole, "items": items });
    let message = message::read(Kind::Lots, text.to_string().as_bytes()).unwrap();
    let (after, outcome) = store.take(&message, at(now));
    *store = after;
    outcome.changes.iter().map(say).collect()
}

fn say(change: &Change) -> String {
    match change {
        Change::New(held) => format!("{} new", held.id),
        Change::Replaced { before, after } => {
            format!("{} {} → {}", after.id, before.revision, after.revision)
        }
        Change::Retracted { after, .. } => format!("{} retracted", after.id),
        Change::Confirmed(held) => format!("{} confirmed", held.id),
        Change::Refused { id, why } => format!("{id}: {why}"),
    }
}

fn look(store: &Store, id: &str, now: &str) -> String {
    let (zone, ages) = (local::zone("Europe/Berlin"), ages());
    let asking = Asking {
        now: at(now),
        zone: &zone,
        ages: &ages,
    };
    let looked = store.look::<Lot>(id, &asking);
    let age = looked.age_ms.map_or_else(|| "no age".to_owned(), span);
    match looked.usable() {
        Ok(lot) => format!("{}, {age}", lot.status.word()),
        Err(_) => looked.why(),
    }
}

#[test]
fn a_newer_revision_takes_the_place_of_an_older_and_never_the_other_way() {
    let mut store = Store::default();
    let mut tell = |when: &str, item: Value| send(&mut store, when, when, false, &[item]).join(", ");
    assert_eq!(tell("20T08:00", lot("L-1", 3, "released")), "L-1 new");
    assert_eq!(tell("20T09:00", lot("L-1", 4, "blocked")), "L-1 3 → 4");
    assert_eq!(
        tell("20T09:01", lot("L-1", 3, "released")),
        "L-1: revision 3 is older than 4, which is known"
    );
    assert_eq!(
        tell("20T09:02", lot("L-1", 4, "released")),
        "L-1: revision 4 is known with another content"
    );
    assert_eq!(tell("20T09:03", lot("L-1", 4, "blocked")), "L-1 confirmed");
    assert_eq!(
        tell(
            "20T09:04",
            json!({ "id": "L-1", "revision": 5, "retracted": true })
        ),
        "L-1 retracted"
    );
    assert_eq!(
        tell("20T09:05", lot("L-1", 4, "released")),
        "L-1: revision 4 is older than 5, which is known"
    );
    assert_eq!(tell("20T09:06", lot("L-1", 6, "released")), "L-1 new");
    assert_eq!(look(&store, "L-1", "20T10:06"), "released, 1 h");
}

#[test]
fn the_very_same_message_again_changes_nothing() {
    let mut store = Store::default();
    assert_eq!(
        send(
            &mut store,
            "20T08:00",
            "20T08:00",
            true,
            &[lot("L-1", 1, "released")]
        )
        .len(),
        1
    );
    let before = store.clone();
    assert!(
        send(
            &mut store,
            "20T08:00",
            "20T12:00",
            true,
            &[lot("L-1", 1, "released")]
        )
        .is_empty()
    );
    assert_eq!(store, before);
}

#[test]
fn a_whole_message_retracts_what_its_source_names_no_more_and_nobody_elses() {
    let mut store = Store::default();
    let other =
        json!({ "source": "lims", "sent": at("20T07:00").to_string(), "items": [lot("L-9", 1, "released")] });
    let other = message::read(Kind::Lots, other.to_string().as_bytes()).unwrap();
    store = store.take(&other, at("20T07:00")).0;
    send(
        &mut store,
        "20T08:00",
        "20T08:00",
        true,
        &[lot("L-1", 1, "released"), lot("L-2", 1, "released")],
    );
    let said = send(
        &mut store,
        "20T09:00",
        "20T09:00",
        true,
        &[lot("L-2", 1, "released")],
    );
    assert_eq!(said, ["L-2 confirmed", "L-1 retracted"]);
    assert_eq!(look(&store, "L-1", "20T09:00"), "it was retracted");
    assert_eq!(look(&store, "L-9", "20T09:00"), "released, 2 h");
    // A whole message that comes behind a newer one retracts nothing.
    let said = send(
        &mut store,
        "20T08:30",
        "20T09:30",
        true,
        &[lot("L-3", 1, "released")],
    );
    assert_eq!(said, ["L-3 new"]);
    // What was only left out may be named again as it was.
    let said = send(
        &mut store,
        "20T10:00",
        "20T10:00",
        true,
        &[lot("L-1", 1, "released")],
    );
    assert_eq!(said, ["L-1 new", "L-2 retracted", "L-3 retracted"]);
}

#[test]
fn an_item_that_is_not_understood_is_refused_alone_and_not_taken_for_gone() {
    let mut store = Store::default();
    send(
        &mut store,
        "20T08:00",
        "20T08:00",
        true,
        &[lot("L-1", 1, "released")],
    );
    let said = send(
        &mut store,
        "20T09:00",
        "20T09:00",
        true,
        &[lot("L-1", 2, "maybe"), lot("L-2", 1, "released")],
    );
    assert_eq!(said[0], "L-2 new");
    assert!(said[1].starts_with("L-1: unknown variant `maybe`"), "{said:?}");
    assert_eq!(said.len(), 2);
    // It stays as it was known, and grows older.
    assert_eq!(look(&store, "L-1", "20T10:00"), "released, 2 h");
}

#[test]
fn what_is_asked_for_comes_with_its_age_or_with_every_reason_against_it() {
    let mut store = Store::default();
    let rows = [
        lot("L-1", 1, "released"),
        lot("L-2", 1, "quarantine"),
        json!({ "id": "L-3", "revision": 1, "material": "1", "status": "released" }),
    ];
    send(&mut store, "20T08:00", "20T08:00", false, &rows);
    for (id, now, says) in [
        ("L-1", "20T08:00", "released, 0 s"),
        ("L-1", "21T08:00", "released, 1 d"),
        ("L-1", "21T08:01", "what is known is 1 d old, and may be 1 d old"),
        ("L-2", "20T09:00", "it is not released: quarantine"),
        (
            "L-2",
            "30T23:00",
            "it is not released: quarantine; it expired: 2026-11-30; what is known is 10 d 15 h old, and may be 1 d old",
        ),
        ("L-3", "20T09:30", "released, 1 h 30 min"),
        ("L-4", "20T09:00", "nobody has said anything of it"),
    ] {
        assert_eq!(look(&store, id, now), says, "{id} {now}");
    }
}

#[test]
fn a_lot_may_be_used_to_the_end_of_its_last_day_where_the_plant_stands() {
    let mut store = Store::default();
    send(
        &mut store,
        "30T22:00",
        "30T22:00",
        false,
        &[lot("L-1", 1, "released")],
    );
    assert_eq!(look(&store, "L-1", "30T22:59"), "released, 59 min");
    assert_eq!(look(&store, "L-1", "30T23:00"), "it expired: 2026-11-30");
}

#[test]
fn a_clock_that_is_ahead_keeps_nothing_young() {
    let mut store = Store::default();
    send(
        &mut store,
        "28T08:00",
        "20T08:00",
        false,
        &[lot("L-1", 1, "released")],
    );
    assert_eq!(look(&store, "L-1", "20T10:00"), "released, 2 h");
}

#[test]
fn containers_check_weights_and_people_say_why_not() {
    let (zone, ages) = (local::zone("Europe/Berlin"), ages());
    let asking = Asking {
        now: at("20T10:00"),
        zone: &zone,
        ages: &ages,
    };
    let mut store = Store::default();
    let mut tell = |kind: Kind, item: Value| {
        let text = json!({ "source": "mes", "sent": at("20T09:00").to_string(), "items": [item] });
        let message = message::read(kind, text.to_string().as_bytes()).unwrap();
        assert_eq!(message.refused, [], "{text}");
        store = store.take(&message, at("20T09:00")).0;
    };
    tell(
        Kind::Containers,
        json!({ "id": "C-1", "revision": 1, "tare": "3.250 kg", "clean_until": "2026-11-20" }),
    );
    tell(
        Kind::Containers,
        json!({ "id": "C-2", "revision": 1, "clean_until": "2026-11-20T09:59:00Z" }),
    );
    tell(
        Kind::Containers,
        json!({ "id": "C-3", "revision": 1, "tare": "3.250 kg" }),
    );
    tell(
        Kind::CheckWeights,
        json!({ "id": "W-1", "revision": 1, "nominal": "10.0000 kg", "may_differ_by": "5 g", "certificate": "D-1", "due": "2026-11-19" }),
    );
    tell(
        Kind::People,
        json!({ "id": "p-1", "revision": 1, "name": "Anna Keller", "status": "left" }),
    );
    assert_eq!(store.look::<Container>("C-1", &asking).why(), "");
    assert_eq!(
        store.look::<Container>("C-2", &asking).why(),
        "its cleaning held until 2026-11-20T09:59:00.000Z; what it weighs empty is not known"
    );
    assert_eq!(store.look::<Container>("C-3", &asking).why(), "it is not clean");
    assert_eq!(
        store.look::<CheckWeight>("W-1", &asking).why(),
        "its certificate held until 2026-11-19"
    );
    assert_eq!(
        store.look::<Person>("p-1", &asking).why(),
        "this person does not work here any more"
    );
    assert_eq!(
        store.look::<Lot>("C-1", &asking).why(),
        "nobody has said anything of it"
    );
}

#[test]
fn what_was_used_and_what_was_overridden_are_entries() {
    let mut store = Store::default();
    send(
        &mut store,
        "20T08:00",
        "20T08:00",
        false,
        &[lot("L-2", 7, "quarantine")],
    );
    let (zone, ages) = (local::zone("Europe/Berlin"), ages());
    let asking = Asking {
        now: at("20T10:00"),
        zone: &zone,
        ages: &ages,
    };
    let looked = store.look::<Lot>("L-2", &asking);
    let mut line = Vec::new();
    looked
        .used(asking.now)
        .unwrap()
        .with("batch", "B-1")
        .write(1, [0; 16], &mut line)
        .unwrap();
    let text = String::from_utf8(line).unwrap();
    assert!(
        text.contains(r#""batch":"B-1","items":"lots","state":"used","data":"#),
        "{text}"
    );
    assert!(
        text.contains(r#""id":"L-2","revision":7,"said":"2026-11-20T08:00:00.000Z""#),
        "{text}"
    );
    assert!(text.contains(r#"\"status\":\"quarantine\""#), "{text}");
    assert!(text.contains(r#""against":"not-released""#), "{text}");
    let mut line = Vec::new();
    looked
        .override_by("p-3", "released by phone", asking.now)
        .write(1, [0; 16], &mut line)
        .unwrap();
    let text = String::from_utf8(line).unwrap();
    assert!(
        text.contains(r#""because":"master-overridden""#) && text.contains(r#""by":"p-3""#),
        "{text}"
    );
}

#[test]
fn what_is_held_comes_back_from_its_file_as_it_was() {
    let mut store = Store::default();
    send(
        &mut store,
        "20T08:00",
        "20T08:00",
        true,
        &[lot("L-1", 1, "released"), lot("L-2", 1, "blocked")],
    );
    send(
        &mut store,
        "20T09:00",
        "20T09:00",
        true,
        &[lot("L-2", 2, "released")],
    );
    let held = store.shelf(Kind::Lots).unwrap();
    let bytes = shelf::write(Kind::Lots, held);
    assert_eq!(&shelf::read(Kind::Lots, &bytes).unwrap(), held);
    assert!(shelf::read(Kind::Orders, &bytes).is_none());
    assert!(shelf::read(Kind::Lots, &bytes[..bytes.len() - 9]).is_none());
}

#[test]
fn messages_are_refused_with_what_is_wrong_with_them() {
    let good = r#""source":"mes","sent":"2026-11-20T10:00:00Z","items":[]"#;
    assert!(message::read(Kind::Lots, format!("{{{good}}}").as_bytes()).is_ok());
    for (text, says) in [
        ("", "not JSON"),
        ("[]", "not as agreed"),
        (
            r#"{"source":"mes","sent":"2026-11-20T10:00:00","items":[]}"#,
            "no moment with its offset",
        ),
        (
            r#"{"source":" ","sent":"2026-11-20T10:00:00Z","items":[]}"#,
            "`source` is empty",
        ),
        (
            r#"{"source":"mes","sent":"2026-11-20T10:00:00Z","items":[],"retain":1}"#,
            "unknown field `retain`",
        ),
        (
            r#"{"source":"mes","sent":"2026-11-20T10:00:00Z"}"#,
            "missing field `items`",
        ),
    ] {
        let trouble = message::read(Kind::Lots, text.as_bytes()).unwrap_err();
        assert_eq!(trouble.name, "master-not-understood");
        assert!(trouble.what.contains(says), "{text}: {}", trouble.what);
    }
}

#[test]
fn items_are_refused_with_what_is_wrong_with_them() {
    let refused = |kind: Kind, item: &str| {
        let text = format!(r#"{{"source":"mes","sent":"2026-11-20T10:00:00Z","items":[{item}]}}"#);
        let message = message::read(kind, text.as_bytes()).unwrap();
        message
            .refused
            .first()
            .map_or_else(|| "taken".to_owned(), |(_, why)| why.clone())
    };
    let lots = [
        (r#"{"revision":1}"#, "it has no `id`"),
        (r#"{"id":"L"}"#, "it has no `revision`"),
        (r#"{"id":"L","revision":0}"#, "counts from 1"),
        (r#"{"id":"L","revision":1.5}"#, "counts from 1"),
        (
            r#"{"id":"L","revision":1,"status":"released"}"#,
            "missing field `material`",
        ),
        (
            r#"{"id":"L","revision":1,"material":"1"}"#,
            "missing field `status`",
        ),
        (
            r#"{"id":"L","revision":1,"material":"1","status":"ok"}"#,
            "unknown variant `ok`",
        ),
        (
            r#"{"id":"L","revision":1,"material":"1","status":"released","expiry":"2027-01-01"}"#,
            "unknown field `expiry`",
        ),
        (
            r#"{"id":"L","revision":1,"material":"1","status":"released","expires":"31.3.2027"}"#,
            "no day",
        ),
        (
            r#"{"id":"L","revision":1,"material":"1","status":"released","assay":"98,7 %"}"#,
            "decimals have a point",
        ),
        (
            r#"{"id":"L","revision":1,"material":"1","status":"released","assay":"0.987"}"#,
            "no share",
        ),
        (
            r#"{"id":"L","revision":1,"material":"1","status":"released","assay":"300 %"}"#,
            "cannot be",
        ),
        (
            r#"{"id":" L","revision":1,"material":"1","status":"released"}"#,
            "begins or ends with a blank",
        ),
        (r#"{"id":"L","revision":1,"retracted":true}"#, "taken"),
        (
            r#"{"id":"L","revision":1,"material":"1","status":"released"}"#,
            "taken",
        ),
    ];
    for (item, says) in lots {
        assert!(
            refused(Kind::Lots, item).contains(says),
            "{item}: {}",
            refused(Kind::Lots, item)
        );
    }
    let line = |more: &str| {
        format!(r#"{{"id":"O","revision":1,"lines":[{{"line":"1","batch":"B","material":"1",{more}}}]}}"#)
    };
    for (more, says) in [
        (r#""target":"12.5 kg","tolerance":"± 0.5 %""#, "taken"),
        (r#""target":"12.5 kg","tolerance":"± 50 g""#, "taken"),
        (r#""target":"12.5 kg","tolerance":"-20 g to +50 g""#, "taken"),
        (
            r#""target":"12.5 kg","tolerance":"± 50 mL""#,
            "g is mass, the target".trim_start_matches("g is mass, "),
        ),
        (
            r#""target":"12.5 kg","tolerance":"20 g to 50 g""#,
            "needs its signs",
        ),
        (r#""target":"12.5 kg","tolerance":"0.5 %""#, "is no tolerance"),
        (
            r#""target":"12.5","tolerance":"± 1 %""#,
            "no amount with its unit",
        ),
        (r#""target":"0 kg","tolerance":"± 1 %""#, "more than nothing"),
        (r#""target":"20.0 °C","tolerance":"± 1 %""#, "a temperature"),
    ] {
        assert!(
            refused(Kind::Orders, &line(more)).contains(says),
            "{more}: {}",
            refused(Kind::Orders, &line(more))
        );
    }
    assert!(refused(Kind::Orders, r#"{"id":"O","revision":1,"lines":[]}"#).contains("at least one"));
}

#[test]
fn a_tolerance_is_computed_in_the_targets_unit() {
    for (text, target, low, high) in [
        ("± 0.5 %", "12.500 kg", "12.4375", "12.5625"),
        ("+/- 50 g", "12.500 kg", "12.450", "12.550"),
        ("-20 g to +50 g", "12.500 kg", "12.480", "12.550"),
        ("-0 g to +2.5 g", "250.0 g", "250.0", "252.5"),
        ("-1 % to +5 g", "250.0 g", "247.5", "255.0"),
    ] {
        let (below, above) = Tolerance::read(text)
            .unwrap()
            .around(&Quantity::read(target).unwrap())
            .unwrap();
        assert_eq!(
            (below.normalize(), above.normalize()),
            (
                low.parse::<rust_decimal::Decimal>().unwrap().normalize(),
                high.parse::<rust_decimal::Decimal>().unwrap().normalize()
            ),
            "{text}"
        );
    }
}

fn file(kind: Kind, text: &str) -> csv::File<'_> {
    csv::File {
        kind,
        name: "file.csv",
        text,
        source: "p-3",
        whole: false,
        now: at("20T08:00"),
    }
}

#[test]
fn a_spreadsheet_is_read_however_it_parts_its_cells() {
    let wanted = ["L-1 new", "L-2 new"];
    for text in [
        "id,revision,material,status,expires,title\nL-1,1,1204,released,2026-11-30,\"Glycerol, pure\"\nL-2,1,1204,blocked,,\n",
        "\u{feff}ID;Revision;Material;Status;Expires;Title\r\nL-1;1;1204;released;2026-11-30;Glycerol, pure\r\n\r\nL-2;1;1204;blocked;;\r\n",
        "id\tmaterial\tstatus\texpires\ttitle\nL-1\t1204\treleased\t2026-11-30\t\"Glycerol, pure\"\nL-2\t1204\tblocked\t\t",
    ] {
        let message = csv::read(&file(Kind::Lots, text), &Store::default()).unwrap();
        let (store, outcome) = Store::default().take(&message, at("20T08:00"));
        assert_eq!(
            outcome.changes.iter().map(say).collect::<Vec<_>>(),
            wanted,
            "{text}"
        );
        assert!(
            store
                .held(Kind::Lots, "L-1")
                .unwrap()
                .content
                .as_ref()
                .unwrap()
                .to_json()
                .contains("Glycerol, pure")
        );
    }
}

#[test]
fn a_file_without_revisions_counts_up_what_differs() {
    let first = "id,material,status\nL-1,1204,released\nL-2,1204,quarantine\n";
    let store = Store::default();
    let (store, _) = store.take(
        &csv::read(&file(Kind::Lots, first), &store).unwrap(),
        at("20T08:00"),
    );
    let second = "id,material,status\nL-1,1204,released\nL-2,1204,released\n";
    let (_, outcome) = store.take(
        &csv::read(&file(Kind::Lots, second), &store).unwrap(),
        at("20T09:00"),
    );
    assert_eq!(
        outcome.changes.iter().map(say).collect::<Vec<_>>(),
        ["L-1 confirmed", "L-2 1 → 2"]
    );
}

#[test]
fn every_complaint_about_a_file_comes_at_once_with_its_line() {
    let text = "id,revision,material,status\n\
        L-1,1,1204,released\n\
        L-2,x,1204,released\n\
        \"L-3\n\
        more\",1,1204,released\n\
        L-4,1,1204,ok\n\
        L-5,1,1204\n\
        L-1,2,1204,released\n\
        ,1,1204,released\n";
    let trouble = csv::read(&file(Kind::Lots, text), &Store::default()).unwrap_err();
    assert_eq!(
        trouble.what,
        "6 things are wrong with this file\n  \
         file.csv:3: revision \"x\" is no whole number\n  \
         file.csv:4: `id` holds a control character\n  \
         file.csv:6: unknown variant `ok`, expected one of `released`, `quarantine`, `blocked`, `rejected`\n  \
         file.csv:7: it has 3 cells, the first line names 4 columns\n  \
         file.csv:8: its id stands already in line 2\n  \
         file.csv:9: it has no `id`"
    );
    let trouble = csv::read(&file(Kind::Lots, "number;material\n"), &Store::default()).unwrap_err();
    assert!(
        trouble.what.contains("there is no column \"number\"")
            && trouble.what.contains("the column id is missing")
    );
}

#[test]
fn an_order_has_a_row_for_each_of_its_lines() {
    let text = "id;product;line;batch;material;target;tolerance\n\
        O-1;Cream;10;B-1;1204;12.5 kg;± 0.5 %\n\
        O-1;Cream;20;B-1;3310;250.0 g;± 2 g\n\
        O-2;Cream;10;B-2;1204;12.5 kg;± 0.5 %\n";
    let message = csv::read(&file(Kind::Orders, text), &Store::default()).unwrap();
    let lines = |at: usize| match &message.items[at].content {
        Some(Content::Order(order)) => order.lines.len(),
        _ => 0,
    };
    assert_eq!((message.items.len(), lines(0), lines(1)), (2, 2, 1));
    let other = text.replace("O-1;Cream;20", "O-1;Soap;20");
    let trouble = csv::read(&file(Kind::Orders, &other), &Store::default()).unwrap_err();
    assert!(
        trouble
            .what
            .contains("file.csv:3: product is not what it is in line 2"),
        "{}",
        trouble.what
    );
}

#[test]
fn the_schemas_beside_the_page_are_the_ones_of_the_program() {
    for kind in Kind::ALL {
        let path = format!(
            "{}/docs/reference/master/{}.schema.json",
            env!("CARGO_MANIFEST_DIR"),
            kind.word()
        );
        let wanted = schema::file(kind);
        if std::env::var_os("WRITE_SCHEMAS").is_some() {
            std::fs::write(&path, &wanted).unwrap();
        }
        assert_eq!(
            std::fs::read_to_string(&path).unwrap_or_default(),
            wanted,
            "{path}: WRITE_SCHEMAS=1 writes it"
        );
    }
}

#[test]
fn every_example_of_the_page_is_taken_and_needs_every_member_the_schema_needs() {
    let page =
        std::fs::read_to_string(format!("{}/docs/reference/master.md", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let examples: Vec<&str> = page
        .split("```json\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    let kinds = [
        Kind::Lots,
        Kind::Orders,
        Kind::Containers,
        Kind::CheckWeights,
        Kind::People,
    ];
    assert_eq!(examples.len(), kinds.len());
    for (kind, example) in kinds.into_iter().zip(examples) {
        let message = message::read(kind, example.as_bytes()).unwrap();
        assert!(
            message.refused.is_empty() && !message.items.is_empty(),
            "{example}"
        );
        let needed = schema::schema(kind)["properties"]["items"]["items"]["anyOf"][0].clone();
        let written: Value = serde_json::from_str(example).unwrap();
        for name in needed["required"].as_array().unwrap() {
            let mut less = written.clone();
            less["items"][0]
                .as_object_mut()
                .unwrap()
                .remove(name.as_str().unwrap())
                .unwrap();
            let message = message::read(kind, less.to_string().as_bytes()).unwrap();
            assert_eq!(message.refused.len(), 1, "{kind:?} without {name}");
        }
        for name in needed["properties"].as_object().unwrap().keys() {
            assert!(
                page.contains(&format!("`{name}`")) || page.contains(&format!(".{name}`")),
                "{name} is not on the page"
            );
        }
    }
}
