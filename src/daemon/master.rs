//! Master data on its way: taken apart and written to its file beside the core, so that a list of thousands of lots
//! delays no reading; entered by the core; and in effect from then on.
//!
//! What is held lies in `master/` beside the segments, one file for each kind, named by its SHA-256. The entry that
//! took it names that hash, so a file that somebody changed is noticed at the next start and not used.

use super::gateway::Core;
use crate::{
    flow::{
        board::Urgency,
        master::{
            Content, Kind, Message, Outcome, Store,
            item::PersonStatus,
            known::{Change, Counts},
            message, shelf,
        },
        needs::{self, Files},
    },
    ports::{
        files::{SystemFiles, make_directory, remove_file},
        index::Kept,
    },
};
use record::{Draft, Hash, Line, Stamp, Trouble};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::{mpsc, oneshot, watch};

/// Messages that only confirm are entered so often at most.
const CONFIRMED_EVERY_MS: i64 = 3_600_000;
/// The same refusal is entered again only after this time: a mad source must not fill the disk.
const REFUSED_AGAIN_MS: i64 = 60_000;
/// So many ids are named in an entry.
const NAMED: usize = 20;

/// How something came.
#[derive(Debug, Clone)]
pub(crate) enum Came {
    /// By its topic or by HTTP.
    Told,
    /// A person took it from a file.
    Imported {
        file: String,
        by: String,
        reason: String,
    },
}

/// Master data ready to be entered: what is held then is in its file already.
pub(crate) struct Prepared {
    pub(super) base: Arc<Store>,
    pub(super) after: Store,
    pub(super) outcome: Outcome,
    /// SHA-256 of the file; none where no file was needed.
    pub(super) held: Option<Hash>,
}

/// What the keeper hears: a kind, the bytes, and whoever waits for the answer.
pub(crate) struct Arrived {
    pub(super) kind: Kind,
    pub(super) bytes: Vec<u8>,
    pub(super) answer: Option<oneshot::Sender<Result<String, Trouble>>>,
}

/// What the keeper hands to the core.
pub(crate) struct Ready {
    pub(super) kind: Kind,
    pub(super) prepared: Result<Prepared, Trouble>,
    pub(super) answer: Option<oneshot::Sender<Result<String, Trouble>>>,
    /// Whether it was taken; if not, something else came first and it is prepared again.
    pub(super) taken: oneshot::Sender<bool>,
}

/// Prepares one message after the other.
pub(super) async fn keep(
    mut arrived: mpsc::UnboundedReceiver<Arrived>,
    ready: mpsc::Sender<Ready>,
    known: watch::Receiver<Arc<Store>>,
    folder: PathBuf,
    clock: Arc<dyn needs::Clock>,
) {
    while let Some(Arrived {
        kind,
        bytes,
        mut answer,
    }) = arrived.recv().await
    {
        loop {
            let (base, folder, now) = (known.borrow().clone(), folder.clone(), clock.now());
            let read = bytes.clone();
            let work =
                move || message::read(kind, &read).and_then(|message| prepare(&base, &message, &folder, now));
            let Ok(prepared) = tokio::task::spawn_blocking(work).await else {
                break;
            };
            let (taken, wait) = oneshot::channel();
            let word = Ready {
                kind,
                prepared,
                answer: answer.take(),
                taken,
            };
            if ready.send(word).await.is_err() {
                return;
            }
            if wait.await.unwrap_or(true) {
                break;
            }
        }
    }
}

/// Tries a message on what is known, and writes the file where it changes anything worth a file.
pub(crate) fn prepare(
    base: &Arc<Store>,
    message: &Message,
    folder: &Path,
    now: Stamp,
) -> Result<Prepared, Trouble> {
    let before = base.shelf(message.kind).map(newest);
    let (after, outcome) = base.take(message, now);
    let counts = outcome.counts();
    let stale = before.is_none_or(|before| now.ms_since(before) >= CONFIRMED_EVERY_MS);
    let write = !outcome.again && (counts.changes() || counts.confirmed > 0 && stale);
    let held = if write {
        Some(write_file(&after, message.kind, folder)?)
    } else {
        None
    };
    Ok(Prepared {
        base: base.clone(),
        after,
        outcome,
        held,
    })
}

