//! One binary for everything that needs the gateway; one file per chapter.
#![allow(clippy::unwrap_used, clippy::expect_used)]
#![allow(
    unreachable_pub,
    dead_code,
    reason = "chapters share one world, and each uses a part of it"
)]

mod binding;
mod check;
mod config;
mod evidence;
mod links;
mod mqtt;
mod opening;
mod people;
mod power_loss;
mod store;
mod web;
mod world;
