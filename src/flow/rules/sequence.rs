//! `sequence`: steps begin in their order; those that must not be left out are not.

use super::{Class, Finding, words::Words};
use crate::config::rule::{self, Moment};
use record::Stamp;

#[derive(Debug, Clone)]
pub(super) struct Sequence {
    /// Of each step of the order: begun, ended.
    steps: Vec<(bool, bool)>,
}

impl Sequence {
    pub(super) fn new(asks: &rule::Sequence) -> Self {
        Self {
            steps: vec![(false, false); asks.order.len()],
        }
    }

    pub(super) fn happened(
        &mut self,
        asks: &rule::Sequence,
        moment: &Moment,
        time: Stamp,
        found: &mut Vec<Finding>,
    ) {
        let place = |step: &String| asks.order.iter().position(|known| known == step);
        match moment {
            Moment::StepStart(step) => {
                if let Some(at) = place(step) {
                    self.begins(asks, at, time, found);
                }
            }
            Moment::StepEnd(step) => {
                if let Some(at) = place(step) {
                    self.steps[at].1 = true;
                }
            }
            _ => {}
        }
    }

    fn begins(&mut self, asks: &rule::Sequence, at: usize, time: Stamp, found: &mut Vec<Finding>) {
        let name = &asks.order[at];
        let mut say = |because, says: String| found.push(Finding::once(Class::Sequence, because, time, says));
        let later = asks
            .order
            .iter()
            .zip(&self.steps)
            .skip(at + 1)
            .find(|(_, (begun, _))| *begun);
        if let Some((later, _)) = later.filter(|_| !self.steps[at].0) {
            say("out-of-order", format!("{name} begins after {later}"));
        }
        let earlier = || asks.order.iter().zip(&self.steps).take(at);
        for (missing, _) in earlier().filter(|(step, (begun, _))| !begun && asks.mandatory.contains(*step)) {
            say("out-of-order", format!("{name} begins before {missing}"));
        }
        if !asks.parallel {
            for (running, _) in earlier().filter(|(_, (begun, ended))| *begun && !ended) {
                say(
                    "out-of-order",
                    format!("{name} begins before {running} has ended"),
                );
            }
        }
        self.steps[at] = (true, false);
    }

    pub(super) fn end(&mut self, asks: &rule::Sequence, time: Stamp, found: &mut Vec<Finding>) {
        let left_out = asks
            .order
            .iter()
            .zip(&self.steps)
            .filter(|(step, (begun, _))| !begun && asks.mandatory.contains(*step));
        for (step, _) in left_out {
            found.push(Finding::once(
                Class::Sequence,
                "left-out",
                time,
                format!("{step} was left out"),
            ));
        }
    }

    pub(super) fn earned(&self) -> bool {
        self.steps.iter().any(|(begun, _)| *begun)
    }

    pub(super) fn remember(&self, words: &mut Words) {
        let steps: String = self
            .steps
            .iter()
            .map(|step| match step {
                (false, _) => '-',
                (true, false) => 'r',
                (true, true) => 'e',
            })
            .collect();
        words.put("steps", steps);
    }

    pub(super) fn recall(&mut self, words: &Words) {
        let known = words.word("steps").unwrap_or("");
        for (step, mark) in self.steps.iter_mut().zip(known.chars()) {
            *step = (mark != '-', mark == 'e');
        }
    }
}
