//! Every station of a gateway. Lines belong to the desk, not to a booth, so that one that is held here goes on there.

use super::{
    Act,
    booth::Booth,
    note::Note,
    view::{StationView, Views},
    words::{self, Refusal},
    work::{Key, State, Work},
};
use crate::{
    config::{
        plant::{Plant, PointName, Use},
        recipe::Recipe,
    },
    flow::{
        enter::{Enter, Entered},
        line::Reading,
        master::{known::Store, look::Asking},
        people::Person,
    },
};
use record::{Draft, Line, Stamp};
use std::{collections::BTreeMap, sync::Arc};

/// What a station rests on at one moment.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    pub now: Stamp,
    /// By the clock that only runs forward.
    pub at_ms: i64,
    pub master: &'a Store,
    pub asking: Asking<'a>,
    pub recipes: &'a [Recipe],
    /// What speaks against the calibration of an instrument.
    pub calibration: &'a dyn Fn(&str) -> Option<&'static str>,
    /// Whether this gateway captures at present.
    pub capturing: bool,
    pub usage: Use,
    pub zone: &'a str,
}

/// Who does something, from where, and who signs with them.
#[derive(Debug, Clone)]
pub struct Asked {
    pub station: String,
    pub panel: String,
    pub by: Person,
    /// The same person has proved once more who they are.
    pub signed: bool,
    /// Another person has proved who they are.
    pub second: Option<Person>,
    pub act: Act,
}

/// What happens.
#[derive(Debug, Clone)]
pub enum Event {
    /// The gateway has started and every entry was recalled.
    Started,
    Reading(Reading),
    /// A scale does not answer any more.
    Silent {
        point: PointName,
    },
    Act(Box<Asked>),
    /// The printer has taken a label, or it has not and why.
    Printed {
        station: String,
        about: u64,
        failed: Option<String>,
    },
    Tick,
}

/// What is to be done because of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    Print(LabelJob),
    /// A command of the scale's driver: `zero`, `tare`.
    Command {
        tag: String,
        command: &'static str,
    },
}

/// One label for one printer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelJob {
    pub station: String,
    pub printer: Option<String>,
    pub about: u64,
    pub label: crate::flow::label::Label,
}

/// What was done, in words, and what is to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    pub text: String,
    pub actions: Vec<Action>,
}

impl Done {
    pub(super) fn said(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            actions: Vec::new(),
        }
    }
}

/// How a scale stands with its checks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    pub good: Option<Stamp>,
    pub failed: Option<Stamp>,
    /// Captures since the last good check, by number of their entries.
    pub since: Vec<u64>,
}

/// Every station.
#[derive(Debug, Default)]
pub struct Desk {
    pub(super) booths: BTreeMap<String, Booth>,
    pub(super) works: BTreeMap<Key, Work>,
    pub(super) checks: BTreeMap<String, Checked>,
}

/// So many finished lines are kept in mind for the screens.
const FINISHED: usize = 500;

impl Desk {
    pub fn new(plant: &Plant) -> Self {
        let booths = plant.stations.iter();
        Self {
            booths: booths
                .map(|station| (station.name.clone(), Booth::new(station)))
                .collect(),
            works: BTreeMap::new(),
            checks: BTreeMap::new(),
        }
    }

    /// A changed configuration: what stands in the entries stays.
    pub fn change(&mut self, plant: &Plant) {
        let mut fresh = Self::new(plant);
        for (name, booth) in &mut fresh.booths {
            if let Some(before) = self.booths.remove(name) {
                booth.goes_on(before);
            }
        }
        self.booths = fresh.booths;
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.booths.keys().map(String::as_str)
    }

    pub fn is_empty(&self) -> bool {
        self.booths.is_empty()
    }

    /// Whether some station looks at this point.
    pub fn watches(&self, point: &PointName) -> bool {
        self.booths.values().any(|booth| booth.scale_of(point).is_some())
    }

    /// Takes in one entry of the ledger.
    pub fn recall(&mut self, line: &Line<'_>) {
        if matches!(line.kind(), "weighing" | "scale-check" | "clearance" | "label")
            && let Some(note) = Note::read(line)
        {
            self.apply(&note);
        }
    }

    /// Every work and check as it stands, for comparing.
    #[cfg(test)]
    pub(super) fn stands(&self) -> String {
        let clear: Vec<_> = self
            .booths
            .values()
            .map(|booth| (&booth.clearance, &booth.key))
            .collect();
        format!("{:#?}\n{:#?}\n{clear:#?}", self.works, self.checks)
    }

    pub(super) fn apply(&mut self, note: &Note) {
        let station = note.get("station").to_owned();
        match note.kind.as_str() {
            "weighing" => self.apply_weighing(note, &station),
            "label" => {
                let key = (note.get("order").to_owned(), note.get("line").to_owned());
                if let Some(work) = self.works.get_mut(&key) {
                    work.label(note);
                }
            }
            "clearance" => {
                if let Some(booth) = self.booths.get_mut(&station) {
                    booth.clearance = Some((note.time, String::new()));
                }
            }
            "scale-check" => self.apply_check(note),
            _ => {}
        }
    }

