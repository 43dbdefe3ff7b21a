//! What a person has said about equipment: out of service, or its port lent. Its points are a declared gap,
//! with that cause; nobody is alarmed, and nothing it says in between counts.

use super::{Line, silence::Silence};
use record::Stamp;

/// A silence that somebody answers for.
#[derive(Debug, Clone)]
pub(super) struct Declared {
    because: &'static str,
    /// By whom, why, until when; for people.
    pub(super) note: String,
}

impl Line {
    /// Equipment is away, or back again, because a person said so. `because` is a word of the `gap` entry.
    pub(super) fn declare(&mut self, tag: &str, because: Option<(&'static str, String)>, since: Stamp) {
        for point in self.points.iter_mut().filter(|point| point.name.tag == tag) {
            // all of them: one that was declared before a stop is not the last one after it
            for open in point.silences.iter_mut().filter(|open| open.until.is_none()) {
                open.until = Some(since.max(open.since));
            }
            match &because {
                Some((because, note)) => {
                    point.silences.push_back(Silence::declared(since, because, note));
                    point.declared = Some(Declared {
                        because,
                        note: note.clone(),
                    });
                }
                None => {
                    point.declared = None;
                    point.back = Some(self.now);
                }
            }
            for watch in &point.watches {
                self.watches[*watch].told_silent = None;
            }
        }
    }
}

impl super::Point {
    /// What the screens say of it, if a person answers for its silence.
    pub(super) fn away(&self) -> Option<String> {
        let declared = self.declared.as_ref()?;
        let words = declared.because.replace('-', " ");
        Some(format!("{words}: {}", declared.note))
    }
}
