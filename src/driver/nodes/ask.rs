//! What a driver asks of a server: nodes by the URI of their namespace, how often, in what portions, and what of
//! them belongs together.

use super::{Member, MemberIs};
use crate::{
    conversation::Role,
    driver::{Measure, ReadRole},
    meaning::Doubt,
};
use record::Quality;
use std::{ops::Range, sync::Arc, time::Duration};

/// An instrument or server that speaks OPC UA.
#[derive(Debug, Clone)]
pub struct Nodes {
    /// Short names of namespaces.
    pub namespaces: Vec<Namespace>,
    /// Where paths begin; a configuration may name another node for each.
    pub starts: Vec<Start>,
    /// How values are asked for.
    pub asking: Asking,
    /// Every node that is wanted, once.
    pub items: Vec<Item>,
    pub(crate) structures: Vec<Structure>,
    pub(crate) groups: Vec<Group>,
    pub(crate) statuses: Vec<StatusRule>,
}

/// A short name, and the URIs it may stand for: the first a server knows is meant. Never an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Namespace {
    /// As addresses write it.
    pub alias: String,
    /// In order of preference.
    pub uris: Vec<String>,
}

/// A node by name, from which paths begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// As the driver and the configuration name it: `scale`.
    pub name: String,
    /// For people: "The scale's own object".
    pub title: String,
    /// Where it is on every server of this kind; `None` where only the plant knows.
    pub at: Option<Address>,
}

/// How values are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asking {
    /// By subscription, or one read after the other.
    pub how: How,
    /// How often the server shall deliver what has changed; or how often values are read.
    pub publish: Duration,
    /// After how long without a change the server shall say that it is alive.
    pub keep_alive: Duration,
    /// How many nodes one call may name: create, read, browse, translate.
    pub items_per_call: usize,
    /// How many items one subscription may hold, where a server has a limit.
    pub items_per_subscription: Option<usize>,
    /// How many values one delivery may hold; 0: the server decides.
    pub values_per_delivery: u32,
    /// How far the source's clock may be from ours before it is flagged.
    pub clock_within: Duration,
}

/// By subscription or by reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The server tells of changes.
    Subscription,
    /// The server is asked.
    Reading,
}

/// The place of an item among those of its driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ItemId(pub u32);

/// One node that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its place among those of its driver.
    pub id: ItemId,
    /// Where it is.
    pub at: Address,
    /// Only these elements of an array, as the standard writes them: `2:5`.
    pub range: Option<String>,
    /// Values are watched; settings are watched too, and identity is read at connect and now and then.
    pub role: Role,
    /// How often the server shall look at it.
    pub sampling: Duration,
    /// How many values the server shall keep for us, the oldest thrown away first.
    pub queue: u32,
    /// Changes the server shall not tell of. None by default: limits are judged on every value.
    pub deadband: Option<Deadband>,
    /// What counts as a change.
    pub trigger: Trigger,
    /// Whether some servers of this kind do not have it.
    pub optional: bool,
    /// What people call it: the fields and measures it gives.
    pub names: Vec<String>,
    pub(crate) expected: MemberIs,
}

/// Changes that are not told of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Deadband {
    /// In the value's own unit.
    Absolute(f64),
    /// Of its EURange.
    Percent(f64),
}

impl Eq for Deadband {}

/// What counts as a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trigger {
    /// Another status or another value.
    #[default]
    Value,
    /// Every value the source makes, the same again included.
    Timestamp,
}

/// Where a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Where it begins.
    pub base: Base,
    /// And which references lead on, each hierarchical and forward.
    pub path: Vec<Step>,
}

/// Where an address begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// At a node.
    Node(NodeName),
    /// At a named start.
    Start(String),
}

/// A node by namespace and identifier, never by index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeName {
    /// Short name of its namespace; `None` is the standard's own.
    pub namespace: Option<String>,
    /// As the server writes it, to the letter: `s="DB_Mixer"."Speed"`, `i=2258`, `g=…`, `b=…`.
    pub identifier: String,
}

