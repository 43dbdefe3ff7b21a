//! What is wrong with a file a person wrote: what, where, why it matters, what to do.
//!
//! Only data; `config::render` draws it. It lives here because drivers are the lowest files.

use std::ops::Range;

/// One complaint about one file. All complaints of a file are shown at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// Stable name in kebab case: `warning-outside-limits`. `steelyard explain NAME` explains it.
    pub name: &'static str,
    /// What is wrong, one line, no jargon.
    pub what: String,
    /// The file as the person named it.
    pub file: String,
    /// Places in the text, the one at fault first: byte range and a short note beside the mark.
    pub marks: Vec<(Range<usize>, String)>,
    /// Facts that are no place in the text ("heard …", "promised …", "gives …"), one line each.
    pub notes: Vec<String>,
    /// What it means for the record; may be empty.
    pub why: String,
    /// What to do, one or more lines.
    pub help: String,
}

impl Complaint {
    /// Begins a complaint.
    pub fn new(name: &'static str, what: impl Into<String>) -> Self {
        Self {
            name,
            what: what.into(),
            file: String::new(),
            marks: Vec::new(),
            notes: Vec::new(),
            why: String::new(),
            help: String::new(),
        }
    }

    /// The file it is about.
    #[must_use]
    pub fn file(mut self, file: impl Into<String>) -> Self {
        self.file = file.into();
        self
    }

    /// Marks a place.
    #[must_use]
    pub fn mark(mut self, place: Range<usize>, note: impl Into<String>) -> Self {
        self.marks.push((place, note.into()));
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Why it matters.
    #[must_use]
    pub fn why(mut self, why: impl Into<String>) -> Self {
        self.why = why.into();
        self
    }

    /// What to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = help.into();
        self
    }
}
