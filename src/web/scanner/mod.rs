//! Printed command cards, and the page on which a scanner is set up: two test codes and what the scanner made of them.

mod matrix;
mod read;

use super::{Web, access::Visitor, page, page::Page, words::Say};
use crate::flow::station::act::CARD;
use axum::{Form, extract::State, http::HeaderMap, response::Response};
use maud::{Markup, html};
use serde::Deserialize;

/// The cards: the word behind the prefix, and what it does.
const CARDS: &[(&str, Say, Say)] = &[
    ("CAPTURE", Say::Capture, Say::CardCapture),
    ("TARE", Say::Tare, Say::CardTare),
    ("ZERO", Say::Zero, Say::CardZero),
    ("PRINT", Say::Print, Say::CardPrint),
    ("NEXT", Say::CardNextTitle, Say::CardNext),
    ("PROBLEM", Say::Problem, Say::CardProblem),
    ("SIGN-OUT", Say::SignOut, Say::CardSignOut),
];

/// `GET /cards`: one page to print, cut and laminate.
pub(super) async fn cards(State(web): State<Web>, headers: HeaderMap) -> Response {
    web.page(&headers, |page| {
        page::aside(
            page,
            Say::Cards,
            &html! {
                h1 { (page.say(Say::Cards)) }
                p class="hint" { (page.say(Say::CardsMean)) }
                ul class="cards" {
                    @for (word, title, does) in CARDS {
                        li { (matrix::plain(&format!("{CARD}{word}"))) b { (page.say(*title)) } span { (page.say(*does)) } code { (CARD) (word) } }
                    }
                }
            },
        )
    })
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Scanned {
    #[serde(default)]
    code: String,
    /// `no` where no Enter came.
    #[serde(default)]
    enter: String,
}

/// `GET /scanner`: the test codes.
pub(super) async fn set_up(State(web): State<Web>, visitor: Visitor, headers: HeaderMap) -> Response {
    web.page(&headers, |page| tests(page, &visitor, None))
}

/// `POST /scanner`: what the scanner made of one of them.
pub(super) async fn judge(
    State(web): State<Web>,
    visitor: Visitor,
    headers: HeaderMap,
    Form(scanned): Form<Scanned>,
) -> Response {
    web.page(&headers, |page| tests(page, &visitor, Some(&scanned)))
}

fn tests(page: &Page, visitor: &Visitor, scanned: Option<&Scanned>) -> Markup {
    page::aside(
        page,
        Say::ScannerSetUp,
        &html! {
            h1 { (page.say(Say::ScannerSetUp)) }
            p class="hint" { (page.say(Say::ScannerMeans)) }
            div class="tests" {
                (test(page, "1", Say::TestLetters, &matrix::plain(read::LETTERS)))
                (test(page, "2", Say::TestGs1, &matrix::gs1(read::GS1)))
                section class="unit verdict" id="verdict" aria-live="polite" {
                    h2 { (page.say(Say::WhatCame)) }
                    @match scanned {
                        Some(scanned) => (verdict(page, scanned)),
                        None => p { (page.say(Say::NothingCame)) },
                    }
                    form method="post" action="/scanner" data-scanner {
                        @if let Some(session) = &visitor.session { input type="hidden" name="form" value=(session.form()); }
                        label { (page.say(Say::ScanHere)) input type="text" name="code" id="code" autofocus autocomplete="off" spellcheck="false" maxlength="300"; }
                        input type="hidden" name="enter" value="yes";
                        button class="btn" { (page.say(Say::JudgeIt)) }
                    }
                }
            }
        },
    )
}

fn test(page: &Page, number: &str, what: Say, code: &Markup) -> Markup {
    html! { section class="unit" { h2 { (number) ". " (page.say(what)) } (code) } }
}

fn verdict(page: &Page, scanned: &Scanned) -> Markup {
    html! {
        @for finding in read::judge(&scanned.code, scanned.enter != "no") {
            @let (what, action) = finding.words();
            div class="found" {
                (super::marks::shape(if finding == read::Finding::Good { super::marks::Shape::Tick } else { super::marks::Shape::Triangle }))
                div { b { (page.say(what)) } p { (page.say(action)) } }
            }
        }
        p { (page.say(Say::Received)) " " code { (read::visible(&scanned.code)) } }
    }
}
