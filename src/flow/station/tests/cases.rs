//! The special cases of a weighing, one by one.

use super::{
    super::{Act, Event, view::Word},
    rig::{PLANT, Rig},
};

fn filling() -> Rig {
    let mut rig = Rig::new();
    rig.ready();
    rig.tared("10", "L-1", "P-1", "0.412 kg");
    rig
}

#[test]
fn a_line_split_over_containers_and_lots_is_in_tolerance_by_its_sum() {
    let mut rig = filling();
    rig.holds("WT-1", "2.412 kg");
    assert_eq!(rig.capture().unwrap_err(), "too-little");
    rig.part().unwrap();
    rig.verified();
    assert_eq!(rig.step(), "container", "the line is not complete yet");
    rig.act(Act::SourceEmpty).unwrap();
    assert_eq!(rig.step(), "source");
    rig.scan("L-2").unwrap();
    rig.next_container("P-2", "0.500 kg");
    let target = rig.view().target.unwrap();
    assert_eq!(
        (target.low.as_str(), target.high.as_str()),
        ("1.582", "1.618"),
        "what is left of the line"
    );
    rig.holds("WT-1", "2.117 kg");
    rig.capture().unwrap();
    rig.verified();
    rig.act(Act::Next).unwrap();
    let complete = rig.last("weighing");
    assert_eq!(
        (complete.get("sum"), complete.get("verdict")),
        ("3.617", "within")
    );
    let lots: Vec<String> = rig.desk.works[&("O-1".into(), "10".into())]
        .parts
        .iter()
        .map(|part| part.lot.clone())
        .collect();
    assert_eq!(lots, ["L-1", "L-2"]);
}

#[test]
fn by_difference_the_source_loses_weight_and_automated_needs_nobody_else() {
    let mut rig = Rig::new();
    rig.ready();
    rig.tared("30", "L-30", "P-3", "2.000 kg");
    rig.holds("WT-1", "1.699 kg");
    let view = rig.view();
    assert_eq!(view.weight.unwrap().text, "0.301");
    rig.capture().unwrap();
    let accepted = rig.last("weighing");
    assert_eq!(
        (accepted.get("state"), accepted.get("verification")),
        ("accepted", "automated")
    );
    assert_eq!(accepted.get("verified_by"), "");
}

#[test]
fn a_full_container_is_taken_by_its_label_without_a_scale() {
    let mut rig = Rig::new();
    rig.ready();
    rig.act(Act::Open {
        order: "O-1".into(),
        line: "40".into(),
    })
    .unwrap();
    rig.scan("]d2240RM-40\u{1d}10L-40\u{1d}3102002510").unwrap();
    assert_eq!(rig.step(), "verify");
    assert_eq!(rig.last("weighing").get("net"), "25.10");
    rig.verified();
    rig.act(Act::Next).unwrap();
    assert_eq!(rig.last("weighing").get("verdict"), "within");
}

#[test]
fn pieces_are_counted_and_too_many_are_refused() {
    let mut rig = Rig::new();
    rig.ready();
    rig.act(Act::Open {
        order: "O-1".into(),
        line: "50".into(),
    })
    .unwrap();
    rig.scan("L-50").unwrap();
    assert_eq!(rig.act(Act::Count { pieces: 14 }).unwrap_err(), "too-much");
    assert_eq!(
        rig.act(Act::Count { pieces: 0 }).unwrap_err(),
        "scan-not-understood"
    );
    rig.act(Act::Count { pieces: 12 }).unwrap();
    rig.labelled();
    rig.act(Act::Next).unwrap();
    assert_eq!(rig.last("weighing").get("sum"), "12");
}

#[test]
fn what_is_left_in_the_source_is_weighed_back_where_the_station_requires_it() {
    let mut rig = Rig::of(&PLANT.replacen(
        "tare = \"station\"",
        "tare = \"station\"\nremainder = \"required\"",
        1,
    ));
    rig.ready();
    rig.tared("10", "L-1", "P-1", "0.412 kg");
    rig.holds("WT-1", "4.016 kg");
    rig.capture().unwrap();
    rig.verified();
    assert_eq!(rig.step(), "remainder");
    assert_eq!(rig.act(Act::Next).unwrap_err(), "station-not-now");
    rig.holds("WT-1", "6.250 kg");
    let reading = rig.reading();
    rig.act(Act::SourceLeft { reading }).unwrap();
    assert_eq!(rig.last("weighing").get("gross"), "6.250");
    rig.act(Act::Next).unwrap();
}

