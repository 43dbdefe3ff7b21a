//! Keys for gloves: a number pad for a PIN, letters for a code or a reason. Without script a keyboard types into the
//! same fields.

use super::{Stand, act};
use crate::web::{
    marks::{self, icon},
    words::Say,
};
use maud::{Markup, html};

/// A code is typed for want of a scanner; it is entered as typed.
pub(super) fn code(stand: &Stand) -> Markup {
    html! {
        main class="kmain one" {
            section class="kw" {
                div class="kmat" { div { h1 { (stand.say(Say::TypeTitle)) } div class="sub" { (stand.say(Say::TypeMeans)) } } }
                form id="scene" class="typing" method="post" action=(format!("/dispense/{}/act", super::path_part(&stand.view.station))) data-once {
                    input type="hidden" name="form" value=(stand.page.now(&stand.seat.token));
                    input type="hidden" name="how" value="typed";
                    input type="text" name="code" id="typed" required maxlength="200" autocomplete="off" autocapitalize="characters" spellcheck="false" aria-label=(stand.say(Say::TypeTitle));
                }
                (letters(stand, "typed"))
            }
        }
        (act::foot(
            stand,
            &act::back(stand),
            &act::refused(stand).unwrap_or_else(|| act::Spoken::of(stand.say(Say::DoType), stand.say(Say::DoTypeBeside))),
            &act::armed("scene", "scan", &stand.say(Say::TypeGo), &stand.say(Say::TypeGoSmall)),
        ))
    }
}

/// Letters and digits for the field `into`; the script presses them.
pub(super) fn letters(stand: &Stand, into: &str) -> Markup {
    const ROWS: [&str; 4] = ["1234567890", "QWERTYUIOP", "ASDFGHJKL-", "ZXCVBNM.,/"];
    html! {
        div class="board" data-keys=(into) {
            @for row in ROWS {
                @for key in row.chars() { button type="button" class="kbtn" data-k=(key) { (key) } }
            }
            button type="button" class="kbtn wide3" data-k="del" aria-label=(stand.say(Say::DeleteLast)) { (icon(marks::DELETE)) }
            button type="button" class="kbtn wide4" data-k=" " { (stand.say(Say::SpaceKey)) }
            button type="button" class="kbtn wide3" data-k="clr" { (stand.say(Say::ClearKey)) }
        }
    }
}

/// Whose badge and PIN; a user name and a password do too.
pub(super) fn signature(stand: &Stand, who: Say, open: bool) -> Markup {
    html! {
        div class="pinform" {
            h1 class="h28" { (stand.say(who)) }
            label { (stand.say(Say::BadgeOrName)) input name="by" id="badge" required autocomplete="off" data-badge disabled[!open]; }
            label { (stand.say(Say::Pin)) input type="password" name="secret" id="pin" required inputmode="none" autocomplete="off" disabled[!open]; }
        }
    }
}

/// A pad for a PIN.
pub(super) fn pad(stand: &Stand, into: &str) -> Markup {
    html! {
        div class="keys" data-keys=(into) {
            @for key in ["1", "2", "3", "4", "5", "6", "7", "8", "9"] { button type="button" class="kbtn" data-k=(key) { (key) } }
            button type="button" class="kbtn" data-k="del" aria-label=(stand.say(Say::DeleteLast)) { (icon(marks::DELETE)) }
            button type="button" class="kbtn" data-k="0" { "0" }
            button type="button" class="kbtn" data-k="clr" { (stand.say(Say::ClearKey)) }
        }
    }
}