    fn apply_weighing(&mut self, note: &Note, station: &str) {
        let key = (note.get("order").to_owned(), note.get("line").to_owned());
        let state = note.get("state");
        if state == "refused" || key.0.is_empty() {
            return;
        }
        if state == "begun" {
            if let Some(work) = Work::begun(note) {
                self.works.insert(key.clone(), work);
            }
        } else if let Some(work) = self.works.get_mut(&key) {
            work.apply(note);
        }
        if state == "captured" {
            let checked = self.checks.entry(note.get("point").to_owned()).or_default();
            checked.since.push(note.seq);
        }
        if let Some(booth) = self.booths.get_mut(station) {
            match state {
                "begun" | "resumed" | "handed-over" => {
                    booth.key = Some(key.clone());
                    let batch = self.works.get(&key).map(|work| work.plan.batch.clone());
                    if let (Some((_, used)), Some(batch)) = (&mut booth.clearance, batch) {
                        *used = batch;
                    }
                }
                "held" | "aborted" | "complete" if booth.key.as_ref() == Some(&key) => {
                    booth.key = None;
                    if state == "held" {
                        booth.clearance = None;
                    }
                }
                _ => {}
            }
        }
        if matches!(state, "complete" | "aborted") {
            self.forget();
        }
    }

    fn apply_check(&mut self, note: &Note) {
        let checked = self.checks.entry(note.get("point").to_owned()).or_default();
        match note.get("state") {
            "passed" => {
                *checked = Checked {
                    good: Some(note.time),
                    ..Checked::default()
                }
            }
            "failed" => checked.failed = Some(note.time),
            _ => {}
        }
    }

    /// Lines that were finished long ago are the ledger's.
    fn forget(&mut self) {
        let over = |work: &Work| matches!(work.state, State::Done | State::Aborted);
        while self.works.values().filter(|work| over(work)).count() > FINISHED {
            let oldest = self.works.iter().filter(|(_, work)| over(work));
            let Some(key) = oldest
                .min_by_key(|(_, work)| work.since)
                .map(|(key, _)| key.clone())
            else {
                return;
            };
            self.works.remove(&key);
        }
    }

    /// Enters, and changes by what was entered: never otherwise.
    pub(super) fn put(&mut self, draft: Draft, enter: &mut dyn Enter) -> u64 {
        let kept = draft.clone();
        let Entered { seq, .. } = enter.enter(draft);
        self.apply(&Note::of(&kept, seq));
        seq
    }

    /// Takes one event. What is refused changes nothing; where the try itself matters it is an entry.
    pub fn next(
        &mut self,
        event: Event,
        around: &Around<'_>,
        enter: &mut dyn Enter,
    ) -> Result<Done, Refusal> {
        match event {
            Event::Started => {
                self.started(around, enter);
                Ok(Done::default())
            }
            Event::Reading(reading) => {
                self.heard(&reading, around, enter);
                Ok(Done::default())
            }
            Event::Silent { point } => {
                for booth in self.booths.values_mut() {
                    booth.silent(&point);
                }
                Ok(Done::default())
            }
            Event::Act(asked) => self.act(*asked, around, enter),
            Event::Printed {
                station,
                about,
                failed,
            } => {
                self.printed(&station, about, failed, around, enter);
                Ok(Done::default())
            }
            Event::Tick => {
                self.pass(around);
                Ok(Done::default())
            }
        }
    }

    fn act(&mut self, asked: Asked, around: &Around<'_>, enter: &mut dyn Enter) -> Result<Done, Refusal> {
        let name = asked.station.clone();
        let Some(booth) = self.booths.get_mut(&name) else {
            return Err(words::no_such_station(&name));
        };
        match &booth.pen {
            Some((panel, _)) if *panel != asked.panel && asked.act != Act::TakePen => {
                return Err(words::other_panel(panel));
            }
            _ => booth.pen = Some((asked.panel.clone(), around.at_ms)),
        }
        booth.operator = Some((asked.by.id.clone(), asked.by.name.clone()));
        let done = self.carry_out(&asked, around, enter);
        let booth = self.booths.get_mut(&name);
        match (&done, booth) {
            (Ok(_), Some(booth)) => booth.refused = None,
            (Err(refusal), Some(booth)) => {
                booth.refused = Some((refusal.clone(), around.now));
                if refusal.kept {
                    let draft = self.refused(&asked, refusal, around);
                    self.put(draft, enter);
                }
            }
            _ => {}
        }
        done
    }

    /// What every station shows.
    pub fn views(&self, around: &Around<'_>) -> Views {
        let all = self.booths.keys();
        all.map(|name| (name.clone(), Arc::new(self.view(name, around))))
            .collect()
    }

    /// What one station shows.
    pub fn view(&self, station: &str, around: &Around<'_>) -> StationView {
        self.booths
            .get(station)
            .map(|booth| self.show(booth, around))
            .unwrap_or_default()
    }
}
