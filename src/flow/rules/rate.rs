//! `rate`: the slope of the least-squares line through the readings of a window, in exact sums.

use super::{
    Class, Finding, Sight,
    stretch::{About, Stretch, Wrong},
    words::ms,
};
use crate::{
    config::{rule, tolerance::difference_in},
    flow::check::Verdict,
};
use record::{Stamp, Unit};
use rust_decimal::Decimal;
use std::collections::VecDeque;

const ABOUT: About = About {
    class: Class::Limit,
    because: "rate",
    what: "change",
    after_ms: 0,
};

#[derive(Debug, Clone)]
pub(super) struct Rate {
    unit: Unit,
    low: Option<Decimal>,
    high: Option<Decimal>,
    window: VecDeque<(Stamp, Decimal)>,
    /// Times are summed from here on, in milliseconds.
    origin: Stamp,
    times: i64,
    squares: i128,
    values: Decimal,
    products: Decimal,
    stretch: Stretch,
    judged: bool,
}

impl Rate {
    pub(super) fn new(asks: &rule::Rate) -> Self {
        let side =
            |side: &Option<record::Quantity>| side.as_ref().and_then(|side| difference_in(side, asks.unit));
        Self {
            unit: asks.unit,
            low: side(&asks.low),
            high: side(&asks.high),
            window: VecDeque::new(),
            origin: Stamp(0),
            times: 0,
            squares: 0,
            values: Decimal::ZERO,
            products: Decimal::ZERO,
            stretch: Stretch::default(),
            judged: false,
        }
    }

    pub(super) fn read(&mut self, asks: &rule::Rate, sight: &Sight<'_>, found: &mut Vec<Finding>) {
        let Some(number) = sight.number(self.unit) else {
            self.begin_anew(sight.time);
            return;
        };
        let near = |last: Stamp| (0..=ms(asks.max_sample_gap)).contains(&sight.time.ms_since(last));
        if !self.window.back().is_some_and(|(last, _)| near(*last)) {
            self.begin_anew(sight.time);
        }
        while let Some((first, value)) = self
            .window
            .front()
            .copied()
            .filter(|(first, _)| sight.time.ms_since(*first) > ms(asks.window))
        {
            self.window.pop_front();
            if self.sum(first, value, false).is_none() {
                self.sum_again();
            }
        }
        self.window.push_back((sight.time, number));
        if sight.time.ms_since(self.origin) > 4 * ms(asks.window)
            || self.sum(sight.time, number, true).is_none()
        {
            self.sum_again();
        }
        let Some(slope) = self.slope(asks) else { return };
        self.judged = true;
        let wrong = |side, limit| Wrong {
            side,
            value: slope,
            limit,
            unit: self.unit,
        };
        let wrong = match (self.low, self.high) {
            (Some(low), _) if slope < low => Some(wrong(Verdict::Below, low)),
            (_, Some(high)) if slope > high => Some(wrong(Verdict::Above, high)),
            _ => None,
        };
        self.stretch.read(ABOUT, sight.time, wrong, found);
    }

    fn begin_anew(&mut self, time: Stamp) {
        self.window.clear();
        self.origin = time;
        (self.times, self.squares) = (0, 0);
        (self.values, self.products) = (Decimal::ZERO, Decimal::ZERO);
    }

    fn sum(&mut self, time: Stamp, value: Decimal, add: bool) -> Option<()> {
        let since = time.ms_since(self.origin);
        let product = value.checked_mul(Decimal::from(since))?;
        if add {
            self.times += since;
            self.squares += i128::from(since) * i128::from(since);
            self.values = self.values.checked_add(value)?;
            self.products = self.products.checked_add(product)?;
        } else {
            self.times -= since;
            self.squares -= i128::from(since) * i128::from(since);
            self.values = self.values.checked_sub(value)?;
            self.products = self.products.checked_sub(product)?;
        }
        Some(())
    }

    /// Sums the window once more, with times counted from its own begin.
    fn sum_again(&mut self) {
        let window = std::mem::take(&mut self.window);
        self.begin_anew(window.front().map_or(Stamp(0), |(first, _)| *first));
        for (time, value) in &window {
            let _ = self.sum(*time, *value, true);
        }
        self.window = window;
    }

    /// Change per `per`; `None` while there are too few readings, or they cover less than half the window.
    fn slope(&self, asks: &rule::Rate) -> Option<Decimal> {
        let (first, last) = (self.window.front()?.0, self.window.back()?.0);
        if self.window.len() < asks.min_readings as usize || last.ms_since(first) * 2 < ms(asks.window) {
            return None;
        }
        let n = self.window.len() as i64;
        let below = i128::from(n) * self.squares - i128::from(self.times) * i128::from(self.times);
        let above = self
            .products
            .checked_mul(n.into())?
            .checked_sub(self.values.checked_mul(self.times.into())?)?;
        let below = Decimal::try_from_i128_with_scale(below, 0).ok()?;
        let slope = above.checked_mul(ms(asks.per).into())?.checked_div(below)?;
        Some(slope.round_dp(6).normalize())
    }

    pub(super) fn earned(&self) -> bool {
        self.judged
    }

    pub(super) fn end(&mut self, time: Stamp, found: &mut Vec<Finding>) {
        self.stretch.end(ABOUT, time, found);
    }
}
