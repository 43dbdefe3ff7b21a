//! What may be weighed: material, lot, content, container.

use super::{super::Act, rig::Rig};
use crate::flow::station::view::Word;

fn opened(line: &str) -> Rig {
    let mut rig = Rig::new();
    rig.ready();
    rig.act(Act::Open {
        order: "O-1".into(),
        line: line.into(),
    })
    .unwrap();
    rig
}

/// `code | what is said to it`
#[test]
fn only_the_right_released_lot_is_taken_and_every_scan_is_kept() {
    for (code, said) in [
        ("L-1", "ok"),
        ("]d2240RM-10\u{1d}10L-1\u{1d}17280331", "ok"),
        ("]d2240RM-99\u{1d}10L-1", "wrong-material"),
        ("L-30", "wrong-material"),
        ("L-OLD", "lot-not-allowed"),
        ("L-QUA", "lot-not-allowed"),
        ("L-NOBODY", "lot-not-allowed"),
        ("]d2240RM-10\u{1d}10L-1\u{1d}17290331", "lot-not-allowed"),
        ("]d210L-117280331", "scan-ambiguous"),
        ("]d20109521234543214", "scan-ambiguous"),
        ("]d221S-1", "scan-not-understood"),
    ] {
        let mut rig = opened("10");
        let answer = rig.scan(code);
        assert_eq!(
            answer.as_ref().map_or_else(String::as_str, |_| "ok"),
            said,
            "{code:?}"
        );
        if said != "ok" {
            let kept = rig.last("weighing");
            assert_eq!((kept.get("state"), kept.get("scan")), ("refused", code));
            assert_eq!(rig.step(), "source");
        }
        if said == "wrong-material" {
            assert_eq!(rig.view().state, Word::WrongMaterial);
        }
    }
}

#[test]
fn an_expired_lot_is_used_only_with_a_reason_and_an_authorised_second_person() {
    let mut rig = opened("10");
    let over = |reason: &str| Act::Override {
        code: "L-OLD".into(),
        reason: reason.into(),
    };
    assert_eq!(rig.with("tomas", over("")).unwrap_err(), "reason-missing");
    assert_eq!(rig.with("jonas", over("retested")).unwrap_err(), "not-allowed");
    rig.with("tomas", over("retested, certificate R-9")).unwrap();
    assert_eq!(rig.exceptions(), ["master-overridden"]);
    assert_eq!(rig.step(), "container");
    // Another material stays another material.
    let mut rig = opened("10");
    let other = Act::Override {
        code: "L-30".into(),
        reason: "it looks alike".into(),
    };
    assert_eq!(rig.with("tomas", other).unwrap_err(), "wrong-material");
}

#[test]
fn a_target_grows_with_what_a_lot_lacks_and_its_formula_is_kept() {
    let mut rig = opened("20");
    rig.scan("L-20").unwrap();
    let source = {
        let at = rig
            .ledger
            .drafts
            .iter()
            .rposition(|draft| draft.text("state") == Some("source"))
            .unwrap();
        super::super::note::Note::of(&rig.ledger.drafts[at], 0)
    };
    // 0.300 kg × 100 % / (98 % × (1 − 2 %)) = 0.31237 kg
    for (name, expected) in [
        ("nominal", "0.300 kg"),
        ("target", "0.312 kg"),
        ("formula", "assay-dried"),
        ("claim", "100.0 %"),
        ("assay", "98.0 %"),
        ("loss_on_drying", "2.0 %"),
    ] {
        assert_eq!(source.get(name), expected, "{name}");
    }
    let mut rig = opened("20");
    assert_eq!(
        rig.scan("L-22").unwrap_err(),
        "lot-not-allowed",
        "a lot without assay has no target"
    );
}

#[test]
fn a_second_lot_brings_only_the_content_that_the_first_one_left_open() {
    let mut rig = opened("20");
    rig.scan("L-20").unwrap();
    rig.next_container("P-3", "0.100 kg");
    rig.holds("WT-1", "0.256 kg");
    rig.part().unwrap();
    rig.verified();
    rig.act(Act::SourceEmpty).unwrap();
    rig.scan("L-21").unwrap();
    // 0.156 kg of the first lot brought 0.14982 kg; 0.15018 kg are left, of a lot of 90 %: 0.16687 kg.
    assert_eq!(rig.view().target.unwrap().target, "0.323");
    rig.next_container("P-4", "0.100 kg");
    assert_eq!(rig.view().target.unwrap().left, "0.167");
}

/// `container | what is said to it`
#[test]
fn a_container_is_known_clean_and_empty() {
    for (container, said) in [
        ("P-1", "ok"),
        ("P-2", "ok"),
        ("P-DIRTY", "container-not-allowed"),
        ("P-FULL", "container-not-allowed"),
        ("P-NOBODY", "container-not-allowed"),
    ] {
        let mut rig = opened("10");
        rig.scan("L-1").unwrap();
        let answer = rig.scan(container);
        assert_eq!(
            answer.as_ref().map_or_else(String::as_str, |_| "ok"),
            said,
            "{container}"
        );
    }
}

#[test]
fn a_container_that_weighs_otherwise_than_it_is_known_is_another_container() {
    for (tare, said) in [
        ("0.412 kg", "ok"),
        ("0.430 kg", "ok"),
        ("0.450 kg", "tare-implausible"),
        ("0.000 kg", "tare-implausible"),
    ] {
        let mut rig = opened("10");
        rig.scan("L-1").unwrap();
        rig.scan("P-1").unwrap();
        rig.holds("WT-1", tare);
        let answer = rig.tare();
        assert_eq!(
            answer.as_ref().map_or_else(String::as_str, |_| "ok"),
            said,
            "{tare}"
        );
    }
}

#[test]
fn a_tare_that_was_not_weighed_is_marked_and_an_exception() {
    let mut rig = opened("10");
    rig.scan("L-1").unwrap();
    rig.scan("P-1").unwrap();
    rig.act(Act::TareKnown).unwrap();
    assert_eq!(rig.exceptions(), ["tare-known"]);
    rig.holds("WT-1", "4.016 kg");
    rig.capture().unwrap();
    let mut rig = opened("10");
    rig.scan("L-1").unwrap();
    rig.scan("P-2").unwrap();
    assert_eq!(
        rig.act(Act::TareKnown).unwrap_err(),
        "container-not-allowed",
        "nobody knows what it weighs"
    );
}

#[test]
fn one_container_never_takes_two_materials_of_an_order() {
    let mut rig = opened("10");
    rig.scan("L-1").unwrap();
    rig.next_container("P-1", "0.412 kg");
    rig.holds("WT-1", "4.016 kg");
    rig.capture().unwrap();
    rig.verified();
    rig.act(Act::Next).unwrap();
    rig.act(Act::Open {
        order: "O-1".into(),
        line: "60".into(),
    })
    .unwrap();
    rig.scan("L-60").unwrap();
    assert_eq!(rig.scan("P-1").unwrap_err(), "container-not-allowed");
    assert_eq!(
        rig.scan("L-61").unwrap_err(),
        "container-not-allowed",
        "a lot is no container"
    );
}
