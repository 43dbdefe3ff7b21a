//! A finding becomes an entry: class, severity, rule and revision, place, start and end, extreme and limit, the
//! readings it rests on, and those around it.

use super::{Line, Said};
use crate::flow::{
    bind::Bound,
    line::{Enter, LineAction, late::Moved, watch::AROUND},
    rules::{Class, Finding, State, span},
};
use record::{Amount, Draft, Stamp, Trouble};
use std::sync::Arc;

/// A finding, and where it comes from.
#[derive(Debug)]
pub(in crate::flow::line) struct Found {
    pub(super) unit: usize,
    pub(super) ruled: usize,
    pub(super) watch: Option<usize>,
    /// The reading it was found at.
    pub(super) serial: Option<u64>,
    pub(super) finding: Finding,
}

impl Found {
    /// A stretch beyond a limit is an excursion; everything else an exception.
    fn kind(&self) -> &'static str {
        let lasts = matches!(self.finding.state, State::Begun | State::Over);
        if self.finding.class == Class::Limit && lasts {
            "excursion"
        } else {
            "exception"
        }
    }
}

impl Line {
    /// Enters what was found since the last time.
    pub(in crate::flow::line) fn enter_found(&mut self, enter: &mut dyn Enter) {
        while !self.found.is_empty() {
            for found in std::mem::take(&mut self.found) {
                self.enter_finding(found, enter);
            }
        }
    }

    fn enter_finding(&mut self, found: Found, enter: &mut dyn Enter) {
        match found.finding.state {
            State::Alarm | State::Calm => return self.say_alarm(&found),
            _ => {}
        }
        let known = &mut self.units[found.unit].ruled[found.ruled];
        known.stated = None;
        let place = known.place.clone();
        if let Some(said) = known.said.iter_mut().find(|said| said.is(&found.finding)) {
            // Derived a second time, or going on since before a restart.
            if said.stale || said.before {
                let stale = std::mem::take(&mut said.stale);
                said.before = false;
                if stale {
                    self.count_finding(&found, &place, true);
                }
            }
            return;
        }
        let opened = known.opened(&found.finding);
        let draft = self.finding_draft(&found, &place, opened);
        let entered = enter.enter(draft);
        let finding = &found.finding;
        self.units[found.unit].ruled[found.ruled].said.push(Said {
            state: finding.state,
            because: finding.because.to_owned(),
            from: finding.from,
            until: finding.until,
            says: finding.says.clone(),
            seq: entered.seq,
            leaf: entered.leaf,
            stale: false,
            before: false,
        });
        self.count_finding(&found, &place, true);
        self.surroundings(&found, entered.seq, opened, enter);
        if finding.state != State::Over && finding.because != "limit" {
            self.say_found(&found, &place);
        }
    }

    pub(super) fn count_finding(&mut self, found: &Found, place: &Arc<Bound>, add: bool) {
        let kind = found.kind();
        self.count_said(found.unit, kind, found.finding.state, place, add);
    }

    pub(super) fn count_said(
        &mut self,
        unit: usize,
        kind: &str,
        state: State,
        place: &Arc<Bound>,
        add: bool,
    ) {
        if state == State::Over {
            return;
        }
        self.units[unit].count(place, |tally| {
            let count = if kind == "excursion" {
                &mut tally.excursions
            } else {
                &mut tally.exceptions
            };
            *count = if add { *count + 1 } else { count.saturating_sub(1) };
        });
    }

    fn finding_draft(&self, found: &Found, place: &Arc<Bound>, opened: Option<u64>) -> Draft {
        let finding = &found.finding;
        let rule = &self.units[found.unit].ruled[found.ruled].judge.rule;
        let time = if finding.state == State::Begun {
            finding.from
        } else {
            finding.until
        };
        let draft = Draft::new(found.kind(), time);
        let mut draft = match found.watch {
            Some(watch) => self.about(draft, watch, place),
            None => self.placed(draft, found.unit, place),
        };
        if found.kind() == "exception" {
            draft = draft.with("because", finding.because);
        }
        draft = match finding.state {
            State::Begun => draft.with("state", "open"),
            State::Over => draft.with("state", "closed"),
            _ => draft,
        };
        let severity = if finding.class == Class::Trend {
            "minor"
        } else {
            rule.severity.word()
        };
        draft = draft
            .with("class", finding.class.word())
            .with("severity", severity)
            .with("rule", rule.id.as_str())
            .with("limits", super::super::memory::limits(place));
        if let Some(seq) = opened {
            draft = draft.with("opened", seq);
        }
        draft = draft
            .with("evidence", self.evidence(found))
            .data("says", finding.says.as_str());
        let number = |number: rust_decimal::Decimal| Amount::of(number).to_string();
        if let Some(extreme) = finding.extreme {
            draft = draft.data("extreme", number(extreme));
        }
        if let Some(limit) = finding.limit {
            draft = draft.data("limit", number(limit));
        }
        if let Some(side) = finding.side {
            draft = draft.data("side", side.word());
        }
        if let Some(unit) = finding.unit {
            draft = draft.data("in", unit.ucum());
        }
        if finding.from < finding.until && finding.state != State::Begun {
            draft = draft
                .data("started", finding.from)
                .data("ended", finding.until)
                .data("duration_ms", finding.until.ms_since(finding.from));
        }
        if finding.count > 0 && finding.state != State::Begun {
            draft = draft.data("count", finding.count);
        }
        if let Some(area) = finding.area.filter(|_| finding.state == State::Over) {
            draft = draft.data("area", number(area));
        }
        match finding.alarm {
            Some(alarm) => draft.data("alarm", alarm),
            None => draft,
        }
    }

