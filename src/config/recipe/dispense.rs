//! `[[step.dispense]]`: what is weighed, how much of it, how exactly, and who sees it.

use super::{Step, Tolerance, amount, plain_id, texts, tolerance};
use crate::config::{
    block::{Block, Page},
    plant::Limits,
    sentence::{self, Band},
};
use driver::Complaint;
use record::{Amount, Quantity};
use rust_decimal::{Decimal, RoundingStrategy};
use std::{collections::BTreeMap, ops::Range};
use toml::Spanned;

pub(super) const DISPENSE: &[&str] = &[
    "line",
    "material",
    "title",
    "target",
    "fixed",
    "tolerance",
    "basis",
    "claim",
    "compensates",
    "method",
    "verification",
    "scale",
    "scale_range",
    "division",
    "container",
    "several_lots",
    "several_containers",
];

/// One dispensing line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispense {
    /// `line = "10"`: once in the recipe; orders and labels name it.
    pub line: String,
    /// `material = "RM-1042"`, as the master data name it.
    pub material: String,
    /// `title = "Glycerol 86 %"`.
    pub title: String,
    /// `target = "4.80 kg"`: for the size the file is written for.
    pub target: Quantity,
    /// `fixed = true`: the same amount, however large the batch.
    pub fixed: bool,
    /// `tolerance = "greater of ± 5 g and ± 0.5 %"`.
    pub tolerance: Tolerance,
    /// `basis`: what the target is an amount of.
    pub basis: Basis,
    /// `claim = "100.0 %"`: the content the target is written for, where the basis asks for the assay.
    pub claim: Option<Quantity>,
    /// `compensates = ["20"]`: this line gives way for what these lines are adjusted by.
    pub compensates: Vec<String>,
    pub method: Method,
    pub verification: Verification,
    /// `scale = "net-weight"`: the role that weighs. None: any scale of the unit that fits.
    pub scale: Option<String>,
    /// `scale_range = "0.100 to 6.200 kg"`: what the scale must be able to weigh.
    pub scale_range: Option<Limits>,
    /// `division = "0.1 g"`: the coarsest division of a scale for this line.
    pub division: Option<Quantity>,
    /// `container = "pail-10"`: the kind of target container.
    pub container: Option<String>,
    /// `several_lots = true`: it may be made up from more than one lot.
    pub several_lots: bool,
    /// `several_containers = true`: it may be split over more than one container.
    pub several_containers: bool,
    /// Where its number, its tolerance and its scale stand.
    pub place: Range<usize>,
    pub tolerance_place: Range<usize>,
    pub scale_place: Range<usize>,
}

/// What a target is an amount of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Basis {
    /// The material as it is.
    #[default]
    AsIs,
    /// Its content: target × claim / assay.
    Assay,
    /// Its content when dried: target × claim / (assay × (1 − loss on drying)).
    AssayDried,
}

impl Basis {
    /// The formula by its name in the record.
    pub fn formula(self) -> &'static str {
        match self {
            Self::AsIs => "as-is",
            Self::Assay => "assay",
            Self::AssayDried => "assay-dried",
        }
    }
}

/// How a line is dispensed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// Into a container on the scale.
    #[default]
    Weigh,
    /// The source stands on the scale and loses weight.
    ByDifference,
    /// A whole container, by its label.
    FullContainer,
    /// Pieces.
    Count,
}

impl Method {
    const ALL: [(&'static str, Self); 4] = [
        ("weigh", Self::Weigh),
        ("by-difference", Self::ByDifference),
        ("full-container", Self::FullContainer),
        ("count", Self::Count),
    ];

    /// The word of the recipe and of the record.
    pub fn word(self) -> &'static str {
        let own = Self::ALL.iter().find(|(_, method)| *method == self);
        own.map_or("weigh", |(word, _)| word)
    }

    /// By its word.
    pub fn named(word: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(own, _)| *own == word);
        found.map(|(_, method)| *method)
    }
}

/// On which basis the weighing counts as checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    SecondPerson,
    Automated,
}

impl Verification {
    pub fn word(self) -> &'static str {
        match self {
            Self::SecondPerson => "second_person",
            Self::Automated => "automated",
        }
    }
}

impl Dispense {
    /// The target of a batch so many times as large as the file is written for, with the digits of the file.
    pub fn target_for(&self, scale: Decimal) -> Option<Quantity> {
        if self.fixed {
            return Some(self.target.clone());
        }
        let digits = self.target.amount.number().scale();
        let scaled = self.target.amount.number().checked_mul(scale)?;
        let mut rounded = scaled.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero);
        rounded.rescale(digits);
        Some(Quantity {
            amount: Amount::of(rounded),
            unit: self.target.unit,
        })
    }
}

