//! Calibrations that end soon: said 30, 7 and 1 days before, and when they are over; once each.

use super::Core;
use crate::flow::board::Urgency;
use record::{Stamp, Trouble};

/// Days before, at which a person is told.
const DAYS: [i32; 3] = [1, 7, 30];

impl Core {
    pub(super) fn calibrations_due(&mut self, now: Stamp) {
        for (tag, until, left) in self.line.calibrations_due(now) {
            let step = if left < 0 {
                Some(-1)
            } else {
                DAYS.into_iter().find(|days| left <= *days)
            };
            let told = self.state.due_told.get(&tag).copied();
            if step == told {
                continue;
            }
            let id = format!("calibration-{tag}");
            self.state.calls.retain(|call| call.id != id);
            let Some(step) = step else {
                self.state.due_told.remove(&tag);
                continue;
            };
            self.state.due_told.insert(tag.clone(), step);
            let (urgency, words) = if left < 0 {
                let words = Trouble::new(
                    "calibration-is-over",
                    format!("{tag} was calibrated until {until}"),
                )
                .at(&tag)
                .means("its readings are marked; a batch that they belong to carries an exception")
                .so("calibrate it, then `steelyard calibration`");
                (Urgency::Doubt, words)
            } else {
                let days = match left {
                    0 => "today is its last day".to_owned(),
                    1 => "one day is left".to_owned(),
                    days => format!("{days} days are left"),
                };
                let words = Trouble::new(
                    "calibration-due",
                    format!("{tag} is calibrated until {until}: {days}"),
                )
                .at(&tag)
                .means("nothing yet: until the end of that day its readings count")
                .so("have it calibrated, then `steelyard calibration`");
                (Urgency::Look, words)
            };
            self.call(id, urgency, &words, now);
            self.say(words);
        }
    }
}
