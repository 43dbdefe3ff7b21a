//! The frame of a station's page: what is weighed and for what on top, the lines of the order, what the record is used
//! for, and "Live view lost" – which shows itself.

use super::{Show, Stand, words};
use crate::{
    flow::station::view::RecordWord,
    web::{
        marks::{self, Shape, icon, shape},
        page::use_word,
        words::Say,
    },
};
use maud::{DOCTYPE, Markup, html};
use std::hash::{DefaultHasher, Hasher};

/// A whole page.
pub(super) fn whole(stand: &Stand, pulse: &str) -> Markup {
    let page = &stand.page;
    let used = use_word(page);
    html! {
        (DOCTYPE)
        html lang=(page.tongue.code) data-software=(env!("CARGO_PKG_VERSION")) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                title { @if let Some(used) = &used { (used) ": " } (title(stand)) }
                link rel="icon" href="/static/mark.svg" type="image/svg+xml";
                link rel="stylesheet" href="/static/steelyard.css";
                link rel="stylesheet" href="/static/station.css";
                script defer src="/static/steelyard.js" {}
                script defer src="/static/station.js" {}
                noscript { meta http-equiv="refresh" content="10"; link rel="stylesheet" href="/static/still.css"; }
            }
            body class={ "kiosk" @if stand.seat.wall { " wall" } @if used.is_some() { " used" } } {
                (lost(stand))
                (station(stand, pulse))
            }
        }
    }
}

/// What is fetched when the structure has changed: everything below "Live view lost".
pub(super) fn part(stand: &Stand, pulse: &str) -> Markup {
    html! { (DOCTYPE) (station(stand, pulse)) }
}

/// The shape of what is drawn.
pub(super) fn shape_of(stand: &Stand) -> String {
    let mut hash = DefaultHasher::new();
    hash.write(inside(stand).into_string().as_bytes());
    format!("{:016x}", hash.finish())
}

fn station(stand: &Stand, pulse: &str) -> Markup {
    let own = stand.address(stand.show);
    let sub = |what: &str| match own.split_once('?') {
        Some((path, query)) => format!("{path}/{what}?{query}"),
        None => format!("{own}/{what}"),
    };
    html! {
        div id="main" class="station" data-screen="dispense" data-live=(sub("live")) data-part=(sub("part"))
            data-act=(format!("/dispense/{}/act", super::path_part(&stand.view.station)))
            data-home=(stand.address(Show::Step)) data-pen=[stand.may_act().then_some("1")] data-shape=(pulse) {
            (inside(stand))
        }
    }
}

fn inside(stand: &Stand) -> Markup {
    html! {
        form id="acts" method="post" action=(format!("/dispense/{}/act", super::path_part(&stand.view.station))) {
            input type="hidden" name="form" value=(stand.page.now(&stand.seat.token));
            input type="hidden" name="reading" id="reading" value=(stand.attr("reading", "value", &reading(stand)));
        }
        (bar(stand))
        (used(stand))
        (lines(stand))
        (stand.body())
    }
}

/// The reading an act names: the one this page shows.
fn reading(stand: &Stand) -> String {
    let shown = stand.view.weight.as_ref().map(|weight| weight.reading);
    stand
        .view
        .capture
        .reading
        .or(shown)
        .map_or_else(String::new, |reading| reading.to_string())
}

fn title(stand: &Stand) -> String {
    let step = stand.say(words::step(stand.view.step));
    stand.tell(
        Say::TitleOf,
        &[
            ("screen", format!("{}, {step}", name(stand)).into()),
            ("gateway", stand.page.board.gateway.as_str().into()),
        ],
    )
}

fn name<'s>(stand: &'s Stand) -> &'s str {
    if stand.view.title.is_empty() {
        &stand.view.station
    } else {
        &stand.view.title
    }
}

fn lost(stand: &Stand) -> Markup {
    html! {
        div class="lost" role="alert" {
            (icon(marks::UNLINK))
            div { (stand.say(Say::LiveLost)) span { " " (stand.say(Say::LiveLostWeight)) } }
            button class="btn" data-reload { (stand.say(Say::Reload)) }
        }
    }
}

fn bar(stand: &Stand) -> Markup {
    let view = stand.view;
    html! {
        header class="kbar" {
            @if let Some(order) = &view.order {
                span class="what" { b { (order.batch) } @if !order.product.is_empty() { " · " (order.product) } }
                @if order.at > 0 {
                    span class="at" { (stand.say(Say::LineOfOrder)) " " b { (stand.tell(Say::AtOf, &[("at", (order.at as u64).into()), ("of", (order.of as u64).into())])) } }
                }
            } @else {
                span class="what" { b { (name(stand)) } }
            }
            div class="end" {
                @if let Some(scale) = &view.scale {
                    span { (stand.say(Say::Scale)) " " (scale.scale) " " b { (stand.say(words::scale(scale.state))) } }
                }
                (record(stand))
                @if let Some(person) = &view.operator { b class="who" { (icon(marks::PERSON)) (person.name) } }
                b class="clock num" { (stand.live("now", &stand.page.clock())) }
            }
        }
    }
}

/// The state of the record as one phrase; amber, with a triangle, when entries are held here.
fn record(stand: &Stand) -> Markup {
    let (word, mark) = match stand.view.record {
        RecordWord::AllSealed => (Say::RecordAllSealed, None),
        RecordWord::Sealing => (Say::RecordSealing, None),
        RecordWord::HeldHere => (Say::RecordHeldHere, Some((Shape::Triangle, "mark warn"))),
        RecordWord::Stopped => (Say::RecordStopped, Some((Shape::Square, "mark alarm"))),
    };
    html! {
        span id="record" class=[mark.map(|(_, class)| class)] {
            @if let Some((mark, _)) = mark { (shape(mark)) }
            (stand.say(Say::Record)) " " b { (stand.say(word)) }
        }
    }
}

fn used(stand: &Stand) -> Markup {
    html! {
        @if let Some(word) = use_word(&stand.page) {
            div class="use" role="note" { span { b { (word) } " – " (stand.say(Say::DemoMeans)) } }
        }
    }
}

/// The lines of the order, the one at work in the middle of at most six.
fn lines(stand: &Stand) -> Markup {
    const SHOWN: usize = 6;
    let lines = &stand.view.lines;
    let at = lines.iter().position(|line| line.state == "current").unwrap_or(0);
    let from = at.saturating_sub(2).min(lines.len().saturating_sub(SHOWN));
    html! {
        ol class="klines" aria-label=(stand.say(Say::Materials)) {
            @for (number, line) in lines.iter().enumerate().skip(from).take(SHOWN) {
                @let (class, mark, word) = match line.state {
                    "current" => ("cur", None, None),
                    "done" => ("done", Some(marks::TICK), Some(Say::LineDone)),
                    "held" => ("held", Some(marks::PAUSE), Some(Say::LineHeld)),
                    "aborted" => ("gone", Some(marks::CROSS), Some(Say::LineAborted)),
                    _ => ("", None, None),
                };
                li class=(class) aria-current=[(line.state == "current").then_some("step")] {
                    @if let Some(mark) = mark { (icon(mark)) }
                    @if let Some(word) = word { span class="sr" { (stand.say(word)) ": " } }
                    span { (number + 1) " " (line.title) }
                }
            }
        }
    }
}
