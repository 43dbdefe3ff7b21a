//! What a person is told when something is wrong: always in four parts.

use std::fmt;

/// What happened, where, what it means for the record, and what to do.
///
/// `name` is stable, searchable, and explained by `steelyard explain NAME`.
///
/// ```
/// let trouble = record::Trouble::new("no-such-ledger", "there is no ledger here")
///     .at("/var/lib/steelyard/line-3.ledger")
///     .means("nothing was read and nothing was changed")
///     .so("name the directory that holds segment-000001.pages");
/// assert!(trouble.to_string().starts_with("error[no-such-ledger]: there is no ledger here\n"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The stable name, kebab case.
    pub name: &'static str,
    /// What happened, in one line without jargon.
    pub what: String,
    /// File and line, or tag and address; may be empty.
    pub place: String,
    /// What it means for the record.
    pub record: String,
    /// A command, or an action at the machine.
    pub action: String,
}

impl Trouble {
    /// Begins a trouble with its name and its one-line sentence.
    pub fn new(name: &'static str, what: impl Into<String>) -> Self {
        Self {
            name,
            what: what.into(),
            place: String::new(),
            record: String::new(),
            action: String::new(),
        }
    }

    /// Where it happened.
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.place = place.to_string();
        self
    }

    /// What it means for the record.
    #[must_use]
    pub fn means(mut self, record: impl Into<String>) -> Self {
        self.record = record.into();
        self
    }

    /// What to do.
    #[must_use]
    pub fn so(mut self, action: impl Into<String>) -> Self {
        self.action = action.into();
        self
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error[{}]: {}", self.name, self.what)?;
        if !self.place.is_empty() {
            write!(f, "\n  --> {}", self.place)?;
        }
        if !self.record.is_empty() {
            write!(f, "\n  record: {}", self.record)?;
        }
        if !self.action.is_empty() {
            write!(f, "\n  do:     {}", self.action)?;
        }
        Ok(())
    }
}

impl std::error::Error for Trouble {}
