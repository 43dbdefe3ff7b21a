//! The frame of every page: bar, what the record is used for, the screen's own part, the record strip.
//!
//! A page is complete when it leaves here. No inline style or script, no outside address.

use super::{
    Screen,
    access::{Doors, Session},
    figures,
    marks::{self, icon},
    screens, strip,
    words::{Fill, Say, Tongue},
};
use crate::flow::board::Board;
use jiff::tz::TimeZone;
use maud::{DOCTYPE, Markup, html};
use record::Stamp;
use serde_json::{Value, json};
use std::{
    cell::RefCell,
    collections::BTreeMap,
    hash::{DefaultHasher, Hasher},
};

/// What is needed to write a page: the board as it is now, and the language.
///
/// While a page is written, whatever changes without the page changing its shape goes through [`Page::live`]
/// or [`Page::note`]. Written bare, those places stay empty: what is left is the shape, and nothing a
/// screen shows can be forgotten by the live stream.
pub(crate) struct Page<'a> {
    pub(crate) board: &'a Board,
    pub(crate) tongue: &'static Tongue,
    /// Who looks, where somebody is signed in.
    pub(crate) session: Option<Session>,
    /// Whether somebody could sign in here, and after how long a screen locks.
    locks_after: Option<u64>,
    zone: TimeZone,
    bare: bool,
    live: RefCell<Live>,
}

/// What changes without the page changing its shape, by the id of its element.
pub(crate) type Live = BTreeMap<String, Value>;

impl<'a> Page<'a> {
    pub(crate) fn of(board: &'a Board, tongue: &'static Tongue) -> Self {
        let zone = figures::zone(&board.zone);
        Self {
            board,
            tongue,
            session: None,
            locks_after: None,
            zone,
            bare: false,
            live: RefCell::default(),
        }
    }

    /// The same page as this person sees it.
    pub(crate) fn seen_by(mut self, session: Option<Session>, doors: Option<&Doors>) -> Self {
        self.session = session;
        self.locks_after = doors.map(|doors| doors.lasting().lock_after.as_secs());
        self
    }

    /// The plant's own clock at a moment, with day and zone: as it stands beside a signature.
    pub(crate) fn zoned(&self, then: Stamp) -> String {
        figures::zoned(then, &self.zone, self.tongue)
    }

    /// The same, of which only the shape is wanted, and what changes within it.
    pub(crate) fn bare(board: &'a Board, tongue: &'static Tongue) -> Self {
        Self {
            bare: true,
            ..Self::of(board, tongue)
        }
    }

    /// What was noted for the stream.
    pub(crate) fn noted(self) -> Live {
        self.live.into_inner()
    }

    /// An element whose text the stream renews.
    pub(crate) fn live(&self, id: &str, text: &str) -> Markup {
        self.note(id, json!({ "id": id, "text": text }));
        html! { span class="live" id=(id) { (self.now(text)) } }
    }

    /// Notes a value for the stream.
    pub(crate) fn note(&self, id: &str, value: Value) {
        self.live.borrow_mut().insert(id.to_owned(), value);
    }

    /// A text that is no part of the page's shape.
    pub(crate) fn now<'t>(&self, text: &'t str) -> &'t str {
        if self.bare { "" } else { text }
    }

    pub(crate) fn say(&self, key: Say) -> String {
        self.tongue.say(key)
    }

    pub(crate) fn tell(&self, key: Say, fills: &[(&str, Fill)]) -> String {
        self.tongue.tell(key, fills)
    }

    /// Milliseconds from `then` to the moment of the board.
    pub(crate) fn age(&self, then: Stamp) -> i64 {
        self.board.now.ms_since(then)
    }

    /// `7 min 12 s` since then.
    pub(crate) fn span(&self, then: Stamp) -> String {
        figures::span(self.age(then), self.tongue)
    }

    /// `7 min` since then.
    pub(crate) fn about(&self, then: Stamp) -> String {
        figures::about(self.age(then), self.tongue)
    }

    /// `10:42`, with the day when it isn't today.
    pub(crate) fn moment(&self, then: Stamp) -> String {
        figures::moment(then, self.board.now, &self.zone, self.tongue)
    }

    /// The plant's clock.
    pub(crate) fn clock(&self) -> String {
        figures::clock(self.board.now, &self.zone)
    }
}

