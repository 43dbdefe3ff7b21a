//! The simulated world: what can fail, fails on purpose and by a seed.

pub mod disk;
