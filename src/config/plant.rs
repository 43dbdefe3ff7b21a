//! The plant as meant: resolved, typed, consistent. Made only by [`super::read`], from files that
//! raised no complaint, so whoever holds a [`Plant`] never has to check it again.

use super::{recipe::Recipe, server::OpcServer};
use driver::Complaint;
use record::{Quantity, Unit};
use std::{collections::BTreeMap, path::PathBuf, time::Duration};

/// Everything one gateway does.
#[derive(Debug, Clone)]
pub struct Plant {
    pub gateway: Gateway,
    pub record_store: RecordStore,
    /// By tag.
    pub equipment: BTreeMap<String, Equipment>,
    /// By name, in the order of the file.
    pub units: Vec<Unit0>,
    /// In the order of the file.
    pub captures: Vec<Capture>,
    pub master: Master,
    /// Dispensing stations, in the order of the file.
    pub stations: Vec<super::station::Station>,
    pub signing: Signing,
    /// The recipes in its directory, each in order for this plant.
    pub recipes: Vec<Recipe>,
    pub web: Web,
    pub signal: Option<Signal>,
    /// The files this plant was read from, with their bytes, in the order they are recorded:
    /// the configuration first, then each driver in use, then the recipes.
    pub files: Vec<SourceFile>,
    /// What a person should look at, though nothing is wrong enough to refuse.
    pub warnings: Vec<Complaint>,
}

/// A file the plant rests on, as it goes into the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// As the record names it: `steelyard.toml`, `drivers/mt-sics-balance.toml`, `recipes/hand-cream.toml`.
    pub name: String,
    pub text: String,
    /// Edition, for a driver.
    pub edition: Option<u32>,
}

/// What the ledger is for; fixed when the ledger is made, shown everywhere, never mixed at a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    Production,
    Qualification,
    Training,
    Demo,
}

impl Use {
    pub fn word(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Qualification => "qualification",
            Self::Training => "training",
            Self::Demo => "demo",
        }
    }
}

/// `[gateway]`.
#[derive(Debug, Clone)]
pub struct Gateway {
    /// `name = "line-3"`.
    pub name: String,
    /// `plant = "Essen"`.
    pub plant: String,
    /// `use = "production"` (default `production`).
    pub usage: Use,
    /// `zone = "Europe/Berlin"`, the plant's time zone.
    pub zone: String,
    /// `ledger = "/var/lib/steelyard/line-3.ledger"`: directory of segments.
    pub ledger: PathBuf,
    /// `signing_key = "/etc/steelyard/line-3.key"`; made at first start where absent. Default: `signing.key` beside the ledger directory.
    pub signing_key: PathBuf,
    /// `seal_within = "1 s"`.
    pub seal_within: Duration,
    /// `page_size = "96 KiB"`, 32 to 1,024 KiB.
    pub page_bytes: usize,
    /// `segment_size = "64 MiB"`.
    pub segment_bytes: u64,
    /// `stop_capture_below = "2 GiB"` free.
    pub stop_capture_below: u64,
    /// `clock_may_differ_by = "500 ms"`.
    pub clock_may_differ_by: Duration,
    /// `settle = "5 s"`: context this late binds as if it had been in time.
    pub settle: Duration,
    /// `recipes = "/etc/steelyard/recipes"`: a directory whose `*.toml` are recipes. None: none lie there.
    pub recipes: Option<PathBuf>,
    /// `when_calibration_is_over = "exception"`.
    pub when_calibration_is_over: WhenOver,
    /// `trust = "/var/lib/steelyard/pki"`: our own certificate and those of OPC UA servers. Default: `pki` beside the ledger.
    pub trust: PathBuf,
    /// `when_certificate_is_over = "exception"`: whether a pinned certificate goes on counting after its last day.
    pub when_certificate_is_over: WhenOver,
    /// `values_by_hand_by = "supervisor"`: roles that may enter values by hand.
    pub values_by_hand_by: Vec<String>,
}

