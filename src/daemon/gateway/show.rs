//! What the gateway shows: the board for the screens, the retained word on the status topic.

use super::{Core, ToDelivery};
use crate::flow::{
    access::Access,
    board::{Board, Pulse, RecordView},
    needs::Message,
    pulse::Standing,
    signal::is_silent,
};
use record::Stamp;
use std::{sync::Arc, time::Duration};

impl Core {
    pub(in crate::daemon) fn record_view(&self) -> RecordView {
        let view = self.view.borrow();
        let (sync, error) = self.clock.sync();
        RecordView {
            captured: self.state.captured.saturating_sub(self.state.never_given),
            sealed: self.state.captured.saturating_sub(self.state.never_given),
            delivered: view.counts.delivered,
            receipted: view.counts.receipted,
            last_sealed: self.state.last_sealed,
            oldest_pending: view.oldest.map(|place| place.sealed),
            set_aside: view.counts.set_aside_pages,
            broker_connected: view.connected,
            broker_lost_since: self.state.broker_lost_since,
            clock: sync.word().to_owned(),
            clock_error_ms: error,
            hours_left: self.hours_left(),
            capturing: self.state.stopped_since.is_none(),
            stopped_because: self.state.stopped_because.clone(),
            last_page: self.state.last_page,
            epoch: self.state.epoch,
            room: self.state.room.word(),
            books: self.books_shown(),
            proof: self.proof.borrow().clone(),
        }
    }

    /// Tells the screens who may do what, when that has changed.
    pub(in crate::daemon) fn show_access(&mut self) {
        let now = (self.people.version(), self.panels.version());
        if self.state.access_shown != now {
            self.state.access_shown = now;
            self.access.send_replace(Arc::new(Access {
                people: self.people.clone(),
                panels: self.panels.clone(),
            }));
        }
    }

    pub(in crate::daemon) fn show(&mut self, now: Stamp) {
        self.show_access();
        let (units, mut calls) = self.line.view(now);
        calls.extend(self.state.calls.iter().cloned());
        calls.sort_by(|a, b| a.urgency.cmp(&b.urgency).then(a.since.cmp(&b.since)));
        let seconds = Duration::from_secs(self.clock.elapsed().as_secs());
        let recent = self
            .state
            .readings
            .iter()
            .filter(|(at, _)| *at < seconds && *at + Duration::from_secs(10) >= seconds);
        let (count, span) = recent.fold((0, 0), |(count, span), (_, more)| (count + more, span + 1));
        let board = Board {
            gateway: self.plant.gateway.name.clone(),
            plant: self.plant.gateway.plant.clone(),
            usage: self.plant.gateway.usage.word().to_owned(),
            units,
            calls,
            record: self.record_view(),
            now,
            zone: self.plant.gateway.zone.clone(),
            readings_per_second: count as f64 / f64::from(span.max(1)),
            pulse: self.pulse(),
        };
        self.board.send_replace(Arc::new(board));
    }

    fn pulse(&mut self) -> Pulse {
        self.state.heart.look(Standing {
            at: self.clock.elapsed(),
            entered: self.recorder.next() - 1,
            captured: self.state.captured,
            capturing: self.state.stopped_since.is_none(),
            seal_within: self.plant.gateway.seal_within,
        })
    }

    /// The retained word on `…/status`.
    pub(in crate::daemon) fn status(&mut self, now: Stamp) {
        let record = self.record_view();
        let pulse = self.pulse();
        let board = self.board.borrow();
        let units: serde_json::Map<String, serde_json::Value> = board
            .units
            .iter()
            .map(|unit| (unit.name.clone(), (pulse.recording && !is_silent(unit)).into()))
            .collect();
        drop(board);
        let status = serde_json::json!({
            "alive": true,
            "heartbeat": pulse.beats,
            "at": now.to_string(),
            "gateway": self.plant.gateway.name,
            "use": self.plant.gateway.usage.word(),
            "version": env!("CARGO_PKG_VERSION"),
            "recording": units,
            "epoch": record.epoch,
            "page": record.last_page,
            "captured": record.captured,
            "pending": record.captured.saturating_sub(record.receipted),
            "set_aside_pages": record.set_aside,
            "hours_left": record.hours_left,
            "new_batches": self.welcomes_batches(),
            "balanced": record.books.balanced,
            "checked_percent": record.proof.percent(),
            "damaged_segments": record.proof.damaged,
            "clock": record.clock,
            "clock_error_ms": record.clock_error_ms,
        });
        let message = Message {
            topic: format!("{}/status", self.topic),
            payload: status.to_string().into_bytes(),
            retain: true,
            ..Message::default()
        };
        // holds because status is said again every ten seconds
        let _ = self.delivery.send(ToDelivery::Say(message));
    }
}
