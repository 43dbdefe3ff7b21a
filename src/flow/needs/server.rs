//! What a link to an OPC UA server needs from outside: one server at a time, its services as questions and
//! answers, and certificates as facts. Session, security and times are the link's; encoding is the port's.

use super::Waiting;
pub use crate::config::server::{Identity, Policy, Security};
use driver::nodes::NodeValue;
use record::Stamp;
use std::path::PathBuf;

/// Where a server is reached, and how both sides prove who they are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServerAddress {
    /// `opc.tcp://10.30.4.20:4840`.
    pub url: String,
    pub security: Security,
    pub identity: Identity,
    /// The directory of own certificate and trust list.
    pub pki: PathBuf,
    /// Who we are: `urn:steelyard:line-3`.
    pub application: String,
    /// Whether a pinned certificate goes on counting after its last day.
    pub over_goes_on: bool,
}

/// A node as this session of the server numbers it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Node {
    pub namespace: u16,
    pub id: NodeName,
}

/// The four kinds of identifiers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum NodeName {
    Number(u32),
    Text(String),
    /// As written: `72962B91-FA75-4AE6-8D28-B404DC7DAF63`.
    Guid(String),
    Opaque(Vec<u8>),
}

impl Node {
    /// A node of the standard's own namespace.
    pub fn standard(number: u32) -> Self {
        Self {
            namespace: 0,
            id: NodeName::Number(number),
        }
    }
}

/// One thing to ask a server for. Nothing here writes.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// Asks which endpoints there are, judges the certificate, opens the secured channel.
    Open,
    /// Takes up the session there was before the connection was lost.
    TakeUp,
    /// Makes a new session; the one before is forgotten.
    Begin {
        timeout_ms: u32,
    },
    /// Which URIs this session's namespaces have.
    Namespaces,
    Read(Vec<Target>),
    /// Follows browse paths: a start, and names with their namespaces.
    Find(Vec<(Node, Vec<(u16, String)>)>),
    Subscribe(Wish),
    Watch {
        subscription: u32,
        items: Vec<Item>,
    },
    Transfer {
        subscriptions: Vec<u32>,
    },
    /// Waits for the next news; acknowledges what was seen of which subscription.
    Publish {
        seen: Vec<(u32, u32)>,
        within_ms: u32,
    },
    /// Asks again for something that was missed.
    Republish {
        subscription: u32,
        number: u32,
    },
    /// What is below a node, for people who look around.
    Browse(Node),
}

/// A value of a node, or only some elements of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    pub node: Node,
    /// `2:5`, as the standard writes it.
    pub range: Option<String>,
    /// 13 is the value; others for people who look around: 4 display name, 14 data type.
    pub attribute: u32,
}

impl Target {
    pub fn value(node: Node, range: Option<String>) -> Self {
        Self {
            node,
            range,
            attribute: 13,
        }
    }
}

/// What a subscription is asked to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wish {
    pub interval_ms: u32,
    pub keep_alive: u32,
    pub lifetime: u32,
    pub most: u32,
}

/// One node to be watched.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub handle: u32,
    pub target: Target,
    /// -1: as the subscription publishes; 0: as fast as it can.
    pub sampling_ms: f64,
    pub queue: u32,
    pub filter: Filter,
}

/// What is told at all.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Filter {
    /// Told too when nothing but the time changed.
    pub each_time: bool,
    pub deadband: Option<Deadband>,
}

/// Changes up to this size are not told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Deadband {
    Absolute(f64),
    Percent(f64),
}

/// What the server said.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    Opened(Greeting),
    TakenUp,
    Begun {
        timeout_ms: f64,
    },
    Namespaces(Vec<String>),
    Values(Vec<NodeValue>),
    Found(Vec<Result<Node, u32>>),
    Subscribed {
        id: u32,
        interval_ms: f64,
        keep_alive: u32,
        lifetime: u32,
    },
    Watched(Vec<Result<Watched, u32>>),
    /// For each subscription the numbers of what it still holds.
    Transferred(Vec<Result<Vec<u32>, u32>>),
    Published(Published),
    Browsed(Vec<Below>),
}

/// What a server says about itself before a session begins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Greeting {
    pub application_uri: String,
    pub product_uri: String,
    pub name: String,
    /// Its certificate; none without security.
    pub certificate: Option<Certificate>,
    /// Our own.
    pub own: Option<Certificate>,
    /// Why its certificate counts.
    pub trusted: Trusted,
}

/// Why a server's certificate counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trusted {
    /// There is none.
    #[default]
    Unsecured,
    /// A person accepted this very certificate.
    Pinned,
    /// As before, and its last day is over.
    PinnedAndOver,
    /// A certificate authority that a person accepted has signed it.
    ByAuthority,
}

/// How one node is watched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Watched {
    pub sampling_ms: f64,
    pub queue: u32,
}

/// One message of a subscription.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Published {
    pub subscription: u32,
    pub number: u32,
    /// Whether it holds anything; without, the subscription only says that it is alive.
    pub keep_alive: bool,
    /// Handle and value, in the order they came.
    pub changes: Vec<(u32, NodeValue)>,
    /// The subscription is at an end, and why.
    pub over: Option<u32>,
    /// When the server sent it, by its clock.
    pub sent: Option<Stamp>,
}

/// A node below another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Below {
    pub node: Node,
    /// Namespace and name.
    pub name: (u16, String),
    pub shown: String,
    /// 1 object, 2 variable, 4 method.
    pub class: u32,
    pub kind: Option<Node>,
}

/// What is known of a certificate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Certificate {
    /// SHA-256 of its bytes, in hexadecimal: what people compare.
    pub fingerprint: String,
    /// SHA-1, which many servers show as "thumbprint".
    pub thumbprint: String,
    pub subject: String,
    pub application_uri: Option<String>,
    /// Host names and addresses it was made for.
    pub hosts: Vec<String>,
    pub from: Stamp,
    pub until: Stamp,
    pub key_bits: u32,
    pub is_authority: bool,
}

/// Why a call brought nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub kind: ProblemKind,
    /// The status code where the server named one, else 0.
    pub status: u32,
    pub words: String,
    /// The certificate it is about.
    pub certificate: Option<Box<Certificate>>,
}

/// Who or what is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// Nobody answers there, or not in time.
    Silent,
    /// The connection is gone.
    Lost,
    /// The server said no.
    Refused,
    /// User name, password or certificate of the user do not count there. Trying again would lock the account.
    Login,
    /// The server's certificate is not trusted.
    Untrusted,
    /// The server does not offer what the configuration asks for.
    NotOffered,
    /// What came is damaged, or larger than is taken.
    Garbled,
    /// Something on this machine: a key, a password file.
    Here,
}

impl Problem {
    pub fn new(kind: ProblemKind, words: impl Into<String>) -> Self {
        Self {
            kind,
            status: 0,
            words: words.into(),
            certificate: None,
        }
    }
}

/// Makes servers reachable.
pub trait Servers: Send + Sync {
    /// One server. Nothing is opened yet.
    fn server(&self, address: &ServerAddress) -> Box<dyn Server>;
}

/// One server, and the one session with it.
pub trait Server: Send {
    /// Asks; the answer comes through [`Server::next`] under this number. A call is never taken back.
    fn call(&mut self, number: u64, call: Call);
    /// The next answer.
    fn next(&mut self) -> Waiting<'_, (u64, Result<Reply, Problem>)>;
    /// Lets the connection go without a word; the session stays the server's to keep.
    fn drop_connection(&mut self);
    /// Ends session and connection in order, within two seconds.
    fn close(self: Box<Self>) -> Waiting<'static, ()>;
}