/// A whole page.
pub(crate) fn whole(page: &Page, screen: &Screen) -> Markup {
    frame(
        page,
        Some(screen),
        screen.title,
        &html! {
            main id="main" data-screen=(screen.name) data-shape=(pulse(page.board, screen, page.tongue).0) { ((screen.main)(page)) }
            (strip::foot(page))
        },
    )
}

/// What a live page fetches when its structure has changed.
pub(crate) fn part(page: &Page, screen: &Screen) -> Markup {
    html! {
        (DOCTYPE)
        main id="main" data-shape=(pulse(page.board, screen, page.tongue).0) { ((screen.main)(page)) }
        (strip::foot(page))
    }
}

/// A page beside the screens, on which nothing is live.
pub(crate) fn aside(page: &Page, title: Say, inside: &Markup) -> Markup {
    frame(page, None, title, &html! { main id="main" { (inside) } })
}

/// The page for an address that leads nowhere: nothing on it is live, so nothing of the record stands there.
pub(crate) fn not_found(page: &Page) -> Markup {
    frame(
        page,
        None,
        Say::NotFound,
        &html! {
            main id="main" {
                div class="empty" {
                    h1 { (page.say(Say::NotFound)) }
                    p { (page.say(Say::NotFoundDo)) }
                    a class="btn" href="/" { (page.say(Say::ToTheLine)) }
                }
            }
        },
    )
}

/// The shape of a screen as it would be written now, and all that changes within it.
pub(crate) fn pulse(board: &Board, screen: &Screen, tongue: &'static Tongue) -> (String, Live) {
    let page = Page::bare(board, tongue);
    let mut shape = DefaultHasher::new();
    for markup in [
        bar(&page, Some(screen)),
        usage(&page),
        (screen.main)(&page),
        strip::foot(&page),
    ] {
        shape.write(markup.into_string().as_bytes());
    }
    (format!("{:016x}", shape.finish()), page.noted())
}

fn frame(page: &Page, screen: Option<&Screen>, title: Say, inside: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(page.tongue.code) data-software=(env!("CARGO_PKG_VERSION"))
            data-locks-after=[page.session.as_ref().and(page.locks_after)]
            data-form=[page.session.as_ref().map(Session::form)] {
            (head(page, title, screen.is_some()))
            body {
                a class="skip" href="#main" { (page.say(Say::Skip)) }
                @if screen.is_some() { (lost(page)) }
                (bar(page, screen))
                (usage(page))
                (inside)
            }
        }
    }
}

/// What stands before the body. A live page loads itself anew without script; a form never does.
fn head(page: &Page, title: Say, live: bool) -> Markup {
    let title = page.say(title);
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width,initial-scale=1";
            title { (title_of(page, &title)) }
            link rel="icon" href="/static/mark.svg" type="image/svg+xml";
            link rel="stylesheet" href="/static/steelyard.css";
            @if !live { link rel="stylesheet" href="/static/people.css"; }
            script defer src="/static/steelyard.js" {}
            script defer src="/static/people.js" {}
            @if live {
                noscript { meta http-equiv="refresh" content="10"; link rel="stylesheet" href="/static/still.css"; }
            }
        }
    }
}

fn title_of(page: &Page, screen: &str) -> String {
    let key = if use_word(page).is_some() {
        Say::TitleOfUse
    } else {
        Say::TitleOf
    };
    let used = use_word(page).unwrap_or_default();
    page.tell(
        key,
        &[
            ("use", used.into()),
            ("screen", screen.into()),
            ("gateway", page.board.gateway.as_str().into()),
        ],
    )
}

