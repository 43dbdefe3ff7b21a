//! See src/lib.rs.
