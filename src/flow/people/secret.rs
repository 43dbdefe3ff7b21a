//! What proves a person: passwords and PINs behind Argon2id, badges behind a salted hash.
//!
//! A badge alone opens nothing: whoever finds it lacks the PIN. Its code is kept hashed all the same, so that nobody
//! prints a second one from the ledger.

use argon2::{
    Argon2, PasswordHasher, PasswordVerifier,
    password_hash::phc::{PasswordHash, Salt},
};
use record::{Hash, Trouble, b64};

/// A badge with its PIN.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Badge {
    /// `salt.hash`, both base64url.
    pub(super) code: String,
    /// Argon2id, as for passwords.
    pub(super) pin: String,
}

const SHORTEST_PASSWORD: usize = 8;
const LONGEST: usize = 256;
const SHORTEST_PIN: usize = 6;
const LONGEST_PIN: usize = 12;
const SHORTEST_BADGE: usize = 4;

impl Badge {
    pub(super) fn new(code: &str, pin: &str, salt: &[u8; 16]) -> Result<Self, Trouble> {
        Ok(Self {
            code: format!("{}.{}", b64::encode(salt), hidden(salt, code)),
            pin: hash(pin, salt)?,
        })
    }

    pub(super) fn recalled(code: String, pin: String) -> Self {
        Self { code, pin }
    }

    /// Whether this is the badge that was scanned.
    pub(super) fn is(&self, code: &str) -> bool {
        let Some((salt, hash)) = self.code.split_once('.') else {
            return false;
        };
        b64::decode(salt.as_bytes()).is_some_and(|salt| hidden(&salt, code) == hash)
    }
}

fn hidden(salt: &[u8], code: &str) -> String {
    Hash::of(&[salt, code.as_bytes()].concat()).to_string()
}

/// Why this cannot be a password, if so.
pub(super) fn password_fault(secret: &str, id: &str) -> Option<&'static str> {
    let letters = secret.chars().count();
    if letters < SHORTEST_PASSWORD {
        return Some("the password is too short");
    }
    if letters > LONGEST {
        return Some("the password is too long");
    }
    if secret.eq_ignore_ascii_case(id) {
        return Some("the password is the person's own id");
    }
    let first = secret.chars().next();
    if secret.chars().all(|c| Some(c) == first) {
        return Some("the password is one letter, many times");
    }
    None
}

/// Why this cannot be a PIN, if so.
pub(super) fn pin_fault(pin: &str) -> Option<&'static str> {
    let digits = pin.as_bytes();
    if !(SHORTEST_PIN..=LONGEST_PIN).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return Some("a PIN has 6 to 12 digits");
    }
    let steps = |by: i16| {
        digits
            .windows(2)
            .all(|two| i16::from(two[1]) - i16::from(two[0]) == by)
    };
    if steps(0) || steps(1) || steps(-1) {
        return Some("this PIN is the first that anybody tries");
    }
    None
}

/// Why this cannot be a badge, if so.
pub(super) fn badge_fault(code: &str) -> Option<&'static str> {
    let plain = code.chars().all(|c| !c.is_control()) && code.trim() == code;
    if code.chars().count() < SHORTEST_BADGE || code.len() > LONGEST || !plain {
        return Some("a badge holds 4 to 256 characters on one line");
    }
    None
}

/// Argon2id runs that were made already, away from the gateway's core: it takes tens of milliseconds and 19 MiB on
/// purpose, and readings must not wait for it.
#[derive(Clone, Default)]
pub struct Spent(Vec<(String, String, bool)>);

impl Spent {
    /// Spends the time. One at a time in the whole program, so that many tries cannot take its memory.
    pub fn spend(secret: String, hash: String) -> Self {
        let fits = matches(&secret, &hash);
        Self(vec![(secret, hash, fits)])
    }

    /// Both together.
    #[must_use]
    pub fn and(mut self, more: Self) -> Self {
        self.0.extend(more.0);
        self
    }

    /// Whether the secret fits the hash: known already, or found out here.
    pub(super) fn fits(&self, secret: &str, hash: &str) -> bool {
        let known = self
            .0
            .iter()
            .find(|(one, other, _)| one == secret && other == hash);
        known.map_or_else(|| matches(secret, hash), |(.., fits)| *fits)
    }
}

impl std::fmt::Debug for Spent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Spent({})", self.0.len())
    }
}

/// A hash of a secret nobody knows, to spend the same time on.
pub(super) const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

pub(super) fn hash(secret: &str, salt: &[u8; 16]) -> Result<String, Trouble> {
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
    secret.len() <= 4 * LONGEST
        && PasswordHash::new(hash).is_ok_and(|hash| {
            Argon2::default()
                .verify_password(secret.as_bytes(), &hash)
                .is_ok()
        })
}
