//! Floor 3: the stations of a reading in their order, and what each needs from outside.
//!
//! ```text
//! equipment ─▶ reading ─▶ bound ─▶ checked ─▶ sealed ─▶ published ─▶ receipted
//! ```
//!
//! Every state machine here is `next(state, event) -> (state, actions)`: no clock, no disk, no network.
//! What it needs stands behind the traits of [`needs`].

pub mod board;
pub mod needs;
