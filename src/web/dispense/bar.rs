//! The bar under the weight: the whole range, or zoomed to the last part of it. The slot is always an outlined box, so
//! that it is read without its colour. Where things stand is said by the core.

use super::Stand;
use crate::{flow::station::view::BarView, web::words::Say};
use maud::{Markup, html};

/// Beyond this the deviation stands on the other side of the pointer.
const TURNS: i32 = 7_000;

pub(super) fn bar(stand: &Stand, bar: &BarView, delta: &str) -> Markup {
    let at = bar.at.clamp(0, 10_000);
    let right = at < 5_000;
    let turned = at > TURNS;
    html! {
        svg class="tol" aria-hidden="true" {
            text class="zoom" id="zoom" x=(stand.attr("zoom", "x", if right { "100%" } else { "0" }))
                text-anchor=(stand.attr("zoom", "text-anchor", if right { "end" } else { "start" })) y="15" { (zoom(stand, bar)) }
            rect class="track" y="34" height="44" width="100%" rx="6" {}
            rect class="fill" id="fill" y="34" height="44" rx="6" width=(stand.attr("fill", "width", &percent(at)))
                opacity=[bar.zoomed.then_some(".22")] {}
            rect class="slot" x=(percent(bar.slot_from)) width=(percent((bar.slot_to - bar.slot_from).max(60))) y="28" height="56" rx="6" {}
            @if bar.zoomed { line class="tg" x1=(percent(bar.target)) x2=(percent(bar.target)) y1="28" y2="84" {} }
            @for (place, text) in &bar.marks {
                text x=(percent(*place)) y="105" text-anchor=(anchor(*place)) { (mark(stand, bar, *place, text)) }
            }
            svg class="ptx" id="ptx" x=(stand.attr("ptx", "x", &percent(at))) y="0" overflow="visible" {
                path class="pt" d="M0 40 L-13 18 L13 18Z" {}
                rect class="pt" x="-2.5" width="5" y="34" height="44" {}
                text class="dev" id="dev" y="16" x=(stand.attr("dev", "x", if turned { "-20" } else { "20" }))
                    text-anchor=(stand.attr("dev", "text-anchor", if turned { "end" } else { "start" })) { (stand.live_in_svg("dev", delta)) }
            }
        }
    }
}

fn zoom(stand: &Stand, bar: &BarView) -> String {
    if !bar.zoomed {
        return stand.say(Say::WholeRange);
    }
    let each = half(bar).map_or_else(String::new, |digits| stand.amount(&digits, &bar.unit));
    stand.tell(Say::Zoomed, &[("each", each.into())])
}

/// What the bar spans to each side of the target, told by its outermost mark, in as many digits as that has.
fn half(bar: &BarView) -> Option<String> {
    let (place, text) = bar.marks.last()?;
    let amount: f64 = text.trim_start_matches(['+', '-']).parse().ok()?;
    let decimals = text.split_once('.').map_or(0, |(_, part)| part.len());
    let way = f64::from(*place - bar.target);
    (way > 0.0).then(|| format!("{:.decimals$}", amount * f64::from(10_000 - bar.target) / way))
}

fn mark(stand: &Stand, bar: &BarView, place: i32, text: &str) -> String {
    if bar.zoomed && place == bar.target {
        return stand.say(Say::Target);
    }
    match text.strip_prefix('+') {
        Some(digits) => format!("+{}", stand.digits(digits)),
        None => stand.digits(text),
    }
}

fn anchor(place: i32) -> &'static str {
    match place {
        ..400 => "start",
        9_600.. => "end",
        _ => "middle",
    }
}

/// Ten-thousandths as `51.85%`.
fn percent(at: i32) -> String {
    let at = at.clamp(0, 10_000);
    format!("{}.{:02}%", at / 100, at % 100)
}

impl Stand<'_> {
    /// A text the stream renews, of an element that is written by its caller.
    pub(super) fn live_in_svg<'t>(&self, id: &str, text: &'t str) -> &'t str {
        self.page.note(id, serde_json::json!({ "id": id, "text": text }));
        self.page.now(text)
    }
}

#[cfg(test)]
mod tests {
    use super::{BarView, half, percent};

    #[test]
    fn the_zoom_is_told_by_what_the_bar_spans() {
        let bar = |marks: &[(i32, &str)]| BarView {
            zoomed: true,
            target: 5_000,
            marks: marks.iter().map(|(at, text)| (*at, (*text).to_owned())).collect(),
            ..BarView::default()
        };
        assert_eq!(
            half(&bar(&[(833, "-90"), (9_167, "+90")])).as_deref(),
            Some("108")
        );
        assert_eq!(half(&bar(&[(9_167, "+1.50")])).as_deref(), Some("1.80"));
        assert_eq!(half(&bar(&[])), None);
    }

    #[test]
    fn a_pointer_never_leaves_its_bar() {
        for (at, text) in [
            (0, "0.00%"),
            (5_185, "51.85%"),
            (10_000, "100.00%"),
            (-300, "0.00%"),
            (99_999, "100.00%"),
        ] {
            assert_eq!(percent(at), text);
        }
    }
}
