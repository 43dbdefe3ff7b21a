//! What instruments say, as bytes. No I/O, no clock, no runtime.
//!
//! A [`Driver`] is a file in `drivers/` as meant: data, never code. A [`Conversation`] asks and understands
//! with it, a [`Player`] plays the instrument it describes, and its samples prove it: [`run_samples`], [`lint`].
//! `docs/reference/driver.md` states the language.

mod command;
mod complaint;
mod conversation;
mod driver;
mod frame;
#[doc(hidden)]
pub mod fuzz;
mod lint;
mod meaning;
mod merge;
mod modbus;
mod new_sample;
pub mod nodes;
mod pattern;
mod player;
mod read;
mod registers;
mod sample;
mod schema;
mod tree;

#[cfg(test)]
mod hard;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod shipped;

pub use command::{CommandInfo, Outcome};
pub use complaint::Complaint;
pub use conversation::{
    Conversation, ConversationOptions, Heard, HeardAs, Question, QuestionId, Role, Transport,
};
pub use driver::{
    Caveat, Comes, Driver, Evidence, Handshake, LineSettings, Modbus, PointInfo, Sample, Speaks, Text,
    builtin,
};
pub use lint::lint;
pub use modbus::{Table, crc16, exception_word};
pub use new_sample::NewSample;
pub use player::{Player, PlayerOptions};
pub use sample::{SampleResult, run_samples};
pub use schema::schema;
