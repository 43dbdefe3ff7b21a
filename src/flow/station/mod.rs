//! The dispensing station as one pure state machine: what a person does and what the scales show in; entries, labels to
//! print and what the screen shows out. No clock and no I/O: every event says what time it is.
//!
//! A panel sees `GET /live/station/{name}` (server-sent: `event: station`, a [`StationView`] as JSON; `event: beat`) and
//! `GET /station/{name}.json`; it acts by `POST /station/{name}/act` with an [`Act`] as JSON, and beside it, where a
//! person signs, `"again": {"by", "secret"}` (the operator once more) or `"second": {"by", "secret"}` (the other one).
//! The answer comes when what was done is sealed: `{"done": true, "text"}`, or the refusal in four parts.

pub mod act;
pub mod view;

pub use act::{Act, How};
pub use view::StationView;
