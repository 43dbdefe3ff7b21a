//! A station in a world of its own: a clock that is set, scales that show what they are told, people, master data. Every
//! special case of a weighing is a test whose name is its sentence.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod captures;
mod cases;
mod checks;
mod rig;
mod seeded;
mod sources;
