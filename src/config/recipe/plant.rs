//! A recipe against a plant: which readings it asks of a unit, and what of it no unit here could do.

use super::{Asked, Dispense, Recipe, Step, Window};
use crate::config::{
    near::nearest,
    plant::{Capture, Equipment, Limits, Pace, Plant, PointName, Unit0},
    rule::AskedOf,
    sentence::time,
};
use driver::{Complaint, PointInfo};
use record::{Quantity, Unit};
use rust_decimal::Decimal;
use std::{collections::BTreeMap, ops::Range, time::Duration};

/// Silence is an entry after this many paces, and never before this long.
const PACES_MISSING: u32 = 3;
const SHORTEST_MISSING: Duration = Duration::from_secs(3);

impl Step {
    /// Whether it may run in this unit.
    pub fn runs_in(&self, unit: &Unit0) -> bool {
        self.kind.as_ref().is_none_or(|kind| *kind == unit.kind)
    }
}

impl Recipe {
    /// What it asks of one unit, in the words of `[[capture]]`; roles the unit does not give are left out.
    pub fn captures_in(&self, unit: &Unit0, equipment: &BTreeMap<String, Equipment>) -> Vec<Capture> {
        let whole = self.captures.iter().map(|asked| (None, asked));
        let steps = self.steps.iter().filter(|step| step.runs_in(unit));
        let steps = steps.flat_map(|step| step.captures.iter().map(|asked| (Some(step.id.clone()), asked)));
        whole
            .chain(steps)
            .filter_map(|(during, asked)| {
                let (role, point) = unit.roles.iter().find(|(role, _)| *role == asked.what)?;
                let equipment = equipment.get(&point.tag);
                let every = match asked.pace {
                    Pace::Every(every) => every,
                    _ => equipment.map_or(Duration::from_secs(1), |equipment| equipment.every),
                };
                Some(Capture {
                    during,
                    at: unit.name.clone(),
                    role: role.clone(),
                    point: point.clone(),
                    unit: equipment.and_then(|equipment| info(equipment, &point.measure)?.unit),
                    pace: asked.pace,
                    limits: asked.limits.clone(),
                    missing_after: asked
                        .missing_after
                        .unwrap_or_else(|| (every * PACES_MISSING).max(SHORTEST_MISSING)),
                })
            })
            .collect()
    }

    /// Roles it asks of a unit that the unit does not give.
    pub fn roles_missing(&self, unit: &Unit0) -> Vec<&str> {
        let steps = self.steps.iter().filter(|step| step.runs_in(unit));
        let mut missing: Vec<&str> = Vec::new();
        for asked in self.captures.iter().chain(steps.flat_map(|step| &step.captures)) {
            if !unit.roles.iter().any(|(role, _)| *role == asked.what)
                && !missing.contains(&asked.what.as_str())
            {
                missing.push(&asked.what);
            }
        }
        missing
    }
}

fn info(equipment: &Equipment, measure: &str) -> Option<PointInfo> {
    equipment
        .driver
        .points()
        .into_iter()
        .find(|point| point.measure == measure)
}

/// What of a recipe this plant cannot do, and what a person should look at.
pub fn against(recipe: &Recipe, plant: &Plant) -> (Vec<Complaint>, Vec<Complaint>) {
    let mut found = Found {
        recipe,
        plant,
        wrong: Vec::new(),
        beside: Vec::new(),
    };
    found.look();
    let named = |complaints: Vec<Complaint>| -> Vec<Complaint> {
        let mut named: Vec<Complaint> = complaints
            .into_iter()
            .map(|complaint| complaint.file(&recipe.file))
            .collect();
        named.dedup();
        named
    };
    (named(found.wrong), named(found.beside))
}

struct Found<'a> {
    recipe: &'a Recipe,
    plant: &'a Plant,
    wrong: Vec<Complaint>,
    beside: Vec<Complaint>,
}

/// A point as a recipe meets it.
struct Met<'a> {
    name: &'a PointName,
    unit: &'a Unit0,
    equipment: &'a Equipment,
    info: PointInfo,
}

