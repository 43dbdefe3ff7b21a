//! A browser becomes a panel: the code of `steelyard panel add` is typed into it, once.

use super::{brand, wrong};
use crate::{
    daemon::acts::{self, Asked, panel_enrol::PanelEnrol},
    web::{
        Web,
        access::{self, Form, PANEL, Visitor, redirect},
        page::{self, Page},
        words::Say,
    },
};
use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::Response,
};
use maud::{Markup, html};
use record::Trouble;

pub(crate) async fn page(State(web): State<Web>, visitor: Visitor, headers: HeaderMap) -> Response {
    show(&web, &visitor, &headers, None)
}

fn show(web: &Web, visitor: &Visitor, headers: &HeaderMap, trouble: Option<&Trouble>) -> Response {
    web.page(headers, |page| {
        page::alone(page, Say::EnrolPanel, &form(page, web, visitor, trouble))
    })
}

fn form(page: &Page, web: &Web, visitor: &Visitor, trouble: Option<&Trouble>) -> Markup {
    let fingerprint = web.doors.as_ref().and_then(|doors| doors.fingerprint.clone());
    html! {
        form class="dlg" method="post" action="/enrol" autocomplete="off" {
            (brand(page))
            h1 { (page.say(Say::EnrolPanel)) }
            @if let Some(panel) = &visitor.panel {
                p { (page.tell(Say::PanelIs, &[("panel", panel.name.as_str().into()), ("station", panel.station.as_str().into())])) }
            }
            (wrong(trouble))
            @if let Some(session) = &visitor.session { input type="hidden" name="form" value=(session.form()); }
            label {
                (page.say(Say::PanelCode))
                input class="code" name="code" autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="32" required autofocus;
            }
            button class="btn go" { (page.say(Say::EnrolIt)) }
            p class="muted small" { (page.say(Say::PanelCodeFrom)) }
            @if let Some(fingerprint) = fingerprint {
                p class="muted small" { (page.say(Say::CompareFingerprint)) br; span class="mono" { (fingerprint) } }
            }
        }
    }
}

pub(crate) async fn enrol(
    State(web): State<Web>,
    visitor: Visitor,
    headers: HeaderMap,
    form: Form,
) -> Response {
    match enrolled(&web, &visitor, &headers, form.get("code")).await {
        Ok(token) => {
            let mut answer = redirect("/sign-in");
            answer
                .headers_mut()
                .append(header::SET_COOKIE, access::set(PANEL, &token));
            answer
        }
        Err(trouble) => {
            let mut answer = show(&web, &visitor, &headers, Some(&trouble));
            *answer.status_mut() = access::status(trouble.name);
            answer
        }
    }
}

async fn enrolled(web: &Web, visitor: &Visitor, headers: &HeaderMap, code: &str) -> Result<String, Trouble> {
    let doors = web.doors()?;
    if !doors.may_sign_in(visitor.from) {
        return Err(Trouble::new("too-often", "five codes were tried within a minute")
            .means("this browser may look, and captures nothing")
            .so("wait a minute, then type the code again"));
    }
    let token = doors.secret()?;
    let what = PanelEnrol {
        code: code.to_owned(),
        token: token.clone(),
    };
    web.act(Asked::to(acts::panel_enrol::ACT.name, &what).from(visitor.from.to_string(), None))
        .await?;
    // a session begun before this browser was a panel is not one at a panel
    doors.end(headers);
    Ok(token)
}