    /// The numbers of the readings a finding rests on, as far as they are entries: from the first to the last
    /// in its time, or in the whole run where it is about all of it.
    fn evidence(&self, found: &Found) -> String {
        let Some(watch) = found.watch else {
            return String::new();
        };
        let finding = &found.finding;
        let begun = self.units[found.unit].ruled[found.ruled].judge.begun();
        let from = if finding.from < finding.until || found.serial.is_some() {
            finding.from
        } else {
            begun
        };
        self.evidence_between(self.watches[watch].point, from, finding.until)
    }

    /// The numbers of the readings of a point between two moments, as far as they are entries.
    pub(in crate::flow::line) fn evidence_between(&self, point: usize, from: Stamp, until: Stamp) -> String {
        let entered = self.points[point]
            .past
            .iter()
            .filter(|past| past.reading.time >= from && past.reading.time <= until)
            .filter_map(|past| past.entered.as_ref().map(|entered| entered.seq));
        let (mut first, mut last) = (u64::MAX, 0);
        for seq in entered {
            first = first.min(seq);
            last = last.max(seq);
        }
        match first {
            u64::MAX => String::new(),
            first if first == last => first.to_string(),
            first => format!("{first}-{last}"),
        }
    }

    /// The readings before and after are entries of their own, and so is the worst.
    fn surroundings(&mut self, found: &Found, seq: u64, opened: Option<u64>, enter: &mut dyn Enter) {
        let (Some(watch), Some(serial)) = (found.watch, found.serial) else {
            return;
        };
        let point = self.watches[watch].point;
        match found.finding.state {
            State::Begun | State::Once => {
                for before in serial.saturating_sub(AROUND as u64)..=serial {
                    self.enter_reading(point, before, Some(seq), enter);
                }
                if found.finding.state == State::Once {
                    self.watches[watch].follow(seq);
                }
            }
            State::Over => {
                let opened = opened.unwrap_or(seq);
                let held = &self.points[point];
                let base = held.base;
                let worst = held
                    .past
                    .iter()
                    .rposition(|past| past.reading.time == found.finding.extreme_time)
                    .map(|at| base + at as u64);
                if let Some(worst) = worst {
                    self.enter_reading(point, worst, Some(opened), enter);
                }
                // The reading that ended it is the first of those after.
                self.enter_reading(point, serial, Some(opened), enter);
                self.watches[watch].follow(opened);
            }
            State::Alarm | State::Calm => {}
        }
    }

    fn say_found(&mut self, found: &Found, place: &Bound) {
        let rule = &self.units[found.unit].ruled[found.ruled].judge.rule;
        let what = format!("{}: {}", rule.title, found.finding.says);
        let place = format!("{}, {place}", self.units[found.unit].name);
        self.actions.push(LineAction::Say(
            Trouble::new("rule-broken", what)
                .at(place)
                .means("entered with the readings it rests on; nothing is left out of the record")
                .so("look at it, then `steelyard acknowledge` with a reason"),
        ));
    }

    fn say_alarm(&mut self, found: &Found) {
        let known = &self.units[found.unit].ruled[found.ruled];
        let place = format!("{}, {}", self.units[found.unit].name, known.place);
        let title = &known.judge.rule.title;
        let trouble = if found.finding.state == State::Alarm {
            let lasted = found.finding.until.ms_since(found.finding.from);
            let since = if lasted > 0 {
                format!(", for {}", span(lasted))
            } else {
                String::new()
            };
            Trouble::new("limit-broken", format!("{title}: {}{since}", found.finding.says))
                .means("entered as an excursion with the readings around it")
                .so("bring it back, then acknowledge with a reason")
        } else {
            Trouble::new("limit-kept-again", format!("{title}: back within the limits"))
                .means("the excursion is entered with its extreme and its length")
                .so("acknowledge with a reason")
        };
        self.actions.push(LineAction::Say(trouble.at(place)));
    }

