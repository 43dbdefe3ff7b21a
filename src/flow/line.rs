//! The whole line as one state machine: readings, silence and context in; entries, replies and what the
//! screens show out. It binds every reading to the step that was active when it was true, judges it, and
//! decides what becomes an entry.
//!
//! No clock and no I/O: every event says what time it is, and entries go to whoever implements [`Enter`].
//! It never guesses: what nobody told is bound to nothing, and what could not be read is a gap.
//!
//! A reading waits for `settle` before it is entered, because context that comes this late binds as if it
//! had been in time. What context changes later still is said by `binding` entries
//! (`docs/decisions/0011-binding.md`).

pub mod again;
mod booked;
pub mod books;
pub mod by_hand;
pub mod calibration;
mod declared;
mod deep;
mod draft;
mod ending;
mod figures;
mod late;
mod memory;
mod noted;
mod person;
mod points;
mod recall;
mod recipe;
mod ruled;
mod server;
mod silence;
mod taking;
mod told;
mod unsure;
mod view;
mod watch;

use super::{
    bind::{Bound, History},
    check::Verdict,
    context::points::Watcher,
    enter::{Enter, Entered},
    link,
    rules::Finding,
};
use crate::config::{
    plant::{Authority, Equipment, Plant, PointName},
    rule::Moment,
};
use draft::Drafts;
pub use figures::Figures;
use memory::{Other, Past};
pub use noted::Noted;
pub use recipe::{Control, RecipeChange};
use record::{Answer, Draft, Failure, Hash, PublicKey, Stamp, Trouble};
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};
use watch::Watch;

/// One answer of one point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    pub point: PointName,
    pub answer: Answer,
    /// The bytes behind it.
    pub raw: Vec<u8>,
    /// When it was true.
    pub time: Stamp,
    /// When the gateway had it.
    pub read: Stamp,
    /// What a server said of a value it passed on.
    pub origin: Option<Box<link::Origin>>,
}