/// What happens to readings of an instrument whose calibration is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Default)]
pub enum WhenOver {
    /// They are marked and judged; the batch carries an exception.
    #[default]
    Exception,
    /// They are marked and count for nothing; the batch carries an exception.
    Stop,
}

impl WhenOver {
    pub fn word(self) -> &'static str {
        match self {
            Self::Exception => "exception",
            Self::Stop => "stop",
        }
    }
}

/// `[record_store]`.
#[derive(Debug, Clone)]
pub struct RecordStore {
    /// `broker = "mqtts://ebr.essen.example:8883"`.
    pub broker: String,
    /// Plain `mqtt://` to another machine must be written down: `insecure_plaintext = true`.
    pub insecure_plaintext: bool,
    /// `mqtt = "5"` or `"3.1.1"`.
    pub mqtt_version_3: bool,
    pub user: Option<String>,
    pub password_file: Option<PathBuf>,
    /// `trust = "/etc/steelyard/plant-ca.pem"`.
    pub trust: Option<PathBuf>,
    pub certificate: Option<PathBuf>,
    pub private_key: Option<PathBuf>,
    /// `topics = "steelyard"`.
    pub topics: String,
    /// `key = "/etc/steelyard/record-store.jwk"`: whose receipts count (a JWK or JWKS file). None only with `release_on = "broker"`.
    pub key: Option<PathBuf>,
    /// `release_on = "receipt"` (default) or `"broker"`.
    pub release_on_broker: bool,
    /// `window = 64`: pages under way without receipt.
    pub window: usize,
}

/// `[equipment.TAG]`.
#[derive(Debug, Clone)]
pub struct Equipment {
    pub tag: String,
    pub title: String,
    pub driver: driver::Driver,
    pub edition: u32,
    pub link: Link,
    /// Modbus unit id.
    pub unit_id: Option<u8>,
    /// What identity must be read, if any.
    pub serial_number: Option<String>,
    /// `calibrated_till = 2027-03-31`, kept as written (a plant-local date).
    pub calibrated_till: Option<String>,
    /// `every = "1 s"`: how often it is asked. Default from its fastest capture, else 1 s.
    pub every: Duration,
    /// `record_with_draft = true`: record although the driver is a draft.
    pub record_with_draft: bool,
    /// `range = { temperature = "0.0 to 150.0 °C" }`: what it can measure, by measure.
    pub ranges: BTreeMap<String, Limits>,
    /// `division = { weight = "0.1 g" }`: the step of its display, by measure.
    pub divisions: BTreeMap<String, Quantity>,
    /// `allow = ["zero", "tare"]`: commands of its driver that may be sent. None without it.
    pub allow: Vec<String>,
}

/// How equipment is reached; equipment with the same link share one owner.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Link {
    /// `serial = "/dev/serial/by-id/…"`, settings from the driver unless `line = "19200 8E1"` says otherwise.
    Serial { path: PathBuf, line: Option<String> },
    /// `tcp = "10.30.4.15:4001"`: a serial server (raw bytes).
    Tcp(String),
    /// `modbus_tcp = "10.30.4.15:502"`.
    ModbusTcp(String),
    /// `modbus_rtu_tcp = "10.30.4.15:4001"`: a serial server that hands RTU frames through as they are.
    ModbusRtuTcp(String),
    /// `modbus_rtu = "/dev/serial/by-id/…"`.
    ModbusRtu { path: PathBuf, line: Option<String> },
    /// `opcua = "opc.tcp://10.30.4.20:4840"`, with the security and the login that belong to it.
    OpcUa(Box<OpcServer>),
}

