//! Master data: orders, lots, containers, check weights and people, as the plant's systems know them.
//!
//! They come by topic, by HTTP or as a CSV file; `docs/reference/master.md` is the page for whoever sends them.
//! Each item has a source, a revision and an age. A newer revision takes the place of an older one; an older one is
//! refused, and so is the same revision with another content. What is asked for is given with its age, or with the
//! reasons why it may not be used; what was used is sealed into the record.
//!
//! Pure: every question says what time it is.

pub mod csv;
pub mod item;
pub mod known;
pub mod look;
pub mod message;
pub mod schema;
pub mod shelf;
pub mod words;

pub use item::{CheckWeight, Container, Content, Kind, Lot, LotStatus, Order, OrderLine, Person, Tolerance};
pub use known::{Held, Outcome, Store};
pub use look::{Against, Asking, Looked};
pub use message::Message;

#[cfg(test)]
mod tests;