/// What happens to the line. Every event says when.
#[derive(Debug, Clone)]
pub enum LineEvent {
    /// A point answered; `read` is now.
    Reading(Reading),
    /// A question to a point brought nothing usable. `because` is a word of the `gap` entry
    /// (`silent`, `refused`, `garbled`, `unexpected`, `unplugged` …), `note` says more.
    Failed {
        point: PointName,
        since: Stamp,
        because: &'static str,
        note: String,
        now: Stamp,
    },
    /// Equipment, or the server it is behind, does otherwise than was agreed. `because` is a word of the
    /// `exception` entry.
    OfEquipment {
        tags: Vec<String>,
        because: &'static str,
        says: String,
        now: Stamp,
    },
    /// Values of a point were there and did not reach us, since then.
    ValuesLost {
        point: PointName,
        since: Stamp,
        note: String,
        now: Stamp,
    },
    /// A person answers for the silence of equipment (`because` is a word of the `gap` entry, and why), or it
    /// is back.
    Declared {
        tag: String,
        because: Option<(&'static str, String)>,
        since: Stamp,
        now: Stamp,
    },
    /// A context message for a unit.
    Context {
        unit: String,
        via: Authority,
        bytes: Vec<u8>,
        now: Stamp,
    },
    /// The way to the source of a unit's context is cut.
    ContextSourceSilent { unit: String, now: Stamp },
    /// The gateway entered something of its own: start, stop, clock, configuration, key, epoch.
    GatewayEntry {
        seq: u64,
        leaf: Hash,
        kind: String,
        time: Stamp,
    },
    /// The gateway was off; `because` is a word of the `gap` entry: `power-loss`, `stopped`.
    WasOff {
        from: Stamp,
        until: Stamp,
        because: &'static str,
    },
    /// Later entries about a closed batch are to be covered: it is signed, or evidence is drawn.
    CloseAgain {
        batch: String,
        because: &'static str,
        now: Stamp,
    },
    /// A person entered a value.
    ByHand(by_hand::ByHand),
    /// Another person has compared a value that was entered by hand.
    HandVerified { seq: u64, by: String, now: Stamp },
    /// A person approved a recipe's file; the signature is entered.
    RecipeApproved {
        recipe: Box<crate::config::recipe::Recipe>,
        approval: super::control::Approval,
        now: Stamp,
    },
    /// Two persons change the control recipe of a batch; [`Line::may_change`] said yes.
    RecipeChanged { change: Box<RecipeChange>, now: Stamp },
    /// Time passes. At least once a second.
    Tick { now: Stamp },
    /// The gateway stops: what is held is entered, open gaps end here.
    Stopping { now: Stamp },
}

impl LineEvent {
    /// What a link gives. No answer, a refusal and a damaged answer bring no value: they are silence, with
    /// their cause. An answer the driver does not know is kept as a bad reading, with its bytes.
    pub fn from_link(reading: link::Reading, now: Stamp) -> Self {
        let link::Reading {
            point,
            answer,
            failure,
            raw,
            time,
            asked,
            origin,
        } = reading;
        match failure {
            None | Some(Failure::Unexpected) => Self::Reading(Reading {
                point,
                answer,
                raw,
                time,
                read: now,
                origin,
            }),
            Some(failure) => {
                let note = answer.because().unwrap_or_default();
                Self::Failed {
                    point,
                    since: asked,
                    because: failure.word(),
                    note: note.to_owned(),
                    now,
                }
            }
        }
    }
}

/// What is to be done because of it.
#[derive(Debug, Clone, PartialEq)]
pub enum LineAction {
    /// To `…/context/{unit}/reply`, as JSON.
    Reply {
        unit: String,
        accepted: bool,
        text: String,
    },
    /// For log and terminal: one for each change of state, never one per question.
    Say(Trouble),
}

/// The line.
#[derive(Debug)]
pub struct Line {
    units: Vec<Unit>,
    points: Vec<Point>,
    watches: Vec<Watch>,
    index: HashMap<PointName, usize>,
    settle: i64,
    clock_may_differ: i64,
    now: Stamp,
    begun: Option<Stamp>,
    pruned: Stamp,
    own: VecDeque<Own>,
    calibrations: calibration::Calibrations,
    actions: Vec<LineAction>,
    drafts: Drafts,
    recipes: recipe::Recipes,
    book: ruled::Book,
    noted: noted::Notes,
    /// What rules found, on its way into entries; and findings that have no place yet.
    found: Vec<ruled::Found>,
    findings: Vec<Finding>,
    /// What became of the readings that are not in memory any more.
    booked: super::books::Booked,
    /// Readings recalled into another place than their entries name, until bindings said how they are judged there.
    elsewhere: recall::Elsewhere,
    /// What happened in batches besides steps.
    moments: Vec<(Arc<str>, Moment, Stamp)>,
}

/// One unit.
#[derive(Debug)]
struct Unit {
    name: String,
    title: String,
    authority: Authority,
    lease: Option<i64>,
    watches: Vec<usize>,
    history: History,
    /// Number of the last message, and the hash of its bytes where it came since the start.
    number: u64,
    digest: Option<Hash>,
    heard: Option<Stamp>,
    /// Since when the way to its source is cut.
    cut: Option<Stamp>,
    unconfirmed: bool,
    others: VecDeque<Other>,
    /// Values that a person entered.
    by_hand: VecDeque<by_hand::Hand>,
    /// Readings of points that several batches share, to be attached.
    shared: Vec<Shared>,
    tallies: Vec<Tally>,
    endings: Vec<Ending>,
    ruled: Vec<ruled::Ruled>,
    refused: Option<(&'static str, Stamp)>,
    /// What signs its messages, where they must be signed.
    key: Option<PublicKey>,
    /// The points that tell its context.
    watcher: Option<Watcher>,
    /// Since when its source is silent beyond its lease, so that readings are bound in doubt.
    doubt: Option<Stamp>,
    /// Number of the last entry its authority led to, and the batches that only persons told since; recalled.
    told: u64,
    by_person: Vec<Arc<str>>,
    /// When a message last came in time, and so showed the clock of its source.
    proven: Option<Stamp>,
    /// Since when persons tell in place of its authority, and the batches they began.
    fallback: Option<person::Fallback>,
}

/// One point of the equipment.
#[derive(Debug)]
struct Point {
    name: PointName,
    title: String,
    watches: Vec<usize>,
    past: VecDeque<Past>,
    /// Serial number of the first of `past`.
    base: u64,
    /// Serial number of the first that is still held.
    next: u64,
    /// Up to here readings were forgotten; the ledger has those that were entered.
    forgotten: Option<Stamp>,
    heard: Option<Stamp>,
    silences: VecDeque<silence::Silence>,
    /// A person answers for its silence.
    declared: Option<declared::Declared>,
    /// Since when it is expected to answer again.
    back: Option<Stamp>,
}

/// One run of a step in figures.
#[derive(Debug, Clone)]
struct Tally {
    batch: Arc<str>,
    step: Arc<str>,
    run: u32,
    captured: u64,
    gaps: u64,
    exceptions: u64,
    excursions: u64,
    /// Values entered by hand: verified, and not yet.
    by_hand: u64,
    unverified: u64,
    verdicts: [u64; 5],
    qualities: [u64; 3],
    /// Entered within the uncertainty of a boundary.
    boundary: u64,
    /// The last `verdict` entry, and whether anything came after it.
    said: Option<u64>,
    changed: bool,
}

/// A batch that is over and not yet closed, or closed.
#[derive(Debug, Clone)]
struct Ending {
    batch: Arc<str>,
    draft: Option<Draft>,
    at: Stamp,
}

/// An entry of the gateway itself.
#[derive(Debug, Clone)]
struct Own {
    seq: u64,
    leaf: Hash,
    time: Stamp,
}

/// Numbers and leaves.
type Entries = Vec<(u64, Hash)>;

/// An entry that waits to be attached because it belongs to several batches.
#[derive(Debug, Clone)]
struct Shared {
    seq: u64,
    leaf: Hash,
    place: Arc<Bound>,
    verdict: Verdict,
    since: Stamp,
}

impl Line {
    /// A line in which nothing was told and nothing was read.
    pub fn new(plant: &Plant) -> Self {
        let mut line = Self {
            units: Vec::new(),
            points: Vec::new(),
            watches: Vec::new(),
            index: HashMap::new(),
            settle: plant.gateway.settle.as_millis() as i64,
            clock_may_differ: plant.gateway.clock_may_differ_by.as_millis() as i64,
            now: Stamp(i64::MIN / 4),
            begun: None,
            pruned: Stamp(i64::MIN / 4),
            own: VecDeque::new(),
            calibrations: calibration::Calibrations::new(plant),
            actions: Vec::new(),
            drafts: Drafts::default(),
            recipes: recipe::Recipes::new(plant),
            book: ruled::Book::default(),
            noted: noted::Notes::default(),
            found: Vec::new(),
            findings: Vec::new(),
            booked: super::books::Booked::default(),
            elsewhere: recall::Elsewhere::new(),
            moments: Vec::new(),
        };
        for recipe in &plant.recipes {
            line.learn(recipe);
        }
        for (at, unit) in plant.units.iter().enumerate() {
            line.units.push(Unit::new(unit));
            for (role, point) in &unit.roles {
                line.watch(plant, at, role, point);
            }
            for capture in plant.captures.iter().filter(|capture| capture.at == unit.name) {
                if !unit
                    .roles
                    .iter()
                    .any(|(role, point)| *role == capture.role && *point == capture.point)
                {
                    line.watch(plant, at, &capture.role, &capture.point);
                }
            }
        }
        line
    }

