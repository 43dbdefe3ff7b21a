//! What instruments say, as bytes. No I/O, no clock, no runtime.

mod complaint;

pub use complaint::Complaint;

/// A driver as meant.
#[derive(Debug, Clone)]
pub struct Driver {}
