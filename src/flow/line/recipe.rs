//! Recipes in the line: a batch is given its control recipe, sealed whole before it has effect; captures and
//! limits come from it from then on. An authorised change is another one, from its time on.

use super::{Enter, Line, LineAction};
use crate::{
    config::{
        plant::{Capture, Equipment, Plant, Unit0},
        recipe::{self, Recipe},
    },
    flow::{
        bind::{Change, bind},
        context::{Message, Phase},
        control::{Approval, Asked, Chosen, Shelf, fingerprint, targets, whole},
        files::enter_file,
    },
};
use record::{Draft, Line as Entry, Quantity, Stamp, Trouble};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// What the line knows about recipes.
#[derive(Debug)]
pub(super) struct Recipes {
    pub(super) shelf: Shelf,
    production: bool,
    units: Vec<Unit0>,
    equipment: BTreeMap<String, Equipment>,
    controls: Vec<Control>,
    /// Files of batches that are being read back in parts, and those that are whole.
    parts: HashMap<String, String>,
    read_back: HashMap<String, String>,
    /// What was said of a batch already: it is offered another recipe.
    newer: Vec<(Arc<str>, String)>,
}

/// The recipe of a batch from a time on.
#[derive(Debug, Clone)]
pub struct Control {
    pub batch: Arc<str>,
    /// None where nothing is known by the name the batch was told.
    pub recipe: Option<Arc<Recipe>>,
    /// Its limits and rules count; otherwise it only says what is captured.
    pub holds: bool,
    /// `7`, or `7, change 1`.
    pub label: Arc<str>,
    /// Which change of the control recipe this is; 0 is what the batch began with.
    pub change: u32,
    pub from: Stamp,
}

/// A change of a control recipe, as two persons decided it.
#[derive(Debug, Clone)]
pub struct RecipeChange {
    pub batch: String,
    pub recipe: Recipe,
    pub from: Stamp,
    pub by: String,
    pub second: String,
    pub reason: String,
}

/// Since ever: before any reading.
const EVER: Stamp = Stamp(i64::MIN / 4);

impl Recipes {
    pub(super) fn new(plant: &Plant) -> Self {
        Self {
            shelf: Shelf::of(&plant.recipes),
            production: plant.gateway.usage == crate::config::plant::Use::Production,
            units: plant.units.clone(),
            equipment: plant.equipment.clone(),
            controls: Vec::new(),
            parts: HashMap::new(),
            read_back: HashMap::new(),
            newer: Vec::new(),
        }
    }

    fn last(&self, batch: &str) -> Option<&Control> {
        self.controls
            .iter()
            .rev()
            .find(|control| *control.batch == *batch)
    }
}

impl Line {
    /// Every recipe that is known here.
    pub fn shelf(&self) -> &Shelf {
        &self.recipes.shelf
    }

    /// The control recipe of a batch at a time. Rules that have no limits of their own ask whether it holds.
    pub fn control(&self, batch: &str, at: Stamp) -> Option<&Control> {
        let mut of = self.recipes.controls.iter().rev();
        of.find(|control| *control.batch == *batch && control.from <= at)
    }

    /// A batch that is told gets its control recipe; one that has it keeps it.
    pub(super) fn give_control(&mut self, at: usize, message: &Message, first: bool, enter: &mut dyn Enter) {
        let Some(told) = &message.batch else { return };
        let delivered = message
            .recipe_file
            .as_deref()
            .map(|text| recipe::read("recipes/delivered.toml", text));
        let understood = delivered.as_ref().and_then(|read| read.as_ref().ok());
        if let Some(known) = self.recipes.last(&told.id).cloned() {
            self.offered_another(at, &known, told, understood, enter);
            return;
        }
        if told.recipe.is_empty() && message.recipe_file.is_none() {
            return;
        }
        if self.recipes.shelf.is_empty() && message.recipe_file.is_none() {
            // a gateway that has never seen a recipe takes the limits of its configuration
            return;
        }
        let mut chosen = self.recipes.shelf.choose(Asked {
            recipe: &told.recipe,
            revision: &told.revision,
            delivered: understood,
            production: self.recipes.production,
        });
        if let Some(Err(complaints)) = &delivered {
            let first = complaints.first().map_or("", |complaint| &complaint.what);
            let says = format!(
                "the recipe that was delivered cannot be used: {} things are wrong, first: {first}",
                complaints.len()
            );
            chosen.odd.push(("recipe-not-understood", says));
        }
        let revision = chosen
            .recipe
            .as_ref()
            .map_or(told.revision.as_str(), |recipe| &recipe.revision);
        let control = Control {
            batch: told.id.clone(),
            holds: chosen.holds,
            label: revision.into(),
            change: 0,
            from: if first { EVER } else { message.sent },
            recipe: chosen.recipe.clone(),
        };
        self.seal_control(at, &control, &chosen, told, enter);
        self.raise_chosen(at, &control, chosen, told, enter);
        self.take_control(control);
    }

