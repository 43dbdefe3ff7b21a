//! What equipment can measure and how finely it shows it: facts of the instrument, never limits of a product.

use super::Known;
use crate::config::{
    block::Page,
    library,
    plant::Limits,
    sentence::{Band, Placed},
    written,
};
use driver::Complaint;
use record::{Quantity, Unit};
use std::{collections::BTreeMap, ops::Range};
use toml::Spanned;

/// What it can measure, by measure.
pub(super) fn ranges(page: &Page, written: &written::Equipment, known: &Known) -> BTreeMap<String, Limits> {
    let mut all = BTreeMap::new();
    for (measure, band) in &written.ranges {
        let Band { low, high, unit, .. } = band.get_ref();
        measured_in(page, known, measure, *unit, &band.span());
        let limit = |placed: &Option<Placed>| placed.as_ref().map(|placed| placed.quantity.clone());
        let limits = Limits {
            low: limit(low),
            high: limit(high),
            warn_low: None,
            warn_high: None,
        };
        all.insert(measure.get_ref().clone(), limits);
    }
    all
}

/// The step of its display, by measure.
pub(super) fn divisions(
    page: &Page,
    written: &written::Equipment,
    known: &Known,
) -> BTreeMap<String, Quantity> {
    let mut all = BTreeMap::new();
    for (measure, division) in &written.divisions {
        measured_in(page, known, measure, division.get_ref().unit, &division.span());
        all.insert(measure.get_ref().clone(), division.get_ref().clone());
    }
    all
}

/// The equipment has this point, and it is measured in such a unit.
fn measured_in(page: &Page, known: &Known, measure: &Spanned<String>, unit: Unit, place: &Range<usize>) {
    let Some((driver, points)) = &known.driver else {
        return;
    };
    let (tag, name) = (&known.tag, measure.get_ref());
    let Some(info) = library::point(points, name) else {
        let all: Vec<&str> = points.iter().map(|point| point.measure.as_str()).collect();
        page.add(
            Complaint::new("no-such-point", format!("{tag} has no point {name:?}"))
                .mark(measure.span(), format!("not in the driver {driver}"))
                .help(format!("points of {tag}: {}", all.join(", "))),
        );
        return;
    };
    if !info
        .units
        .iter()
        .any(|other| other.dimension() == unit.dimension())
    {
        let units: Vec<&str> = info.units.iter().map(|unit| unit.shown()).collect();
        let units = if units.is_empty() {
            "words".to_owned()
        } else {
            units.join(", ")
        };
        page.add(
            Complaint::new(
                "unit-of-something-else",
                format!("{tag}.{name} is measured in {units}, not in {unit}"),
            )
            .mark(place.clone(), unit.dimension())
            .help(format!("write it in {units}, or take the line out")),
        );
    }
}