/// `[unit.NAME]`. Named `Unit0` here because `Unit` is a unit of measure.
#[derive(Debug, Clone)]
pub struct Unit0 {
    pub name: String,
    pub title: String,
    /// `kind = "mixer"`: units of one kind have the same roles.
    pub kind: String,
    /// `authority = "mqtt"`: who tells the step.
    pub authority: Authority,
    /// What else belongs to that way.
    pub context: ContextWay,
    /// `lease = "5 min"`: a source silent longer marks bindings `context unconfirmed`. None: no lease.
    pub lease: Option<Duration>,
    /// `[unit.NAME.roles] product-temperature = "TC-3105.temperature"`: role → point, in file order.
    pub roles: Vec<(String, PointName)>,
    /// `without_step = "60 s"`: how often each point is captured when no step is known.
    pub without_step: Duration,
}

/// Who tells a unit its batch and step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authority {
    /// A message over the broker.
    Mqtt,
    /// A message over HTTP.
    Http,
    /// Points of the equipment itself.
    Points,
    /// A person at the station.
    Person,
}

impl Authority {
    /// Every way, with its word in the configuration and in the record.
    pub const ALL: [(&'static str, Self); 4] = [
        ("mqtt", Self::Mqtt),
        ("http", Self::Http),
        ("points", Self::Points),
        ("person", Self::Person),
    ];

    /// The word of the configuration and of the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mqtt => "mqtt",
            Self::Http => "http",
            Self::Points => "points",
            Self::Person => "person",
        }
    }
}

/// What belongs to the way that a unit's context comes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContextWay {
    /// `context_key = "…"`: messages count only when they are signed with it. The `x` of an Ed25519 JWK.
    pub key: Option<String>,
    /// `context_token_file = "/etc/steelyard/mes.token"`: HTTP messages count only with this bearer token.
    pub token_file: Option<PathBuf>,
    /// `[unit.NAME.context]`: the points that tell batch and step.
    pub points: Option<ContextPoints>,
}

/// Points of the equipment that tell batch and step, and what their numbers mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextPoints {
    /// The id of the batch, as text.
    pub batch: PointName,
    /// The number (or word) of the step.
    pub step: PointName,
    /// The number (or word) of the step's state; without it a step that is shown is running.
    pub state: Option<PointName>,
    /// The number (or word) of the batch's state, in the same numbering.
    pub batch_state: Option<PointName>,
    /// Counts up with every change; what was read counts only when it agrees before and after.
    pub counter: PointName,
    /// What the step point shows, and which step that is.
    pub steps: Vec<(String, String)>,
    /// What the state points show, and what that means.
    pub states: Vec<(String, Reported)>,
}

impl ContextPoints {
    /// Every point that is needed.
    pub fn all(&self) -> impl Iterator<Item = &PointName> {
        [&self.batch, &self.step, &self.counter]
            .into_iter()
            .chain(&self.state)
            .chain(&self.batch_state)
    }
}

/// What a state number of the equipment means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reported {
    /// Nothing runs.
    Idle,
    Running,
    Held,
    Complete,
    Stopped,
    Aborted,
}

impl Reported {
    /// Every meaning with its word.
    pub const ALL: [(&'static str, Self); 6] = [
        ("idle", Self::Idle),
        ("running", Self::Running),
        ("held", Self::Held),
        ("complete", Self::Complete),
        ("stopped", Self::Stopped),
        ("aborted", Self::Aborted),
    ];
}

/// `TAG.measure`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PointName {
    pub tag: String,
    pub measure: String,
}

impl std::fmt::Display for PointName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.tag, self.measure)
    }
}

/// `[[capture]]`.
#[derive(Debug, Clone)]
pub struct Capture {
    /// `during = "emulsify"` (a step id), or absent: whenever a batch runs in the unit.
    pub during: Option<String>,
    /// `at = "MX-3"`.
    pub at: String,
    /// `what = "product-temperature"`: a role of that unit (or `TAG.measure`, resolved to its role).
    pub role: String,
    pub point: PointName,
    /// The display unit of the point, from its driver, where it is known.
    pub unit: Option<Unit>,
    pub pace: Pace,
    /// `must_be = "70.0 to 75.0 °C"`, with `at least …` and `at most …` for one side.
    pub limits: Option<Limits>,
    /// `missing_after = "15 s"`: silence longer than this is an entry at once. Default: three times the pace, at least 3 s.
    pub missing_after: Duration,
}