    /// The recipe whole, what its amounts come to, and the entry that says which it is.
    fn seal_control(
        &mut self,
        at: usize,
        control: &Control,
        chosen: &Chosen,
        told: &crate::flow::context::Batch,
        enter: &mut dyn Enter,
    ) {
        let size = Quantity::read(&told.size);
        let time = told.started;
        let draft = Draft::new("recipe", time)
            .with("unit", self.units[at].name.as_str())
            .with("batch", &*told.id)
            .with(
                "state",
                if control.holds {
                    "control"
                } else {
                    "without-limits"
                },
            )
            .with("change", control.change);
        let Some(recipe) = &control.recipe else {
            enter.enter(
                draft
                    .data("recipe", told.recipe.as_str())
                    .data("revision", told.revision.as_str()),
            );
            return;
        };
        enter_file(enter, "control.toml", &recipe.text, Some(&told.id), time);
        let sealed = targets(recipe, &told.id, size.as_ref());
        enter_file(enter, &sealed.name, &sealed.text, Some(&told.id), time);
        let draft = draft
            .data("recipe", recipe.id.as_str())
            .data("revision", recipe.revision.as_str())
            .data("file", recipe.file.as_str())
            .data("sha256", fingerprint(&recipe.text));
        let draft = match &size {
            Some(size) => draft
                .data("size", size.amount.as_str())
                .data("in", size.unit.ucum()),
            None => draft,
        };
        enter.enter(match &chosen.approval {
            Some(approval) => draft
                .data("approved_by", approval.person.as_str())
                .data("signature", approval.seq),
            None => draft,
        });
    }

    /// What a reviewer must look at because of the choice.
    fn raise_chosen(
        &mut self,
        at: usize,
        control: &Control,
        chosen: Chosen,
        told: &crate::flow::context::Batch,
        enter: &mut dyn Enter,
    ) {
        let mut odd = chosen.odd;
        if let Some(recipe) = &control.recipe {
            let lines = recipe.steps.iter().any(|step| !step.lines.is_empty());
            let scaled = Quantity::read(&told.size).is_some_and(|size| recipe.scale(&size).is_some());
            if lines && !scaled {
                let says = format!(
                    "{} is not made in the size {:?}; it has no targets",
                    recipe.id, told.size
                );
                odd.push(("recipe-size", says));
            }
            let unit = self.recipes.units.get(at);
            let missing = unit.map(|unit| recipe.roles_missing(unit)).unwrap_or_default();
            if !missing.is_empty() {
                let says = format!(
                    "{} asks for {}, which this unit does not give",
                    recipe.id,
                    missing.join(", ")
                );
                odd.push(("recipe-role-missing", says));
            }
        }
        for (because, says) in odd {
            self.odd(at, because, &says, told.started, None, enter);
        }
    }

    /// Lets a control recipe have its effect.
    fn take_control(&mut self, control: Control) {
        for unit in 0..self.units.len() {
            let history = &mut self.units[unit].history;
            history.under(&control.batch, control.from, &control.label);
        }
        for watch in 0..self.watches.len() {
            let asked = self.asked_of(watch, &control);
            self.watches[watch].under(&control.batch, &control.label, asked);
        }
        let known = |batch: &Arc<str>| {
            *batch == control.batch || self.units.iter().any(|unit| unit.history.batch(batch).is_some())
        };
        self.recipes.controls.retain(|other| known(&other.batch));
        self.recipes.newer.retain(|(batch, _)| known(batch));
        let kept: Vec<Arc<str>> = self
            .recipes
            .controls
            .iter()
            .map(|other| other.batch.clone())
            .collect();
        for watch in &mut self.watches {
            watch.forget_controls(|batch| *batch == control.batch || kept.contains(batch));
        }
        self.recipes.controls.push(control);
    }

