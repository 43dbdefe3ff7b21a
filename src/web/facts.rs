//! The facts of the screens as JSON, for scripts and monitoring: `GET /state.json`.
//!
//! Member names are stable: they are added to, never renamed. Plainly not the record.

use super::{calls, page::Page};
use crate::flow::board::{Call, LimitsView, PointState, PointView, RecordView, UnitState, UnitView, Urgency};
use serde_json::{Value, json};

/// Everything a page shows.
pub(crate) fn all(page: &Page) -> Value {
    let board = page.board;
    json!({
        "gateway": board.gateway,
        "plant": board.plant,
        "use": board.usage,
        "software": env!("CARGO_PKG_VERSION"),
        "time": board.now.to_string(),
        "zone": board.zone,
        "readings_per_second": board.readings_per_second,
        "calls": calls::all(page).iter().map(call).collect::<Vec<_>>(),
        "units": board.units.iter().map(unit).collect::<Vec<_>>(),
        "record": record(&board.record),
    })
}

fn call(call: &Call) -> Value {
    let urgency = match call.urgency {
        Urgency::Act => "act",
        Urgency::Look => "look",
        Urgency::Doubt => "doubt",
    };
    json!({
        "id": call.id, "urgency": urgency, "what": call.what, "record": call.record, "do": call.action,
        "since": call.since.to_string(),
    })
}

fn unit(unit: &UnitView) -> Value {
    let state = match unit.state {
        UnitState::Idle => "idle",
        UnitState::Running => "running",
        UnitState::Held => "held",
        UnitState::ContextLost => "context-lost",
    };
    json!({
        "unit": unit.name, "title": unit.title, "state": state, "batch": unit.batch, "step": unit.step, "run": unit.run,
        "step_since": unit.step_since.map(|since| since.to_string()),
        "points": unit.points.iter().map(point).collect::<Vec<_>>(),
    })
}

fn point(point: &PointView) -> Value {
    json!({
        "point": point.point, "role": point.role, "title": point.title,
        "value": (!point.value.is_empty()).then_some(&point.value),
        "unit": point.unit,
        "state": state(point.state),
        "because": point.because,
        "time": point.time.map(|time| time.to_string()),
        "since": point.since.map(|since| since.to_string()),
        "limits": point.limits.as_ref().map(limits),
    })
}

fn state(state: PointState) -> &'static str {
    match state {
        PointState::Waiting => "waiting",
        PointState::Normal => "normal",
        PointState::NearLimit => "near-limit",
        PointState::OutOfLimits => "out-of-limits",
        PointState::Doubtful => "doubtful",
        PointState::Bad => "bad",
        PointState::Silent => "silent",
        PointState::Stale => "stale",
        PointState::WaitingForPrint => "waiting-for-print",
        PointState::OutOfService => "out-of-service",
    }
}

fn limits(limits: &LimitsView) -> Value {
    json!({
        "low": limits.low, "high": limits.high, "warn_low": limits.warn_low, "warn_high": limits.warn_high,
    })
}

fn record(record: &RecordView) -> Value {
    let time = |stamp: Option<record::Stamp>| stamp.map(|stamp| stamp.to_string());
    json!({
        "captured": record.captured,
        "sealed": record.sealed,
        "delivered": record.delivered,
        "receipted": record.receipted,
        "set_aside": record.set_aside,
        "last_sealed": time(record.last_sealed),
        "oldest_pending": time(record.oldest_pending),
        "epoch": record.epoch,
        "last_page": record.last_page,
        "broker_connected": record.broker_connected,
        "broker_lost_since": time(record.broker_lost_since),
        "clock": record.clock,
        "clock_error_ms": record.clock_error_ms,
        "hours_left": record.hours_left,
        "capturing": record.capturing,
        "stopped_because": record.stopped_because,
        "room": record.room,
        "books": record.books,
        "checked_percent": record.proof.percent(),
        "damaged_segments": record.proof.damaged,
    })
}
