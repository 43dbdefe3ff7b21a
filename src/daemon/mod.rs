//! Floor 5: wiring and life of the gateway. Decides little; carries out what `flow` decides.

pub mod control;
pub mod delivery;
pub mod gateway;
pub mod indexing;
pub mod link_task;
pub mod opening;
pub mod packing;
pub mod requests;
pub mod sealing;
pub mod start;
