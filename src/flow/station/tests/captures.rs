//! From the first scan to a line that is complete, and every reason why Capture stays closed.

use super::{super::Act, rig::Rig};
use crate::flow::station::view::{Closed, Word};

/// In front of a scale that carries an empty, tared pail.
fn filling() -> Rig {
    let mut rig = Rig::new();
    rig.ready();
    rig.tared("10", "L-1", "P-1", "0.412 kg");
    rig
}

#[test]
fn a_line_goes_from_the_first_scan_to_its_end_by_scanner_alone() {
    let mut rig = Rig::new();
    let mut steps = vec![rig.step()];
    rig.act(Act::Clear {
        answers: vec![true, true],
    })
    .unwrap();
    steps.push(rig.step());
    rig.check("WT-1", "5.001 kg").unwrap();
    steps.push(rig.step());
    for (code, shows) in [
        ("O-1/10", "0.000 kg"),
        ("LOT", "0.000 kg"),
        ("P-1", "0.412 kg"),
        ("STEELYARD:TARE", "4.016 kg"),
        ("STEELYARD:CAPTURE", "4.016 kg"),
    ] {
        let code = if code == "LOT" {
            "]d2240RM-10\u{1d}10L-1\u{1d}17280331"
        } else {
            code
        };
        rig.scan(code).unwrap_or_else(|name| panic!("{code}: {name}"));
        steps.push(rig.step());
        rig.holds("WT-1", shows);
    }
    rig.with("jonas", Act::Verify).unwrap();
    steps.push(rig.step());
    rig.labelled();
    steps.push(rig.step());
    rig.scan("STEELYARD:NEXT").unwrap();
    steps.push(rig.step());
    assert_eq!(
        steps,
        [
            "sign-in",
            "scale-check",
            "order",
            "source",
            "container",
            "tare",
            "fill",
            "verify",
            "label",
            "complete",
            "order"
        ]
    );
    assert_eq!(
        rig.story(),
        [
            "begun",
            "source",
            "container",
            "tared",
            "captured",
            "accepted",
            "complete"
        ]
    );
    let captured = {
        let at = rig
            .ledger
            .drafts
            .iter()
            .position(|draft| draft.text("state") == Some("captured"))
            .unwrap();
        super::super::note::Note::of(&rig.ledger.drafts[at], 0)
    };
    for (name, expected) in [
        ("batch", "B-1"),
        ("step", "weigh"),
        ("verdict", "within"),
        ("net", "3.604"),
        ("gross", "4.016"),
        ("tare", "0.412"),
        ("in", "kg"),
        ("low", "3.582"),
        ("high", "3.618"),
        ("division", "0.002"),
        ("least", "0.1"),
        ("computed_by", "station"),
        ("stability", "flag"),
        ("lot", "L-1"),
        ("container", "P-1"),
        ("value", "4.016"),
        ("by", "anna"),
    ] {
        assert_eq!(captured.get(name), expected, "{name}");
    }
    assert_eq!(rig.last("weighing").get("sum"), "3.604");
    assert_eq!(rig.exceptions(), Vec::<String>::new());
}

