//! A dispensing station in every state a panel shows: what its screens are tried on, and looked at.

use steelyard::flow::station::view::{
    BarView, CaptureView, CheckView, Closed, ContainerView, LabelView, LineView, LotView, MaterialView,
    OrderView, PartView, PersonView, RecordWord, RefusedView, ScaleView, StationView, Step, TargetView,
    WeightView, Word,
};

/// The names of all states.
pub(crate) const ALL: &[&str] = &[
    "signin",
    "clearance",
    "order",
    "scan",
    "wrong",
    "expired",
    "container",
    "tare",
    "filling",
    "near",
    "ready",
    "over",
    "verify",
    "captured",
    "nolabel",
    "complete",
    "overdue",
    "check",
    "failed",
    "offline",
    "print",
    "voided",
    "held",
    "training",
    "pouring",
    "arming",
    "wide",
];

const MINUTE: i64 = 60_000;

/// A station of that state, so many milliseconds after its beginning.
pub(crate) fn at(name: &str, ms: i64) -> StationView {
    let now = record::Stamp::read("2026-11-20T07:25:37.000Z").unwrap().0 + ms;
    let mut view = filling(now);
    match name {
        "signin" => {
            view.step = Step::SignIn;
            (view.operator, view.order, view.pen) = (None, None, None);
            (view.lines, view.can) = (vec![], vec![]);
        }
        "clearance" => {
            view.step = Step::Clearance;
            view.order = None;
            view.lines = vec![];
            view.clearance = vec![
                "No material of the batch before is in the booth.".into(),
                "The booth and its scoops are clean, the label says until when.".into(),
                "No documents and labels of another batch lie here.".into(),
                "Booth pressure and humidity are within their limits.".into(),
            ];
            view.can = vec!["clear", "problem", "hand-over"];
        }
        "order" => {
            waiting(&mut view, Step::Order, Closed::FirstOrder);
            (view.order, view.material, view.target) = (None, None, None);
            view.lines = vec![];
        }
        "scan" => waiting(&mut view, Step::Source, Closed::FirstLot),
        "wrong" | "expired" => {
            waiting(&mut view, Step::Source, Closed::FirstLot);
            view.state = Word::WrongMaterial;
            view.refused = Some(if name == "wrong" { wrong(now) } else { expired(now) });
        }
        "container" => waiting(&mut view, Step::Container, Closed::FirstContainer),
        "tare" => tare(&mut view),
        "filling" => {}
        "near" => weigh(&mut view, "3.566", "-0.034", "0.016", 3_426),
        "ready" | "training" | "held" | "arming" => {
            ready(&mut view);
            if name == "held" {
                view.record = RecordWord::HeldHere;
            }
            if name == "arming" && ms / 1500 % 2 == 0 {
                weigh(&mut view, "3.604", "0.004", "", 5_185);
                view.capture = closed(Closed::WaitsForStill);
                view.state = Word::Moving;
            }
        }
        "over" => over(&mut view),
        "verify" => verify(&mut view, now),
        "captured" | "nolabel" | "complete" => captured(&mut view, now, name),
        "overdue" | "failed" => overdue(&mut view, now, name == "failed"),
        "check" => check(&mut view),
        "offline" => silent(&mut view, Word::NoAnswer, Closed::NeedsLiveScale),
        "print" => silent(&mut view, Word::WaitingForPrint, Closed::NeedsPrint),
        "voided" => {
            view.state = Word::Voided;
            view.capture = closed(Closed::Voided {
                because: "the scale was tared at its own key".into(),
            });
        }
        "pouring" => pouring(&mut view, ms),
        "wide" => wide(&mut view),
        other => panic!("no state is called {other}"),
    }
    view
}

fn closed(why: Closed) -> CaptureView {
    CaptureView {
        open: false,
        reading: None,
        closed: Some(why),
    }
}

