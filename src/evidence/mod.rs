//! What leaves the plant for a reviewer, an inspector or a buyer, and the words that say what it proves.
//!
//! Reads ledgers and evidence folders through [`crate::flow::needs::Disk`], piece by piece; needs neither
//! the daemon nor its database. It never writes into a ledger, and never says more than was proven.

mod folder;
mod gather;
mod verify;
mod withhold;
mod words;

pub use folder::{EVIDENCE, Folder, KEYS, RECEIPTS};
pub use gather::{Gathered, gather};
pub use verify::{Expected, Finding, verify};
pub use withhold::Rules;
pub(crate) use words::uncovered;