    /// Takes one event. Entries go to `enter` in the order they are numbered.
    pub fn next(&mut self, event: LineEvent, enter: &mut dyn Enter) -> Vec<LineAction> {
        self.elsewhere.clear();
        match event {
            LineEvent::Reading(reading) => self.read(reading, enter),
            LineEvent::Failed {
                point,
                since,
                because,
                note,
                now,
            } => {
                self.time(now);
                self.failed(&point, since, because, note);
            }
            LineEvent::OfEquipment {
                tags,
                because,
                says,
                now,
            } => {
                self.time(now);
                self.of_equipment(&tags, because, &says, now, enter);
            }
            LineEvent::ValuesLost {
                point,
                since,
                note,
                now,
            } => {
                self.time(now);
                self.values_lost(&point, since, &note, now, enter);
            }
            LineEvent::Declared {
                tag,
                because,
                since,
                now,
            } => {
                self.time(now);
                self.declare(&tag, because, since);
            }
            LineEvent::Context {
                unit,
                via,
                bytes,
                now,
            } => {
                self.time(now);
                self.context(&unit, via, &bytes, enter);
            }
            LineEvent::ContextSourceSilent { unit, now } => {
                self.time(now);
                self.source_silent(&unit);
            }
            LineEvent::GatewayEntry { seq, leaf, time, .. } => self.own(seq, leaf, time),
            LineEvent::WasOff { from, until, because } => {
                self.time(until);
                self.was_off(from, until, because);
            }
            LineEvent::CloseAgain { batch, because, now } => {
                self.time(now);
                self.close_again(&batch, because, enter);
            }
            LineEvent::ByHand(hand) => {
                self.time(hand.now);
                self.by_hand(hand, enter);
            }
            LineEvent::HandVerified { seq, by, now } => {
                self.time(now);
                self.hand_verified(seq, &by, enter);
            }
            LineEvent::RecipeApproved {
                recipe,
                approval,
                now,
            } => {
                self.time(now);
                self.recipe_approved(*recipe, approval);
            }
            LineEvent::RecipeChanged { change, now } => {
                self.time(now);
                self.change_recipe(*change, enter);
            }
            LineEvent::Tick { now } => {
                self.time(now);
                self.pass(enter);
            }
            LineEvent::Stopping { now } => {
                self.time(now);
                self.stop(enter);
            }
        }
        std::mem::take(&mut self.actions)
    }

