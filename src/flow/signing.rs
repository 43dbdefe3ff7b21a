//! Signatures of people: what they mean, who may give them, how the person is proven again, and whether what was signed
//! is still what is there.
//!
//! A signature names the hash of what was signed: the root of a batch as of one of its closings, or of single entries by
//! their leaves. What comes later is not signed, and is counted as such.

use super::people::{Method, Proven};
use crate::config::plant::Signing;
use record::{Draft, Hash, Line, Stamp, Tree, Trouble, ranges, read_ranges};

/// What a signature says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Meaning {
    Performed,
    Verified,
    Acknowledged,
    Reviewed,
    Approved,
}

impl Meaning {
    pub const ALL: [Self; 5] = [
        Self::Performed,
        Self::Verified,
        Self::Acknowledged,
        Self::Reviewed,
        Self::Approved,
    ];

    /// The exact word in the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::Performed => "performed",
            Self::Verified => "verified",
            Self::Acknowledged => "acknowledged",
            Self::Reviewed => "reviewed",
            Self::Approved => "approved",
        }
    }

    /// By its word, or by what somebody does: `review`.
    pub fn named(text: &str) -> Option<Self> {
        let verb = |meaning: &Self| match meaning {
            Self::Performed => "perform",
            Self::Verified => "verify",
            Self::Acknowledged => "acknowledge",
            Self::Reviewed => "review",
            Self::Approved => "approve",
        };
        Self::ALL
            .into_iter()
            .find(|meaning| meaning.word() == text || verb(meaning) == text)
    }

    /// Who may sign so; everybody where no role is named.
    pub fn roles(self) -> &'static [&'static str] {
        match self {
            Self::Performed => &["operator", "supervisor", "engineer"],
            Self::Verified => &["verifier", "supervisor", "reviewer"],
            Self::Acknowledged => &[],
            Self::Reviewed => &["reviewer"],
            Self::Approved => &["reviewer", "supervisor"],
        }
    }

    /// The weakest proof that is enough, as the plant has set it.
    pub fn needs(self, signing: &Signing) -> Method {
        match self {
            Self::Performed => signing.performed,
            Self::Verified => signing.verified,
            Self::Acknowledged => signing.acknowledged,
            // a judgement over a whole batch rests on more than a card, whatever a file says
            Self::Reviewed | Self::Approved => Method::Password,
        }
    }

    /// Refuses a proof that is too weak for this meaning.
    pub fn proven_enough(self, by: Method, signing: &Signing) -> Result<(), Trouble> {
        let needed = self.needs(signing);
        if by >= needed {
            return Ok(());
        }
        Err(Trouble::new(
            "method-too-weak",
            format!(
                "to sign as {} needs {}, not {}",
                self.word(),
                words(needed),
                words(by)
            ),
        )
        .means("nothing was signed")
        .so(format!("sign with {}", words(needed))))
    }
}

fn words(method: Method) -> &'static str {
    match method {
        Method::TemporaryBadge => "a temporary badge and its PIN",
        Method::BadgeAndPin => "a badge and its PIN",
        Method::Password => "the password",
    }
}

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A batch as of a closing.
    Batch {
        batch: String,
        closing: u64,
        count: u64,
        root: Hash,
    },
    /// Entries, by their numbers and leaves.
    Entries {
        batch: Option<String>,
        seqs: Vec<u64>,
        leaves: Vec<Hash>,
    },
}

/// The entry of a signature.
pub fn entry(
    meaning: Meaning,
    target: &Target,
    by: &Proven,
    zone: &str,
    panel: Option<&str>,
    text: &str,
) -> Draft {
    let mut draft = Draft::new("signature", by.at());
    draft = match target {
        Target::Batch { batch, .. } => draft.with("batch", batch.as_str()),
        Target::Entries {
            batch: Some(batch), ..
        } => draft.with("batch", batch.as_str()),
        Target::Entries { .. } => draft,
    };
    draft = draft.with("meaning", meaning.word());
    draft = match target {
        Target::Batch {
            closing, count, root, ..
        } => draft
            .with("target", root.to_string())
            .with("closing", *closing)
            .with("count", *count),
        Target::Entries { seqs, leaves, .. } => draft
            .with("target", root_of(leaves).to_string())
            .with("seqs", ranges(seqs))
            .with("count", seqs.len() as u64),
    };
    draft = draft
        .with("person", by.person().id.as_str())
        .data("name", by.person().name.as_str())
        .data("roles", by.person().roles.join(","))
        .data("method", by.method().word())
        .data("zone", zone)
        .data("local", local(by.at(), zone));
    if let Some(panel) = panel {
        draft = draft.data("panel", panel);
    }
    draft.data("text", text)
}

/// The one hash of several entries: their leaf where it is one, the root of their tree where they are more.
pub fn root_of(leaves: &[Hash]) -> Hash {
    match leaves {
        [one] => *one,
        many => {
            let mut tree = Tree::default();
            many.iter().for_each(|leaf| tree.push(*leaf));
            tree.root()
        }
    }
}

