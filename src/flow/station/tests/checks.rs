//! Line clearance and the check of a scale.

use super::{super::Act, rig::Rig};
use crate::flow::station::view::{Closed, Word};

#[test]
fn a_booth_is_clear_when_every_question_was_answered_with_yes() {
    let mut rig = Rig::new();
    for answers in [vec![true], vec![true, false], vec![true, true, true]] {
        assert_eq!(rig.act(Act::Clear { answers }).unwrap_err(), "station-not-now");
    }
    rig.act(Act::Clear {
        answers: vec![true, true],
    })
    .unwrap();
    assert_eq!(rig.last("clearance").get("by"), "anna");
    rig.now += 13 * 3_600_000;
    assert_eq!(rig.step(), "clearance", "it lasts twelve hours");
}

#[test]
fn a_clearance_holds_for_one_batch() {
    let mut rig = Rig::new();
    rig.ready();
    rig.act(Act::Open {
        order: "O-1".into(),
        line: "10".into(),
    })
    .unwrap();
    rig.act(Act::Abort {
        reason: "test".into(),
    })
    .unwrap();
    rig.act(Act::Open {
        order: "O-1".into(),
        line: "60".into(),
    })
    .unwrap();
    rig.act(Act::Abort {
        reason: "test".into(),
    })
    .unwrap();
    let other = Act::Open {
        order: "O-2".into(),
        line: "10".into(),
    };
    assert_eq!(rig.act(other.clone()).unwrap_err(), "station-not-now");
    rig.act(Act::Clear {
        answers: vec![true, true],
    })
    .unwrap();
    rig.act(other).unwrap();
}

/// `the check weight shows | what becomes of it`
#[test]
fn a_check_weight_is_right_within_its_certificate_a_limit_included() {
    for (shows, good) in [
        ("4.997 kg", false),
        ("4.998 kg", true),
        ("5.002 kg", true),
        ("5.003 kg", false),
    ] {
        let mut rig = Rig::new();
        rig.act(Act::Clear {
            answers: vec![true, true],
        })
        .unwrap();
        assert_eq!(rig.check("WT-1", shows).is_ok(), good, "{shows}");
        let state = if good { "passed" } else { "failed" };
        assert_eq!(rig.last("scale-check").get("state"), state, "{shows}");
    }
}

#[test]
fn an_empty_scale_that_shows_something_is_cleaned_before_anything_else() {
    let mut rig = Rig::new();
    rig.act(Act::Clear {
        answers: vec![true, true],
    })
    .unwrap();
    rig.act(Act::CheckBegin { scale: "WT-1".into() }).unwrap();
    rig.holds("WT-1", "0.004 kg");
    let reading = rig.reading();
    assert_eq!(
        rig.act(Act::CheckTake { reading }).unwrap_err(),
        "station-not-now"
    );
    assert_eq!(
        rig.last("scale-check").get("verdict"),
        "above",
        "that it did is kept"
    );
    assert_eq!(
        rig.scan("CW-5").unwrap_err(),
        "station-not-now",
        "the zero comes first"
    );
}

#[test]
fn a_check_weight_of_another_scale_or_without_certificate_checks_nothing() {
    let mut rig = Rig::new();
    rig.act(Act::Clear {
        answers: vec![true, true],
    })
    .unwrap();
    rig.act(Act::CheckBegin { scale: "WT-1".into() }).unwrap();
    rig.holds("WT-1", "0.000 kg");
    let reading = rig.reading();
    rig.act(Act::CheckTake { reading }).unwrap();
    assert_eq!(rig.scan("CW-OLD").unwrap_err(), "scan-not-understood");
    let mut old = Rig::of(&super::rig::PLANT.replace("CW-5", "CW-OLD"));
    old.act(Act::Clear {
        answers: vec![true, true],
    })
    .unwrap();
    old.act(Act::CheckBegin { scale: "WT-1".into() }).unwrap();
    old.holds("WT-1", "0.000 kg");
    let reading = old.reading();
    old.act(Act::CheckTake { reading }).unwrap();
    assert_eq!(old.scan("CW-OLD").unwrap_err(), "station-master");
}

#[test]
fn a_later_failed_check_lists_the_weights_since_the_last_good_one_and_closes_the_scale() {
    let mut rig = Rig::new();
    rig.ready();
    rig.tared("10", "L-1", "P-1", "0.412 kg");
    rig.holds("WT-1", "2.412 kg");
    rig.part().unwrap();
    let weight = rig.ledger.drafts.len();
    rig.verified();
    rig.now += 25 * 3_600_000;
    rig.act(Act::Clear {
        answers: vec![true, true],
    })
    .unwrap();
    assert_eq!(rig.view().state, Word::CheckOverdue);
    assert_eq!(rig.view().capture.closed, Some(Closed::CheckOverdue));
    assert_eq!(rig.check("WT-1", "5.010 kg").unwrap_err(), "scale-check-failed");
    assert_eq!(rig.exceptions(), ["scale-check-failed"]);
    assert_eq!(rig.last("exception").get("found"), weight.to_string());
    let check = rig.view().check.unwrap();
    assert_eq!((check.state, check.doubtful), ("failed", vec![weight as u64]));
    assert_eq!(
        rig.check("WT-1", "5.000 kg").unwrap_err(),
        "not-allowed",
        "an operator cannot open it again"
    );
    rig.person = "tomas";
    rig.check("WT-1", "5.000 kg").unwrap();
    assert_eq!(rig.view().scales[0].state, "ready");
}

#[test]
fn without_a_check_of_today_nothing_is_captured() {
    let mut rig = Rig::new();
    rig.ready();
    rig.tared("10", "L-1", "P-1", "0.412 kg");
    rig.holds("WT-1", "4.016 kg");
    rig.now += 25 * 3_600_000;
    rig.holds("WT-1", "4.016 kg");
    let reading = rig.reading();
    let said = rig.act(Act::Capture { reading, part: false }).unwrap_err();
    assert!(
        ["scale-check-overdue", "station-not-now"].contains(&said.as_str()),
        "{said}"
    );
}
