//! Signing in: user name and password anywhere, badge and PIN at an enrolled panel. Locking, going on, handing over.

use super::{brand, path_of, wrong};
use crate::{
    daemon::acts::{self, Asked, sign_in::SignedIn, sign_out::SignOut},
    flow::people::{Given, Method},
    web::{
        Web,
        access::{self, Form, SESSION, Session, Visitor, redirect, refused},
        page::{self, Page},
        words::Say,
    },
};
use axum::{
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::{Markup, html};
use record::Trouble;
use serde::Deserialize;

#[derive(Deserialize)]
pub(crate) struct To {
    #[serde(default)]
    to: String,
}

/// What the form shows beside its fields.
#[derive(Default)]
struct Shown {
    to: String,
    name: String,
    /// A badge was scanned: its PIN is asked for.
    badge: Option<String>,
    trouble: Option<Trouble>,
}

pub(crate) async fn page(
    State(web): State<Web>,
    Query(to): Query<To>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Response {
    let shown = Shown {
        to: to.to,
        ..Shown::default()
    };
    show(&web, &visitor, &headers, &shown)
}

fn show(web: &Web, visitor: &Visitor, headers: &HeaderMap, shown: &Shown) -> Response {
    web.page(headers, |page| {
        page::alone(page, Say::SignIn, &form(page, web, visitor, shown))
    })
}

fn form(page: &Page, web: &Web, visitor: &Visitor, shown: &Shown) -> Markup {
    let panel = visitor.panel.as_ref();
    let sitting = panel.and_then(|panel| {
        let access = web.doors.as_ref()?.access();
        let id = access.panels.sitting(&panel.name)?.to_owned();
        access.people.find(&id).cloned()
    });
    html! {
        form class={"dlg signin" @if shown.badge.is_some() { " pinned" }} method="post" action="/sign-in" autocomplete="off" data-sign-in {
            (brand(page))
            @if let Some(badge) = &shown.badge {
                (pin_pad(page, badge))
            } @else {
                h1 { (page.say(if panel.is_some() { Say::ScanOrSignIn } else { Say::SignIn })) }
                @if let Some(person) = &sitting {
                    p class="held" { (page.tell(Say::PanelHeldBy, &[("name", person.name.as_str().into())])) }
                }
                (wrong(shown.trouble.as_ref()))
                label {
                    (page.say(if panel.is_some() { Say::NameOrBadge } else { Say::UserName }))
                    input name="name" value=(shown.name) autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="256"
                        autofocus[shown.name.is_empty()];
                }
                label {
                    (page.say(Say::Password))
                    input name="secret" type="password" autocomplete="current-password" maxlength="256" autofocus[!shown.name.is_empty()];
                }
                button class="btn go" { (page.say(Say::SignIn)) }
            }
            input type="hidden" name="to" value=(path_of(&shown.to));
            (notes(page, web, visitor))
        }
    }
}

/// Keys for gloves; a keyboard works too.
fn pin_pad(page: &Page, badge: &str) -> Markup {
    html! {
        h1 { (page.say(Say::TypePin)) }
        input type="hidden" name="badge" value=(badge);
        label class="pinbox" {
            (page.say(Say::Pin))
            input id="pin" name="pin" type="password" inputmode="numeric" autocomplete="off" maxlength="12" autofocus;
        }
        div class="keys" role="group" aria-label=(page.say(Say::Digits)) {
            @for digit in ["1", "2", "3", "4", "5", "6", "7", "8", "9"] {
                button class="kbtn" type="button" data-digit=(digit) { (digit) }
            }
            button class="kbtn" type="button" data-digit="" aria-label=(page.say(Say::TakeBack)) { "⌫" }
            button class="kbtn" type="button" data-digit="0" { "0" }
            button class="kbtn go" { (page.say(Say::SignIn)) }
        }
        a class="btn" href="/sign-in" { (page.say(Say::AnotherBadge)) }
    }
}

fn notes(page: &Page, web: &Web, visitor: &Visitor) -> Markup {
    let minutes = web
        .doors
        .as_ref()
        .map_or(10, |doors| doors.lasting().lock_after.as_secs() / 60);
    let nobody = web
        .doors
        .as_ref()
        .is_some_and(|doors| doors.access().people.is_empty());
    html! {
        @if nobody { p class="wrong" role="alert" { (page.say(Say::NobodyYet)) } }
        p class="muted small" {
            (page.tell(Say::LocksAfter, &[("minutes", minutes.into())]))
            @match &visitor.panel {
                Some(panel) => {
                    " " (page.tell(Say::PanelIs, &[("panel", panel.name.as_str().into()), ("station", panel.station.as_str().into())]))
                }
                None => { " " (page.say(Say::LooksOnly)) }
            }
        }
    }
}

pub(crate) async fn sign_in(
    State(web): State<Web>,
    visitor: Visitor,
    headers: HeaderMap,
    form: Form,
) -> Response {
    let mut shown = Shown {
        to: form.get("to").to_owned(),
        name: form.get("name").trim().to_owned(),
        ..Shown::default()
    };
    match given(&web, &visitor, &form) {
        Ok(Some(given)) => match enter(&web, &visitor, &headers, given).await {
            Ok((cookie, signed_in)) => {
                let to = if signed_in.must_change {
                    "/password"
                } else {
                    path_of(&shown.to)
                };
                return with_cookie(redirect(to), &cookie);
            }
            Err(trouble) => shown.trouble = Some(trouble),
        },
        // a badge was scanned into the first field: its PIN comes next
        Ok(None) => shown.badge = Some(shown.name.clone()),
        Err(trouble) => shown.trouble = Some(trouble),
    }
    let status = shown
        .trouble
        .as_ref()
        .map_or(StatusCode::OK, |trouble| access::status(trouble.name));
    let mut answer = show(&web, &visitor, &headers, &shown);
    *answer.status_mut() = status;
    answer
}

/// What the form gives; none where a badge waits for its PIN.
fn given(web: &Web, visitor: &Visitor, form: &Form) -> Result<Option<Given>, Trouble> {
    let (name, secret) = (form.get("name").trim(), form.get("secret"));
    let (badge, pin) = (form.get("badge"), form.get("pin"));
    if !badge.is_empty() {
        return Ok(Some(Given::Badge {
            badge: badge.to_owned(),
            pin: pin.to_owned(),
        }));
    }
    let known = || {
        web.doors()
            .is_ok_and(|doors| doors.access().people.find(name).is_some())
    };
    if secret.is_empty() && !name.is_empty() && visitor.panel.is_some() && !known() {
        return Ok(None);
    }
    if name.is_empty() || secret.is_empty() {
        return Err(
            Trouble::new("not-proven", "user name and password belong together")
                .means("nothing was done in anybody's name")
                .so("type both"),
        );
    }
    Ok(Some(Given::Password {
        by: name.to_owned(),
        secret: secret.to_owned(),
    }))
}

/// Signs somebody in; the cookie and what is known of it.
async fn enter(
    web: &Web,
    visitor: &Visitor,
    headers: &HeaderMap,
    given: Given,
) -> Result<(String, SignedIn), Trouble> {
    let doors = web.doors()?;
    if !doors.may_sign_in(visitor.from) {
        return Err(Trouble::new(
            "too-often",
            "somebody at this address has tried to sign in five times within a minute",
        )
        .means("nothing was done in anybody's name")
        .so("wait a minute, then try again"));
    }
    let panel = visitor.panel.as_ref().map(|panel| panel.name.clone());
    let asked = Asked::to(acts::sign_in::ACT.name, &given).from(visitor.from.to_string(), panel.clone());
    let answer = web.act(asked).await?;
    let unread = || {
        Trouble::new(
            "request-not-understood",
            "the gateway's own answer cannot be read",
        )
        .means("nobody is signed in here")
        .so("try again")
    };
    let signed_in: SignedIn = serde_json::from_str(&answer).map_err(|_| unread())?;
    let method = Method::named(&signed_in.method).ok_or_else(unread)?;
    // whoever had a session at this browser has none any more
    doors.end(headers);
    let cookie = doors.begin(&signed_in.person, method, panel.as_deref())?;
    Ok((cookie, signed_in))
}

fn with_cookie(mut answer: Response, cookie: &str) -> Response {
    answer
        .headers_mut()
        .append(header::SET_COOKIE, access::set(SESSION, cookie));
    answer
}

pub(crate) async fn sign_out(State(web): State<Web>, visitor: Visitor, headers: HeaderMap) -> Response {
    if let Ok(doors) = web.doors()
        && let Some(held) = doors.end(&headers)
    {
        let what = SignOut {
            person: held.person,
            over: false,
        };
        let asked = Asked::to(acts::sign_out::ACT.name, &what).from(visitor.from.to_string(), held.panel);
        if let Err(trouble) = web.act(asked).await {
            tracing::warn!(name = trouble.name, "{trouble}");
        }
    }
    with_cookie(redirect("/sign-in"), "")
}

pub(crate) async fn lock(State(web): State<Web>, headers: HeaderMap) -> Response {
    if let Ok(doors) = web.doors() {
        doors.lock(&headers);
    }
    redirect("/sign-in")
}

/// Somebody moves at this screen: the guard has noted it.
pub(crate) async fn here() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

pub(crate) async fn pen(
    State(web): State<Web>,
    session: Session,
    headers: HeaderMap,
    form: Form,
) -> Response {
    let asked = session.ask(acts::panel_pen::ACT.name, &serde_json::json!({}));
    match web.act(asked).await {
        Ok(_) if headers.get(header::ACCEPT) == Some(&HeaderValue::from_static("application/json")) => {
            StatusCode::NO_CONTENT.into_response()
        }
        Ok(_) => redirect(path_of(form.get("to"))),
        Err(trouble) => refused(&trouble),
    }
}
