//! The faults, row by row. A row does its harm in so many trials, and says what was lost, doubled, not verified, hung.

mod delivery;
mod failing;
mod image;
mod kill;
mod ledger;
mod power;
mod starved;
mod traced;

use crate::{
    bench::Bench,
    outcome::{Done, Tally},
};

/// One row of the table.
pub struct Row {
    pub number: u32,
    pub name: &'static str,
    /// How many trials: at every change, at night, before a release.
    pub trials: [u64; 3],
    pub run: fn(&mut Bench) -> Done<Tally>,
}

/// All rows, in order.
pub const ALL: &[Row] = &[
    kill::FLAT_OUT,
    traced::EVERY_CALL,
    power::CUT,
    power::FIRST_START_AND_ROLL,
    power::TWICE,
    failing::SYNC,
    failing::WRITE,
    failing::FULL,
    failing::VANISHED,
    ledger::BITS,
    ledger::MUTANTS,
    image::RESTORED,
    image::CLONES,
    delivery::AWAY,
    delivery::FORGETS,
    delivery::PACKETS,
    delivery::WIRE,
    delivery::RECEIPTS,
    delivery::POISON,
    starved::CLOCK,
    starved::MEMORY,
    starved::PROCESSOR,
    starved::NOTHING_LEFT,
];
