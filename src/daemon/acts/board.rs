//! What the line shows at this moment, as JSON: for `steelyard watch`. The same facts as the screens have.

use super::{Act, Asked, Carry, Core};
use crate::flow::board::{PointState, UnitState};
use record::Trouble;
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "board",
    carry: Carry::Look(look),
};

/// The whole line.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct BoardFacts {
    pub(crate) gateway: String,
    pub(crate) plant: String,
    pub(crate) usage: String,
    pub(crate) zone: String,
    /// By the gateway's clock, in milliseconds; renewed at least twice a second while it works.
    pub(crate) now: i64,
    pub(crate) captured: u64,
    pub(crate) receipted: u64,
    pub(crate) capturing: bool,
    pub(crate) stopped_because: String,
    pub(crate) broker_connected: bool,
    pub(crate) calls: Vec<String>,
    pub(crate) units: Vec<UnitFacts>,
}

/// One unit.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct UnitFacts {
    pub(crate) name: String,
    /// `idle`, `running`, `held`, `context lost`.
    pub(crate) state: String,
    pub(crate) batch: Option<String>,
    pub(crate) step: Option<String>,
    pub(crate) run: u32,
    pub(crate) points: Vec<PointFacts>,
}

/// One point of one unit.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct PointFacts {
    pub(crate) point: String,
    pub(crate) role: String,
    pub(crate) value: String,
    pub(crate) unit: String,
    pub(crate) quality: String,
    pub(crate) verdict: String,
    pub(crate) because: String,
    /// When the value was true, in milliseconds.
    pub(crate) time: Option<i64>,
    /// Whether limits are in force.
    pub(crate) limits: bool,
    /// The last values; a hole where there was none.
    pub(crate) trend: Vec<Option<f64>>,
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "every act may be refused; this one never is"
)]
fn look(core: &Core, _: &Asked) -> Result<String, Trouble> {
    let board = core.board.borrow().clone();
    let unit = |unit: &crate::flow::board::UnitView| UnitFacts {
        name: unit.name.clone(),
        state: match unit.state {
            UnitState::Idle => "idle",
            UnitState::Running => "running",
            UnitState::Held => "held",
            UnitState::ContextLost => "context lost",
        }
        .to_owned(),
        batch: unit.batch.clone(),
        step: unit.step.clone(),
        run: unit.run,
        points: unit
            .points
            .iter()
            .map(|point| {
                let (quality, verdict) = words(point.state, point.limits.is_some());
                PointFacts {
                    point: point.point.clone(),
                    role: point.role.clone(),
                    value: point.value.clone(),
                    unit: point.unit.clone(),
                    quality: quality.to_owned(),
                    verdict: verdict.to_owned(),
                    because: point.because.clone(),
                    time: point.time.map(|time| time.0),
                    limits: point.limits.is_some(),
                    trend: point
                        .trend
                        .iter()
                        .map(|value| value.is_finite().then_some(*value))
                        .collect(),
                }
            })
            .collect(),
    };
    let facts = BoardFacts {
        gateway: board.gateway.clone(),
        plant: board.plant.clone(),
        usage: board.usage.clone(),
        zone: board.zone.clone(),
        now: board.now.0,
        captured: board.record.captured,
        receipted: board.record.receipted,
        capturing: board.record.capturing,
        stopped_because: board.record.stopped_because.clone(),
        broker_connected: board.record.broker_connected,
        calls: board.calls.iter().map(|call| call.what.clone()).collect(),
        units: board.units.iter().map(unit).collect(),
    };
    Ok(serde_json::to_string(&facts).unwrap_or_default())
}

/// Quality and verdict of a state, in the words of the record.
fn words(state: PointState, limits: bool) -> (&'static str, &'static str) {
    match state {
        PointState::Normal if limits => ("good", "within"),
        PointState::Normal => ("good", "no limits"),
        PointState::NearLimit => ("good", "near limit"),
        PointState::OutOfLimits => ("good", "out"),
        PointState::Doubtful => ("uncertain", "not judged"),
        PointState::Bad => ("bad", "not judged"),
        PointState::Silent => ("silent", "not judged"),
        PointState::Stale => ("stale", "not judged"),
        PointState::WaitingForPrint => ("for print", "not judged"),
        PointState::OutOfService => ("out of service", "not judged"),
        PointState::Waiting => ("waiting", "not judged"),
    }
}
