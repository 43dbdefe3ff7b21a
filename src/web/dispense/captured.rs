//! Captured and sealed: what was captured, its label, and what comes next.

use super::{Show, Stand, act, side, verify, weigh};
use crate::{
    flow::station::view::{LabelView, PartView, Step},
    web::{
        marks::{self, Shape, icon, shape},
        words::Say,
    },
};
use maud::{Markup, html};

pub(super) fn scene(stand: &Stand) -> Markup {
    let part = stand.view.pending.as_ref().or(stand.view.parts.last());
    html! {
        main class="kmain" {
            section class="kw" {
                div class="kmsg" {
                    (shape(Shape::Tick))
                    @match part {
                        Some(part) => {
                            h1 { (stand.tell(if part.sealed { Say::CapturedSealed } else { Say::CapturedOnly }, &[("net", stand.amount(&part.net, &part.unit).into())])) }
                            p { (by(stand, part)) }
                            (label(stand, part))
                        }
                        None => h1 { (stand.say(Say::OrderComplete)) },
                    }
                }
            }
            (side::side(stand))
        }
        (act::foot(stand, &again(stand), &spoken(stand, part), &next(stand)))
    }
}

/// `Anna Keller 08:25:39 · verified by Jonas Weber · entry 14`.
fn by(stand: &Stand, part: &PartView) -> String {
    let mut parts = vec![format!(
        "{} {}",
        verify::person(stand, &part.by),
        stand.second(part.at)
    )];
    if !part.verified_by.is_empty() {
        parts.push(stand.tell(Say::VerifiedBy, &[("person", part.verified_by.as_str().into())]));
    }
    parts.push(stand.tell(Say::EntryNumber, &[("entry", part.entry.to_string().into())]));
    parts.join(" · ")
}

fn label(stand: &Stand, part: &PartView) -> Markup {
    let Some(view) = &stand.view.label else {
        return html! {};
    };
    html! {
        div class="gap" {
            @if view.state == "no-label" {
                (weigh::note(&stand.tell(Say::NoLabelBecause, &[("because", super::theirs(&view.because).into())])))
                p { (stand.say(Say::NoLabelMeans)) }
            }
            div class="label" {
                b { (stand.view.material.as_ref().map_or("", |it| &it.title)) }
                span { (stand.view.material.as_ref().map_or("", |it| &it.code)) " · " (stand.say(Say::LotSmall)) " " (part.lot) }
                span class="w" { (stand.amount(&part.net, &part.unit)) " " small { (stand.say(Say::Net)) } }
                span { (stand.tell(Say::TareGross, &[("tare", stand.digits(&part.tare).into()), ("gross", stand.amount(&part.gross, &part.unit).into())])) }
                @if let Some(order) = &stand.view.order { span { (order.batch) " · " (part.container) " · " (stand.moment(part.at)) } }
            }
        }
    }
}

fn again(stand: &Stand) -> Markup {
    if !stand.can("label") {
        return act::problem(stand);
    }
    let printed = stand.view.label.as_ref().is_some_and(|label| label.number > 0);
    if printed {
        return html! { a class="kbtn" id="print" href=(stand.address(Show::Reprint)) data-show { (icon(marks::PRINT)) (stand.say(Say::PrintAgain)) } };
    }
    html! { button class="kbtn" form="acts" name="act" value="label" id="print" { (icon(marks::PRINT)) (stand.say(Say::Print)) } }
}

fn spoken(stand: &Stand, part: Option<&PartView>) -> act::Spoken {
    if let Some(refused) = act::refused(stand) {
        return refused;
    }
    let container = part.map_or_else(String::new, |part| part.container.clone());
    match stand.view.label.as_ref() {
        Some(LabelView {
            state: "printed",
            printed,
            number,
            ..
        }) => act::Spoken::of(
            stand.tell(Say::DoStick, &[("container", container.into())]),
            stand.tell(
                Say::LabelPrintedAt,
                &[
                    ("number", number.to_string().into()),
                    (
                        "time",
                        printed.map_or_else(String::new, |at| stand.second(at)).into(),
                    ),
                ],
            ),
        ),
        Some(LabelView {
            state: "printing" | "waiting",
            ..
        }) => act::Spoken::of(stand.say(Say::LabelPrinting), String::new()),
        Some(LabelView {
            state: "no-label", ..
        }) => act::Spoken::of(stand.say(Say::DoPaper), stand.say(Say::DoPaperBeside)),
        Some(LabelView { state: "proven", .. }) => {
            act::Spoken::of(stand.say(Say::LabelProven), stand.say(Say::DoNext))
        }
        _ if stand.view.step == Step::Complete && !stand.can("next") => {
            act::Spoken::of(stand.say(Say::OrderComplete), stand.say(Say::OrderCompleteBeside))
        }
        _ => act::Spoken::of(stand.say(Say::DoNext), String::new()),
    }
}

fn next(stand: &Stand) -> Markup {
    if !stand.can("next") {
        return act::capture(stand);
    }
    let following = stand
        .view
        .lines
        .iter()
        .skip_while(|line| line.state != "current")
        .find(|line| matches!(line.state, "open" | "held"));
    let small = following.map_or_else(
        || stand.say(Say::NextSmall),
        |line| format!("{} {}", line.title, stand.with_unit(&line.target)),
    );
    act::armed("acts", "next", &stand.say(Say::Next), &small)
}
