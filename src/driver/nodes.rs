//! OPC UA: what a driver asks of a server's nodes, and what their values mean. No session, no socket, no clock:
//! whoever holds the session hands in values as they came, and gets readings in the record's words.

mod ask;
mod body;
mod fields;
mod hearing;
mod json;
mod player;
mod status;
#[cfg(test)]
mod tests;
mod units;
mod value;

pub use ask::{
    Address, Asking, Base, Deadband, How, Item, ItemId, Namespace, NodeName, Nodes, Start, Step, Trigger,
};
pub use body::ticks;
pub use hearing::{NodeHeard, NodeHearing, NodeReading};
pub use player::NodePlayer;
pub use status::{StatusMeaning, lost_values, status_meaning, status_name};
pub use units::{UNECE_UNITS, unece_id, unit_of_unece_id};
pub use value::{NodeData, NodeValue, Scalar};

pub(crate) use ask::{Group, NodeIs, Pick, Point, StatusRule, Structure};
pub(crate) use body::{Member, MemberIs};
pub(crate) use fields::field_of;
pub(crate) use hearing::sample_readings;
pub(crate) use json::{Json, node_value, read_json, status as status_of};
