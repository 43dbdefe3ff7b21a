//! See src/lib.rs.

#[cfg(feature = "embedded-broker")]
pub mod broker;
pub mod clock;
pub mod disk;
pub mod index;
pub mod files;
pub mod links;
pub mod listen;
pub mod mqtt;
pub mod pty;
pub mod random;
pub mod serial;
pub mod store_sqlite;
pub mod tcp;