impl<'a> Found<'a> {
    fn look(&mut self) {
        let recipe = self.recipe;
        let mut runs = false;
        for step in &recipe.steps {
            let units: Vec<&Unit0> = self
                .plant
                .units
                .iter()
                .filter(|unit| step.runs_in(unit))
                .collect();
            runs |= !units.is_empty();
            if units.is_empty() {
                self.elsewhere(step);
            }
            for unit in units {
                for asked in &step.captures {
                    self.asked(unit, asked);
                }
                self.rules(unit, step);
                for line in &step.lines {
                    self.line(unit, line);
                }
            }
        }
        if !runs {
            let kinds: Vec<&str> = self.plant.units.iter().map(|unit| unit.kind.as_str()).collect();
            self.wrong.push(
                Complaint::new(
                    "recipe-for-no-unit",
                    format!("no unit here can run any step of {}", recipe.id),
                )
                .mark(0..0, "")
                .help(format!(
                    "kinds of units in the configuration: {}",
                    kinds.join(", ")
                )),
            );
        }
        let kinds: Vec<&str> = recipe
            .steps
            .iter()
            .filter_map(|step| step.kind.as_deref())
            .collect();
        let units = self.plant.units.iter();
        for unit in units.filter(|unit| kinds.is_empty() || kinds.contains(&unit.kind.as_str())) {
            for asked in &recipe.captures {
                self.asked(unit, asked);
            }
        }
    }

    fn elsewhere(&mut self, step: &Step) {
        let kind = step.kind.as_deref().unwrap_or_default();
        let kinds = || self.plant.units.iter().map(|unit| unit.kind.as_str());
        let meant =
            nearest(kind, kinds()).map_or_else(String::new, |meant| format!("did you mean {meant:?}?\n"));
        self.beside.push(
            Complaint::new(
                "step-elsewhere",
                format!("{:?} runs in no unit of this gateway", step.id),
            )
            .mark(step.place.clone(), format!("needs a unit of kind {kind:?}"))
            .help(format!(
                "{meant}this is as it should be where that unit belongs to another gateway"
            )),
        );
    }

