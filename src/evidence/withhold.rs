//! Which lines lose their `data` on the way out. A withheld line keeps its hash, so everything that was
//! proven stays proven; only what stood in `data` is gone.

use record::{Form, Line};

/// What the reader of the evidence is not to see.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules {
    /// Values, limits, set-points, recipes, lots, files: what is the plant's own.
    pub values: bool,
    /// Who: names, roles, sign-ins. Ids stay where they stand in other lines that are not withheld.
    pub persons: bool,
    /// Everything that can be withheld.
    pub all: bool,
}

/// Kinds whose `data` tells nothing of product or process: the gateway's own life, and people.
const WITHOUT_VALUES: &[&str] = &[
    "access",
    "clock",
    "epoch",
    "key",
    "person",
    "signature",
    "start",
    "stop",
];
/// Kinds whose `data` says who somebody is.
const OF_PERSONS: &[&str] = &["access", "person", "signature"];

impl Rules {
    /// Reads the words of `--withhold`.
    pub fn read<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut rules = Self::default();
        for word in words {
            match word {
                "values" => rules.values = true,
                "persons" => rules.persons = true,
                "all" => rules.all = true,
                _ => return None,
            }
        }
        Some(rules)
    }

    /// Whether nothing is withheld.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// In words, for `VERIFY.txt`.
    pub fn words(self) -> &'static str {
        match (self.all || self.values, self.all || self.persons) {
            (true, true) => "values and persons",
            (true, false) => "values",
            (false, true) => "persons",
            (false, false) => "nothing",
        }
    }

    /// A kind nobody knows is withheld under any rule: nobody can say what it would tell.
    fn hides(self, kind: &str) -> bool {
        let known = record::Kind::named(kind).is_some();
        self.all
            || (self.values && !(known && WITHOUT_VALUES.contains(&kind)))
            || (self.persons && (!known || OF_PERSONS.contains(&kind)))
    }

    /// The line as it may leave.
    pub fn apply(self, line: &Line<'_>) -> Vec<u8> {
        if line.form() == Form::Full && self.hides(line.kind()) {
            line.withheld()
        } else {
            line.bytes().to_vec()
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_rule_keeps_the_leaf_and_hides_what_it_says() {
        let line = |kind: &str| {
            format!(r#"{{"seq":7,"kind":"{kind}","time":"t","data":{{"salt":"s","value":"68.4"}}}}"#)
        };
        for (kind, words, hidden) in [
            ("reading", "values", true),
            ("reading", "persons", false),
            ("configuration", "values", true),
            ("person", "values", false),
            ("person", "persons", true),
            ("signature", "persons", true),
            ("start", "values", false),
            ("start", "all", true),
            ("not-yet-invented", "values", true),
            ("not-yet-invented", "persons", true),
        ] {
            let text = line(kind);
            let full = Line::read(text.as_bytes()).unwrap();
            let out = Rules::read([words]).unwrap().apply(&full);
            let left = Line::read(&out).unwrap();
            assert_eq!(left.leaf(), full.leaf(), "{kind} under {words}");
            assert_eq!(left.form() == Form::Withheld, hidden, "{kind} under {words}");
        }
    }
}