/// When any source was heard last, as far as that is in a file.
fn newest(shelf: &crate::flow::master::known::Shelf) -> Stamp {
    shelf.filed.unwrap_or(Stamp(i64::MIN / 2))
}

fn write_file(store: &Store, kind: Kind, folder: &Path) -> Result<Hash, Trouble> {
    let bytes = store
        .shelf(kind)
        .map(|shelf| shelf::write(kind, shelf))
        .unwrap_or_default();
    let held = Hash::of(&bytes);
    let path = folder.join(shelf::name(kind, &held));
    make_directory(folder)
        .and_then(|()| SystemFiles.write(&path, &bytes))
        .map_err(|error| {
            Trouble::new(
                "master-not-kept",
                format!("master data cannot be written: {error}"),
            )
            .at(path.display())
            .means("it was not taken: what was known stays, and grows older")
            .so("make room on the disk, or give the folder to the gateway's user; its source tells it again")
        })?;
    Ok(held)
}

/// Removes the files of a kind but for these.
fn tidy(kind: Kind, folder: &Path, keep: &[Hash]) {
    let keep: Vec<String> = keep.iter().map(|held| shelf::name(kind, held)).collect();
    let begins = format!("{}-", kind.word());
    for name in SystemFiles.list(folder).unwrap_or_default() {
        if name.starts_with(&begins) && !keep.contains(&name) {
            // holds because a file that stays is only in the way
            let _ = remove_file(&folder.join(name));
        }
    }
}

/// What was held when the ledger ended, and what of it cannot be used any more.
#[derive(Default)]
pub(crate) struct Recalled {
    pub(crate) store: Store,
    pub(crate) held: Vec<(Kind, Hash)>,
    pub(crate) drafts: Vec<Draft>,
    pub(crate) troubles: Vec<Trouble>,
}

/// Reads back what the last entries name.
pub(crate) fn recall(kept: &[Kept], folder: &Path) -> Recalled {
    let mut recalled = Recalled::default();
    for kind in Kind::ALL {
        let last = kept
            .iter()
            .rev()
            .filter(|kept| kept.kind == "master")
            .find_map(|kept| {
                let line = Line::read(&kept.line).ok()?;
                let held = Hash::read(line.raw("held")?.as_bytes())?;
                (line.raw("items") == Some(kind.word()))
                    .then(|| (held, line.raw("time").and_then(Stamp::read)))
            });
        let Some((held, time)) = last else { continue };
        let path = folder.join(shelf::name(kind, &held));
        let bytes = SystemFiles.read(&path).unwrap_or_default();
        match shelf::read(kind, &bytes).filter(|_| Hash::of(&bytes) == held) {
            Some(mut shelf) => {
                shelf.filed = time;
                recalled.store.put(kind, shelf);
                recalled.held.push((kind, held));
            }
            None => {
                let what = format!("the {} that were held are not as the record says", kind.word());
                recalled.troubles.push(
                    Trouble::new("master-damaged", what.as_str())
                        .at(path.display())
                        .means("they are not used: nothing is known of them until they are told again")
                        .so("have their source send them again, or import the file again; then find out who changed this one"),
                );
                recalled.drafts.push(
                    Draft::new("exception", Stamp(0))
                        .with("because", "master-damaged")
                        .data("says", what)
                        .data("expected", held)
                        .data("file", format!("{}/{}", shelf::FOLDER, shelf::name(kind, &held))),
                );
            }
        }
    }
    recalled
}

