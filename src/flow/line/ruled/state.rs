//! The memory of rules in the record: their states as `summary` entries every ten seconds and at each change, and
//! how they go on from there after a restart.

use super::{Line, Said};
use crate::flow::{line::Enter, rules::State};
use record::{Draft, Line as Entry, Stamp};

/// States are entered at least this often while they change.
const EVERY_MS: i64 = 10_000;
/// So many states are kept to go back to: a quarter of an hour.
const KEPT: usize = 90;

impl Line {
    /// Enters the states that changed.
    pub(super) fn enter_states(&mut self, enter: &mut dyn Enter) {
        for unit in 0..self.units.len() {
            for at in 0..self.units[unit].ruled.len() {
                let known = &mut self.units[unit].ruled[at];
                let Some(fed) = known.fed.filter(|_| !known.over) else {
                    continue;
                };
                let due = known
                    .stated
                    .is_none_or(|stated| self.now.ms_since(stated).abs() >= EVERY_MS);
                if !due {
                    continue;
                }
                known.stated = Some(self.now);
                known.snapshots.push_back((fed, known.judge.clone()));
                if known.snapshots.len() > KEPT {
                    known.snapshots.pop_front();
                }
                let state = known.judge.state();
                if state.is_empty() || state == known.judge.said {
                    continue;
                }
                known.judge.said.clone_from(&state);
                let (place, rule) = (known.place.clone(), known.judge.rule.clone());
                let draft = self
                    .placed(Draft::new("summary", fed), unit, &place)
                    .data("rule", rule.id.as_str())
                    .data("state", state);
                enter.enter(draft);
            }
        }
    }

    /// A state of a rule from before the restart; true when this entry was one.
    pub(in crate::flow::line) fn recall_rule(&mut self, unit: usize, line: &Entry<'_>, time: Stamp) -> bool {
        let Some(id) = line.data_text("rule") else {
            return false;
        };
        let Some(state) = line.data_text("state") else {
            return true;
        };
        if let Some(known) = self.ruled_named(unit, line, &id) {
            known.judge.recall(&state);
            known.fed = Some(time);
            known.snapshots.clear();
            known.snapshots.push_back((time, known.judge.clone()));
        }
        true
    }

    /// Something a rule had found before the restart.
    pub(in crate::flow::line) fn recall_found(&mut self, unit: usize, line: &Entry<'_>, time: Stamp) -> bool {
        let Some(id) = line.text("rule") else { return false };
        let stamp = |name: &str| line.data_text(name).and_then(|text| Stamp::read(&text));
        let state = match line.raw("state") {
            Some("open") => State::Begun,
            Some("closed") => State::Over,
            _ => State::Once,
        };
        let because = line.text("because").unwrap_or_default();
        let says = line.data_text("says").unwrap_or_default();
        let (seq, leaf) = (line.seq(), line.leaf());
        let Some(known) = self.ruled_named(unit, line, &id) else {
            return true;
        };
        let because = if because.is_empty() {
            match known.judge.rule.kind {
                "rate" => "rate".to_owned(),
                _ => "limit".to_owned(),
            }
        } else {
            because
        };
        if state == State::Over {
            for open in known.said.iter_mut().filter(|said| said.because == because) {
                open.before = false;
            }
        }
        known.said.push(Said {
            state,
            because,
            from: stamp("started").unwrap_or(time),
            until: time,
            says,
            seq,
            leaf,
            stale: false,
            before: state == State::Begun,
        });
        let (kind, place) = (
            if line.kind() == "excursion" {
                "excursion"
            } else {
                "exception"
            },
            known.place.clone(),
        );
        self.count_said(unit, kind, state, &place, true);
        true
    }

    /// The rule an entry names, in the run it names; made where the run is known and the rule still asked.
    fn ruled_named(&mut self, unit: usize, line: &Entry<'_>, id: &str) -> Option<&mut super::Ruled> {
        let batch: std::sync::Arc<str> = line.text("batch")?.as_str().into();
        let steps = self.rules_of(unit, &batch)?;
        let Some((step, run)) = line.text("step").zip(line.int("run")) else {
            self.begin_batch_rules(unit, &batch, &steps);
            return self.units[unit].ruled.iter_mut().find(|known| {
                known.place.runs.is_empty()
                    && known.place.batch.as_deref() == Some(&*batch)
                    && known.judge.rule.id == id
            });
        };
        let (step, run) = (std::sync::Arc::<str>::from(step.as_str()), run.max(0) as u32);
        let rules = steps.get(&*step)?;
        self.begin_rules(unit, &batch, &step, run, rules);
        self.units[unit]
            .ruled
            .iter_mut()
            .find(|known| known.place.has(&batch, &step, run) && known.judge.rule.id == id)
    }
}
