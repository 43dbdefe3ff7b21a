//! Persons: who may act, proven how. Accounts, roles, badges, locks and revocations are rebuilt from entries, so a
//! restored disk never revives a leaver, a deleted index locks nobody out, and a restart forgives no guessing. There is
//! no default and no shared account.

mod change;
mod panels;
mod prove;
mod secret;
#[cfg(test)]
mod tests;

pub use change::{NewBadge, NewPerson};
pub use panels::{CODE_LETTERS, NewPanel, Panel, Panels};
pub use prove::{Given, Method, Proven, Refused, two_people};
pub use secret::Spent;

use record::{Line, Stamp};
use secret::Badge;
use std::{collections::BTreeMap, fmt};

/// What a person may do.
pub use crate::config::ROLES;

/// Somebody known by an id that holds in the whole plant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub id: String,
    pub name: String,
    pub roles: Vec<String>,
}

impl Person {
    /// Whether the person has one of these roles; any where none is named.
    pub fn is_one_of(&self, roles: &[&str]) -> bool {
        roles.is_empty() || self.roles.iter().any(|role| roles.contains(&role.as_str()))
    }
}

#[derive(Clone)]
struct Account {
    person: Person,
    hash: String,
    /// Somebody else knows this password: it opens a session in which it is changed, and signs nothing.
    initial: bool,
    badge: Option<Badge>,
    /// A badge for a day, while the person's own lies at home.
    temporary: Option<(Badge, Stamp)>,
    revoked: bool,
    /// Wrong tries that still count.
    tries: Vec<Stamp>,
    locked_until: Option<Stamp>,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // what proves a person never stands in a log
        write!(f, "Account({}, revoked {})", self.person.id, self.revoked)
    }
}

/// Everybody this gateway knows.
#[derive(Debug, Clone, Default)]
pub struct People {
    accounts: BTreeMap<String, Account>,
    /// Rises with every change, so that whoever shows people knows when to look again.
    version: u64,
}

const TRIES: usize = 5;
const LOCKED_MS: i64 = 15 * 60 * 1000;

impl People {
    /// Takes in one full line of the ledger; only `person` and `access` entries say anything here.
    pub fn recall(&mut self, line: &Line<'_>) {
        match line.kind() {
            "person" => self.recall_person(line),
            "access" => self.recall_access(line),
            _ => {}
        }
    }

    fn recall_person(&mut self, line: &Line<'_>) {
        let Some(id) = line.text("person") else { return };
        let words = |name: &str| line.data_text(name).unwrap_or_default();
        self.version += 1;
        let known = self.accounts.get_mut(&id);
        match (line.raw("state"), known) {
            (Some("revoked"), Some(account)) => account.revoked = true,
            (Some("badge"), Some(account)) => {
                let badge = Badge::recalled(words("badge"), words("pin"));
                match line.data_text("until").and_then(|until| Stamp::read(&until)) {
                    Some(until) => account.temporary = Some((badge, until)),
                    None => (account.badge, account.temporary) = (Some(badge), None),
                }
            }
            (Some("badge-withdrawn"), Some(account)) => (account.badge, account.temporary) = (None, None),
            (Some(_), _) => {}
            (None, known) => {
                let listed = words("roles");
                let roles = listed
                    .split(',')
                    .map(|role| role.trim().to_owned())
                    .filter(|role| !role.is_empty());
                let person = Person {
                    id: id.clone(),
                    name: words("name"),
                    roles: roles.collect(),
                };
                let initial = line.data_text("initial").is_some();
                match known.filter(|account| !account.revoked) {
                    Some(account) => {
                        account.person = person;
                        account.hash = words("hash");
                        account.initial = initial;
                    }
                    // who was revoked and is added again begins without the old badge
                    None => drop(
                        self.accounts
                            .insert(id, Account::of(person, words("hash"), initial)),
                    ),
                }
            }
        }
    }

    fn recall_access(&mut self, line: &Line<'_>) {
        let (Some(id), Some(time)) = (
            line.data_text("person"),
            line.text("time").and_then(|time| Stamp::read(&time)),
        ) else {
            return;
        };
        let Some(account) = self.accounts.get_mut(&id) else {
            return;
        };
        match line.raw("because") {
            Some("wrong-secret") => {
                account.tries.retain(|then| time.ms_since(*then) < LOCKED_MS);
                account.tries.push(time);
            }
            Some("locked") => {
                account.tries.clear();
                account.locked_until = Some(time.plus_ms(LOCKED_MS));
            }
            Some("unlocked" | "signed-in" | "resumed" | "handed-over") => account.forgive(),
            _ => return,
        }
        self.version += 1;
    }

    /// A person who is not revoked.
    pub fn find(&self, id: &str) -> Option<&Person> {
        self.standing(id).map(|account| &account.person)
    }

    /// Everybody who is not revoked.
    pub fn iter(&self) -> impl Iterator<Item = &Person> {
        self.accounts
            .values()
            .filter(|account| !account.revoked)
            .map(|account| &account.person)
    }

    /// Whether nobody could sign in.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// Until when somebody's account is locked after wrong tries.
    pub fn locked_until(&self, id: &str, now: Stamp) -> Option<Stamp> {
        self.standing(id)?.locked_until.filter(|until| now < *until)
    }

    /// Whether somebody's password is one that another person knows.
    pub fn must_change(&self, id: &str) -> bool {
        self.standing(id).is_some_and(|account| account.initial)
    }

    /// Whether somebody has a badge, and until when where it is a temporary one.
    pub fn badge(&self, id: &str, now: Stamp) -> Option<Option<Stamp>> {
        let account = self.standing(id)?;
        let temporary = account.temporary.as_ref().filter(|(_, until)| now < *until);
        match (temporary, &account.badge) {
            (Some((_, until)), _) => Some(Some(*until)),
            (None, Some(_)) => Some(None),
            (None, None) => None,
        }
    }

    /// Rises with every change.
    pub fn version(&self) -> u64 {
        self.version
    }

    fn standing(&self, id: &str) -> Option<&Account> {
        self.accounts.get(id).filter(|account| !account.revoked)
    }
}

impl Account {
    fn of(person: Person, hash: String, initial: bool) -> Self {
        Self {
            person,
            hash,
            initial,
            badge: None,
            temporary: None,
            revoked: false,
            tries: Vec::new(),
            locked_until: None,
        }
    }

    fn forgive(&mut self) {
        self.tries.clear();
        self.locked_until = None;
    }
}