    fn time(&mut self, now: Stamp) {
        self.now = now;
        self.begun.get_or_insert(now);
    }

    /// Time passes: what was held long enough is entered, silence is noticed, steps and batches end.
    fn pass(&mut self, enter: &mut dyn Enter) {
        for point in 0..self.points.len() {
            self.release(point, false, enter);
        }
        for watch in 0..self.watches.len() {
            self.advance(watch, enter);
        }
        self.calibration_over(enter);
        self.notice_silence(enter);
        self.leases(enter);
        self.pass_rules(enter);
        self.attach_shared(false, enter);
        self.endings(false, enter);
        self.prune();
    }

    /// Nothing may stay behind in memory.
    fn stop(&mut self, enter: &mut dyn Enter) {
        for point in 0..self.points.len() {
            self.release(point, true, enter);
        }
        for watch in 0..self.watches.len() {
            self.go(watch, self.now, enter);
            self.flush(watch, enter);
            self.close_gap(watch, self.now, enter);
        }
        self.attach_shared(true, enter);
        self.endings(true, enter);
    }

    fn watch(&mut self, plant: &Plant, unit: usize, role: &str, name: &PointName) {
        let equipment = plant.equipment.get(&name.tag);
        let point = *self.index.entry(name.clone()).or_insert_with(|| {
            self.points.push(Point {
                name: name.clone(),
                title: equipment
                    .map(|equipment| equipment.title.clone())
                    .unwrap_or_default(),
                watches: Vec::new(),
                past: VecDeque::new(),
                base: 0,
                next: 0,
                forgotten: None,
                heard: None,
                silences: VecDeque::new(),
                declared: None,
                back: None,
            });
            self.points.len() - 1
        });
        let asked = plant.captures.iter().filter(|capture| {
            capture.at == self.units[unit].name && capture.role == role && capture.point == *name
        });
        let every = equipment.map_or(1_000, |equipment| equipment.every.as_millis() as i64);
        let without_step = plant.units[unit].without_step.as_millis() as i64;
        let mut watch = Watch::new(unit, point, role, asked.cloned().collect(), without_step, every);
        watch.printed = equipment.is_some_and(|equipment| is_printed(equipment, &name.measure));
        self.units[unit].watches.push(self.watches.len());
        self.points[point].watches.push(self.watches.len());
        self.watches.push(watch);
    }

