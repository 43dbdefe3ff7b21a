//! Which recipe a batch runs under: the shelf of those that are known, who approved them, and the choice.
//!
//! Pure, and rebuilt from the ledger. An approval is a `signature` entry over the file's SHA-256; words in a
//! file never count. `docs/decisions/0015-recipes.md` has the reasons.

use crate::config::{
    plant::SourceFile,
    recipe::{self, Recipe},
};
use record::{Hash, Line, Quantity, Stamp};
use std::{collections::HashMap, fmt::Write, sync::Arc};

/// The meaning of a signature that approves a recipe.
pub const APPROVED: &str = "approved";

/// A recipe's file by its bytes: `sha256:` and what `sha256sum` prints.
pub fn fingerprint(text: &str) -> String {
    let mut print = "sha256:".to_owned();
    for byte in Hash::of(text.as_bytes()).0 {
        // holds because writing to a String never fails
        let _ = write!(print, "{byte:02x}");
    }
    print
}

/// Who approved a file, and by which entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    pub person: String,
    pub seq: u64,
    pub time: Stamp,
}

/// A recipe this gateway knows.
#[derive(Debug, Clone)]
pub struct Known {
    pub recipe: Arc<Recipe>,
    pub fingerprint: String,
    /// It lies in the directory of the configuration that runs.
    pub configured: bool,
}

/// Every recipe that is known, and every approval.
#[derive(Debug, Clone, Default)]
pub struct Shelf {
    known: Vec<Known>,
    approvals: HashMap<String, Approval>,
    /// A file that is being read back in parts.
    parts: HashMap<String, String>,
}

/// What a batch is told to run under.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub recipe: &'a str,
    pub revision: &'a str,
    /// What came with the context, and was understood.
    pub delivered: Option<&'a Recipe>,
    /// Unapproved recipes give no limits.
    pub production: bool,
}

/// What it runs under.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// None where nothing is known by that name.
    pub recipe: Option<Arc<Recipe>>,
    pub approval: Option<Approval>,
    /// Its limits and rules count.
    pub holds: bool,
    /// What a reviewer must look at: a word of `because`, and what it says.
    pub odd: Vec<(&'static str, String)>,
}

impl Shelf {
    /// The recipes of the configuration.
    pub fn of(recipes: &[Recipe]) -> Self {
        let mut shelf = Self::default();
        for recipe in recipes {
            shelf.add(recipe.clone(), true);
        }
        shelf
    }

    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Everything known, in the order it came.
    pub fn known(&self) -> impl Iterator<Item = (&Known, Option<&Approval>)> {
        self.known
            .iter()
            .map(|known| (known, self.approvals.get(&known.fingerprint)))
    }

    /// Puts a recipe on the shelf; the same bytes stand there once.
    pub fn add(&mut self, recipe: Recipe, configured: bool) {
        let fingerprint = fingerprint(&recipe.text);
        match self
            .known
            .iter_mut()
            .find(|known| known.fingerprint == fingerprint)
        {
            Some(known) => known.configured |= configured,
            None => self.known.push(Known {
                recipe: Arc::new(recipe),
                fingerprint,
                configured,
            }),
        }
    }

    /// A person signed these bytes. A later signature takes the place of an earlier one.
    pub fn approve(&mut self, fingerprint: String, approval: Approval) {
        self.approvals.insert(fingerprint, approval);
    }

    /// Takes in one line of the ledger: files of recipes that belong to no batch, and approvals.
    pub fn recall(&mut self, line: &Line<'_>) {
        match line.kind() {
            "file" if line.raw("batch").is_none() => self.recall_part(line),
            "signature" if line.raw("meaning") == Some(APPROVED) => {
                let time = line.raw("time").and_then(Stamp::read);
                if let (Some(target), Some(person), Some(time)) =
                    (line.text("target"), line.text("person"), time)
                {
                    let seq = line.seq();
                    self.approve(target, Approval { person, seq, time });
                }
            }
            _ => {}
        }
    }

    fn recall_part(&mut self, line: &Line<'_>) {
        let Some(name) = line.text("name").filter(|name| name.starts_with("recipes/")) else {
            return;
        };
        if let Some(text) = whole(&mut self.parts, name.clone(), line)
            && let Ok(recipe) = recipe::read(&name, &text)
        {
            self.add(recipe, false);
        }
    }

    /// The newest approval of this revision.
    fn approved(&self, id: &str, revision: &str) -> Option<(&Known, &Approval)> {
        let named = self
            .known
            .iter()
            .filter(|known| known.recipe.id == id && known.recipe.revision == revision);
        named
            .filter_map(|known| Some((known, self.approvals.get(&known.fingerprint)?)))
            .max_by_key(|(_, approval)| approval.seq)
    }