/// What becomes an entry; limits are judged on every reading all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// `every = "reading"`.
    EveryReading,
    /// `every = "5 s"`: the last reading of each interval, and a `summary` of all of them.
    Every(Duration),
    /// `every = "change"`.
    OnChange,
    /// `when = "asked"`.
    OnDemand,
}

/// Limits with warning band. A limit itself is inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    pub low: Option<Quantity>,
    pub high: Option<Quantity>,
    pub warn_low: Option<Quantity>,
    pub warn_high: Option<Quantity>,
}

/// `[master]`: how old what the plant's systems said may be, to be used without a person who answers for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Master {
    /// `orders_may_be = "24 h old"`.
    pub orders: Duration,
    /// `lots_may_be = "24 h old"`.
    pub lots: Duration,
    /// `containers_may_be = "24 h old"`.
    pub containers: Duration,
    /// `check_weights_may_be = "30 d old"`.
    pub check_weights: Duration,
    /// `people_may_be = "7 d old"`.
    pub people: Duration,
}

impl Default for Master {
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 86_400);
        Self {
            orders: days(1),
            lots: days(1),
            containers: days(1),
            check_weights: days(30),
            people: days(7),
        }
    }
}

/// `[signal]`: the block that tells the line whether it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signal {
    /// `listen = "10.30.4.2:1502"`: where it is served by Modbus TCP, read only.
    pub listen: std::net::SocketAddr,
    /// `units = ["MX-3", "Booth 2"]`: their places in the block, which a controller counts on.
    pub units: Vec<String>,
}

/// `[people]`: the weakest proof of a person that is enough for a signature with this meaning. Reviewing and approving
/// always need the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signing {
    /// `performed_with = "badge and PIN"`
    pub performed: Proof,
    pub verified: Proof,
    pub acknowledged: Proof,
}

impl Default for Signing {
    fn default() -> Self {
        Self {
            performed: Proof::BadgeAndPin,
            verified: Proof::BadgeAndPin,
            acknowledged: Proof::BadgeAndPin,
        }
    }
}

/// How a person was proven, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    TemporaryBadge,
    BadgeAndPin,
    Password,
}

impl Proof {
    pub const ALL: [Self; 3] = [Self::TemporaryBadge, Self::BadgeAndPin, Self::Password];

    /// As it is written in the configuration.
    pub fn says(self) -> &'static str {
        match self {
            Self::TemporaryBadge => "temporary badge and PIN",
            Self::BadgeAndPin => "badge and PIN",
            Self::Password => "password",
        }
    }

    /// The word in the record.
    pub fn word(self) -> &'static str {
        match self {
            Self::TemporaryBadge => "temporary-badge-and-pin",
            Self::BadgeAndPin => "badge-and-pin",
            Self::Password => "password",
        }
    }

    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.word() == word)
    }
}

/// `[web]`.
#[derive(Debug, Clone)]
pub struct Web {
    /// `listen = "127.0.0.1:8470"`; another machine's reach needs TLS and somebody who can sign in. None: no web page.
    pub listen: Option<String>,
    /// The plant's own certificate; without it one is made once.
    pub certificate: Option<PathBuf>,
    pub private_key: Option<PathBuf>,
    /// `show_without_sign_in = true`: wall displays. Left out, this machine alone.
    pub show_without_sign_in: Option<bool>,
    /// `lock_after = "10 min"`
    pub lock_after: Duration,
    /// `session_at_most = "12 h"`
    pub session_at_most: Duration,
}

impl Default for Web {
    fn default() -> Self {
        Self {
            listen: None,
            certificate: None,
            private_key: None,
            show_without_sign_in: None,
            lock_after: Duration::from_secs(600),
            session_at_most: Duration::from_secs(12 * 3600),
        }
    }
}
