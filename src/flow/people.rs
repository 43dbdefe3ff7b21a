//! Persons: who may act, proven how. Accounts, roles and revocations are rebuilt from entries, so a restored disk
//! never revives a leaver and a deleted index locks nobody out. There is no default and no shared account.

use argon2::{
    Argon2, PasswordHasher, PasswordVerifier,
    password_hash::phc::{PasswordHash, Salt},
};
use record::{Draft, Line, Stamp, Trouble};
use std::collections::BTreeMap;

/// What a person may do.
pub use crate::config::ROLES;

/// Somebody known by an id that holds in the whole plant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub id: String,
    pub name: String,
    pub roles: Vec<String>,
}

/// What is needed to add a person, or to change one.
#[derive(Clone)]
pub struct NewPerson {
    pub id: String,
    pub name: String,
    pub roles: Vec<String>,
    pub secret: String,
    /// Who does it: a person's id, or `machine` for the first one.
    pub by: String,
    pub reason: String,
    /// Sixteen random bytes.
    pub salt: [u8; 16],
}

impl std::fmt::Debug for NewPerson {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewPerson({})", self.id)
    }
}

#[derive(Debug, Clone)]
struct Account {
    person: Person,
    hash: String,
    revoked: bool,
    failed: u32,
    locked_until: Option<Stamp>,
}

/// Everybody this gateway knows.
#[derive(Debug, Clone, Default)]
pub struct People(BTreeMap<String, Account>);

const SHORTEST_SECRET: usize = 8;
const TRIES: u32 = 5;
const LOCKED_MS: i64 = 15 * 60 * 1000;

impl People {
    /// Takes in one full line of the ledger; only `person` entries say anything here.
    pub fn recall(&mut self, line: &Line<'_>) {
        if line.kind() != "person" {
            return;
        }
        let Some(id) = line.text("person") else { return };
        if line.raw("state") == Some("revoked") {
            if let Some(account) = self.0.get_mut(&id) {
                account.revoked = true;
            }
            return;
        }
        let words = |name: &str| line.data_text(name).unwrap_or_default();
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
        let account = Account {
            person,
            hash: words("hash"),
            revoked: false,
            failed: 0,
            locked_until: None,
        };
        self.0.insert(id, account);
    }

    /// A person who is not revoked.
    pub fn find(&self, id: &str) -> Option<&Person> {
        self.0
            .get(id)
            .filter(|account| !account.revoked)
            .map(|account| &account.person)
    }

    /// Everybody who is not revoked.
    pub fn iter(&self) -> impl Iterator<Item = &Person> {
        self.0
            .values()
            .filter(|account| !account.revoked)
            .map(|account| &account.person)
    }

