//! The weight, as large as the screen allows, and what it means: filling, near, ready, too much, no weight; the empty
//! container before, and what is left in the source after.
//!
//! Between filling and ready the page keeps its shape: only texts and attributes change, so that a finger on Capture
//! never finds another page under it.

use super::{Show, Stand, act, bar, check, side, words};
use crate::{
    flow::station::view::{Closed, Step, TargetView, WeightView, Word},
    web::{
        marks::{self, Shape, icon, shape},
        words::Say,
    },
};
use maud::{Markup, html};

pub(super) fn scene(stand: &Stand) -> Markup {
    if matches!(
        stand.view.state,
        Word::CheckOverdue | Word::CheckFailed | Word::CalibrationOver
    ) {
        return check::closed(stand);
    }
    html! {
        main class="kmain" {
            section id="kw" class=(stand.attr("kw", "class", class(stand))) {
                (head(stand))
                @match &stand.view.weight {
                    Some(weight) => (number(stand, weight)),
                    None => (none(stand)),
                }
            }
            (side::side(stand))
        }
        (act::foot(stand, &act::problem(stand), &spoken(stand), &main_action(stand)))
    }
}

fn class(stand: &Stand) -> &'static str {
    match (&stand.view.weight, stand.view.state) {
        (None, _) => "kw off",
        (Some(_), Word::TooMuch) => "kw over",
        (Some(_), Word::Voided) => "kw block",
        (Some(_), _) if stand.view.capture.open && stand.view.step == Step::Fill => "kw ready",
        _ => "kw",
    }
}

/// What is weighed, and how much it is to be.
pub(super) fn head(stand: &Stand) -> Markup {
    let (title, code) = match (&stand.view.material, stand.view.step) {
        (_, Step::Tare) => (stand.say(Say::TareTitle), container(stand)),
        (material, Step::Remainder) => (
            stand.say(Say::RemainderTitle),
            material.as_ref().map_or_else(String::new, |it| it.title.clone()),
        ),
        (Some(material), _) => (material.title.clone(), material.code.clone()),
        (None, _) => (stand.say(words::step(stand.view.step)), String::new()),
    };
    html! {
        div class="kmat" {
            div { h1 { (title) } div class="sub" { (code) (adjusted(stand)) } }
            @if stand.view.step != Step::Tare && stand.view.step != Step::Remainder {
                @if let Some(target) = &stand.view.target { (goal(stand, target)) }
            }
        }
    }
}

fn container(stand: &Stand) -> String {
    stand.view.container.as_ref().map_or_else(String::new, |it| {
        format!("{} {}", it.title, it.container).trim().to_owned()
    })
}

/// That the target was adjusted, and from what.
fn adjusted(stand: &Stand) -> String {
    match &stand.view.target {
        Some(target)
            if stand.view.step == Step::Fill && !target.formula.is_empty() && target.formula != "as-is" =>
        {
            let nominal = stand.amount(&target.nominal, &target.unit);
            format!(" · {}", stand.tell(Say::Adjusted, &[("nominal", nominal.into())]))
        }
        _ => String::new(),
    }
}

fn goal(stand: &Stand, target: &TargetView) -> Markup {
    // What this container is to hold where the line is split, else the whole.
    let split = !target.sum.is_empty() && !stand.view.parts.is_empty();
    let digits = if split { &target.left } else { &target.target };
    html! {
        div class="ktgt" {
            div class="t" { (stand.digits(digits)) " " small { (target.unit) } }
            div class="sub" {
                @if target.low.is_empty() { (target.tolerance) } @else {
                    (stand.tell(Say::FromTo, &[("low", stand.digits(&target.low).into()), ("high", stand.amount(&target.high, &target.unit).into())]))
                }
            }
        }
    }
}

fn number(stand: &Stand, weight: &WeightView) -> Markup {
    let digits = stand.digits(&weight.text);
    let long = match digits.chars().count() {
        ..=5 => "n live",
        6 => "n n6 live",
        7 => "n n7 live",
        8 => "n n8 live",
        _ => "n n9 live",
    };
    let ((first, first_icon), (second, second_icon)) = claims(stand, weight);
    html! {
        div class="knet" {
            div id="n" class=(stand.attr("n", "class", long)) aria-live="off" { (stand.live("net", &digits)) small { (weight.unit) } }
            div class="st" role="status" {
                @if stand.view.step == Step::Fill {
                    div { (mark("st1-d", stand, first_icon)) (stand.live("st1", &stand.say(first))) }
                }
                div { (mark("st2-d", stand, second_icon)) (stand.live("st2", &stand.say(second))) }
            }
        }
        @if stand.view.step == Step::Fill {
            @if let Some(view) = &stand.view.bar { (bar::bar(stand, view, &deviation(stand, weight))) }
        } @else {
            div class="kmsg2" { p { (stand.say(if stand.view.step == Step::Tare { Say::TareMeans } else { Say::RemainderMeans })) } }
        }
    }
}

