//! The wall clock against the one that never steps.

use super::Core;
use record::{Draft, Stamp, Trouble};
use std::time::Duration;

impl Core {
    /// The wall clock against the one that never steps.
    pub(in crate::daemon) fn clocks(&mut self, now: Stamp, elapsed: Duration) -> Result<(), Trouble> {
        let offset = now.0 - elapsed.as_millis() as i64;
        let before = *self.state.clock_offset.get_or_insert(offset);
        let step = offset - before;
        let limit = self.plant.gateway.clock_may_differ_by.as_millis() as i64;
        if step.abs() > limit {
            self.state.clock_offset = Some(offset);
            let draft = Draft::new("clock", now)
                .with("because", "step")
                .data("step_ms", step);
            self.enter(draft.data("before", now.plus_ms(-step)).data("after", now))?;
            self.say(
                Trouble::new("clock-step", format!("the clock stepped by {step} ms"))
                    .means("order is certain, it never comes from the clock; the step is an entry")
                    .so("find out who set the clock; a time server should keep it"),
            );
        }
        let (sync, error) = self.clock.sync();
        let word = sync.word();
        let was = *self.state.was_synchronised.get_or_insert(word);
        if was != word {
            self.state.was_synchronised = Some(word);
            let because = match word {
                "synchronised" => "synchronised",
                "unsynchronised" => "lost",
                _ => "unknown",
            };
            self.enter(
                Draft::new("clock", now)
                    .with("because", because)
                    .data("error_ms", error),
            )?;
        }
        Ok(())
    }
}