fn filling(now: i64) -> StationView {
    let titles = [
        ("Glycerin", "4.800 kg", "done"),
        ("Cetearyl alcohol", "3.600 kg", "current"),
        ("Caprylic triglyceride", "5.400 kg", "open"),
        ("Shea butter", "2.400 kg", "open"),
        ("Glyceryl stearate", "1.800 kg", "open"),
        ("Preservative", "0.480 kg", "open"),
    ];
    let lines = titles
        .iter()
        .enumerate()
        .map(|(at, (title, target, state))| LineView {
            line: (at + 1).to_string(),
            title: (*title).into(),
            target: (*target).into(),
            state,
        })
        .collect();
    StationView {
        station: "D1".into(),
        title: "Dispensing booth 1".into(),
        unit: "D1".into(),
        usage: "production".into(),
        now,
        zone: "Europe/Berlin".into(),
        step: Step::Fill,
        state: Word::Under,
        pen: Some("P1".into()),
        operator: Some(PersonView {
            id: "akeller".into(),
            name: "Anna Keller".into(),
        }),
        order: Some(OrderView {
            order: "PO-7731".into(),
            product: "Hand cream 50 ml".into(),
            batch: "B-2611-042".into(),
            at: 2,
            of: 6,
        }),
        lines,
        material: Some(MaterialView {
            code: "RM-1043".into(),
            title: "Cetearyl alcohol".into(),
        }),
        lot: Some(LotView {
            lot: "L-88213".into(),
            status: "released".into(),
            expires: "2028-03-31".into(),
            ..LotView::default()
        }),
        container: Some(ContainerView {
            container: "P-0417".into(),
            title: "Pail".into(),
            tare: "0.412 kg".into(),
            how: "weighed",
            clean_until: "19:00".into(),
        }),
        target: Some(TargetView {
            unit: "kg".into(),
            target: "3.600".into(),
            nominal: "3.600".into(),
            formula: "as-is".into(),
            tolerance: "± 0.5 %".into(),
            low: "3.582".into(),
            high: "3.618".into(),
            sum: String::new(),
            left: "3.600".into(),
        }),
        weight: Some(WeightView {
            text: "2.870".into(),
            unit: "kg".into(),
            reading: 118,
            age_ms: 80,
            delta: "-0.730".into(),
            outside: "0.712".into(),
            gross: "3.282".into(),
            tare: "0.412".into(),
            computed_by: "station",
            ..WeightView::default()
        }),
        bar: Some(BarView {
            zoomed: false,
            at: 7_247,
            slot_from: 9_005,
            slot_to: 9_176,
            target: 9_091,
            marks: vec![(0, "0".into()), (4_545, "1.800".into()), (9_091, "3.600".into())],
            unit: "kg".into(),
        }),
        capture: closed(Closed::OpensBetween {
            low: "3.582".into(),
            high: "3.618".into(),
            unit: "kg".into(),
        }),
        scale: Some(scale(now, "SC-D1-02", "ready")),
        scales: vec![
            scale(now, "SC-D1-02", "ready"),
            scale(now, "SC-D1-01", "no-window"),
            scale(now, "SC-D1-03", "check-overdue"),
        ],
        can: vec![
            "scan",
            "zero",
            "tare",
            "capture",
            "problem",
            "scale",
            "hold",
            "abort",
            "hand-over",
            "reject",
        ],
        ..StationView::default()
    }
}

fn scale(now: i64, name: &str, state: &'static str) -> ScaleView {
    ScaleView {
        scale: name.into(),
        title: "Bench scale".into(),
        state,
        least: "0.040".into(),
        most: "12.000".into(),
        unit: "kg".into(),
        division: "0.001".into(),
        checked: Some(now - 133 * MINUTE),
        check_due: Some(now + 1_294 * MINUTE),
        last_heard: Some(now - 80),
    }
}

fn waiting(view: &mut StationView, step: Step, why: Closed) {
    view.step = step;
    view.state = Word::Ready;
    view.capture = closed(why);
    if step != Step::Container {
        view.lot = None;
    }
    view.container = None;
    view.can = vec!["scan", "problem", "hold", "abort", "hand-over"];
}

fn wrong(now: i64) -> RefusedView {
    RefusedView {
        name: "wrong-material".into(),
        found: "L-90377, cetyl alcohol".into(),
        wanted: "cetearyl alcohol".into(),
        what: "L-90377 is cetyl alcohol".into(),
        record: "Nothing weighed. The scan is kept as refused.".into(),
        action: "scan the right bag".into(),
        at: now,
    }
}

fn expired(now: i64) -> RefusedView {
    RefusedView {
        name: "lot-not-allowed".into(),
        what: "Lot L-70112 expired on 31 Oct 2026".into(),
        record: "Nothing weighed. The scan is kept as refused.".into(),
        action: "Take another lot.".into(),
        at: now,
        ..RefusedView::default()
    }
}

fn tare(view: &mut StationView) {
    view.step = Step::Tare;
    view.state = Word::Ready;
    view.capture = closed(Closed::FirstTare);
    if let Some(container) = &mut view.container {
        container.tare.clear();
    }
    view.weight = Some(WeightView {
        text: "0.412".into(),
        unit: "kg".into(),
        reading: 90,
        stable: true,
        gross: "0.412".into(),
        computed_by: "station",
        ..WeightView::default()
    });
    view.can.push("tare-known");
}

