//! Who asks, and whether they may: the guard before every route, sessions of browsers, and what handlers ask of them.
//!
//! For those who write handlers:
//!
//! - a route is a row in a file of `src/web/routes/`: method, path, [`Who`] may, and the handler. There is no other way
//!   to add one, and a row says who may before any handler runs;
//! - [`Session`] is an extractor: `async fn act(State(web): State<Web>, session: Session, …)`. With [`Who::Panel`] it
//!   is that of a signed-in person at an enrolled panel; `Option<Session>` where looking is enough;
//! - [`Session::signed_in`] and [`Session::require_panel`] refuse in four parts; [`Session::ask`] makes the request to
//!   the core in that person's name, from that panel;
//! - [`Web::second`] proves another person without ending the first one's session, [`Web::again`] the same person once
//!   more for a signature. Both give a [`Proven`](crate::flow::people::Proven), which only a proof can make.

mod answer;
mod cookie;
mod doors;
mod form;
mod guard;
mod session;

pub(crate) use answer::{redirect, refused, status};
pub(crate) use cookie::{PANEL, SESSION, set};
pub use doors::Gate;
pub(crate) use doors::{Doors, Visitor};
pub(crate) use form::Form;
pub(crate) use guard::guard;
pub(crate) use session::Session;

use super::Web;
use axum::routing::MethodRouter;

/// Who may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Everybody: the sign-in screen, its stylesheet.
    Anyone,
    /// Whoever signed in; everybody where the plant shows its screens without it (wall displays).
    Look,
    /// Whoever signed in and has one of these roles; any role where none is named.
    Person(&'static [&'static str]),
    /// The same, and only at an enrolled panel.
    Panel(&'static [&'static str]),
    /// This machine itself; from elsewhere whoever signed in as engineer or supervisor.
    Here,
    /// This machine itself, or whoever shows a token, which the act looks at.
    Token,
}

/// One way in: what is asked, who may, and the longest body in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) who: Who,
    pub(crate) longest: usize,
}

impl Row {
    pub(crate) const fn new(method: &'static str, path: &'static str, who: Who) -> Self {
        Self {
            method,
            path,
            who,
            longest: BODY,
        }
    }
}

/// A way in, and who answers there.
pub(crate) struct Route {
    pub(crate) row: Row,
    pub(crate) answer: fn() -> MethodRouter<Web>,
}

impl Route {
    pub(crate) const fn new(
        method: &'static str,
        path: &'static str,
        who: Who,
        answer: fn() -> MethodRouter<Web>,
    ) -> Self {
        Self {
            row: Row::new(method, path, who),
            answer,
        }
    }

    /// The same for bodies that are longer or shorter than others.
    pub(crate) const fn longest(mut self, longest: usize) -> Self {
        self.row.longest = longest;
        self
    }
}

/// The rows of one file.
pub(crate) struct Routes(pub(crate) &'static [Route]);

/// Bodies are forms and small requests.
pub(crate) const BODY: usize = 256 << 10;

/// What the screens show without signing in, who asks, and where they are.
pub(crate) const ENGINEERS: &[&str] = &["engineer", "supervisor"];
