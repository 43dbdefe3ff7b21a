//! Recipes: what a product asks of each step. A file as written becomes a [`Recipe`] as meant, or every
//! complaint about it at once.
//!
//! A recipe names roles, never tags, so that one file serves every unit of a kind. Words in it never count
//! as an approval: that is a signature in the ledger over the file's SHA-256.
//! `docs/reference/recipe.md` is the page for whoever writes one.

mod difference;
mod dispense;
mod order;
mod plant;
mod step;
mod tolerance;

pub use difference::difference;
pub use dispense::{Basis, Dispense, Method, Verification};
pub use plant::against;
pub use tolerance::{Deviation, Tolerance, Window, tolerance_of};

use super::{
    block::{Block, Page},
    plant::{Limits, Pace},
    rule::Rule,
    sentence::{self, Slip},
    syntax,
    written::format_edition,
};
use driver::Complaint;
use record::Quantity;
use rust_decimal::Decimal;
use std::{ops::Range, time::Duration};
use toml::{Spanned, de::DeTable};

/// Every block of a recipe with its keys, in the order of the reference.
pub const KEYS: &[(&str, &[&str])] = &[
    ("", FILE),
    ("[[capture]]", step::CAPTURE),
    ("[[step]]", step::STEP),
    ("[[step.capture]]", step::CAPTURE),
    ("[[step.rule]]", &[]),
    ("[[step.dispense]]", dispense::DISPENSE),
];

const FILE: &[&str] = &[
    "format", "recipe", "product", "revision", "kind", "size", "sizes", "capture", "step",
];

/// The longest recipe that is looked at: it is sealed whole with every batch.
pub const LONGEST: usize = 512 * 1024;

/// What a product asks of each step.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    /// `recipe = "hand-cream"`.
    pub id: String,
    /// `product = "Hand cream 50 ml"`.
    pub product: String,
    /// `revision = "7"`.
    pub revision: String,
    /// `kind = "cream-mixer"`: the units it runs in, where a step does not say otherwise.
    pub kind: Option<String>,
    /// `size = "60.0 kg"`: what its amounts are written for.
    pub size: Option<Quantity>,
    /// `sizes = "30.0 to 120.0 kg"`: what they may be scaled to. None: only to `size` itself.
    pub sizes: Option<Limits>,
    /// What is captured for as long as the batch runs.
    pub captures: Vec<Asked>,
    /// In the order of the file.
    pub steps: Vec<Step>,
    /// The file, as the record and the messages name it.
    pub file: String,
    /// Its bytes, as they are sealed.
    pub text: String,
}

/// One `[[step]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// `id = "emulsify"`: in the record, and in the context.
    pub id: String,
    /// `title = "Emulsify"`.
    pub title: String,
    /// The kind of unit it runs in.
    pub kind: Option<String>,
    /// The steps that are done before it begins. Steps without an order between them may run side by side.
    pub after: Vec<String>,
    /// `optional = true`: a batch is complete without it.
    pub optional: bool,
    pub captures: Vec<Asked>,
    pub rules: Vec<Rule>,
    /// In the order of the file.
    pub lines: Vec<Dispense>,
    /// `any_order = true`: its dispensing lines may be weighed in any order.
    pub any_order: bool,
    /// Where its id stands.
    pub place: Range<usize>,
}

/// One `[[capture]]` of a recipe: the same words as in `steelyard.toml`, about a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// `what = "product-temperature"`: a role.
    pub what: String,
    pub pace: Pace,
    pub limits: Option<Limits>,
    /// None: three times the pace, at least 3 s.
    pub missing_after: Option<Duration>,
    /// Where the role, its limits and its pace stand.
    pub place: Range<usize>,
    pub limits_place: Range<usize>,
    pub pace_place: Range<usize>,
}

impl Recipe {
    /// The words of a verdict: `rev 7`.
    pub fn label(&self) -> String {
        format!("rev {}", self.revision)
    }

    /// Whether both call themselves the same revision of the same recipe.
    pub fn same_revision(&self, other: &Self) -> bool {
        (&self.id, &self.revision) == (&other.id, &other.revision)
    }

    /// The same by its names alone.
    pub fn same_revision_as(&self, id: &str, revision: &str) -> bool {
        (self.id.as_str(), self.revision.as_str()) == (id, revision)
    }

    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }

    /// What is asked of a step, besides what is asked of the whole batch.
    pub fn asked(&self, step: &str) -> &[Asked] {
        self.step(step).map_or(&[], |step| &step.captures)
    }

    /// How much larger a batch is than what the file is written for; None where it may not be so large, or
    /// where nothing says.
    pub fn scale(&self, size: &Quantity) -> Option<Decimal> {
        let written = self.size.as_ref()?;
        let asked = size.number_in(written.unit)?;
        let nominal = written.amount.number();
        let inside = match &self.sizes {
            None => asked == nominal,
            Some(sizes) => [(&sizes.low, true), (&sizes.high, false)]
                .into_iter()
                .all(|(limit, lower)| {
                    let limit = limit.as_ref().and_then(|limit| limit.number_in(written.unit));
                    limit.is_none_or(|limit| if lower { asked >= limit } else { asked <= limit })
                }),
        };
        if !inside {
            return None;
        }
        asked.checked_div(nominal)
    }
}

