//! The bar under the number: the whole range while far away, the last tolerances when near, without flicker between.

use super::{fill::Fill, view::BarView};
use rust_decimal::{Decimal, prelude::ToPrimitive};

/// Nearer than so many tolerances, the bar shows only the last ones; farther than the other, the whole again.
const NEAR: i64 = 10;
const FAR: i64 = 12;
/// So many tolerances each way are shown when near.
const SHOWN: i64 = 6;
const WIDTH: i64 = 10_000;

/// Whether the bar is zoomed, by where it was.
pub fn zoomed(before: bool, fill: &Fill, net: Decimal) -> bool {
    let away = (net - fill.target).abs();
    let tolerance = fill.tolerance();
    if before {
        away <= tolerance * Decimal::from(FAR)
    } else {
        away < tolerance * Decimal::from(NEAR)
    }
}

pub fn bar(fill: &Fill, net: Option<Decimal>, zoomed: bool) -> BarView {
    let tolerance = fill.tolerance();
    let (from, to) = if zoomed {
        let each = tolerance * Decimal::from(SHOWN);
        (fill.target - each, fill.target + each)
    } else {
        (
            Decimal::ZERO,
            fill.target.max(fill.division) * Decimal::new(12, 1),
        )
    };
    let place = |number: Decimal| -> i32 {
        let share = (number - from).checked_div(to - from).unwrap_or_default();
        let at = (share * Decimal::from(WIDTH))
            .round()
            .to_i64()
            .unwrap_or_default();
        at.clamp(0, WIDTH) as i32
    };
    let marks = if zoomed {
        [-5, -3, -1, 1, 3, 5]
            .map(|times| tolerance * Decimal::from(times))
            .to_vec()
    } else {
        [0, 1, 2, 3, 4]
            .map(|quarter| fill.target * Decimal::new(quarter * 25, 2))
            .to_vec()
    };
    let decimals = fill.division.normalize().scale();
    let marks = marks.into_iter().map(|mark| {
        let at = if zoomed { fill.target + mark } else { mark };
        let sign = if zoomed && mark > Decimal::ZERO { "+" } else { "" };
        (
            place(at),
            format!("{sign}{}", mark.round_dp(decimals).normalize()),
        )
    });
    BarView {
        zoomed,
        at: net.map_or(0, place),
        slot_from: place(fill.window.low),
        slot_to: place(fill.window.high),
        target: place(fill.target),
        marks: marks.collect(),
        unit: fill.unit.shown().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::recipe::Window;
    use record::Unit;

    fn fill() -> Fill {
        Fill {
            unit: Unit::named("g").unwrap(),
            target: Decimal::from(3600),
            window: Window {
                low: Decimal::from(3582),
                high: Decimal::from(3618),
            },
            division: Decimal::ONE,
            least: Decimal::from(100),
            most: Decimal::from(6200),
            sum: Decimal::ZERO,
        }
    }

    #[test]
    fn near_the_target_the_bar_shows_the_last_six_tolerances() {
        let near = bar(&fill(), Some(Decimal::from(3604)), true);
        assert_eq!(
            (near.slot_from, near.target, near.slot_to, near.at),
            (4167, 5000, 5833, 5185)
        );
        assert_eq!(near.marks.first().unwrap().1, "-90");
        let far = bar(&fill(), Some(Decimal::from(2870)), false);
        assert!(!far.zoomed);
        assert_eq!(far.marks.last().unwrap().1, "3600");
    }

    /// A weight that wanders around ten tolerances switches the bar once for each crossing, never back and forth.
    #[test]
    fn a_weight_that_trembles_at_the_edge_does_not_make_the_bar_flicker() {
        let fill = fill();
        let (mut state, mut switched, mut seed) = (false, 0, 7u64);
        for _ in 0..2000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let tremble = (seed >> 33) % 30;
            let net = Decimal::from(3600 - 180 - 15 + tremble as i64);
            let next = zoomed(state, &fill, net);
            switched += u32::from(next != state);
            state = next;
        }
        assert_eq!(switched, 1);
        assert!(!zoomed(true, &fill, Decimal::from(3600 - 217)));
    }
}
