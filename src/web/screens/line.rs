//! The line at a glance: what needs me, the units with their points, and (below) the record strip.
//!
//! Every configured point stands in exactly one state, told by shape and word. A value that can't be trusted
//! never looks like one that can.

use super::Screen;
use crate::{
    flow::board::{Call, PointState, PointView, UnitState, UnitView},
    web::{
        calls,
        chart::Chart,
        figures,
        marks::{Shape, Tone, shape},
        page::Page,
        words::{NO_BREAK, Say, typeset},
    },
};
use maud::{Markup, html};
use serde_json::json;

pub(crate) const SCREEN: Screen = Screen {
    name: "line",
    path: "/",
    order: 10,
    tab: Say::Line,
    title: Say::LineOverview,
    main,
};

/// Cards side by side; the rest is counted and opens on demand.
const CARDS: usize = 3;

fn main(page: &Page) -> Markup {
    let units = &page.board.units;
    html! {
        h1 class="sr" { (page.say(Say::LineOverview)) }
        (attention(page))
        @if units.is_empty() {
            div class="empty" { h2 { (page.say(Say::NoUnits)) } p { (page.say(Say::NoUnitsDo)) } }
        } @else {
            div class={"units n" (units.len())} {
                @for (at, view) in units.iter().enumerate() { (unit(page, at, view)) }
            }
        }
    }
}

fn attention(page: &Page) -> Markup {
    let calls = calls::all(page);
    if calls.is_empty() {
        // Where nothing is watched, nothing needing anyone would be no news.
        return if page.board.units.is_empty() {
            html! {}
        } else {
            calm(page)
        };
    }
    let (cards, rest) = calls.split_at(calls.len().min(CARDS));
    html! {
        ul class={"attn" @if !rest.is_empty() { " plus" }} aria-label=(page.say(Say::NeedsAttention)) aria-live="polite" {
            @for call in cards { (card(page, call)) }
            @if !rest.is_empty() {
                li class="more" {
                    details id="more" {
                        summary aria-label=(page.tell(Say::MoreCalls, &[("count", (rest.len() as u64).into())])) {
                            b { "+" (rest.len()) } (page.say(Say::More))
                        }
                        ul { @for call in rest { (card(page, call)) } }
                    }
                }
            }
        }
    }
}

fn calm(page: &Page) -> Markup {
    let rate = page.board.readings_per_second.max(0.0);
    let shown = if rate < 10.0 && rate > 0.0 {
        format!("{rate:.1}")
    } else {
        format!("{rate:.0}")
    };
    let watched = page.tell(
        Say::Watched,
        &[
            ("units", (page.board.units.len() as u64).into()),
            ("rate", page.tongue.amount(&shown).into()),
            ("rate_count", u64::from(shown != "1.0").saturating_add(1).into()),
        ],
    );
    let odd = calls::unexpected(page);
    html! {
        div class="calm" {
            (shape(if odd == 0 { Shape::Tick } else { Shape::Ring }))
            span {
                b { (page.say(if odd == 0 { Say::NothingNeedsYou } else { Say::NoCallIsOpen })) }
                " "
                @if odd > 0 { (page.tell(Say::NotAsExpected, &[("count", odd.into())])) " " }
                (page.live("watched", &watched))
            }
        }
    }
}

fn card(page: &Page, call: &Call) -> Markup {
    let id = |part: &str| format!("call-{}-{part}", call.id);
    html! {
        li class=(calls::tone(call.urgency).word()) data-call=(call.id) {
            (shape(calls::shape(call.urgency)))
            b { (page.live(&id("what"), &call.what)) }
            @if call.since < page.board.now { time { (page.moment(call.since)) } }
            span class="m" { (page.live(&id("record"), &call.record)) " " (page.live(&id("do"), &call.action)) }
        }
    }
}

fn unit(page: &Page, at: usize, view: &UnitView) -> Markup {
    let (mark, tone, word) = match view.state {
        UnitState::Idle => (Shape::Ring, "", Say::Idle),
        UnitState::Running => (Shape::Dot, "", Say::Running),
        UnitState::Held => (Shape::Bars, "", Say::Held),
        UnitState::ContextLost => (Shape::Dashed, " data", Say::ContextLost),
    };
    let title = if view.title.is_empty() {
        &view.name
    } else {
        &view.title
    };
    html! {
        section class="unit" data-unit=(view.name) {
            header {
                h2 { (title) }
                @if *title != view.name { span class="tag" { (view.name) } }
                span class={"mark" (tone)} { (shape(mark)) (page.say(word)) }
            }
            p class="step" { (step(page, at, view)) }
            @for (nth, view) in view.points.iter().enumerate() { (point(page, &format!("u{at}p{nth}"), view)) }
            @if view.points.is_empty() { p class="none" { (page.say(Say::NoPoints)) } }
        }
    }
}

