//! What can be done when something is not as it should be, and another scale of this station.

use super::{Show, Stand, act, keep, words};
use crate::web::{
    marks::{self, Shape, icon, shape},
    words::Say,
};
use maud::{Markup, html};

pub(super) fn problem(stand: &Stand) -> Markup {
    let to = stand.address(Show::Step);
    html! {
        main class="kmain one" {
            section class="kw" {
                div class="kmat" { div { h1 { (stand.say(Say::ProblemTitle)) } div class="sub" { (stand.say(Say::ProblemSub)) } } }
                div class="choices" {
                    a class="kbtn" href=(stand.address(Show::Type)) data-show { (icon(marks::KEYBOARD)) (stand.say(Say::TypeCode)) }
                    @if stand.can("problem") { (keep::asking(stand, Show::Tell, Say::TellProblem)) }
                    @if stand.can("reject") { (keep::asking(stand, Show::Reject, Say::RejectWeight)) }
                    @if stand.can("scale") && stand.view.scales.len() > 1 { (keep::asking(stand, Show::Scales, Say::OtherScale)) }
                    @if stand.can("tare-known") { (keep::plain(stand, "tare-known", Say::UseKnownTare, marks::WEIGHT)) }
                    @if stand.can("source-empty") { (keep::plain(stand, "source-empty", Say::SourceIsEmpty, marks::WEIGHT)) }
                    @if stand.can("label") { (keep::asking(stand, Show::Reprint, Say::PrintAgain)) }
                    @if stand.can("hold") { (keep::asking(stand, Show::Hold, Say::HoldLine)) }
                    @if stand.can("abort") { (keep::asking(stand, Show::Abort, Say::AbortLine)) }
                    @if stand.can("hand-over") { (keep::plain(stand, "hand-over", Say::HandOver, marks::PERSON)) }
                    a class="kbtn" href=(format!("/language?to={to}")) { (icon(marks::GLOBE)) (stand.say(Say::Language)) }
                    form method="post" action="/sign-out" class="none" id="leave" {
                        input type="hidden" name="form" value=(stand.page.now(&stand.seat.token));
                        input type="hidden" name="to" value=(to);
                    }
                    @if stand.view.operator.is_some() { button class="kbtn" form="leave" id="sign-out" { (icon(marks::PERSON)) (stand.say(Say::SignOut)) } }
                }
            }
        }
        (act::foot(
            stand,
            &act::back(stand),
            &act::Spoken::of(stand.say(Say::DoChoose), stand.say(Say::DoChooseBeside)),
            &act::capture(stand),
        ))
    }
}

/// The scales of this station, and why one is not offered.
pub(super) fn scales(stand: &Stand) -> Markup {
    let here = stand.view.scale.as_ref().map(|scale| scale.scale.as_str());
    html! {
        main class="kmain one" {
            section class="kw" {
                div class="kmat" { div { h1 { (stand.say(Say::ScalesTitle)) } div class="sub" { (stand.say(Say::ScalesSub)) } } }
                div class="choices" {
                    @for scale in &stand.view.scales {
                        @let offered = matches!(scale.state, "ready" | "check-overdue") && here != Some(scale.scale.as_str());
                        form method="post" class="pick" action=(format!("/dispense/{}/act", super::path_part(&stand.view.station))) {
                            input type="hidden" name="form" value=(stand.page.now(&stand.seat.token));
                            input type="hidden" name="scale" value=(scale.scale);
                            button class="kbtn tall" name="act" value="scale" disabled[!offered] {
                                (shape(if scale.state == "ready" { Shape::Tick } else { Shape::Triangle }))
                                span {
                                    b { (scale.scale) } @if !scale.title.is_empty() { " · " (scale.title) }
                                    br;
                                    (stand.say(words::scale(scale.state)))
                                    @if !scale.most.is_empty() {
                                        " · " (stand.tell(Say::FromTo, &[("low", stand.digits(&scale.least).into()), ("high", stand.amount(&scale.most, &scale.unit).into())]))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        (act::foot(
            stand,
            &act::back(stand),
            &act::Spoken::of(stand.say(Say::DoChooseScale), String::new()),
            &act::capture(stand),
        ))
    }
}