fn lost(page: &Page) -> Markup {
    html! {
        div class="lost" role="alert" {
            (icon(marks::UNLINK))
            div { (page.say(Say::LiveLost)) span { " " (page.say(Say::LiveLostMeans)) } }
            button class="btn" data-reload { (page.say(Say::Reload)) }
        }
    }
}

fn bar(page: &Page, here: Option<&Screen>) -> Markup {
    let board = page.board;
    let mut tabs: Vec<_> = screens::ALL.iter().collect();
    tabs.sort_by_key(|screen| screen.order);
    html! {
        header class="bar" {
            a class="brand" href="/" { (icon(marks::SCALE)) (page.say(Say::Steelyard)) }
            span class="where" {
                (board.gateway)
                @if !board.plant.is_empty() { " · " (board.plant) }
            }
            nav class="nav" aria-label=(page.say(Say::Main)) {
                @for screen in tabs {
                    @let current = here.is_some_and(|here| here.name == screen.name);
                    a href=(screen.path) aria-current=[current.then_some("page")] { (page.say(screen.tab)) }
                }
            }
            div class="end" {
                noscript { (page.say(Say::WithoutScript)) }
                a class="icbtn code" href={ "/language?to=" (here.map_or("/", |here| here.path)) } aria-label=(page.say(Say::LanguageOfScreens)) { (page.tongue.code) }
                button class="icbtn" data-theme-toggle aria-label=(page.say(Say::LightOrDark)) { (icon(marks::SUN)) }
                (user(page, here))
                @if here.is_some() { span class="clock num" { (page.live("now", &page.clock())) } }
            }
        }
    }
}

/// Who is signed in, or where to sign in.
fn user(page: &Page, here: Option<&Screen>) -> Markup {
    html! {
        @if page.bare {
            // the same shape whoever looks
        } @else if let Some(session) = &page.session {
            form class="user" method="post" action="/sign-out" {
                input type="hidden" name="form" value=(session.form());
                span { (session.person.name) }
                button class="btn quiet" { (page.say(Say::SignOut)) }
            }
        } @else if page.locks_after.is_some() {
            a class="btn quiet" href={ "/sign-in?to=" (here.map_or("/", |here| here.path)) } { (page.say(Say::SignIn)) }
        }
    }
}

/// A page with nothing around it: signing in, a password, a code.
pub(crate) fn alone(page: &Page, title: Say, inside: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(page.tongue.code) data-software=(env!("CARGO_PKG_VERSION")) {
            (head(page, title, false))
            body {
                (usage(page))
                main class="center" id="main" { (inside) }
            }
        }
    }
}

/// A dialog over a page that cannot be used meanwhile.
pub(crate) fn under_dialog(page: &Page, title: Say, dialog: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang=(page.tongue.code) data-software=(env!("CARGO_PKG_VERSION"))
            data-locks-after=[page.session.as_ref().and(page.locks_after)]
            data-form=[page.session.as_ref().map(Session::form)] {
            (head(page, title, false))
            body {
                div class="behind" inert { (bar(page, None)) (usage(page)) main id="main" {} }
                div class="veil" { (dialog) }
            }
        }
    }
}

/// Anything but production is said on every page, in words, across its whole width.
fn usage(page: &Page) -> Markup {
    html! {
        @if let Some(word) = use_word(page) {
            div class="use" role="note" { span { b { (word) } " – " (page.say(Say::DemoMeans)) } }
        }
    }
}

/// The word for a use other than production; an unknown one is shown as it is written.
pub(crate) fn use_word(page: &Page) -> Option<String> {
    Some(match page.board.usage.as_str() {
        "production" => return None,
        "demo" => page.say(Say::Demo),
        "training" => page.say(Say::Training),
        "qualification" => page.say(Say::Qualification),
        other => other.to_owned(),
    })
}