/// `what the scale shows | the word on the screen | why Capture is closed | what the server says to a capture all the same`
#[test]
fn capture_opens_only_in_tolerance_and_still_and_says_why_not() {
    let table = [
        ("2.000 kg", "Under", "OpensBetween", "too-little"),
        ("3.900 kg", "Near", "OpensBetween", "too-little"),
        ("3.992 kg", "Near", "OpensBetween", "too-little"),
        ("3.994 kg", "InTolerance", "open", "ok"),
        ("4.030 kg", "InTolerance", "open", "ok"),
        ("4.032 kg", "TooMuch", "TooMuch", "too-much"),
        ("4.016 kg~", "Moving", "WaitsForStill", "weight-moving"),
        ("8.500 kg", "TooMuch", "OutOfRange", "scale-overloaded"),
        ("4016 g", "BadValue", "WrongUnit", "scale-in-other-unit"),
        ("!overload", "BadValue", "BadValue", "weight-bad"),
    ];
    for (shows, word, closed, server) in table {
        let mut rig = filling();
        rig.holds("WT-1", shows);
        let view = rig.view();
        assert_eq!(format!("{:?}", view.state), word, "{shows}");
        let said = view
            .capture
            .closed
            .as_ref()
            .map_or("open".into(), |why| format!("{why:?}"));
        assert!(said.starts_with(closed), "{shows}: {said}");
        assert_eq!(view.capture.open, closed == "open", "{shows}");
        // A screen that is wrong, or a hand that is quicker: the number of the last reading, whatever it was.
        let last = rig.desk.booths["D1"].live().last().unwrap().number;
        let said = rig.act(Act::Capture {
            reading: last,
            part: false,
        });
        assert_eq!(
            said.as_ref().map_or_else(String::as_str, |_| "ok"),
            server,
            "{shows}"
        );
        if server != "ok" {
            assert_eq!(rig.last("weighing").get("state"), "refused", "every try is kept");
            assert_eq!(rig.last("weighing").get("because"), server);
        }
    }
}

#[test]
fn a_weight_that_is_old_or_superseded_is_refused_by_the_server() {
    let mut rig = filling();
    rig.holds("WT-1", "4.016 kg");
    let reading = rig.reading();
    rig.now += 1001;
    assert_eq!(rig.view().weight, None, "an old number is never shown");
    assert_eq!(rig.view().state, Word::Stale);
    assert_eq!(
        rig.act(Act::Capture { reading, part: false }).unwrap_err(),
        "reading-too-old"
    );
    rig.holds("WT-1", "4.016 kg");
    let reading = rig.reading();
    rig.now += 50;
    rig.shows("WT-1", "4.018 kg");
    assert_eq!(
        rig.act(Act::Capture { reading, part: false }).unwrap_err(),
        "reading-superseded"
    );
    rig.holds("WT-1", "4.018 kg");
    assert!(rig.capture().is_ok());
}

#[test]
fn a_scale_that_does_not_answer_shows_no_number_at_all() {
    let mut rig = filling();
    rig.holds("WT-1", "4.016 kg");
    let point = rig.plant.stations[0].scales[0].point.clone();
    rig.event(super::super::Event::Silent { point }).unwrap();
    let view = rig.view();
    assert_eq!((view.weight, view.state), (None, Word::NoAnswer));
    assert_eq!(view.capture.closed, Some(Closed::NeedsLiveScale));
}

#[test]
fn nothing_is_captured_while_the_gateway_captures_nothing_or_the_calibration_is_over() {
    let mut rig = filling();
    rig.holds("WT-1", "4.016 kg");
    rig.capturing = false;
    assert_eq!(rig.view().capture.closed, Some(Closed::CaptureStopped));
    assert_eq!(rig.capture().unwrap_err(), "capture-stopped");
    rig.capturing = true;
    rig.calibration = Some("calibration-over");
    assert_eq!(rig.view().capture.closed, Some(Closed::CalibrationOver));
    assert_eq!(rig.capture().unwrap_err(), "scale-not-calibrated");
    rig.calibration = None;
    rig.holds("WT-1", "4.016 kg");
    assert!(rig.capture().is_ok());
}

#[test]
fn less_than_the_scale_may_weigh_is_not_captured_however_right_it_is() {
    let mut rig = Rig::new();
    rig.ready();
    rig.tared("60", "L-60", "P-1", "0.412 kg");
    rig.holds("WT-1", "0.482 kg");
    assert_eq!(rig.part().unwrap_err(), "below-minimum-weight");
}

