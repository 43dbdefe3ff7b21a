//! Make another configuration the one that runs: validated whole, entered with who and why, then only what is
//! different is changed.

use super::{Act, Asked, Carry, Core, Ears};
use crate::{
    config::{self, Source},
    daemon::opening::enter_configuration,
    flow::{line::LineEvent, needs::Waiting},
};
use record::Trouble;
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "apply",
    carry: Carry::Longer(carry_out),
};

/// A change of configuration.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Apply {
    name: String,
    text: String,
    drivers: Vec<(String, String)>,
    #[serde(default)]
    recipes: Vec<(String, String)>,
    pub(crate) by: String,
    pub(crate) reason: String,
}

impl Apply {
    pub(crate) fn new(source: &Source, by: String, reason: String) -> Self {
        Self {
            name: source.name.clone(),
            text: source.text.clone(),
            drivers: source.drivers.clone(),
            recipes: source.recipes.clone(),
            by,
            reason,
        }
    }

    pub(crate) fn source(&self) -> Source {
        Source {
            name: self.name.clone(),
            text: self.text.clone(),
            drivers: self.drivers.clone(),
            recipes: self.recipes.clone(),
        }
    }
}

fn carry_out<'a>(
    core: &'a mut Core,
    ears: &'a mut Ears,
    asked: Asked,
) -> Waiting<'a, Result<String, Trouble>> {
    Box::pin(async move {
        let act: Apply = asked.read()?;
        let plant = acceptable(&act, &core.plant)?;
        let changes = config::difference(&core.plant, &plant);
        let text: Vec<String> = changes.iter().map(|change| change.says.clone()).collect();
        let now = core.clock.now();
        let written = text.join("; ").chars().take(8000).collect::<String>();
        let entered = enter_configuration(
            &mut core.recorder,
            "applied",
            &plant.files,
            &act.by,
            &act.reason,
            &written,
            now,
        );
        core.hand_on()?;
        core.event(LineEvent::GatewayEntry {
            seq: entered.seq,
            leaf: entered.leaf,
            kind: "configuration".into(),
            time: now,
        })?;
        // The line goes on under the new configuration with everything it knew: it is built again from the ledger.
        core.event(LineEvent::Stopping { now })?;
        core.keep_figures(true);
        core.settle(ears).await?;
        let index = &core.links.index;
        let kept = index.kept_now().await?;
        let mut line = crate::daemon::start::recalled(&plant, &kept, index, core.disk.as_ref()).await?;
        line.rests_on_drafts(core.state.accepted.drafts(&plant));
        line.books_go_on(core.line.booked());
        core.line = line;
        core.links.change(&plant, &core.state.standings);
        core.stations.desk.change(&plant);
        core.stations.zone = crate::flow::local::zone(&plant.gateway.zone);
        core.plant = plant;
        core.declare_all()?;
        core.state
            .calls
            .retain(|call| !call.id.starts_with("configuration"));
        Ok(text.join("\n"))
    })
}

/// A configuration that may take the place of the running one.
pub(crate) fn acceptable(
    act: &Apply,
    running: &config::plant::Plant,
) -> Result<config::plant::Plant, Trouble> {
    let unchanged = "the running configuration stays; nothing that was recorded changes";
    let source = act.source();
    let plant = config::read(source.clone()).map_err(|complaints| {
        let words: Vec<String> = complaints
            .iter()
            .map(|complaint| source.render(complaint))
            .collect();
        Trouble::new(
            "configuration-refused",
            format!("{} things are wrong with it\n{}", words.len(), words.join("\n")),
        )
        .at(&source.name)
        .means(unchanged)
        .so("mend them all, run `steelyard check`, then apply again")
    })?;
    let (old, new) = (&running.gateway, &plant.gateway);
    let fixed = [
        ("name", old.name == new.name),
        ("use", old.usage == new.usage),
        ("ledger", old.ledger == new.ledger),
        ("signing_key", old.signing_key == new.signing_key),
    ];
    if let Some((key, _)) = fixed.iter().find(|(_, same)| !same) {
        return Err(Trouble::new(
            "configuration-fixed",
            format!("[gateway] {key} cannot change while a ledger is in use"),
        )
        .at(&source.name)
        .means(unchanged)
        .so("another name, use or ledger is another gateway: begin one with its own ledger"));
    }
    Ok(plant)
}
