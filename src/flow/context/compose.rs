//! The next message about a unit, made from what was told so far: for sources that tell only what is new –
//! points of the equipment, and persons. What comes out is told like any other message, with its whole
//! history, so binding and replay know one form of context only.

use super::{Batch, Message, Phase, Run};
use crate::{
    config::plant::Reported,
    flow::bind::{self, History},
};
use record::Stamp;
use std::sync::Arc;

/// What points of the equipment show, in our words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    pub batch: Arc<str>,
    pub batch_state: Reported,
    pub step: Arc<str>,
    pub state: Reported,
}

/// What a person says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub what: What,
    pub of: Of,
    /// When it took place.
    pub at: Stamp,
}

/// The commands of a batch and of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Start,
    Hold,
    Restart,
    Stop,
    Abort,
    Complete,
}

impl What {
    /// Every command with its word.
    pub const ALL: [(&'static str, Self); 6] = [
        ("start", Self::Start),
        ("hold", Self::Hold),
        ("restart", Self::Restart),
        ("stop", Self::Stop),
        ("abort", Self::Abort),
        ("complete", Self::Complete),
    ];

    /// The state it leads to.
    fn phase(self) -> Phase {
        match self {
            Self::Start | Self::Restart => Phase::Running,
            Self::Hold => Phase::Held,
            Self::Stop => Phase::Stopped,
            Self::Abort => Phase::Aborted,
            Self::Complete => Phase::Complete,
        }
    }
}

/// What it is said of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Of {
    /// The batch with this id; the one in the unit where none is named.
    Batch {
        id: Option<String>,
        product: String,
        recipe: String,
        revision: String,
        size: String,
    },
    /// A step of the batch in the unit.
    Step { id: String, title: String },
}

/// Head of a message that nobody wrote: its number, its moment and its source.
#[derive(Debug, Clone)]
pub struct Head {
    pub number: u64,
    pub sent: Stamp,
    pub source: String,
}

impl Head {
    fn message(self, batch: Option<Batch>, runs: Vec<Run>) -> Message {
        Message {
            number: self.number,
            sent: self.sent,
            source: self.source,
            batch,
            runs,
            recipe_file: None,
        }
    }

    /// Nothing is known of the unit any more, or it is free.
    pub fn nothing(self) -> Message {
        self.message(None, Vec::new())
    }
}

/// What the equipment shows, as a message. A step that is left without a word about its end is complete.
pub fn observed(history: &History, shown: &Shown, head: Head) -> Message {
    let time = head.sent;
    let known = history.batch(&shown.batch);
    let (mut batch, mut runs) = known.map_or_else(|| (fresh(&shown.batch, time), Vec::new()), as_told);
    let seen = runs
        .iter_mut()
        .filter(|run| run.step == shown.step)
        .max_by_key(|run| run.run);
    match (phase(shown.state), seen) {
        (None, _) => {}
        (Some(state), Some(run)) if !run.state.is_over() => become_state(run, state, time),
        (Some(state), Some(run)) if state.is_over() && run.state.is_over() => {}
        (Some(state), seen) => {
            let number = seen.map_or(1, |run| run.run + 1);
            runs.push(Run {
                step: shown.step.clone(),
                title: String::new(),
                run: number,
                state,
                since: None,
                started: time,
                ended: state.is_over().then_some(time),
            });
        }
    }
    let left = phase(shown.state).is_none();
    for run in &mut runs {
        if !run.state.is_over() && (left || run.step != shown.step) {
            // Where nothing was known meanwhile, it was last seen to run when that began.
            let until = known.and_then(|batch| batch.lost).unwrap_or(time);
            become_state(run, Phase::Complete, until);
        }
    }
    if let Some(state) = phase(shown.batch_state) {
        if state != batch.state {
            (batch.state, batch.since) = (state, Some(time));
            batch.ended = state.is_over().then_some(time);
        }
    }
    head.message(Some(batch), runs)
}

/// What a person says, as a message; or why it cannot be meant.
pub fn said(history: &History, said: &Said, head: Head) -> Result<Message, String> {
    match &said.of {
        Of::Batch { id, .. } => {
            let (batch, runs) = batch_said(history, said, id.as_deref())?;
            Ok(head.message(Some(batch), runs))
        }
        Of::Step { id, title } => {
            let current = history.current().ok_or("no batch runs in this unit")?;
            let (batch, mut runs) = as_told(current);
            step_said(&batch, &mut runs, said, id, title)?;
            Ok(head.message(Some(batch), runs))
        }
    }
}