/// What is claimed about the number: in words and with a shape each.
fn claims(stand: &Stand, weight: &WeightView) -> ((Say, &'static str), (Say, &'static str)) {
    let first = match stand.view.state {
        Word::TooMuch => (Say::TooMuch, marks::UP),
        Word::InTolerance => (Say::InTolerance, marks::TICK),
        Word::Ready if stand.view.capture.open => (Say::InTolerance, marks::TICK),
        Word::Moving if weight.outside.is_empty() && stand.view.target.is_some() => {
            (Say::InTolerance, marks::TICK)
        }
        _ if weight.outside.is_empty() && !weight.delta.is_empty() => (Say::InTolerance, marks::TICK),
        _ if !weight.delta.is_empty() && !weight.delta.starts_with('-') => (Say::TooMuch, marks::UP),
        _ => (Say::TooLittle, marks::ARROW_DOWN),
    };
    let second = match (weight.stable, weight.inferred) {
        (true, true) => (Say::StableInferred, marks::STILL),
        (true, false) => (Say::Stable, marks::STILL),
        (false, _) => (Say::Moving, marks::WAVE),
    };
    (first, second)
}

fn mark(id: &str, stand: &Stand, path: &str) -> Markup {
    html! { svg class="ic" viewBox="0 0 24 24" aria-hidden="true" { path id=(id) d=(stand.attr(id, "d", path)) {} } }
}

fn deviation(stand: &Stand, weight: &WeightView) -> String {
    let text = stand.small(&weight.delta, &weight.unit);
    if weight.delta.is_empty() || weight.delta.starts_with(['-', '+']) {
        text
    } else {
        format!("+{text}")
    }
}

/// There is no weight: words stand where the number would, and nothing looks like a number.
fn none(stand: &Stand) -> Markup {
    let view = stand.view;
    let (first, mark_icon) = match view.state {
        Word::Stale => (Say::Stale, marks::UNLINK),
        Word::BadValue => (Say::Bad, marks::OCTAGON),
        Word::Doubtful => (Say::Doubtful, marks::OCTAGON),
        Word::WaitingForPrint => (Say::WaitingForPrint, marks::PRINT),
        Word::Voided => (Say::Voided, marks::OCTAGON),
        _ => (Say::Silent, marks::UNLINK),
    };
    let heard = view.scale.as_ref().and_then(|scale| scale.last_heard);
    html! {
        div class="knet" {
            div class="n live" aria-live="off" { span class={ "gone" @if stand.say(Say::NoWeight).chars().count() > 9 { " long" } } { (stand.say(Say::NoWeight)) } }
            div class="st" role="status" {
                div { (icon(mark_icon)) span { (stand.say(first)) } }
                @if let Some(heard) = heard {
                    div { (icon(marks::CLOCK)) (stand.live("gone-for", &stand.tell(Say::ForSo, &[("span", stand.whole_span(heard).into())]))) }
                }
            }
        }
        div class="kmsg2" {
            p {
                (stand.say(match view.state {
                    Word::WaitingForPrint => Say::PrintMeans,
                    Word::BadValue | Word::Doubtful => Say::BadMeans,
                    _ => Say::NoWeightMeans,
                }))
                " " b { (stand.say(Say::SealedIsSafe)) }
            }
        }
    }
}

fn spoken(stand: &Stand) -> act::Spoken {
    if let Some(refused) = act::refused(stand) {
        return refused;
    }
    let Some(weight) = stand.view.weight.as_ref() else {
        return act::advice(stand)
            .unwrap_or_else(|| act::Spoken::of(stand.say(Say::DoCable), stand.say(Say::DoCableElse)));
    };
    match stand.view.step {
        Step::Tare => act::Spoken::of(stand.say(Say::DoTare), stand.say(Say::DoTareBeside)),
        Step::Remainder => act::Spoken::of(stand.say(Say::DoRemainder), String::new()),
        _ => pouring(stand, weight),
    }
}