/// The lines of a step.
pub(super) fn lines(step: &Block, size: Option<&Quantity>) -> Vec<Dispense> {
    let blocks = step.list("dispense").into_iter();
    blocks
        .filter_map(|value| {
            line(
                &Block::open(step.page, "[[step.dispense]]", value, DISPENSE)?,
                size,
            )
        })
        .collect()
}

fn line(block: &Block, size: Option<&Quantity>) -> Option<Dispense> {
    let number = block.needed("line", "\"10\"");
    let material = block.needed("material", "\"RM-1042\"");
    block.require("target", "\"4.80 kg\"");
    let target = block.sentence("target", amount);
    block.require("tolerance", "\"± 0.5 %\"");
    let asked = block.sentence("tolerance", tolerance::read);
    block.require("verification", "\"second_person\"");
    let verification = block.word(
        "verification",
        &[
            ("second_person", Verification::SecondPerson),
            ("automated", Verification::Automated),
        ],
    );
    let basis = block.word(
        "basis",
        &[Basis::AsIs, Basis::Assay, Basis::AssayDried].map(|basis| (basis.formula(), basis)),
    );
    let basis = basis.map_or(Basis::AsIs, Spanned::into_inner);
    let claim = claim(block, basis);
    let method = block.word("method", &Method::ALL);
    let scale = block.text("scale");
    let scale_range = block.sentence("scale_range", sentence::band);
    let division = block.sentence("division", amount);
    let fixed = block.flag("fixed").is_some_and(Spanned::into_inner);
    if let Some(number) = &number {
        plain_id(block.page, "a dispensing line", number);
    }
    let compensates = texts(block, "compensates").unwrap_or_default();
    let container = block.text("container").map(Spanned::into_inner);
    let several = |key| block.flag(key).is_some_and(Spanned::into_inner);
    let (several_lots, several_containers) = (several("several_lots"), several("several_containers"));
    let title = block.text("title");
    let (target, asked) = (target?, asked?);
    let method = method.map_or(Method::Weigh, Spanned::into_inner);
    sensible(block, &target, method, size.is_some() || fixed);
    fits(block, &target, &asked, division.as_ref(), scale_range.as_ref());
    let (number, material) = (number?, material?);
    Some(Dispense {
        title: title.map_or_else(|| material.get_ref().clone(), Spanned::into_inner),
        material: material.into_inner(),
        target: target.into_inner(),
        fixed,
        tolerance_place: asked.span(),
        tolerance: asked.into_inner(),
        basis,
        claim,
        compensates: compensates.into_iter().map(Spanned::into_inner).collect(),
        method,
        verification: verification?.into_inner(),
        scale_place: scale.as_ref().map_or_else(|| number.span(), Spanned::span),
        scale: scale.map(Spanned::into_inner),
        scale_range: scale_range.map(|range| limits(range.get_ref())),
        division: division.map(Spanned::into_inner),
        container,
        several_lots,
        several_containers,
        place: number.span(),
        line: number.into_inner(),
    })
}

fn limits(band: &Band) -> Limits {
    Limits {
        low: band.low.as_ref().map(|low| low.quantity.clone()),
        high: band.high.as_ref().map(|high| high.quantity.clone()),
        warn_low: None,
        warn_high: None,
    }
}

/// A content is a share of the material; what the target is written for belongs to a basis that uses it.
fn claim(block: &Block, basis: Basis) -> Option<Quantity> {
    let claim = block.sentence("claim", amount);
    if basis == Basis::AsIs {
        if let Some(claim) = &claim {
            block.page.add(
                Complaint::new(
                    "claim-without-basis",
                    "a claimed content, and a target of the material as it is",
                )
                .mark(claim.span(), "this would have no effect")
                .help("add basis = \"assay\" or \"assay-dried\", or take `claim` out"),
            );
        }
        return None;
    }
    block.require("claim", "\"100.0 %\"");
    let claim = claim?;
    if claim.get_ref().unit.dimension() != "ratio" {
        block.page.add(
            Complaint::new("unit-of-something-else", "a content is a share of the material")
                .mark(claim.span(), claim.get_ref().unit.dimension())
                .help("write it in percent: claim = \"100.0 %\""),
        );
    }
    Some(claim.into_inner())
}

