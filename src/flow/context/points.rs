//! Points of the equipment that tell batch and step: what they show counts only when the change counter
//! was the same before and after, and only where the table knows it.
//!
//! Pure: told one answer after the other, it says what became known. It never guesses: zero, empty, bad or
//! unknown is nothing known, and never an end.

use super::compose::Shown;
use crate::config::plant::{ContextPoints, PointName, Reported};
use record::{Answer, Stamp, Value};

/// A counter that never stands still for so long tells nothing any more.
const RESTLESS_MS: i64 = 10_000;

/// What became known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The equipment shows this since then. The moment may lie `unsure` milliseconds earlier.
    Shows {
        shown: Shown,
        counter: String,
        since: Stamp,
        unsure: i64,
        /// The counter is the one that was agreed on before: nothing has changed in between.
        unchanged: bool,
    },
    /// As before; the source lives.
    Same,
    /// Nothing is known since then, and why.
    Lost {
        since: Stamp,
        why: String,
        /// Something was shown that the table does not know; a reviewer must look.
        unknown: bool,
    },
}

/// One unit's points.
#[derive(Debug, Clone)]
pub struct Watcher {
    points: ContextPoints,
    counter: Option<Counter>,
    /// What was read since the counter was: batch, step, state, the batch's state.
    round: [Option<String>; 4],
    /// What was agreed on last, and with which counter.
    taken: Option<(String, Shown)>,
    /// When the counter that was agreed on was last seen.
    agreed: Option<Stamp>,
    /// Since when the counter changes without anything being agreed on.
    restless: Option<Stamp>,
    /// Why nothing is known, so that it is said once.
    lost: Option<String>,
}

#[derive(Debug, Clone)]
struct Counter {
    shows: String,
    since: Stamp,
}

/// Which of the points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Batch = 0,
    Step = 1,
    State = 2,
    BatchState = 3,
    Counter = 4,
}

/// Why nothing is known: in words, and whether something was shown that the table does not know.
type Unknown = (String, bool);

impl Watcher {
    /// Nothing was read yet.
    pub fn new(points: &ContextPoints) -> Self {
        Self {
            points: points.clone(),
            counter: None,
            round: Default::default(),
            taken: None,
            agreed: None,
            restless: None,
            lost: None,
        }
    }

    /// Whether this point is one of them.
    pub fn has(&self, point: &PointName) -> bool {
        self.part(point).is_some()
    }

    /// The equipment that shows the batch: the source, for the record.
    pub fn source(&self) -> &str {
        &self.points.batch.tag
    }

    /// What a restart still knows: where this counter stands again, nothing has changed meanwhile.
    pub fn recall(&mut self, counter: String, time: Stamp) {
        let shown = Shown {
            batch: "".into(),
            batch_state: Reported::Idle,
            step: "".into(),
            state: Reported::Idle,
        };
        self.taken = Some((counter, shown));
        self.agreed = Some(time);
    }

    /// One point answered.
    pub fn read(&mut self, point: &PointName, answer: &Answer, time: Stamp) -> Option<Found> {
        let part = self.part(point)?;
        let text = match answer {
            Answer::Good(value) => plain(value),
            _ => {
                let why = answer.because().unwrap_or("no value");
                return self.lose(
                    time,
                    (format!("{point} is {}: {why}", answer.quality().word()), false),
                );
            }
        };
        if part == Part::Counter {
            return self.counted(text, time);
        }
        self.round[part as usize] = Some(text);
        None
    }

    fn part(&self, point: &PointName) -> Option<Part> {
        let points = &self.points;
        if *point == points.counter {
            Some(Part::Counter)
        } else if *point == points.batch {
            Some(Part::Batch)
        } else if *point == points.step {
            Some(Part::Step)
        } else if points.state.as_ref() == Some(point) {
            Some(Part::State)
        } else if points.batch_state.as_ref() == Some(point) {
            Some(Part::BatchState)
        } else {
            None
        }
    }

    fn counted(&mut self, text: String, time: Stamp) -> Option<Found> {
        let round = std::mem::take(&mut self.round);
        let since = match &self.counter {
            Some(counter) if counter.shows == text => counter.since,
            _ => {
                self.counter = Some(Counter {
                    shows: text,
                    since: time,
                });
                let began = *self.restless.get_or_insert(time);
                if time.ms_since(began) > RESTLESS_MS {
                    return self.lose(began, ("its change counter never stands still".to_owned(), true));
                }
                return None;
            }
        };
        let [batch, step, state, batch_state] = round;
        let (batch, step) = (batch?, step?);
        if (self.points.state.is_some() && state.is_none())
            || (self.points.batch_state.is_some() && batch_state.is_none())
        {
            return None;
        }
        let unsure = self.agreed.map_or(0, |agreed| since.ms_since(agreed).max(0));
        self.agreed = Some(time);
        self.restless = None;
        match self.meant(&batch, &step, state.as_deref(), batch_state.as_deref()) {
            Ok(shown) => Some(self.take(shown, text, since, unsure)),
            Err(unknown) => self.lose(since, unknown),
        }
    }

