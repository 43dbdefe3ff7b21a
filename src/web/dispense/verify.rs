//! The second person sees the same facts again, large, and the sentence that is signed.

use super::{Stand, act, keys};
use crate::web::words::Say;
use maud::{Markup, html};

pub(super) fn scene(stand: &Stand) -> Markup {
    let part = stand.view.pending.clone().unwrap_or_default();
    let net = stand.amount(&part.net, &part.unit);
    let material = stand
        .view
        .material
        .as_ref()
        .map_or_else(String::new, |it| format!("{} · {}", it.title, it.code));
    let open = stand.can("verify");
    html! {
        main class="kmain one" {
            section class="kver" {
                section class="kw" {
                    div class="kmat" { div {
                        h1 { (stand.say(Say::VerifyTitle)) }
                        div class="sub" { (stand.tell(Say::VerifySub, &[("person", person(stand, &part.by).into()), ("time", stand.second(part.at).into())])) }
                    } }
                    dl class="kdl gap2" {
                        dt { (stand.say(Say::Material)) } dd { (material) }
                        dt { (stand.say(Say::Lot)) } dd { (part.lot) @if let Some(lot) = &stand.view.lot { @if !lot.expires.is_empty() { " · " (stand.tell(Say::UseBy, &[("day", lot.expires.as_str().into())])) } } }
                        dt { (stand.say(Say::NetWeight)) } dd class="huge" { (net) }
                        dt { (stand.say(Say::Allowed)) } dd { (stand.tell(Say::FromTo, &[("low", stand.digits(&part.low).into()), ("high", stand.amount(&part.high, &part.unit).into())])) }
                        dt { (stand.say(Say::Container)) } dd { (part.container) " · " (stand.tell(Say::TareOf, &[("tare", stand.amount(&part.tare, &part.unit).into())])) }
                        dt { (stand.say(Say::Scale)) } dd { (part.scale) }
                    }
                    p class="means" { (stand.say(Say::WithPinISign)) " " b { (stand.say(Say::VerifyMeaning)) } }
                }
                form id="scene" class="kw" method="post" action=(format!("/dispense/{}/act", super::path_part(&stand.view.station))) data-once {
                    input type="hidden" name="form" value=(stand.page.now(&stand.seat.token));
                    (keys::signature(stand, Say::SecondPerson, open))
                    (keys::pad(stand, "pin"))
                }
            }
        }
        (act::foot(
            stand,
            &disagree(stand),
            &act::refused(stand).unwrap_or_else(|| act::Spoken::of(stand.say(Say::DoVerify), stand.say(Say::DoVerifyBeside))),
            &if open { act::armed("scene", "verify", &stand.say(Say::VerifyGo), &stand.say(Say::VerifyGoSmall)) } else { act::capture(stand) },
        ))
    }
}

fn disagree(stand: &Stand) -> Markup {
    if !stand.can("disagree") {
        return act::problem(stand);
    }
    html! { button class="kbtn" form="scene" name="act" value="disagree" id="disagree" { (stand.say(Say::Disagree)) } }
}

/// The printed name of whoever captured, where it is the person at work.
pub(super) fn person(stand: &Stand, id: &str) -> String {
    match &stand.view.operator {
        Some(operator) if operator.id == id => operator.name.clone(),
        _ => id.to_owned(),
    }
}
