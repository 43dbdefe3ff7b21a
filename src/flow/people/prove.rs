//! Proving that somebody is who they say: the one way, for signing in, for acts, and for every signature.

use super::{Account, LOCKED_MS, People, Person, Spent, TRIES, secret::NOBODY};
use crate::flow::needs::Directory;
use record::{Draft, Stamp, Trouble};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What somebody gives to prove who they are: two components each time, never a badge alone.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Given {
    Password { by: String, secret: String },
    Badge { badge: String, pin: String },
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Password { by, .. } => write!(f, "Given({by}, a password)"),
            Self::Badge { .. } => write!(f, "Given(a badge and a PIN)"),
        }
    }
}

/// How somebody was proven, weakest first.
pub use crate::config::plant::Proof as Method;

/// Somebody who has just proved who they are. Made nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    person: Person,
    method: Method,
    at: Stamp,
}

impl Proven {
    pub fn person(&self) -> &Person {
        &self.person
    }

    pub fn method(&self) -> Method {
        self.method
    }

    pub fn at(&self) -> Stamp {
        self.at
    }

    /// As the gateway's core answers it to a screen of the same program.
    pub(crate) fn to_json(&self) -> String {
        let words = (
            &self.person.id,
            &self.person.name,
            &self.person.roles,
            self.method.word(),
            self.at.0,
        );
        serde_json::to_string(&words).unwrap_or_default()
    }

    /// The core's answer, read back.
    pub(crate) fn from_json(text: &str) -> Option<Self> {
        let (id, name, roles, method, at) =
            serde_json::from_str::<(String, String, Vec<String>, String, i64)>(text).ok()?;
        Some(Self {
            person: Person { id, name, roles },
            method: Method::named(&method)?,
            at: Stamp(at),
        })
    }
}

/// A try that was refused, and the entries that say so.
#[derive(Debug, Clone)]
pub struct Refused {
    pub trouble: Trouble,
    because: &'static str,
    person: String,
    method: &'static str,
    /// The account is locked from now on.
    locks: bool,
    at: Stamp,
}

impl Refused {
    /// The entries: the refused try, and the lock where this try was one too many.
    pub fn drafts(&self, what: &str, from: &str) -> Vec<Draft> {
        let tried = Draft::new("access", self.at)
            .with("state", "refused")
            .with("because", self.because)
            .data("person", self.person.as_str())
            .data("method", self.method)
            .data("from", from)
            .data("what", what);
        let mut drafts = vec![tried];
        if self.locks {
            drafts.push(
                Draft::new("access", self.at)
                    .with("state", "changed")
                    .with("because", "locked")
                    .data("person", self.person.as_str())
                    .data("what", format!("after {TRIES} wrong tries, for 15 minutes")),
            );
        }
        drafts
    }
}

/// Whether these are two people: by identity, not by badge or screen.
pub fn two_people(first: &Person, second: &Person) -> Result<(), Trouble> {
    if first.id == second.id {
        return Err(Trouble::new(
            "same-person",
            format!("{} did this; it is not verified yet", first.name),
        )
        .at(&first.id)
        .means("nothing was verified; what was captured stays captured")
        .so("someone else scans a badge"));
    }
    Ok(())
}

impl Directory for People {
    /// The Argon2id run that proving this will need: secret and hash. For an id nobody has the same time passes.
    fn to_spend(&self, given: &Given) -> (String, String) {
        match given {
            Given::Password { by, secret } => {
                let hash = self.standing(by).map_or(NOBODY, |account| &account.hash);
                (secret.clone(), hash.to_owned())
            }
            Given::Badge { badge, pin } => {
                let hash = self.of_badge(badge).map(|(_, _, hash)| hash);
                (pin.clone(), hash.unwrap_or_else(|| NOBODY.to_owned()))
            }
        }
    }

