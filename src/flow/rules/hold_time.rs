//! `hold-time`: from one moment of the batch to another. For the longest time the oldest begin counts, for the
//! shortest the newest.

use super::{
    Class, Finding,
    words::{Words, ms, span},
};
use crate::config::rule::{self, Moment};
use record::Stamp;

#[derive(Debug, Clone, Default)]
pub(super) struct HoldTime {
    /// The first and the last begin that have not come to their end.
    open: Option<(Stamp, Stamp)>,
    ended: bool,
    told: bool,
}

impl HoldTime {
    pub(super) fn happened(
        &mut self,
        asks: &rule::HoldTime,
        moment: &Moment,
        time: Stamp,
        found: &mut Vec<Finding>,
    ) {
        if *moment == asks.from {
            let first = self.open.map_or(time, |(first, _)| first);
            self.open = Some((first, time));
        }
        if *moment == asks.to {
            match self.open.take() {
                Some((first, last)) => {
                    self.too_long(asks, first, time, "took", found);
                    let held = time.ms_since(last);
                    if let Some(least) = asks.at_least.filter(|least| held < ms(*least)) {
                        let says = format!(
                            "from the {} to the {}: {}, at least {} were asked",
                            asks.from,
                            asks.to,
                            span(held),
                            span(ms(least))
                        );
                        found.push(since(
                            last,
                            time,
                            Finding::once(Class::HoldTime, "time-short", time, says),
                        ));
                    }
                }
                None if !self.ended => {
                    let says = format!(
                        "the {} came without the {}: no time can be told",
                        asks.to, asks.from
                    );
                    found.push(Finding::once(Class::HoldTime, "not-judged", time, says));
                }
                None => {}
            }
            self.ended = true;
            self.told = false;
        }
    }

    pub(super) fn clock(&mut self, asks: &rule::HoldTime, now: Stamp, found: &mut Vec<Finding>) {
        if let Some((first, _)) = self.open {
            self.too_long(asks, first, now, "lasts", found);
        }
    }

    fn too_long(
        &mut self,
        asks: &rule::HoldTime,
        first: Stamp,
        time: Stamp,
        verb: &str,
        found: &mut Vec<Finding>,
    ) {
        let Some(most) = asks.at_most.filter(|_| !self.told) else {
            return;
        };
        if time.ms_since(first) <= ms(most) {
            return;
        }
        self.told = true;
        // At the moment it ran out, whenever that is noticed.
        let time = first.plus_ms(ms(most));
        let says = format!(
            "from the {} to the {} {verb} longer than {}",
            asks.from,
            asks.to,
            span(ms(most))
        );
        found.push(since(
            first,
            time,
            Finding::once(Class::HoldTime, "time-long", time, says),
        ));
    }

    pub(super) fn end(&mut self, asks: &rule::HoldTime, time: Stamp, found: &mut Vec<Finding>) {
        let Some((first, _)) = self.open else { return };
        self.too_long(asks, first, time, "lasts", found);
        let says = format!("the {} never came after the {}", asks.to, asks.from);
        found.push(since(
            first,
            time,
            Finding::once(Class::HoldTime, "not-judged", time, says),
        ));
    }

    pub(super) fn earned(&self) -> bool {
        self.ended
    }

    pub(super) fn stands(&self, asks: &rule::HoldTime) -> String {
        match (self.open, asks.at_most) {
            (Some((first, _)), Some(most)) => format!("open until {}", first.plus_ms(ms(most))),
            (Some((first, _)), None) => format!("open since {first}"),
            _ => String::new(),
        }
    }

    pub(super) fn remember(&self, words: &mut Words) {
        words.put_time("first", self.open.map(|(first, _)| first));
        words.put_time("last", self.open.map(|(_, last)| last));
        words.put("ended", u8::from(self.ended));
        words.put("told", u8::from(self.told));
    }

    pub(super) fn recall(&mut self, words: &Words) {
        self.open = words.time("first").zip(words.time("last"));
        self.ended = words.get::<u8>("ended") == Some(1);
        self.told = words.get::<u8>("told") == Some(1);
    }
}

fn since(from: Stamp, until: Stamp, finding: Finding) -> Finding {
    Finding {
        from,
        until,
        ..finding
    }
}
