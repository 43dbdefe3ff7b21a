//! Silence: told at once as an exception, entered as a gap when it ends.
//!
//! A gap begins with the last reading and ends with the next, so readings and gaps together cover the whole
//! run of a step: between two neighbours lies never more than `missing_after`.

use super::{Enter, Line, LineAction};
use crate::{config::plant::PointName, flow::bind::bind};
use record::{Draft, Kind, Stamp, Trouble};
use std::sync::Arc;

/// So many silences of a point are kept in mind, to say why a gap was.
const KEPT: usize = 256;

/// A time in which questions to a point brought nothing usable.
#[derive(Debug, Clone)]
pub(super) struct Silence {
    pub(super) since: Stamp,
    /// `None` while it lasts.
    pub(super) until: Option<Stamp>,
    because: &'static str,
    note: String,
    asked: u64,
    /// Of those asked: refused, garbled, unexpected.
    failures: [u64; 3],
}

impl Silence {
    /// One that somebody answers for.
    pub(super) fn declared(since: Stamp, because: &'static str, note: &str) -> Self {
        Self {
            since,
            until: None,
            because,
            note: note.to_owned(),
            asked: 0,
            failures: [0; 3],
        }
    }
}

impl Line {
    pub(super) fn failed(&mut self, name: &PointName, since: Stamp, because: &'static str, note: String) {
        let Some(point) = self.index.get(name).map(|at| &mut self.points[*at]) else {
            return;
        };
        if point.declared.is_some() {
            return;
        }
        // The words of an answer begin with the failure itself: `refused, busy`.
        let note = note
            .strip_prefix(because)
            .map_or(note.as_str(), |rest| rest.trim_start_matches([',', ' ']));
        let note = note.to_owned();
        if point
            .silences
            .back()
            .is_none_or(|silence| silence.until.is_some())
        {
            let known = Kind::named("gap").is_some_and(|gap| gap.because.contains(&because));
            let because = if known { because } else { "silent" };
            point.silences.push_back(Silence {
                since,
                until: None,
                because,
                note,
                asked: 0,
                failures: [0; 3],
            });
            if point.silences.len() > KEPT {
                point.silences.pop_front();
            }
        }
        if let Some(silence) = point.silences.back_mut() {
            silence.asked += 1;
            if let Some(at) = ["refused", "garbled", "unexpected"]
                .iter()
                .position(|word| *word == because)
            {
                silence.failures[at] += 1;
            }
        }
    }

    /// The gateway was off: whatever is not covered until the next reading was lost to that.
    pub(super) fn was_off(&mut self, from: Stamp, until: Stamp, because: &'static str) {
        for point in &mut self.points {
            let since = point.heard.map_or(from, |heard| heard.min(from));
            let until = Some(until.max(since));
            let note = String::new();
            point.silences.push_back(Silence {
                since,
                until,
                because,
                note,
                asked: 0,
                failures: [0; 3],
            });
        }
        for watch in &mut self.watches {
            if watch.at.is_none() {
                watch.at = Some(from);
                watch.covered = from;
            }
        }
    }

    /// An answer ends the silence of its point.
    pub(super) fn heard(&mut self, point: usize, time: Stamp, enter_said: bool) {
        let held = &mut self.points[point];
        held.heard = Some(time);
        if let Some(silence) = held.silences.back_mut().filter(|silence| silence.until.is_none()) {
            silence.until = Some(time);
        }
        let mut said = false;
        for watch in &self.points[point].watches {
            said |= self.watches[*watch].told_silent.take().is_some();
        }
        if said && enter_said {
            let name = &self.points[point].name;
            self.actions.push(LineAction::Say(
                Trouble::new("answers-again", format!("{name} answers again"))
                    .at(time)
                    .means("the silence is entered as a gap; capture goes on")
                    .so("nothing"),
            ));
        }
    }

    /// Says once for each silence and run that nothing is heard.
    pub(super) fn notice_silence(&mut self, enter: &mut dyn Enter) {
        for at in 0..self.watches.len() {
            let watch = &self.watches[at];
            if self.points[watch.point].declared.is_some() {
                continue;
            }
            let history = &self.units[watch.unit].history;
            let place = bind(history, self.now);
            let here = watch.place.as_ref().is_some_and(|known| known.same_place(place));
            let missing = if here {
                watch.rule.missing
            } else {
                watch.rule_in(place).missing
            };
            let Some(missing) = missing else { continue };
            let begun = self.begun.unwrap_or(self.now);
            let since = history.place_since(self.now).unwrap_or(begun);
            let point = &self.points[watch.point];
            let heard = point.heard.max(point.back).unwrap_or(begun);
            let said = watch
                .told_silent
                .as_ref()
                .is_some_and(|told| told.same_place(place));
            if said || self.now.ms_since(since.max(heard)) <= missing {
                continue;
            }
            let place = place.clone();
            self.watches[at].told_silent = Some(place.clone());
            let silence = self.points[self.watches[at].point]
                .silences
                .back()
                .filter(|s| s.until.is_none());
            let because = silence.map_or("silent", |silence| silence.because);
            let note = silence.map(|silence| silence.note.clone()).unwrap_or_default();
            self.say_silent(at, because, &note, heard.max(since));
            if place.batch.is_some() {
                let exceptions = Kind::named("exception").map_or(&[][..], |kind| kind.because);
                let word = if exceptions.contains(&because) {
                    because
                } else {
                    "silent"
                };
                self.except(at, place, word, &note, self.now, enter);
            }
        }
    }