#[test]
fn held_overnight_another_person_finishes_it_elsewhere_and_everything_is_asked_again() {
    let mut rig = filling();
    rig.holds("WT-1", "2.412 kg");
    assert_eq!(
        rig.act(Act::Hold {
            reason: "end of shift".into()
        })
        .unwrap_err(),
        "station-not-now"
    );
    rig.part().unwrap();
    rig.verified();
    rig.act(Act::Hold {
        reason: "end of shift".into(),
    })
    .unwrap();
    rig.now += 16 * 3_600_000;
    rig.put(
        crate::flow::master::item::Kind::Orders,
        &serde_json::json!([{ "id": "O-1", "revision": 2, "product": "Cream", "lines": [
            { "line": "10", "batch": "B-1", "material": "RM-10", "target": "3.600 kg", "tolerance": "± 0.5 %", "step": "weigh" }]}]),
    );
    rig.person = "berta";
    rig.station = "D2";
    rig.panel = "P7";
    let open = Act::Open {
        order: "O-1".into(),
        line: "10".into(),
    };
    assert_eq!(
        rig.act(open.clone()).unwrap_err(),
        "station-not-now",
        "the other booth is not cleared"
    );
    rig.act(Act::Clear { answers: vec![true] }).unwrap();
    rig.act(open).unwrap();
    assert_eq!(
        rig.step(),
        "scale-check",
        "a scale that was good yesterday is asked again"
    );
    rig.check("WT-1", "0.000 kg").unwrap();
    rig.scan("L-1").unwrap();
    // The same pail goes on: it is tared with what it holds, and its cleaning is of yesterday.
    rig.next_container("P-1", "2.412 kg");
    rig.holds("WT-1", "4.012 kg");
    rig.capture().unwrap();
    assert_eq!(rig.last("weighing").get("net"), "1.600");
    rig.verified();
    rig.act(Act::Next).unwrap();
    assert_eq!(rig.last("weighing").get("sum"), "3.6");
}

#[test]
fn a_line_that_was_held_too_long_is_an_exception() {
    let mut rig = filling();
    rig.holds("WT-1", "2.412 kg");
    rig.part().unwrap();
    rig.verified();
    rig.act(Act::Hold {
        reason: "material is missing".into(),
    })
    .unwrap();
    rig.now += 73 * 3_600_000;
    rig.put(
        crate::flow::master::item::Kind::Orders,
        &serde_json::json!([{ "id": "O-1", "revision": 2, "product": "Cream", "lines": [
            { "line": "10", "batch": "B-1", "material": "RM-10", "target": "3.600 kg", "tolerance": "± 0.5 %", "step": "weigh" }]}]),
    );
    rig.act(Act::Clear {
        answers: vec![true, true],
    })
    .unwrap();
    rig.act(Act::Open {
        order: "O-1".into(),
        line: "10".into(),
    })
    .unwrap();
    assert_eq!(rig.exceptions(), ["held-too-long"]);
}

#[test]
fn an_abort_in_the_middle_keeps_what_was_done_and_is_an_exception() {
    let mut rig = filling();
    rig.holds("WT-1", "2.412 kg");
    assert_eq!(
        rig.act(Act::Abort { reason: " ".into() }).unwrap_err(),
        "reason-missing"
    );
    rig.act(Act::Abort {
        reason: "wrong order".into(),
    })
    .unwrap();
    assert_eq!(rig.last("weighing").get("net"), "2.000");
    assert_eq!(rig.exceptions(), ["weighing-aborted"]);
    assert_eq!(rig.step(), "order");
    let open = Act::Open {
        order: "O-1".into(),
        line: "10".into(),
    };
    assert_eq!(
        rig.act(open).unwrap_err(),
        "station-not-now",
        "it is not begun a second time"
    );
}

#[test]
fn a_power_cut_between_stable_and_accepted_brings_the_weight_back_as_pending() {
    let mut rig = filling();
    rig.holds("WT-1", "4.016 kg");
    rig.capture().unwrap();
    rig.power_cut();
    rig.act(Act::TakePen).unwrap();
    let view = rig.view();
    assert_eq!(view.step.word(), "verify");
    let pending = view.pending.unwrap();
    assert_eq!((pending.net.as_str(), pending.state), ("3.604", "pending"));
    rig.verified();
    rig.act(Act::Next).unwrap();
    assert_eq!(rig.last("weighing").get("state"), "complete");
}

