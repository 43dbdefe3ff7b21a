//! One line of an order as a station works it: what the order says, what the recipe adds to it, and what follows from a
//! lot: the target adjusted for its content, with the formula and its inputs.

use super::note::Note;
use crate::{
    config::recipe::{Basis, Method, Recipe, Tolerance, Verification, Window, tolerance_of},
    flow::master::item::{Lot, Order, OrderLine},
};
use record::{Amount, Draft, Quantity};
use rust_decimal::{Decimal, RoundingStrategy};

/// What is to be weighed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub order: String,
    pub line: String,
    pub product: String,
    pub batch: String,
    pub step: String,
    pub material: String,
    pub title: String,
    /// As the order says it, before any lot is known.
    pub nominal: Quantity,
    pub tolerance: Tolerance,
    pub basis: Basis,
    pub claim: Option<Quantity>,
    pub method: Method,
    pub verification: Verification,
    /// The lot that is reserved for it.
    pub reserved: String,
    pub several_lots: bool,
    pub several_containers: bool,
}

/// A target for one lot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjusted {
    /// Of this material instead of one part of the nominal amount: claim / (assay × (1 − loss on drying)).
    pub factor: Decimal,
    pub assay: String,
    pub loss_on_drying: String,
}

/// Why a line cannot be planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoPlan {
    Tolerance(String),
    Target(String),
}

impl Plan {
    /// From the order, and from the recipe of its product where that has a line of the same number and material.
    pub fn new(
        id: &str,
        order: &Order,
        line: &OrderLine,
        recipes: &[Recipe],
        usual: Verification,
    ) -> Result<Self, NoPlan> {
        let known = recipes
            .iter()
            .filter(|recipe| recipe.id == order.product || recipe.product == order.product)
            .flat_map(|recipe| &recipe.steps)
            .flat_map(|step| &step.lines)
            .rfind(|known| known.line == line.line && known.material == line.material);
        let nominal = Quantity::read(&line.target).ok_or_else(|| NoPlan::Target(line.target.clone()))?;
        let tolerance =
            tolerance_of(&line.tolerance).ok_or_else(|| NoPlan::Tolerance(line.tolerance.clone()))?;
        let pieces = nominal.unit.dimension() == "count";
        Ok(Self {
            order: id.to_owned(),
            line: line.line.clone(),
            product: order.product.clone(),
            batch: line.batch.clone(),
            step: line.step.clone(),
            material: line.material.clone(),
            title: if line.title.is_empty() {
                known.map_or_else(|| line.material.clone(), |known| known.title.clone())
            } else {
                line.title.clone()
            },
            nominal,
            tolerance,
            basis: known.map_or(Basis::AsIs, |known| known.basis),
            claim: known.and_then(|known| known.claim.clone()),
            method: known.map_or(if pieces { Method::Count } else { Method::Weigh }, |known| {
                known.method
            }),
            verification: known.map_or(usual, |known| known.verification),
            reserved: line.lot.clone(),
            several_lots: known.is_none_or(|known| known.several_lots),
            several_containers: known.is_none_or(|known| known.several_containers),
        })
    }

    /// What a lot makes of the target; what is missing, in words.
    pub fn adjust(&self, lot: &Lot) -> Result<Adjusted, &'static str> {
        let share = |text: Option<&String>| -> Option<(Decimal, String)> {
            let quantity = Quantity::read(text?)?;
            Some((
                quantity.amount.number() / Decimal::ONE_HUNDRED,
                quantity.to_string(),
            ))
        };
        let mut found = Adjusted {
            factor: Decimal::ONE,
            assay: String::new(),
            loss_on_drying: String::new(),
        };
        if self.basis == Basis::AsIs {
            return Ok(found);
        }
        let claim = self
            .claim
            .as_ref()
            .map_or(Decimal::ONE, |claim| claim.amount.number() / Decimal::ONE_HUNDRED);
        let (assay, text) = share(lot.assay.as_ref()).ok_or("its assay is not known")?;
        found.assay = text;
        let mut content = assay;
        if self.basis == Basis::AssayDried {
            let (loss, text) = share(lot.loss_on_drying.as_ref()).ok_or("its loss on drying is not known")?;
            found.loss_on_drying = text;
            content = content
                .checked_mul(Decimal::ONE - loss)
                .ok_or("its content is not known")?;
        }
        found.factor = claim
            .checked_div(content)
            .filter(|factor| *factor > Decimal::ZERO)
            .ok_or("it has no content")?;
        Ok(found)
    }

    /// The target of the whole line, where `nets` are in already (net and the factor of its lot) and the rest is of a
    /// lot with this factor. Digits as the order wrote them.
    pub fn target(&self, nets: &[(Decimal, Decimal)], factor: Decimal) -> Option<Quantity> {
        let (mut sum, mut nominal) = (Decimal::ZERO, self.nominal.amount.number());
        for (net, factor) in nets {
            sum = sum.checked_add(*net)?;
            nominal = nominal.checked_sub(net.checked_div(*factor)?)?;
        }
        let whole = sum.checked_add(nominal.checked_mul(factor)?)?;
        let digits = self.nominal.amount.number().scale();
        let mut whole = whole.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero);
        whole.rescale(digits);
        Some(Quantity {
            amount: Amount::of(whole),
            unit: self.nominal.unit,
        })
    }

    /// What the whole line may weigh.
    pub fn window(&self, target: &Quantity) -> Option<Window> {
        self.tolerance.around(target)
    }

    /// As it stands in the entry that begins it.
    pub(super) fn onto(&self, draft: Draft) -> Draft {
        let several = match (self.several_lots, self.several_containers) {
            (true, true) => "lots, containers",
            (true, false) => "lots",
            (false, true) => "containers",
            (false, false) => "",
        };
        draft
            .data("material", self.material.as_str())
            .data("title", self.title.as_str())
            .data("lot", self.reserved.as_str())
            .data("nominal", self.nominal.to_string())
            .data("formula", self.basis.formula())
            .data(
                "claim",
                self.claim.as_ref().map_or_else(String::new, ToString::to_string),
            )
            .data("tolerance", self.tolerance.to_string())
            .data("method", self.method.word())
            .data("several", several)
            .data("verification", self.verification.word())
            .data("text", self.product.as_str())
    }

    /// Read back from the entry that began it.
    pub(super) fn read(note: &Note) -> Option<Self> {
        Some(Self {
            order: note.get("order").to_owned(),
            line: note.get("line").to_owned(),
            product: note.get("text").to_owned(),
            batch: note.get("batch").to_owned(),
            step: note.get("step").to_owned(),
            material: note.get("material").to_owned(),
            title: note.get("title").to_owned(),
            nominal: note.quantity("nominal")?,
            tolerance: tolerance_of(note.get("tolerance"))?,
            basis: [Basis::Assay, Basis::AssayDried]
                .into_iter()
                .find(|basis| basis.formula() == note.get("formula"))
                .unwrap_or_default(),
            claim: note.quantity("claim"),
            method: Method::named(note.get("method"))?,
            verification: if note.get("verification") == Verification::Automated.word() {
                Verification::Automated
            } else {
                Verification::SecondPerson
            },
            reserved: note.get("lot").to_owned(),
            several_lots: note.get("several").contains("lots"),
            several_containers: note.get("several").contains("containers"),
        })
    }
}
