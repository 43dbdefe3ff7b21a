//! `limits`: every reading between two values; a limit itself is inside. Every crossing is found at once;
//! delays and the deadband quieten the alarm and nothing else.

use super::{
    Class, Finding, Sight, State,
    stretch::{About, Stretch, Wrong},
    words::ms,
};
use crate::{
    config::{
        rule::{self, Basis},
        tolerance::difference_in,
    },
    flow::check::{Band, Verdict},
};
use record::{Stamp, Unit};
use rust_decimal::{Decimal, RoundingStrategy};
use std::sync::Arc;

pub(super) const ABOUT: About = About {
    class: Class::Limit,
    because: "limit",
    what: "",
    after_ms: 0,
};

#[derive(Debug, Clone)]
pub(super) struct Limits {
    ready: Option<Ready>,
    stretch: Stretch,
    verdict: Option<Verdict>,
    /// People are being called.
    calling: bool,
    /// Back inside by the deadband since then.
    calm_since: Option<Stamp>,
}

/// The parameters in the unit the readings come in; made once per unit.
#[derive(Debug, Clone)]
struct Ready {
    unit: Unit,
    band: Option<Arc<Band>>,
    division: Option<Decimal>,
    deadband: Decimal,
}

impl Ready {
    fn new(asks: &rule::Limits, unit: Unit) -> Self {
        let division = match &asks.basis {
            Basis::Displayed {
                division: Some(division),
            } => difference_in(division, unit),
            _ => None,
        };
        let deadband = asks.deadband.as_ref().and_then(|band| difference_in(band, unit));
        Self {
            unit,
            band: Band::of(&asks.limits, unit).map(Arc::new),
            division: division.filter(|division| !division.is_zero()),
            deadband: deadband.unwrap_or_default(),
        }
    }

    fn compared(&self, number: Decimal) -> Decimal {
        let Some(division) = self.division else {
            return number;
        };
        let steps = number.checked_div(division);
        let steps =
            steps.map(|steps| steps.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero));
        steps
            .and_then(|steps| steps.checked_mul(division))
            .unwrap_or(number)
    }
}

impl Limits {
    pub(super) fn new(asks: &rule::Limits) -> Self {
        let unit = [&asks.limits.low, &asks.limits.high]
            .into_iter()
            .flatten()
            .next()
            .map(|limit| limit.unit);
        Self {
            ready: unit.map(|unit| Ready::new(asks, unit)),
            stretch: Stretch::default(),
            verdict: None,
            calling: false,
            calm_since: None,
        }
    }

    pub(super) fn verdict(&self) -> Option<Verdict> {
        self.verdict
    }

    /// The limits in the unit of the last reading.
    pub(super) fn band(&self) -> Option<Arc<Band>> {
        self.ready.as_ref()?.band.clone()
    }

    pub(super) fn read(&mut self, asks: &rule::Limits, sight: &Sight<'_>, found: &mut Vec<Finding>) {
        self.verdict = None;
        // A doubtful reading ends nothing and begins nothing.
        let Some(quantity) = sight.shown else { return };
        if self
            .ready
            .as_ref()
            .is_none_or(|ready| ready.unit != quantity.unit)
        {
            self.ready = Some(Ready::new(asks, quantity.unit));
        }
        let Some(ready) = &self.ready else { return };
        let Some(band) = &ready.band else { return };
        let number = ready.compared(quantity.amount.number());
        let verdict = band.judge(number);
        self.verdict = Some(verdict);
        let wrong = band.broken(verdict).map(|limit| Wrong {
            side: verdict,
            value: quantity.amount.number(),
            limit: limit.number(),
            unit: ready.unit,
        });
        let inside_by = |limit: &Option<record::Amount>, above: bool| {
            limit.as_ref().is_none_or(|limit| {
                let (limit, by) = (limit.number(), ready.deadband);
                if above {
                    number <= limit - by
                } else {
                    number >= limit + by
                }
            })
        };
        let calm = wrong.is_none() && inside_by(&band.low, false) && inside_by(&band.high, true);
        let out = wrong.is_some();
        self.stretch.read(ABOUT, sight.time, wrong, found);
        self.alarm(asks, sight.time, out, calm, found);
    }

    fn alarm(&mut self, asks: &rule::Limits, time: Stamp, out: bool, calm: bool, found: &mut Vec<Finding>) {
        if out && !self.calling {
            let since = self.stretch.since().unwrap_or(time);
            if time.ms_since(since) >= ms(asks.on_delay) {
                self.calling = true;
                self.stretch.alarm(ABOUT, time, found);
            }
        }
        if !calm {
            self.calm_since = None;
            return;
        }
        let since = *self.calm_since.get_or_insert(time);
        if self.calling && time.ms_since(since) >= ms(asks.off_delay) {
            self.calling = false;
            let mut calm = Finding::once(Class::Limit, "limit", time, "back within the limits".to_owned());
            calm.state = State::Calm;
            found.push(calm);
        }
    }

    pub(super) fn end(&mut self, time: Stamp, found: &mut Vec<Finding>) {
        self.stretch.end(ABOUT, time, found);
    }
}
