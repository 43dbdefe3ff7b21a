//! Sessions of people at browsers: begun by a proof, locked when nobody moves, ended after a shift.
//!
//! Pure: whoever asks says what time it is. A session is known by the hash of its cookie only. It holds no roles: those
//! are looked up for every request, so that a change holds at once.

use super::people::Method;
use record::Hash;
use std::{collections::HashMap, time::Duration};

/// How long sessions last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lasting {
    /// Without use for so long the screen locks.
    pub lock_after: Duration,
    /// No session is longer than this.
    pub at_most: Duration,
}

/// One session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub person: String,
    /// The panel it was begun at.
    pub panel: Option<String>,
    pub method: Method,
    /// What every form of this session carries back.
    pub form: String,
    begun: Duration,
    used: Duration,
    /// Somebody asked for it.
    locked: bool,
}

/// How a session stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// No such session.
    None,
    /// It was too long, and is no more.
    Over(Held),
    /// Nobody used it for a while: the same person goes on after proving again.
    Locked(Held),
    Open(Held),
}

/// More sessions than any line has browsers; the one used longest ago makes room.
const MOST: usize = 256;

/// Every session.
#[derive(Debug)]
pub struct Sessions {
    lasting: Lasting,
    held: HashMap<Hash, Held>,
}

impl Sessions {
    pub fn new(lasting: Lasting) -> Self {
        Self {
            lasting,
            held: HashMap::new(),
        }
    }

    pub fn lasting(&self) -> Lasting {
        self.lasting
    }

    /// Begins a session under a fresh cookie. A panel has one session: the one before ends.
    pub fn begin(
        &mut self,
        cookie: &str,
        form: String,
        (person, method): (&str, Method),
        panel: Option<&str>,
        now: Duration,
    ) {
        if let Some(panel) = panel {
            self.held.retain(|_, held| held.panel.as_deref() != Some(panel));
        }
        if self.held.len() >= MOST {
            let oldest = self.held.iter().min_by_key(|(_, held)| held.used);
            if let Some(oldest) = oldest.map(|(cookie, _)| *cookie) {
                self.held.remove(&oldest);
            }
        }
        let held = Held {
            person: person.to_owned(),
            panel: panel.map(str::to_owned),
            method,
            form,
            begun: now,
            used: now,
            locked: false,
        };
        self.held.insert(Hash::of(cookie.as_bytes()), held);
    }

    /// How a session stands; `used` when a person did something, not when a page renewed itself.
    pub fn look(&mut self, cookie: &str, used: bool, now: Duration) -> Standing {
        let key = Hash::of(cookie.as_bytes());
        let Some(held) = self.held.get_mut(&key) else {
            return Standing::None;
        };
        if now.saturating_sub(held.begun) >= self.lasting.at_most {
            return self.held.remove(&key).map_or(Standing::None, Standing::Over);
        }
        if held.locked || now.saturating_sub(held.used) >= self.lasting.lock_after {
            return Standing::Locked(held.clone());
        }
        if used {
            held.used = now;
        }
        Standing::Open(held.clone())
    }

    /// Locks a session at once, because somebody asked for it.
    pub fn lock(&mut self, cookie: &str) {
        if let Some(held) = self.held.get_mut(&Hash::of(cookie.as_bytes())) {
            held.locked = true;
        }
    }

    /// Ends a session.
    pub fn end(&mut self, cookie: &str) -> Option<Held> {
        self.held.remove(&Hash::of(cookie.as_bytes()))
    }

    /// Ends every session of one person: another password, a revoked account.
    pub fn end_all_of(&mut self, person: &str) {
        self.held.retain(|_, held| held.person != person);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    const LASTING: Lasting = Lasting {
        lock_after: Duration::from_secs(600),
        at_most: Duration::from_secs(12 * 3600),
    };

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(100_000 + seconds)
    }

    fn begun() -> Sessions {
        let mut sessions = Sessions::new(LASTING);
        sessions.begin("c", "f".into(), ("p-17", Method::Password), Some("left"), at(0));
        sessions
    }

    #[test]
    fn a_screen_locks_when_nobody_moves_and_not_while_somebody_does() {
        let mut sessions = begun();
        for seconds in [500, 1000, 1500] {
            assert!(
                matches!(sessions.look("c", true, at(seconds)), Standing::Open(_)),
                "{seconds}"
            );
        }
        assert!(matches!(sessions.look("c", true, at(2100)), Standing::Locked(_)));
        assert!(
            matches!(sessions.look("c", true, at(2101)), Standing::Locked(_)),
            "a touch does not unlock"
        );
    }

    #[test]
    fn a_page_that_renews_itself_keeps_no_session_alive() {
        let mut sessions = begun();
        for seconds in (0..600).step_by(10) {
            assert!(
                matches!(sessions.look("c", false, at(seconds)), Standing::Open(_)),
                "{seconds}"
            );
        }
        assert!(matches!(sessions.look("c", false, at(600)), Standing::Locked(_)));
    }

    #[test]
    fn no_session_is_longer_than_a_shift_however_busy() {
        let mut sessions = begun();
        for minutes in 1..720 {
            assert!(matches!(
                sessions.look("c", true, at(minutes * 60)),
                Standing::Open(_)
            ));
        }
        assert!(matches!(
            sessions.look("c", true, at(12 * 3600)),
            Standing::Over(_)
        ));
        assert_eq!(sessions.look("c", true, at(12 * 3600)), Standing::None);
    }

    #[test]
    fn a_panel_has_one_session_and_another_browser_its_own() {
        let mut sessions = begun();
        sessions.begin(
            "d",
            "g".into(),
            ("p-18", Method::BadgeAndPin),
            Some("left"),
            at(1),
        );
        sessions.begin("e", "h".into(), ("p-19", Method::Password), None, at(1));
        assert_eq!(sessions.look("c", true, at(2)), Standing::None);
        assert!(matches!(sessions.look("d", true, at(2)), Standing::Open(held) if held.person == "p-18"));
        sessions.end_all_of("p-18");
        assert_eq!(sessions.look("d", true, at(2)), Standing::None);
        assert!(matches!(sessions.look("e", true, at(2)), Standing::Open(_)));
    }

    #[test]
    fn a_person_locks_the_screen_when_leaving_it() {
        let mut sessions = begun();
        sessions.lock("c");
        assert!(matches!(sessions.look("c", true, at(6)), Standing::Locked(held) if held.person == "p-17"));
        assert!(sessions.end("c").is_some() && sessions.end("c").is_none());
    }

    #[test]
    fn a_screen_is_locked_also_in_the_first_minutes_of_a_machine() {
        let mut sessions = Sessions::new(LASTING);
        let soon = Duration::from_secs(5);
        sessions.begin("c", "f".into(), ("p-17", Method::Password), Some("left"), soon);
        sessions.lock("c");
        assert!(matches!(sessions.look("c", true, soon), Standing::Locked(_)));
    }

    #[test]
    fn sessions_are_bounded_and_the_one_in_use_stays() {
        let mut sessions = begun();
        for nth in 0..2 * MOST as u64 {
            sessions.look("c", true, at(nth));
            sessions.begin(
                &format!("x{nth}"),
                String::new(),
                ("p-1", Method::Password),
                None,
                at(nth),
            );
        }
        assert!(sessions.held.len() <= MOST);
        assert!(matches!(sessions.look("c", true, at(513)), Standing::Open(_)));
    }
}
