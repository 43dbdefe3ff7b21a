//! What was proven, in plain words. The sentences are chosen so that nobody can read more into them.

use super::{gather::Gathered, verify::Finding, withhold::Rules};
use record::verify::{Problem, Report, Scope};
use std::{cmp::Ordering, fmt::Write};

/// The reference page holds the steps; a test runs exactly those.
const REFERENCE: &str = include_str!("../../docs/reference/record.md");

impl Finding {
    /// The whole answer.
    pub fn words(&self) -> String {
        let mut text = format!(
            "{}: {}\n",
            self.name,
            if self.holds() {
                "it holds."
            } else {
                "IT DOES NOT HOLD."
            }
        );
        if let Some(trouble) = &self.unread {
            let _ = writeln!(text, "{trouble}");
        }
        for problem in self.report.problems.iter().take(SHOWN) {
            let _ = writeln!(text, "  {}", problem_words(problem));
        }
        if self.report.problems.len() > SHOWN {
            let _ = writeln!(text, "  … and {} more", self.report.problems.len() - SHOWN);
        }
        for stranger in &self.strangers {
            let _ = writeln!(text, "  {stranger}");
        }
        if self.report.pages == 0 {
            let _ = writeln!(text, "  no page here holds");
            return text;
        }
        if !self.report.problems.is_empty() {
            let _ = writeln!(text, "  {}", still_holds(&self.report));
        }
        self.facts(&mut text);
        text
    }

    fn facts(&self, text: &mut String) {
        let report = &self.report;
        let _ = writeln!(
            text,
            "  {} of gateway {}, ledger {}, use: {}",
            what(self.scope),
            report.gateway,
            report.ledger,
            report.usage
        );
        let [full, withheld, bare] = report.forms;
        let _ = writeln!(
            text,
            "  {}, {}: {full} in full, {withheld} with their data withheld, {bare} as number and leaf alone",
            ranged(report.pages, "page", report.page_range),
            ranged(report.entries, "entry", report.entry_range),
        );
        for (epoch, because) in report.epochs.iter().skip(1) {
            let _ = writeln!(
                text,
                "  epoch {epoch} began here, because: {because}; the chain breaks there as stated"
            );
        }
        if report.torn_tails > 0 {
            let _ = writeln!(
                text,
                "  {}, explained by the page behind",
                counted(report.torn_tails, "torn tail")
            );
        }
        if self.holds() {
            self.completeness(text);
        }
        self.receipts(text);
        self.keys(text);
    }

    fn completeness(&self, text: &mut String) {
        const UNALTERED: &str = "unaltered since capture; what happened before capture is not proven by this";
        let report = &self.report;
        let mut said = false;
        let mut last: Vec<_> = report.closings.iter().collect();
        last.retain(|closing| {
            !report
                .closings
                .iter()
                .any(|other| other.batch == closing.batch && other.closing > closing.closing)
        });
        for closing in last {
            said = true;
            if !closing.holds {
                let _ = writeln!(
                    text,
                    "  batch {}: closing {} covers entries before this part; completeness is not shown here",
                    closing.batch, closing.closing
                );
                continue;
            }
            let _ = writeln!(
                text,
                "  batch {}: complete as of closing {} ({}) and {UNALTERED}",
                closing.batch,
                closing.closing,
                counted(closing.count, "entry")
            );
            let later = report
                .after_closing
                .iter()
                .find(|(batch, _)| *batch == closing.batch);
            if let Some((_, later)) = later {
                let _ = writeln!(text, "    {} by that closing", uncovered(*later, " about it"));
            }
        }
        for (batch, count) in report.open.iter().take(SHOWN) {
            said = true;
            let _ = writeln!(
                text,
                "  batch {batch}: {}, no closing here: nothing proves that these are all; they are {UNALTERED}",
                counted(*count, "entry")
            );
        }
        if !said {
            let _ = writeln!(text, "  {UNALTERED}");
        }
    }

    fn receipts(&self, text: &mut String) {
        let report = &self.report;
        if self.scope == Scope::Part {
            let _ = writeln!(
                text,
                "  receipts were not looked at: this is one file of a ledger"
            );
        } else if report.receipts == 0 {
            let _ = writeln!(
                text,
                "  no receipt: the record store has not said that it holds any of this"
            );
        } else if report.unreceipted == 0 {
            let _ = writeln!(text, "  every page is receipted by the record store");
        } else {
            let _ = writeln!(text, "  {} pages have no receipt yet", report.unreceipted);
        }
    }

    fn keys(&self, text: &mut String) {
        let list = |keys: &[record::Hash]| {
            keys.iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", then ")
        };
        for run in &self.report.runs {
            let keys = list(run);
            let _ = if self.gateway_known && self.strangers.is_empty() {
                writeln!(text, "  sealed by key {keys}: as you expected")
            } else {
                writeln!(
                    text,
                    "  consistent in itself, sealed by key {keys}; compare this fingerprint with the enrolment sheet"
                )
            };
        }
        for key in &self.report.receipted_by {
            let _ = if self.store_known && self.strangers.is_empty() {
                writeln!(text, "  receipted by key {key}: as you expected")
            } else {
                writeln!(text, "  receipted by key {key}; compare this fingerprint too")
            };
        }
    }
}