fn pouring(stand: &Stand, weight: &WeightView) -> act::Spoken {
    let by = || stand.small(weight.outside.trim_start_matches(['-', '+']), &weight.unit);
    if stand.view.state == Word::TooMuch {
        let beside = if stand.can("keep") {
            Say::DoTakeOutOrKeep
        } else {
            Say::DoTakeOutBeside
        };
        return act::Spoken::of(
            stand.tell(Say::DoTakeOut, &[("by", by().into())]),
            stand.say(beside),
        );
    }
    if stand.view.capture.open {
        return act::Spoken::of(stand.say(Say::DoCapture), inside(stand, weight));
    }
    if let Some(advice) = act::advice(stand) {
        return advice;
    }
    let left = stand
        .view
        .target
        .as_ref()
        .map(|_| stand.small(weight.delta.trim_start_matches('-'), &weight.unit));
    match (&stand.view.capture.closed, left) {
        (Some(Closed::OpensBetween { .. }) | None, Some(left)) if weight.delta.starts_with('-') => {
            act::Spoken::of(
                stand.say(Say::DoPour),
                stand.tell(Say::StillToGo, &[("left", left.into())]),
            )
        }
        _ => act::Spoken::of(stand.say(Say::DoPour), String::new()),
    }
}

/// `4 g over the target`.
fn inside(stand: &Stand, weight: &WeightView) -> String {
    let by = stand.small(weight.delta.trim_start_matches(['-', '+']), &weight.unit);
    let nothing = !weight.delta.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    let key = match () {
        () if nothing => Say::OnTarget,
        () if weight.delta.starts_with('-') => Say::UnderTarget,
        () => Say::OverTarget,
    };
    if nothing {
        stand.say(key)
    } else {
        stand.tell(key, &[("by", by.into())])
    }
}

fn main_action(stand: &Stand) -> Markup {
    let still = stand.view.weight.as_ref().is_some_and(|weight| weight.stable);
    match stand.view.step {
        Step::Tare => {
            let open = still && stand.can("tare");
            let why = match act::looks_only(stand) {
                Some(reason) => reason,
                None if open => stand.say(Say::OrTareCard),
                None if stand.view.weight.is_none() => stand.say(Say::ClosedLive),
                None => stand.say(Say::ClosedStill),
            };
            act::weighs(stand, "tare", &stand.say(Say::TakeTare), open, &why)
        }
        Step::Remainder => {
            let why = if still {
                stand.say(Say::RemainderSmall)
            } else {
                stand.say(Say::ClosedStill)
            };
            let why = act::looks_only(stand).unwrap_or(why);
            act::weighs(
                stand,
                "source-left",
                &stand.say(Say::TakeRemainder),
                still && stand.can("source-left"),
                &why,
            )
        }
        _ if stand.view.state == Word::TooMuch && stand.can("keep") => html! {
            a class="kcap sec" id="keep" href=(stand.address(Show::Keep)) data-show {
                (stand.say(Say::Keep)) small { (stand.say(Say::KeepSmall)) }
            }
        },
        _ => act::capture(stand),
    }
}

impl Stand<'_> {
    /// A difference in the unit people say it in: 0.013 kg is 13 g. Only the point moves; no digit is lost.
    pub(super) fn small(&self, digits: &str, unit: &str) -> String {
        match (unit, grams(digits)) {
            ("kg", Some(shifted)) => self.amount(&shifted, "g"),
            _ => self.amount(digits, unit),
        }
    }
}

/// Kilograms below one, as grams: the point three places to the right.
fn grams(digits: &str) -> Option<String> {
    let (sign, digits) = match digits.strip_prefix(['-', '+']) {
        Some(rest) => (&digits[..1], rest),
        None => ("", digits),
    };
    let (whole, part) = digits.split_once('.')?;
    if whole.bytes().any(|byte| byte != b'0') || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let padded = format!("{part:0<3}");
    let (grams, below) = padded.split_at(3);
    let grams = grams.trim_start_matches('0');
    let grams = if grams.is_empty() { "0" } else { grams };
    let below = if below.is_empty() {
        String::new()
    } else {
        format!(".{below}")
    };
    let sign = if sign == "+" { "" } else { sign };
    Some(format!("{sign}{grams}{below}"))
}

/// A note for whoever looks: a triangle and words.
pub(super) fn note(text: &str) -> Markup {
    html! { p class="knote" { (shape(Shape::Triangle)) (text) } }
}

#[cfg(test)]
mod tests {
    use super::grams;

    #[test]
    fn a_few_grams_are_said_in_grams_and_keep_every_digit() {
        for (kilograms, told) in [
            ("0.013", Some("13")),
            ("-0.730", Some("-730")),
            ("+0.004", Some("4")),
            ("0.0042", Some("4.2")),
            ("0.000", Some("0")),
            ("0.5", Some("500")),
            ("1.204", None),
            ("12", None),
            ("", None),
            ("0.1e", None),
        ] {
            assert_eq!(grams(kilograms).as_deref(), told, "{kilograms}");
        }
    }
}
