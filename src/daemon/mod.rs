//! See src/lib.rs.

pub mod link_task;
