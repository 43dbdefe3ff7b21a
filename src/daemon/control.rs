//! Acts on a running gateway: what a person does on the machine, through a socket that only the gateway's user may
//! open. Each is an entry with who and why before it has effect.

use super::gateway::{Core, Ears, Waiter};
use crate::{
    config::{self, Source},
    daemon::opening::enter_configuration,
    flow::{
        line::{Line, LineEvent},
        people::NewPerson,
    },
};
use record::{Draft, Trouble};
use tokio::sync::oneshot;

/// A request and where its answer goes.
pub struct Control {
    pub asked: Asked,
    pub answer: oneshot::Sender<Result<String, Trouble>>,
}

/// What can be asked.
#[derive(Debug)]
pub enum Asked {
    /// How the record stands, as JSON.
    Status,
    /// Make another configuration the one that runs.
    Apply(Apply),
    /// Add a person, or give one another role or secret.
    AddUser(NewPerson),
    /// Cover later entries of a batch by a further closing.
    Close { batch: String },
}

/// A change of configuration.
#[derive(Debug)]
pub struct Apply {
    pub source: Source,
    pub by: String,
    pub reason: String,
}

impl Core {
    /// Validates the whole, enters it with who and why, then changes only what is different.
    pub(super) async fn apply(
        &mut self,
        act: Apply,
        answer: oneshot::Sender<Result<String, Trouble>>,
        ears: &mut Ears,
    ) -> Result<(), Trouble> {
        let plant = match acceptable(&act, &self.plant) {
            Ok(plant) => plant,
            Err(trouble) => {
                // holds because who asked may have gone
                let _ = answer.send(Err(trouble));
                return Ok(());
            }
        };
        let changes = config::difference(&self.plant, &plant);
        let text: Vec<String> = changes.iter().map(|change| change.says.clone()).collect();
        let now = self.clock.now();
        let written = text.join("; ").chars().take(8000).collect::<String>();
        let entered = enter_configuration(
            &mut self.recorder,
            "applied",
            &plant.files,
            &act.by,
            &act.reason,
            &written,
            now,
        );
        self.hand_on()?;
        self.event(LineEvent::GatewayEntry {
            seq: entered.seq,
            leaf: entered.leaf,
            kind: "configuration".into(),
            time: now,
        })?;
        // The line goes on under the new configuration with everything it knew: it is built again from the ledger.
        self.event(LineEvent::Stopping { now })?;
        self.settle(ears).await?;
        let mut line = Line::new(&plant);
        super::start::recall(&mut line, &self.links.index, self.disk.as_ref()).await?;
        self.line = line;
        self.links.change(&plant);
        self.plant = plant;
        self.state
            .calls
            .retain(|call| !call.id.starts_with("configuration"));
        let last = self.recorder.next() - 1;
        self.when_captured(last, Waiter::Answer(answer, text.join("\n")));
        Ok(())
    }

    pub(super) fn add_user(
        &mut self,
        person: NewPerson,
        answer: oneshot::Sender<Result<String, Trouble>>,
    ) -> Result<(), Trouble> {
        let now = self.clock.now();
        let drafts: Vec<Draft> = match self.people.add(&person, now) {
            Ok(drafts) => drafts,
            Err(trouble) => {
                // holds because who asked may have gone
                let _ = answer.send(Err(trouble));
                return Ok(());
            }
        };
        for draft in drafts {
            self.enter(draft)?;
        }
        let last = self.recorder.next() - 1;
        self.when_captured(last, Waiter::Answer(answer, format!("{} is entered", person.id)));
        Ok(())
    }
}

/// A configuration that may take the place of the running one.
pub fn acceptable(act: &Apply, running: &config::plant::Plant) -> Result<config::plant::Plant, Trouble> {
    let unchanged = "the running configuration stays; nothing that was recorded changes";
    let plant = config::read(act.source.clone()).map_err(|complaints| {
        let words: Vec<String> = complaints
            .iter()
            .map(|complaint| act.source.render(complaint))
            .collect();
        Trouble::new(
            "configuration-refused",
            format!("{} things are wrong with it\n{}", words.len(), words.join("\n")),
        )
        .at(&act.source.name)
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
        .at(&act.source.name)
        .means(unchanged)
        .so("another name, use or ledger is another gateway: begin one with its own ledger"));
    }
    Ok(plant)
}
