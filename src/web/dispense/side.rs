//! What stands beside the weight: lot, container, scale check, Zero and Tare – nothing else.

use super::Stand;
use crate::web::{
    marks::{self, Shape, icon, shape},
    words::Say,
};
use maud::{Markup, html};

pub(super) fn side(stand: &Stand) -> Markup {
    html! {
        aside class="kside" {
            (lot(stand))
            (container(stand))
            (check(stand))
            (parts(stand))
            @if !stand.seat.wall && (stand.can("zero") || stand.can("tare")) {
                div class="ksmall" {
                    button class="kbtn" form="acts" name="act" value="zero" id="zero" aria-disabled=[(!stand.can("zero")).then_some("true")] {
                        (icon(marks::ZERO)) (stand.say(Say::Zero))
                    }
                    button class="kbtn" form="acts" name="act" value="tare" id="tare" aria-disabled=[(!stand.can("tare")).then_some("true")] {
                        (icon(marks::WEIGHT)) (stand.say(Say::Tare))
                    }
                }
            }
        }
    }
}

fn lot(stand: &Stand) -> Markup {
    html! {
        @if let Some(lot) = &stand.view.lot {
            div class="kv" {
                (stand.say(Say::Lot)) b { (lot.lot) }
                (beside(&[
                    (!lot.expires.is_empty()).then(|| stand.tell(Say::UseBy, &[("day", lot.expires.as_str().into())])),
                    super::words::lot_status(&lot.status).map(|key| stand.say(key)).or_else(|| (!lot.status.is_empty()).then(|| lot.status.clone())),
                    (!lot.assay.is_empty()).then(|| stand.tell(Say::Assay, &[("assay", super::theirs(&lot.assay).into())])),
                ]))
            }
        }
    }
}

fn container(stand: &Stand) -> Markup {
    html! {
        @if let Some(container) = &stand.view.container {
            div class="kv" {
                (stand.say(Say::Container))
                b { @if !container.title.is_empty() { (container.title) " " } (container.container) }
                (beside(&[
                    (!container.tare.is_empty()).then(|| {
                        let key = if container.how == "known" { Say::TareKnownOf } else { Say::TareOf };
                        stand.tell(key, &[("tare", stand.with_unit(&container.tare).into())])
                    }),
                    (!container.clean_until.is_empty()).then(|| stand.tell(Say::CleanUntil, &[("time", container.clean_until.as_str().into())])),
                ]))
            }
        }
    }
}

fn check(stand: &Stand) -> Markup {
    let Some(scale) = &stand.view.scale else {
        return html! {};
    };
    let due = |key| {
        scale.check_due.map_or_else(String::new, |due| {
            stand.tell(key, &[("time", stand.moment(due).into())])
        })
    };
    match scale.state {
        "no-answer" => html! {
            div class="kv data" {
                div class="row" { (shape(Shape::Dashed)) (stand.say(Say::Scale)) }
                b { (stand.live("silent", &silent(stand, scale.last_heard))) }
                @if let Some(heard) = scale.last_heard { (stand.tell(Say::LastWeightAt, &[("time", stand.second(heard).into())])) }
            }
        },
        "check-overdue" | "check-failed" | "calibration-over" => {
            let failed = scale.state == "check-failed";
            html! {
                div class={ "kv " (if failed { "alarm" } else { "warn" }) } {
                    div class="row" {
                        (shape(if failed { Shape::Square } else { Shape::Triangle }))
                        (stand.say(if scale.state == "calibration-over" { Say::Calibration } else { Say::ScaleCheck }))
                    }
                    b { (stand.say(super::words::scale(scale.state))) }
                    (due(Say::WasDue))
                }
            }
        }
        _ => html! {
            @if let Some(checked) = scale.checked {
                div class="kv" {
                    (stand.say(Say::ScaleCheck))
                    b { (stand.tell(Say::PassedAt, &[("time", stand.moment(checked).into())])) }
                    (due(Say::NextDue))
                }
            }
        },
    }
}

/// `No answer for 9 s`.
pub(super) fn silent(stand: &Stand, heard: Option<i64>) -> String {
    heard.map_or_else(
        || stand.say(Say::ScaleNoAnswer),
        |heard| stand.tell(Say::SilentFor, &[("span", stand.whole_span(heard).into())]),
    )
}

fn parts(stand: &Stand) -> Markup {
    let target = stand.view.target.as_ref();
    html! {
        @if !stand.view.parts.is_empty() {
            div class="kv" {
                (stand.tell(Say::Containers, &[("count", (stand.view.parts.len() as u64).into())]))
                @if let Some(target) = target.filter(|target| !target.sum.is_empty()) {
                    b { (stand.amount(&target.sum, &target.unit)) }
                    (stand.tell(Say::StillToGo, &[("left", stand.amount(&target.left, &target.unit).into())]))
                }
            }
        }
    }
}

/// The parts that are there, with dots between them.
fn beside(parts: &[Option<String>]) -> String {
    parts.iter().flatten().cloned().collect::<Vec<_>>().join(" · ")
}

impl Stand<'_> {
    /// `0.412 kg` as it is written there, in this language's signs.
    pub(super) fn with_unit(&self, text: &str) -> String {
        match text.split_once(' ') {
            Some((digits, unit)) => self.amount(digits, unit),
            None => self.digits(text),
        }
    }

    /// Whole seconds, minutes, hours since then: what stands still is not told by tenths.
    pub(super) fn whole_span(&self, since: i64) -> String {
        let seconds = self.page.age(record::Stamp(since)).max(0) / 1000;
        if seconds < 60 {
            format!("{seconds}\u{a0}s")
        } else {
            self.page.about(record::Stamp(since))
        }
    }
}
