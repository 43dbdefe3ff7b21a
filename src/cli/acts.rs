//! Acts on a gateway from the machine itself: through the running gateway, or, where none runs, on its ledger.

use super::life;
use crate::{
    config::{self, Source},
    daemon::{
        control::{Apply, acceptable},
        opening::{self, Open},
        requests::{Reply, Request},
        sealing::{FromSealer, Sealer, ToSealer},
    },
    flow::seal::PageMaker,
    ports::control,
};
use record::Trouble;
use std::path::PathBuf;
use tokio::sync::mpsc;

/// The ledger a configuration names.
pub(super) fn ledger_of(source: &Source) -> Result<PathBuf, Trouble> {
    let named = source
        .text
        .parse::<toml::Table>()
        .ok()
        .and_then(|table| Some(PathBuf::from(table.get("gateway")?.get("ledger")?.as_str()?)));
    named.ok_or_else(|| {
        Trouble::new("no-such-ledger", "this configuration names no ledger")
            .at(&source.name)
            .means("nothing was read and nothing was changed")
            .so("write ledger = \"/var/lib/steelyard/…\" into [gateway]")
    })
}

/// Asks the running gateway; `None` when none runs.
pub(super) async fn ask(source: &Source, request: &Request) -> Result<Option<Reply>, Trouble> {
    let text = serde_json::to_string(request).unwrap_or_default();
    let Some(answer) = control::ask(&ledger_of(source)?, &text).await? else {
        return Ok(None);
    };
    serde_json::from_str(&answer).map(Some).map_err(|_| {
        Trouble::new(
            "gateway-not-reached",
            "the running gateway gave no answer that can be read",
        )
        .means("whether it was done is not known here; the ledger says it")
        .so("look with `steelyard ledger show --last 5`")
    })
}

/// Enters another configuration while no gateway runs; says what is different.
pub(super) async fn apply_while_stopped(act: &Apply) -> Result<String, Trouble> {
    while_stopped(act.source.clone(), |open| {
        let plant = acceptable(act, &open.plant)?;
        let changes = config::difference(&open.plant, &plant)
            .into_iter()
            .map(|change| change.says);
        let (now, changes) = (open.now, changes.collect::<Vec<_>>());
        opening::enter_configuration(
            open,
            "applied",
            &plant.files,
            &act.by,
            &act.reason,
            &changes.join("; "),
            now,
        );
        Ok(changes.join("\n"))
    })
    .await
}

/// Opens the ledger while no gateway runs, lets `act` enter what it has to, and makes it durable.
pub(super) async fn while_stopped<T>(
    source: Source,
    act: impl FnOnce(&mut Open) -> Result<T, Trouble>,
) -> Result<T, Trouble> {
    let outside = life::outside();
    let mut open = opening::open(source, false, &outside)
        .await
        .map_err(|refusals| life::not_started(&refusals))?;
    let done = act(&mut open)?;
    let now = outside.clock.now();
    open.stop(now);
    let lines = open.recorder.take();
    let maker = PageMaker::new(
        open.identity.clone(),
        open.signer.clone(),
        open.head,
        open.plant.gateway.seal_within,
        open.plant.gateway.page_bytes,
    );
    let (input, from_here) = std::sync::mpsc::sync_channel(lines.len() + 1);
    let (output, mut sealed) = mpsc::unbounded_channel();
    for line in lines {
        // holds because the channel has room for all of them
        let _ = input.try_send(ToSealer::Line(line));
    }
    // holds because the channel has room for it
    let _ = input.try_send(ToSealer::Stop);
    let sealer = Sealer {
        maker,
        writer: open.writer,
        high_water: open.high_water,
        clock: outside.clock.clone(),
        input: from_here,
        output,
    };
    sealer
        .start()
        .map_err(|error| Trouble::new("no-thread", format!("the sealer's thread cannot start: {error}")))?;
    while let Some(word) = sealed.recv().await {
        match word {
            FromSealer::Captured(..) => {}
            FromSealer::Ended => return Ok(done),
            FromSealer::Failed(trouble) => return Err(trouble),
        }
    }
    Err(Trouble::new(
        "sealer-gone",
        "the sealer ended before everything was captured",
    ))
}
