//! Steelyard: from the equipment to the receipt, one direction, one folder per floor.
//!
//! Below these modules lie two crates without I/O, clock or runtime: `record` (what is recorded and
//! how it is proven) and `driver` (what instruments say, as bytes). A floor sees the floors below it,
//! never one above; `tests/floors.rs` guards it. See `docs/decisions/0002-floors.md`.

pub mod config; // floor 2: the files as written → the plant as meant, or every complaint at once
pub mod flow; // floor 3: the stations of a reading, and what they need from outside
pub mod ports; // floor 4: the outside world, one file per socket

pub mod daemon; // floor 5: wiring and life of the gateway
pub mod evidence; // floor 5: what leaves the plant for a reviewer, an inspector or a buyer
pub mod simulate; // floor 5: being the instrument, from its own driver
pub mod store; // floor 5: the record store's side

pub mod web; // floor 6: the screens

pub mod cli; // floor 7: the words on the command line
