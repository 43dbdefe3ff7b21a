//! Changing what is known of people: each change gives the entries that say it, and nothing else changes anything.

use super::{
    Account, People, Person, ROLES,
    secret::{self, Badge},
};
use record::{Draft, Stamp, Trouble};
use std::fmt;

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
    /// Somebody else knows the password; the person changes it before it counts.
    pub initial: bool,
}

impl fmt::Debug for NewPerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewPerson({})", self.id)
    }
}

/// A badge for somebody.
#[derive(Clone)]
pub struct NewBadge {
    pub person: String,
    /// What a scanner reads off it.
    pub badge: String,
    pub pin: String,
    pub by: String,
    pub reason: String,
    pub salt: [u8; 16],
    /// Until when, where it is a temporary one.
    pub until: Option<Stamp>,
}

impl fmt::Debug for NewBadge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewBadge(of {})", self.person)
    }
}

/// A temporary badge lasts no longer than this: a shift and a bit.
const TEMPORARY_MS: i64 = 24 * 3_600_000;

impl People {
    /// Adds a person, or gives one another name, role or secret; the entries that say so.
    pub fn add(&mut self, new: &NewPerson, now: Stamp) -> Result<Vec<Draft>, Trouble> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if new.id.is_empty() || new.id.len() > 64 || !new.id.chars().all(plain) {
            return Err(refused(
                &new.id,
                "a person's id holds letters, digits, - _ and . only",
                "use the plant-wide id, such as p-17",
            ));
        }
        if new.name.trim().is_empty() || new.name.chars().count() > 120 {
            return Err(refused(
                &new.id,
                "a person has a name",
                "give the full name as it is printed beside a signature",
            ));
        }
        known_roles(&new.id, &new.roles)?;
        if let Some(fault) = secret::password_fault(&new.secret, &new.id) {
            return Err(refused(
                &new.id,
                fault,
                "at least 8 characters, not the id itself",
            ));
        }
        let known = self.standing(&new.id).is_some();
        let hash = secret::hash(&new.secret, &new.salt)?;
        let person = Person {
            id: new.id.clone(),
            name: new.name.clone(),
            roles: new.roles.clone(),
        };
        let roles = new.roles.join(",");
        let drafts = vec![
            who(&person, &new.by, &new.reason, &hash, new.initial, now),
            changed(
                &new.id,
                if known { "roles-changed" } else { "user-added" },
                &new.by,
                &roles,
                now,
            ),
        ];
        self.version += 1;
        match self.accounts.get_mut(&new.id).filter(|account| !account.revoked) {
            Some(account) => {
                (account.person, account.hash, account.initial) = (person, hash, new.initial);
            }
            None => drop(
                self.accounts
                    .insert(new.id.clone(), Account::of(person, hash, new.initial)),
            ),
        }
        Ok(drafts)
    }

    /// Gives somebody another password; the entries that say so.
    pub fn set_password(
        &mut self,
        id: &str,
        secret: &str,
        by: &str,
        salt: &[u8; 16],
        now: Stamp,
    ) -> Result<Vec<Draft>, Trouble> {
        if let Some(fault) = secret::password_fault(secret, id) {
            return Err(refused(id, fault, "at least 8 characters, not the id itself"));
        }
        let account = self.account(id)?;
        let hash = secret::hash(secret, salt)?;
        if account.initial && by == id && super::Spent::default().fits(secret, &account.hash) {
            return Err(refused(
                id,
                "this is the password somebody else knows",
                "choose one that only you know",
            ));
        }
        (account.hash, account.initial) = (hash, by != id);
        let drafts = vec![
            who(
                &account.person,
                by,
                "another password",
                &account.hash,
                by != id,
                now,
            ),
            changed(id, "password-changed", by, "", now),
        ];
        self.version += 1;
        Ok(drafts)
    }

    /// Gives somebody a badge with a PIN, for good or for a day; the entries that say so.
    pub fn give_badge(&mut self, new: &NewBadge, now: Stamp) -> Result<Vec<Draft>, Trouble> {
        let id = new.person.as_str();
        if let Some(fault) = secret::badge_fault(&new.badge) {
            return Err(refused(
                id,
                fault,
                "scan the badge itself, or type what stands on it",
            ));
        }
        if let Some(fault) = secret::pin_fault(&new.pin) {
            return Err(refused(id, fault, "choose 6 to 12 digits that are no row"));
        }
        if let Some(until) = new.until
            && !(1..=TEMPORARY_MS).contains(&until.ms_since(now))
        {
            return Err(refused(
                id,
                "a temporary badge ends within 24 hours from now",
                "give another one tomorrow, or a badge for good",
            ));
        }
        let another = self
            .accounts
            .values()
            .filter(|other| other.person.id != id && !other.revoked);
        let taken = |account: &Account| {
            account.badge.as_ref().is_some_and(|badge| badge.is(&new.badge))
                || account
                    .temporary
                    .as_ref()
                    .is_some_and(|(badge, until)| now < *until && badge.is(&new.badge))
        };
        if another.into_iter().any(taken) {
            return Err(refused(
                id,
                "this badge is another person's",
                "give each person a badge of their own",
            ));
        }
        let account = self.account(id)?;
        let badge = Badge::new(&new.badge, &new.pin, &new.salt)?;
        let mut draft = Draft::new("person", now)
            .with("person", id)
            .with("state", "badge")
            .data("by", new.by.as_str())
            .data("reason", new.reason.as_str())
            .data("badge", badge.code.as_str())
            .data("pin", badge.pin.as_str());
        let what = match new.until {
            Some(until) => {
                draft = draft.data("until", until.to_string());
                account.temporary = Some((badge, until));
                format!("temporary, until {until}: {}", new.reason)
            }
            None => {
                (account.badge, account.temporary) = (Some(badge), None);
                new.reason.clone()
            }
        };
        self.version += 1;
        Ok(vec![draft, changed(id, "badge-given", &new.by, &what, now)])
    }

    /// Takes every badge from somebody: lost, or found by another.
    pub fn withdraw_badge(
        &mut self,
        id: &str,
        by: &str,
        reason: &str,
        now: Stamp,
    ) -> Result<Vec<Draft>, Trouble> {
        let account = self.account(id)?;
        if account.badge.is_none() && account.temporary.is_none() {
            return Err(refused(
                id,
                "this person has no badge",
                "nothing needs to be done",
            ));
        }
        (account.badge, account.temporary) = (None, None);
        self.version += 1;
        let draft = Draft::new("person", now)
            .with("person", id)
            .with("state", "badge-withdrawn")
            .data("by", by)
            .data("reason", reason);
        Ok(vec![draft, changed(id, "badge-withdrawn", by, reason, now)])
    }

    /// Takes the account from somebody who left or must not act any more; the entries that say so.
    pub fn revoke(&mut self, id: &str, by: &str, reason: &str, now: Stamp) -> Result<Vec<Draft>, Trouble> {
        self.account(id)?.revoked = true;
        self.version += 1;
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
        if id == by {
            return Err(refused(
                id,
                "nobody unlocks their own account",
                "ask another supervisor",
            ));
        }
        account.forgive();
        self.version += 1;
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
        known_roles(id, roles)?;
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
        let drafts = vec![
            who(&account.person, by, reason, &account.hash, account.initial, now),
            changed(
                id,
                "roles-changed",
                by,
                &format!("{before} → {after}: {reason}"),
                now,
            ),
        ];
        self.version += 1;
        Ok(drafts)
    }

    fn account(&mut self, id: &str) -> Result<&mut Account, Trouble> {
        let found = self.accounts.get_mut(id).filter(|account| !account.revoked);
        found.ok_or_else(|| {
            refused(
                id,
                "nobody here is known by this id",
                "look with `steelyard user list`",
            )
        })
    }
}

fn known_roles(id: &str, roles: &[String]) -> Result<(), Trouble> {
    if roles.is_empty() || !roles.iter().all(|role| ROLES.contains(&role.as_str())) {
        let offer = format!("name one or more of: {}", ROLES.join(", "));
        return Err(refused(id, "a role is not known", &offer));
    }
    Ok(())
}

fn who(person: &Person, by: &str, reason: &str, hash: &str, initial: bool, now: Stamp) -> Draft {
    let draft = Draft::new("person", now)
        .with("person", person.id.as_str())
        .data("name", person.name.as_str())
        .data("roles", person.roles.join(","))
        .data("by", by)
        .data("reason", reason)
        .data("method", "password")
        .data("hash", hash);
    if initial {
        draft.data("initial", "yes")
    } else {
        draft
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
