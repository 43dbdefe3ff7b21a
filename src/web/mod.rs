//! Floor 6: the screens. Server-rendered pages, kept live by one event stream each.
//!
//! Reads the [`Board`](crate::flow::board::Board) and nothing else; has no clock and opens no socket: the
//! caller binds one (`ports::listen`) and hands it in. What it changes it asks the
//! gateway's core to do, with the rights of who asks; screens change nothing until signing in is built.
//!
//! A screen is one file in `screens/` with a `SCREEN` constant, found by listing. Every word is in `words`.

mod access;
mod assets;
mod calls;
mod chart;
mod context;
mod dispense;
mod facts;
mod figures;
mod guard;
mod language;
mod live;
mod marks;
mod master;
mod page;
mod people;
mod scanner;
mod strip;
mod words;

mod screens {
    pub(crate) use super::Screen;
    include!(concat!(env!("OUT_DIR"), "/screens.rs"));
}

mod routes {
    pub(crate) use super::access::Routes;
    include!(concat!(env!("OUT_DIR"), "/routes.rs"));
}

pub use access::{Gate, Who};

use crate::{
    daemon::acts::{self, Asked},
    flow::{board::Watch, station::view},
    ports::listen::Listening,
};
use access::{Doors, Row, Session, Visitor};
use axum::{
    Router,
    extract::{DefaultBodyLimit, Path, State, connect_info::Connected},
    http::{HeaderMap, StatusCode, header},
    middleware,
    response::{Html, IntoResponse, Response},
    routing::{MethodRouter, get},
    serve::IncomingStream,
};
use maud::Markup;
use page::Page;
use record::Trouble;
use std::{io, net::SocketAddr, sync::Arc};
use tokio::sync::Semaphore;
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

#[derive(Clone)]
pub(crate) struct Web {
    board: Watch,
    /// Without it these are screens to look at, and nothing else.
    doors: Option<Arc<Doors>>,
    stations: Option<view::Watch>,
    /// As which panel every browser looks; only where there is no gateway behind.
    looks_as: Option<String>,
    seats: Arc<Semaphore>,
}

/// The address somebody asks from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(SocketAddr);

impl Connected<IncomingStream<'_, Listening>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Listening>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// Serves the screens until dropped.
pub async fn serve(listener: Listening, board: Watch) -> io::Result<()> {
    let router = router(board, None, None, None).into_make_service_with_connect_info::<Peer>();
    axum::serve(listener, router).await
}

/// Serves the screens to those who may, and takes what is told to the gateway by the same port, until dropped.
pub async fn serve_with(
    listener: Listening,
    board: Watch,
    stations: view::Watch,
    gate: Gate,
) -> io::Result<()> {
    let router =
        router(board, Some(gate), Some(stations), None).into_make_service_with_connect_info::<Peer>();
    axum::serve(listener, router).await
}

/// Serves stations to be looked at as from that panel, with no gateway behind: nothing can be done there.
pub async fn serve_stations(
    listener: Listening,
    board: Watch,
    stations: view::Watch,
    panel: Option<String>,
) -> io::Result<()> {
    let router = router(board, None, Some(stations), panel).into_make_service_with_connect_info::<Peer>();
    axum::serve(listener, router).await
}

/// Every way in, and who may use it. What is not among these is nowhere.
pub fn routes() -> Vec<(&'static str, &'static str, Who)> {
    let screens = screens::ALL.iter().map(row_of);
    let others = routes::ALL
        .iter()
        .flat_map(|routes| routes.0)
        .map(|route| route.row);
    screens
        .chain(others)
        .map(|row| (row.method, row.path, row.who))
        .collect()
}

fn row_of(screen: &Screen) -> Row {
    Row::new("GET", screen.path, Who::Look)
}

fn router(
    board: Watch,
    gate: Option<Gate>,
    stations: Option<view::Watch>,
    looks_as: Option<String>,
) -> Router {
    // On this machine alone, the name a browser asked for tells a page that only pretends to come from here.
    let names = gate.as_ref().is_none_or(|gate| gate.fingerprint.is_none());
    let web = Web {
        board,
        doors: gate.map(|gate| Arc::new(Doors::new(gate))),
        stations,
        looks_as,
        seats: Arc::new(Semaphore::new(STREAMS)),
    };
    let mut router = Router::new();
    for screen in screens::ALL {
        let page = async move |State(web): State<Web>, visitor: Visitor, headers: HeaderMap| {
            web.page_for(&headers, visitor.session, |page| page::whole(page, screen))
        };
        router = router.route(screen.path, guarded(&web, row_of(screen), get(page)));
    }
    for route in routes::ALL.iter().flat_map(|routes| routes.0) {
        router = router.route(route.row.path, guarded(&web, route.row, (route.answer)()));
    }
    router
        .fallback(nowhere)
        .layer(middleware::from_fn(move |request, next| {
            guard::stand(names, request, next)
        }))
        .with_state(web)
}

fn guarded(web: &Web, row: Row, answer: MethodRouter<Web>) -> MethodRouter<Web> {
    let web = web.clone();
    answer
        .layer(DefaultBodyLimit::max(row.longest))
        .layer(middleware::from_fn(move |request, next| {
            access::guard(web.clone(), row, request, next)
        }))
}

impl Web {
    fn page(&self, headers: &HeaderMap, write: impl FnOnce(&Page) -> Markup) -> Response {
        self.page_for(headers, None, write)
    }

    /// A page as this person sees it.
    fn page_for(
        &self,
        headers: &HeaderMap,
        session: Option<Session>,
        write: impl FnOnce(&Page) -> Markup,
    ) -> Response {
        let board = self.board.borrow().clone();
        let page = Page::of(&board, Tongue::asked(headers)).seen_by(session, self.doors.as_deref());
        Html(write(&page).into_string()).into_response()
    }

    /// What connects these screens with a gateway.
    fn doors(&self) -> Result<&Arc<Doors>, Trouble> {
        self.doors.as_ref().ok_or_else(|| {
            Trouble::new("ended", "no gateway is behind these screens")
                .means("nothing was done")
                .so("open the screens of the gateway itself")
        })
    }

    /// Has something done, when there is a gateway behind.
    async fn act(&self, asked: Asked) -> Result<String, Trouble> {
        acts::act(asked, &self.doors()?.core).await
    }
}

async fn part(State(web): State<Web>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    match screen(&name) {
        Some(screen) => web.page(&headers, |page| page::part(page, screen)),
        None => missing(&web, &headers),
    }
}

/// The stream of the line, which had no name at first.
async fn line(web: State<Web>, headers: HeaderMap) -> Response {
    stream(web, Path("line".to_owned()), headers).await
}

async fn stream(State(web): State<Web>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(screen) = screen(&name) else {
        return missing(&web, &headers);
    };
    match Arc::clone(&web.seats).try_acquire_owned() {
        Ok(seat) => live::answer(web.board, screen, Tongue::asked(&headers), seat),
        Err(_) => too_many(),
    }
}

fn too_many() -> Response {
    (
        StatusCode::SERVICE_UNAVAILABLE,
        "Too many live views are open on this gateway.\n",
    )
        .into_response()
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
