//! Whether capture is alive: beats while what is entered becomes durable in its time, and stops within two seconds
//! when it no longer does, whatever the reason: a full disk, a hung disk, a stuck program.

use super::board::Pulse;
use std::{collections::VecDeque, time::Duration};

/// What the beat is made of.
#[derive(Debug, Default)]
pub struct Heart {
    beats: u64,
    last_beat: Duration,
    /// What was entered and is not durable yet: up to which number, since when.
    waiting: VecDeque<(u64, Duration)>,
}

/// How capture stands at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    pub at: Duration,
    /// The last entry that has a number.
    pub entered: u64,
    /// The last that is durable.
    pub captured: u64,
    /// Readings are taken at all.
    pub capturing: bool,
    /// An entry may wait this long before it is sealed.
    pub seal_within: Duration,
}

impl Heart {
    /// Looks again; to be called many times a second.
    pub fn look(&mut self, standing: Standing) -> Pulse {
        let Standing {
            at,
            entered,
            captured,
            capturing,
            seal_within,
        } = standing;
        while self.waiting.front().is_some_and(|(seq, _)| *seq <= captured) {
            self.waiting.pop_front();
        }
        if entered > captured && self.waiting.back().is_none_or(|(seq, _)| *seq < entered) {
            self.waiting.push_back((entered, at));
        }
        let waits = self
            .waiting
            .front()
            .map_or(Duration::ZERO, |(_, since)| at.saturating_sub(*since));
        let recording = capturing && waits <= seal_within + LATE;
        if recording && at.saturating_sub(self.last_beat) >= BEAT {
            self.beats += 1;
            self.last_beat = at;
        }
        Pulse {
            beats: self.beats,
            recording,
            at,
        }
    }
}

/// Half a beat of what a controller sees toggling.
const BEAT: Duration = Duration::from_millis(500);
/// A disk may take this long beyond the time an entry may wait. With the second it waits by itself, it is within two.
const LATE: Duration = Duration::from_millis(700);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn standing(ms: u64, entered: u64, captured: u64) -> Standing {
        Standing {
            at: Duration::from_millis(ms),
            entered,
            captured,
            capturing: true,
            seal_within: Duration::from_secs(1),
        }
    }

    #[test]
    fn it_beats_twice_a_second_while_entries_become_durable() {
        let mut heart = Heart::default();
        let mut pulse = Pulse::default();
        for ms in (0..=10_000).step_by(100) {
            pulse = heart.look(standing(ms, ms / 10 + 5, ms / 10));
            assert!(pulse.recording, "{ms}");
        }
        assert_eq!(pulse.beats, 20);
    }

    #[test]
    fn it_also_beats_when_there_is_nothing_to_enter() {
        let mut heart = Heart::default();
        let beats: Vec<u64> = (0..=40)
            .map(|tick| heart.look(standing(tick * 100, 7, 7)).beats)
            .collect();
        assert_eq!(*beats.last().unwrap(), 8);
    }

    #[test]
    fn a_disk_that_hangs_stops_it_within_two_seconds_of_the_time_the_entry_was_due() {
        let mut heart = Heart::default();
        heart.look(standing(0, 9, 9));
        let stops = (0..100)
            .map(|tick| tick * 100)
            .find(|ms| !heart.look(standing(*ms, 10 + ms / 100, 9)).recording);
        let stops = stops.unwrap();
        assert!((1700..=2000).contains(&stops), "{stops}");
        let before = heart.look(standing(4000, 60, 9)).beats;
        assert_eq!(heart.look(standing(9000, 90, 9)).beats, before);
        assert!(
            heart.look(standing(9100, 90, 90)).recording,
            "and goes on by itself"
        );
    }

    #[test]
    fn capture_that_has_stopped_is_not_alive() {
        let mut heart = Heart::default();
        let stopped = Standing {
            capturing: false,
            ..standing(700, 9, 9)
        };
        assert_eq!(
            heart.look(stopped),
            Pulse {
                beats: 0,
                recording: false,
                at: stopped.at
            }
        );
    }
}
