//! Where the pointer stands, and the line of the last values. Drawn by the server; figures for people only.
//!
//! Nothing here judges: a binary float is good enough to place a mark, never to compare with a limit.

use super::page::Page;
use crate::flow::board::{LimitsView, PointView};
use maud::{Markup, html};
use std::fmt::Write;

/// What a gauge and a trend show, from what is known of a point.
pub(crate) struct Chart {
    /// Left and right end of the gauge.
    from: f64,
    to: f64,
    /// Upper and lower edge of the trend.
    top: f64,
    bottom: f64,
    low: Option<f64>,
    high: Option<f64>,
    warn_low: Option<f64>,
    warn_high: Option<f64>,
    value: Option<f64>,
    trend: Vec<f64>,
}

/// The trend's drawing: 119 steps for 120 values, the newest at the right edge.
const STEPS: usize = 119;
const HEIGHT: f64 = 34.0;

impl Chart {
    pub(crate) fn of(point: &PointView) -> Self {
        let limits = point.limits.clone().unwrap_or_default();
        let LimitsView {
            low,
            high,
            warn_low,
            warn_high,
        } = &limits;
        let (low, high) = (number(low.as_ref()), number(high.as_ref()));
        let value = point.value.parse().ok().filter(|v: &f64| v.is_finite());
        let skip = point.trend.len().saturating_sub(STEPS + 1);
        let trend: Vec<f64> = point.trend.iter().skip(skip).copied().collect();
        let (from, to) = gauge_range(low, high, value, &trend);
        let (bottom, top) = trend_range(low, high, &trend, digit(&point.value));
        Self {
            from,
            to,
            top,
            bottom,
            low,
            high,
            warn_low: number(warn_low.as_ref()),
            warn_high: number(warn_high.as_ref()),
            value,
            trend,
        }
    }

    /// Where the pointer stands, in per cent with one decimal; `None` without a value.
    pub(crate) fn pointer(&self) -> Option<String> {
        self.value.map(|value| self.place(value))
    }

    /// The gauge: limits drawn, pointer over them.
    pub(crate) fn gauge(&self, page: &Page, id: &str, limits: Option<&LimitsView>) -> Markup {
        let band = |low: Option<f64>, high: Option<f64>| {
            let from = low.map_or(0.0, |low| self.percent(low));
            let to = high.map_or(100.0, |high| self.percent(high));
            (format!("{from:.1}%"), format!("{:.1}%", (to - from).max(0.0)))
        };
        let (outer, width) = band(self.low, self.high);
        let (inner, inner_width) = band(self.warn_low.or(self.low), self.warn_high.or(self.high));
        let ends = limits
            .map(|limits| [limits.low.as_deref(), limits.high.as_deref()])
            .unwrap_or_default();
        // Two labels grow away from each other, so that they never meet on a narrow gauge.
        let anchors = match ends {
            [Some(_), Some(_)] => [("end", "10"), ("start", "-10")],
            _ => [("middle", "0"); 2],
        };
        html! {
            svg class="gauge" aria-hidden="true" {
                rect class="tr" y="9" height="12" width="100%" rx="2" {}
                @if self.low.is_some() || self.high.is_some() {
                    rect class="wn" y="9" height="12" x=(outer) width=(width) {}
                    rect class="ok" y="9" height="12" x=(inner) width=(inner_width) {}
                }
                @for ((text, place), (anchor, dx)) in ends.iter().zip([self.low, self.high]).zip(anchors) {
                    @if let (Some(text), Some(place)) = (text, place.map(|place| self.place(place))) {
                        line class="lim" x1={(place) "%"} x2={(place) "%"} y1="6" y2="24" {}
                        text x={(place) "%"} y="35" dx=(dx) text-anchor=(anchor) { (page.tongue.amount(text)) }
                    }
                }
                @if let Some(at) = self.pointer() {
                    svg id={(id) "-gauge"} x={(page.now(&at)) "%"} y="0" overflow="visible" { path class="pt" d="M0 16 L-6.5 1 L6.5 1Z" {} }
                }
            }
        }
    }