    /// Adds a person, or gives one another name, role or secret; the entries that say so.
    pub fn add(&mut self, new: &NewPerson, now: Stamp) -> Result<Vec<Draft>, Trouble> {
        let refused = |what: &str, action: &str| {
            Err(Trouble::new("person-refused", what.to_owned())
                .at(&new.id)
                .means("nobody was added and nothing was changed")
                .so(action.to_owned()))
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if new.id.is_empty() || new.id.len() > 64 || !new.id.chars().all(plain) {
            return refused(
                "a person's id holds letters, digits, - _ and . only",
                "use the plant-wide id, such as p-17",
            );
        }
        if new.name.trim().is_empty() {
            return refused(
                "a person has a name",
                "give the full name as it is printed beside a signature",
            );
        }
        if new.roles.is_empty() || !new.roles.iter().all(|role| ROLES.contains(&role.as_str())) {
            let offer = format!("name one or more of: {}", ROLES.join(", "));
            return refused("a role is not known", &offer);
        }
        if new.secret.chars().count() < SHORTEST_SECRET {
            return refused("the password is too short", "at least 8 characters");
        }
        let known = self.0.contains_key(&new.id);
        let hash = hash(&new.secret, &new.salt)?;
        let person = Person {
            id: new.id.clone(),
            name: new.name.clone(),
            roles: new.roles.clone(),
        };
        let roles = new.roles.join(",");
        let drafts = vec![
            Draft::new("person", now)
                .with("person", new.id.as_str())
                .data("name", new.name.as_str())
                .data("roles", roles.as_str())
                .data("by", new.by.as_str())
                .data("reason", new.reason.as_str())
                .data("method", "password")
                .data("hash", hash.as_str()),
            Draft::new("access", now)
                .with("state", "changed")
                .with("because", if known { "roles-changed" } else { "user-added" })
                .data("person", new.id.as_str())
                .data("by", new.by.as_str())
                .data("what", roles.as_str()),
        ];
        let account = Account {
            person,
            hash,
            revoked: false,
            failed: 0,
            locked_until: None,
        };
        self.0.insert(new.id.clone(), account);
        Ok(drafts)
    }

    /// Takes the account from somebody who left or must not act any more; the entries that say so.
    pub fn revoke(&mut self, id: &str, by: &str, reason: &str, now: Stamp) -> Result<Vec<Draft>, Trouble> {
        let account = self.account(id)?;
        account.revoked = true;
        Ok(vec![
            Draft::new("person", now)
                .with("person", id)
                .with("state", "revoked")
                .data("by", by)
                .data("reason", reason),
            changed(id, "revoked", by, reason, now),
        ])
    }

    /// Lets somebody try again before the quarter of an hour is over; the entry that says so.
    pub fn unlock(&mut self, id: &str, by: &str, reason: &str, now: Stamp) -> Result<Vec<Draft>, Trouble> {
        let account = self.account(id)?;
        if account.locked_until.is_none_or(|until| now >= until) {
            return Err(refused(
                id,
                "this account is not locked",
                "a forgotten password is given anew with `steelyard user add`",
            ));
        }
        account.locked_until = None;
        account.failed = 0;
        Ok(vec![changed(id, "unlocked", by, reason, now)])
    }

    /// Gives somebody other roles and leaves name and password; the entries that say so.
    pub fn set_roles(
        &mut self,
        id: &str,
        roles: &[String],
        by: &str,
        reason: &str,
        now: Stamp,
    ) -> Result<Vec<Draft>, Trouble> {
        if roles.is_empty() || !roles.iter().all(|role| ROLES.contains(&role.as_str())) {
            let offer = format!("name one or more of: {}", ROLES.join(", "));
            return Err(refused(id, "a role is not known", &offer));
        }
        if id == by {
            return Err(refused(
                id,
                "nobody gives roles to themselves",
                "ask another supervisor",
            ));
        }
        let account = self.account(id)?;
        let (before, after) = (account.person.roles.join(","), roles.join(","));
        if before == after {
            return Err(refused(
                id,
                "these are the roles this person has",
                "name other roles",
            ));
        }
        account.person.roles = roles.to_vec();
        Ok(vec![
            Draft::new("person", now)
                .with("person", id)
                .data("name", account.person.name.as_str())
                .data("roles", after.as_str())
                .data("by", by)
                .data("reason", reason)
                .data("method", "password")
                .data("hash", account.hash.as_str()),
            changed(
                id,
                "roles-changed",
                by,
                &format!("{before} → {after}: {reason}"),
                now,
            ),
        ])
    }

    fn account(&mut self, id: &str) -> Result<&mut Account, Trouble> {
        let found = self.0.get_mut(id).filter(|account| !account.revoked);
        found.ok_or_else(|| {
            refused(
                id,
                "nobody here is known by this id",
                "look with `steelyard user list`",
            )
        })
    }

    /// Proves that somebody is who they say: the one way, for signing in and for every signature. After five wrong
    /// tries the account is locked for a quarter of an hour. Nobody is told which of id and secret was wrong.
    pub fn prove(&mut self, id: &str, secret: &str, now: Stamp) -> Result<Person, Trouble> {
        let refused = || {
            Trouble::new("not-proven", "this id and password do not belong together")
                .means("nothing was done in anybody's name; the try is an entry")
                .so("try again; after five wrong tries the account is locked for 15 minutes")
        };
        let Some(account) = self.0.get_mut(id).filter(|account| !account.revoked) else {
            // The same time passes for an id nobody has.
            let _ = matches(secret, NOBODY);
            return Err(refused());
        };
        if account.locked_until.is_some_and(|until| now < until) {
            return Err(
                Trouble::new("account-locked", "this account is locked after five wrong tries")
                    .means("nothing was done in anybody's name")
                    .so("wait 15 minutes, or ask a supervisor to unlock it"),
            );
        }
        if matches(secret, &account.hash) {
            account.failed = 0;
            account.locked_until = None;
            return Ok(account.person.clone());
        }
        account.failed += 1;
        if account.failed >= TRIES {
            account.failed = 0;
            account.locked_until = Some(now.plus_ms(LOCKED_MS));
        }
        Err(refused())
    }
}

fn refused(id: &str, what: &str, action: &str) -> Trouble {
    Trouble::new("person-refused", what)
        .at(id)
        .means("nobody was added and nothing was changed")
        .so(action)
}

fn changed(id: &str, because: &str, by: &str, what: &str, now: Stamp) -> Draft {
    Draft::new("access", now)
        .with("state", "changed")
        .with("because", because)
        .data("person", id)
        .data("by", by)
        .data("what", what)
}

/// A hash of a secret nobody knows, to spend the same time on.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn hash(secret: &str, salt: &[u8; 16]) -> Result<String, Trouble> {
    let failed = |error: &dyn std::fmt::Display| {
        Trouble::new(
            "password-unusable",
            format!("the password cannot be stored: {error}"),
        )
        .means("nobody was added")
        .so("choose another password")
    };
    let salt = Salt::new(salt).map_err(|error| failed(&error))?;
    let hash = Argon2::default().hash_password_with_salt(secret.as_bytes(), salt.as_ref());
    hash.map(|hash| hash.to_string()).map_err(|error| failed(&error))
}

