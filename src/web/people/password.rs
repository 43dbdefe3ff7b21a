//! A password of one's own, in place of one that somebody else knows or of the old one.

use super::{brand, wrong};
use crate::{
    daemon::acts::{self, Asked, user_password::UserPassword},
    web::{
        Web,
        access::{self, Form, SESSION, Session, redirect},
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

pub(crate) async fn page(State(web): State<Web>, session: Session, headers: HeaderMap) -> Response {
    show(&web, &session, &headers, None)
}

fn show(web: &Web, session: &Session, headers: &HeaderMap, trouble: Option<&Trouble>) -> Response {
    web.page(headers, |page| {
        page::alone(page, Say::NewPassword, &form(page, session, trouble))
    })
}

fn form(page: &Page, session: &Session, trouble: Option<&Trouble>) -> Markup {
    let field = |label, name, autocomplete| {
        html! {
            label {
                (page.say(label))
                input type="password" name=(name) autocomplete=(autocomplete) maxlength="256" required autofocus[name == "old"];
            }
        }
    };
    html! {
        form class="dlg" method="post" action="/password" {
            (brand(page))
            h1 { (page.say(Say::NewPassword)) }
            @if session.must_change { p { (page.say(Say::PasswordKnown)) } }
            (wrong(trouble))
            input type="hidden" name="form" value=(session.form());
            input type="text" name="name" value=(session.person.id) autocomplete="username" readonly hidden;
            (field(Say::PasswordNow, "old", "current-password"))
            (field(Say::NewPassword, "new", "new-password"))
            (field(Say::Repeated, "again", "new-password"))
            button class="btn go" { (page.say(Say::ChangeIt)) }
            p class="muted small" { (page.say(Say::PasswordRule)) }
        }
    }
}

pub(crate) async fn change(
    State(web): State<Web>,
    session: Session,
    headers: HeaderMap,
    form: Form,
) -> Response {
    match changed(&web, &session, &form).await {
        Ok(cookie) => {
            let mut answer = redirect("/");
            answer
                .headers_mut()
                .append(header::SET_COOKIE, access::set(SESSION, &cookie));
            answer
        }
        Err(trouble) => {
            let mut answer = show(&web, &session, &headers, Some(&trouble));
            *answer.status_mut() = access::status(trouble.name);
            answer
        }
    }
}

/// The new password, and a new session: every older one of this person has ended.
async fn changed(web: &Web, session: &Session, form: &Form) -> Result<String, Trouble> {
    if form.get("new") != form.get("again") {
        return Err(Trouble::new("person-refused", "the two new passwords differ")
            .means("nothing was changed")
            .so("type the same one twice"));
    }
    let doors = web.doors()?;
    let what = UserPassword {
        id: session.person.id.clone(),
        new: form.get("new").to_owned(),
        salt: doors.salt()?,
        by: session.person.id.clone(),
        secret: form.get("old").to_owned(),
    };
    let asked = Asked::to(acts::user_password::ACT.name, &what).from(session.from(), session.panel.clone());
    web.act(asked).await?;
    doors.end_all_of(&session.person.id);
    doors.begin(&session.person.id, session.method, session.panel.as_deref())
}
