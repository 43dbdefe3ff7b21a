//! The world of these tests.

use super::super::{Act, Action, Around, Asked, Desk, Event, How, StationView, note::Note};
use crate::{
    config::{
        self, Source,
        plant::{Plant, PointName},
    },
    flow::{
        enter::{Enter, Entered},
        line::Reading,
        local,
        master::{item::Kind, known::Store, look::Asking, message},
        people::Person,
    },
};
use record::{Answer, Draft, Hash, Quantity, Stamp, Value};
use serde_json::json;

pub(super) const PLANT: &str = r#"
format = 1
[gateway]
name = "line-3"
plant = "Essen"
zone = "Europe/Berlin"
ledger = "/tmp/line-3.ledger"
[record_store]
broker = "mqtts://ebr.essen.example:8883"
key = "/tmp/store.jwk"
[equipment.WT-1]
title = "Large scale"
driver = "mt-sics-balance"
edition = 4
tcp = "10.0.0.1:4001"
every = "100 ms"
[equipment.WT-2]
title = "Fine scale"
driver = "mt-sics-balance"
edition = 4
tcp = "10.0.0.2:4001"
every = "100 ms"
[unit.Booth]
kind = "booth"
roles = { net-weight = "WT-1.weight", fine-weight = "WT-2.weight" }
[unit.Booth2]
kind = "booth-2"
roles = { net-weight = "WT-2.weight" }
[station.D1]
unit = "Booth"
tare = "station"
clearance = ["empty?", "clean?"]
[[station.D1.scale]]
point = "WT-1.weight"
divisions = ["0.001 kg up to 3 kg", "0.002 kg up to 8 kg"]
least = "0.100 kg"
check_weights = ["CW-5"]
[[station.D1.scale]]
point = "WT-2.weight"
divisions = ["0.1 g up to 600 g"]
least = "5 g"
[station.D2]
unit = "Booth2"
tare = "station"
clearance = ["empty?"]
[[station.D2.scale]]
point = "WT-1.weight"
divisions = ["0.001 kg up to 3 kg", "0.002 kg up to 8 kg"]
least = "0.100 kg"
"#;

const RECIPE: &str = r#"
format = 1
recipe = "cream"
product = "Cream"
revision = "1"
kind = "booth"
size = "10.0 kg"
[[step]]
id = "weigh"
title = "Weigh"
[[step.capture]]
what = "net-weight"
every = "change"
[[step.dispense]]
line = "20"
material = "RM-20"
title = "Panthenol"
target = "0.300 kg"
tolerance = "± 2 %"
basis = "assay-dried"
claim = "100.0 %"
verification = "second_person"
several_lots = true
several_containers = true
[[step.dispense]]
line = "30"
material = "RM-30"
title = "Perfume"
target = "0.300 kg"
tolerance = "± 2 %"
method = "by-difference"
verification = "automated"
[[step.dispense]]
line = "40"
material = "RM-40"
title = "Drum of oil"
target = "25.000 kg"
tolerance = "± 1 %"
method = "full-container"
verification = "second_person"
[[step.dispense]]
line = "50"
material = "RM-50"
title = "Sachets"
target = "12 pcs"
tolerance = "± 1 pcs"
method = "count"
verification = "automated"
[[step.dispense]]
line = "60"
material = "RM-60"
title = "Colour"
target = "0.300 kg"
tolerance = "± 1 %"
verification = "second_person"
"#;

/// Gives numbers and keeps what was entered.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) drafts: Vec<Draft>,
}

impl Enter for Ledger {
    fn enter(&mut self, draft: Draft) -> Entered {
        self.drafts.push(draft);
        Entered {
            seq: self.drafts.len() as u64,
            leaf: Hash::of(b"leaf"),
        }
    }

    fn close(&mut self, draft: Draft, _batch: &str) -> Entered {
        self.enter(draft)
    }
}

pub(super) struct Rig {
    pub(super) plant: Plant,
    pub(super) desk: Desk,
    pub(super) master: Store,
    pub(super) ledger: Ledger,
    pub(super) now: i64,
    pub(super) actions: Vec<Action>,
    pub(super) capturing: bool,
    pub(super) calibration: Option<&'static str>,
    pub(super) person: &'static str,
    pub(super) station: &'static str,
    pub(super) panel: &'static str,
    pub(super) second: Option<&'static str>,
}

