//! The addresses of the dispensing stations: pages, their parts and streams, and what a panel asks to be done.

use super::{Seat, Show, Stand, frame, live};
use crate::{
    flow::{
        people::Given,
        station::{Act, How, StationView},
    },
    web::{
        Web,
        access::{self, Form, Session, Visitor},
        page,
        page::Page,
        words::{Say, Tongue},
    },
};
use axum::{
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use maud::{Markup, html};
use record::Trouble;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Wish {
    #[serde(default)]
    show: String,
    #[serde(default)]
    wall: String,
}

impl Web {
    fn station(&self, name: &str) -> Option<Arc<StationView>> {
        self.stations.as_ref()?.borrow().get(name).cloned()
    }
}

/// Which stations there are, and what each is doing.
pub(crate) async fn all(State(web): State<Web>, headers: HeaderMap) -> Response {
    let views = web
        .stations
        .as_ref()
        .map(|stations| stations.borrow().clone())
        .unwrap_or_default();
    web.page(&headers, |page| {
        page::aside(
            page,
            Say::Dispensing,
            &html! {
                h1 { (page.say(Say::Dispensing)) }
                @if views.is_empty() { div class="empty" { p { (page.say(Say::NoStations)) } } }
                div class="stations" {
                    @for view in views.values() { (one(page, view)) }
                }
                p class="aids" {
                    a class="btn" href="/cards" { (page.say(Say::Cards)) } " "
                    a class="btn" href="/scanner" { (page.say(Say::ScannerSetUp)) }
                }
            },
        )
    })
}

fn one(page: &Page, view: &StationView) -> Markup {
    let name = super::path_part(&view.station);
    html! {
        section class="unit" {
            header { h2 { (view.station) } span class="tag" { (view.title) } }
            p class="step" {
                (page.say(super::words::step(view.step)))
                @if let Some(order) = &view.order { " · " b { (order.batch) } " · " (order.product) }
                @if let Some(person) = &view.operator { " · " (person.name) }
            }
            p {
                a class="btn" href={ "/dispense/" (name) } { (page.say(Say::OpenStation)) } " "
                a class="btn" href={ "/dispense/" (name) "?wall=1" } { (page.say(Say::WallDisplay)) }
            }
        }
    }
}

/// Who looks through this browser. A panel works where it stands; elsewhere it looks like any other browser.
fn seat(web: &Web, station: &str, wish: &Wish, visitor: &Visitor) -> Seat {
    let here = visitor.panel.as_ref().filter(|panel| panel.station == station);
    let session = visitor.session.as_ref();
    Seat {
        panel: here
            .map(|panel| panel.name.clone())
            .or_else(|| web.looks_as.clone()),
        token: session.map_or_else(String::new, |session| session.form().to_owned()),
        signed_in: session.is_some() || web.looks_as.is_some(),
        wall: wish.wall == "1",
    }
}

/// A request to the core: what is done, where, from which panel.
#[derive(Serialize)]
struct AtStation<'a> {
    station: &'a str,
    panel: &'a str,
    #[serde(flatten)]
    act: &'a Act,
}

/// Has the core do it, in the name of who is signed in here.
async fn carry(
    web: &Web,
    station: &str,
    act: Act,
    form: &Form,
    session: &Session,
) -> Result<Option<String>, Trouble> {
    let what = AtStation {
        station,
        panel: session.panel.as_deref().unwrap_or_default(),
        act: &act,
    };
    let mut asked = session.ask("station", &what);
    if let Some(given) = given(web, form) {
        // Clearance is signed by who works here; everything else that is signed takes another person.
        let proven = match act {
            Act::Clear { .. } => web.again(session, given, "station").await?,
            _ => web.second(session, given, &[], "station").await?,
        };
        asked = asked.with_second(proven);
    }
    web.act(asked).await.map(|_| None)
}

/// Whose badge and PIN, or name and password, came with the form.
fn given(web: &Web, form: &Form) -> Option<Given> {
    let (who, secret) = (form.get("by").trim(), form.get("secret"));
    if who.is_empty() || secret.is_empty() {
        return None;
    }
    let known = web
        .doors()
        .is_ok_and(|doors| doors.access().people.find(who).is_some());
    Some(if known {
        Given::Password {
            by: who.to_owned(),
            secret: secret.to_owned(),
        }
    } else {
        Given::Badge {
            badge: who.to_owned(),
            pin: secret.to_owned(),
        }
    })
}

