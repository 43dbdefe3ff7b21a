//! What a dispensing screen shows, as one plain value: words are keys of the vocabulary and numbers keep their digits,
//! so that a screen only has to translate and to place. Whoever draws it decides nothing.

use serde::Serialize;

/// Every station, by name. Renewed with each reading of a station's scales, and at least every 500 ms.
pub type Views = std::collections::BTreeMap<String, std::sync::Arc<StationView>>;

/// How a screen reads the stations.
pub type Watch = tokio::sync::watch::Receiver<std::sync::Arc<Views>>;

/// One station at one moment. Times are UTC milliseconds; quantities are digits as the display shows them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StationView {
    pub station: String,
    pub title: String,
    pub unit: String,
    /// `production`, `qualification`, `training` or `demo`.
    pub usage: String,
    pub now: i64,
    pub zone: String,
    /// Languages offered here, the first one by default.
    pub languages: Vec<String>,
    /// What is to be done now.
    pub step: Step,
    /// The word of the state vocabulary that holds now.
    pub state: Word,
    /// Which panel works here, and which person.
    pub pen: Option<String>,
    pub operator: Option<PersonView>,
    pub order: Option<OrderView>,
    /// Every line of the order.
    pub lines: Vec<LineView>,
    pub material: Option<MaterialView>,
    pub lot: Option<LotView>,
    pub container: Option<ContainerView>,
    pub target: Option<TargetView>,
    /// None: there is no weight to be shown, and `state` says why. An old number is never shown.
    pub weight: Option<WeightView>,
    pub bar: Option<BarView>,
    pub capture: CaptureView,
    /// The scale in use, and all of this station.
    pub scale: Option<ScaleView>,
    pub scales: Vec<ScaleView>,
    pub check: Option<CheckView>,
    /// What line clearance asks, while it does.
    pub clearance: Vec<String>,
    /// What this line has been made up of so far.
    pub parts: Vec<PartView>,
    /// A captured weight that waits for its second person, its reason or its label.
    pub pending: Option<PartView>,
    pub label: Option<LabelView>,
    pub record: RecordWord,
    /// The acts that are possible now.
    pub can: Vec<&'static str>,
    /// What was last refused here, until something else is done.
    pub refused: Option<RefusedView>,
}

/// What is to be done now, in the order of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Nobody has signed in.
    #[default]
    SignIn,
    Clearance,
    ScaleCheck,
    Order,
    Source,
    Container,
    Tare,
    Fill,
    /// Captured out of tolerance: a reason and an authorised person.
    Reason,
    Verify,
    Label,
    Remainder,
    Complete,
}

impl Step {
    pub fn word(self) -> &'static str {
        match self {
            Self::SignIn => "sign-in",
            Self::Clearance => "clearance",
            Self::ScaleCheck => "scale-check",
            Self::Order => "order",
            Self::Source => "source",
            Self::Container => "container",
            Self::Tare => "tare",
            Self::Fill => "fill",
            Self::Reason => "reason",
            Self::Verify => "verify",
            Self::Label => "label",
            Self::Remainder => "remainder",
            Self::Complete => "complete",
        }
    }
}