fn weigh(view: &mut StationView, text: &str, delta: &str, outside: &str, at: i32) {
    if let Some(weight) = &mut view.weight {
        weight.text = text.into();
        weight.delta = delta.into();
        weight.outside = outside.into();
        weight.reading += 40;
    }
    view.bar = Some(BarView {
        zoomed: true,
        at,
        slot_from: 4_167,
        slot_to: 5_833,
        target: 5_000,
        marks: [
            (833, "-90"),
            (2_500, "-54"),
            (4_167, "-18"),
            (5_000, "0"),
            (5_833, "+18"),
            (7_500, "+54"),
            (9_167, "+90"),
        ]
        .iter()
        .map(|(at, text)| (*at, (*text).to_owned()))
        .collect(),
        unit: "g".into(),
    });
    view.state = Word::Near;
}

fn ready(view: &mut StationView) {
    weigh(view, "3.604", "0.004", "", 5_185);
    view.state = Word::InTolerance;
    if let Some(weight) = &mut view.weight {
        weight.stable = true;
    }
    view.capture = CaptureView {
        open: true,
        reading: view.weight.as_ref().map(|weight| weight.reading),
        closed: None,
    };
}

fn over(view: &mut StationView) {
    weigh(view, "3.631", "0.031", "0.013", 6_435);
    view.state = Word::TooMuch;
    if let Some(weight) = &mut view.weight {
        weight.stable = true;
    }
    view.capture = closed(Closed::TooMuch {
        by: "0.013".into(),
        unit: "kg".into(),
    });
    view.can.push("keep");
}

fn part(now: i64) -> PartView {
    PartView {
        entry: 14,
        container: "P-0417".into(),
        lot: "L-88213".into(),
        net: "3.604".into(),
        gross: "4.016".into(),
        tare: "0.412".into(),
        unit: "kg".into(),
        low: "3.582".into(),
        high: "3.618".into(),
        scale: "SC-D1-02".into(),
        by: "akeller".into(),
        at: now - 19_000,
        verdict: "in-tolerance",
        state: "pending",
        verification: "second_person",
        sealed: true,
        ..PartView::default()
    }
}

fn verify(view: &mut StationView, now: i64) {
    ready(view);
    view.step = Step::Verify;
    view.capture = closed(Closed::WaitsForVerify);
    view.pending = Some(part(now));
    view.can = vec!["scan", "verify", "disagree", "problem"];
}

fn captured(view: &mut StationView, now: i64, name: &str) {
    ready(view);
    view.step = Step::Label;
    view.capture = closed(Closed::NothingToWeigh);
    let mut done = part(now);
    done.state = "accepted";
    done.verified_by = "Jonas Weber".into();
    view.pending = Some(done.clone());
    view.label = Some(LabelView {
        state: "printed",
        number: 1,
        printed: Some(now - 3_000),
        because: String::new(),
    });
    view.can = vec!["scan", "label", "next", "problem"];
    if name == "nolabel" {
        view.state = Word::NoLabel;
        view.label = Some(LabelView {
            state: "no-label",
            number: 0,
            printed: None,
            because: "the printer has no paper".into(),
        });
    }
    if name == "complete" {
        view.step = Step::Complete;
        (view.pending, view.label, view.lot, view.container) = (None, None, None, None);
        view.can = vec!["scan", "problem"];
        for line in &mut view.lines {
            line.state = "done";
        }
    }
}

fn overdue(view: &mut StationView, now: i64, failed: bool) {
    view.state = if failed {
        Word::CheckFailed
    } else {
        Word::CheckOverdue
    };
    view.capture = closed(if failed {
        Closed::CheckFailed
    } else {
        Closed::CheckOverdue
    });
    let state = if failed { "check-failed" } else { "check-overdue" };
    let mut scale = scale(now, "SC-D1-02", state);
    scale.check_due = Some(now - 144 * MINUTE);
    view.scale = Some(scale);
    view.check = Some(CheckView {
        scale: "SC-D1-02".into(),
        state: if failed { "failed" } else { "overdue" },
        wants: "CW-07".into(),
        nominal: "5.000".into(),
        low: "4.998".into(),
        high: "5.002".into(),
        unit: "kg".into(),
        due: Some(now - 144 * MINUTE),
        weights: vec!["CW-07, 5.000 kg".into()],
        doubtful: if failed { vec![9, 11, 14] } else { vec![] },
    });
    view.can = vec!["scan", "check-begin", "scale", "problem"];
}