/// Draws one station for whoever asks.
async fn draw(
    web: &Web,
    station: &str,
    wish: &Wish,
    (visitor, headers): (&Visitor, &HeaderMap),
    write: fn(&Stand, &str) -> Markup,
) -> Response {
    let Some(view) = web.station(station) else {
        return crate::web::missing(web, headers);
    };
    let seat = seat(web, station, wish, visitor);
    let show = Show::named(&wish.show);
    let board = web.board.borrow().clone();
    let tongue = Tongue::asked(headers);
    let (shape, _) = live::pulse(&board, &view, &seat, show, tongue);
    let stand = Stand {
        page: Page::of(&board, tongue),
        view: &view,
        seat: &seat,
        show,
    };
    Html(write(&stand, &shape).into_string()).into_response()
}

pub(crate) async fn whole(
    State(web): State<Web>,
    Path(station): Path<String>,
    Query(wish): Query<Wish>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Response {
    draw(&web, &station, &wish, (&visitor, &headers), frame::whole).await
}

pub(crate) async fn part(
    State(web): State<Web>,
    Path(station): Path<String>,
    Query(wish): Query<Wish>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Response {
    draw(&web, &station, &wish, (&visitor, &headers), frame::part).await
}

pub(crate) async fn stream(
    State(web): State<Web>,
    Path(station): Path<String>,
    Query(wish): Query<Wish>,
    visitor: Visitor,
    headers: HeaderMap,
) -> Response {
    let (Some(_), Some(stations)) = (web.station(&station), web.stations.clone()) else {
        return crate::web::missing(&web, &headers);
    };
    let Ok(permit) = Arc::clone(&web.seats).try_acquire_owned() else {
        return crate::web::too_many();
    };
    live::answer(
        live::Feed {
            board: web.board.clone(),
            stations,
            seat: seat(&web, &station, &wish, &visitor),
            station,
            show: Show::named(&wish.show),
            tongue: Tongue::asked(&headers),
        },
        permit,
    )
}

/// Something is to be done. Answered with JSON to the script, and with the way back to a browser without.
pub(crate) async fn act(
    State(web): State<Web>,
    Path(station): Path<String>,
    session: Session,
    headers: HeaderMap,
    form: Form,
) -> Response {
    let done = match read(&|name| form.get(name).to_owned()) {
        Ok(act) => carry(&web, &station, act, &form, &session).await,
        Err(trouble) => Err(trouble),
    };
    let by_script = headers
        .get(header::ACCEPT)
        .and_then(|kinds| kinds.to_str().ok())
        .is_some_and(|kinds| kinds.contains("application/json"));
    let home = format!("/dispense/{}", super::path_part(&station));
    match (done, by_script) {
        (Ok(to), true) => script(&json!({ "done": true, "to": to })),
        (Ok(to), false) => access::redirect(&to.unwrap_or(home)),
        (Err(trouble), true) => script(&json!({
            "done": false, "because": trouble.name, "say": super::theirs(&trouble.what),
            "beside": super::theirs(&trouble.action), "record": super::theirs(&trouble.record),
        })),
        (Err(trouble), false) => (
            StatusCode::CONFLICT,
            web.page(&headers, |page| {
                page::aside(
                    page,
                    Say::NotDone,
                    &html! {
                        div class="empty" {
                            h1 { (super::theirs(&trouble.what)) }
                            p { (super::theirs(&trouble.record)) }
                            p { (super::theirs(&trouble.action)) }
                            a class="btn" href=(home) { (page.say(Say::Back)) }
                        }
                    },
                )
            }),
        )
            .into_response(),
    }
}

fn script(answer: &serde_json::Value) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], answer.to_string()).into_response()
}