fn matches(secret: &str, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| {
        Argon2::default()
            .verify_password(secret.as_bytes(), &hash)
            .is_ok()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn anna() -> NewPerson {
        NewPerson {
            id: "p-17".into(),
            name: "Anna Keller".into(),
            roles: vec!["operator".into()],
            secret: "correct horse".into(),
            by: "machine".into(),
            reason: "first user".into(),
            salt: [7; 16],
        }
    }

    fn rebuilt(drafts: &[Draft]) -> People {
        let mut people = People::default();
        for draft in drafts {
            let mut line = Vec::new();
            draft.write(1, [0; 16], &mut line).unwrap();
            people.recall(&Line::read(&line).unwrap());
        }
        people
    }

    #[test]
    fn an_account_is_rebuilt_from_its_entries_and_proves_the_same_person() {
        let drafts = People::default().add(&anna(), Stamp(0)).unwrap();
        let mut people = rebuilt(&drafts);
        assert_eq!(
            people.prove("p-17", "correct horse", Stamp(0)).unwrap().name,
            "Anna Keller"
        );
        assert_eq!(
            people.prove("p-17", "wrong horse", Stamp(0)).unwrap_err().name,
            "not-proven"
        );
        assert_eq!(
            people.prove("p-18", "correct horse", Stamp(0)).unwrap_err().name,
            "not-proven"
        );
    }

    #[test]
    fn five_wrong_tries_lock_an_account_for_a_quarter_of_an_hour() {
        let mut people = People::default();
        people.add(&anna(), Stamp(0)).unwrap();
        for _ in 0..5 {
            people.prove("p-17", "wrong", Stamp(0)).unwrap_err();
        }
        assert_eq!(
            people.prove("p-17", "correct horse", Stamp(0)).unwrap_err().name,
            "account-locked"
        );
        assert!(people.prove("p-17", "correct horse", Stamp(LOCKED_MS)).is_ok());
    }

    #[test]
    fn somebody_who_left_is_nobody_after_a_restart_too() {
        let mut people = People::default();
        let mut drafts = people.add(&anna(), Stamp(0)).unwrap();
        drafts.push(
            Draft::new("person", Stamp(1))
                .with("person", "p-17")
                .with("state", "revoked"),
        );
        assert!(rebuilt(&drafts).find("p-17").is_none());
    }

    #[test]
    fn roles_change_and_accounts_go_without_touching_the_password() {
        let mut people = People::default();
        let mut drafts = people.add(&anna(), Stamp(0)).unwrap();
        let both = ["operator".to_owned(), "verifier".to_owned()];
        drafts.extend(
            people
                .set_roles("p-17", &both, "p-3", "trained", Stamp(1))
                .unwrap(),
        );
        let mut again = rebuilt(&drafts);
        assert_eq!(
            again.prove("p-17", "correct horse", Stamp(2)).unwrap().roles,
            both
        );
        for (roles, by) in [
            (&both[..], "p-3"),
            (&both[..1], "p-17"),
            (&[][..], "p-3"),
            (&["boss".to_owned()][..], "p-3"),
        ] {
            assert_eq!(
                people
                    .set_roles("p-17", roles, by, "", Stamp(3))
                    .unwrap_err()
                    .name,
                "person-refused"
            );
        }
        drafts.extend(people.revoke("p-17", "p-3", "left", Stamp(4)).unwrap());
        assert!(people.prove("p-17", "correct horse", Stamp(5)).is_err());
        assert!(people.revoke("p-17", "p-3", "left", Stamp(5)).is_err());
        assert!(rebuilt(&drafts).find("p-17").is_none());
    }

    #[test]
    fn a_supervisor_ends_a_lock_that_is_there_and_no_other() {
        let mut people = People::default();
        people.add(&anna(), Stamp(0)).unwrap();
        assert!(people.unlock("p-17", "p-3", "", Stamp(0)).is_err());
        for _ in 0..5 {
            people.prove("p-17", "wrong", Stamp(0)).unwrap_err();
        }
        assert_eq!(people.unlock("p-17", "p-3", "called", Stamp(1)).unwrap().len(), 1);
        assert!(people.prove("p-17", "correct horse", Stamp(2)).is_ok());
    }

    #[test]
    fn what_is_no_person_is_refused_with_a_reason() {
        let cases: &[(&str, fn(&mut NewPerson))] = &[
            ("an id with a blank", |new| new.id = "p 17".into()),
            ("no name", |new| new.name = " ".into()),
            ("no role", |new| new.roles.clear()),
            ("an unknown role", |new| new.roles = vec!["boss".into()]),
            ("a short password", |new| new.secret = "1234".into()),
        ];
        for (what, spoil) in cases {
            let mut new = anna();
            spoil(&mut new);
            let mut people = People::default();
            assert_eq!(
                people.add(&new, Stamp(0)).unwrap_err().name,
                "person-refused",
                "{what}"
            );
            assert_eq!(people.iter().count(), 0, "{what}");
        }
    }
}
