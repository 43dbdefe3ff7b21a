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

use crate::{
    flow::needs::PageStore,
    ports::{
        store_postgresql::{Address, StorePostgresql},
        store_sqlite::StoreSqlite,
    },
};
use record::Trouble;
use std::{path::PathBuf, sync::Arc};

pub use judge::{Enrolled, Enrolment};
pub use run::{Needs, Options, Running, Status, start};

mod migrations {
    pub(super) mod sqlite {
        include!(concat!(env!("OUT_DIR"), "/migrations_sqlite.rs"));

        pub(in super::super) fn all() -> &'static [(&'static str, &'static str)] {
            ALL
        }
    }

    pub(super) mod postgresql {
        include!(concat!(env!("OUT_DIR"), "/migrations_postgresql.rs"));

        pub(in super::super) fn all() -> &'static [(&'static str, &'static str)] {
            ALL
        }
    }
}

/// The schema of the SQLite database as named SQL texts, in the order in which they apply.
pub fn schema() -> &'static [(&'static str, &'static str)] {
    migrations::sqlite::all()
}

/// The same for PostgreSQL.
pub fn schema_postgresql() -> &'static [(&'static str, &'static str)] {
    migrations::postgresql::all()
}

/// Where pages are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// In one file on this machine.
    Sqlite(PathBuf),
    /// On a server, which several record stores may share.
    Postgresql(Address),
}

impl Database {
    /// Opens it for work: it is made where there is none, and brought up to date.
    pub async fn open(&self, usage: &str) -> Result<Arc<dyn PageStore>, Trouble> {
        Ok(match self {
            Self::Sqlite(path) => Arc::new(StoreSqlite::open(path, usage, schema()).await?),
            Self::Postgresql(address) => {
                Arc::new(StorePostgresql::open(address, usage, schema_postgresql()).await?)
            }
        })
    }

    /// Opens one that is there, for questions.
    pub async fn look(&self, usage: &str) -> Result<Arc<dyn PageStore>, Trouble> {
        Ok(match self {
            Self::Sqlite(path) => Arc::new(StoreSqlite::look(path, usage, schema()).await?),
            Self::Postgresql(address) => {
                Arc::new(StorePostgresql::look(address, usage, schema_postgresql()).await?)
            }
        })
    }

    /// As it may be shown: without a password.
    pub fn shown(&self) -> String {
        match self {
            Self::Sqlite(path) => path.display().to_string(),
            Self::Postgresql(address) => address.shown(),
        }
    }
}
