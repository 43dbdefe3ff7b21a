//! How fast pages become durable: read, judged and committed as in the running store, from memory.

use super::{
    act,
    judge::{self, Enrolment},
};
use crate::flow::needs::{Clock, PageStore};
use record::{Signer, Trouble};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;

/// What was measured.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// Pages taken.
    pub pages: u64,
    /// Entries on them.
    pub entries: u64,
    /// How long it took, receipts signed.
    pub took: Duration,
}

impl Measured {
    /// Entries a second.
    pub fn entries_per_second(&self) -> f64 {
        self.entries as f64 / self.took.as_secs_f64().max(1e-9)
    }
}

/// Takes these pages, so many to a commit; the next are read while one commit is under way, as in the
/// running store.
pub async fn ingest(
    store: &dyn PageStore,
    enrolment: &Enrolment,
    signer: &dyn Signer,
    clock: &dyn Clock,
    pages: Vec<Vec<u8>>,
    together: usize,
) -> Result<Measured, Trouble> {
    let begun = clock.elapsed();
    let (to_writer, mut read) = mpsc::channel(1);
    let pages = Arc::new(pages);
    let reading = tokio::task::spawn_blocking({
        let pages = Arc::clone(&pages);
        move || {
            for chunk in pages.chunks(together.max(1)) {
                let arrived = chunk
                    .iter()
                    .map(|page| judge::open("bench", page.clone()))
                    .collect();
                if to_writer.blocking_send(arrived).is_err() {
                    return;
                }
            }
        }
    });
    let mut made = act::Made::default();
    while let Some(arrived) = read.recv().await {
        let (one, _receipts) = act::take(store, enrolment, signer, arrived, clock.now()).await?;
        made.add(one);
    }
    // holds because it ends when everything was sent
    let _ = reading.await;
    Ok(Measured {
        pages: made.pages,
        entries: made.entries,
        took: clock.elapsed().saturating_sub(begun),
    })
}
