//! Closed segments are compressed once the record store has all of them: until then delivery reads them where they lie.

use crate::{
    flow::{
        ledger,
        needs::{Clock, Disk},
    },
    ports::index::Index,
};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// How often it looks for a segment to compress.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Compresses one segment at a time until told to stop. What fails is tried again later; nothing is lost by it.
pub async fn pack(index: Index, disk: Arc<dyn Disk>, clock: Arc<dyn Clock>, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = clock.sleep(LOOK_EVERY) => {}
        }
        let Some(number) = next(&index, disk.as_ref()).await else {
            continue;
        };
        let disk = disk.clone();
        let done = tokio::task::spawn_blocking(move || ledger::compress(disk.as_ref(), number)).await;
        match done {
            Ok(Ok((before, after))) if after < before => {
                tracing::info!(segment = number, before, after, "a closed segment is compressed");
            }
            Ok(Ok(_)) => {}
            Ok(Err(trouble)) => tracing::warn!(name = trouble.name, "{trouble}"),
            Err(error) => tracing::error!(%error, "compressing ended; the plain segment stays"),
        }
    }
}

/// The oldest plain segment below the one being written, and below the first page without receipt.
async fn next(index: &Index, disk: &dyn Disk) -> Option<u64> {
    let writing = index.last().await.ok()??.segment;
    let pending = index
        .first_pending()
        .await
        .ok()?
        .map_or(writing, |place| place.segment);
    let below = writing.min(pending);
    // A segment with a torn tail stays plain for ever; it is looked at once a run at most.
    let tried: u64 = index
        .note("packed-to")
        .await
        .ok()?
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    let number = ledger::segments(disk)
        .ok()?
        .into_iter()
        .find(|(number, compressed)| !compressed && *number < below && *number > tried)
        .map(|(number, _)| number)?;
    index.set("packed-to", &number.to_string()).await.ok()?;
    Some(number)
}