    fn meant(
        &self,
        batch: &str,
        step: &str,
        state: Option<&str>,
        batch_state: Option<&str>,
    ) -> Result<Shown, Unknown> {
        if is_nothing(batch) {
            return Err((format!("{} shows no batch", self.points.batch), false));
        }
        let found = self.points.steps.iter().find(|(shown, _)| shown == step);
        let step = match found {
            Some((_, step)) => step.as_str().into(),
            None if is_nothing(step) => return Err((format!("{} shows no step", self.points.step), false)),
            None => {
                let why = format!(
                    "{} shows {step:?}, which is no step the table knows",
                    self.points.step
                );
                return Err((why, true));
            }
        };
        Ok(Shown {
            batch: batch.into(),
            batch_state: self.state(self.points.batch_state.as_ref(), batch_state)?,
            step,
            state: self.state(self.points.state.as_ref(), state)?,
        })
    }

    fn state(&self, point: Option<&PointName>, shown: Option<&str>) -> Result<Reported, Unknown> {
        let (Some(point), Some(shown)) = (point, shown) else {
            return Ok(Reported::Running);
        };
        let found = self.points.states.iter().find(|(known, _)| known == shown);
        match found {
            Some((_, meant)) => Ok(*meant),
            None if is_nothing(shown) => Err((format!("{point} shows no state"), false)),
            None => Err((
                format!("{point} shows {shown:?}, which is no state the table knows"),
                true,
            )),
        }
    }

    fn take(&mut self, shown: Shown, counter: String, since: Stamp, unsure: i64) -> Found {
        let was_lost = self.lost.take().is_some();
        let unchanged = self.taken.as_ref().is_some_and(|(known, _)| *known == counter);
        if unchanged && !was_lost && self.taken.as_ref().is_some_and(|(_, known)| *known == shown) {
            return Found::Same;
        }
        self.taken = Some((counter.clone(), shown.clone()));
        Found::Shows {
            shown,
            counter,
            since,
            unsure,
            unchanged,
        }
    }

    fn lose(&mut self, since: Stamp, (why, unknown): Unknown) -> Option<Found> {
        if self.lost.as_ref() == Some(&why) {
            return None;
        }
        self.lost = Some(why.clone());
        Some(Found::Lost { since, why, unknown })
    }
}

/// As the table writes it: numbers without needless zeros, texts without blanks around them.
fn plain(value: &Value) -> String {
    match value {
        Value::Quantity(quantity) => quantity.amount.number().normalize().to_string(),
        Value::Text(text) => text
            .trim_matches(|c: char| c.is_whitespace() || c == '\0')
            .to_owned(),
    }
}