/// One step of a path: the browse name of the next node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Short name of its namespace; `None` is the standard's own.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.base {
            Base::Start(name) => f.write_str(name)?,
            Base::Node(node) => node.fmt(f)?,
        }
        for step in &self.path {
            write!(f, " / {step}")?;
        }
        Ok(())
    }
}

impl std::fmt::Display for NodeName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.namespace {
            Some(alias) => write!(f, "{alias};{}", self.identifier),
            None => f.write_str(&self.identifier),
        }
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.namespace {
            Some(alias) => write!(f, "{alias}:{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl Nodes {
    /// The URIs a short name may stand for, the preferred first.
    pub fn uris(&self, alias: &str) -> &[String] {
        let found = self.namespaces.iter().find(|namespace| namespace.alias == alias);
        found.map_or(&[], |namespace| &namespace.uris)
    }

    /// An item by its place.
    pub fn item(&self, id: ItemId) -> Option<&Item> {
        self.items.get(id.0 as usize)
    }
}

/// The type of a value, as a driver expects it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeIs {
    Boolean,
    Int8,
    Uint8,
    Int16,
    Uint16,
    Int32,
    Uint32,
    Int64,
    Uint64,
    Float32,
    Float64,
    /// A number of any type, where servers of one kind differ.
    Number,
    Text,
    /// Only in structures, where it is written otherwise than a text.
    LocalText,
    Time,
}

impl NodeIs {
    pub(crate) fn words() -> &'static [(&'static str, Self)] {
        &[
            ("boolean", Self::Boolean),
            ("int8", Self::Int8),
            ("uint8", Self::Uint8),
            ("int16", Self::Int16),
            ("uint16", Self::Uint16),
            ("int32", Self::Int32),
            ("uint32", Self::Uint32),
            ("int64", Self::Int64),
            ("uint64", Self::Uint64),
            ("float32", Self::Float32),
            ("float64", Self::Float64),
            ("number", Self::Number),
            ("text", Self::Text),
            ("local text", Self::LocalText),
            ("time", Self::Time),
        ]
    }

    /// The standard's name.
    pub(crate) fn scalar_name(self) -> Option<&'static str> {
        Some(match self {
            Self::Boolean => "Boolean",
            Self::Int8 => "SByte",
            Self::Uint8 => "Byte",
            Self::Int16 => "Int16",
            Self::Uint16 => "UInt16",
            Self::Int32 => "Int32",
            Self::Uint32 => "UInt32",
            Self::Int64 => "Int64",
            Self::Uint64 => "UInt64",
            Self::Float32 => "Float",
            Self::Float64 => "Double",
            Self::Text => "String",
            Self::LocalText => "LocalizedText",
            Self::Time => "DateTime",
            Self::Number => return None,
        })
    }
}

/// A structure the driver can take apart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Structure {
    pub(crate) name: String,
    /// URIs the namespace of its encoding may have.
    pub(crate) namespaces: Vec<String>,
    /// `i=88`
    pub(crate) identifier: String,
    pub(crate) members: Vec<Member>,
}

/// Nodes that are judged together.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) role: ReadRole,
    /// Everything in one delivery, or it is not of one moment.
    pub(crate) together: bool,
    pub(crate) points: Vec<Point>,
    pub(crate) measures: Vec<Measure>,
    pub(crate) doubts: Vec<Doubt>,
    pub(crate) span: Range<usize>,
}

/// One field of a value of a node.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    pub(crate) name: Arc<str>,
    pub(crate) pick: Pick,
    pub(crate) optional: bool,
    /// Where the server says in which unit the value is.
    pub(crate) unit_at: Option<ItemId>,
    /// Where the server says how far the value can go, and what the driver says.
    pub(crate) range_at: Option<(ItemId, f64, f64)>,
    pub(crate) span: Range<usize>,
}

/// Where in a node's value a field is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pick {
    pub(crate) item: ItemId,
    pub(crate) element: Option<usize>,
    pub(crate) member: Vec<String>,
    pub(crate) is: NodeIs,
}

/// What a status code means with this maker.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct StatusRule {
    pub(crate) code: u32,
    pub(crate) quality: Quality,
    pub(crate) because: String,
}