    /// The trend with the band of the limits behind it.
    pub(crate) fn spark(&self, page: &Page, id: &str) -> Markup {
        let top = self.high.map_or(0.0, |high| self.y(high));
        let bottom = self.low.map_or(HEIGHT, |low| self.y(low));
        html! {
            svg class="spark" viewBox={"0 0 " (STEPS) " " (HEIGHT)} preserveAspectRatio="none" aria-hidden="true" {
                @if self.low.is_some() || self.high.is_some() {
                    rect class="b" x="0" width=(STEPS) y={(format!("{top:.1}"))} height={(format!("{:.1}", bottom - top))} {}
                }
                path id={(id) "-trend"} d=(page.now(&self.trend())) {}
                path class="x" id={(id) "-out"} d=(page.now(&self.outside())) {}
            }
        }
    }

    /// The line of the last values; a hole stays a hole.
    pub(crate) fn trend(&self) -> String {
        self.path(0)
    }

    /// The end of the line, as far back as it lies outside the limits now. What lies further back was
    /// perhaps judged by other limits, or by none: it is never drawn as broken by these.
    pub(crate) fn outside(&self) -> String {
        let outside =
            |v: &f64| self.low.is_some_and(|low| *v < low) || self.high.is_some_and(|high| *v > high);
        let now = self.trend.iter().rev().take_while(|v| outside(v)).count();
        // One value more, so that the stroke begins where the limit is crossed.
        if now == 0 {
            String::new()
        } else {
            self.path(self.trend.len().saturating_sub(now + 1))
        }
    }

    fn path(&self, begin: usize) -> String {
        let start = STEPS + 1 - self.trend.len().min(STEPS + 1);
        let mut out = String::new();
        let mut pen_at = None;
        for (at, pair) in self.trend.windows(2).enumerate().skip(begin) {
            if !pair.iter().all(|v| v.is_finite()) {
                continue;
            }
            let (x, from, to) = (start + at, self.y(pair[0]), self.y(pair[1]));
            if pen_at != Some(x) {
                let _ = write!(out, "M{x} {from:.1}");
            }
            let _ = write!(out, "L{} {to:.1}", x + 1);
            pen_at = Some(x + 1);
        }
        out
    }

    fn y(&self, value: f64) -> f64 {
        (HEIGHT - (value - self.bottom) / (self.top - self.bottom) * HEIGHT).clamp(0.0, HEIGHT)
    }

    fn percent(&self, value: f64) -> f64 {
        ((value - self.from) / (self.to - self.from) * 100.0).clamp(0.0, 100.0)
    }

    fn place(&self, value: f64) -> String {
        format!("{:.1}", self.percent(value))
    }
}

/// With limits: the limits in the middle third, so that every gauge of a line reads alike.
/// Without: from zero to the next round number above what was seen.
fn gauge_range(low: Option<f64>, high: Option<f64>, value: Option<f64>, trend: &[f64]) -> (f64, f64) {
    match (low, high) {
        (Some(low), Some(high)) if high > low => (low - (high - low), high + (high - low)),
        (Some(one), _) | (None, Some(one)) => {
            let reach = if one == 0.0 { 1.0 } else { one.abs() };
            (one - reach, one + reach)
        }
        (None, None) => {
            let seen = || trend.iter().copied().chain(value).filter(|v| v.is_finite());
            let (least, most) = (seen().fold(0.0, f64::min), seen().fold(0.0, f64::max));
            let to = if most > 0.0 { round_above(most * 1.05) } else { 0.0 };
            let from = if least < 0.0 {
                -round_above(-least * 1.05)
            } else {
                0.0
            };
            if from < to { (from, to) } else { (0.0, 1.0) }
        }
    }
}

/// With limits the scale is theirs, half a span to each side, so that the line never jumps by being
/// rescaled; what lies beyond runs along the edge. Without, the values fill two thirds of the height, but
/// what is only the last digit flickering stays flat.
fn trend_range(low: Option<f64>, high: Option<f64>, trend: &[f64], digit: f64) -> (f64, f64) {
    if let (Some(low), Some(high)) = (low, high)
        && high > low
    {
        let half = (high - low) / 2.0;
        return (low - half, high + half);
    }
    let seen = || {
        trend
            .iter()
            .copied()
            .filter(|v| v.is_finite())
            .chain(low)
            .chain(high)
    };
    let (least, most) = (
        seen().fold(f64::INFINITY, f64::min),
        seen().fold(f64::NEG_INFINITY, f64::max),
    );
    if least > most {
        return (0.0, 1.0);
    }
    let span = (most - least).max(digit * 20.0).max(most.abs() * 0.02);
    let middle = f64::midpoint(least, most);
    (middle - span * 0.75, middle + span * 0.75)
}

