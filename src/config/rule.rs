//! `[[step.rule]]`: what a step asks beyond a limit on every reading.
//!
//! One file per kind in `rule/`, found by listing: its keys, read into typed parameters with units, and every
//! complaint about them. How they are judged is `flow::rules`; what they mean is `docs/reference/rules.md`.

use super::{
    block::{Block, Page},
    near::nearest,
    sentence::{self, Band, Placed, Slip},
    tolerance,
};
use driver::Complaint;
use record::{Quantity, Unit};
use std::{ops::Range, time::Duration};
use toml::{Spanned, de::DeValue};

include!(concat!(env!("OUT_DIR"), "/rule_kinds.rs"));

pub use completeness::Completeness;
pub use hold_time::{HoldTime, Moment};
pub use lethality::Lethality;
pub use limits::{Basis, Limits};
pub use min_weight::{MinWeight, smallest};
pub use plausibility::Plausibility;
pub use rate::Rate;
pub use reconciliation::Reconciliation;
pub use redundancy::Redundancy;
pub use sequence::Sequence;
pub use spc::Spc;
pub use stability::Stability;
pub use target::{Judged, Target};
pub use time_in_range::{How, TimeInRange};
pub use total::{Reset, Source, Total, parts};

/// One rule of a step.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its name in the record, alone in its step.
    pub id: String,
    /// What a person calls it; the id where none is given.
    pub title: String,
    /// The word of its kind: `time-in-range`.
    pub kind: &'static str,
    pub severity: Severity,
    pub counts_in: CountsIn,
    pub asks: Asks,
    /// What it asks of roles and steps, for the checks that need the whole plant.
    pub asked: Vec<Asked>,
    pub place: Place,
}

/// How much a reviewer should think of a finding. Configured, never derived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Minor,
    Major,
    Critical,
}

impl Severity {
    pub fn word(self) -> &'static str {
        match self {
            Self::Minor => "minor",
            Self::Major => "major",
            Self::Critical => "critical",
        }
    }
}

/// In which state of the run readings count. One in another state is to the rule as if it had not been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountsIn {
    Running,
    Held,
    Both,
}

impl CountsIn {
    /// Whether a reading counts that was taken while the run was on hold, or was not.
    pub fn counts(self, held: bool) -> bool {
        match self {
            Self::Running => !held,
            Self::Held => held,
            Self::Both => true,
        }
    }
}

/// The parameters, by kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Asks {
    Limits(Limits),
    TimeInRange(TimeInRange),
    HoldTime(HoldTime),
    Target(Target),
    MinWeight(MinWeight),
    Stability(Stability),
    Completeness(Completeness),
    Rate(Rate),
    Total(Total),
    Reconciliation(Reconciliation),
    Sequence(Sequence),
    Lethality(Lethality),
    Redundancy(Redundancy),
    Plausibility(Plausibility),
    Spc(Spc),
}

/// Something a rule asks of the plant around it.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    pub what: AskedOf,
    pub place: Place,
}

/// What is asked of whom.
#[derive(Debug, Clone, PartialEq)]
pub enum AskedOf {
    /// A role the unit must give, read in a unit that converts to this one where it is named.
    Role {
        role: String,
        unit: Option<Unit>,
        /// Readings further apart than this are never judged.
        no_slower_than: Option<Duration>,
    },
    /// A step the recipe must have.
    Step(String),
}

/// Where something stands in its file. Two rules that say the same are equal wherever they stand.
#[derive(Debug, Clone)]
pub struct Place(pub Range<usize>);

impl PartialEq for Place {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// One kind of rule.
pub(crate) struct Kind {
    /// The word of `kind`.
    name: &'static str,
    /// What it asks, in one line.
    pub says: &'static str,
    /// Every key of its block, in the order of the reference.
    pub keys: &'static [&'static str],
    read: fn(&mut Asking<'_>) -> Option<Asks>,
}

/// The keys of a kind, after those every rule has.
macro_rules! keys {
    ($($key:literal),* $(,)?) => {
        &["id", "kind", "title", "severity", "counts_in", $($key),*]
    };
}
use keys;

/// Every kind of rule and its keys, for the reference page.
pub fn kinds() -> impl Iterator<Item = (&'static str, &'static str, &'static [&'static str])> {
    ALL.iter().map(|kind| (kind.name, kind.says, kind.keys))
}