    /// Rules go back to just before `from`, and are told again from there on.
    pub(in crate::flow::line) fn rules_back(&mut self, unit: usize, from: Stamp) {
        for at in 0..self.units[unit].ruled.len() {
            let known = &mut self.units[unit].ruled[at];
            let Some((step, run)) = known.place.runs.first().cloned() else {
                continue;
            };
            let place = known.place.clone();
            let touched =
                known.fed.is_some_and(|fed| fed >= from) || (known.over && known.judge_until() >= from);
            if !touched {
                continue;
            }
            let mut uncounted = Vec::new();
            for said in known
                .said
                .iter_mut()
                .filter(|said| !said.stale && said.until >= from)
            {
                said.stale = true;
                uncounted.push((said.kind(), said.state));
            }
            let batch = place.batch.as_deref().unwrap_or_default();
            let told = self.units[unit].history.batch(batch).and_then(|batch| {
                batch
                    .runs
                    .iter()
                    .find(|told| told.step == step && told.run == run)
            });
            let begun = told.map(|told| told.started);
            let known = &mut self.units[unit].ruled[at];
            while known.snapshots.back().is_some_and(|(time, _)| *time >= from) {
                known.snapshots.pop_back();
            }
            let fresh = crate::flow::rules::Judge::new(
                known.judge.rule.clone(),
                begun.unwrap_or_else(|| known.judge.begun()),
            );
            let same = begun.is_none_or(|begun| begun == known.judge.begun());
            let back = known.snapshots.back().cloned().filter(|_| same);
            (known.fed, known.judge) = match back {
                Some((time, judge)) => (Some(time), judge),
                None => (None, fresh),
            };
            known.over = false;
            known.held = false;
            for (kind, state) in uncounted {
                self.count_said(unit, kind, state, &place, false);
            }
            self.tell_between(unit, at, from);
        }
    }

    /// Tells a rule that went back what it knew already up to `from`. What it finds there is known.
    fn tell_between(&mut self, unit: usize, at: usize, from: Stamp) {
        let known = &self.units[unit].ruled[at];
        let (place, since) = (known.place.clone(), known.fed);
        let Some((batch, (step, run))) = place.batch.as_deref().zip(place.runs.first()) else {
            return;
        };
        let roles: Vec<String> = crate::flow::rules::Judge::roles(&known.judge.rule)
            .into_iter()
            .map(str::to_owned)
            .collect();
        let mut told = Vec::new();
        for (role, name) in roles.iter().enumerate() {
            for watch in &self.units[unit].watches {
                let known = &self.watches[*watch];
                let point = &self.points[known.point];
                if known.role != *name && point.name.to_string() != *name {
                    continue;
                }
                let (_, slot) = self.slot(*watch);
                let taken = (point.next - point.base) as usize;
                for (number, past) in point.past.iter().take(taken).enumerate() {
                    let time = past.reading.time;
                    let here = past
                        .judged(slot)
                        .filter(|judged| judged.place.has(batch, step, *run));
                    if let Some(judged) =
                        here.filter(|_| time < from && since.is_none_or(|since| time > since))
                    {
                        told.push((time, role, known.point, number, judged.place.held));
                    }
                }
            }
        }
        told.sort_by_key(|(time, ..)| *time);
        let mut again = Vec::new();
        for (time, role, point, number, held) in told {
            let answer = &self.points[point].past[number].reading.answer;
            self.units[unit].ruled[at].tell(time, held, role, answer, &mut again);
        }
    }

    /// What did not follow again stands nowhere any more.
    pub(in crate::flow::line) fn rules_drop_stale(&mut self, unit: usize, moved: &mut Moved) {
        for known in &mut self.units[unit].ruled {
            for said in known.said.iter().filter(|said| said.stale) {
                moved.detach(&known.place, (said.seq, said.leaf));
            }
            known.said.retain(|said| !said.stale);
        }
    }
}

impl super::Ruled {
    /// The entry that opened what is over now.
    fn opened(&self, finding: &Finding) -> Option<u64> {
        if finding.state != State::Over {
            return None;
        }
        self.said
            .iter()
            .rev()
            .find(|said| said.state == State::Begun && said.because == finding.because && !said.stale)
            .map(|said| said.seq)
    }

    fn judge_until(&self) -> Stamp {
        self.said
            .iter()
            .map(|said| said.until)
            .max()
            .unwrap_or(Stamp(i64::MIN))
    }
}

impl Said {
    pub(super) fn is(&self, finding: &Finding) -> bool {
        if self.state != finding.state || self.because != finding.because {
            return false;
        }
        match self.state {
            // What was open when the gateway stopped is the same that is found open now.
            State::Begun => self.from == finding.from || self.before,
            State::Over => self.from == finding.from && self.until == finding.until,
            _ => self.until == finding.until && self.says == finding.says,
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        let limit = matches!(self.because.as_str(), "limit" | "rate");
        if limit && self.state != State::Once {
            "excursion"
        } else {
            "exception"
        }
    }
}
