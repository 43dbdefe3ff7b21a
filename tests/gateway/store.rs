//! The record store's side: what it takes, what it refuses, and that it loses and doubles nothing.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod command;
mod judged;
mod kept;
mod killed;
mod plant;
mod running;
