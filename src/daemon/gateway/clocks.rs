//! What the gateway says and enters about its clock.

use super::Core;
use crate::flow::{
    board::Urgency,
    clock::{Finding, Look},
    needs::Sync,
};
use record::{Draft, Stamp, Trouble};
use std::time::Duration;

impl Core {
    fn look_at_clock(&self, now: Stamp, elapsed: Duration) -> Look {
        Look {
            now,
            elapsed,
            sync: self.clock.sync().0,
            may_differ: self.plant.gateway.clock_may_differ_by,
        }
    }

    /// The first look of a run, beside the last page of the ledger.
    pub(in crate::daemon) fn clock_starts(&mut self, last: Option<Stamp>) -> Result<(), Trouble> {
        let look = self.look_at_clock(self.clock.now(), self.clock.elapsed());
        let findings = self.state.clock.start(look, last);
        findings
            .into_iter()
            .try_for_each(|finding| self.clock_found(look.now, finding))
    }

    /// The wall clock against the one that never steps.
    pub(in crate::daemon) fn clocks(&mut self, now: Stamp, elapsed: Duration) -> Result<(), Trouble> {
        let look = self.look_at_clock(now, elapsed);
        let findings = self.state.clock.look(look);
        self.bound.bound(self.state.clock.bound_ms(elapsed));
        findings
            .into_iter()
            .try_for_each(|finding| self.clock_found(now, finding))
    }

    /// A receipt: the record store's clock stood between the two.
    pub(in crate::daemon) fn clock_receipted(&mut self, sealed: Stamp, stored: Stamp) -> Result<(), Trouble> {
        let look = self.look_at_clock(self.clock.now(), self.clock.elapsed());
        let finding = self.state.clock.receipted(look, sealed, stored);
        self.bound.bound(self.state.clock.bound_ms(look.elapsed));
        finding.map_or(Ok(()), |finding| self.clock_found(look.now, finding))
    }

    fn clock_found(&mut self, now: Stamp, finding: Finding) -> Result<(), Trouble> {
        let draft = |because: &'static str| Draft::new("clock", now).with("because", because);
        match finding {
            Finding::Step { ms, before } => {
                self.enter(
                    draft("step")
                        .data("step_ms", ms)
                        .data("before", before)
                        .data("after", now),
                )?;
                self.say(
                    Trouble::new("clock-step", format!("the clock stepped by {ms} ms"))
                        .means("order is certain, it never comes from the clock; the step is an entry")
                        .so("find out who set the clock; a time server should keep it"),
                );
            }
            Finding::Kept(sync) => {
                let because = match sync {
                    Sync::Synchronised => "synchronised",
                    Sync::Unsynchronised => "lost",
                    Sync::Unknown => "unknown",
                };
                let error = self.clock.sync().1;
                self.enter(draft(because).data("error_ms", error))?;
            }
            Finding::BehindTheLedger { last } => {
                self.enter(draft("behind").data("before", last).data("after", now))?;
                let trouble = Trouble::new(
                    "clock-behind",
                    format!(
                        "the clock shows {}, and the last entry was made at {}",
                        self.in_plant_time(now),
                        self.in_plant_time(last)
                    ),
                )
                .means("order is certain, it never comes from the clock; but the times of entries are wrong until it is set")
                .so("set the clock, or let a time server keep it; an empty battery on the board is the usual cause");
                self.call("clock-behind".into(), Urgency::Doubt, &trouble, now);
                self.say(trouble);
            }
            Finding::BeforeEverything => {
                self.enter(draft("implausible").data("after", now))?;
                let trouble = Trouble::new(
                    "clock-implausible",
                    format!("the clock was never set: it shows {}", self.in_plant_time(now)),
                )
                .means("order is certain; times are wrong, and certificates are judged by this clock, so the broker may not be reached over TLS")
                .so("set the clock, or let a time server keep it; an empty battery on the board is the usual cause");
                self.call("clock-implausible".into(), Urgency::Doubt, &trouble, now);
                self.say(trouble);
            }
            Finding::Differs { ms } => {
                self.enter(draft("differs").data("error_ms", ms))?;
                let way = if ms > 0 { "ahead of" } else { "behind" };
                let trouble = Trouble::new(
                    "clock-differs",
                    format!(
                        "the clock is {} {way} the record store's, by its receipts",
                        in_words(Duration::from_millis(ms.unsigned_abs()))
                    ),
                )
                .means("order is certain; one of the two clocks is wrong, and so are times by it. That it is so is an entry")
                .so("compare both with a clock you trust: steelyard clock check");
                self.call("clock-differs".into(), Urgency::Doubt, &trouble, now);
                self.say(trouble);
            }
            Finding::AgreesAgain => {
                self.enter(draft("agrees"))?;
            }
        }
        let over: &[&str] = match finding {
            Finding::Step { .. } => &["clock-behind", "clock-implausible"],
            Finding::AgreesAgain => &["clock-differs"],
            _ => &[],
        };
        self.state.calls.retain(|call| !over.contains(&call.id.as_str()));
        Ok(())
    }
}

/// `4 min 10 s`.
pub(in crate::daemon) fn in_words(time: Duration) -> String {
    let (seconds, ms) = (time.as_secs(), time.subsec_millis());
    match seconds {
        0 => format!("{ms} ms"),
        1..60 => format!("{seconds}.{} s", ms / 100),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} days", seconds / 86_400),
    }
}
