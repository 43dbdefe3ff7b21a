//! Binding, judging, gaps, excursions and closings of a whole line, as tables: what happens on the left,
//! every entry it leads to below. No clock, no disk: the recorder here only numbers and keeps.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on should stop

#[path = "binding/always.rs"]
mod always;
#[path = "binding/by_hand.rs"]
mod by_hand;
#[path = "binding/night.rs"]
mod night;
#[path = "binding/plant.rs"]
mod plant;
#[path = "binding/recipes.rs"]
mod recipes;
#[path = "binding/refused.rs"]
mod refused;
#[path = "binding/replayed.rs"]
mod replayed;
#[path = "binding/restarted.rs"]
mod restarted;
#[path = "binding/ruled.rs"]
mod ruled;
#[path = "binding/schema.rs"]
mod schema;
#[path = "binding/sources.rs"]
mod sources;
#[path = "binding/tables.rs"]
mod tables;
#[path = "binding/world.rs"]
mod world;
