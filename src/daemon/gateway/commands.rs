//! What a person has equipment do: who asked is an entry before anything is sent, what became of it is another,
//! and whoever asked is told when that is captured.

use super::{Core, Waiter};
use crate::flow::{
    accept,
    link::{Commanded, Order},
    people::Person,
};
use driver::Outcome;
use record::{Draft, Stamp, Trouble};
use std::{collections::BTreeMap, time::Duration};
use tokio::sync::oneshot;

/// Commands under way, by the entry that says who asked.
pub(crate) type Orders = BTreeMap<u64, Ordered>;

pub(crate) struct Ordered {
    tag: String,
    command: String,
    since: Duration,
    answer: Option<oneshot::Sender<Result<String, Trouble>>>,
}

impl Core {
    /// Enters who wants it and has it sent. Answers with the number it is known by.
    pub(in crate::daemon) fn order(
        &mut self,
        (tag, command): (&str, &str),
        person: &Person,
        reason: &str,
    ) -> Result<u64, Trouble> {
        let equipment = self.plant.equipment.get(tag).ok_or_else(|| {
            Trouble::new(
                "no-such-equipment",
                format!("{tag} is not equipment of this gateway"),
            )
            .means("nothing was sent and nothing was entered")
            .so("steelyard equipment list shows what there is")
        })?;
        if !equipment.allow.iter().any(|allowed| allowed == command) {
            return Err(Trouble::new("command-not-allowed", format!("{command} is not allowed on {tag}"))
                .at(tag)
                .means("nothing was sent: what its configuration does not name is never written to equipment")
                .so(format!(
                    "do it at the instrument; or have an engineer write allow = [\"{command}\"] in [equipment.{tag}]"
                )));
        }
        let draft = written(tag, command, "asked", self.clock.now()).data("by", person.id.as_str());
        let draft = if reason.is_empty() {
            draft
        } else {
            draft.data("reason", reason)
        };
        let number = self.enter(draft)?.seq;
        let ordered = Ordered {
            tag: tag.to_owned(),
            command: command.to_owned(),
            since: self.clock.elapsed(),
            answer: None,
        };
        self.state.orders.insert(number, ordered);
        let order = Order::Command {
            tag: tag.to_owned(),
            command: command.to_owned(),
            number,
        };
        self.links.tell(tag, order);
        Ok(number)
    }

    /// Who asked is told what became of it, once that is captured.
    pub(in crate::daemon) fn when_done(
        &mut self,
        number: u64,
        answer: oneshot::Sender<Result<String, Trouble>>,
    ) {
        if let Some(ordered) = self.state.orders.get_mut(&number) {
            ordered.answer = Some(answer);
        }
    }

    /// The line says what became of it.
    pub(in crate::daemon) fn commanded(&mut self, commanded: Commanded) -> Result<(), Trouble> {
        let Commanded {
            tag,
            command,
            number,
            outcome,
            raw,
            at,
        } = commanded;
        let state = match &outcome {
            Ok(Outcome::Done) => "done",
            Ok(Outcome::Sent) => "sent",
            Ok(Outcome::Refused(_)) => "refused",
            Ok(Outcome::Unproven(_)) => "not-proven",
            Err(_) => "not-sent",
        };
        let says = match &outcome {
            Ok(outcome) => outcome.to_string(),
            Err(because) => format!("not sent: {because}"),
        };
        let mut draft = written(&tag, &command, state, at).with("about", number);
        draft = draft.data("says", says.as_str());
        if !raw.is_empty() {
            draft = draft.data("raw", accept::hex(&raw));
        }
        let seq = self.enter(draft)?.seq;
        let answer = self
            .state
            .orders
            .remove(&number)
            .and_then(|ordered| ordered.answer);
        if let Some(answer) = answer {
            let told = in_words(&tag, &command, &says, &outcome);
            self.when_captured(seq, Waiter::Answer(answer, told));
        }
        Ok(())
    }

    /// A line that was made anew meanwhile says nothing of what it was asked before.
    pub(in crate::daemon) fn orders_overdue(&mut self) -> Result<(), Trouble> {
        let now = self.clock.elapsed();
        let overdue = |ordered: &Ordered| now.saturating_sub(ordered.since) > ENDS_WITHIN;
        let over = self.state.orders.iter().find(|(_, ordered)| overdue(ordered));
        let Some((number, ordered)) = over else {
            return Ok(());
        };
        let commanded = Commanded {
            tag: ordered.tag.clone(),
            command: ordered.command.clone(),
            number: *number,
            outcome: Ok(Outcome::Unproven(record::Failure::Silent)),
            raw: Vec::new(),
            at: self.clock.now(),
        };
        self.commanded(commanded)
    }
}

fn written(tag: &str, command: &str, state: &'static str, at: Stamp) -> Draft {
    Draft::new("command", at)
        .with("equipment", tag)
        .with("command", command)
        .with("state", state)
}

/// What a person hears: what is proven, and no more.
fn in_words(
    tag: &str,
    command: &str,
    says: &str,
    outcome: &Result<Outcome, &'static str>,
) -> Result<String, Trouble> {
    let failed = |what: String, so: &str| {
        Err(Trouble::new("command-not-done", what)
            .at(tag)
            .means("that it was asked for and what came of it are entries; readings go on as before")
            .so(so))
    };
    match outcome {
        Ok(Outcome::Done) => Ok(format!("{tag}: {command} done")),
        Ok(Outcome::Sent) => Ok(format!(
            "{tag}: {command} sent; this instrument never says whether it did it, so look at its display"
        )),
        Ok(Outcome::Refused(_)) => failed(
            format!("{tag} did not do {command}: {says}"),
            "wait until it is still and in range, then try again",
        ),
        Ok(Outcome::Unproven(_)) => failed(
            format!("whether {tag} did {command} is not known: {says}"),
            "look at its display before you go on",
        ),
        Err(_) => failed(
            format!("{command} was not sent to {tag}: {says}"),
            "see what its line says with `steelyard equipment list`, then try again",
        ),
    }
}

/// The slowest exchange of any driver, with its proof, is long over by then.
const ENDS_WITHIN: Duration = Duration::from_secs(20);