#[test]
fn a_power_cut_while_pouring_voids_the_container_and_says_so() {
    let mut rig = filling();
    rig.holds("WT-1", "2.412 kg");
    rig.power_cut();
    assert_eq!(rig.last("weighing").get("state"), "voided");
    assert_eq!(rig.last("weighing").get("reason"), "the gateway was off");
    rig.act(Act::TakePen).unwrap();
    assert_eq!(rig.step(), "container");
}

#[test]
fn of_two_scales_the_finest_that_can_weigh_the_line_is_chosen() {
    let mut rig = Rig::new();
    rig.ready();
    rig.check("WT-2", "0.0 g").unwrap();
    rig.act(Act::Scale { scale: "WT-1".into() }).unwrap();
    // ± 0.1 % of 300 g is 0.3 g: the large scale shows grams, and has only one of them in the window.
    rig.act(Act::Open {
        order: "O-1".into(),
        line: "70".into(),
    })
    .unwrap();
    rig.scan("L-1").unwrap();
    let states: Vec<_> = rig
        .view()
        .scales
        .iter()
        .map(|scale| (scale.scale.clone(), scale.state))
        .collect();
    assert_eq!(states[1].0, "WT-2");
    rig.act(Act::Abort {
        reason: "test".into(),
    })
    .unwrap();
    rig.act(Act::Scale { scale: "WT-2".into() }).unwrap();
    rig.act(Act::Open {
        order: "O-1".into(),
        line: "10".into(),
    })
    .unwrap();
    rig.scan("L-1").unwrap();
    let view = rig.view();
    assert_eq!(
        view.scale.unwrap().scale,
        "WT-2",
        "a line in several containers may be weighed on the fine scale too"
    );
}

#[test]
fn a_scale_whose_division_leaves_no_window_is_not_offered() {
    let mut rig = Rig::of(
        &PLANT
            .replacen("0.001 kg up to 3 kg", "0.200 kg up to 3 kg", 1)
            .replacen("0.002 kg up to 8 kg", "0.500 kg up to 8 kg", 1),
    );
    rig.act(Act::Clear {
        answers: vec![true, true],
    })
    .unwrap();
    rig.check("WT-1", "5.000 kg").unwrap();
    rig.act(Act::Open {
        order: "O-1".into(),
        line: "70".into(),
    })
    .unwrap();
    rig.scan("L-1").unwrap();
    assert_eq!(rig.view().scales[0].state, "no-window");
    assert_eq!(rig.view().scale.unwrap().scale, "WT-2");
    assert_eq!(
        rig.act(Act::Scale { scale: "WT-1".into() }).unwrap_err(),
        "scale-not-offered"
    );
}

#[test]
fn the_unit_changed_on_the_scale_closes_capture_and_converts_nothing() {
    let mut rig = filling();
    rig.holds("WT-1", "4016 g");
    let view = rig.view();
    assert_eq!(view.weight, None, "no number of another unit is shown");
    assert_eq!(view.state, Word::BadValue);
    rig.holds("WT-1", "4.016 kg");
    assert!(rig.capture().is_ok());
}

/// `what the scale shows, one after the other | why it is void`
#[test]
fn what_nobody_can_answer_for_voids_the_sequence() {
    for (shows, because) in [
        (
            &["3.000 kg", "0.000 kg", "0.412 kg"][..],
            "the container was taken off",
        ),
        (&["3.000 kg", "0.100 kg~"][..], "the container was taken off"),
        (&["0.412 kg", "0.405 kg"][..], "the tare has drifted"),
        (&["3.000 kg", "-0.412 kg"][..], "the container was taken off"),
    ] {
        let mut rig = filling();
        for said in shows {
            rig.holds("WT-1", said);
        }
        let voided = rig
            .ledger
            .drafts
            .iter()
            .position(|draft| draft.text("state") == Some("voided"));
        let note = super::super::note::Note::of(&rig.ledger.drafts[voided.expect("nothing was voided")], 0);
        assert_eq!(note.get("reason"), because, "{shows:?}");
        let filled = shows[0].starts_with('3');
        assert_eq!(
            rig.exceptions().contains(&"weighing-voided".to_owned()),
            filled,
            "{shows:?}"
        );
        assert_eq!(rig.view().state, Word::Voided);
    }
}