/// Reads one `[[step.rule]]` block. Everything wrong with it is said on the page; then there is no rule.
pub(in crate::config) fn read<'a>(page: &'a Page<'a>, value: &'a Spanned<DeValue<'a>>) -> Option<Rule> {
    let kind = kind_of(page, value)?;
    let block = Block::open(page, "[[step.rule]]", value, kind.keys)?;
    let id = block.needed("id", "\"hold-68\"");
    let severity = block.word(
        "severity",
        &[
            ("minor", Severity::Minor),
            ("major", Severity::Major),
            ("critical", Severity::Critical),
        ],
    );
    let counts_in = block.word(
        "counts_in",
        &[
            ("running", CountsIn::Running),
            ("held", CountsIn::Held),
            ("both", CountsIn::Both),
        ],
    );
    let wrong =
        (block.has("severity") && severity.is_none()) || (block.has("counts_in") && counts_in.is_none());
    let title = block.text("title");
    let mut asking = Asking {
        block,
        asked: Vec::new(),
        refused: wrong,
    };
    let asks = (kind.read)(&mut asking);
    let id = id_of(page, id?)?;
    let (asks, refused, asked) = (asks?, asking.refused, asking.asked);
    if refused {
        return None;
    }
    Some(Rule {
        title: title.map_or_else(|| id.clone(), |title| title.get_ref().clone()),
        id,
        kind: kind.name,
        severity: severity.map_or(Severity::Major, |severity| *severity.get_ref()),
        counts_in: counts_in.map_or(CountsIn::Both, |counts_in| *counts_in.get_ref()),
        asks,
        asked,
        place: Place(value.span()),
    })
}

/// Reads the keys of one rule that stands alone, without a recipe around it: for benchmarks and cases.
pub fn alone(text: &str) -> Result<Rule, Vec<Complaint>> {
    let text = format!("[[rule]]\n{text}\n");
    let page = Page::new("rule", &text);
    let (table, slips) = toml::de::DeTable::parse_recoverable(&text);
    super::syntax::complain(&page, &slips);
    let list = table
        .get_ref()
        .get("rule")
        .and_then(|list| list.get_ref().as_array());
    let rule = list
        .and_then(|list| list.first())
        .and_then(|value| read(&page, value));
    let (complaints, _) = page.said();
    rule.filter(|_| complaints.is_empty()).ok_or(complaints)
}

fn kind_of<'a>(page: &Page<'a>, value: &Spanned<DeValue<'a>>) -> Option<&'static Kind> {
    let all = || ALL.iter().map(|kind| kind.name);
    let forms = || format!("kinds: {}", all().collect::<Vec<_>>().join(", "));
    let DeValue::Table(table) = value.get_ref() else {
        let complaint = Complaint::new(
            "not-a-block",
            "step.rule is a list of blocks, this is something else",
        );
        page.add(
            complaint
                .mark(value.span(), "")
                .help("write [[step.rule]] with two brackets on each side, once for each rule"),
        );
        return None;
    };
    let Some(word) = table.get("kind") else {
        let complaint = Complaint::new("missing-key", "[[step.rule]] needs the key `kind`");
        page.add(complaint.mark(value.span(), "").help(forms()));
        return None;
    };
    let name = word.get_ref().as_str().unwrap_or("");
    if let Some(kind) = ALL.iter().find(|kind| kind.name == name) {
        return Some(kind);
    }
    let meant = nearest(name, all()).map_or_else(String::new, |meant| format!("did you mean {meant:?}?\n"));
    page.add(
        Complaint::new("unknown-word", format!("there is no kind of rule {name:?}"))
            .mark(word.span(), "")
            .why("a rule that is not understood would be believed to be judged")
            .help(meant + &forms()),
    );
    None
}

