//! OPC UA servers, through `async-opcua`: its secured channel and its encoding, and nothing of its session, its
//! reconnecting or its subscriptions. Why, and what guards each of its known faults: docs/decisions/0023.

mod calls;
mod der;
mod identity;
mod open;
pub mod pki;
mod problem;
mod server;
mod values;
mod wire;

pub use open::{Offered, offered};
pub use server::SystemServers;
pub use wire::host_and_port;
