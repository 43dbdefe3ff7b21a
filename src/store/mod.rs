//! The record store's side: it takes pages, keeps them, and says so with its own signature.
//!
//! A page is receipted when its form, its seal and its root hold under a key that was enrolled for its
//! gateway, and when it is committed; it waits for no other page. What does not hold is set aside with
//! its reason. Holes and forks are told; a fork is never receipted. `docs/reference/store.md` says it
//! for those who write a record store of their own.
//!
//! It must never receipt what is not committed, and never change or drop what it has receipted.

pub mod act;
pub mod bench;
pub mod find;
pub mod holes;
pub mod judge;
pub mod run;
pub mod settings;

pub use judge::{Enrolled, Enrolment};
pub use run::{Needs, Options, Running, Status, start};

mod migrations {
    include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

    pub(super) fn all() -> &'static [(&'static str, &'static str)] {
        ALL
    }
}

/// The schema of the database as named SQL texts, in the order in which they apply.
pub fn schema() -> &'static [(&'static str, &'static str)] {
    migrations::all()
}