    /// The unit, batch, step and run of a place, as members.
    fn placed(&self, draft: Draft, unit: usize, place: &Bound) -> Draft {
        placed(draft.with("unit", self.units[unit].name.as_str()), place)
    }
}

/// Whether a value comes only when somebody presses the print key.
fn is_printed(equipment: &Equipment, measure: &str) -> bool {
    let points = equipment.driver.points();
    points
        .iter()
        .any(|point| point.measure == measure && point.comes == driver::Comes::WhenPrinted)
}

impl Tally {
    fn count(&mut self, verdict: usize, quality: usize, captured: u64) {
        self.verdicts[verdict] += 1;
        self.qualities[quality] += 1;
        self.captured += captured;
        self.changed = true;
    }
}

impl Unit {
    fn new(unit: &crate::config::plant::Unit0) -> Self {
        Self {
            name: unit.name.clone(),
            title: unit.title.clone(),
            authority: unit.authority,
            lease: unit
                .lease
                .map(|lease| lease.as_millis() as i64)
                .or((unit.authority == Authority::Points).then_some(points::LEASE_MS)),
            watches: Vec::new(),
            history: History::default(),
            number: 0,
            digest: None,
            heard: None,
            cut: None,
            unconfirmed: false,
            others: VecDeque::new(),
            by_hand: VecDeque::new(),
            shared: Vec::new(),
            tallies: Vec::new(),
            endings: Vec::new(),
            ruled: Vec::new(),
            refused: None,
            key: unit
                .context
                .key
                .as_ref()
                .and_then(|x| PublicKey::read_x(x.as_bytes())),
            watcher: unit.context.points.as_ref().map(Watcher::new),
            doubt: None,
            told: 0,
            by_person: Vec::new(),
            proven: None,
            fallback: None,
        }
    }

    /// Where the figures of a run stand; they begin when it is first asked for.
    fn tally(&mut self, batch: &Arc<str>, step: &Arc<str>, run: u32) -> usize {
        let found = self
            .tallies
            .iter()
            .position(|tally| tally.batch == *batch && tally.step == *step && tally.run == run);
        found.unwrap_or_else(|| {
            self.tallies.push(Tally {
                batch: batch.clone(),
                step: step.clone(),
                run,
                captured: 0,
                gaps: 0,
                exceptions: 0,
                excursions: 0,
                by_hand: 0,
                unverified: 0,
                verdicts: [0; 5],
                qualities: [0; 3],
                boundary: 0,
                said: None,
                changed: false,
            });
            self.tallies.len() - 1
        })
    }

    /// Counts something in every run of a place.
    fn count(&mut self, place: &Bound, add: impl Fn(&mut Tally)) {
        let Some(batch) = place.batch.clone() else { return };
        for (step, run) in &place.runs {
            let at = self.tally(&batch, step, *run);
            self.tallies[at].changed = true;
            add(&mut self.tallies[at]);
        }
    }
}

/// Batch, step and run of a place, as members.
fn placed(draft: Draft, place: &Bound) -> Draft {
    let Some(batch) = &place.batch else { return draft };
    let draft = draft.with("batch", &**batch).with("step", place.step.as_str());
    match place.run() {
        Some(run) => draft.with("run", run),
        None => draft,
    }
}