/// Which batch, which step, for how long. What is not known is said, never guessed.
fn step(page: &Page, at: usize, view: &UnitView) -> Markup {
    if view.state == UnitState::ContextLost && view.batch.is_none() {
        return html! { (page.say(Say::ContextLostStep)) };
    }
    let Some(batch) = &view.batch else {
        return html! { (page.say(Say::NoBatch)) };
    };
    html! {
        b { (batch) }
        @if let Some(step) = &view.step {
            " · " (step)
            @if view.run > 1 { ", " (page.tell(Say::RunOf, &[("run", u64::from(view.run).into())])) }
            @if view.state == UnitState::ContextLost {
                ", " (page.say(Say::NotConfirmed))
            } @else if let Some(since) = view.step_since {
                ", " (page.live(&format!("u{at}-for"), &page.tell(Say::ForSo, &[("span", figures::stopwatch(page.age(since)).into())])))
            }
        }
    }
}

fn point(page: &Page, id: &str, view: &PointView) -> Markup {
    let look = look(view.state);
    let chart = Chart::of(view);
    let has_value = !view.value.is_empty();
    let value = if has_value {
        page.tongue.amount(&view.value)
    } else {
        page.say(no_value(view.state))
    };
    let word = word(page, view);
    let why = why(page, view);
    page.note(
        id,
        json!({
            "id": id, "text": value, "word": word,
            "state": look.tone.word(), "quality": look.quality, "gauge": chart.pointer().unwrap_or_default(),
            "trend": chart.trend(), "out": chart.outside(),
        }),
    );
    html! {
        div class="par" id={(id) "-row"} data-point=(view.point) data-state=(look.tone.word()) data-quality=(look.quality) {
            div class="l" {
                span class="t" title={(view.title) " · " (view.point)} { (label(view)) }
                @match look.mark {
                    Some(mark) => span class={"mark " (look.tone.word())} {
                        (shape(mark)) span class="live" id={(id) "-word"} { (page.now(&word)) }
                    },
                    None => span class="sr" id={(id) "-word"} { (page.now(&word)) },
                }
                @if !why.is_empty() { span class="r" { (page.live(&format!("{id}-why"), &why)) } }
            }
            @if has_value {
                div class="v" { span class="live" id=(id) { (page.now(&value)) } small { (NO_BREAK) (view.unit) } }
            } @else {
                div class="v word" { span class="live" id=(id) { (page.now(&value)) } }
            }
            div class="g" { (chart.gauge(page, id, view.limits.as_ref())) }
            (chart.spark(page, id))
        }
    }
}

/// What the unit calls the point: `product-temperature` is "Product temperature". One instrument may give
/// several points, so its own title comes second.
fn label(view: &PointView) -> String {
    let words = view.role.replace(['-', '_'], " ");
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None if view.title.is_empty() => view.point.clone(),
        None => view.title.clone(),
    }
}

/// How a state looks.
struct Look {
    tone: Tone,
    mark: Option<Shape>,
    quality: &'static str,
}

fn look(state: PointState) -> Look {
    let look = |tone, mark, quality| Look { tone, mark, quality };
    match state {
        PointState::Normal => look(Tone::Calm, None, "good"),
        PointState::NearLimit => look(Tone::Warn, Some(Shape::Triangle), "good"),
        PointState::OutOfLimits => look(Tone::Alarm, Some(Shape::Square), "good"),
        PointState::Doubtful => look(Tone::Data, Some(Shape::Dashed), "uncertain"),
        PointState::Bad | PointState::Silent | PointState::Stale => {
            look(Tone::Data, Some(Shape::Dashed), "bad")
        }
        PointState::Waiting | PointState::WaitingForPrint => look(Tone::Off, Some(Shape::Ring), "none"),
        PointState::OutOfService => look(Tone::Off, Some(Shape::Bars), "none"),
    }
}

fn no_value(state: PointState) -> Say {
    match state {
        PointState::Waiting | PointState::WaitingForPrint => Say::NoValueYet,
        _ => Say::NoValue,
    }
}

/// The one word beside the point, with its age where that is the point.
fn word(page: &Page, view: &PointView) -> String {
    let age = |then, key, bare| match then {
        Some(then) => page.tell(key, &[("span", page.about(then).into())]),
        None => page.say(bare),
    };
    match view.state {
        PointState::Normal if view.limits.is_some() => page.say(Say::InLimits),
        PointState::Normal => page.say(Say::NoLimits),
        PointState::NearLimit => page.say(Say::NearLimit),
        PointState::OutOfLimits => page.say(Say::OutOfLimits),
        PointState::Doubtful => page.say(Say::Doubtful),
        PointState::Bad => page.say(Say::Bad),
        PointState::Silent => age(view.since, Say::SilentFor, Say::Silent),
        PointState::Stale => age(view.time.or(view.since), Say::StaleAge, Say::Stale),
        PointState::Waiting => page.say(Say::Waiting),
        PointState::WaitingForPrint => page.say(Say::WaitingForPrint),
        PointState::OutOfService => page.say(Say::OutOfService),
    }
}

/// The reason in plain words, where it says more than the state's own word.
fn why(page: &Page, view: &PointView) -> String {
    let own = match view.state {
        PointState::Waiting => page.say(Say::WaitingWhy),
        PointState::WaitingForPrint => page.say(Say::WaitingForPrintWhy),
        _ => String::new(),
    };
    let says_no_more = match view.state {
        PointState::Normal | PointState::Stale | PointState::Waiting | PointState::WaitingForPrint => true,
        PointState::Silent => view.because.starts_with("silent"),
        PointState::OutOfService => view.because == "out of service",
        _ => false,
    };
    if says_no_more { own } else { typeset(&view.because) }
}