/// Ids stand outside `data` in the record, and in sentences: letters, digits and hyphens.
fn id_of(page: &Page<'_>, id: Spanned<String>) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if id.get_ref().chars().all(fits) && id.get_ref().len() <= 64 {
        return Some(id.into_inner());
    }
    page.add(
        Complaint::new(
            "name-not-allowed",
            format!("{:?} is no id for a rule", id.get_ref()),
        )
        .mark(id.span(), "")
        .help("letters a to z, digits, `-`, `_` and `.`, at most 64 of them; the words go into `title`"),
    );
    None
}

/// A block being read into parameters.
pub(crate) struct Asking<'a> {
    block: Block<'a>,
    asked: Vec<Asked>,
    refused: bool,
}

impl Asking<'_> {
    /// A value that was asked for and is not understood makes the rule none; the page knows why.
    fn kept<T>(&mut self, key: &str, value: Option<Spanned<T>>) -> Option<T> {
        if value.is_none() && self.block.has(key) {
            self.refused = true;
        }
        value.map(Spanned::into_inner)
    }

    fn needs(&mut self, key: &'static str, example: &str) {
        self.block.require(key, example);
        self.refused |= !self.block.has(key);
    }

    /// A role: what is judged.
    fn role(&mut self, key: &'static str) -> Option<String> {
        self.needs(key, "\"product-temperature\"");
        let role = self.block.text(key);
        let place = role.as_ref().map(Spanned::span);
        let role = self.kept(key, role)?;
        self.ask_role(&role, place.unwrap_or_default());
        Some(role)
    }

    fn ask_role(&mut self, role: &str, place: Range<usize>) {
        self.asked.push(Asked {
            what: AskedOf::Role {
                role: role.to_owned(),
                unit: None,
                no_slower_than: None,
            },
            place: Place(place),
        });
    }

    /// Every role so far is read in a unit that converts to this one.
    fn in_unit(&mut self, of: Unit) {
        for asked in &mut self.asked {
            if let AskedOf::Role { unit, .. } = &mut asked.what {
                *unit = Some(of);
            }
        }
    }

    /// Readings further apart than this are never judged.
    fn no_slower_than(&mut self, gap: Duration) {
        for asked in &mut self.asked {
            if let AskedOf::Role { no_slower_than, .. } = &mut asked.what {
                *no_slower_than = Some(gap);
            }
        }
    }

    fn time(&mut self, key: &str) -> Option<Duration> {
        let value = self.block.sentence(key, sentence::duration);
        self.kept(key, value)
    }

    fn needed_time(&mut self, key: &'static str, example: &str) -> Option<Duration> {
        self.needs(key, example);
        self.time(key)
    }

    fn band(&mut self, key: &str) -> Option<Band> {
        let value = self.block.sentence(key, sentence::band);
        self.kept(key, value)
    }

    fn needed_band(&mut self, key: &'static str, example: &str) -> Option<Band> {
        self.needs(key, example);
        self.band(key)
    }

    fn quantity(&mut self, key: &str) -> Option<Quantity> {
        let value = self.block.sentence(key, tolerance::quantity);
        let Placed { quantity, .. } = self.kept(key, value)?;
        Some(quantity)
    }

    fn needed_quantity(&mut self, key: &'static str, example: &str) -> Option<Quantity> {
        self.needs(key, example);
        self.quantity(key)
    }

    /// A quantity that must be more than nothing.
    fn size(&mut self, key: &str) -> Option<Quantity> {
        let size = self.quantity(key)?;
        if size.amount.number() > rust_decimal::Decimal::ZERO {
            return Some(size);
        }
        self.complain(
            Complaint::new("out-of-range", format!("`{key}` is more than nothing"))
                .help("write an amount above zero"),
            key,
        );
        None
    }

    fn sentence<T>(&mut self, key: &str, read: impl Fn(&str) -> Result<T, Slip>) -> Option<T> {
        let value = self.block.sentence(key, read);
        self.kept(key, value)
    }

    fn word<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> Option<T> {
        let value = self.block.word(key, words);
        self.kept(key, value)
    }

    fn flag(&mut self, key: &str) -> Option<bool> {
        let value = self.block.flag(key);
        self.kept(key, value)
    }

    /// A whole number of at least `least`.
    fn count(&mut self, key: &str, least: i64) -> Option<u32> {
        let value = self.block.count(key);
        let count = self.kept(key, value)?;
        if count >= least && count <= 1_000_000_000 {
            return Some(count as u32);
        }
        self.complain(
            Complaint::new("out-of-range", format!("`{key}` is {count}"))
                .help(format!("write a whole number of at least {least}")),
            key,
        );
        None
    }

    /// A list of texts: `["a", "b"]`.
    fn texts(&mut self, key: &'static str) -> Vec<Spanned<String>> {
        let Some(value) = self.block.value(key) else {
            return Vec::new();
        };
        let list = value.get_ref().as_array();
        let texts: Option<Vec<Spanned<String>>> = list.and_then(|list| {
            list.iter()
                .map(|text| {
                    let word = text.get_ref().as_str().filter(|word| !word.trim().is_empty())?;
                    Some(Spanned::new(text.span(), word.to_owned()))
                })
                .collect()
        });
        match texts {
            Some(texts) if !texts.is_empty() => texts,
            _ => {
                self.complain(
                    Complaint::new("wrong-kind", format!("`{key}` is a list of texts"))
                        .help(format!("write {key} = [\"one\", \"another\"]")),
                    key,
                );
                Vec::new()
            }
        }
    }

    /// Roles in a list.
    fn roles(&mut self, key: &'static str, example: &str) -> Vec<String> {
        self.needs(key, example);
        let roles = self.texts(key);
        for role in &roles {
            self.ask_role(role.get_ref(), role.span());
        }
        roles.into_iter().map(Spanned::into_inner).collect()
    }

    /// A complaint about a key; there will be no rule.
    fn complain(&mut self, complaint: Complaint, key: &str) {
        let place = self
            .block
            .value(key)
            .map_or_else(|| self.block.key_place(key), Spanned::span);
        self.block.page.add(complaint.mark(place, ""));
        self.refused = true;
    }

    /// Refuses a unit that measures something else.
    fn same_dimension(&mut self, key: &str, unit: Unit, other: Unit) {
        if unit.dimension() != other.dimension() {
            let what = format!(
                "`{key}` is a unit of {}, the rule speaks of {}",
                unit.dimension(),
                other.dimension()
            );
            self.complain(
                Complaint::new("unit-of-something-else", what)
                    .help("write all of a rule in units of one kind"),
                key,
            );
        }
    }

    /// Complains unless at least one of these keys is there.
    fn one_of(&mut self, keys: &[&str]) {
        if keys.iter().any(|key| self.block.has(key)) {
            return;
        }
        let what = format!("this rule asks for nothing: it has none of {}", keys.join(", "));
        self.block.page.add(
            Complaint::new("rule-asks-nothing", what)
                .mark(self.block.place.clone(), "")
                .why("a rule that can never find anything would look like a check that was passed")
                .help(format!("add {}", keys.join(" or "))),
        );
        self.refused = true;
    }
}

