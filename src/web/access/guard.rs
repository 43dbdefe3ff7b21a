//! The guard before every route: how often, who, from which browser, and whether the form is ours.
//!
//! It fails closed: whatever cannot be decided is refused. Capture does not pass here and goes on.

use super::{
    Row, Who, answer,
    doors::{Doors, Visitor},
    form::Form,
    session::{not_a_panel, not_signed_in},
};
use crate::web::{Peer, Web};
use axum::{
    body::{Body, to_bytes},
    extract::{ConnectInfo, Request},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use record::Trouble;
use std::net::{IpAddr, Ipv4Addr};

/// Lets a request through to the handler of this row, or answers why not.
pub(crate) async fn guard(web: Web, route: Row, mut request: Request, next: Next) -> Response {
    let from = request
        .extensions()
        .get::<ConnectInfo<Peer>>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.0.ip());
    let Some(doors) = web.doors.clone() else {
        // nobody can sign in where there is no gateway behind: screens to look at, and nothing else
        request.extensions_mut().insert(Visitor {
            from,
            panel: None,
            session: None,
            locked: None,
        });
        return match route.who {
            Who::Anyone | Who::Look => next.run(request).await,
            _ => StatusCode::NOT_FOUND.into_response(),
        };
    };
    let writes = !matches!(*request.method(), Method::GET | Method::HEAD);
    let visitor = doors
        .visitor(request.headers(), from, writes || by_hand(request.headers()))
        .await;
    if !doors.may_ask(&visitor) {
        return refusal(
            &request,
            &visitor,
            &too_often("more than 50 requests came within a second"),
        );
    }
    if let Err(trouble) = may(&route, &doors, &visitor, &request) {
        if writes || matches!(trouble.name, "not-allowed" | "not-a-panel") {
            let because = match trouble.name {
                "not-allowed" => "not-allowed",
                "not-a-panel" => "not-enrolled",
                _ => "refused",
            };
            doors
                .refused(&visitor, because, &format!("{} {}", route.method, route.path))
                .await;
        }
        return refusal(&request, &visitor, &trouble);
    }
    if writes && !matches!(route.who, Who::Token | Who::Here) || writes && visitor.session.is_some() {
        request = match ours(request, &visitor, route.longest).await {
            Ok(request) => request,
            Err(answer) => {
                doors
                    .refused(
                        &visitor,
                        "refused",
                        &format!("{} {}: form", route.method, route.path),
                    )
                    .await;
                return answer;
            }
        };
    }
    request.extensions_mut().insert(visitor);
    next.run(request).await
}

fn may(route: &Row, doors: &Doors, visitor: &Visitor, request: &Request) -> Result<(), Trouble> {
    let session = || match (&visitor.session, &visitor.locked) {
        (Some(session), _) if session.must_change => Err(to_change(&session.person.id)),
        (Some(session), _) => Ok(session),
        (None, Some(_)) => Err(screen_locked()),
        (None, None) => Err(not_signed_in()),
    };
    let here = visitor.from.is_loopback();
    match route.who {
        Who::Anyone => Ok(()),
        Who::Look if doors.open => Ok(()),
        Who::Look => session().map(drop),
        Who::Person(roles) => session()?.signed_in(roles).map(drop),
        Who::Panel(roles) => {
            let session = session()?;
            session.signed_in(roles)?;
            session.panel.as_ref().map(drop).ok_or_else(not_a_panel)
        }
        Who::Here if here && visitor.session.is_none() => Ok(()),
        Who::Here => session()?.signed_in(super::ENGINEERS).map(drop),
        Who::Token if here || request.headers().contains_key(header::AUTHORIZATION) => Ok(()),
        Who::Token => Err(not_signed_in()),
    }
}

/// A person did this, and no page that renews itself: browsers say so.
fn by_hand(headers: &HeaderMap) -> bool {
    headers
        .get("sec-fetch-user")
        .is_some_and(|value| value.as_bytes() == b"?1")
}

/// Whether a form that changes something comes from a page of ours: no other site sent it, and it brings what only a
/// page of this session knows.
async fn ours(request: Request, visitor: &Visitor, longest: usize) -> Result<Request, Response> {
    let refused = || answer::refused(&not_ours());
    if !same_site(request.headers()) {
        return Err(refused());
    }
    let Some(session) = &visitor.session else {
        return Ok(request);
    };
    if let Some(said) = request.headers().get("x-form") {
        return if said.as_bytes() == session.form().as_bytes() {
            Ok(request)
        } else {
            Err(refused())
        };
    }
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, longest)
        .await
        .map_err(|_| StatusCode::PAYLOAD_TOO_LARGE.into_response())?;
    let said = Form::of(&body);
    if said.is_some_and(|said| said.get("form") == session.form()) {
        return Ok(Request::from_parts(parts, Body::from(body)));
    }
    Err(refused())
}

/// What the browser says of where a request comes from: nothing (no browser), or this very place.
fn same_site(headers: &HeaderMap) -> bool {
    let says = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = says("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    match (says("origin"), says("host")) {
        (None, _) => true,
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, from)| from == host),
        (Some(_), None) => false,
    }
}

fn refusal(request: &Request, visitor: &Visitor, trouble: &Trouble) -> Response {
    let headers = request.headers();
    let page = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    let away = match trouble.name {
        "not-signed-in" | "screen-locked" => "/sign-in",
        "password-to-change" => "/password",
        _ => "",
    };
    if page && !away.is_empty() && request.method() == Method::GET {
        let to = request.uri().path();
        return answer::redirect(&format!("{away}?to={to}"));
    }
    if page && away == "/sign-in" && visitor.session.is_none() {
        return answer::redirect(away);
    }
    answer::refused(trouble)
}

fn too_often(what: &str) -> Trouble {
    Trouble::new("too-often", what)
        .means("nothing was done")
        .so("wait a moment, then try again")
}

fn screen_locked() -> Trouble {
    Trouble::new(
        "screen-locked",
        "this screen is locked: nobody used it for a while",
    )
    .means("nothing was done; capture goes on, and what was begun here waits")
    .so("prove again who you are, and go on; somebody else hands over by signing in")
}

fn to_change(id: &str) -> Trouble {
    Trouble::new(
        "password-to-change",
        "this password was given by somebody else, who knows it",
    )
    .at(id)
    .means("nothing was done in anybody's name")
    .so("choose a password of your own first: sign in at a screen, or `steelyard user password`")
}

fn not_ours() -> Trouble {
    Trouble::new(
        "form-not-ours",
        "this request does not come from a page of this session",
    )
    .means("nothing was done; the try is an entry")
    .so("open the page again and repeat it there")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn a_form_from_another_site_is_told_by_what_the_browser_says() {
        let cases = [
            (&[][..], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (
                &[("sec-fetch-site", "cross-site"), ("origin", "https://box:8470")],
                false,
            ),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("origin", "https://box:8470"), ("host", "box:8470")], true),
            (&[("origin", "https://box:9999"), ("host", "box:8470")], false),
            (&[("origin", "https://evil.example"), ("host", "box:8470")], false),
            (&[("origin", "null"), ("host", "box:8470")], false),
        ];
        for (headers, ours) in cases {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.insert(*name, HeaderValue::from_static(value));
            }
            assert_eq!(same_site(&map), ours, "{headers:?}");
        }
    }
}
