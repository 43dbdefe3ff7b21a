//! A label: what it says to people, and the same in a code. Written for a label printer (ZPL), and as a picture or a
//! page for a screen or an office printer.

pub mod picture;
pub mod symbol;
pub mod zpl;

use super::gs1::Elements;

/// What stands on a label.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Label {
    /// `production`, or what it must not be mixed up with.
    pub usage: String,
    pub material: String,
    pub title: String,
    pub batch: String,
    pub product: String,
    pub order: String,
    pub lot: String,
    pub container: String,
    pub net: String,
    pub tare: String,
    pub gross: String,
    pub weighed: String,
    pub verified: String,
    pub station: String,
    /// 1 for the first print; a second one says so.
    pub number: u64,
    pub code: Elements,
}

impl Label {
    /// What makes a label look unlike one that counts: what the ledger is for, and that it is not the first print.
    pub fn mark(&self) -> String {
        let mut marks = Vec::new();
        if self.usage != "production" {
            marks.push(format!("{} - NOT FOR USE", self.usage.to_uppercase()));
        }
        if self.number > 1 {
            marks.push(format!("PRINT {}", self.number));
        }
        marks.join("  ")
    }

    /// The rows below the weight.
    pub fn rows(&self) -> Vec<(&'static str, String)> {
        let rows = [
            ("Lot", self.lot.clone()),
            ("Batch", self.batch.clone()),
            ("Product", self.product.clone()),
            ("Order", self.order.clone()),
            ("Container", self.container.clone()),
            ("Tare / gross", format!("{} / {}", self.tare, self.gross)),
            ("Weighed", self.weighed.clone()),
            ("Verified", self.verified.clone()),
        ];
        rows.into_iter()
            .filter(|(_, words)| !words.is_empty() && words != " / ")
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::gs1::{Element, Elements};

    pub(super) fn label(usage: &str) -> Label {
        let element = |ai: &str, value: &str| Element {
            ai: ai.into(),
            value: value.into(),
        };
        Label {
            usage: usage.into(),
            material: "RM-1043".into(),
            title: "Cetearyl alcohol".into(),
            batch: "B-2611-042".into(),
            product: "Hand cream 50 ml".into(),
            order: "O-1 / 20".into(),
            lot: "L-88213".into(),
            container: "P-0417".into(),
            net: "3.604 kg".into(),
            tare: "0.412".into(),
            gross: "4.016".into(),
            weighed: "2026-11-20 08:25 anna".into(),
            verified: "jonas".into(),
            station: "D1".into(),
            number: 1,
            code: Elements(vec![
                element("240", "RM-1043"),
                element("10", "L-88213"),
                element("21", "D1-117"),
                element("3103", "003604"),
                element("91", "O-1"),
                element("92", "20"),
            ]),
        }
    }
}