/// A pair of limits as a rule has them.
fn sides(band: &Band) -> (Option<Quantity>, Option<Quantity>) {
    let side = |placed: &Option<Placed>| placed.as_ref().map(|placed| placed.quantity.clone());
    (side(&band.low), side(&band.high))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use toml::de::DeTable;

    fn said(block: &str) -> Result<Rule, Vec<String>> {
        let text = format!("[[rule]]\n{}\n", block.replace("; ", "\n"));
        let page = Page::new("recipe.toml", &text);
        let (table, slips) = DeTable::parse_recoverable(&text);
        assert!(slips.is_empty(), "{block}: {slips:?}");
        let list = table.get_ref().get("rule").unwrap().get_ref().as_array().unwrap();
        let rule = list.first().and_then(|value| read(&page, value));
        let (complaints, _) = page.said();
        match rule {
            Some(rule) if complaints.is_empty() => Ok(rule),
            _ => {
                assert!(!complaints.is_empty(), "{block}: refused without a word");
                for complaint in &complaints {
                    assert!(
                        !complaint.help.is_empty() && !complaint.marks.is_empty(),
                        "{complaint:?}"
                    );
                }
                Err(complaints
                    .iter()
                    .map(|complaint| complaint.name.to_owned())
                    .collect())
            }
        }
    }

    const EVERY_KIND: &[&str] = &[
        r#"id = "a"; kind = "limits"; of = "t"; must_be = "68.0 to 72.0 °C"; warn_outside = "69.0 to 71.0 °C"; on_delay = "10 s"; off_delay = "10 s"; deadband = "0.5 K""#,
        r#"id = "a"; kind = "limits"; of = "t"; must_be = "at most 72.0 °C"; basis = "raw"; counts_in = "running"; severity = "critical""#,
        r#"id = "a"; kind = "time-in-range"; of = "t"; range = "63 to 67 °C"; at_least = "10 min"; max_sample_gap = "5 s"; max_excursion = "30 s"; max_excursions = 2"#,
        r#"id = "a"; kind = "hold-time"; from = "end of weigh-oils"; to = "start of charge-oils"; at_most = "24 h""#,
        r#"id = "a"; kind = "target"; of = "w"; target = "12.50 kg"; tolerance = "± 0.5 %"; or = "± 20 g"; whichever_is = "lesser"; division = "5 g""#,
        r#"id = "a"; kind = "min-weight"; of = "w"; repeatability = "0.12 mg"; division = "0.1 mg"; tolerance = "0.10 %""#,
        r#"id = "a"; kind = "min-weight"; of = "w"; at_least = "20 g"; at_most = "6 kg"; judged = "every""#,
        r#"id = "a"; kind = "stability"; of = "w"; within = "0.02 g"; over = "2 s"; timeout = "30 s"; inferred = true"#,
        r#"id = "a"; kind = "completeness"; of = "t"; one_in = "5 s"; share = "95 %"; max_gap = "15 s""#,
        r#"id = "a"; kind = "rate"; of = "t"; must_be = "0.5 to 2.0 °C"; per = "min"; window = "5 min""#,
        r#"id = "a"; kind = "total"; of = "flow"; must_be = "495 to 505 L"; max_sample_gap = "5 s""#,
        r#"id = "a"; kind = "total"; of = "count"; must_be = "495 to 505 L"; source = "counter"; rollover = "999999 L"; reset = "restart"; max_sample_gap = "5 s""#,
        r#"id = "a"; kind = "reconciliation"; inputs = ["water", "oil"]; outputs = ["filled"]; must_be = "98.0 to 101.0 %""#,
        r#"id = "a"; kind = "sequence"; order = ["water", "oils", "emulsify"]; mandatory = ["water"]; parallel = true"#,
        r#"id = "a"; kind = "lethality"; of = "t"; reference = "121.11 °C"; z = "10 K"; at_least = "15 min"; max_sample_gap = "5 s"; credited_from = "100 °C""#,
        r#"id = "a"; kind = "redundancy"; of = "t"; and = "t2"; within = "0.5 K""#,
        r#"id = "a"; kind = "plausibility"; of = "t"; physical = "-20 to 150 °C"; stuck_after = "10 min"; jump = "5 K""#,
        r#"id = "a"; kind = "spc"; of = "t"; centre = "70.0 °C"; sigma = "0.25 K"; nelson = [1, 2, 5]"#,
    ];

    #[test]
    fn every_kind_of_rule_is_read() {
        let mut seen: Vec<&str> = EVERY_KIND.iter().map(|block| said(block).unwrap().kind).collect();
        seen.dedup();
        let mut all: Vec<&str> = kinds().map(|(name, ..)| name).collect();
        seen.sort_unstable();
        all.sort_unstable();
        assert_eq!(seen, all);
    }

    #[test]
    fn a_rule_without_any_of_its_needed_keys_is_refused() {
        for block in EVERY_KIND {
            let parts: Vec<&str> = block.split("; ").collect();
            let needed = |part: &str| {
                !part.starts_with("title") && {
                    let without: Vec<&str> = parts.iter().copied().filter(|other| *other != part).collect();
                    said(&without.join("; ")).is_err()
                }
            };
            let count = parts.iter().filter(|part| needed(part)).count();
            assert!(count >= 3, "{block}: {count} needed keys");
        }
    }

    /// `block | names of complaints`
    #[test]
    fn what_is_wrong_with_a_rule_is_said_by_name() {
        let table = r#"
            id = "a"; kind = "time_in_range"; of = "t"                                    | unknown-word
            id = "a"; of = "t"                                                            | missing-key
            id = "a b"; kind = "redundancy"; of = "t"; and = "u"; within = "1 K"          | name-not-allowed
            id = "a"; kind = "redundancy"; of = "t"; and = "t"; within = "1 K"            | rule-contradicts-itself
            id = "a"; kind = "redundancy"; of = "t"; and = "u"; within = "1 K"; every = 5 | unknown-key
            id = "a"; kind = "limits"; of = "t"; must_be = "72 to 68 °C"                  | limits-reversed
            id = "a"; kind = "limits"; of = "t"; must_be = "68 to 72"                     | number-without-unit
            id = "a"; kind = "limits"; of = "t"; must_be = "68 to 72 °C"; deadband = "1 g"| unit-of-something-else
            id = "a"; kind = "limits"; of = "t"; must_be = "68 to 72 °C"; warn_outside = "60 to 70 °C" | warning-outside-limits
            id = "a"; kind = "limits"; of = "t"; must_be = "68 to 72 °C"; basis = "raw"; division = "0.1 K" | rule-contradicts-itself
            id = "a"; kind = "limits"; of = "t"; must_be = "68 to 72 °C"; on_delay = 5    | number-without-unit
            id = "a"; kind = "hold-time"; from = "end of a"; to = "start of b"            | rule-asks-nothing
            id = "a"; kind = "hold-time"; from = "later"; to = "start of b"; at_most = "1 h" | sentence-unknown
            id = "a"; kind = "target"; of = "w"; target = "10.03 g"; tolerance = "± 0.02 g"; division = "0.1 g" | tolerance-without-window
            id = "a"; kind = "target"; of = "w"; target = "10.03 g"; tolerance = "± 0 %"  | tolerance-zero
            id = "a"; kind = "target"; of = "w"; target = "10.03 g"; tolerance = "± 1 K"  | unit-of-something-else
            id = "a"; kind = "total"; of = "f"; must_be = "1 to 2 °C"; max_sample_gap = "5 s" | unit-of-something-else
            id = "a"; kind = "total"; of = "f"; must_be = "1 to 2 L"; rollover = "9 L"; max_sample_gap = "5 s" | rule-contradicts-itself
            id = "a"; kind = "completeness"; of = "t"; share = "95 %"                     | rule-asks-nothing rule-contradicts-itself
            id = "a"; kind = "sequence"; order = ["a", "b", "a"]                          | given-twice
            id = "a"; kind = "spc"; of = "t"; centre = "70 °C"; sigma = "1 K"; nelson = [9] | wrong-kind
            id = "a"; kind = "lethality"; of = "t"; reference = "121 g"; z = "10 K"; at_least = "15 min"; max_sample_gap = "5 s" | unit-of-something-else
        "#;
        for row in table.lines().map(str::trim).filter(|row| !row.is_empty()) {
            let (block, expected) = row.rsplit_once('|').unwrap();
            assert_eq!(
                said(block.trim()).unwrap_err().join(" "),
                expected.trim(),
                "{row}"
            );
        }
    }

    #[test]
    fn the_smallest_weight_of_a_scale_is_that_of_the_pharmacopoeia() {
        let amount = |text: &str| Quantity::read(text).unwrap();
        for (s, expected) in [("0.041 mg", "82 mg"), ("0.01 mg", "82 mg"), ("0.12 mg", "240 mg")] {
            let smallest = smallest(
                &amount(s),
                &amount("0.1 mg"),
                rust_decimal::Decimal::new(10, 2),
                rust_decimal::Decimal::ONE,
            );
            assert_eq!(smallest.unwrap().to_string(), expected, "{s}");
        }
    }
}
