//! The books: nothing that was read is anywhere but entered, summarised or in a gap; nothing that was entered is anywhere
//! but receipted, pending or set aside. Counted at different doors by different hands, so that a reading dropped between
//! two of them shows.

use serde::Serialize;

/// What the line says of the readings it was given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Booked {
    /// Given to it.
    pub came: u64,
    /// Entered by it.
    pub entered: u64,
    /// Taken into intervals, limits and rules; no entry of their own, as their capture asks.
    pub summarised: u64,
    /// Fell into a gap a person had declared.
    pub declared: u64,
    /// Not taken yet, or not entered yet.
    pub held: u64,
    /// Should have become entries and did not.
    pub lost: u64,
}

/// Readings, counted outside the line since the gateway started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Readings {
    /// Came from equipment.
    pub read: u64,
    /// Came while capture was stopped: the gap says so.
    pub kept_out: u64,
    /// Numbered.
    pub numbered: u64,
    /// Captured.
    pub captured: u64,
}

/// Entries of the whole ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Entries {
    /// Captured, by the sealer.
    pub entered: u64,
    pub receipted: u64,
    pub pending: u64,
    pub set_aside: u64,
}

/// The books as they are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// Readings since the start.
    pub read: u64,
    pub read_entered: u64,
    pub summarised: u64,
    pub in_gaps: u64,
    pub held: u64,
    /// Entries of this ledger.
    pub entered: u64,
    pub receipted: u64,
    pub pending: u64,
    pub set_aside: u64,
    /// Whether both hold.
    pub balanced: bool,
}

impl Readings {
    /// What does not balance, in words.
    pub fn against(&self, line: &Booked) -> Result<(), String> {
        let sums = [
            (
                "read",
                self.read,
                "given to the line or kept out while capture was stopped",
                line.came + self.kept_out,
            ),
            (
                "given to the line",
                line.came,
                "entered, summarised, held or in a declared gap",
                line.entered + line.summarised + line.declared + line.held,
            ),
            ("entered by the line", line.entered, "numbered", self.numbered),
        ];
        for (one, count, other, sum) in sums {
            if count != sum {
                return Err(format!("{count} readings were {one}, and {sum} {other}"));
            }
        }
        if line.lost > 0 {
            return Err(format!("{} readings should be entries and are not", line.lost));
        }
        if self.captured > self.numbered {
            return Err(format!(
                "{} readings were captured, and {} numbered",
                self.captured, self.numbered
            ));
        }
        Ok(())
    }
}

impl Entries {
    /// What does not balance, in words.
    pub fn balance(&self) -> Result<(), String> {
        let sum = self.receipted + self.pending + self.set_aside;
        if sum == self.entered {
            return Ok(());
        }
        Err(format!(
            "{} entries are captured, and {sum} receipted, pending or set aside",
            self.entered
        ))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    type Spoil = fn(&mut Readings, &mut Booked);

    #[test]
    fn each_reading_that_is_nowhere_shows_and_says_between_which_doors() {
        let line = Booked {
            came: 90,
            entered: 60,
            summarised: 20,
            declared: 4,
            held: 6,
            lost: 0,
        };
        let readings = Readings {
            read: 100,
            kept_out: 10,
            numbered: 60,
            captured: 55,
        };
        assert_eq!(readings.against(&line), Ok(()));
        let cases: &[(Spoil, &str)] = &[
            (
                |readings, _| readings.read += 1,
                "101 readings were read, and 100",
            ),
            (
                |_, line| line.summarised -= 1,
                "90 readings were given to the line, and 89",
            ),
            (
                |_, line| {
                    line.entered += 1;
                    line.held -= 1;
                },
                "61 readings were entered by the line, and 60 numbered",
            ),
            (
                |readings, _| readings.captured = 61,
                "61 readings were captured, and 60 numbered",
            ),
            (|_, line| line.lost = 1, "1 readings should be entries"),
        ];
        for (spoil, says) in cases {
            let (mut readings, mut line) = (readings, line);
            spoil(&mut readings, &mut line);
            let found = readings.against(&line).unwrap_err();
            assert!(found.starts_with(says), "{found}");
        }
    }

    #[test]
    fn entries_are_receipted_pending_or_set_aside_and_nothing_else() {
        let entries = Entries {
            entered: 100,
            receipted: 90,
            pending: 8,
            set_aside: 2,
        };
        assert_eq!(entries.balance(), Ok(()));
        for spoil in [
            |entries: &mut Entries| entries.pending -= 1,
            |entries: &mut Entries| entries.receipted += 1,
            |entries: &mut Entries| entries.entered += 1,
        ] {
            let mut entries = entries;
            spoil(&mut entries);
            entries.balance().unwrap_err();
        }
    }
}