/// More than this helps nobody; `--json` has them all.
const SHOWN: usize = 12;

fn what(scope: Scope) -> &'static str {
    match scope {
        Scope::Ledger => "the whole ledger",
        Scope::Evidence => "evidence",
        Scope::Part => "a part of the ledger",
    }
}

/// `1 later entry is not covered`.
pub(crate) fn uncovered(count: u64, about: &str) -> String {
    let are = if count == 1 { "is" } else { "are" };
    format!("{}{about} {are} not covered", counted(count, "later entry"))
}

/// `1 page`, `2 pages`.
fn counted(count: u64, one: &str) -> String {
    match (count, one.strip_suffix('y')) {
        (1, _) => format!("1 {one}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        _ => format!("{count} {one}s"),
    }
}

/// `9 pages (2 to 10)`.
fn ranged(count: u64, one: &str, range: Option<(u64, u64)>) -> String {
    let counted = counted(count, one);
    match range {
        Some((first, last)) if last > first => format!("{counted} ({first} to {last})"),
        Some((first, _)) => format!("{counted} ({first})"),
        None => counted,
    }
}

fn problem_words(problem: &Problem) -> String {
    let mut text = problem.segment.clone();
    if problem.segment != super::folder::RECEIPTS {
        let _ = write!(text, ", byte {}", problem.offset);
    }
    if let Some(page) = problem.page {
        let _ = write!(text, ", page {page}");
    }
    if let Some((first, last)) = problem.entries {
        let _ = write!(text, " (entries {first}–{last})");
    }
    format!("{text}: {}", problem.what)
}

/// Up to the first problem the chain holds; behind it each page holds by its own seal.
fn still_holds(report: &Report) -> String {
    let first = report.problems.iter().filter_map(|problem| problem.page).min();
    let (Some(broken), Some((begin, end))) = (first, report.page_range) else {
        return "what still holds: the pages; what does not is named above".to_owned();
    };
    let before = broken.saturating_sub(1);
    let text = match before.cmp(&begin) {
        Ordering::Less => "what still holds: no page before the damage".to_owned(),
        Ordering::Equal => format!("what still holds: page {begin}"),
        Ordering::Greater => format!("what still holds: pages {begin} to {before}, unbroken"),
    };
    if end > broken {
        format!("{text}; behind it each page only by its own seal, as far as not named above")
    } else {
        text
    }
}

/// What lies beside the evidence for whoever has nothing but stock tools.
pub(super) fn verify_txt(batch: Option<&str>, gathered: &Gathered, rules: Rules) -> String {
    let mut text = String::from("How to check this folder\n\n");
    if let Some(batch) = batch {
        let _ = writeln!(
            text,
            "It holds batch {batch}: {} entries, {} more bound to it, on {} pages.",
            gathered.entries, gathered.bound, gathered.pages
        );
        let _ = match (gathered.closing, gathered.after) {
            (0, _) => writeln!(
                text,
                "The batch was not closed when this was drawn: nothing proves that these entries are all."
            ),
            (closing, 0) => writeln!(text, "Complete as of closing {closing}."),
            (closing, after) => writeln!(
                text,
                "Complete as of closing {closing}; {}.",
                uncovered(after, "")
            ),
        };
    }
    if !rules.is_empty() {
        let _ = writeln!(
            text,
            "Withheld: {}. A withheld line has a hash in place of its data; the proof is the same.",
            rules.words()
        );
    }
    text.push_str(
        "\nevidence.pages  the sealed pages; lines of others stand as number and leaf alone\n\
         keys.jwks       the public keys. Compare their kid with the enrolment sheet: keys that lie\n\
         \u{20}               beside a record prove nothing by themselves\n\
         receipts.jws    the record store's signed word that it holds these pages\n\n\
         1. With the program, on any machine, without the gateway:\n\n\
         \u{20}  steelyard verify . --gateway-key KID --store-key KID\n\n\
         2. With openssl and sha256sum alone, one page at a time (here the first):\n\n",
    );
    let steps = by_hand(REFERENCE).replace(
        "PAGES=tests/golden/ledger-1/segment-000001.pages",
        "PAGES=evidence.pages",
    );
    let steps = steps.replace("KEYS=tests/golden/ledger-1/keys.jwks", "KEYS=keys.jwks");
    for line in steps
        .replace("PAGE=6\n", &format!("PAGE={}\n", gathered.first_page))
        .lines()
    {
        let _ = writeln!(text, "   {line}");
    }
    text.push_str("\nWhat happened before capture is not proven by this.\n");
    text
}

/// The fenced steps of the reference page.
fn by_hand(reference: &str) -> &str {
    let begin = reference
        .split_once("```sh by-hand\n")
        .map_or("", |(_, rest)| rest);
    begin.split_once("```").map_or("", |(steps, _)| steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_come_from_the_reference_page() {
        let steps = by_hand(REFERENCE);
        assert!(
            steps.contains("openssl pkeyutl -verify -rawin") && steps.contains("sha256sum"),
            "{steps}"
        );
        let text = verify_txt(Some("B-1"), &Gathered::default(), Rules::default());
        assert!(
            text.contains("PAGES=evidence.pages") && text.contains("KEYS=keys.jwks"),
            "{text}"
        );
    }
}
