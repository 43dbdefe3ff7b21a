//! A label: what it says to people, and the same in a code. Written for a label printer (ZPL), and as a picture or a
//! page for a screen or an office printer.

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