/// The fields of a form as an act.
fn read(fields: &dyn Fn(&str) -> String) -> Result<Act, Trouble> {
    let text = |name: &str| fields(name).trim().to_owned();
    let reading = || text("reading").parse::<u64>().map_err(|_| no_reading());
    let reason = |name: &str| {
        let typed = text("other");
        if typed.is_empty() { text(name) } else { typed }
    };
    Ok(match text("act").as_str() {
        "scan" => Act::Scan {
            code: fields("code"),
            how: if text("how") == "typed" {
                How::Typed
            } else {
                How::Scanned
            },
        },
        "clear" => {
            let count = text("questions").parse::<usize>().unwrap_or_default().min(100);
            Act::Clear {
                answers: (0..count)
                    .map(|at| text(&format!("answer{at}")) == "yes")
                    .collect(),
            }
        }
        "check-begin" => Act::CheckBegin { scale: text("scale") },
        "check-take" => Act::CheckTake { reading: reading()? },
        "open" => Act::Open {
            order: text("order"),
            line: text("line"),
        },
        "scale" => Act::Scale { scale: text("scale") },
        "tare" => Act::Tare { reading: reading()? },
        "tare-known" => Act::TareKnown,
        "zero" => Act::Zero,
        "capture" => Act::Capture {
            reading: reading()?,
            part: text("part") == "yes",
        },
        "full" => Act::Full {
            amount: plain(&text("amount")),
        },
        "count" => Act::Count {
            pieces: text("pieces").parse().map_err(|_| not_understood("pieces"))?,
        },
        "reject" => Act::Reject {
            reason: reason("reason"),
        },
        "keep" => Act::Keep {
            reading: reading()?,
            reason: reason("reason"),
        },
        "verify" => Act::Verify,
        "disagree" => Act::Disagree {
            reason: reason("reason"),
        },
        "label" => Act::Label {
            reason: reason("reason"),
        },
        "source-empty" => Act::SourceEmpty,
        "source-left" => Act::SourceLeft { reading: reading()? },
        "next" => Act::Next,
        "hold" => Act::Hold {
            reason: reason("reason"),
        },
        "abort" => Act::Abort {
            reason: reason("reason"),
        },
        "hand-over" => Act::HandOver,
        "take-pen" => Act::TakePen,
        "problem" => Act::Problem { text: reason("text") },
        "override" => Act::Override {
            code: text("code"),
            reason: reason("reason"),
        },
        _ => return Err(not_understood("act")),
    })
}

/// An amount as people type it: a comma or a point before the decimals; the record keeps a point.
fn plain(typed: &str) -> String {
    let typed: String = typed.chars().filter(|sign| !sign.is_whitespace()).collect();
    match (typed.matches(',').count(), typed.contains('.')) {
        (1, false) => typed.replace(',', "."),
        _ => typed,
    }
}

fn no_reading() -> Trouble {
    Trouble::new(
        "reading-not-named",
        "there is no live weight on this page to capture",
    )
    .means("nothing was captured")
    .so("wait until the scale shows a weight, then press again")
}

fn not_understood(what: &str) -> Trouble {
    Trouble::new(
        "request-not-understood",
        format!("this page sent something the gateway doesn’t know: {what}"),
    )
    .means("nothing was done and nothing was changed")
    .so("load the page anew")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn read_of(pairs: &[(&str, &str)]) -> Result<Act, Trouble> {
        read(&|name| {
            let found = pairs.iter().find(|(known, _)| *known == name);
            found.map_or_else(String::new, |(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_form_becomes_the_act_it_names() {
        for (pairs, act) in [
            (
                vec![("act", "capture"), ("reading", "118")],
                Act::Capture {
                    reading: 118,
                    part: false,
                },
            ),
            (
                vec![
                    ("act", "scan"),
                    ("code", "010401234567890110L-88213\u{1d}17280331"),
                ],
                Act::Scan {
                    code: "010401234567890110L-88213\u{1d}17280331".into(),
                    how: How::Scanned,
                },
            ),
            (
                vec![
                    ("act", "clear"),
                    ("questions", "3"),
                    ("answer0", "yes"),
                    ("answer2", "yes"),
                ],
                Act::Clear {
                    answers: vec![true, false, true],
                },
            ),
            (
                vec![
                    ("act", "keep"),
                    ("reading", "9"),
                    ("reason", "Poured too fast"),
                    ("other", "  "),
                ],
                Act::Keep {
                    reading: 9,
                    reason: "Poured too fast".into(),
                },
            ),
            (
                vec![
                    ("act", "problem"),
                    ("text", "Spilt"),
                    ("other", "the lid was open"),
                ],
                Act::Problem {
                    text: "the lid was open".into(),
                },
            ),
            (
                vec![("act", "full"), ("amount", "25,40 ")],
                Act::Full {
                    amount: "25.40".into(),
                },
            ),
        ] {
            assert_eq!(read_of(&pairs).unwrap(), act);
        }
    }

    #[test]
    fn a_capture_that_names_no_reading_is_none() {
        for reading in ["", "-1", "1.5", "x"] {
            let trouble = read_of(&[("act", "capture"), ("reading", reading)]).unwrap_err();
            assert_eq!(trouble.name, "reading-not-named", "{reading:?}");
        }
        assert_eq!(read_of(&[]).unwrap_err().name, "request-not-understood");
    }

    #[test]
    fn a_decimal_comma_is_a_point_and_two_of_them_are_left_for_the_core_to_refuse() {
        for (typed, meant) in [
            ("25,4", "25.4"),
            ("25.4", "25.4"),
            ("1,234.5", "1,234.5"),
            ("1,2,3", "1,2,3"),
            ("12", "12"),
        ] {
            assert_eq!(plain(typed), meant);
        }
    }
}