/// `2026-11-20 11:15:03 CET`: the clock on the wall of the plant.
pub fn local(time: Stamp, zone: &str) -> String {
    let zone = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
    jiff::Timestamp::from_millisecond(time.0)
        .map(|time| time.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S %Z").to_string())
        .unwrap_or_default()
}

/// A signature found in the record, and whether what it signed is still all there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    pub seq: u64,
    pub time: Stamp,
    pub meaning: String,
    pub person: String,
    /// As it is printed; empty where it was withheld.
    pub name: String,
    pub method: String,
    pub local: String,
    pub text: String,
    pub closing: u64,
    /// Whether the entries before that closing give the hash that was signed.
    pub holds: bool,
    /// Entries about the batch that came later and are not signed by this.
    pub since: u64,
}

impl Signed {
    /// `signed as of closing 2; 3 entries since`.
    pub fn words(&self) -> String {
        if !self.holds {
            return format!(
                "does not fit closing {}: what was signed is not what is here",
                self.closing
            );
        }
        match self.since {
            0 => format!("signed as of closing {}; nothing since", self.closing),
            1 => format!("signed as of closing {}; 1 entry since, not signed", self.closing),
            more => format!(
                "signed as of closing {}; {more} entries since, not signed",
                self.closing
            ),
        }
    }
}

/// Follows the entries of one batch in their order, and says how each signature over it stands.
#[derive(Debug, Default)]
pub struct Standing {
    tree: Tree,
    /// Closing, the number of entries it covers, and their root as it comes out here.
    closings: Vec<(u64, u64, Hash)>,
    /// Entries that are neither closings nor signatures, after each closing.
    since: Vec<u64>,
    signed: Vec<Signed>,
}

impl Standing {
    /// Takes in the next entry that names the batch.
    pub fn take(&mut self, line: &Line<'_>) {
        let int = |name: &str| line.int(name).and_then(|value| u64::try_from(value).ok());
        match (line.kind(), int("closing")) {
            ("batch", Some(closing)) => {
                self.closings.push((closing, self.tree.size(), self.tree.root()));
                self.since.push(0);
            }
            ("signature", Some(closing)) => self.signature(line, closing),
            // a signature over single entries, and everything else, was not there to be signed before
            _ => self.since.iter_mut().for_each(|since| *since += 1),
        }
        self.tree.push(line.leaf());
    }

    fn signature(&mut self, line: &Line<'_>, closing: u64) {
        let target = line
            .text("target")
            .and_then(|target| Hash::read(target.as_bytes()));
        let found = self.closings.iter().find(|(known, ..)| *known == closing);
        let words = |name: &str| line.data_text(name).unwrap_or_default();
        self.signed.push(Signed {
            seq: line.seq(),
            time: line
                .text("time")
                .and_then(|time| Stamp::read(&time))
                .unwrap_or_default(),
            meaning: line.text("meaning").unwrap_or_default(),
            person: line.text("person").unwrap_or_default(),
            name: words("name"),
            method: words("method"),
            local: words("local"),
            text: words("text"),
            closing,
            holds: target.is_some() && found.map(|(.., root)| *root) == target,
            since: 0,
        });
    }

    /// The signatures, oldest first.
    pub fn signatures(mut self) -> Vec<Signed> {
        for signed in &mut self.signed {
            let at = self
                .closings
                .iter()
                .position(|(known, ..)| *known == signed.closing);
            signed.since = at.and_then(|at| self.since.get(at)).copied().unwrap_or_default();
        }
        self.signed
    }
}

