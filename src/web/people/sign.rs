//! The dialog of a signature: what is signed, what it means, who signs, and exactly what will be stored and printed.
//! The page behind it is inert; Escape goes back; nothing is signed without a meaning and a password.

use super::{capital, path_of, wrong};
use crate::{
    daemon::acts::sign::{Sign, SignedAs},
    flow::{people::Given, signing::Meaning},
    web::{
        Web,
        access::{self, Form, Session, redirect},
        marks::{self, icon},
        page::{self, Page},
        words::Say,
    },
};
use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};
use maud::{Markup, html};
use record::Trouble;
use serde::{Deserialize, Serialize};

/// What is to be signed, and where to go afterwards.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct What {
    batch: String,
    /// Entries as `1041-1050,1060`; without them the whole batch.
    entries: String,
    /// What a person calls it: `acknowledge excursion E-017`.
    title: String,
    text: String,
    to: String,
}

/// What proves the person goes with what is signed.
#[derive(Serialize)]
struct Request {
    #[serde(flatten)]
    sign: Sign,
    #[serde(flatten)]
    given: Given,
}

pub(crate) async fn page(
    State(web): State<Web>,
    Query(what): Query<What>,
    session: Session,
    headers: HeaderMap,
) -> Response {
    show(&web, &session, &headers, &what, None)
}

fn show(
    web: &Web,
    session: &Session,
    headers: &HeaderMap,
    what: &What,
    trouble: Option<&Trouble>,
) -> Response {
    web.page_for(headers, Some(session.clone()), |page| {
        page::under_dialog(page, Say::Sign, &dialog(page, session, what, trouble))
    })
}

fn dialog(page: &Page, session: &Session, what: &What, trouble: Option<&Trouble>) -> Markup {
    let person = &session.person;
    let title = if what.title.is_empty() {
        &what.batch
    } else {
        &what.title
    };
    html! {
        form class="dlg" role="dialog" aria-modal="true" aria-labelledby="dt" method="post" action="/sign" data-dialog {
            h1 id="dt" { (page.tell(Say::SignWhat, &[("what", title.as_str().into())])) }
            (wrong(trouble))
            input type="hidden" name="form" value=(session.form());
            @for (name, value) in [("batch", &what.batch), ("entries", &what.entries), ("title", &what.title), ("to", &what.to)] {
                input type="hidden" name=(name) value=(value);
            }
            dl class="sum" {
                @if !what.batch.is_empty() { dt { (page.say(Say::SignedBatch)) } dd { (what.batch) } }
                dt { (page.say(Say::SignedWhat)) }
                dd {
                    @if what.entries.is_empty() { (page.say(Say::WholeBatch)) }
                    @else { (page.tell(Say::TheseEntries, &[("entries", what.entries.as_str().into())])) }
                }
            }
            label { (page.say(Say::YourComment)) input name="text" value=(what.text) maxlength="500" autocomplete="off"; }
            fieldset {
                legend { (page.say(Say::SignatureMeans)) }
                @for meaning in offered(what) { (option(page, session, meaning)) }
            }
            div class="row" {
                label { (page.say(Say::SigningAs)) input value={ (person.name) " (" (person.id) ")" } readonly autocomplete="username"; }
                label { (page.say(Say::Password)) input name="secret" type="password" autocomplete="current-password" required maxlength="256" autofocus; }
            }
            p class="muted small" {
                (page.tell(Say::StoredAndPrinted, &[("name", person.name.as_str().into()), ("time", page.zoned(page.board.now).into())]))
            }
            div class="row" {
                a class="btn" href=(path_of(&what.to)) data-cancel { (page.say(Say::Cancel)) }
                button class="btn go" { (icon(marks::PEN)) (page.say(Say::Sign)) }
            }
        }
    }
}

/// A batch is judged; entries are also witnessed.
fn offered(what: &What) -> [Meaning; 4] {
    if what.entries.is_empty() {
        [
            Meaning::Acknowledged,
            Meaning::Verified,
            Meaning::Reviewed,
            Meaning::Approved,
        ]
    } else {
        [
            Meaning::Performed,
            Meaning::Acknowledged,
            Meaning::Verified,
            Meaning::Reviewed,
        ]
    }
}

fn option(page: &Page, session: &Session, meaning: Meaning) -> Markup {
    let says = match meaning {
        Meaning::Performed => Say::IPerformed,
        Meaning::Verified => Say::IVerified,
        Meaning::Acknowledged => Say::IAcknowledged,
        Meaning::Reviewed => Say::IReviewed,
        Meaning::Approved => Say::IApproved,
    };
    let may = session.person.is_one_of(meaning.roles());
    html! {
        label class="opt" {
            input type="radio" name="meaning" value=(meaning.word()) required disabled[!may];
            b { (page.say(says)) }
            span {
                (page.tell(Say::RecordedAs, &[("word", capital(meaning.word()).into())]))
                @if !may { " " (page.tell(Say::NeedsRole, &[("roles", meaning.roles().join(", ").into())])) }
            }
        }
    }
}

pub(crate) async fn sign(
    State(web): State<Web>,
    session: Session,
    headers: HeaderMap,
    form: Form,
) -> Response {
    let field = |name: &str| form.get(name).to_owned();
    let what = What {
        batch: field("batch"),
        entries: field("entries"),
        title: field("title"),
        text: field("text"),
        to: field("to"),
    };
    match signed(&web, &session, &what, form.get("meaning"), form.get("secret")).await {
        Ok(_) => redirect(path_of(&what.to)),
        Err(trouble) => {
            let mut answer = show(&web, &session, &headers, &what, Some(&trouble));
            *answer.status_mut() = match access::status(trouble.name) {
                // the person is signed in; it is the signature that was not proven
                StatusCode::UNAUTHORIZED => StatusCode::FORBIDDEN,
                other => other,
            };
            answer
        }
    }
}

async fn signed(
    web: &Web,
    session: &Session,
    what: &What,
    meaning: &str,
    secret: &str,
) -> Result<SignedAs, Trouble> {
    let missing = |what: &str, action: &str| {
        Err(Trouble::new("signature-refused", what)
            .means("nothing was signed")
            .so(action))
    };
    if meaning.is_empty() {
        return missing("no meaning was chosen", "say what your signature means");
    }
    if secret.is_empty() {
        return missing(
            "no password was given",
            "type your password: a session alone signs nothing",
        );
    }
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let request = Request {
        sign: Sign {
            batch: some(&what.batch),
            entries: some(&what.entries),
            meaning: meaning.to_owned(),
            text: what.text.clone(),
        },
        given: Given::Password {
            by: session.person.id.clone(),
            secret: secret.to_owned(),
        },
    };
    let answer = web.act(session.ask("sign", &request)).await?;
    serde_json::from_str(&answer).map_err(|_| {
        Trouble::new(
            "request-not-understood",
            "the gateway's own answer cannot be read",
        )
        .means("whether it was signed is not known here; the record says it")
        .so("look with `steelyard sign BATCH --show`")
    })
}