    /// The point that plays a role, or a complaint.
    fn met(&mut self, unit: &'a Unit0, role: &str, place: &Range<usize>) -> Option<Met<'a>> {
        let Some((_, name)) = unit.roles.iter().find(|(known, _)| known == role) else {
            let roles = || unit.roles.iter().map(|(role, _)| role.as_str());
            let meant =
                nearest(role, roles()).map_or_else(String::new, |meant| format!("did you mean {meant:?}?\n"));
            let all: Vec<&str> = roles().collect();
            self.wrong.push(
                Complaint::new("no-such-role", format!("{} has no role {role:?}", unit.name))
                    .mark(place.clone(), format!("{} is of kind {:?}", unit.name, unit.kind))
                    .why("what the recipe asks for would be missing from every batch in this unit")
                    .help(format!("{meant}roles of {}: {}", unit.name, all.join(", "))),
            );
            return None;
        };
        let equipment = self.plant.equipment.get(&name.tag)?;
        Some(Met {
            name,
            unit,
            equipment,
            info: info(equipment, &name.measure)?,
        })
    }

    fn asked(&mut self, unit: &'a Unit0, asked: &Asked) {
        let Some(met) = self.met(unit, &asked.what, &asked.place) else {
            return;
        };
        if let Some(limits) = &asked.limits {
            let of = [&limits.low, &limits.high].into_iter().flatten().next();
            if of.is_some_and(|limit| self.converts(&met, limit.unit, &asked.limits_place)) {
                self.in_range(&met, limits, &asked.limits_place);
            }
        }
        let every = met.equipment.every;
        if let Pace::Every(pace) = asked.pace
            && pace < every
        {
            let what = format!(
                "{} is asked every {}, and is to be captured every {}",
                met.name,
                time(every),
                time(pace)
            );
            self.wrong.push(
                Complaint::new("asked-too-seldom", what)
                    .mark(asked.pace_place.clone(), format!("at {}", met.unit.name))
                    .why("intervals would hold no reading at all, and each would be a gap")
                    .help(format!(
                        "ask {} at least every {}, or capture every {} or slower",
                        met.name.tag,
                        time(pace),
                        time(every)
                    )),
            );
        }
    }

    /// Whether a reading of this point can be compared with an amount in this unit.
    fn converts(&mut self, met: &Met, unit: Unit, place: &Range<usize>) -> bool {
        let Some(first) = met.info.units.first() else {
            self.wrong.push(
                Complaint::new(
                    "limits-on-words",
                    format!("{} gives words, and its limits are numbers", met.name),
                )
                .mark(place.clone(), format!("at {}", met.unit.name))
                .help("take `must_be` out; a word is entered whenever it changes with every = \"change\""),
            );
            return false;
        };
        let fits = met
            .info
            .units
            .iter()
            .any(|other| other.dimension() == unit.dimension());
        if !fits {
            let units: Vec<&str> = met.info.units.iter().map(|unit| unit.shown()).collect();
            self.wrong.push(
                Complaint::new(
                    "unit-of-something-else",
                    format!(
                        "{} is measured in {}; the recipe says {unit}",
                        met.name,
                        units.join(", ")
                    ),
                )
                .mark(
                    place.clone(),
                    format!(
                        "{}, not {}, at {}",
                        unit.dimension(),
                        first.dimension(),
                        met.unit.name
                    ),
                )
                .why("no reading could be judged by this")
                .help(format!(
                    "write it in {}, or in another unit of {}",
                    units.join(", "),
                    first.dimension()
                )),
            );
        }
        fits
    }

    /// A limit that an instrument cannot show can never be found broken.
    fn in_range(&mut self, met: &Met, limits: &Limits, place: &Range<usize>) {
        let Some(range) = met.equipment.ranges.get(&met.name.measure) else {
            return;
        };
        let beyond = |limit: &Option<Quantity>, end: &Option<Quantity>, low: bool| -> Option<String> {
            let (limit, end) = (limit.as_ref()?, end.as_ref()?);
            let there = limit.number_in(end.unit)?;
            let outside = if low {
                there < end.amount.number()
            } else {
                there > end.amount.number()
            };
            outside.then(|| format!("{limit} is beyond {end}"))
        };
        let found = beyond(&limits.low, &range.low, true)
            .or_else(|| beyond(&limits.high, &range.high, false))
            .or_else(|| beyond(&limits.low, &range.high, false))
            .or_else(|| beyond(&limits.high, &range.low, true));
        if let Some(found) = found {
            self.wrong.push(
                Complaint::new(
                    "limits-outside-range",
                    format!("{} cannot measure as far as these limits reach", met.name),
                )
                .mark(
                    place.clone(),
                    format!("{found}, the end of its range at {}", met.unit.name),
                )
                .why("a value beyond the range cannot be told from one at its end")
                .help(format!(
                    "use an instrument that reaches further, or correct [equipment.{}] range",
                    met.name.tag
                )),
            );
        }
    }

    fn rules(&mut self, unit: &'a Unit0, step: &Step) {
        for rule in &step.rules {
            for asked in &rule.asked {
                match &asked.what {
                    AskedOf::Step(other) => {
                        if self.recipe.step(other).is_none() {
                            let steps: Vec<&str> =
                                self.recipe.steps.iter().map(|step| step.id.as_str()).collect();
                            self.wrong.push(
                                Complaint::new(
                                    "no-such-step",
                                    format!(
                                        "the rule {:?} asks for {other:?}, which is no step here",
                                        rule.id
                                    ),
                                )
                                .mark(asked.place.0.clone(), "")
                                .help(format!("steps of this recipe: {}", steps.join(", "))),
                            );
                        }
                    }
                    AskedOf::Role {
                        role,
                        unit: of,
                        no_slower_than,
                    } => {
                        let place = &asked.place.0;
                        let Some(met) = self.met(unit, role, place) else {
                            continue;
                        };
                        if let Some(of) = of {
                            self.converts(&met, *of, place);
                        }
                        if let Some(gap) = no_slower_than.filter(|gap| *gap < met.equipment.every) {
                            let what = format!("the rule {:?} can never be judged at this pace", rule.id);
                            self.wrong.push(
                                Complaint::new("rule-never-judged", what)
                                    .mark(
                                        place.clone(),
                                        format!("{} is asked every {}", met.name, time(met.equipment.every)),
                                    )
                                    .why(format!(
                                        "readings further apart than {} never count for it",
                                        time(gap)
                                    ))
                                    .help(format!(
                                        "ask {} at least every {}, or allow a longer time between readings",
                                        met.name.tag,
                                        time(gap)
                                    )),
                            );
                        }
                    }
                }
            }
        }
    }

    /// Whether the scale of this unit can weigh a line, at every size the recipe may be scaled to.
    fn line(&mut self, unit: &'a Unit0, line: &Dispense) {
        let Some(role) = &line.scale else { return };
        let Some(met) = self.met(unit, role, &line.scale_place) else {
            return;
        };
        if !self.converts(&met, line.target.unit, &line.place) {
            return;
        }
        let wanted = line.target.unit;
        let measure = &met.name.measure;
        let division = met.equipment.divisions.get(measure);
        let d = division.and_then(|division| division.number_in(wanted));
        if let (Some(d), Some(most)) = (d, line.division.as_ref().and_then(|most| most.number_in(wanted)))
            && d > most
        {
            let has = division.map(ToString::to_string).unwrap_or_default();
            self.wrong.push(
                Complaint::new(
                    "scale-too-coarse",
                    format!("{} has a division of {has}", met.name),
                )
                .mark(
                    line.scale_place.clone(),
                    format!("line {} at {}", line.line, met.unit.name),
                )
                .why("the recipe asks for a finer one")
                .help("weigh on a finer scale, or allow a coarser division"),
            );
            return;
        }
        let reach = met
            .equipment
            .ranges
            .get(measure)
            .and_then(|range| range.high.as_ref()?.number_in(wanted));
        for (size, window) in self.windows(line) {
            if d.is_some_and(|d| window.on(d).is_none()) {
                let has = division.map(ToString::to_string).unwrap_or_default();
                self.wrong.push(
                    Complaint::new("tolerance-without-window", "no weight that this scale can show is in tolerance")
                        .mark(line.tolerance_place.clone(), format!("{} to {} {wanted} for a batch of {size}", window.low, window.high))
                        .note(format!("{} at {} has a division of {has}", met.name, met.unit.name))
                        .why("limits are rounded inward to the division of the scale, so that no weight out of tolerance is taken")
                        .help("widen the tolerance, weigh on a finer scale, or narrow `sizes`"),
                );
                return;
            }
            if reach.is_some_and(|reach| window.high > reach) && !line.several_containers {
                let range = met
                    .equipment
                    .ranges
                    .get(measure)
                    .and_then(|range| range.high.clone());
                let end = range.map(|end| end.to_string()).unwrap_or_default();
                self.wrong.push(
                    Complaint::new(
                        "target-outside-scale",
                        "this target is more than the scale reaches to",
                    )
                    .mark(
                        line.place.clone(),
                        format!("{} {wanted} for a batch of {size}", window.high),
                    )
                    .note(format!("{} at {} reaches to {end}", met.name, met.unit.name))
                    .help("weigh on a larger scale, narrow `sizes`, or allow several_containers = true"),
                );
                return;
            }
        }
    }

    /// The windows of a line at the sizes where it is narrowest and widest.
    fn windows(&self, line: &Dispense) -> Vec<(String, Window)> {
        let sizes = self.recipe.sizes.as_ref();
        let sizes = [
            self.recipe.size.clone(),
            sizes.and_then(|sizes| sizes.low.clone()),
            sizes.and_then(|sizes| sizes.high.clone()),
        ];
        let at = |size: Option<Quantity>| {
            let scale = match &size {
                Some(size) => self.recipe.scale(size)?,
                None => return None,
            };
            let target = line.target_for(scale)?;
            Some((size?.to_string(), line.tolerance.around(&target)?))
        };
        let mut windows: Vec<(String, Window)> = sizes.into_iter().filter_map(at).collect();
        if windows.is_empty() {
            let fixed = line
                .target_for(Decimal::ONE)
                .and_then(|target| line.tolerance.around(&target));
            windows.extend(fixed.map(|window| ("any size".to_owned(), window)));
        }
        windows
    }
}
