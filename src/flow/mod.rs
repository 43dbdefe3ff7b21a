//! Floor 3: the stations of a reading in their order, and what each needs from outside.
//!
//! ```text
//! equipment ─▶ reading ─▶ bound ─▶ checked ─▶ sealed ─▶ published ─▶ receipted
//! ```
//!
//! Every state machine here is `next(state, event) -> (state, actions)`: no clock, no disk, no network.
//! What it needs stands behind the traits of [`needs`].

pub mod accept;
pub mod access;
pub mod bind;
pub mod board;
pub mod books;
pub mod check;
pub mod classes;
pub mod clock;
pub mod context;
pub mod control;
pub mod enter;
pub mod files;
pub mod gs1;
pub mod high_water;
pub mod label;
pub mod ledger;
pub mod line;
pub mod link;
pub mod local;
pub mod master;
pub mod needs;
pub mod outbox;
pub mod people;
pub mod prints;
pub mod proof;
pub mod pulse;
pub mod replay;
pub mod room;
pub mod rules;
pub mod seal;
pub mod sessions;
pub mod signal;
pub mod signing;
pub mod station;
pub mod tries;
pub mod use_log;
