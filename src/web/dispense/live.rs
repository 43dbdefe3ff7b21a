//! The stream of a station's page. As quick as the scale: what changed goes out at once, at most twenty times a second,
//! and a page whose structure has changed hears so with the next heartbeat, which then doesn't wait for its second.

use super::{Seat, Show, Stand, frame};
use crate::{
    flow::{
        board::{self, Board},
        station::{StationView, view},
    },
    web::{
        live::{Pieces, event},
        page::{Live, Page},
        words::Tongue,
    },
};
use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use record::Stamp;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

/// No closer than this: nobody reads faster, and a scale of 100 frames a second shall not drown a panel.
const VALUES_MS: i64 = 50;
/// A heartbeat about each second: the page's own timer runs for 2.5 s.
const BEAT_MS: i64 = 900;
const WAITING: usize = 4;

/// What one page is drawn from.
pub(super) struct Feed {
    pub(super) board: board::Watch,
    pub(super) stations: view::Watch,
    pub(super) station: String,
    pub(super) seat: Seat,
    pub(super) show: Show,
    pub(super) tongue: &'static Tongue,
}

/// Opens a stream for one page.
pub(super) fn answer(feed: Feed, permit: OwnedSemaphorePermit) -> Response {
    let (into, from) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        run(feed, into).await;
        drop(permit);
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

async fn run(mut feed: Feed, into: mpsc::Sender<Bytes>) {
    let mut sent = Sent::default();
    loop {
        let board = feed.board.borrow_and_update().clone();
        let views = feed.stations.borrow_and_update().clone();
        let Some(view) = views.get(&feed.station) else {
            return;
        };
        let (shape, live) = pulse(&board, view, &feed.seat, feed.show, feed.tongue);
        let text = sent.next(Stamp(view.now), shape, live, &board);
        if !text.is_empty() && into.send(text.into()).await.is_err() {
            return;
        }
        // The station is renewed with every reading and every 500 ms; a core that hangs ends the heartbeat with it.
        tokio::select! {
            () = into.closed() => return,
            changed = feed.stations.changed() => if changed.is_err() { return },
        }
    }
}

/// The shape of the page as it would be drawn now, and all that changes within it.
pub(super) fn pulse(
    board: &Board,
    view: &StationView,
    seat: &Seat,
    show: Show,
    tongue: &'static Tongue,
) -> (String, Live) {
    let stand = Stand {
        page: Page::bare(board, tongue),
        view,
        seat,
        show,
    };
    let shape = frame::shape_of(&stand);
    (shape, stand.page.noted())
}

/// What one page has been sent so far.
#[derive(Default)]
struct Sent {
    values: Live,
    values_at: Option<Stamp>,
    beat_at: Option<Stamp>,
    shape: String,
}

impl Sent {
    fn next(&mut self, now: Stamp, shape: String, values: Live, board: &Board) -> String {
        let due = |last: Option<Stamp>, ms| last.is_none_or(|last| now.ms_since(last).abs() >= ms);
        let turned = self.shape != shape;
        if !turned && !due(self.values_at, VALUES_MS) {
            return String::new();
        }
        let mut out = String::new();
        if self.values_at.is_none() {
            out.push_str("retry: 1000\n\n");
        }
        // What stands on a page of another shape comes with its part.
        for (id, value) in &values {
            if self.values.get(id) != Some(value) {
                event(&mut out, "v", value);
            }
        }
        self.values = values;
        self.values_at = Some(now);
        // Only a core that goes on renews `now`: without that there is no heartbeat, whatever else has changed.
        if turned || due(self.beat_at, BEAT_MS) {
            self.beat_at = Some(now);
            let beat = json!({
                "time": now.to_string(), "captured": board.record.captured, "page": board.record.last_page,
                "shape": shape, "software": env!("CARGO_PKG_VERSION"),
            });
            event(&mut out, "beat", &beat);
        }
        self.shape = shape;
        out
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::{
        flow::station::view::{CaptureView, Step, TargetView, WeightView, Word},
        web::words::ENGLISH,
    };

    fn filling(ms: i64, text: &str) -> StationView {
        StationView {
            station: "D1".into(),
            now: ms,
            step: Step::Fill,
            state: Word::Under,
            pen: Some("P1".into()),
            target: Some(TargetView {
                unit: "kg".into(),
                target: "3.600".into(),
                ..TargetView::default()
            }),
            weight: Some(WeightView {
                text: text.into(),
                unit: "kg".into(),
                reading: 7,
                delta: "-0.730".into(),
                outside: "0.712".into(),
                ..WeightView::default()
            }),
            can: vec!["capture", "zero", "tare"],
            ..StationView::default()
        }
    }

    fn seat() -> Seat {
        Seat {
            panel: Some("P1".into()),
            signed_in: true,
            ..Seat::default()
        }
    }

    fn told(sent: &mut Sent, view: &StationView) -> String {
        let board = Board::default();
        let (shape, live) = pulse(&board, view, &seat(), Show::Step, &ENGLISH);
        sent.next(Stamp(view.now), shape, live, &board)
    }

    #[test]
    fn a_weight_goes_out_at_once_and_a_heartbeat_once_a_second() {
        let mut sent = Sent::default();
        let first = told(&mut sent, &filling(0, "2.870"));
        assert!(
            first.contains("\"text\":\"2.870\"") && first.contains("event: beat"),
            "{first}"
        );
        assert_eq!(
            told(&mut sent, &filling(20, "2.871")),
            "",
            "faster than anybody reads"
        );
        let next = told(&mut sent, &filling(60, "2.872"));
        assert!(
            next.contains("\"text\":\"2.872\"") && !next.contains("event: beat"),
            "{next}"
        );
        assert!(told(&mut sent, &filling(960, "2.872")).contains("event: beat"));
    }

    #[test]
    fn from_filling_to_ready_the_page_keeps_its_shape_and_capture_opens_under_the_finger() {
        let mut ready = filling(100, "3.604");
        ready.state = Word::InTolerance;
        ready.capture = CaptureView {
            open: true,
            reading: Some(8),
            closed: None,
        };
        let weight = ready.weight.as_mut().unwrap();
        (weight.stable, weight.delta, weight.outside) = (true, "0.004".into(), String::new());
        let board = Board::default();
        let of = |view: &StationView| pulse(&board, view, &seat(), Show::Step, &ENGLISH);
        let (before, after) = (of(&filling(0, "2.870")), of(&ready));
        assert_eq!(before.0, after.0);
        assert_eq!(after.1["capture@class"]["set"]["class"], "kcap weigh armed");
        assert_eq!(after.1["reading@value"]["set"]["value"], "8");
    }

    #[test]
    fn no_weight_is_another_page_and_its_heartbeat_does_not_wait() {
        let mut sent = Sent::default();
        told(&mut sent, &filling(0, "2.870"));
        let mut silent = filling(10, "2.870");
        silent.weight = None;
        silent.state = Word::NoAnswer;
        let next = told(&mut sent, &silent);
        assert!(next.contains("event: beat") && !next.contains("2.870"), "{next}");
    }

    #[test]
    fn another_panel_and_a_plain_browser_find_capture_closed() {
        let mut ready = filling(0, "3.604");
        ready.capture.open = true;
        for other in [Some("P2".to_owned()), None] {
            let seat = Seat {
                panel: other,
                signed_in: true,
                ..Seat::default()
            };
            let (_, live) = pulse(&Board::default(), &ready, &seat, Show::Step, &ENGLISH);
            assert_eq!(live["capture@aria-disabled"]["set"]["aria-disabled"], "true");
        }
    }
}