    /// What a control recipe asks of one point in one unit. Captures of the configuration for the whole batch
    /// go on, without limits: products' limits lie in recipes alone.
    fn asked_of(&self, watch: usize, control: &Control) -> Vec<Capture> {
        let watch = &self.watches[watch];
        let recipe = control.recipe.as_ref();
        let from_recipe = recipe
            .zip(self.recipes.units.get(watch.unit))
            .map(|(recipe, unit)| {
                let point = &self.points[watch.point].name;
                let captures = recipe.captures_in(unit, &self.recipes.equipment).into_iter();
                captures.filter(move |capture| capture.role == watch.role && capture.point == *point)
            });
        let configured = watch
            .configured()
            .iter()
            .filter(|capture| !control.holds || capture.during.is_none())
            .cloned()
            .map(|capture| Capture {
                limits: None,
                ..capture
            });
        let from_recipe = from_recipe.into_iter().flatten().map(|capture| Capture {
            limits: capture.limits.filter(|_| control.holds),
            ..capture
        });
        from_recipe.chain(configured).collect()
    }

    /// A recipe that comes while a batch runs changes nothing for it; that there is another one is said once.
    fn offered_another(
        &mut self,
        at: usize,
        known: &Control,
        told: &crate::flow::context::Batch,
        delivered: Option<&Recipe>,
        enter: &mut dyn Enter,
    ) {
        let under = known.recipe.as_ref();
        let (id, revision) = under.map_or(("", ""), |recipe| (recipe.id.as_str(), recipe.revision.as_str()));
        let offered = match delivered {
            Some(recipe) if under.is_none_or(|under| under.text != recipe.text) => {
                format!("{} rev {}", recipe.id, recipe.revision)
            }
            _ if under.is_some()
                && !told.recipe.is_empty()
                && (told.recipe.as_str(), told.revision.as_str()) != (id, revision) =>
            {
                format!("{} rev {}", told.recipe, told.revision)
            }
            _ => return,
        };
        if known.change > 0 && delivered.is_some_and(|recipe| recipe.same_revision_as(id, revision)) {
            // the control recipe was changed on purpose; what was delivered at its begin is still told
            return;
        }
        let seen = (told.id.clone(), offered.clone());
        if self.recipes.newer.contains(&seen) || !known.holds && under.is_none() {
            return;
        }
        self.recipes.newer.push(seen);
        let says = format!(
            "{offered} came while {} runs under {id} rev {}; it changes nothing for it",
            told.id, known.label
        );
        self.odd(at, "recipe-newer", &says, self.now, None, enter);
    }

    /// A person approved a recipe's file: batches that begin from now on may run under it.
    pub(super) fn recipe_approved(&mut self, recipe: Recipe, approval: Approval) {
        let fingerprint = fingerprint(&recipe.text);
        let newer: Vec<String> = self
            .units
            .iter()
            .filter_map(|unit| unit.history.batches().last())
            .filter(|batch| !batch.state.is_over())
            .filter(|batch| {
                self.recipes.last(&batch.id).is_some_and(|control| {
                    let under = control.recipe.as_ref();
                    under.is_some_and(|under| under.id == recipe.id && under.text != recipe.text)
                })
            })
            .map(|batch| batch.id.to_string())
            .collect();
        let named = format!("{} rev {}", recipe.id, recipe.revision);
        self.recipes.shelf.add(recipe, false);
        self.recipes.shelf.approve(fingerprint, approval);
        for batch in newer {
            self.actions.push(LineAction::Say(
                Trouble::new("recipe-newer", format!("newer recipe: {named} is approved"))
                    .at(&batch)
                    .means(format!("{batch} goes on under the recipe it began with"))
                    .so("nothing; the next batch that names it runs under it"),
            ));
        }
    }

