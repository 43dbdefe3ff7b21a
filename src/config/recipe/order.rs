//! The order of steps: each comes after the one before it, or after those it names.

use super::Step;
use crate::config::{block::Page, near::nearest};
use driver::Complaint;
use std::collections::BTreeMap;

/// Steps once each, predecessors that exist, and no circle.
pub(super) fn check(page: &Page, steps: &[Step]) {
    let mut first: BTreeMap<&str, &Step> = BTreeMap::new();
    for step in steps {
        if let Some(before) = first.get(step.id.as_str()) {
            page.add(
                Complaint::new("step-twice", format!("the step {:?} stands twice", step.id))
                    .mark(step.place.clone(), "again here")
                    .mark(before.place.clone(), "first here")
                    .why("a reading is bound to a step by its id")
                    .help("give each step its own id; a step that is repeated has run 2"),
            );
        } else {
            first.insert(&step.id, step);
        }
    }
    for step in steps {
        for before in &step.after {
            if !first.contains_key(before.as_str()) {
                no_such_step(page, step, before, steps);
            }
        }
    }
    if first.len() == steps.len()
        && let Some(step) = in_a_circle(steps)
    {
        page.add(
            Complaint::new("steps-in-a-circle", format!("{:?} comes after itself", step.id))
                .mark(step.place.clone(), "no step of this circle can begin")
                .help("take one `after` of the circle out"),
        );
    }
}

fn no_such_step(page: &Page, step: &Step, before: &str, steps: &[Step]) {
    let meant = nearest(before, steps.iter().map(|step| step.id.as_str()));
    let meant = meant.map_or_else(String::new, |meant| format!("did you mean {meant:?}?\n"));
    let all: Vec<&str> = steps.iter().map(|step| step.id.as_str()).collect();
    page.add(
        Complaint::new(
            "no-such-step",
            format!("{:?} comes after {before:?}, which is no step here", step.id),
        )
        .mark(step.place.clone(), "")
        .help(format!("{meant}steps of this recipe: {}", all.join(", "))),
    );
}

/// A step that waits for itself; steps are taken away as they can begin, and what stays waits for ever.
fn in_a_circle(steps: &[Step]) -> Option<&Step> {
    let known = |id: &String| steps.iter().any(|step| step.id == *id);
    let mut left: Vec<&Step> = steps.iter().collect();
    loop {
        let waiting = |step: &&Step| {
            step.after
                .iter()
                .any(|before| known(before) && left.iter().any(|other| other.id == *before))
        };
        let still: Vec<&Step> = left.iter().copied().filter(waiting).collect();
        if still.len() == left.len() {
            return still.into_iter().next();
        }
        left = still;
    }
}
