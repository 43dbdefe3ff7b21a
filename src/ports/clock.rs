//! The clock of this machine. Order never comes from it, only labels and pace.
//!
//! Pace comes from `CLOCK_BOOTTIME`: it never steps and goes on while the machine sleeps. What is known
//! about the wall clock comes from whoever keeps it, and nothing is claimed that nobody said:
//!
//! | kept by | synchronised when | error bound |
//! |---|---|---|
//! | systemd-timesyncd | `/run/systemd/timesync/synchronized` exists | 400 ms (the largest offset it slews instead of stepping) + 15 ppm of the file's age |
//! | chrony | `chronyc tracking` says so | offset + root dispersion + half the root delay, as it says |
//! | anyone else | never: `unknown` | 0, which beside `unknown` means that no bound is stated |
//!
//! The kernel's own estimate (`adjtimex`) would cover every time server, but has no safe call yet.

use crate::flow::needs::{Clock, Sync, Waiting};
use record::Stamp;
use rustix::time::{ClockId, clock_gettime};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The real clock.
#[derive(Debug, Clone, Default)]
pub struct SystemClock {
    known: Arc<Mutex<Known>>,
}

/// What was last said about the wall clock.
#[derive(Debug, Default)]
struct Known {
    asked_at: Option<Duration>,
    being_asked: bool,
    answer: Option<(Sync, u32)>,
}

impl SystemClock {
    pub fn new() -> Self {
        Self::default()
    }
}

/// How long this thread has had a core to itself: what a benchmark cost, whatever else the machine does.
pub fn on_the_core() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

impl Clock for SystemClock {
    fn now(&self) -> Stamp {
        // A clock before 1970 is a broken clock, and still a label.
        let ms = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => since.as_millis() as i64,
            Err(before) => -(before.duration().as_millis() as i64),
        };
        Stamp(ms)
    }

    fn elapsed(&self) -> Duration {
        let time = clock_gettime(ClockId::Boottime);
        Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
    }

    /// Never waits: the answer is at most [`ASK_EVERY`] old, and a fresh one is fetched beside.
    fn sync(&self) -> (Sync, u32) {
        let now = self.elapsed();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let stale = known
            .asked_at
            .is_none_or(|at| now.saturating_sub(at) >= ASK_EVERY);
        if stale && !known.being_asked {
            known.asked_at = Some(now);
            match timesyncd() {
                Some(answer) => known.answer = Some(answer),
                None if Path::new(CHRONY).is_dir() => {
                    known.being_asked = true;
                    let shared = Arc::clone(&self.known);
                    std::thread::spawn(move || {
                        let answer = chrony();
                        let mut known = shared.lock().unwrap_or_else(PoisonError::into_inner);
                        known.being_asked = false;
                        known.answer = answer;
                    });
                }
                None => known.answer = None,
            }
        }
        known.answer.unwrap_or((Sync::Unknown, 0))
    }

    fn sleep(&self, time: Duration) -> Waiting<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}

fn timesyncd() -> Option<(Sync, u32)> {
    if !Path::new(TIMESYNCD).is_dir() {
        return None;
    }
    let Ok(about) = fs::metadata(Path::new(TIMESYNCD).join("synchronized")) else {
        return Some((Sync::Unsynchronised, 0));
    };
    let age = about
        .modified()
        .ok()
        .and_then(|at| at.elapsed().ok())
        .unwrap_or_default();
    Some((
        Sync::Synchronised,
        400 + (age.as_secs() * 15 / 1000).min(100_000) as u32,
    ))
}

fn chrony() -> Option<(Sync, u32)> {
    let said = Command::new("chronyc")
        .args(["-c", "-n", "tracking"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let said = said.ok().filter(|said| said.status.success())?;
    tracking(std::str::from_utf8(&said.stdout).ok()?)
}

/// Reads one line of `chronyc -c tracking`: fields 4 (offset), 10 (root delay), 11 (root dispersion), 13 (state).
fn tracking(line: &str) -> Option<(Sync, u32)> {
    let fields: Vec<&str> = line.trim().split(',').collect();
    let seconds = |at: usize| fields.get(at)?.parse::<f64>().ok().filter(|s| s.is_finite());
    if *fields.get(13)? == "Not synchronised" {
        return Some((Sync::Unsynchronised, 0));
    }
    let error = seconds(4)?.abs() + seconds(11)? + seconds(10)? / 2.0;
    Some((Sync::Synchronised, (error * 1000.0).ceil().clamp(0.0, 1e9) as u32))
}

const TIMESYNCD: &str = "/run/systemd/timesync";
const CHRONY: &str = "/run/chrony";
const ASK_EVERY: Duration = Duration::from_secs(16);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chrony_says_how_far_off_the_clock_may_be() {
        let line = "C0A80101,192.168.1.1,3,1763633703.12,-0.000012,0.00001,0.00002,-7.1,0.01,0.1,0.0040,0.0015,64.2,Normal\n";
        assert_eq!(tracking(line), Some((Sync::Synchronised, 4)));
        let lost = "00000000,,0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0,1.0,0.0,Not synchronised\n";
        assert_eq!(tracking(lost), Some((Sync::Unsynchronised, 0)));
        assert_eq!(tracking("506 Cannot talk to daemon\n"), None);
    }

    #[test]
    fn pace_goes_forward_and_labels_are_of_this_century() {
        let clock = SystemClock::new();
        let (before, after) = (clock.elapsed(), clock.elapsed());
        assert!(after >= before);
        assert!(clock.now() > Stamp(1_500_000_000_000));
    }
}