impl Core {
    /// Enters what the keeper prepared; then it counts.
    pub(super) fn master_ready(&mut self, ready: Ready) -> Result<(), Trouble> {
        let Ready {
            kind,
            prepared,
            answer,
            taken,
        } = ready;
        let result = match prepared {
            Ok(prepared) if !Arc::ptr_eq(&prepared.base, &self.master.borrow()) => {
                // holds because a keeper that has ended prepares nothing again
                let _ = taken.send(false);
                return Ok(());
            }
            Ok(prepared) => self.master_take(prepared, &Came::Told),
            Err(trouble) => {
                self.master_refused(kind, trouble.name, 1, &trouble.what)?;
                self.say(trouble.clone());
                Err(trouble)
            }
        };
        // holds because a keeper that has ended waits for nothing
        let _ = taken.send(true);
        self.master_reply(kind, &result);
        if let Some(answer) = answer {
            let last = self.recorder.next() - 1;
            match result {
                Ok(text) => self.when_captured(last, super::gateway::Waiter::Answer(answer, Ok(text))),
                // holds because who asked may have gone
                Err(trouble) => drop(answer.send(Err(trouble))),
            }
        }
        Ok(())
    }

    /// To `…/master/{kind}/reply`, once what it speaks of is captured.
    fn master_reply(&mut self, kind: Kind, result: &Result<String, Trouble>) {
        let payload = match result {
            Ok(text) => text.clone(),
            Err(trouble) => serde_json::json!({
                "answer": "refused", "because": trouble.name, "what": trouble.what, "where": trouble.place,
                "record": trouble.record, "do": trouble.action,
            })
            .to_string(),
        };
        let message = needs::Message {
            topic: format!("{}/master/{}/reply", self.topic, kind.word()),
            payload: payload.into_bytes(),
            ..needs::Message::default()
        };
        let last = self.recorder.next() - 1;
        self.when_captured(last, super::gateway::Waiter::Say(message));
    }

    /// Enters what a message changes, and what of it was refused; the answer as JSON.
    pub(super) fn master_take(&mut self, prepared: Prepared, came: &Came) -> Result<String, Trouble> {
        let Prepared {
            mut after,
            outcome,
            held,
            ..
        } = prepared;
        let (now, counts, kind) = (self.clock.now(), outcome.counts(), outcome.kind);
        let mut seq = None;
        if let Some(held) = held {
            let entered = self.enter(taken_draft(&outcome, held, came, now))?;
            seq = Some(entered.seq);
            after.filed(kind, now);
            let after_held = held_of(&self.state.master_held, kind, held);
            let before = std::mem::replace(&mut self.state.master_held, after_held);
            let old = before.iter().filter(|(of, _)| *of == kind).map(|(_, hash)| *hash);
            let keep: Vec<Hash> = old.chain([held]).collect();
            tidy(kind, &self.disk.path().join(shelf::FOLDER), &keep);
        }
        if counts.refused > 0 {
            let names = named(&outcome);
            self.master_refused(kind, "item", counts.refused, &names)?;
            self.say(
                Trouble::new(
                    "master-refused",
                    format!("{} of {} were refused: {names}", counts.refused, kind.word()),
                )
                .at(format!("master data, {}, from {}", kind.word(), outcome.source))
                .means("they stay as they were known, and grow older; the rest was taken")
                .so("have the source send them again as docs/reference/master.md says"),
            );
        }
        self.who_left(&outcome, now)?;
        self.master.send_replace(Arc::new(after));
        let refused: Vec<serde_json::Value> = outcome
            .refused()
            .map(|(id, why)| serde_json::json!({ "id": id, "why": why }))
            .collect();
        Ok(serde_json::json!({
            "answer": "recorded", "seq": seq, "again": outcome.again, "new": counts.new, "replaced": counts.replaced,
            "retracted": counts.retracted, "confirmed": counts.confirmed, "refused": refused,
        })
        .to_string())
    }