    /// Whether a control recipe may be changed so, and which change it will be.
    pub fn may_change(&self, change: &RecipeChange, now: Stamp) -> Result<u32, Trouble> {
        let refused = |what: String, action: &str| {
            Err(Trouble::new("recipe-change-refused", what)
                .at(&change.batch)
                .means("nothing was changed: the batch goes on under the recipe it has")
                .so(action.to_owned()))
        };
        let told = self
            .units
            .iter()
            .find_map(|unit| unit.history.batch(&change.batch));
        let Some(told) = told.filter(|batch| !batch.state.is_over()) else {
            let what = format!("no batch {} runs here", change.batch);
            return refused(what, "look at the batches that run: steelyard status");
        };
        let Some(control) = self.recipes.last(&told.id) else {
            let what = format!("{} runs without a recipe", change.batch);
            return refused(
                what,
                "a recipe holds from the begin of a batch; name it in the context of the next one",
            );
        };
        if let Some(under) = &control.recipe {
            if !under.same_revision(&change.recipe) {
                let what = format!(
                    "{} runs under {} rev {}, and this is {} rev {}",
                    change.batch, under.id, under.revision, change.recipe.id, change.recipe.revision
                );
                return refused(
                    what,
                    "change a copy of the recipe the batch runs under; another revision is for other batches",
                );
            }
            if under.text == change.recipe.text && control.holds {
                return refused(
                    "this is the recipe the batch runs under already".into(),
                    "nothing",
                );
            }
        }
        if now.ms_since(change.from) > self.settle {
            let what = format!("{} lies behind what is judged already", change.from);
            return refused(
                what,
                "leave --from out, or name a time to come: readings are judged once, by what held when they were read",
            );
        }
        if change.from < control.from {
            let what = format!("change {} counts from {}", control.change, control.from);
            return refused(what, "name a later time");
        }
        Ok(control.change + 1)
    }

    /// Enters a change and lets it have its effect; refused changes were refused before.
    pub(super) fn change_recipe(&mut self, change: RecipeChange, enter: &mut dyn Enter) {
        let Ok(number) = self.may_change(&change, self.now) else {
            return;
        };
        let at = self
            .units
            .iter()
            .position(|unit| unit.history.batch(&change.batch).is_some());
        let Some(at) = at else { return };
        let before = self
            .recipes
            .last(&change.batch)
            .and_then(|control| control.recipe.clone());
        let what = before.map_or_else(Vec::new, |before| recipe::difference(&before, &change.recipe));
        let recipe = Arc::new(change.recipe);
        let label = format!("{}, change {number}", recipe.revision);
        enter_file(enter, "control.toml", &recipe.text, Some(&change.batch), self.now);
        let size = self.units[at]
            .history
            .batch(&change.batch)
            .and_then(|batch| Quantity::read(&batch.size));
        let sealed = targets(&recipe, &change.batch, size.as_ref());
        enter_file(enter, &sealed.name, &sealed.text, Some(&change.batch), self.now);
        let draft = Draft::new("recipe", self.now)
            .with("unit", self.units[at].name.as_str())
            .with("batch", change.batch.as_str())
            .with("state", "changed")
            .with("change", number)
            .data("recipe", recipe.id.as_str())
            .data("revision", recipe.revision.as_str())
            .data("sha256", fingerprint(&recipe.text))
            .data("from", change.from)
            .data("by", change.by.as_str())
            .data("second", change.second.as_str())
            .data("reason", change.reason.as_str())
            .data("changes", what.join("; ").chars().take(8000).collect::<String>());
        enter.enter(draft);
        let says = format!("rev {label} from {}: {}", change.from, change.reason);
        self.odd(at, "recipe-changed", &says, self.now, None, enter);
        self.take_control(Control {
            batch: change.batch.as_str().into(),
            recipe: Some(recipe),
            holds: true,
            label: label.as_str().into(),
            change: number,
            from: change.from,
        });
        for watch in 0..self.watches.len() {
            self.refresh(watch);
        }
    }

    /// Against the recipe: a run that is no step of it, one that begins too early, and steps left out at the end.
    pub(super) fn against_recipe(&mut self, at: usize, change: &Change, enter: &mut dyn Enter) {
        let (found, time) = match change {
            Change::Run {
                batch,
                step,
                state: Phase::Running,
                time,
                run,
            } if *run == 1 => (self.step_odd(at, batch, step, *time), *time),
            Change::Over {
                batch,
                state: Phase::Complete,
                time,
            } => (self.steps_missing(at, batch), *time),
            _ => return,
        };
        if let Some((because, says)) = found {
            self.odd(at, because, &says, time, None, enter);
        }
    }