#[test]
fn the_person_who_captured_cannot_verify_however_often_they_sign() {
    let mut rig = filling();
    rig.holds("WT-1", "4.016 kg");
    rig.capture().unwrap();
    assert_eq!(rig.act(Act::Verify).unwrap_err(), "second-person-missing");
    assert_eq!(rig.with("anna", Act::Verify).unwrap_err(), "same-person");
    assert_eq!(rig.view().state, Word::SamePerson);
    // Neither can they after somebody else has taken over.
    rig.person = "berta";
    assert_eq!(
        rig.with("jonas", Act::Verify).unwrap_err(),
        "station-other-person"
    );
    rig.act(Act::HandOver).unwrap();
    assert_eq!(rig.with("anna", Act::Verify).unwrap_err(), "same-person");
    assert_eq!(
        rig.with("berta", Act::Verify).unwrap_err(),
        "same-person",
        "nor who asks"
    );
    rig.with("jonas", Act::Verify).unwrap();
    let accepted = rig.story().iter().filter(|state| *state == "accepted").count();
    assert_eq!(accepted, 1);
}

#[test]
fn a_second_person_who_does_not_agree_rejects_the_weight() {
    let mut rig = filling();
    rig.holds("WT-1", "4.016 kg");
    rig.capture().unwrap();
    rig.with(
        "jonas",
        Act::Disagree {
            reason: "another bag".into(),
        },
    )
    .unwrap();
    assert_eq!(rig.step(), "container");
    assert_eq!(rig.last("weighing").get("verified_by"), "jonas");
    assert_eq!(rig.view().parts[0].state, "rejected", "it stays visible");
}

#[test]
fn too_much_is_taken_out_and_the_waste_is_recorded() {
    let mut rig = filling();
    rig.holds("WT-1", "4.044 kg");
    assert_eq!(
        rig.view().capture.closed,
        Some(Closed::TooMuch {
            by: "0.014".into(),
            unit: "kg".into()
        })
    );
    rig.holds("WT-1", "4.020 kg");
    rig.capture().unwrap();
    assert_eq!(rig.last("weighing").get("waste"), "0.024");
}

#[test]
fn too_much_is_kept_only_with_a_reason_and_by_another_person_who_may() {
    let mut rig = filling();
    rig.holds("WT-1", "4.044 kg");
    let reading = rig.reading();
    let keep = |reason: &str| Act::Keep {
        reading,
        reason: reason.into(),
    };
    assert_eq!(rig.with("tomas", keep(" ")).unwrap_err(), "reason-missing");
    assert_eq!(
        rig.act(keep("scoop slipped")).unwrap_err(),
        "second-person-missing"
    );
    assert_eq!(
        rig.with("jonas", keep("scoop slipped")).unwrap_err(),
        "not-allowed"
    );
    rig.with("tomas", keep("scoop slipped")).unwrap();
    assert_eq!(rig.exceptions(), ["weighing-kept"]);
    let accepted = rig.last("weighing");
    assert_eq!(
        (accepted.get("state"), accepted.get("verified_by")),
        ("accepted", "tomas")
    );
    rig.labelled();
    assert_eq!(rig.step(), "complete");
    rig.act(Act::Next).unwrap();
    assert_eq!(rig.last("weighing").get("verdict"), "above");
}

#[test]
fn a_rejected_container_begins_again_and_stays_in_the_record() {
    let mut rig = filling();
    rig.holds("WT-1", "3.000 kg");
    assert_eq!(
        rig.act(Act::Reject {
            reason: String::new()
        })
        .unwrap_err(),
        "reason-missing"
    );
    rig.act(Act::Reject {
        reason: "spilt".into(),
    })
    .unwrap();
    assert_eq!(rig.last("weighing").get("waste"), "2.588");
    rig.next_container("P-2", "0.500 kg");
    rig.holds("WT-1", "4.100 kg");
    rig.capture().unwrap();
}

#[test]
fn another_panel_only_looks_until_it_takes_the_pen() {
    let mut rig = filling();
    rig.holds("WT-1", "4.016 kg");
    rig.panel = "P2";
    assert_eq!(rig.capture().unwrap_err(), "station-other-panel");
    rig.act(Act::TakePen).unwrap();
    rig.holds("WT-1", "4.016 kg");
    rig.capture().unwrap();
}