/// Reads a recipe whole, or says everything that is wrong with it.
pub fn read(file: &str, text: &str) -> Result<Recipe, Vec<Complaint>> {
    let page = Page::new(file, text);
    if text.len() > LONGEST {
        let what = format!("a recipe of {} KiB is longer than 512 KiB", text.len() / 1024);
        page.add(Complaint::new("recipe-too-large", what).help("leave out what is not asked of a step"));
        return Err(super::sorted(page.said().0));
    }
    let (table, slips) = DeTable::parse_recoverable(text);
    if !slips.is_empty() {
        syntax::complain(&page, &slips);
        return Err(super::sorted(page.said().0));
    }
    let recipe = take_apart(&page, table.get_ref());
    let (complaints, _) = page.said();
    match recipe {
        Some(recipe) if complaints.is_empty() => Ok(recipe),
        _ => Err(super::sorted(complaints)),
    }
}

fn take_apart<'a>(page: &'a Page<'a>, table: &'a DeTable<'a>) -> Option<Recipe> {
    let file = Block::whole(page, table, FILE);
    format_edition(&file);
    let id = file.needed("recipe", "\"hand-cream\"");
    let product = file.needed("product", "\"Hand cream 50 ml\"");
    let revision = file.needed("revision", "\"7\"");
    let kind = file.text("kind").map(Spanned::into_inner);
    let size = file.sentence("size", amount);
    let sizes = file.sentence("sizes", sentence::band);
    if let Some(id) = &id {
        plain_id(page, "a recipe", id);
    }
    if let Some(revision) = &revision {
        plain_id(page, "a revision", revision);
    }
    let sizes = sizes.map(|sizes| the_sizes(&file, size.as_ref(), &sizes));
    let captures = step::captures(&file, "[[capture]]");
    let steps = step::steps(&file, kind.as_deref(), size.as_ref().map(Spanned::get_ref));
    order::check(page, &steps);
    dispense::lines_once(page, &steps);
    Some(Recipe {
        id: id?.into_inner(),
        product: product?.into_inner(),
        revision: revision?.into_inner(),
        kind,
        size: size.map(Spanned::into_inner),
        sizes,
        captures,
        steps,
        file: page.file.to_owned(),
        text: page.text.to_owned(),
    })
}

/// What a recipe may be scaled to holds what it is written for.
fn the_sizes(file: &Block, size: Option<&Spanned<Quantity>>, sizes: &Spanned<sentence::Band>) -> Limits {
    let band = sizes.get_ref();
    match size {
        None if !file.has("size") => file.page.add(
            Complaint::new(
                "missing-key",
                "`sizes` without the size the amounts are written for",
            )
            .mark(sizes.span(), "")
            .help("add a line like size = \"60.0 kg\""),
        ),
        Some(size) => {
            let number = size.get_ref().number_in(band.unit);
            let low = band.low.as_ref().map(|low| low.quantity.amount.number());
            let high = band.high.as_ref().map(|high| high.quantity.amount.number());
            let inside = number.is_some_and(|number| {
                low.is_none_or(|low| low <= number) && high.is_none_or(|high| number <= high)
            });
            if !inside {
                file.page.add(
                    Complaint::new(
                        "size-outside-sizes",
                        "the size this file is written for lies outside `sizes`",
                    )
                    .mark(size.span(), "")
                    .mark(sizes.span(), "what it may be scaled to")
                    .help("write both in one unit, and `sizes` around `size`"),
                );
            }
        }
        None => {}
    }
    Limits {
        low: band.low.as_ref().map(|low| low.quantity.clone()),
        high: band.high.as_ref().map(|high| high.quantity.clone()),
        warn_low: None,
        warn_high: None,
    }
}

const AMOUNT_FORMS: &str = "write an amount above zero and its unit: \"4.80 kg\"";

/// `4.80 kg`: more than nothing.
pub(in crate::config) fn amount(text: &str) -> Result<Quantity, Slip> {
    let words = sentence::words(text);
    let slip = |name, what: String, at: Range<usize>| Slip {
        name,
        what,
        at,
        help: AMOUNT_FORMS.into(),
    };
    let Some(first) = words.first() else {
        return Err(slip(
            "number-without-unit",
            "an amount belongs here".into(),
            0..text.len(),
        ));
    };
    let (amount, at) = sentence::amount(first).map_err(|problem| problem.or_write(AMOUNT_FORMS))?;
    if words.len() == 1 {
        return Err(slip(
            "number-without-unit",
            "a number without its unit".into(),
            at,
        ));
    }
    let (unit, _) = sentence::unit(text, &words, 1)?;
    if amount.number() <= Decimal::ZERO {
        return Err(slip(
            "out-of-range",
            format!("{amount} {unit} is nothing to ask for"),
            at,
        ));
    }
    Ok(Quantity { amount, unit })
}

/// Ids stand in the record, in context messages and on labels exactly as they are written.
fn plain_id(page: &Page, what: &str, id: &Spanned<String>) {
    super::resolve::names::check(page, what, id);
}

/// A list of texts, or one of them.
fn texts(block: &Block, key: &str) -> Option<Vec<Spanned<String>>> {
    let value = block.value(key)?;
    let toml::de::DeValue::Array(list) = value.get_ref() else {
        return block.text(key).map(|text| vec![text]);
    };
    let mut texts = Vec::new();
    for one in list {
        match one.get_ref() {
            toml::de::DeValue::String(text) if !text.trim().is_empty() => {
                texts.push(Spanned::new(one.span(), text.to_string()));
            }
            _ => block.page.add(
                Complaint::new("wrong-kind", format!("`{key}` is a list of texts in quotes"))
                    .mark(one.span(), "")
                    .help(format!("write {key} = [\"one\", \"two\"]")),
            ),
        }
    }
    Some(texts)
}

#[cfg(test)]
mod tests;
