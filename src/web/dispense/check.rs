//! The check of a scale with check weights: overdue, running, failed. While it is not good, Capture is closed here.

use super::{Show, Stand, act, side};
use crate::{
    flow::station::view::{CheckView, Word},
    web::{
        marks::{Shape, shape},
        words::Say,
    },
};
use maud::{Markup, html};

/// The step in which the check is done.
pub(super) fn scene(stand: &Stand) -> Markup {
    match &stand.view.check {
        Some(check) if check.state == "running" => running(stand, check),
        _ => closed(stand),
    }
}

/// The scale is closed: why, what that means for the record, what to do.
pub(super) fn closed(stand: &Stand) -> Markup {
    let check = stand.view.check.clone().unwrap_or_default();
    let scale = if check.scale.is_empty() {
        stand
            .view
            .scale
            .as_ref()
            .map_or_else(String::new, |scale| scale.scale.clone())
    } else {
        check.scale.clone()
    };
    let failed = check.state == "failed" || stand.view.state == Word::CheckFailed;
    let over = stand.view.state == Word::CalibrationOver;
    let title = match () {
        () if failed => stand.say(Say::CheckFailedTitle),
        () if over => stand.say(Say::CalibrationOverTitle),
        () => match check.due {
            Some(due) if stand.view.now > due => {
                stand.tell(Say::CheckOverdueBy, &[("span", overdue(stand, due).into())])
            }
            _ => stand.say(Say::CheckDueTitle),
        },
    };
    let allowed = allowed(stand, &check);
    html! {
        main class="kmain" {
            section class={ "kw " (if failed { "over" } else { "block" }) } {
                div class="kmsg" {
                    (shape(if failed { Shape::Square } else { Shape::Triangle }))
                    h1 { (stand.live("check-title", &title)) }
                    p { (stand.say(match () { () if failed => Say::CheckFailedMeans, () if over => Say::CalibrationOverMeans, () => Say::CheckOverdueMeans })) }
                    @if failed && !check.doubtful.is_empty() {
                        p { b { (stand.tell(Say::CheckDoubtful, &[("count", (check.doubtful.len() as u64).into()), ("entries", entries(&check.doubtful).into())])) } }
                    } @else if !over && !check.weights.is_empty() {
                        p { (stand.say(Say::CheckNeeds)) " " b { (check.weights.join(", ")) } ". " (stand.say(Say::CheckTakes)) }
                    }
                }
            }
            (side::side(stand))
        }
        (act::foot(
            stand,
            &other_scale(stand),
            &act::Spoken::of(stand.say(if failed || over { Say::DoOtherScaleCall } else { Say::DoCheck }), allowed),
            &start(stand, &scale, failed),
        ))
    }
}

/// `2 h 24 min`; below an hour only minutes, which is calmer.
fn overdue(stand: &Stand, due: i64) -> String {
    let due = record::Stamp(due);
    if stand.page.age(due) < 3_600_000 {
        stand.page.about(due)
    } else {
        stand.page.span(due)
    }
}

fn entries(numbers: &[u64]) -> String {
    const SHOWN: usize = 8;
    let mut text = numbers
        .iter()
        .take(SHOWN)
        .map(u64::to_string)
        .collect::<Vec<_>>()
        .join(", ");
    if numbers.len() > SHOWN {
        text.push_str(", …");
    }
    text
}

fn allowed(stand: &Stand, check: &CheckView) -> String {
    if check.low.is_empty() {
        return String::new();
    }
    stand.tell(
        Say::AllowedFromTo,
        &[
            ("low", stand.digits(&check.low).into()),
            ("high", stand.amount(&check.high, &check.unit).into()),
        ],
    )
}

fn other_scale(stand: &Stand) -> Markup {
    if stand.can("scale") && stand.view.scales.len() > 1 {
        return html! { a class="kbtn" id="scales" href=(stand.address(Show::Scales)) data-show { (stand.say(Say::OtherScale)) } };
    }
    act::problem(stand)
}

fn start(stand: &Stand, scale: &str, again: bool) -> Markup {
    if !stand.can("check-begin") {
        return act::capture(stand);
    }
    html! {
        form id="scene" class="none" method="post" action=(format!("/dispense/{}/act", super::path_part(&stand.view.station))) {
            input type="hidden" name="form" value=(stand.page.now(&stand.seat.token));
            input type="hidden" name="scale" value=(scale);
        }
        (act::armed("scene", "check-begin", &stand.say(if again { Say::CheckAgain } else { Say::StartCheck }), scale))
    }
}

/// The check goes on: the scale is emptied, then each weight is put on it.
fn running(stand: &Stand, check: &CheckView) -> Markup {
    let zero = check.wants == "zero";
    let wants = if zero {
        stand.say(Say::CheckEmpty)
    } else {
        stand.tell(Say::CheckPut, &[("weight", check.wants.as_str().into())])
    };
    let weight = stand.view.weight.as_ref();
    let still = weight.is_some_and(|weight| weight.stable);
    let why = match (act::looks_only(stand), still, weight.is_some()) {
        (Some(why), ..) => why,
        (_, true, _) => stand.say(Say::CheckTakeSmall),
        (_, _, true) => stand.say(Say::ClosedStill),
        _ => stand.say(Say::ClosedLive),
    };
    html! {
        main class="kmain" {
            section id="kw" class="kw" {
                div class="kmat" {
                    div { h1 { (wants) } div class="sub" { (stand.say(Say::ScaleCheck)) " · " (check.scale) } }
                    @if !check.nominal.is_empty() {
                        div class="ktgt" { div class="t" { (stand.digits(&check.nominal)) " " small { (check.unit) } } div class="sub" { (allowed(stand, check)) } }
                    }
                }
                div class="knet" {
                    @match weight {
                        Some(weight) => {
                            div id="n" class="n live" aria-live="off" { (stand.live("net", &stand.digits(&weight.text))) small { (weight.unit) } }
                            div class="st" role="status" { div { (stand.live("st2", &stand.say(if weight.stable { Say::Stable } else { Say::Moving }))) } }
                        }
                        None => div class="n live" { span class="gone long" { (stand.say(Say::NoWeight)) } },
                    }
                }
            }
            (side::side(stand))
        }
        (act::foot(
            stand,
            &act::problem(stand),
            &act::refused(stand).unwrap_or_else(|| act::Spoken::of(wants.clone(), stand.say(if zero { Say::CheckEmptyBeside } else { Say::CheckScanBeside }))),
            &act::weighs(stand, "check-take", &stand.say(Say::CheckTake), still && stand.can("check-take"), &why),
        ))
    }
}
