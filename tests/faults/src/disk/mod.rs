//! A file system with a volatile cache, as a machine without a battery has it: what was not synced may be there
//! after a power cut, or not, or in part, sector by sector; a name is durable once its directory was synced.
//!
//! `Store` is the model, without a kernel; `mount` puts it under a running program; `Image` is what a power cut
//! leaves. Errors come on demand.

mod image;
mod mount;
mod store;

pub use image::{Cut, Image};
pub(crate) use mount::which;
pub use mount::{Disk, mountable};
pub use store::{Fault, Operation, Store, Strike, Trap, What};

/// What is kept or lost as one piece.
pub(crate) const SECTOR: usize = 512;