    /// Which recipe holds. Never guesses: without its revision, or under another name, nothing is found.
    pub fn choose(&self, asked: Asked<'_>) -> Chosen {
        let (id, revision) = match asked.delivered {
            Some(recipe) if asked.recipe.is_empty() => (recipe.id.as_str(), recipe.revision.as_str()),
            _ => (asked.recipe, asked.revision),
        };
        let mut odd = Vec::new();
        let delivered = asked.delivered.filter(|recipe| {
            let named = recipe.id == id && recipe.revision == revision;
            if !named {
                let says = format!(
                    "{} rev {} was delivered, and the batch is told to run under {id} rev {revision}",
                    recipe.id, recipe.revision
                );
                odd.push(("recipe-differs", says));
            }
            named
        });
        let configured = self
            .known
            .iter()
            .find(|known| known.configured && known.recipe.id == id && known.recipe.revision == revision);
        if let Some((known, approval)) = self.approved(id, revision) {
            if delivered.is_some_and(|recipe| recipe.text != known.recipe.text) {
                let says = format!(
                    "{id} rev {revision} was delivered with other bytes than {} approved; the approved one holds",
                    approval.person
                );
                odd.push(("recipe-differs", says));
            }
            return Chosen {
                recipe: Some(known.recipe.clone()),
                approval: Some(approval.clone()),
                holds: true,
                odd,
            };
        }
        let offered = delivered.map(|recipe| Arc::new(recipe.clone()));
        let offered = offered.or_else(|| configured.map(|known| known.recipe.clone()));
        match &offered {
            None => odd.push((
                "recipe-missing",
                format!("{id} rev {revision} is not known here; readings are recorded without limits"),
            )),
            Some(recipe) => {
                if configured.is_some_and(|known| known.recipe.text != recipe.text) {
                    let says = format!(
                        "{id} rev {revision} was delivered with other bytes than lie here; the delivered one is taken"
                    );
                    odd.push(("recipe-differs", says));
                }
                if asked.production {
                    let says = format!(
                        "nobody has approved {id} rev {revision}; readings are recorded without limits"
                    );
                    odd.push(("recipe-not-approved", says));
                }
            }
        }
        Chosen {
            holds: offered.is_some() && !asked.production,
            recipe: offered,
            approval: None,
            odd,
        }
    }
}

/// Collects the parts of a file in the order of their entries; the whole text with the last one.
pub(super) fn whole(parts: &mut HashMap<String, String>, key: String, line: &Line<'_>) -> Option<String> {
    let (part, of) = (line.int("part")?, line.int("of")?);
    let text = line.data_text("text")?;
    let known = parts.entry(key.clone()).or_default();
    if part == 1 {
        known.clear();
    }
    known.push_str(&text);
    if part == of { parts.remove(&key) } else { None }
}

/// The targets of a batch of this size, as a file: what the recipe's amounts come to, and within which limits.
pub fn targets(recipe: &Recipe, batch: &str, size: Option<&Quantity>) -> SourceFile {
    let mut text = format!(
        "# What {} rev {} comes to for {batch}. Made by the gateway from {}.\nformat   = 1\nrecipe   = {:?}\nrevision = {:?}\nsha256   = {:?}\n",
        recipe.id,
        recipe.revision,
        recipe.file,
        recipe.id,
        recipe.revision,
        fingerprint(&recipe.text)
    );
    let mut say = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    if let Some(size) = size {
        say(format!("size     = {:?}", size.to_string()));
    }
    let scale = size.and_then(|size| recipe.scale(size));
    for step in &recipe.steps {
        for line in &step.lines {
            let scaled = if line.fixed {
                Some(line.target.clone())
            } else {
                scale.and_then(|scale| line.target_for(scale))
            };
            let window = scaled.as_ref().and_then(|target| line.tolerance.around(target));
            let (Some(target), Some(window)) = (scaled, window) else {
                continue;
            };
            say(format!(
                "\n[[line]]\nline     = {:?}\nstep     = {:?}\nmaterial = {:?}",
                line.line, step.id, line.material
            ));
            say(format!("target   = {:?}", target.to_string()));
            say(format!("low      = \"{} {}\"", window.low, target.unit));
            say(format!("high     = \"{} {}\"", window.high, target.unit));
        }
    }
    SourceFile {
        name: "targets.toml".to_owned(),
        text,
        edition: None,
    }
}

#[cfg(test)]
mod tests;
