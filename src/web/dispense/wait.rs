//! The station waits for a code, or has refused one.

use super::{Show, Stand, act, side, weigh, words};
use crate::{
    flow::station::view::{Closed, RefusedView, Step},
    web::{
        marks::{self, Shape, icon, shape},
        words::Say,
    },
};
use maud::{Markup, html};

/// Nobody has signed in.
pub(super) fn badge(stand: &Stand) -> Markup {
    let to = stand.address(Show::Step);
    html! {
        main class="kmain one" {
            section class="kw" {
                div class="scanbox" {
                    (icon(marks::PERSON))
                    h2 { (stand.say(if stand.seat.panel.is_some() { Say::ScanYourBadge } else { Say::PanelLooksOnly })) }
                    p { (stand.say(if stand.seat.panel.is_some() { Say::ScanBadgeThen } else { Say::PanelLooksOnlyMeans })) }
                }
            }
        }
        (act::foot(
            stand,
            &html! { a class="kbtn" href=(format!("/language?to={to}")) { (icon(marks::GLOBE)) (stand.say(Say::Language)) } },
            &act::Spoken::of(stand.say(Say::NothingEnds), stand.say(Say::NothingEndsBeside)),
            &html! { a class="kcap armed" id="go" href=(format!("/sign-in?to={to}")) { (stand.say(Say::SignIn)) small { (stand.say(Say::SignInSmall)) } } },
        ))
    }
}

/// The station waits for an order, a lot or a container.
pub(super) fn scan(stand: &Stand) -> Markup {
    let (title, beside, spoken, hint) = match stand.view.step {
        Step::Order => (
            Say::ScanOrder,
            Say::ScanOrderWhere,
            Say::DoScanOrder,
            Say::OrderDamaged,
        ),
        Step::Container => (
            Say::ScanContainer,
            Say::ScanContainerWhere,
            Say::DoScanContainer,
            Say::LabelDamaged,
        ),
        _ => (Say::ScanLot, Say::ScanLotWhere, Say::DoScanLot, Say::LabelDamaged),
    };
    html! {
        main class="kmain" {
            section class="kw" {
                @if stand.view.material.is_some() { (weigh::head(stand)) }
                div class="scanbox" { (icon(marks::SCAN)) h2 { (stand.say(title)) } p { (stand.say(beside)) } }
            }
            (side::side(stand))
        }
        (act::foot(stand, &act::problem(stand), &act::Spoken::of(stand.say(spoken), stand.say(hint)), &closed(stand)))
    }
}

/// Capture is there, and says what comes first.
fn closed(stand: &Stand) -> Markup {
    let first = stand
        .view
        .capture
        .closed
        .clone()
        .unwrap_or(match stand.view.step {
            Step::Order => Closed::FirstOrder,
            Step::Container => Closed::FirstContainer,
            _ => Closed::FirstLot,
        });
    let why = act::looks_only(stand).unwrap_or_else(|| words::closed(stand, &first));
    act::weighs(stand, "capture", &stand.say(Say::Capture), false, &why)
}

/// Whether what was refused takes the whole screen: a code, where a code is waited for.
pub(super) fn is_refusal(stand: &Stand) -> bool {
    matches!(
        stand.view.step,
        Step::Order | Step::Source | Step::Container | Step::Label
    )
}

/// What was refused, what that means for the record, and what to do.
pub(super) fn refused(stand: &Stand) -> Markup {
    let Some(refused) = &stand.view.refused else {
        return scan(stand);
    };
    let (what, means, action) = told(stand, refused);
    let title = title(refused).map(|key| stand.say(key));
    html! {
        main class="kmain" {
            section class="kw block" {
                @if stand.view.material.is_some() { (weigh::head(stand)) }
                div class="kmsg" {
                    (shape(Shape::Triangle))
                    @match &title {
                        Some(title) => { h1 { (title) } p { b { (what) } } }
                        None => h1 { (what) },
                    }
                    p { (means) }
                }
            }
            (side::side(stand))
        }
        (act::foot(stand, &act::problem(stand), &act::Spoken::of(action, String::new()), &closed(stand)))
    }
}

/// The few words on top of a refusal that has its own in the vocabulary.
fn title(refused: &RefusedView) -> Option<Say> {
    Some(match refused.name.as_str() {
        "wrong-material" | "station-wrong-material" => Say::WrongMaterial,
        "lot-not-allowed" | "lot-expired" | "lot-not-released" | "station-lot-not-allowed" => {
            Say::LotNotAllowed
        }
        "same-person" | "station-same-person" => Say::SamePerson,
        _ => return None,
    })
}

/// A refusal in this language where the catalogue has it, else as the core words it.
pub(super) fn told(stand: &Stand, refused: &RefusedView) -> (String, String, String) {
    let fills = [
        ("found", super::theirs(&refused.found).into()),
        ("wanted", super::theirs(&refused.wanted).into()),
    ];
    let keys = match refused.name.as_str() {
        "wrong-material" | "station-wrong-material"
            if !refused.found.is_empty() && !refused.wanted.is_empty() =>
        {
            Some((
                Say::WrongMaterialWhat,
                Say::ScanRefusedMeans,
                Say::WrongMaterialDo,
            ))
        }
        _ => None,
    };
    match keys {
        Some((what, means, action)) => (stand.tell(what, &fills), stand.say(means), stand.say(action)),
        None => (
            super::theirs(&refused.what),
            super::theirs(&refused.record),
            super::theirs(&refused.action),
        ),
    }
}