    pub(super) fn master_refused(
        &mut self,
        kind: Kind,
        text: &str,
        count: u64,
        says: &str,
    ) -> Result<(), Trouble> {
        let now = self.clock.now();
        let again = self
            .state
            .master_refused
            .as_ref()
            .is_some_and(|(of, before, when)| {
                *of == kind && before == says && now.ms_since(*when).abs() < REFUSED_AGAIN_MS
            });
        if again {
            return Ok(());
        }
        self.state.master_refused = Some((kind, says.to_owned(), now));
        let draft = Draft::new("exception", now).with("because", "master-refused");
        let draft = draft.data("text", text).data("says", says).data("number", count);
        self.enter(draft.data("topic", kind.word()))?;
        Ok(())
    }

    /// Whoever left loses the account they have here.
    fn who_left(&mut self, outcome: &Outcome, now: Stamp) -> Result<(), Trouble> {
        let changed = outcome.changes.iter().filter_map(|change| match change {
            Change::New(after) | Change::Replaced { after, .. } => Some(after),
            _ => None,
        });
        let left: Vec<(String, String)> = changed
            .filter(|held| matches!(&held.content, Some(Content::Person(person)) if person.status == PersonStatus::Left))
            .map(|held| (held.id.clone(), format!("left, by {} revision {}", held.source, held.revision)))
            .collect();
        for (id, reason) in left {
            if self.people.find(&id).is_some() {
                for draft in self.people.revoke(&id, &outcome.source, &reason, now)? {
                    self.enter(draft)?;
                }
            }
        }
        Ok(())
    }

    /// What could not be used at the start.
    pub(super) fn master_damaged(
        &mut self,
        drafts: Vec<Draft>,
        troubles: Vec<Trouble>,
    ) -> Result<(), Trouble> {
        let now = self.clock.now();
        for mut draft in drafts {
            draft.time = now;
            self.enter(draft)?;
        }
        for trouble in troubles {
            self.call(trouble.name.to_owned(), Urgency::Act, &trouble, now);
            self.say(trouble);
        }
        Ok(())
    }
}

fn held_of(before: &[(Kind, Hash)], kind: Kind, held: Hash) -> Vec<(Kind, Hash)> {
    let others = before.iter().filter(|(of, _)| *of != kind).copied();
    others.chain([(kind, held)]).collect()
}

/// The entry that takes a message.
pub(crate) fn taken_draft(outcome: &Outcome, held: Hash, came: &Came, now: Stamp) -> Draft {
    let Counts {
        new,
        replaced,
        retracted,
        confirmed,
        refused,
    } = outcome.counts();
    let because = match came {
        Came::Imported { .. } => "imported",
        Came::Told if outcome.counts().changes() => "told",
        Came::Told => "confirmed",
    };
    let draft = Draft::new("master", now)
        .with("items", outcome.kind.word())
        .with("state", "taken")
        .with("because", because)
        .with("sha256", outcome.digest)
        .with("held", held)
        .data("source", outcome.source.as_str())
        .data("sent", outcome.sent)
        .data("whole", if outcome.whole { "yes" } else { "no" })
        .data("new", new)
        .data("replaced", replaced)
        .data("retracted", retracted)
        .data("confirmed", confirmed)
        .data("refused", refused)
        .data("names", changed(outcome));
    match came {
        Came::Imported { file, by, reason } => draft
            .data("file", file.as_str())
            .data("by", by.as_str())
            .data("reason", reason.as_str()),
        Came::Told => draft,
    }
}

/// The first that changed, by id.
fn changed(outcome: &Outcome) -> String {
    let ids: Vec<&str> = outcome
        .changes
        .iter()
        .filter_map(|change| match change {
            Change::New(held) => Some(held.id.as_str()),
            Change::Replaced { after, .. } | Change::Retracted { after, .. } => Some(after.id.as_str()),
            _ => None,
        })
        .collect();
    some(&ids)
}

fn named(outcome: &Outcome) -> String {
    let words: Vec<String> = outcome
        .refused()
        .map(|(id, why)| format!("{id}: {why}"))
        .collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    some(&words)
}

/// The first of many, and how many more there are.
fn some(words: &[&str]) -> String {
    let first = words[..words.len().min(NAMED)].join(", ");
    match words.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
