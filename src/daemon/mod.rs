//! Floor 5: wiring and life of the gateway. Decides little; carries out what `flow` decides.

pub mod acts;
pub mod delivery;
pub mod gateway;
pub mod indexing;
pub(crate) mod link_set;
pub mod link_task;
pub(crate) mod master;
pub mod opening;
pub mod packing;
mod proving;
pub mod sealing;
pub mod server_task;
pub mod start;
pub(crate) mod tap;