    /// Proves somebody. After five wrong tries within a quarter of an hour the account is locked for as long. Nobody is
    /// told which of the two components was wrong.
    fn prove_given(&mut self, given: &Given, spent: &Spent, now: Stamp) -> Result<Proven, Refused> {
        let (id, method, secret, hash, worn) = match given {
            Given::Password { by, secret } => {
                let Some(account) = self.standing(by) else {
                    spent.fits(secret, NOBODY);
                    return Err(unknown(by, Method::Password.word(), now));
                };
                (by.clone(), Method::Password, secret, account.hash.clone(), None)
            }
            Given::Badge { badge, pin } => {
                let Some((id, until, hash)) = self.of_badge(badge) else {
                    spent.fits(pin, NOBODY);
                    return Err(unknown("", Method::BadgeAndPin.word(), now));
                };
                let method = if until.is_some() {
                    Method::TemporaryBadge
                } else {
                    Method::BadgeAndPin
                };
                (id, method, pin, hash, until)
            }
        };
        let fits = spent.fits(secret, &hash);
        let Some(account) = self.accounts.get_mut(&id) else {
            return Err(unknown(&id, method.word(), now));
        };
        let refused = |trouble, because, locks| Refused {
            trouble,
            because,
            person: id.clone(),
            method: method.word(),
            locks,
            at: now,
        };
        if account.locked_until.is_some_and(|until| now < until) {
            return Err(refused(locked(), "account-locked", false));
        }
        if worn.is_some_and(|until| now >= until) {
            return Err(refused(worn_out(), "badge-over", false));
        }
        if fits {
            if !account.tries.is_empty() || account.locked_until.is_some() {
                account.forgive();
                self.version += 1;
            }
            return Ok(Proven {
                person: account.person.clone(),
                method,
                at: now,
            });
        }
        self.version += 1;
        let locks = account.missed(now);
        Err(refused(not_proven(), "wrong-secret", locks))
    }
}

impl People {
    /// The same by id and password, for acts on the machine.
    pub fn prove(&mut self, id: &str, secret: &str, now: Stamp) -> Result<Person, Trouble> {
        let given = Given::Password {
            by: id.to_owned(),
            secret: secret.to_owned(),
        };
        self.prove_given(&given, &Spent::default(), now)
            .map(|proven| proven.person)
            .map_err(|refused| refused.trouble)
    }

    /// Whose badge this is, until when where it is a temporary one, and the hash of its PIN.
    fn of_badge(&self, code: &str) -> Option<(String, Option<Stamp>, String)> {
        let standing = self.accounts.values().filter(|account| !account.revoked);
        let mut found = None;
        // every account is looked at, so that the time says nothing
        for account in standing {
            let id = || account.person.id.clone();
            if let Some(badge) = account.badge.as_ref().filter(|badge| badge.is(code)) {
                found = Some((id(), None, badge.pin.clone()));
            }
            if let Some((badge, until)) = account.temporary.as_ref().filter(|(badge, _)| badge.is(code)) {
                found = Some((id(), Some(*until), badge.pin.clone()));
            }
        }
        found
    }
}

impl Account {
    /// Counts a wrong try; whether it was one too many.
    fn missed(&mut self, now: Stamp) -> bool {
        self.tries.retain(|then| now.ms_since(*then) < LOCKED_MS);
        self.tries.push(now);
        if self.tries.len() < TRIES {
            return false;
        }
        self.tries.clear();
        self.locked_until = Some(now.plus_ms(LOCKED_MS));
        true
    }
}

fn unknown(id: &str, method: &'static str, now: Stamp) -> Refused {
    Refused {
        trouble: not_proven(),
        because: "unknown-person",
        // what somebody typed may be a password in the wrong field
        person: if id.chars().count() <= 64 {
            id.to_owned()
        } else {
            String::new()
        },
        method,
        locks: false,
        at: now,
    }
}

fn not_proven() -> Trouble {
    Trouble::new("not-proven", "this id and password do not belong together")
        .means("nothing was done in anybody's name; the try is an entry")
        .so("try again; after five wrong tries the account is locked for 15 minutes")
}

fn locked() -> Trouble {
    Trouble::new("account-locked", "this account is locked after five wrong tries")
        .means("nothing was done in anybody's name")
        .so("wait 15 minutes, or ask a supervisor to unlock it")
}

fn worn_out() -> Trouble {
    Trouble::new("badge-over", "this temporary badge is over")
        .means("nothing was done in anybody's name; the try is an entry")
        .so("use your own badge, or ask a supervisor for another temporary one")
}