/// Whether an entry says that others do not hold any more: corrected, or judged anew.
pub fn overrules(line: &Line<'_>, seqs: &[u64]) -> bool {
    ["corrects", "supersedes"].into_iter().any(|member| {
        let named = line
            .int(member)
            .and_then(|seq| u64::try_from(seq).ok())
            .map(|seq| vec![(seq, seq)])
            .or_else(|| read_ranges(&line.text(member)?));
        named
            .into_iter()
            .flatten()
            .any(|(from, to)| seqs.iter().any(|seq| (from..=to).contains(seq)))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::flow::{
        enter::{Enter, Recorder},
        needs::{Directory, Random},
        people::{Given, NewPerson, People, Spent},
    };
    use std::sync::Arc;

    struct Seven;

    impl Random for Seven {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), Trouble> {
            bytes.fill(7);
            Ok(())
        }
    }

    fn proven() -> Proven {
        let mut people = People::default();
        let new = NewPerson {
            id: "p-3".into(),
            name: "Jens Brandt".into(),
            roles: vec!["reviewer".into()],
            secret: "correct horse".into(),
            by: "machine".into(),
            reason: "first".into(),
            salt: [1; 16],
            initial: false,
        };
        people.add(&new, Stamp(0)).unwrap();
        let given = Given::Password {
            by: "p-3".into(),
            secret: "correct horse".into(),
        };
        let now = Stamp::read("2026-11-20T10:15:03.120Z").unwrap();
        people.prove_given(&given, &Spent::default(), now).unwrap()
    }

    fn reading(recorder: &mut Recorder) {
        recorder.enter(
            Draft::new("comment", Stamp(1))
                .with("batch", "B-1")
                .data("text", "x"),
        );
    }

    fn closed(recorder: &mut Recorder) -> Target {
        let draft = Draft::new("batch", Stamp(2))
            .with("batch", "B-1")
            .with("because", "ended");
        recorder.close(draft, "B-1");
        let (closing, count, root) = recorder.batch("B-1").unwrap().closed.unwrap();
        Target::Batch {
            batch: "B-1".into(),
            closing,
            count,
            root,
        }
    }

    fn signatures(recorder: &mut Recorder) -> Vec<Signed> {
        let mut standing = Standing::default();
        for line in recorder.take() {
            standing.take(&Line::read(&line.line).unwrap());
        }
        standing.signatures()
    }

    #[test]
    fn a_signature_names_what_was_signed_and_what_comes_later_is_not() {
        let mut recorder = Recorder::new(0, std::collections::HashMap::new(), Arc::new(Seven));
        reading(&mut recorder);
        reading(&mut recorder);
        let first = closed(&mut recorder);
        recorder.enter(entry(
            Meaning::Reviewed,
            &first,
            &proven(),
            "Europe/Berlin",
            None,
            "all in order",
        ));
        (0..3).for_each(|_| reading(&mut recorder));
        let second = closed(&mut recorder);
        recorder.enter(entry(
            Meaning::Reviewed,
            &second,
            &proven(),
            "Europe/Berlin",
            None,
            "",
        ));
        let signed = signatures(&mut recorder);
        assert_eq!(signed.len(), 2);
        assert_eq!(
            signed[0].words(),
            "signed as of closing 1; 3 entries since, not signed"
        );
        assert_eq!(signed[1].words(), "signed as of closing 2; nothing since");
        assert_eq!(
            (
                signed[0].name.as_str(),
                signed[0].local.as_str(),
                signed[0].method.as_str()
            ),
            ("Jens Brandt", "2026-11-20 11:15:03 CET", "password")
        );
    }

    #[test]
    fn a_signature_lifted_from_another_batch_fits_nothing() {
        let mut recorder = Recorder::new(0, std::collections::HashMap::new(), Arc::new(Seven));
        reading(&mut recorder);
        let honest = closed(&mut recorder);
        let Target::Batch { closing, count, .. } = honest else {
            panic!("a batch was closed")
        };
        let lifted = Target::Batch {
            batch: "B-1".into(),
            closing,
            count,
            root: Hash::of(b"another batch"),
        };
        recorder.enter(entry(Meaning::Approved, &lifted, &proven(), "UTC", None, ""));
        let signed = signatures(&mut recorder);
        assert!(!signed[0].holds && signed[0].words().contains("not what is here"));
    }

    #[test]
    fn what_judges_a_batch_needs_a_password_whatever_a_file_says() {
        let lax = Signing {
            performed: Method::TemporaryBadge,
            verified: Method::BadgeAndPin,
            acknowledged: Method::Password,
        };
        let cases = [
            (Meaning::Performed, Method::TemporaryBadge, true),
            (Meaning::Verified, Method::TemporaryBadge, false),
            (Meaning::Verified, Method::BadgeAndPin, true),
            (Meaning::Acknowledged, Method::BadgeAndPin, false),
            (Meaning::Acknowledged, Method::Password, true),
            (Meaning::Reviewed, Method::BadgeAndPin, false),
            (Meaning::Reviewed, Method::Password, true),
            (Meaning::Approved, Method::TemporaryBadge, false),
        ];
        for (meaning, method, enough) in cases {
            assert_eq!(
                meaning.proven_enough(method, &lax).is_ok(),
                enough,
                "{meaning:?} {method:?}"
            );
        }
    }

    #[test]
    fn a_meaning_is_named_by_what_is_recorded_or_by_what_is_done() {
        for meaning in Meaning::ALL {
            assert_eq!(Meaning::named(meaning.word()), Some(meaning));
        }
        assert_eq!(Meaning::named("review"), Some(Meaning::Reviewed));
        assert_eq!(Meaning::named("ok"), None);
    }

    #[test]
    fn a_correction_overrules_the_entry_it_names() {
        let mut recorder = Recorder::new(10, std::collections::HashMap::new(), Arc::new(Seven));
        recorder.enter(
            Draft::new("manual", Stamp(1))
                .with("corrects", 4u64)
                .data("value", "1"),
        );
        let lines = recorder.take();
        let line = Line::read(&lines[0].line).unwrap();
        assert!(overrules(&line, &[3, 4]) && !overrules(&line, &[3, 5]));
    }
}
