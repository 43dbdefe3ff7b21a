//! The dispensing station as one pure state machine: what a person does and what the scales show in; entries, labels to
//! print and what the screen shows out. No clock and no I/O: every event says what time it is.
//!
//! A station changes only by what it has entered ([`note::Note`]), so after a power cut it stands where its entries
//! stand: a captured weight comes back as pending and never vanishes. What is not an entry (the last readings of a
//! scale, and whether a container has stayed on it) is forgotten with the power, and an open filling is voided.
//!
//! A panel sees `GET /live/station/{name}` (server-sent: `event: station`, a [`StationView`] as JSON; `event: beat`) and
//! `GET /station/{name}.json`; it acts by `POST /station/{name}/act` with an [`Act`] as JSON, and beside it, where a
//! person signs, `"again": {"by", "secret"}` (the operator once more) or `"second": {"by", "secret"}` (the other one).
//! The answer comes when what was done is sealed: `{"done": true, "text"}`, or the refusal in four parts.

pub mod act;
pub mod bar;
pub mod booth;
pub mod check;
pub mod code;
pub mod desk;
pub mod fill;
pub mod finish;
pub mod follow;
pub mod live;
pub mod note;
pub mod plan;
pub mod show;
#[cfg(test)]
mod tests;
pub mod view;
pub mod weigh;
pub mod words;
pub mod work;

pub use act::{Act, How};
pub use desk::{Action, Around, Asked, Desk, Done, Event, LabelJob};
pub use view::StationView;
pub use words::Refusal;
