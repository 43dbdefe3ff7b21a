//! What lies closed is checked in the background, once after every start: every page of every segment but the newest,
//! which was checked before anything was captured. Half of one core at most.

use crate::flow::{
    ledger,
    needs::{Clock, Disk},
    proof::{self, Progress},
};
use record::KeySet;
use std::{io, sync::Arc, time::Duration};
use tokio::sync::{mpsc, watch};

/// A segment that does not hold.
#[derive(Debug)]
pub(crate) struct Damaged {
    /// `segment-000001.pages`, however it stands.
    pub(crate) segment: String,
    /// What does not hold first, and how much more.
    pub(crate) found: String,
}

/// What checking needs.
pub(super) struct Proving {
    pub(super) disk: Arc<dyn Disk>,
    pub(super) keys: KeySet,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) progress: watch::Sender<Progress>,
    pub(super) found: mpsc::Sender<Damaged>,
    pub(super) stop: watch::Receiver<bool>,
}

/// A start is through before this begins.
const AFTER: Duration = Duration::from_secs(2);

impl Proving {
    /// Checks every closed segment, oldest first.
    pub(super) async fn run(mut self) {
        let closed = match ledger::segments(self.disk.as_ref()) {
            Ok(mut all) => {
                all.pop();
                all
            }
            Err(error) => return tracing::error!(%error, "the ledger cannot be listed; it is not checked"),
        };
        self.progress
            .send_modify(|progress| progress.all = closed.len() as u64);
        if self.wait(AFTER).await {
            return;
        }
        let mut said = 0;
        for (number, _) in closed {
            let begun = self.clock.elapsed();
            let (disk, keys) = (self.disk.clone(), self.keys.clone());
            let checked = tokio::task::spawn_blocking(move || check(disk.as_ref(), &keys, number)).await;
            let Ok(found) = checked else { return };
            self.tell(number, found).await;
            let percent = self.progress.borrow().percent();
            if percent >= said + 10 {
                said = percent - percent % 10;
                tracing::info!(percent, "closed segments are being checked");
            }
            let took = self.clock.elapsed().saturating_sub(begun);
            if self.wait(took.max(Duration::from_millis(1))).await {
                return;
            }
        }
        let now = self.clock.now();
        self.progress
            .send_modify(|progress| progress.finished = Some(now));
        let progress = self.progress.borrow().clone();
        tracing::info!(
            segments = progress.all,
            damaged = progress.damaged,
            "every closed segment is checked"
        );
    }

    async fn tell(&self, number: u64, found: Vec<String>) {
        self.progress.send_modify(|progress| {
            progress.checked += 1;
            progress.damaged += u64::from(!found.is_empty());
        });
        let Some(first) = found.first() else { return };
        let more = match found.len() {
            1 => String::new(),
            many => format!(", and {} more", many - 1),
        };
        let damaged = Damaged {
            segment: ledger::segment_name(number),
            found: format!("{first}{more}"),
        };
        // holds because a gateway that has ended checks again at its next start
        let _ = self.found.send(damaged).await;
    }

    /// Whether the gateway stops meanwhile.
    async fn wait(&mut self, time: Duration) -> bool {
        tokio::select! {
            _ = self.stop.wait_for(|stop| *stop) => true,
            () = self.clock.sleep(time) => false,
        }
    }
}

/// A segment that is compressed just now is looked for again under its other name.
fn check(disk: &dyn Disk, keys: &KeySet, number: u64) -> Vec<String> {
    let mut found = proof::segment(disk, keys, number);
    if found
        .as_ref()
        .is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    {
        found = proof::segment(disk, keys, number);
    }
    match found {
        Ok(problems) => problems.iter().map(proof::words).collect(),
        Err(error) => vec![format!(
            "{} cannot be read: {error}",
            ledger::segment_name(number)
        )],
    }
}
