//! Seeded days: whatever people press in whatever order, what stands in the entries is all there is to know, and no
//! weight counts that the rules do not allow.

use super::{
    super::{Act, Desk},
    rig::Rig,
};
use record::Line;

struct Dice(u64);

impl Dice {
    fn of(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn press(rig: &mut Rig, dice: &mut Dice) {
    let codes = [
        "O-1/10",
        "O-1/20",
        "O-1/30",
        "O-1/60",
        "L-1",
        "L-2",
        "L-20",
        "L-21",
        "L-30",
        "L-60",
        "P-1",
        "P-2",
        "P-3",
        "P-4",
        "CW-5",
        "STEELYARD:TARE",
        "STEELYARD:CAPTURE",
        "STEELYARD:PART",
        "STEELYARD:NEXT",
    ];
    let weights = [
        "0.000 kg", "0.100 kg", "0.412 kg", "0.500 kg", "2.412 kg", "4.016 kg", "4.100 kg", "4.300 kg",
        "5.000 kg", "0.712 kg", "0.400 kg", "2.000 kg", "1.700 kg",
    ];
    rig.person = ["anna", "anna", "anna", "berta", "tomas"][dice.of(5) as usize];
    let reading = rig.view().weight.map_or(1, |weight| weight.reading);
    let reason = || "because".to_owned();
    match dice.of(24) {
        0 => drop(rig.act(Act::Clear {
            answers: vec![true, true],
        })),
        1 => drop(rig.check("WT-1", if dice.of(6) == 0 { "5.010 kg" } else { "5.000 kg" })),
        2..=9 => drop(rig.scan(codes[dice.of(codes.len() as u64) as usize])),
        10..=14 => rig.holds("WT-1", weights[dice.of(weights.len() as u64) as usize]),
        15 => drop(rig.act(Act::Tare { reading })),
        16 => drop(rig.act(Act::Capture {
            reading,
            part: dice.of(2) == 0,
        })),
        17 => {
            let who = ["anna", "jonas", "tomas"][dice.of(3) as usize];
            drop(rig.with(who, Act::Verify));
        }
        18 => drop(rig.with(
            "tomas",
            Act::Keep {
                reading,
                reason: reason(),
            },
        )),
        19 => {
            if rig.step() == "label" {
                let code = rig.label();
                drop(rig.scan(&code));
            }
        }
        20 => drop(rig.act(Act::HandOver)),
        21 => drop(rig.act(Act::Reject { reason: reason() })),
        22 => match dice.of(4) {
            0 => drop(rig.act(Act::Hold { reason: reason() })),
            1 => drop(rig.act(Act::Next)),
            2 => drop(rig.act(Act::SourceEmpty)),
            _ => drop(rig.act(Act::TareKnown)),
        },
        _ => rig.now += dice.of(4_000) as i64,
    }
}

/// What somebody presses who knows what comes next.
fn go_on(rig: &mut Rig, dice: &mut Dice) {
    if let Some(key) = &rig.desk.booths["D1"].key {
        rig.person = match rig.desk.works[key].by.0.as_str() {
            "berta" => "berta",
            "tomas" => "tomas",
            _ => "anna",
        };
    }
    let line = rig.desk.booths["D1"]
        .key
        .clone()
        .map_or_else(String::new, |key| key.1);
    let pick = |dice: &mut Dice, of: &[&'static str]| of[dice.of(of.len() as u64) as usize];
    match rig.step().as_str() {
        "clearance" => drop(rig.act(Act::Clear {
            answers: vec![true, true],
        })),
        "scale-check" => {
            rig.person = "tomas";
            drop(rig.check("WT-1", "5.000 kg"));
        }
        "order" => drop(rig.scan(pick(dice, &["O-1/10", "O-1/20", "O-1/30", "O-1/60"]))),
        "source" => {
            let lot = match line.as_str() {
                "20" => pick(dice, &["L-20", "L-21"]),
                "30" => "L-30",
                "60" => "L-60",
                _ => pick(dice, &["L-1", "L-2"]),
            };
            drop(rig.scan(lot));
        }
        "container" => drop(rig.scan(pick(dice, &["P-1", "P-2"]))),
        "tare" => {
            drop(rig.act(Act::Scale { scale: "WT-1".into() }));
            rig.holds("WT-1", if line == "30" { "2.000 kg" } else { "0.412 kg" });
            drop(rig.scan("STEELYARD:TARE"));
        }
        "fill" => {
            let shows = match line.as_str() {
                "30" => "1.700 kg",
                "20" => "0.726 kg",
                "60" => "0.712 kg",
                _ => pick(dice, &["2.412 kg", "4.016 kg", "4.100 kg"]),
            };
            rig.holds("WT-1", shows);
            drop(rig.scan(pick(
                dice,
                &["STEELYARD:CAPTURE", "STEELYARD:CAPTURE", "STEELYARD:PART"],
            )));
        }
        "verify" => drop(rig.with("jonas", Act::Verify)),
        "label" => {
            let code = rig.label();
            drop(rig.scan(&code));
        }
        _ => drop(rig.act(Act::Next)),
    }
}

#[test]
fn after_any_day_the_entries_alone_say_where_every_line_stands() {
    let mut captures = 0;
    for seed in 0..40 {
        let (mut rig, mut dice) = (Rig::new(), Dice(seed));
        for step in 0..250 {
            if dice.of(4) == 0 {
                press(&mut rig, &mut dice);
            } else {
                go_on(&mut rig, &mut dice);
            }
            if step % 50 != 49 {
                continue;
            }
            let mut again = Desk::new(&rig.plant);
            for (at, draft) in rig.ledger.drafts.iter().enumerate() {
                let mut bytes = Vec::new();
                draft.write(at as u64 + 1, [0; 16], &mut bytes).unwrap();
                again.recall(&Line::read(&bytes).unwrap());
            }
            assert_eq!(again.stands(), rig.desk.stands(), "seed {seed}, step {step}");
        }
        captures += rig.story().iter().filter(|state| *state == "captured").count();
        holds(&rig, seed);
    }
    assert!(
        captures > 40,
        "only {captures} weights were captured: the days are too idle to prove anything"
    );
}

/// What must hold of every day, whoever pressed what.
fn holds(rig: &Rig, seed: u64) {
    for work in rig.desk.works.values() {
        for part in &work.parts {
            assert_ne!(
                part.by, part.verified_by,
                "seed {seed}: one person weighed and verified"
            );
            let number = |text: &str| text.parse::<f64>().unwrap();
            let net = part.net.amount.as_str();
            if part.verdict == "within" {
                let inside = number(&part.low)..=number(&part.high);
                assert!(inside.contains(&number(net)), "seed {seed}: {net} in {inside:?}");
            }
            assert!(number(net) >= 0.1, "seed {seed}: {net} is below the least weight");
        }
    }
    // Every capture stands between a tare of the same container and nothing that voided it.
    let mut tared: Option<String> = None;
    for draft in rig
        .ledger
        .drafts
        .iter()
        .filter(|draft| draft.kind() == "weighing")
    {
        let note = super::super::note::Note::of(draft, 0);
        match note.get("state") {
            "tared" => tared = Some(note.get("container").to_owned()),
            "voided" | "container" => tared = None,
            "rejected" if !note.has("about") => tared = None,
            "captured" => assert_eq!(
                tared.take().as_deref(),
                Some(note.get("container")),
                "seed {seed}"
            ),
            _ => {}
        }
    }
}
