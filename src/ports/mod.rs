//! See src/lib.rs.

#[cfg(feature = "embedded-broker")]
pub mod broker;
pub mod clock;
pub mod control;
pub mod disk;
pub mod files;
pub mod index;
pub mod links;
pub mod listen;
pub mod machine;
pub mod mqtt;
pub mod pty;
pub mod random;
pub mod serial;
pub mod store_sqlite;
pub mod tcp;