fn batch_said(history: &History, said: &Said, id: Option<&str>) -> Result<(Batch, Vec<Run>), String> {
    let known = match id {
        Some(id) => history.batch(id),
        None => history.current(),
    };
    if said.what == What::Start {
        return match (id, known) {
            (None, _) => Err("a batch that starts needs its id".to_owned()),
            (Some(id), Some(_)) => Err(format!("batch {id} is known here already; restart it instead")),
            (Some(id), None) => {
                let mut batch = fresh(&id.into(), said.at);
                if let Of::Batch {
                    product,
                    recipe,
                    revision,
                    size,
                    ..
                } = &said.of
                {
                    batch.product.clone_from(product);
                    batch.recipe.clone_from(recipe);
                    batch.revision.clone_from(revision);
                    batch.size.clone_from(size);
                }
                Ok((batch, Vec::new()))
            }
        };
    }
    let known = known.ok_or_else(|| match id {
        Some(id) => format!("batch {id} is not known in this unit"),
        None => "no batch runs in this unit".to_owned(),
    })?;
    let (mut batch, mut runs) = as_told(known);
    if batch.state.is_over() {
        return Err(format!("batch {} is {} already", batch.id, batch.state.word()));
    }
    if said.at < batch.started {
        return Err(format!("batch {} began only at {}", batch.id, batch.started));
    }
    (batch.state, batch.since) = (said.what.phase(), Some(said.at));
    if batch.state.is_over() {
        // A batch that another one displaced left the unit when that one came.
        let left = history.until(&batch.id).map_or(said.at, |left| left.min(said.at));
        batch.ended = Some(left);
        for run in runs.iter_mut().filter(|run| !run.state.is_over()) {
            become_state(run, batch.state, left.max(run.started));
        }
    }
    Ok((batch, runs))
}

fn step_said(batch: &Batch, runs: &mut Vec<Run>, said: &Said, id: &str, title: &str) -> Result<(), String> {
    if said.at < batch.started {
        return Err(format!("batch {} began only at {}", batch.id, batch.started));
    }
    let last = runs
        .iter_mut()
        .filter(|run| *run.step == *id)
        .max_by_key(|run| run.run);
    match (said.what, last) {
        (What::Start, Some(run)) if !run.state.is_over() => {
            Err(format!("run {} of {id} is not over", run.run))
        }
        (What::Start, last) => {
            let run = last.map_or(1, |run| run.run + 1);
            runs.push(Run {
                step: id.into(),
                title: title.to_owned(),
                run,
                state: Phase::Running,
                since: None,
                started: said.at,
                ended: None,
            });
            Ok(())
        }
        (_, None) => Err(format!("step {id} has not begun")),
        (_, Some(run)) if run.state.is_over() => {
            Err(format!("run {} of {id} is {} already", run.run, run.state.word()))
        }
        (_, Some(run)) if said.at < run.started => {
            Err(format!("run {} of {id} began only at {}", run.run, run.started))
        }
        (what, Some(run)) => {
            become_state(run, what.phase(), said.at);
            Ok(())
        }
    }
}

fn phase(reported: Reported) -> Option<Phase> {
    match reported {
        Reported::Idle => None,
        Reported::Running => Some(Phase::Running),
        Reported::Held => Some(Phase::Held),
        Reported::Complete => Some(Phase::Complete),
        Reported::Stopped => Some(Phase::Stopped),
        Reported::Aborted => Some(Phase::Aborted),
    }
}

fn become_state(run: &mut Run, state: Phase, time: Stamp) {
    if run.state == state {
        return;
    }
    (run.state, run.since) = (state, Some(time));
    run.ended = state.is_over().then_some(time.max(run.started));
}

fn fresh(id: &Arc<str>, time: Stamp) -> Batch {
    Batch {
        id: id.clone(),
        product: String::new(),
        recipe: String::new(),
        revision: String::new(),
        size: String::new(),
        state: Phase::Running,
        since: None,
        started: time,
        ended: None,
    }
}

/// A batch and its runs as they would be told again.
fn as_told(batch: &bind::Batch) -> (Batch, Vec<Run>) {
    let runs = batch.runs.iter().map(|run| Run {
        step: run.step.clone(),
        title: run.title.clone(),
        run: run.run,
        state: run.state,
        since: None,
        started: run.started,
        ended: run.ended,
    });
    let told = Batch {
        id: batch.id.clone(),
        product: batch.product.clone(),
        recipe: batch.recipe.clone(),
        revision: batch.revision.clone(),
        size: batch.size.clone(),
        state: batch.state,
        since: None,
        started: batch.started,
        ended: batch.ended,
    };
    (told, runs.collect())
}
