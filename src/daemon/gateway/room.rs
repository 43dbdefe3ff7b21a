//! Room on the disk: capture stops visibly before there is none, and resumes by itself.

use super::Core;
use crate::flow::{board::Urgency, line::LineEvent};
use record::{Draft, Stamp, Trouble};

impl Core {
    /// Room on the disk: capture stops visibly before there is none, and resumes by itself.
    pub(in crate::daemon) fn room(&mut self, now: Stamp) -> Result<(), Trouble> {
        let Ok(free) = self.disk.free() else { return Ok(()) };
        self.state.free = Some(free);
        let below = free < self.plant.gateway.stop_capture_below;
        match (below, self.state.stopped_since) {
            (true, None) => {
                self.enter(
                    Draft::new("exception", now)
                        .with("because", "capture-stopped")
                        .data("found", free),
                )?;
                self.state.stopped_since = Some(now);
                self.state.stopped_because = format!("{} MiB are free, below stop_capture_below", free >> 20);
                let words = Trouble::new("capture-stopped", format!("capture has stopped: {}", self.state.stopped_because))
                    .means("nothing captured is lost; from now on readings are a gap, which is entered when capture resumes")
                    .so("make room on the disk, or bring the record store back; capture resumes by itself");
                self.call("capture-stopped".into(), Urgency::Act, &words, now);
                self.say(words);
            }
            (false, Some(since)) => {
                self.state.stopped_since = None;
                self.state.stopped_because.clear();
                self.state.calls.retain(|call| call.id != "capture-stopped");
                self.enter(Draft::new("exception", now).with("because", "capture-resumed"))?;
                self.event(LineEvent::WasOff {
                    from: since,
                    until: now,
                    because: "no-room",
                })?;
                self.say(
                    Trouble::new("capture-resumed", "capture goes on: there is room again")
                        .means("the time between is a gap in the record"),
                );
            }
            _ => {}
        }
        Ok(())
    }

    /// Room in hours at the present rate.
    pub(in crate::daemon) fn hours_left(&self) -> Option<f64> {
        let (first, last) = (self.state.bytes.front()?.0, self.clock.elapsed());
        let seconds = last.saturating_sub(first).as_secs_f64();
        if seconds < 10.0 {
            return None;
        }
        let sum: u64 = self.state.bytes.iter().map(|(_, bytes)| bytes).sum();
        let room = self
            .state
            .free?
            .saturating_sub(self.plant.gateway.stop_capture_below);
        Some(room as f64 / (sum as f64 / seconds) / 3600.0)
    }
}