#[test]
fn taking_some_out_is_no_reason_to_void() {
    let mut rig = filling();
    for said in ["3.000 kg", "4.300 kg", "4.100 kg~", "4.020 kg"] {
        rig.holds("WT-1", said);
    }
    assert!(rig.capture().is_ok());
}

#[test]
fn a_silence_in_which_the_weight_changed_voids_and_one_in_which_it_did_not_does_not() {
    for (after, void) in [("3.000 kg", false), ("3.400 kg", true)] {
        let mut rig = filling();
        rig.holds("WT-1", "3.000 kg");
        rig.now += 9_000;
        rig.holds("WT-1", after);
        assert_eq!(rig.story().contains(&"voided".to_owned()), void, "{after}");
    }
}

#[test]
fn a_printer_without_paper_holds_up_nobody_but_the_label() {
    let mut rig = filling();
    rig.holds("WT-1", "4.016 kg");
    rig.capture().unwrap();
    rig.with("jonas", Act::Verify).unwrap();
    let about = rig.last("label").int("about").unwrap();
    rig.event(Event::Printed {
        station: "D1".into(),
        about,
        failed: Some("the printer has no paper".into()),
    })
    .unwrap();
    let view = rig.view();
    assert_eq!(view.state, Word::NoLabel);
    let label = view.label.unwrap();
    assert_eq!(
        (label.state, label.because.as_str()),
        ("no-label", "the printer has no paper")
    );
    rig.act(Act::Label {
        reason: String::new(),
    })
    .unwrap();
    rig.labelled();
    assert_eq!(
        rig.act(Act::Label {
            reason: String::new()
        })
        .unwrap_err(),
        "reason-missing",
        "another print has a reason"
    );
    rig.act(Act::Label {
        reason: "torn".into(),
    })
    .unwrap();
    assert_eq!(rig.last("label").get("number"), "3");
    assert_eq!(rig.last("label").get("reason"), "torn");
}

#[test]
fn the_label_of_another_container_is_no_proof() {
    let mut rig = filling();
    rig.holds("WT-1", "2.412 kg");
    rig.part().unwrap();
    rig.verified();
    let first = rig.label();
    rig.next_container("P-2", "0.500 kg");
    rig.holds("WT-1", "2.100 kg");
    rig.capture().unwrap();
    rig.with("jonas", Act::Verify).unwrap();
    assert_eq!(rig.scan(&first).unwrap_err(), "label-differs");
    assert_eq!(rig.scan("hello").unwrap_err(), "scan-ambiguous");
    rig.labelled();
}

#[test]
fn a_tare_the_scale_takes_itself_is_read_back_with_the_capture() {
    let device = PLANT
        .replacen("tare = \"station\"", "tare = \"device\"", 1)
        .replace("point = \"WT-1.weight\"", "point = \"WT-1.weight\"\ngross = \"WT-2.weight\"")
        .replacen("[[station.D1.scale]]\npoint = \"WT-2.weight\"\ndivisions = [\"0.1 g up to 600 g\"]\nleast = \"5 g\"\n", "", 1);
    let mut rig = Rig::of(&device);
    rig.ready();
    rig.act(Act::Open {
        order: "O-1".into(),
        line: "10".into(),
    })
    .unwrap();
    rig.scan("L-1").unwrap();
    rig.scan("P-1").unwrap();
    rig.holds("WT-1", "0.412 kg");
    assert_eq!(rig.tare().unwrap_err(), "station-not-now", "tare was not pressed");
    rig.shows("WT-2", "0.412 kg");
    rig.holds("WT-1", "0.000 kg");
    rig.tare().unwrap();
    assert_eq!(
        (rig.last("weighing").get("tare"), rig.last("weighing").get("how")),
        ("0.412", "device")
    );
    rig.shows("WT-2", "4.016 kg");
    rig.holds("WT-1", "3.604 kg");
    rig.capture().unwrap();
    let captured = rig.last("weighing");
    assert_eq!(
        (
            captured.get("net"),
            captured.get("gross"),
            captured.get("computed_by")
        ),
        ("3.604", "4.016", "device")
    );
}
