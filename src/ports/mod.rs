//! See src/lib.rs.

pub mod clock;
pub mod links;
pub mod pty;
pub mod random;
pub mod serial;
pub mod tcp;
