//! One station as it stands: its scales as they are heard, who works here, and the line in hand.

use super::{live::Live, words::Refusal, work::Key};
use crate::config::{
    plant::PointName,
    station::{Scale, Station},
};
use record::Stamp;
use rust_decimal::Decimal;

/// One station.
#[derive(Debug)]
pub struct Booth {
    pub station: Station,
    /// In the order of the station's scales.
    pub scales: Vec<Live>,
    /// The scale in use.
    pub at: usize,
    /// The panel that works here, and when it last did something.
    pub pen: Option<(String, i64)>,
    pub operator: Option<(String, String)>,
    /// When line clearance was signed, and the batch that has used it.
    pub clearance: Option<(Stamp, String)>,
    pub checking: Option<Checking>,
    /// The line in hand.
    pub key: Option<Key>,
    pub sequence: Sequence,
    pub refused: Option<(Refusal, Stamp)>,
    /// A label on its way to the printer.
    pub printing: Option<u64>,
    pub zoomed: bool,
}

/// A check of a scale under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checking {
    pub scale: usize,
    pub zeroed: bool,
    /// The check weight that was scanned, and those that are done.
    pub weight: Option<String>,
    pub done: Vec<String>,
    pub by: String,
}

/// What was seen between tare and capture. Not in the record: it ends with the power.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sequence {
    /// The last net weight, whether it was still, and when it was heard.
    pub last: Option<(Decimal, bool, i64)>,
    /// The most that was in, while still: what is above the window and comes out again is waste.
    pub most: Decimal,
    /// The scale's own tare when it was tared.
    pub device_tare: Option<Decimal>,
}

impl Booth {
    pub fn new(station: &Station) -> Self {
        Self {
            scales: station.scales.iter().map(Live::new).collect(),
            station: station.clone(),
            at: 0,
            pen: None,
            operator: None,
            clearance: None,
            checking: None,
            key: None,
            sequence: Sequence::default(),
            refused: None,
            printing: None,
            zoomed: false,
        }
    }

    /// Takes over what the station before a change of configuration knew.
    pub fn goes_on(&mut self, before: Self) {
        if self.station.scales == before.station.scales {
            (self.scales, self.at) = (before.scales, before.at);
            self.sequence = before.sequence;
        }
        self.pen = before.pen;
        self.operator = before.operator;
        self.clearance = before.clearance;
        self.key = before.key;
    }

    pub fn scale(&self) -> &Scale {
        &self.station.scales[self.at]
    }

    pub fn live(&self) -> &Live {
        &self.scales[self.at]
    }

    /// The place of the scale that a point belongs to, also where it is its tare or gross.
    pub fn scale_of(&self, point: &PointName) -> Option<usize> {
        self.station.scales.iter().position(|scale| {
            scale.point == *point
                || scale.gross.as_ref() == Some(point)
                || scale.device_tare.as_ref() == Some(point)
        })
    }

    /// A scale by its tag, or by its point.
    pub fn scale_named(&self, name: &str) -> Option<usize> {
        self.station
            .scales
            .iter()
            .position(|scale| scale.point.tag == name || scale.point.to_string() == name)
    }

    pub fn silent(&mut self, point: &PointName) {
        for (scale, live) in self.station.scales.iter().zip(&mut self.scales) {
            if scale.point == *point {
                live.fall_silent();
            }
        }
    }
}