fn check(view: &mut StationView) {
    view.step = Step::ScaleCheck;
    view.state = Word::Ready;
    view.capture = closed(Closed::FirstCheck);
    view.check = Some(CheckView {
        scale: "SC-D1-02".into(),
        state: "running",
        wants: "CW-07".into(),
        nominal: "5.000".into(),
        low: "4.998".into(),
        high: "5.002".into(),
        unit: "kg".into(),
        weights: vec!["CW-07".into()],
        ..CheckView::default()
    });
    view.weight = Some(WeightView {
        text: "5.000".into(),
        unit: "kg".into(),
        reading: 31,
        stable: true,
        ..WeightView::default()
    });
    view.can = vec!["scan", "check-take", "problem"];
}

fn silent(view: &mut StationView, state: Word, why: Closed) {
    view.state = state;
    view.weight = None;
    view.bar = None;
    view.capture = closed(why);
    if let Some(scale) = &mut view.scale {
        scale.state = if state == Word::NoAnswer {
            "no-answer"
        } else {
            "ready"
        };
        scale.last_heard = Some(view.now - 9_400);
    }
    view.can = vec!["scan", "scale", "problem", "hold"];
}

/// Pours from nothing to a little over the target and begins again, ten times a second.
fn pouring(view: &mut StationView, ms: i64) {
    let at = ms.rem_euclid(20_000);
    let grams = match at {
        0..12_000 => at * 3_450 / 12_000,
        12_000..16_000 => 3_450 + (at - 12_000) * 154 / 4_000,
        _ => 3_604,
    };
    let text = format!("{}.{:03}", grams / 1000, grams % 1000);
    let off = grams - 3_600;
    let delta = format!("{}0.{:03}", if off < 0 { "-" } else { "" }, off.abs() % 1000);
    let delta = if off <= -1000 {
        format!("-{}.{:03}", off.abs() / 1000, off.abs() % 1000)
    } else {
        delta
    };
    let still = at > 16_800;
    if off.abs() < 180 {
        let place = 5_000 + i32::try_from(off * 5_000 / 108).unwrap();
        weigh(
            view,
            &text,
            &delta,
            if off < -18 { &delta[1..] } else { "" },
            place.clamp(0, 10_000),
        );
    } else if let Some(weight) = &mut view.weight {
        weight.text = text;
        weight.outside = delta[1..].into();
        weight.delta = delta;
        if let Some(bar) = &mut view.bar {
            bar.at = i32::try_from(grams * 10_000 / 3_960).unwrap();
        }
    }
    if let Some(weight) = &mut view.weight {
        weight.reading = u64::try_from(ms / 100).unwrap_or_default();
        weight.stable = still;
    }
    if off.abs() <= 18 {
        view.state = if still { Word::InTolerance } else { Word::Moving };
        view.capture = if still {
            CaptureView {
                open: true,
                reading: view.weight.as_ref().map(|weight| weight.reading),
                closed: None,
            }
        } else {
            closed(Closed::WaitsForStill)
        };
    }
}

/// Long names and long numbers, split over containers, adjusted for potency.
fn wide(view: &mut StationView) {
    view.material = Some(MaterialView {
        code: "RM-20431-EP-MICRONISED".into(),
        title: "Magnesium aluminometasilicate, spray-dried".into(),
    });
    for line in &mut view.lines {
        line.title = format!("{}, spray-dried and micronised", line.title);
    }
    if let Some(order) = &mut view.order {
        order.product = "Hand cream with urea 10 % and evening primrose oil 50 ml".into();
        (order.at, order.of) = (12, 24);
    }
    if let Some(weight) = &mut view.weight {
        weight.text = "-1234.56".into();
        weight.unit = "g".into();
        weight.delta = "-1238.16".into();
    }
    if let Some(target) = &mut view.target {
        *target = TargetView {
            unit: "g".into(),
            target: "12345.60".into(),
            nominal: "12000.00".into(),
            formula: "assay-dried".into(),
            tolerance: "± 0.5 %".into(),
            low: "12283.88".into(),
            high: "12407.32".into(),
            sum: "10123.40".into(),
            left: "2222.20".into(),
        };
    }
    view.parts = vec![part(view.now), part(view.now)];
    if let Some(lot) = &mut view.lot {
        lot.assay = "98.7 %".into();
    }
}