/// A target is a mass, or pieces where pieces are counted; it scales where the file says its size.
fn sensible(block: &Block, target: &Spanned<Quantity>, method: Method, scales: bool) {
    let dimension = target.get_ref().unit.dimension();
    let wanted = if method == Method::Count { "count" } else { "mass" };
    if dimension != wanted && !(method == Method::FullContainer && dimension == "count") {
        block.page.add(
            Complaint::new(
                "unit-of-something-else",
                format!("this target is of {dimension}, and what is dispensed is of {wanted}"),
            )
            .mark(target.span(), "")
            .help("weigh in a unit of mass; pieces have method = \"count\" and the unit pcs"),
        );
    }
    if !scales {
        block.page.add(
            Complaint::new(
                "target-without-size",
                "nothing says for how large a batch this target is",
            )
            .mark(target.span(), "")
            .why("a batch of another size could not be told its target")
            .help(
                "add a line like size = \"60.0 kg\" to the head of the recipe, or fixed = true to this line",
            ),
        );
    }
}

/// The tolerance is in units of the target, and leaves a window on the coarsest scale that is allowed.
fn fits(
    block: &Block,
    target: &Spanned<Quantity>,
    asked: &Spanned<Tolerance>,
    division: Option<&Spanned<Quantity>>,
    range: Option<&Spanned<Band>>,
) {
    let wanted = target.get_ref().unit;
    let Some(window) = asked.get_ref().around(target.get_ref()) else {
        block.page.add(
            Complaint::new(
                "unit-of-something-else",
                "target and tolerance measure different things",
            )
            .mark(asked.span(), "")
            .mark(target.span(), wanted.dimension())
            .help(format!("write the tolerance in {wanted} or in %")),
        );
        return;
    };
    if let Some(division) = division {
        let Some(d) = division.get_ref().number_in(wanted) else {
            block.page.add(
                Complaint::new(
                    "unit-of-something-else",
                    "target and division measure different things",
                )
                .mark(division.span(), division.get_ref().unit.dimension())
                .mark(target.span(), wanted.dimension())
                .help("write the division in a unit of the target"),
            );
            return;
        };
        if window.on(d).is_none() {
            block.page.add(
                Complaint::new("tolerance-without-window", "no weight that this scale can show is in tolerance")
                    .mark(asked.span(), format!("{} to {} {wanted}", window.low, window.high))
                    .mark(division.span(), "the coarsest scale allowed")
                    .why("limits are rounded inward to the division of the scale, so that no weight out of tolerance is taken")
                    .help("widen the tolerance, or ask for a finer division"),
            );
        }
    }
    if let Some(range) = range {
        let limit = |placed: &Option<sentence::Placed>| {
            placed
                .as_ref()
                .and_then(|placed| placed.quantity.number_in(wanted))
        };
        let outside = range.get_ref().unit.dimension() != wanted.dimension()
            || limit(&range.get_ref().high).is_some_and(|high| window.high > high);
        if outside {
            block.page.add(
                Complaint::new(
                    "target-outside-scale",
                    "this target is more than `scale_range` reaches to",
                )
                .mark(target.span(), "")
                .mark(range.span(), "the range of the scale")
                .help("ask for a larger scale, or split the line into several"),
            );
        }
    }
}

/// Lines are once in the whole recipe, and one gives way only for lines that are there.
pub(super) fn lines_once(page: &Page, steps: &[Step]) {
    let all: Vec<&Dispense> = steps.iter().flat_map(|step| &step.lines).collect();
    let mut first: BTreeMap<&str, &Dispense> = BTreeMap::new();
    for line in &all {
        if let Some(before) = first.get(line.line.as_str()) {
            page.add(
                Complaint::new(
                    "line-twice",
                    format!("the dispensing line {:?} stands twice", line.line),
                )
                .mark(line.place.clone(), "again here")
                .mark(before.place.clone(), "first here")
                .why("orders, labels and the record name a line by its number alone")
                .help("number the lines through the whole recipe"),
            );
        } else {
            first.insert(&line.line, line);
        }
    }
    for line in &all {
        for other in &line.compensates {
            if *other == line.line || !first.contains_key(other.as_str()) {
                let lines: Vec<&str> = first.keys().copied().collect();
                page.add(
                    Complaint::new(
                        "no-such-line",
                        format!(
                            "line {:?} gives way for {other:?}, which is no other line",
                            line.line
                        ),
                    )
                    .mark(line.place.clone(), "")
                    .help(format!("lines of this recipe: {}", lines.join(", "))),
                );
            }
        }
    }
}