    fn step_odd(&self, at: usize, batch: &str, id: &str, time: Stamp) -> Option<(&'static str, String)> {
        let control = self.control(batch, time)?;
        let recipe = control.recipe.as_ref()?;
        let unit = self.recipes.units.get(at)?;
        let named = format!("{} rev {}", recipe.id, control.label);
        let Some(step) = recipe.step(id) else {
            return Some(("step-not-in-recipe", format!("{id} is no step of {named}")));
        };
        if !step.runs_in(unit) {
            let kind = step.kind.as_deref().unwrap_or_default();
            return Some((
                "step-not-in-recipe",
                format!("{id} of {named} runs in a unit of kind {kind:?}"),
            ));
        }
        // what runs at another gateway is not seen here
        let here = |other: &str| {
            recipe
                .step(other)
                .is_some_and(|other| self.recipes.units.iter().any(|unit| other.runs_in(unit)))
        };
        let done = |other: &str| {
            self.units
                .iter()
                .filter_map(|unit| unit.history.batch(batch))
                .any(|batch| {
                    batch
                        .runs
                        .iter()
                        .any(|run| *run.step == *other && run.ended.is_some_and(|ended| ended <= time))
                })
        };
        let optional = |other: &str| recipe.step(other).is_some_and(|other| other.optional);
        let before: Vec<&str> = step
            .after
            .iter()
            .map(String::as_str)
            .filter(|other| here(other) && !optional(other) && !done(other))
            .collect();
        (!before.is_empty()).then(|| {
            (
                "out-of-order",
                format!("{id} begins although {} is not done", before.join(" and ")),
            )
        })
    }

    fn steps_missing(&self, at: usize, batch: &str) -> Option<(&'static str, String)> {
        let control = self.recipes.last(batch)?;
        let recipe = control.recipe.as_ref()?;
        let unit = self.recipes.units.get(at)?;
        let ran = |id: &str| {
            let mut told = self.units.iter().filter_map(|unit| unit.history.batch(batch));
            told.any(|batch| batch.runs.iter().any(|run| *run.step == *id))
        };
        let missing: Vec<&str> = recipe
            .steps
            .iter()
            .filter(|step| !step.optional && step.runs_in(unit) && !ran(&step.id))
            .map(|step| step.id.as_str())
            .collect();
        (!missing.is_empty()).then(|| {
            (
                "step-missing",
                format!("{batch} is complete without {}", missing.join(", ")),
            )
        })
    }

    /// Files and control recipes of batches, from the ledger.
    pub(super) fn recall_recipe(&mut self, line: &Entry<'_>, time: Stamp) {
        self.recipes.shelf.recall(line);
        let Some(batch) = line.text("batch") else { return };
        if line.kind() == "file" {
            if line.text("name").as_deref() == Some("control.toml")
                && let Some(text) = whole(&mut self.recipes.parts, batch.clone(), line)
            {
                self.recipes.read_back.insert(batch, text);
            }
            return;
        }
        if line.kind() != "recipe" {
            return;
        }
        let change = line.int("change").unwrap_or(0).max(0) as u32;
        if self
            .recipes
            .last(&batch)
            .is_some_and(|known| known.change >= change)
        {
            return;
        }
        let word = |name: &str| line.data_text(name).unwrap_or_default();
        let text = self.recipes.read_back.remove(&batch);
        let from = line.data_text("from").and_then(|text| Stamp::read(&text));
        let revision = word("revision");
        let file = line.data_text("file").unwrap_or_else(|| "control.toml".into());
        self.take_control(Control {
            recipe: text
                .and_then(|text| recipe::read(&file, &text).ok())
                .map(Arc::new),
            holds: line.raw("state") != Some("without-limits"),
            label: if change == 0 {
                revision.as_str().into()
            } else {
                format!("{revision}, change {change}").into()
            },
            change,
            from: if change == 0 { EVER } else { from.unwrap_or(time) },
            batch: batch.as_str().into(),
        });
    }

    /// The label that holds for a unit now, for the screens.
    pub fn recipe_label(&self, unit: &str, at: Stamp) -> Option<Arc<str>> {
        let unit = self.units.iter().find(|other| other.name == unit)?;
        let place = bind(&unit.history, at);
        place.batch.as_ref().map(|_| place.revision.clone())
    }
}
