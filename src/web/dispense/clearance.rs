//! Line clearance: each question is answered with yes, and the whole is signed.

use super::{Stand, act, keys};
use crate::web::words::Say;
use maud::{Markup, html};

pub(super) fn questions(stand: &Stand) -> Markup {
    let open = stand.can("clear");
    html! {
        main class="kmain one" {
            form id="scene" class="kver signs" method="post" action=(format!("/dispense/{}/act", super::path_part(&stand.view.station))) data-once {
                section class="kw" {
                    div class="kmat" { div { h1 { (stand.say(Say::ClearanceTitle)) } div class="sub" { (stand.say(Say::ClearanceSub)) } } }
                    input type="hidden" name="form" value=(stand.page.now(&stand.seat.token));
                    input type="hidden" name="questions" value=(stand.view.clearance.len());
                    div class="clear" {
                        @for (at, question) in stand.view.clearance.iter().enumerate() {
                            label class="opt" { input type="checkbox" required name={ "answer" (at) } value="yes" id={ "answer" (at) } disabled[!open]; b { (question) } }
                        }
                    }
                    p class="means" { (stand.say(Say::WithPinISign)) " " b { (stand.say(Say::ClearanceMeaning)) } }
                }
                section class="kw" { (keys::signature(stand, Say::WhoSigns, open)) (keys::pad(stand, "pin")) }
            }
        }
        (act::foot(
            stand,
            &act::problem(stand),
            &act::refused(stand).unwrap_or_else(|| act::Spoken::of(stand.say(Say::DoClear), stand.say(Say::DoClearBeside))),
            &if open { act::armed("scene", "clear", &stand.say(Say::Clear), &stand.say(Say::ClearSmall)) } else { act::capture(stand) },
        ))
    }
}
