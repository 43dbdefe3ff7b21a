//! A reason: chosen with a glove, or typed. For keeping what is outside its window, rejecting it, printing again,
//! holding, ending a line, or telling what is not right.

use super::{Show, Stand, act, keys};
use crate::web::{
    marks::{self, icon},
    words::Say,
};
use maud::{Markup, html};

/// What is asked, and with which words.
struct Asked {
    act: &'static str,
    title: String,
    sub: String,
    means: String,
    reasons: &'static [Say],
    go: Say,
    small: Say,
    /// The name of the field the reason travels in.
    field: &'static str,
}

pub(super) fn reason(stand: &Stand, show: Show) -> Markup {
    let asked = asked(stand, show);
    html! {
        main class="kmain one" {
            form id="scene" class="kver" method="post" action=(format!("/dispense/{}/act", super::path_part(&stand.view.station))) data-once {
                input type="hidden" name="form" value=(stand.page.now(&stand.seat.token));
                input type="hidden" name="reading" value=(stand.attr("scene-reading", "value", &reading(stand))) id="scene-reading";
                section class={ "kw" @if show == Show::Keep { " over" } } {
                    div class="kmat" { div { h1 { (stand.live("keep-title", &asked.title)) } div class="sub" { (stand.live("keep-sub", &asked.sub)) } } }
                    div class="reasons gap" {
                        @for (at, reason) in asked.reasons.iter().enumerate() {
                            label class="opt kbtn" { input type="radio" name=(asked.field) required value=(stand.say(*reason)) id={ "reason" (at) }; b { (stand.say(*reason)) } }
                        }
                    }
                    p class="means" { (stand.live("keep-means", &asked.means)) }
                }
                section class="kw" {
                    div class="kmat" { div { h1 class="h28" { (stand.say(Say::OtherReason)) } } }
                    textarea name="other" id="typed" maxlength="400" rows="3" aria-label=(stand.say(Say::OtherReason)) {}
                    (keys::letters(stand, "typed"))
                }
            }
        }
        (act::foot(
            stand,
            &act::back(stand),
            &act::refused(stand).unwrap_or_else(|| act::Spoken::of(stand.say(Say::DoReason), stand.say(asked.small))),
            &html! {
                button class={ "kcap " (if show == Show::Keep { "sec" } else { "armed" }) } id="go" form="scene" name="act" value=(asked.act) {
                    (stand.say(asked.go)) small { (stand.say(asked.small)) }
                }
            },
        ))
    }
}

fn reading(stand: &Stand) -> String {
    stand
        .view
        .weight
        .as_ref()
        .map_or_else(String::new, |weight| weight.reading.to_string())
}

fn asked(stand: &Stand, show: Show) -> Asked {
    let net = || {
        let pending = stand
            .view
            .pending
            .as_ref()
            .map(|part| stand.amount(&part.net, &part.unit));
        let shown = stand
            .view
            .weight
            .as_ref()
            .map(|weight| stand.amount(&weight.text, &weight.unit));
        pending.or(shown).unwrap_or_default()
    };
    let plain = |act, title, means, reasons, go, small| Asked {
        act,
        title: stand.say(title),
        sub: String::new(),
        means: stand.say(means),
        reasons,
        go,
        small,
        field: "reason",
    };
    match show {
        Show::Reject => plain(
            "reject",
            Say::RejectTitle,
            Say::RejectMeans,
            &[
                Say::ReasonSpilt,
                Say::ReasonWrong,
                Say::ReasonTooMuch,
                Say::ReasonDirty,
            ],
            Say::Reject,
            Say::RejectSmall,
        ),
        Show::Reprint => plain(
            "label",
            Say::ReprintTitle,
            Say::ReprintMeans,
            &[Say::ReasonUnreadable, Say::ReasonNoPaper, Say::ReasonLabelLost],
            Say::PrintAgain,
            Say::ReprintSmall,
        ),
        Show::Hold => plain(
            "hold",
            Say::HoldTitle,
            Say::HoldMeans,
            &[
                Say::ReasonShift,
                Say::ReasonNoMaterial,
                Say::ReasonCleaning,
                Say::ReasonFault,
            ],
            Say::Hold,
            Say::HoldSmall,
        ),
        Show::Abort => plain(
            "abort",
            Say::AbortTitle,
            Say::AbortMeans,
            &[
                Say::ReasonWrong,
                Say::ReasonSpilt,
                Say::ReasonNoMaterial,
                Say::ReasonFault,
            ],
            Say::Abort,
            Say::AbortSmall,
        ),
        Show::Tell => Asked {
            field: "text",
            ..plain(
                "problem",
                Say::TellTitle,
                Say::TellMeans,
                &[
                    Say::ReasonDamaged,
                    Say::ReasonSpilt,
                    Say::ReasonFault,
                    Say::ReasonDirty,
                ],
                Say::TellGo,
                Say::TellSmall,
            )
        },
        _ => Asked {
            title: stand.tell(Say::KeepTitle, &[("net", net().into())]),
            sub: over(stand),
            means: stand.tell(Say::KeepMeans, &[("net", net().into())]),
            ..plain(
                "keep",
                Say::Keep,
                Say::Keep,
                &[Say::ReasonPoured, Say::ReasonLump, Say::ReasonKnocked],
                Say::KeepGo,
                Say::KeepGoSmall,
            )
        },
    }
}

/// `13 g above the upper edge of 3.618 kg`.
fn over(stand: &Stand) -> String {
    let (Some(weight), Some(target)) = (&stand.view.weight, &stand.view.target) else {
        return String::new();
    };
    if weight.outside.is_empty() || weight.delta.starts_with('-') {
        return String::new();
    }
    stand.tell(
        Say::AboveEdge,
        &[
            (
                "by",
                stand
                    .small(weight.outside.trim_start_matches('+'), &weight.unit)
                    .into(),
            ),
            ("edge", stand.amount(&target.high, &target.unit).into()),
        ],
    )
}

/// A way on that needs no reason.
pub(super) fn plain(stand: &Stand, act: &str, title: Say, path: &str) -> Markup {
    html! { button class="kbtn" form="acts" name="act" value=(act) id=(act) { (icon(path)) (stand.say(title)) } }
}

/// A way to a page that asks for a reason.
pub(super) fn asking(stand: &Stand, show: Show, title: Say) -> Markup {
    html! { a class="kbtn" href=(stand.address(show)) data-show id=(show.word()) { (icon(marks::OCTAGON)) (stand.say(title)) } }
}
