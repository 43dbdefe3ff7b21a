//! The live stream of one page: `v` for each value that changed, `beat` about once a second.
//!
//! It has no clock of its own. Board and beat carry the daemon's time, and nothing is sent unless the daemon has
//! renewed the board: a hanging daemon behind a healthy web server ends every page's "live" within 3 s.

use super::{Screen, page, words::Tongue};
use crate::flow::board::{Board, Watch};
use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use futures_core::Stream;
use record::Stamp;
use serde_json::{Value, json};
use std::{
    fmt::Write,
    pin::Pin,
    task::{Context, Poll},
};
use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// Values are sent no closer than this, so that a fast line doesn't drown a slow browser.
const VALUES_MS: i64 = 400;
/// A heartbeat about each second: the page's own timer runs for 2.5 s.
const BEAT_MS: i64 = 900;
/// What may wait for a slow browser; beyond that the feed waits, and then skips to the newest board.
const WAITING: usize = 4;

/// Opens a stream for one page.
pub(crate) fn answer(
    board: Watch,
    screen: &'static Screen,
    tongue: &'static Tongue,
    seat: OwnedSemaphorePermit,
) -> Response {
    let (into, from) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        feed(board, screen, tongue, into).await;
        drop(seat);
    });
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/event-stream"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, Body::from_stream(Pieces(from))).into_response()
}

/// Ends when the browser has gone or the daemon keeps no board any more.
async fn feed(mut board: Watch, screen: &'static Screen, tongue: &'static Tongue, into: mpsc::Sender<Bytes>) {
    let mut page = Sent::default();
    loop {
        let now = board.borrow_and_update().clone();
        let text = page.next(&now, screen, tongue);
        if !text.is_empty() && into.send(text.into()).await.is_err() {
            return;
        }
        tokio::select! {
            () = into.closed() => return,
            changed = board.changed() => if changed.is_err() { return },
        }
    }
}

/// What one page has been sent so far.
#[derive(Default)]
struct Sent {
    values: page::Live,
    values_at: Option<Stamp>,
    beat_at: Option<Stamp>,
}

impl Sent {
    /// What this board adds, as events; empty when it is too early for any.
    fn next(&mut self, board: &Board, screen: &Screen, tongue: &'static Tongue) -> String {
        // A clock that steps back is as good a reason to send as one that goes on.
        let due = |last: Option<Stamp>, ms| last.is_none_or(|last| board.now.ms_since(last).abs() >= ms);
        if !due(self.values_at, VALUES_MS) {
            return String::new();
        }
        let first = self.values_at.is_none();
        let (shape, values) = page::pulse(board, screen, tongue);
        let mut out = String::new();
        if first {
            out.push_str("retry: 1000\n\n");
        }
        for (id, value) in &values {
            if self.values.get(id) != Some(value) {
                event(&mut out, "v", value);
            }
        }
        self.values = values;
        self.values_at = Some(board.now);
        if due(self.beat_at, BEAT_MS) {
            self.beat_at = Some(board.now);
            event(
                &mut out,
                "beat",
                &json!({
                    "time": board.now.to_string(),
                    "captured": board.record.captured,
                    "page": board.record.last_page,
                    "shape": shape,
                    "software": env!("CARGO_PKG_VERSION"),
                }),
            );
        }
        out
    }
}

pub(crate) fn event(out: &mut String, name: &str, data: &Value) {
    let _ = write!(out, "event: {name}\ndata: {data}\n\n");
}

/// The channel as a body.
pub(crate) struct Pieces(pub(crate) mpsc::Receiver<Bytes>);

impl Stream for Pieces {
    type Item = Result<Bytes, std::convert::Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|piece| piece.map(Ok))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::{
        flow::board::{PointState, PointView, UnitView},
        web::{screens, words::ENGLISH},
    };

    fn board(ms: i64, value: &str) -> Board {
        let point = PointView {
            value: value.into(),
            state: PointState::Normal,
            unit: "°C".into(),
            ..PointView::default()
        };
        let unit = UnitView {
            name: "MX-3".into(),
            points: vec![point],
            ..UnitView::default()
        };
        Board {
            now: Stamp(ms),
            units: vec![unit],
            usage: "production".into(),
            ..Board::default()
        }
    }

    #[test]
    fn a_page_hears_everything_once_and_then_only_what_changed() {
        let (mut sent, screen) = (Sent::default(), &screens::ALL[0]);
        let first = sent.next(&board(0, "71.6"), screen, &ENGLISH);
        assert!(
            first.contains("\"text\":\"71.6\"") && first.contains("event: beat"),
            "{first}"
        );
        let second = sent.next(&board(1000, "71.7"), screen, &ENGLISH);
        assert!(
            second.contains("\"text\":\"71.7\"") && second.contains("event: beat"),
            "{second}"
        );
        assert!(!second.contains("\"id\":\"captured\""), "{second}");
    }

    #[test]
    fn a_daemon_that_does_not_renew_its_board_gets_no_heartbeat() {
        let (mut sent, screen) = (Sent::default(), &screens::ALL[0]);
        sent.next(&board(0, "71.6"), screen, &ENGLISH);
        for ms in [0, 100, 399] {
            assert_eq!(sent.next(&board(ms, "71.6"), screen, &ENGLISH), "");
        }
        assert!(!sent.next(&board(500, "71.6"), screen, &ENGLISH).contains("beat"));
        assert!(sent.next(&board(900, "71.6"), screen, &ENGLISH).contains("beat"));
    }

    #[test]
    fn a_clock_that_steps_back_does_not_silence_the_page() {
        let (mut sent, screen) = (Sent::default(), &screens::ALL[0]);
        sent.next(&board(3_600_000, "71.6"), screen, &ENGLISH);
        assert!(sent.next(&board(0, "71.6"), screen, &ENGLISH).contains("beat"));
    }

    #[test]
    fn a_value_leaves_the_shape_and_a_state_changes_it() {
        let screen = &screens::ALL[0];
        let shape = |board: &Board| page::pulse(board, screen, &ENGLISH).0;
        assert_eq!(shape(&board(0, "71.6")), shape(&board(9_000, "72.0")));
        let mut silent = board(0, "71.6");
        silent.units[0].points[0].state = PointState::Silent;
        assert_ne!(shape(&board(0, "71.6")), shape(&silent));
        assert_ne!(shape(&board(0, "71.6")), shape(&board(0, "")));
    }
}