    fn say_silent(&mut self, watch: usize, because: &'static str, note: &str, since: Stamp) {
        let watch = &self.watches[watch];
        let (name, unit) = (&self.points[watch.point].name, &self.units[watch.unit].name);
        let how = if note.is_empty() {
            String::new()
        } else {
            format!(" ({note})")
        };
        self.actions.push(LineAction::Say(
            Trouble::new("point-silent", format!("{name} is {because}{how}"))
                .at(unit)
                .means(format!("entered as a gap since {since}; no value is carried on"))
                .so(format!(
                    "is {} powered and connected? steelyard try {}",
                    name.tag, name.tag
                )),
        ));
    }

    /// Enters an exception about a point, counts it, and keeps it in mind.
    pub(super) fn except(
        &mut self,
        watch: usize,
        place: Arc<crate::flow::bind::Bound>,
        because: &'static str,
        says: &str,
        time: Stamp,
        enter: &mut dyn Enter,
    ) {
        // Taken a second time, because context came late: it stands, and moved with its binding.
        let others = &self.units[self.watches[watch].unit].others;
        if others
            .iter()
            .any(|other| other.kind == "exception" && other.watch == watch && other.from == time)
        {
            return;
        }
        let draft = self
            .about(Draft::new("exception", time), watch, &place)
            .with("because", because)
            .data("says", says);
        let entered = enter.enter(draft);
        self.units[self.watches[watch].unit].count(&place, |tally| tally.exceptions += 1);
        self.remember(watch, "exception", (time, time), entered, place);
    }

    /// The members every entry about a point begins with.
    pub(super) fn about(&self, draft: Draft, watch: usize, place: &crate::flow::bind::Bound) -> Draft {
        let watch = &self.watches[watch];
        self.placed(draft, watch.unit, place)
            .with("point", self.points[watch.point].name.to_string())
            .with("role", watch.role.as_str())
    }

    /// Ends what is not covered at `until`, in the place where the watch stands.
    pub(super) fn close_gap(&mut self, at: usize, until: Stamp, enter: &mut dyn Enter) {
        let watch = &mut self.watches[at];
        let from = watch.covered;
        watch.covered = from.max(until);
        let Some(missing) = watch.rule.missing else { return };
        if until.ms_since(from) <= missing {
            return;
        }
        let Some(place) = watch.place.clone() else { return };
        let unit = watch.unit;
        let known = self.units[unit].others.iter().any(|other| {
            other.kind == "gap" && other.watch == at && other.from <= from && other.until >= until
        });
        if known {
            // It was counted where it was bound.
            return;
        }
        let silences = &self.points[self.watches[at].point].silences;
        let overlaps =
            |silence: &&Silence| silence.since < until && silence.until.is_none_or(|end| end > from);
        let silence = silences.iter().find(overlaps).cloned();
        let mut draft = self
            .about(Draft::new("gap", from), at, &place)
            .with("until", until);
        draft = match silence {
            None => draft.with("because", "silent"),
            Some(silence) => {
                draft = draft
                    .with("because", silence.because)
                    .data("note", silence.note.as_str());
                let counts = [
                    ("asked", silence.asked),
                    ("refused", silence.failures[0]),
                    ("garbled", silence.failures[1]),
                    ("unexpected", silence.failures[2]),
                ];
                counts
                    .into_iter()
                    .filter(|(_, count)| *count > 0)
                    .fold(draft, |draft, (name, count)| draft.data(name, count))
            }
        };
        let entered = enter.enter(draft);
        self.units[unit].count(&place, |tally| tally.gaps += 1);
        self.remember(at, "gap", (from, until), entered, place);
    }
}

impl super::Point {
    /// Whether questions go unanswered now, and in which words.
    pub(super) fn failing(&self) -> (bool, String) {
        // One question without answer is no state yet.
        let lasting = |silence: &&Silence| silence.until.is_none() && silence.asked > 1;
        match self.silences.back().filter(lasting) {
            None => (false, String::new()),
            Some(silence) if silence.note.is_empty() => (true, silence.because.to_owned()),
            Some(silence) => (true, format!("{}, {}", silence.because, silence.note)),
        }
    }
}