fn person(id: &str) -> Person {
    let roles: &[&str] = match id {
        "jonas" => &["verifier"],
        "tomas" => &["supervisor", "verifier"],
        _ => &["operator"],
    };
    Person {
        id: id.into(),
        name: id.to_uppercase(),
        roles: roles.iter().map(|role| (*role).into()).collect(),
    }
}

pub(super) fn plant_of(text: &str) -> Plant {
    let source = Source {
        name: "steelyard.toml".into(),
        text: text.into(),
        drivers: Vec::new(),
        recipes: vec![("cream.toml".into(), RECIPE.into())],
    };
    config::read(source.clone()).unwrap_or_else(|complaints| {
        let said: Vec<String> = complaints
            .iter()
            .map(|complaint| source.render(complaint))
            .collect();
        panic!("{}", said.join("\n"))
    })
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::of(PLANT)
    }

    pub(super) fn of(text: &str) -> Self {
        let plant = plant_of(text);
        let mut rig = Self {
            desk: Desk::new(&plant),
            plant,
            master: Store::default(),
            ledger: Ledger::default(),
            now: Stamp::read("2026-11-20T08:00:00.000Z").unwrap().0,
            actions: Vec::new(),
            capturing: true,
            calibration: None,
            person: "anna",
            station: "D1",
            panel: "P1",
            second: None,
        };
        let line = |line: &str, material: &str, target: &str, tolerance: &str| json!({ "line": line, "batch": "B-1", "material": material, "target": target, "tolerance": tolerance, "step": "weigh" });
        rig.put(
            Kind::Orders,
            &json!([{ "id": "O-1", "revision": 1, "product": "Cream", "lines": [
                line("10", "RM-10", "3.600 kg", "± 0.5 %"), line("20", "RM-20", "0.300 kg", "± 2 %"),
                line("30", "RM-30", "0.300 kg", "± 2 %"), line("40", "RM-40", "25.000 kg", "± 1 %"),
                line("50", "RM-50", "12 pcs", "± 1 pcs"), line("60", "RM-60", "0.300 kg", "± 1 %"),
                line("70", "RM-10", "0.300 kg", "± 0.1 %"),
            ]}, { "id": "O-2", "revision": 1, "product": "Cream", "lines": [
                { "line": "10", "batch": "B-2", "material": "RM-10", "target": "3.600 kg", "tolerance": "± 0.5 %" } ]}]),
        );
        let lot = |id: &str, material: &str, more: serde_json::Value| {
            let mut lot = json!({ "id": id, "revision": 1, "material": material, "status": "released", "expires": "2028-03-31" });
            for (name, value) in more.as_object().unwrap() {
                lot[name] = value.clone();
            }
            lot
        };
        rig.put(
            Kind::Lots,
            &json!([
                lot("L-1", "RM-10", json!({})),
                lot("L-2", "RM-10", json!({})),
                lot("L-OLD", "RM-10", json!({ "expires": "2026-10-31" })),
                lot("L-QUA", "RM-10", json!({ "status": "quarantine" })),
                lot(
                    "L-20",
                    "RM-20",
                    json!({ "assay": "98.0 %", "loss_on_drying": "2.0 %" })
                ),
                lot(
                    "L-21",
                    "RM-20",
                    json!({ "assay": "90.0 %", "loss_on_drying": "0.0 %" })
                ),
                lot("L-22", "RM-20", json!({})),
                lot("L-30", "RM-30", json!({})),
                lot("L-40", "RM-40", json!({})),
                lot("L-50", "RM-50", json!({})),
                lot("L-60", "RM-60", json!({})),
                lot("L-61", "RM-60", json!({})),
            ]),
        );
        rig.put(
            Kind::Containers,
            &json!([
                { "id": "P-1", "revision": 1, "title": "Pail", "tare": "0.412 kg", "clean_until": "2026-11-21" },
                { "id": "P-2", "revision": 1, "title": "Pail", "clean_until": "2026-11-22" },
                { "id": "P-3", "revision": 1, "title": "Jar", "tare": "100.0 g", "clean_until": "2026-11-22" },
                { "id": "P-4", "revision": 1, "title": "Jar", "tare": "100.0 g", "clean_until": "2026-11-22" },
                { "id": "P-DIRTY", "revision": 1, "tare": "0.412 kg", "clean_until": "2026-11-01" },
                { "id": "P-FULL", "revision": 1, "tare": "0.412 kg", "clean_until": "2026-11-22", "holds_material": "RM-9", "holds_lot": "L-9" },
            ]),
        );
        rig.put(
            Kind::CheckWeights,
            &json!([
                { "id": "CW-5", "revision": 1, "nominal": "5.000 kg", "may_differ_by": "0.002 kg", "certificate": "C-1", "due": "2027-01-31" },
                { "id": "CW-OLD", "revision": 1, "nominal": "5.000 kg", "may_differ_by": "0.002 kg", "certificate": "C-2", "due": "2026-01-31" },
            ]),
        );
        rig
    }

    pub(super) fn put(&mut self, kind: Kind, items: &serde_json::Value) {
        let text =
            json!({ "source": "mes", "sent": Stamp(self.now).to_string(), "whole": false, "items": items });
        let message = message::read(kind, text.to_string().as_bytes()).unwrap();
        let (after, outcome) = self.master.take(&message, Stamp(self.now));
        assert_eq!(outcome.refused().collect::<Vec<_>>(), []);
        self.master = after;
    }

    fn around<R>(&mut self, work: impl FnOnce(&mut Desk, &Around<'_>, &mut Ledger) -> R) -> R {
        let zone = local::zone("Europe/Berlin");
        let now = Stamp(self.now);
        let mark = self.calibration;
        let around = Around {
            now,
            at_ms: self.now,
            master: &self.master,
            asking: Asking {
                now,
                zone: &zone,
                ages: &self.plant.master,
            },
            recipes: &self.plant.recipes,
            calibration: &|_| mark,
            capturing: self.capturing,
            usage: self.plant.gateway.usage,
            zone: "Europe/Berlin",
        };
        work(&mut self.desk, &around, &mut self.ledger)
    }

    pub(super) fn event(&mut self, event: Event) -> Result<String, String> {
        let done = self.around(|desk, around, ledger| desk.next(event, around, ledger));
        match done {
            Ok(done) => {
                self.actions.extend(done.actions);
                Ok(done.text)
            }
            Err(refusal) => Err(refusal.trouble.name.to_owned()),
        }
    }

    /// One reading: `1.234 kg`, `1.234 kg~` while it moves, `!overload`.
    pub(super) fn shows(&mut self, tag: &str, said: &str) {
        let (said, moving) = said.strip_suffix('~').map_or((said, false), |said| (said, true));
        let answer = match (said.strip_prefix('!'), moving) {
            (Some(because), _) => Answer::Bad(because.into()),
            (None, true) => Answer::Uncertain(
                Value::Quantity(Quantity::read(said).unwrap()),
                "not settled".into(),
            ),
            (None, false) => Answer::Good(Value::Quantity(Quantity::read(said).unwrap())),
        };
        let reading = Reading {
            point: PointName {
                tag: tag.into(),
                measure: "weight".into(),
            },
            answer,
            raw: said.as_bytes().to_vec(),
            time: Stamp(self.now),
            read: Stamp(self.now),
            origin: None,
        };
        self.event(Event::Reading(reading)).unwrap();
    }

    /// The same for a second: still.
    pub(super) fn holds(&mut self, tag: &str, said: &str) {
        for _ in 0..10 {
            self.now += 100;
            self.shows(tag, said);
        }
    }

    pub(super) fn act(&mut self, act: Act) -> Result<String, String> {
        self.now += 40;
        let event = Event::Act(Box::new(Asked {
            station: self.station.into(),
            panel: self.panel.into(),
            by: person(self.person),
            signed: true,
            second: self.second.take().map(person),
            act,
        }));
        self.event(event)
    }

    pub(super) fn with(&mut self, second: &'static str, act: Act) -> Result<String, String> {
        self.second = Some(second);
        self.act(act)
    }

    pub(super) fn scan(&mut self, code: &str) -> Result<String, String> {
        self.act(Act::Scan {
            code: code.into(),
            how: How::Scanned,
        })
    }

    pub(super) fn view(&mut self) -> StationView {
        let station = self.station;
        self.around(|desk, around, _| desk.view(station, around))
    }

    pub(super) fn step(&mut self) -> String {
        self.view().step.word().to_owned()
    }

    pub(super) fn reading(&mut self) -> u64 {
        let view = self.view();
        let weight = view.weight.expect("no weight is shown");
        weight.reading
    }

    pub(super) fn capture(&mut self) -> Result<String, String> {
        let reading = self.reading();
        self.act(Act::Capture { reading, part: false })
    }

    pub(super) fn part(&mut self) -> Result<String, String> {
        let reading = self.reading();
        self.act(Act::Capture { reading, part: true })
    }

    pub(super) fn tare(&mut self) -> Result<String, String> {
        let reading = self.reading();
        self.act(Act::Tare { reading })
    }

    /// Cleared, both scales checked.
    pub(super) fn ready(&mut self) {
        let questions = self.desk.booths[self.station].station.clearance.len();
        self.act(Act::Clear {
            answers: vec![true; questions],
        })
        .unwrap();
        self.check("WT-1", "5.000 kg").unwrap();
    }

    pub(super) fn check(&mut self, tag: &str, shows: &str) -> Result<String, String> {
        self.act(Act::CheckBegin { scale: tag.into() })?;
        let unit = shows.split(' ').nth(1).unwrap().to_owned();
        self.holds(tag, &format!("0 {unit}"));
        let reading = self.reading();
        let done = self.act(Act::CheckTake { reading })?;
        if !done.contains("scan a check weight") {
            return Ok(done);
        }
        self.scan("CW-5")?;
        self.holds(tag, shows);
        let reading = self.reading();
        self.act(Act::CheckTake { reading })
    }

    /// Up to an empty, tared container.
    pub(super) fn tared(&mut self, line: &str, lot: &str, container: &str, tare: &str) {
        self.act(Act::Open {
            order: "O-1".into(),
            line: line.into(),
        })
        .unwrap();
        self.scan(lot).unwrap();
        self.next_container(container, tare);
    }

    pub(super) fn next_container(&mut self, container: &str, tare: &str) {
        self.scan(container).unwrap();
        let tag = self.view().scale.unwrap().scale;
        self.holds(&tag, tare);
        self.tare().unwrap();
    }

    /// Verified by the second person, labelled, scanned back.
    pub(super) fn verified(&mut self) {
        self.with("jonas", Act::Verify).unwrap();
        self.labelled();
    }

    pub(super) fn labelled(&mut self) {
        let code = self.label();
        let about = self.last("label").int("about").unwrap();
        let station = self.station.into();
        self.event(Event::Printed {
            station,
            about,
            failed: None,
        })
        .unwrap();
        self.scan(&code).unwrap();
    }

    /// What the last label carries, as a scanner sends it.
    pub(super) fn label(&self) -> String {
        let job = self.actions.iter().rev().find_map(|action| match action {
            Action::Print(job) => Some(job),
            Action::Command { .. } => None,
        });
        format!("]d2{}", job.expect("no label was sent").label.code.carried())
    }

    /// The last entry of a kind.
    pub(super) fn last(&self, kind: &str) -> Note {
        let at = self.ledger.drafts.iter().rposition(|draft| draft.kind() == kind);
        let at = at.unwrap_or_else(|| panic!("no {kind} was entered"));
        Note::of(&self.ledger.drafts[at], at as u64 + 1)
    }

    /// States of all weighing entries, in order.
    pub(super) fn story(&self) -> Vec<String> {
        let all = self
            .ledger
            .drafts
            .iter()
            .filter(|draft| draft.kind() == "weighing");
        all.map(|draft| draft.text("state").unwrap_or_default().to_owned())
            .collect()
    }

    pub(super) fn exceptions(&self) -> Vec<String> {
        let all = self
            .ledger
            .drafts
            .iter()
            .filter(|draft| draft.kind() == "exception");
        all.map(|draft| draft.text("because").unwrap_or_default().to_owned())
            .collect()
    }

    /// The power fails and comes back: only what was entered is left.
    pub(super) fn power_cut(&mut self) {
        let mut desk = Desk::new(&self.plant);
        for (at, draft) in self.ledger.drafts.iter().enumerate() {
            let mut bytes = Vec::new();
            draft.write(at as u64 + 1, [0; 16], &mut bytes).unwrap();
            desk.recall(&record::Line::read(&bytes).unwrap());
        }
        self.desk = desk;
        self.now += 60_000;
        self.event(Event::Started).unwrap();
    }
}
