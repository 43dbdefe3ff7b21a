//! What a container may weigh: the window of its line less what is in already, rounded inward to the division of the
//! scale at that load; and what a reading is in it.

use super::{
    booth::Booth,
    work::{Tared, Work},
};
use crate::{
    config::{
        recipe::{Method, Window},
        station::{Scale, Tare},
    },
    flow::check::Verdict,
};
use record::Unit;
use rust_decimal::Decimal;

/// What is to be in one container, in the unit of its scale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fill {
    pub unit: Unit,
    /// What is left of the target, and what may be in this container, as the scale can show it.
    pub target: Decimal,
    pub window: Window,
    pub division: Decimal,
    pub least: Decimal,
    pub most: Decimal,
    pub sum: Decimal,
}

/// A reading in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Net {
    pub net: Decimal,
    pub gross: Decimal,
    pub tare: Decimal,
}

/// Why a scale is not offered for a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotOffered {
    NoWindow,
    TooSmall,
    TooLarge,
}

impl NotOffered {
    pub fn word(self) -> &'static str {
        match self {
            Self::NoWindow => "no-window",
            Self::TooSmall => "too-small",
            Self::TooLarge => "too-large",
        }
    }
}

impl Fill {
    /// Of a line, on a scale that carries so much already.
    pub fn of(work: &Work, scale: &Scale, tare: Decimal) -> Result<Self, NotOffered> {
        let unit = scale.unit();
        let own = work.plan.nominal.unit;
        let here = |number: Decimal| own.convert(number, unit).ok_or(NotOffered::NoWindow);
        let target = work.target();
        let window = work.plan.window(&target).ok_or(NotOffered::NoWindow)?;
        let sum = here(work.sum())?;
        let (target, low, high) = (
            here(target.amount.number())? - sum,
            here(window.low)? - sum,
            here(window.high)? - sum,
        );
        let by_difference = work.plan.method == Method::ByDifference;
        let load = if by_difference { tare } else { tare + high };
        let division = scale.division(load);
        let window = Window { low, high }.on(division).ok_or(NotOffered::NoWindow)?;
        Ok(Self {
            unit,
            target,
            window,
            division,
            least: scale.least.amount.number(),
            most: scale.most(),
            sum,
        })
    }

    /// Whether a scale is right for the rest of a line: not finer than it can weigh, and not more than it carries.
    pub fn offered(work: &Work, scale: &Scale, tare: Decimal) -> Result<Self, NotOffered> {
        let fill = Self::of(work, scale, tare)?;
        // What may be split over several containers need not go into one.
        let load = if work.plan.method == Method::ByDifference {
            tare
        } else {
            tare + fill.window.low
        };
        if fill.window.high < fill.least {
            return Err(NotOffered::TooSmall);
        }
        if load > fill.most && !work.plan.several_containers {
            return Err(NotOffered::TooLarge);
        }
        Ok(fill)
    }

    pub fn verdict(&self, net: Decimal) -> Verdict {
        if net < self.window.low {
            Verdict::Below
        } else if net > self.window.high {
            Verdict::Above
        } else {
            Verdict::Within
        }
    }

    /// The tolerance, as the wider side of it: what zooming goes by.
    pub fn tolerance(&self) -> Decimal {
        (self.window.high - self.target)
            .max(self.target - self.window.low)
            .max(self.division)
    }
}

impl Net {
    /// What a scale shows, as net, gross and tare.
    pub fn of(shown: Decimal, tared: &Tared, work: &Work, booth: &Booth) -> Self {
        let by_difference = work.plan.method == Method::ByDifference;
        let tare = tared.amount;
        match (booth.station.tare, by_difference) {
            (Tare::Station, false) => Self {
                net: shown - tare,
                gross: shown,
                tare,
            },
            (Tare::Station, true) => Self {
                net: tare - shown,
                gross: shown,
                tare,
            },
            (Tare::Device, false) => Self {
                net: shown,
                gross: shown + tare,
                tare,
            },
            (Tare::Device, true) => Self {
                net: -shown,
                gross: tare + shown,
                tare,
            },
        }
    }
}

/// Which booth's line has its container on this scale.
pub fn open<'a>(booth: &Booth, work: Option<&'a Work>) -> Option<(&'a Work, &'a Tared)> {
    let work = work?;
    let tared = work.container.as_ref()?.tare.as_ref()?;
    (booth.scale().point.to_string() == tared.scale).then_some((work, tared))
}
