//! The foot of every state: a way out on the left, one spoken sentence, one big action on the right. The action never
//! disappears; closed, it says why.

use super::{Show, Stand, words};
use crate::{
    flow::station::view::Closed,
    web::{
        marks::{self, Shape, icon, shape},
        words::Say,
    },
};
use maud::{Markup, html};

/// The sentence in the middle.
pub(super) struct Spoken {
    pub(super) text: String,
    pub(super) beside: String,
    /// An amber triangle: look.
    pub(super) look: bool,
}

impl Spoken {
    pub(super) fn of(text: String, beside: String) -> Self {
        Self {
            text,
            beside,
            look: false,
        }
    }
}

/// The whole foot.
pub(super) fn foot(stand: &Stand, left: &Markup, spoken: &Spoken, main: &Markup) -> Markup {
    html! {
        div class="kact" {
            @if stand.seat.wall { span {} } @else { (left) }
            div class="say" role="status" {
                div class="one" { @if spoken.look { (shape(Shape::Triangle)) } (stand.live("say", &spoken.text)) }
                (stand.live("beside", &spoken.beside))
            }
            (main)
        }
    }
}

/// The usual way out; a browser that only looks has none.
pub(super) fn problem(stand: &Stand) -> Markup {
    if !stand.may_act() {
        return looking(stand);
    }
    html! { a class="kbtn" id="problem" href=(stand.address(Show::Problem)) data-show { (icon(marks::OCTAGON)) (stand.say(Say::Problem)) } }
}

/// Why nothing can be pressed here, and how that changes.
fn looking(stand: &Stand) -> Markup {
    match (&stand.seat.panel, &stand.view.pen) {
        (Some(_), Some(_)) => html! {
            button class="kbtn" form="acts" name="act" value="take-pen" id="take-pen" { (stand.say(Say::TakePen)) }
        },
        _ => html! { span class="looks" { (icon(marks::EYE)) (stand.say(Say::PanelLooksOnly)) } },
    }
}

/// Back to the weighing.
pub(super) fn back(stand: &Stand) -> Markup {
    html! { a class="kbtn" id="back" href=(stand.address(Show::Step)) data-show { (icon(marks::BACK)) (stand.say(Say::Back)) } }
}

/// A main action that is open.
pub(super) fn armed(form: &str, act: &str, title: &str, small: &str) -> Markup {
    html! {
        button class="kcap armed" id="go" form=(form) name="act" value=(act) aria-disabled="false" {
            (title) @if !small.is_empty() { small { (small) } }
        }
    }
}

/// A main action that weighs: it closes by itself with the live view, and names the reading it shows.
pub(super) fn weighs(stand: &Stand, act: &str, title: &str, open: bool, small: &str) -> Markup {
    let open = open && stand.may_act();
    html! {
        button id="capture" form="acts" name="act" value=(act)
            class=(stand.attr("capture", "class", if open { "kcap weigh armed" } else { "kcap weigh" }))
            aria-disabled=(stand.attr("capture", "aria-disabled", if open { "false" } else { "true" })) {
            (title) small { (stand.live("why", small)) }
        }
    }
}

/// Capture, with the reason it is closed.
pub(super) fn capture(stand: &Stand) -> Markup {
    let capture = &stand.view.capture;
    let why = if let Some(reason) = looks_only(stand) {
        reason
    } else if let Some(closed) = &capture.closed {
        words::closed(stand, closed)
    } else if capture.open {
        stand.say(Say::OrCard)
    } else {
        String::new()
    };
    weighs(stand, "capture", &stand.say(Say::Capture), capture.open, &why)
}

/// Why this browser can't act, whatever the station is ready for.
pub(super) fn looks_only(stand: &Stand) -> Option<String> {
    if stand.may_act() {
        return None;
    }
    Some(match (&stand.seat.panel, &stand.view.pen) {
        (Some(_), Some(pen)) if !stand.seat.wall => {
            stand.tell(Say::ClosedOtherPanel, &[("panel", pen.as_str().into())])
        }
        _ => stand.say(Say::ClosedNoPanel),
    })
}

/// What was refused, when it doesn't take the whole screen: it stands in the spoken sentence.
pub(super) fn refused(stand: &Stand) -> Option<Spoken> {
    let refused = stand.view.refused.as_ref()?;
    let (what, _, action) = super::wait::told(stand, refused);
    Some(Spoken {
        text: what,
        beside: action,
        look: true,
    })
}

/// What to do about a closed Capture.
pub(super) fn advice(stand: &Stand) -> Option<Spoken> {
    let closed: &Closed = stand.view.capture.closed.as_ref()?;
    let (text, beside) = words::advice(stand, closed);
    (!text.is_empty()).then(|| Spoken::of(text, beside))
}