/// Empty, or nothing but zeros.
fn is_nothing(text: &str) -> bool {
    text.chars().all(|c| c == '0')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use record::{Amount, Quantity, Unit};

    fn point(measure: &str) -> PointName {
        PointName {
            tag: "PLC-3".to_owned(),
            measure: measure.to_owned(),
        }
    }

    fn watcher() -> Watcher {
        Watcher::new(&ContextPoints {
            batch: point("batch"),
            step: point("step"),
            state: Some(point("state")),
            batch_state: None,
            counter: point("changes"),
            steps: vec![
                ("10".to_owned(), "charge-water".to_owned()),
                ("20".to_owned(), "emulsify".to_owned()),
            ],
            states: vec![
                ("1".to_owned(), Reported::Idle),
                ("2".to_owned(), Reported::Running),
                ("9".to_owned(), Reported::Held),
            ],
        })
    }

    /// One poll: batch, step, state, counter, as the equipment answers them in this order.
    fn poll(watcher: &mut Watcher, at: i64, shown: &str) -> Vec<String> {
        let words: Vec<&str> = shown.split_whitespace().collect();
        let names = ["batch", "step", "state", "changes"];
        let mut found = Vec::new();
        for (name, word) in names.iter().zip(words) {
            let answer = match word {
                "bad" => Answer::Bad("sensor break".to_owned()),
                "-" => Answer::Good(Value::Text("  ".to_owned())),
                number if number.parse::<i64>().is_ok() => Answer::Good(Value::Quantity(Quantity {
                    amount: Amount::read(number).unwrap(),
                    unit: Unit::named("1").unwrap(),
                })),
                text => Answer::Good(Value::Text(text.to_owned())),
            };
            found.extend(
                watcher
                    .read(&point(name), &answer, Stamp(at))
                    .map(|found| said(&found)),
            );
        }
        found
    }

    fn said(found: &Found) -> String {
        match found {
            Found::Shows {
                shown,
                since,
                unsure,
                unchanged,
                ..
            } => format!(
                "{} {} {:?} since {} unsure {unsure}{}",
                shown.batch,
                shown.step,
                shown.state,
                since.0,
                if *unchanged { " unchanged" } else { "" }
            ),
            Found::Same => "same".to_owned(),
            Found::Lost { since, why, unknown } => {
                format!(
                    "lost since {}{}: {why}",
                    since.0,
                    if *unknown { " unknown" } else { "" }
                )
            }
        }
    }

    #[test]
    fn what_is_shown_counts_only_when_the_counter_agrees_before_and_after() {
        let mut plc = watcher();
        let nothing: [&str; 0] = [];
        assert_eq!(
            poll(&mut plc, 1000, "B-1 10 2 7"),
            nothing,
            "a first look has no before"
        );
        assert_eq!(
            poll(&mut plc, 2000, "B-1 10 2 7"),
            ["B-1 charge-water Running since 1000 unsure 0"]
        );
        assert_eq!(poll(&mut plc, 3000, "B-1 10 2 7"), ["same"]);
        // The new step is there already and the counter not yet, or the other way round: not taken.
        assert_eq!(poll(&mut plc, 4000, "B-1 20 2 8"), nothing);
        assert_eq!(
            poll(&mut plc, 5000, "B-1 20 2 8"),
            ["B-1 emulsify Running since 4000 unsure 1000"]
        );
        // Torn: the step changed between the two looks at the counter.
        assert_eq!(poll(&mut plc, 6000, "B-1 10 2 9"), nothing);
        assert_eq!(poll(&mut plc, 7000, "B-2 20 2 10"), nothing);
        assert_eq!(
            poll(&mut plc, 8000, "B-2 20 2 10"),
            ["B-2 emulsify Running since 7000 unsure 2000"]
        );
    }

    #[test]
    fn what_the_table_does_not_know_is_never_guessed() {
        for (shown, why) in [
            (
                "B-1 30 2 8",
                "lost since 3000 unknown: PLC-3.step shows \"30\", which is no step the table knows",
            ),
            (
                "B-1 20 77 8",
                "lost since 3000 unknown: PLC-3.state shows \"77\", which is no state the table knows",
            ),
            ("B-1 0 2 8", "lost since 3000: PLC-3.step shows no step"),
            ("0 20 2 8", "lost since 3000: PLC-3.batch shows no batch"),
            ("- 20 2 8", "lost since 3000: PLC-3.batch shows no batch"),
        ] {
            let mut plc = watcher();
            poll(&mut plc, 1000, "B-1 10 2 7");
            poll(&mut plc, 2000, "B-1 10 2 7");
            poll(&mut plc, 3000, shown);
            assert_eq!(poll(&mut plc, 4000, shown), [why]);
            assert!(poll(&mut plc, 5000, shown).is_empty(), "it is said once");
        }
    }

    #[test]
    fn a_bad_point_loses_context_at_once_and_the_counter_proves_what_it_missed() {
        let mut plc = watcher();
        poll(&mut plc, 1000, "B-1 10 2 7");
        poll(&mut plc, 2000, "B-1 10 2 7");
        assert_eq!(
            poll(&mut plc, 3000, "bad 10 2 7"),
            ["lost since 3000: PLC-3.batch is bad: sensor break"]
        );
        assert_eq!(
            poll(&mut plc, 4000, "B-1 10 2 7"),
            ["B-1 charge-water Running since 1000 unsure 0 unchanged"]
        );
    }

    #[test]
    fn a_counter_that_never_stands_still_tells_nothing() {
        let mut plc = watcher();
        poll(&mut plc, 1000, "B-1 10 2 7");
        poll(&mut plc, 2000, "B-1 10 2 7");
        let mut found = Vec::new();
        for at in 3..20 {
            found.extend(poll(&mut plc, at * 1000, &format!("B-1 10 2 {}", at + 100)));
        }
        assert_eq!(
            found,
            ["lost since 3000 unknown: its change counter never stands still"]
        );
    }
}
