//! Floor 6: the screens. Server-rendered pages, kept live by one event stream each.
//!
//! Reads the [`Board`](crate::flow::board::Board) and nothing else; has no clock and opens no socket: the
//! caller binds one (`ports::listen`) and hands it in. What it changes it asks the
//! gateway's core to do, with the rights of who asks; screens change nothing until signing in is built.
//!
//! A screen is one file in `screens/` with a `SCREEN` constant, found by listing. Every word is in `words`.

mod assets;
mod calls;
mod chart;
mod context;
mod facts;
mod figures;
mod guard;
mod language;
mod live;
mod marks;
mod master;
mod page;
mod strip;
mod words;

mod screens {
    pub(crate) use super::Screen;
    include!(concat!(env!("OUT_DIR"), "/screens.rs"));
}

use crate::{daemon::acts::Control, flow::board::Watch};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, StatusCode, header},
    middleware,
    response::{Html, IntoResponse, Response},
    routing::{get, put},
    serve::Listener,
};
use maud::Markup;
use page::Page;
use std::{fmt, io, sync::Arc};
use tokio::sync::{Semaphore, mpsc};
use words::{ENGLISH, Say, Tongue};

/// One screen: where it is found, what it is called, and what stands between bar and strip.
pub(crate) struct Screen {
    /// In addresses of its stream and part.
    pub(crate) name: &'static str,
    pub(crate) path: &'static str,
    /// Its place among the tabs.
    pub(crate) order: u32,
    pub(crate) tab: Say,
    pub(crate) title: Say,
    pub(crate) main: fn(&Page) -> Markup,
}

/// More live pages than any line has panels; beyond it a page says "live view lost" and tries again.
const STREAMS: usize = 64;

/// The way to the gateway's core.
type Core = mpsc::Sender<Control>;

#[derive(Clone)]
struct Web {
    board: Watch,
    /// Without it these are screens to look at, and nothing else.
    core: Option<Core>,
    seats: Arc<Semaphore>,
}

/// Serves the screens until dropped.
pub async fn serve<L>(listener: L, board: Watch) -> io::Result<()>
where
    L: Listener,
    L::Addr: fmt::Debug,
{
    axum::serve(listener, router(board, None)).await
}

/// Serves the screens, and takes what is told to the gateway by the same port, until dropped.
pub async fn serve_with<L>(listener: L, board: Watch, core: Core) -> io::Result<()>
where
    L: Listener,
    L::Addr: fmt::Debug,
{
    axum::serve(listener, router(board, Some(core))).await
}

fn router(board: Watch, core: Option<Core>) -> Router {
    let mut router = Router::new();
    for screen in screens::ALL {
        router = router.route(
            screen.path,
            get(async move |State(web): State<Web>, headers: HeaderMap| {
                web.page(&headers, |page| page::whole(page, screen))
            }),
        );
    }
    router
        .route("/part/{screen}", get(part))
        .route(
            "/live",
            get(async |web: State<Web>, headers: HeaderMap| {
                stream(web, Path("line".to_owned()), headers).await
            }),
        )
        .route("/live/{screen}", get(stream))
        .route("/language", get(language::choose))
        .route("/state.json", get(state))
        .route(
            "/context/{unit}",
            put(context::put).layer(DefaultBodyLimit::max(context::LONGEST)),
        )
        .route(
            "/master/{kind}",
            put(master::put).layer(DefaultBodyLimit::max(master::LONGEST)),
        )
        .route("/static/{file}", get(file))
        .fallback(nowhere)
        .layer(middleware::from_fn(guard::stand))
        .with_state(Web {
            board,
            core,
            seats: Arc::new(Semaphore::new(STREAMS)),
        })
}

impl Web {
    fn page(&self, headers: &HeaderMap, write: impl FnOnce(&Page) -> Markup) -> Response {
        let board = self.board.borrow().clone();
        Html(write(&Page::of(&board, Tongue::asked(headers))).into_string()).into_response()
    }
}

async fn part(State(web): State<Web>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    match screen(&name) {
        Some(screen) => web.page(&headers, |page| page::part(page, screen)),
        None => missing(&web, &headers),
    }
}

async fn stream(State(web): State<Web>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(screen) = screen(&name) else {
        return missing(&web, &headers);
    };
    match Arc::clone(&web.seats).try_acquire_owned() {
        Ok(seat) => live::answer(web.board, screen, Tongue::asked(&headers), seat),
        Err(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many live views are open on this gateway.\n",
        )
            .into_response(),
    }
}

async fn state(State(web): State<Web>) -> Response {
    let board = web.board.borrow().clone();
    (
        [(header::CONTENT_TYPE, "application/json")],
        facts::all(&Page::of(&board, &ENGLISH)).to_string(),
    )
        .into_response()
}

async fn file(State(web): State<Web>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    assets::answer(&name, &headers).unwrap_or_else(|| missing(&web, &headers))
}

async fn nowhere(State(web): State<Web>, headers: HeaderMap) -> Response {
    missing(&web, &headers)
}

fn missing(web: &Web, headers: &HeaderMap) -> Response {
    (StatusCode::NOT_FOUND, web.page(headers, page::not_found)).into_response()
}

fn screen(name: &str) -> Option<&'static Screen> {
    screens::ALL.iter().find(|screen| screen.name == name)
}
