//! "Unchanged" and "not observed" are different. A subscription that says it is alive says with it that nothing in it
//! has changed: its values are readings once more, of the time at which that was said. One that says nothing makes none.

use super::{Action, Moment, ServerLink};
use std::time::Duration;

impl ServerLink {
    pub(super) fn hold(&mut self, at: Moment, out: &mut Vec<Action>) {
        for place in 0..self.stations.len() {
            let station = &mut self.stations[place];
            if station.asked.out_of_service || station.reads.is_some() || station.slots.due() > at.elapsed {
                continue;
            }
            station.slots.take(at.elapsed);
            let Some(proven) = station.proven else { continue };
            // a reading that is younger than the pace needs no second
            let young = station.asked.every.mul_f64(0.6).max(Duration::from_millis(1));
            let mut due = Vec::new();
            for last in station.last.values_mut() {
                if proven.elapsed >= last.given + young {
                    last.given = proven.elapsed;
                    due.push(last.reading.clone());
                }
            }
            for reading in due {
                self.give(at, place, &reading, proven.now, true, out);
            }
        }
    }
}
