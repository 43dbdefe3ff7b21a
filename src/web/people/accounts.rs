//! What a supervisor does for others at a screen: ends a lock, gives a temporary badge.

use super::{capital, wrong};
use crate::{
    daemon::acts::{self, user_badge::UserBadge, user_unlock::UserUnlock},
    flow::people::People,
    web::{
        Web,
        access::{self, Form, Session, redirect},
        marks::{Shape, shape},
        page::{self, Page},
        words::Say,
    },
};
use axum::{extract::State, http::HeaderMap, response::Response};
use maud::{Markup, html};
use record::{Stamp, Trouble};
use serde::Serialize;

/// How long a temporary badge may last, in hours.
const HOURS: [i64; 3] = [4, 8, 12];

pub(crate) async fn page(State(web): State<Web>, session: Session, headers: HeaderMap) -> Response {
    show(&web, &session, &headers, None)
}

fn show(web: &Web, session: &Session, headers: &HeaderMap, trouble: Option<&Trouble>) -> Response {
    let now = web.board.borrow().now;
    let people = web
        .doors()
        .map(|doors| doors.access().people.clone())
        .unwrap_or_default();
    web.page_for(headers, Some(session.clone()), |page| {
        page::aside(page, Say::People, &list(page, session, &people, trouble, now))
    })
}

fn list(page: &Page, session: &Session, people: &People, trouble: Option<&Trouble>, now: Stamp) -> Markup {
    html! {
        div class="head" { h1 { (page.say(Say::People)) } }
        (wrong(trouble))
        ul class="people" {
            @for person in people.iter() {
                li data-person=(person.id) {
                    b { (person.name) }
                    span class="muted" { (person.id) " · " (person.roles.iter().map(|role| capital(role)).collect::<Vec<_>>().join(", ")) }
                    @if let Some(until) = people.locked_until(&person.id, now) {
                        span class="mark warn" {
                            (shape(Shape::Triangle)) (page.tell(Say::LockedUntil, &[("time", page.moment(until).into())]))
                        }
                        form method="post" action="/people/unlock" {
                            (hidden(session, &person.id))
                            input name="reason" required maxlength="200" aria-label=(page.say(Say::Why)) placeholder=(page.say(Say::Why));
                            button class="btn" { (page.say(Say::Unlock)) }
                        }
                    }
                    @if let Some(Some(until)) = people.badge(&person.id, now) {
                        span class="mark" { (shape(Shape::Ring)) (page.tell(Say::TemporaryUntil, &[("time", page.moment(until).into())])) }
                    }
                    @if person.id != session.person.id {
                        details {
                            summary { (page.say(Say::TemporaryBadge)) }
                            form class="row" method="post" action="/people/badge" autocomplete="off" {
                                (hidden(session, &person.id))
                                label { (page.say(Say::ScanBadge)) input name="code" required maxlength="256"; }
                                label { (page.say(Say::Pin)) input name="new_pin" type="password" inputmode="numeric" autocomplete="off" required minlength="6" maxlength="12"; }
                                label { (page.say(Say::HowLong)) select name="hours" { @for hours in HOURS { option value=(hours) { (hours) " h" } } } }
                                label { (page.say(Say::Why)) input name="reason" required maxlength="200"; }
                                button class="btn go" { (page.say(Say::GiveBadge)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn hidden(session: &Session, id: &str) -> Markup {
    html! {
        input type="hidden" name="form" value=(session.form());
        input type="hidden" name="id" value=(id);
    }
}

pub(crate) async fn unlock(
    State(web): State<Web>,
    session: Session,
    headers: HeaderMap,
    form: Form,
) -> Response {
    let what = UserUnlock {
        id: form.get("id").to_owned(),
        reason: form.get("reason").to_owned(),
        by: String::new(),
        secret: String::new(),
    };
    done(&web, &session, &headers, acts::user_unlock::ACT.name, &what).await
}

pub(crate) async fn badge(
    State(web): State<Web>,
    session: Session,
    headers: HeaderMap,
    form: Form,
) -> Response {
    let hours = form
        .get("hours")
        .parse()
        .ok()
        .filter(|hours| HOURS.contains(hours));
    let doors = web.doors();
    let (Some(hours), Ok(salt), Ok(now)) = (
        hours,
        doors.and_then(|doors| doors.salt()),
        web.doors().map(|doors| doors.now()),
    ) else {
        let trouble = Trouble::new("person-refused", "it is not said how long the badge lasts")
            .means("nothing was changed")
            .so("choose how long");
        return show(&web, &session, &headers, Some(&trouble));
    };
    let what = UserBadge {
        id: form.get("id").to_owned(),
        code: Some(form.get("code").trim().to_owned()),
        new_pin: form.get("new_pin").to_owned(),
        until: Some(now.plus_ms(hours * 3_600_000).to_string()),
        reason: form.get("reason").to_owned(),
        salt,
        by: String::new(),
        secret: String::new(),
    };
    done(&web, &session, &headers, acts::user_badge::ACT.name, &what).await
}

async fn done(
    web: &Web,
    session: &Session,
    headers: &HeaderMap,
    act: &str,
    what: &impl Serialize,
) -> Response {
    match web.act(session.ask(act, what)).await {
        Ok(_) => redirect("/people"),
        Err(trouble) => {
            let mut answer = show(web, session, headers, Some(&trouble));
            *answer.status_mut() = access::status(trouble.name);
            answer
        }
    }
}
