//! Approve a recipe: its file is entered, then a person's signature over its SHA-256.

use super::{Act, Asked, Carry, Core};
use crate::{
    config::{self, recipe},
    flow::{
        control::{APPROVED, Approval, fingerprint},
        files::enter_file,
        line::LineEvent,
    },
};
use record::{Draft, Trouble};
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "recipe-approve",
    carry: Carry::Now(carry_out),
};

/// Who may approve what products ask for.
const APPROVERS: &[&str] = &["reviewer", "supervisor"];

#[derive(Serialize, Deserialize)]
pub(crate) struct RecipeApprove {
    /// As the person named it.
    pub(crate) file: String,
    pub(crate) text: String,
    pub(crate) reason: String,
    pub(crate) by: String,
    pub(crate) secret: String,
}

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let what: RecipeApprove = asked.read()?;
    let person = core.person(asked, APPROVERS)?;
    let recipe = understood(core, &what.file, &what.text)?;
    let (now, target) = (core.clock.now(), fingerprint(&recipe.text));
    enter_file(&mut core.recorder, &recipe.file, &recipe.text, None, now);
    core.hand_on()?;
    let signature = Draft::new("signature", now)
        .with("meaning", APPROVED)
        .with("target", target.as_str())
        .with("person", person.id.as_str())
        .data("name", person.name.as_str())
        .data("method", "password")
        .data("zone", core.plant.gateway.zone.as_str())
        .data(
            "text",
            format!("{} rev {}: {}", recipe.id, recipe.revision, what.reason),
        );
    let seq = core.enter(signature)?.seq;
    let said = format!(
        "{} rev {} is approved by {} ({target}); batches that begin from now on may run under it",
        recipe.id, recipe.revision, person.name
    );
    core.event(LineEvent::RecipeApproved {
        recipe: Box::new(recipe),
        approval: Approval {
            person: person.id,
            seq,
            time: now,
        },
        now,
    })?;
    Ok(said)
}

/// A recipe this plant can run, or everything that is wrong with it.
pub(super) fn understood(core: &Core, file: &str, text: &str) -> Result<recipe::Recipe, Trouble> {
    let bare = file.rsplit('/').next().unwrap_or(file);
    let wrong = match recipe::read(&config::recipe_name(bare), text) {
        Ok(recipe) => match recipe::against(&recipe, &core.plant) {
            (wrong, _) if wrong.is_empty() => return Ok(recipe),
            (wrong, _) => wrong,
        },
        Err(wrong) => wrong,
    };
    let words: Vec<String> = wrong
        .iter()
        .map(|complaint| config::render(complaint, Some(text)))
        .collect();
    Err(Trouble::new(
        "recipe-refused",
        format!("{} things are wrong with it\n{}", words.len(), words.join("\n")),
    )
    .at(file)
    .means("nothing was entered; what is approved stays approved")
    .so("mend them all: `steelyard recipe check` says the same without a gateway"))
}
