//! The rig that breaks things on purpose: lossy disks, cut wires, killed processes. It drives the built program from
//! outside and believes nothing it says without looking at the ledger.
//!
//! | module | what it is |
//! |---|---|
//! | `disk` | a disk with a volatile cache, under the program through FUSE |
//! | `gateway`, `plant` | the program at work, and what it reads |
//! | `mqtt`, `wire` | a broker and record store that harms packets and words; a wire that can be bent |
//! | `ledger` | what it recorded, proven with the `record` crate alone |
//! | `rows` | the faults, by the numbers of the table in docs/decisions/0026 |

pub mod bench;
pub mod disk;
pub mod gateway;
pub mod ledger;
pub mod mqtt;
pub mod outcome;
pub mod plant;
pub mod rows;
pub mod seed;
pub mod wire;