/// 1, 2 or 5 times a power of ten, not below `value`.
fn round_above(value: f64) -> f64 {
    let power = 10f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0]
        .into_iter()
        .map(|step| step * power)
        .find(|step| *step >= value)
        .unwrap_or(10.0 * power)
}

/// What the last shown digit is worth.
fn digit(shown: &str) -> f64 {
    let decimals = shown.split_once('.').map_or(0, |(_, part)| part.len().min(9));
    10f64.powi(-(decimals as i32))
}

fn number(text: Option<&String>) -> Option<f64> {
    text.and_then(|text| text.parse().ok())
        .filter(|v: &f64| v.is_finite())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn point(value: &str, low: Option<&str>, high: Option<&str>, trend: &[f64]) -> Chart {
        let limits = (low.is_some() || high.is_some()).then(|| LimitsView {
            low: low.map(str::to_owned),
            high: high.map(str::to_owned),
            ..LimitsView::default()
        });
        Chart::of(&PointView {
            value: value.into(),
            limits,
            trend: trend.to_vec(),
            ..PointView::default()
        })
    }

    #[test]
    fn the_limits_stand_in_the_middle_third_of_the_gauge() {
        let chart = point("71.6", Some("68"), Some("72"), &[]);
        assert_eq!(chart.pointer().as_deref(), Some("63.3"));
        assert_eq!(
            (chart.place(68.0), chart.place(72.0)),
            ("33.3".into(), "66.7".into())
        );
    }

    #[test]
    fn a_value_far_outside_stays_at_the_edge() {
        assert_eq!(
            point("400", Some("68"), Some("72"), &[]).pointer().as_deref(),
            Some("100.0")
        );
        assert_eq!(
            point("-400", None, Some("72"), &[]).pointer().as_deref(),
            Some("0.0")
        );
    }

    #[test]
    fn no_value_has_no_pointer() {
        assert_eq!(point("", Some("68"), Some("72"), &[]).pointer(), None);
        assert_eq!(point("NaN", None, None, &[]).pointer(), None);
    }

    #[test]
    fn without_limits_the_gauge_goes_from_zero_to_a_round_number() {
        for (value, place) in [("52.3", "52.3"), ("0", "0.0"), ("1.204", "60.2"), ("-16", "20.0")] {
            assert_eq!(
                point(value, None, None, &[]).pointer().as_deref(),
                Some(place),
                "{value}"
            );
        }
    }

    #[test]
    fn a_hole_in_the_trend_stays_a_hole_and_the_newest_value_is_at_the_right() {
        let chart = point("3", None, None, &[1.0, 2.0, f64::NAN, 2.0, 3.0]);
        let path = chart.trend();
        assert_eq!(path.matches('M').count(), 2, "{path}");
        assert!(path.starts_with("M115 ") && path.contains("L119 "), "{path}");
    }

    #[test]
    fn only_what_is_outside_now_is_drawn_as_broken() {
        let trend = [60.0, 60.0, 70.0, 71.0, 73.0, 74.0];
        let chart = point("74", Some("68"), Some("72"), &trend);
        assert_eq!(
            chart.outside().matches('L').count(),
            2,
            "not the 60 of the step before"
        );
        assert_eq!(
            point("70", Some("68"), Some("72"), &[70.0, 73.0, 70.0]).outside(),
            ""
        );
        assert_eq!(point("70", None, None, &[70.0, 73.0]).outside(), "");
    }

    #[test]
    fn a_flat_line_without_limits_is_drawn_flat() {
        let path = point("70.0", None, None, &[70.0; 5]).trend();
        assert!(path.matches("17.0").count() == 5, "{path}");
    }
}
