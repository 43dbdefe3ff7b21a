//! What the screens show: the present state of units, points and the record, as plain values.
//!
//! The daemon keeps one [`Board`] and changes it as things happen; screens only read it. Every configured
//! point is always in exactly one visible state, with its reason in plain words.

use record::Stamp;
use std::{sync::Arc, time::Duration};

/// How a screen reads the board.
///
/// The daemon renews it at least every 500 ms, with a fresh `now`, also when nothing else has changed: that
/// renewal is the heartbeat of every live view. A daemon that stops renewing is a "live view lost" on
/// every screen within 3 s, which is what it should be.
pub type Watch = tokio::sync::watch::Receiver<Arc<Board>>;

/// The whole line at one moment.
#[derive(Debug, Clone, Default)]
pub struct Board {
    /// Gateway name and plant.
    pub gateway: String,
    pub plant: String,
    /// `production`, `qualification`, `training` or `demo`; anything but production is shown large.
    pub usage: String,
    /// Units in the order of the configuration.
    pub units: Vec<UnitView>,
    /// What calls for a person, most urgent first. The calls about the record itself (held here, no receipt,
    /// set aside, capture stopped, clock unsure, disk low) need not be among them: every screen makes those
    /// from `record`, so that they can't be forgotten; where the daemon knows the reason (`capture-stopped`,
    /// `refused-61`), its own call is shown instead.
    pub calls: Vec<Call>,
    /// Is my record safe?
    pub record: RecordView,
    /// When this was true.
    pub now: Stamp,
    /// Plant time zone (IANA name), for showing local times.
    pub zone: String,
    /// Readings per second over the last ten seconds, all points.
    pub readings_per_second: f64,
    /// The proof that capture is alive.
    pub pulse: Pulse,
}

/// Beats only while what is entered also becomes durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pulse {
    /// Grows twice a second.
    pub beats: u64,
    /// Entries become durable in their time.
    pub recording: bool,
    /// By the clock that never steps: when this was true.
    pub at: Duration,
}

/// One unit.
#[derive(Debug, Clone, Default)]
pub struct UnitView {
    pub name: String,
    pub title: String,
    pub state: UnitState,
    /// Batch, and step as people call it, with its run; `None` when no context is known.
    pub batch: Option<String>,
    pub step: Option<String>,
    pub run: u32,
    pub step_since: Option<Stamp>,
    /// Number of the last message of its authority that is entered; 0 before the first.
    pub context_number: u64,
    pub points: Vec<PointView>,
}

/// What a unit is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UnitState {
    #[default]
    Idle,
    Running,
    Held,
    /// The source of context is silent beyond its lease, or said nothing usable.
    ContextLost,
}

/// One point of one unit.
#[derive(Debug, Clone, Default)]
pub struct PointView {
    /// `TC-3105.temperature`.
    pub point: String,
    /// What the unit calls it: `product-temperature`.
    pub role: String,
    pub title: String,
    /// The digits as shown by the instrument; empty when there is no value.
    pub value: String,
    /// Display unit: `°C`.
    pub unit: String,
    pub state: PointState,
    /// Why, in words, when the state is not `Normal`: "silent", "sensor break", "72.4 °C, above 72.0 °C for 38 s".
    pub because: String,
    /// When the value was true.
    pub time: Option<Stamp>,
    /// Since when it has been in this state.
    pub since: Option<Stamp>,
    pub limits: Option<LimitsView>,
    /// The last values as numbers, oldest first, at most 120; a `NaN` is a hole.
    pub trend: Vec<f64>,
}

/// Exactly one of these, always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PointState {
    /// Nothing has been heard since the start.
    #[default]
    Waiting,
    /// As expected (in limits, or no limits in force).
    Normal,
    /// Inside the limits, outside the warning band.
    NearLimit,
    /// A limit is broken.
    OutOfLimits,
    /// There is a value, but nobody should judge by it.
    Doubtful,
    /// The instrument says there is no value.
    Bad,
    /// No answer.
    Silent,
    /// The answer is too old.
    Stale,
    /// An instrument that speaks only when its print key is pressed.
    WaitingForPrint,
    /// Declared out of service by a person.
    OutOfService,
}

/// Limits in force, as shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitsView {
    pub low: Option<String>,
    pub high: Option<String>,
    pub warn_low: Option<String>,
    pub warn_high: Option<String>,
}

/// One thing that calls for a person.
#[derive(Debug, Clone, Default)]
pub struct Call {
    /// Stable within its life, for acknowledging and for tests: `excursion-117`.
    pub id: String,
    pub urgency: Urgency,
    /// What happened.
    pub what: String,
    /// What it means for the record.
    pub record: String,
    /// What to do.
    pub action: String,
    pub since: Stamp,
}

/// How a call looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Urgency {
    /// Vermilion square: a limit broken, refused, changed.
    #[default]
    Act,
    /// Amber triangle: look.
    Look,
    /// Violet dashed ring: this value cannot be trusted.
    Doubt,
}

/// The state of the record: captured ▸ sealed ▸ delivered ▸ receipted.
#[derive(Debug, Clone, Default)]
pub struct RecordView {
    /// Entries in this ledger durable on this disk.
    pub captured: u64,
    /// Entries sealed (captured and sealed are one act; they differ only while a page is being made).
    pub sealed: u64,
    /// Entries the broker has taken.
    pub delivered: u64,
    /// Entries the record store has receipted.
    pub receipted: u64,
    /// When the last page was sealed.
    pub last_sealed: Option<Stamp>,
    /// The oldest entry without receipt.
    pub oldest_pending: Option<Stamp>,
    /// Pages the record store refused and that are set aside.
    pub set_aside: u64,
    /// Whether the broker is connected, and since when not.
    pub broker_connected: bool,
    pub broker_lost_since: Option<Stamp>,
    /// `synchronised`, `unsynchronised`, `unknown`, and the error bound.
    pub clock: String,
    pub clock_error_ms: u32,
    /// Room at the present rate, in hours; `None` until a rate is known.
    pub hours_left: Option<f64>,
    /// False when capture has stopped, with the reason.
    pub capturing: bool,
    pub stopped_because: String,
    pub last_page: u64,
    pub epoch: u64,
    /// `enough`, `low`, `short`, `none`; from `short` on no new batch is welcome.
    pub room: &'static str,
    /// Where everything that was read and entered is.
    pub books: super::books::Shown,
    /// How far the check of closed segments is.
    pub proof: super::proof::Progress,
}
