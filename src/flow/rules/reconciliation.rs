//! `reconciliation`: the sum of the outputs as a share of the sum of the inputs, of the last good value of each.

use super::{Class, Finding, Sight, shown, words::Words};
use crate::{config::rule, flow::check::Verdict};
use record::{Quantity, Stamp};
use rust_decimal::Decimal;

#[derive(Debug, Clone)]
pub(super) struct Reconciliation {
    values: Vec<Option<Quantity>>,
}

impl Reconciliation {
    pub(super) fn new(asks: &rule::Reconciliation) -> Self {
        Self {
            values: vec![None; asks.inputs.len() + asks.outputs.len()],
        }
    }

    pub(super) fn read(&mut self, sight: &Sight<'_>) {
        if let (Some(quantity), Some(value)) = (sight.shown, self.values.get_mut(sight.role)) {
            *value = Some(quantity.clone());
        }
    }

    pub(super) fn end(&mut self, asks: &rule::Reconciliation, time: Stamp, found: &mut Vec<Finding>) {
        let missing: Vec<&str> = (asks.inputs.iter().chain(&asks.outputs))
            .zip(&self.values)
            .filter(|(_, value)| value.is_none())
            .map(|(role, _)| role.as_str())
            .collect();
        if !missing.is_empty() {
            let says = format!("no value of {}: nothing can be reconciled", missing.join(", "));
            found.push(Finding::once(Class::Weighing, "not-judged", time, says));
            return;
        }
        let Some((inputs, outputs, share)) = self.share(asks) else {
            let says = "inputs and outputs cannot be added up in one unit".to_owned();
            found.push(Finding::once(Class::Weighing, "not-judged", time, says));
            return;
        };
        let number = |side: &Option<Quantity>| side.as_ref().map(|side| side.amount.number());
        let (side, limit) = match (number(&asks.low), number(&asks.high)) {
            (Some(low), _) if share < low => (Verdict::Below, low),
            (_, Some(high)) if share > high => (Verdict::Above, high),
            _ => return,
        };
        let says = format!(
            "{outputs} of {inputs}, {share} %, {} {} %",
            side.word(),
            shown(limit)
        );
        found.push(Finding {
            side: Some(side),
            extreme: Some(share),
            limit: Some(limit),
            unit: record::Unit::named("%"),
            ..Finding::once(Class::Weighing, "yield", time, says)
        });
    }

    fn share(&self, asks: &rule::Reconciliation) -> Option<(Quantity, Quantity, Decimal)> {
        let unit = self.values.first()?.as_ref()?.unit;
        let sum = |values: &[Option<Quantity>]| {
            values.iter().try_fold(Decimal::ZERO, |sum, value| {
                sum.checked_add(super::number_in(value.as_ref()?, unit)?)
            })
        };
        let (inputs, outputs) = self.values.split_at(asks.inputs.len());
        let (inputs, outputs) = (sum(inputs)?, sum(outputs)?);
        let share = outputs.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(inputs)?;
        let quantity = |number| Quantity {
            amount: record::Amount::of(number),
            unit,
        };
        Some((quantity(inputs), quantity(outputs), share.round_dp(6).normalize()))
    }

    pub(super) fn remember(&self, words: &mut Words) {
        for (at, value) in self.values.iter().enumerate() {
            if let Some(value) = value {
                words.put(
                    &format!("value{at}"),
                    format!("{}_{}", value.amount, value.unit.ucum()),
                );
            }
        }
    }

    pub(super) fn recall(&mut self, words: &Words) {
        for (at, value) in self.values.iter_mut().enumerate() {
            *value = words.word(&format!("value{at}")).and_then(|text| {
                let (amount, unit) = text.split_once('_')?;
                Some(Quantity {
                    amount: record::Amount::read(amount)?,
                    unit: record::Unit::named(unit)?,
                })
            });
        }
    }
}