/// The vocabulary of states, as far as a station needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// Nothing calls for anybody.
    #[default]
    Ready,
    /// Below the window, and still far away.
    Under,
    /// Below the window by less than ten tolerances.
    Near,
    InTolerance,
    /// Above the window.
    TooMuch,
    Moving,
    NoAnswer,
    Stale,
    BadValue,
    Doubtful,
    WaitingForPrint,
    CheckOverdue,
    CheckFailed,
    CalibrationOver,
    NoLabel,
    WrongMaterial,
    LotNotAllowed,
    SamePerson,
    /// Jumped, tared or zeroed by somebody, or another unit: the sequence is void.
    Voided,
    LiveViewLost,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PersonView {
    pub id: String,
    pub name: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OrderView {
    pub order: String,
    pub product: String,
    pub batch: String,
    /// The line that is worked on, as people count: `2` of `6`.
    pub at: usize,
    pub of: usize,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LineView {
    pub line: String,
    pub title: String,
    pub target: String,
    /// `open`, `current`, `held`, `aborted`, `done`.
    pub state: &'static str,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct MaterialView {
    pub code: String,
    pub title: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LotView {
    pub lot: String,
    pub status: String,
    /// As master data write it: a day or a moment.
    pub expires: String,
    pub assay: String,
    pub container: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ContainerView {
    pub container: String,
    pub title: String,
    /// With unit; empty until it was tared.
    pub tare: String,
    /// `weighed`, `known` (flagged), `device`.
    pub how: &'static str,
    pub clean_until: String,
}

/// What is to be in the container. All amounts in `unit`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TargetView {
    pub unit: String,
    /// Of the whole line, adjusted; and before it was.
    pub target: String,
    pub nominal: String,
    /// `as-is`, `assay`, `assay-dried`.
    pub formula: String,
    /// As written: `± 0.5 %`.
    pub tolerance: String,
    /// What this container may weigh net, rounded inward to the scale's division.
    pub low: String,
    pub high: String,
    /// In the containers before this one, and what is left to go.
    pub sum: String,
    pub left: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct WeightView {
    /// Net, every digit of it; with `−` in front where it is below zero it is an ordinary hyphen here.
    pub text: String,
    pub unit: String,
    /// Names the reading in a capture.
    pub reading: u64,
    pub age_ms: i64,
    /// Stable, and held long enough.
    pub stable: bool,
    /// Stability was inferred, not said by the scale.
    pub inferred: bool,
    /// Deviation from the target of this container, signed, in `unit`; empty without a target.
    pub delta: String,
    /// By how much it is outside the window, without sign; empty inside.
    pub outside: String,
    pub gross: String,
    pub tare: String,
    /// Who computes net: `device` or `station`.
    pub computed_by: &'static str,
}

/// Where things stand on the bar, in ten-thousandths of its width.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BarView {
    pub zoomed: bool,
    pub at: i32,
    pub slot_from: i32,
    pub slot_to: i32,
    pub target: i32,
    /// Place and amount of each mark; in deviations from the target where zoomed.
    pub marks: Vec<(i32, String)>,
    pub unit: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CaptureView {
    pub open: bool,
    /// The reading a capture has to name.
    pub reading: Option<u64>,
    /// Why it is closed.
    pub closed: Option<Closed>,
}

/// Why Capture is closed, with what the sentence needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum Closed {
    NotSignedIn,
    OtherPanel { panel: String },
    FirstClear,
    FirstCheck,
    FirstOrder,
    FirstLot,
    FirstContainer,
    FirstTare,
    OpensBetween { low: String, high: String, unit: String },
    TooMuch { by: String, unit: String },
    WaitsForStill,
    NeedsLiveScale,
    NeedsPrint,
    BadValue { because: String },
    BelowMinimum { least: String, unit: String },
    OutOfRange { most: String, unit: String },
    CheckOverdue,
    CheckFailed,
    CalibrationOver,
    WrongUnit { unit: String, wanted: String },
    Voided { because: String },
    CaptureStopped,
    WaitsForVerify,
    WaitsForReason,
    WaitsForLabel,
    NothingToWeigh,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ScaleView {
    pub scale: String,
    pub title: String,
    /// `ready`, or why it is not offered: `no-window`, `too-small`, `too-large`, `check-overdue`, `check-failed`,
    /// `calibration-over`, `no-answer`, `in-use`.
    pub state: &'static str,
    pub least: String,
    pub most: String,
    pub unit: String,
    pub division: String,
    pub checked: Option<i64>,
    pub check_due: Option<i64>,
    pub last_heard: Option<i64>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CheckView {
    pub scale: String,
    /// `due`, `overdue`, `failed`, `running`, `passed`.
    pub state: &'static str,
    /// `zero`, or the weight that is to be put on.
    pub wants: String,
    pub nominal: String,
    pub low: String,
    pub high: String,
    pub unit: String,
    pub due: Option<i64>,
    /// Check weights that may be used.
    pub weights: Vec<String>,
    /// Weights since the last good check, by number of their entries, after it failed.
    pub doubtful: Vec<u64>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PartView {
    /// The entry of the capture.
    pub entry: u64,
    pub container: String,
    pub lot: String,
    pub net: String,
    pub gross: String,
    pub tare: String,
    pub unit: String,
    pub low: String,
    pub high: String,
    pub scale: String,
    pub by: String,
    pub at: i64,
    pub verdict: &'static str,
    /// `pending`, `accepted`, `kept`, `rejected`.
    pub state: &'static str,
    pub verified_by: String,
    /// `second_person` or `automated`.
    pub verification: &'static str,
    pub sealed: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct LabelView {
    /// `waiting`, `printing`, `printed`, `no-label`, `proven`.
    pub state: &'static str,
    pub number: u64,
    pub printed: Option<i64>,
    /// Why it could not be printed.
    pub because: String,
}

/// The record state in one word, of the last entry of this station.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordWord {
    #[default]
    AllSealed,
    Sealing,
    HeldHere,
    Stopped,
}

/// What was refused, in four parts, and its name and what it is about for a translation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RefusedView {
    pub name: String,
    /// What was found, and what is wanted: two materials, two lots, two units.
    pub found: String,
    pub wanted: String,
    pub what: String,
    pub record: String,
    pub action: String,
    pub at: i64,
}
