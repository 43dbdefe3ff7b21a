//! A person signs: a batch as of a closing made for it, or single entries. The person proves again who they are, by
//! what the plant has set for the meaning; the entry names the hash of what was signed.

use super::{Act, Asked, Carry, Core, Ears};
use crate::flow::{
    ledger,
    line::LineEvent,
    needs::Waiting,
    people::Proven,
    signing::{self, Meaning, Target},
};
use record::{Draft, Hash, Line, Trouble, read_ranges};
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "sign",
    carry: Carry::Longer(carry_out),
};

/// What is signed and with which meaning; beside it what proves the person.
#[derive(Serialize, Deserialize)]
pub(crate) struct Sign {
    pub(crate) batch: Option<String>,
    /// Entries as `1041-1050,1060`; without them the batch as a whole.
    pub(crate) entries: Option<String>,
    pub(crate) meaning: String,
    pub(crate) text: String,
}

/// What was signed, as it stands in the record.
#[derive(Serialize, Deserialize)]
pub(crate) struct SignedAs {
    pub(crate) seq: u64,
    pub(crate) says: String,
}

const LONGEST_TEXT: usize = 2_000;
/// More entries at once are a batch.
const MOST: usize = 200;

fn carry_out<'a>(
    core: &'a mut Core,
    _ears: &'a mut Ears,
    asked: Asked,
) -> Waiting<'a, Result<String, Trouble>> {
    Box::pin(async move {
        let what: Sign = asked.read()?;
        let meaning = meaning_of(&what)?;
        let proven = signer(core, &asked, meaning)?;
        let target = match &what.entries {
            Some(entries) => entries_of(core, entries, what.batch.clone()).await?,
            None => batch_of(core, what.batch.as_deref().unwrap_or_default())?,
        };
        let zone = core.plant.gateway.zone.clone();
        let draft = signing::entry(
            meaning,
            &target,
            &proven,
            &zone,
            asked.panel.as_deref(),
            what.text.trim(),
        );
        let seq = core.enter(draft)?.seq;
        let signed = SignedAs {
            seq,
            says: format!(
                "{} by {} ({}), {}: {}",
                meaning.word(),
                proven.person().name,
                proven.person().id,
                signing::local(proven.at(), &zone),
                match &target {
                    Target::Batch {
                        batch,
                        closing,
                        count,
                        ..
                    } => format!("{batch} as of closing {closing}, {count} entries"),
                    Target::Entries { seqs, .. } => format!("{} entries", seqs.len()),
                }
            ),
        };
        Ok(serde_json::to_string(&signed).unwrap_or_default())
    })
}

fn meaning_of(what: &Sign) -> Result<Meaning, Trouble> {
    if what.text.chars().count() > LONGEST_TEXT {
        return Err(refused(
            format!("a signature carries at most {LONGEST_TEXT} characters of text"),
            "signature",
            "write a comment, and sign that",
        ));
    }
    Meaning::named(&what.meaning).ok_or_else(|| {
        let all = Meaning::ALL.map(Meaning::word).join(", ");
        refused(
            format!("no signature means {:?}", what.meaning),
            "meaning",
            &format!("name one of: {all}"),
        )
    })
}

/// Whoever signs, proven now: a session alone signs nothing.
fn signer(core: &mut Core, asked: &Asked, meaning: Meaning) -> Result<Proven, Trouble> {
    let given = asked.read()?;
    let proven = core.for_one_act(&given, "sign", asked, meaning.roles(), None)?;
    if let Some(session) = asked
        .person
        .as_ref()
        .filter(|person| person.id != proven.person().id)
    {
        core.refused_as("refused", &proven.person().id, "sign", &asked.from)?;
        return Err(Trouble::new(
            "another-person",
            format!("{} is signed in here, not {}", session.name, proven.person().name),
        )
        .means("nothing was signed")
        .so("sign in as the person who is to sign"));
    }
    meaning.proven_enough(proven.method(), &core.plant.signing)?;
    Ok(proven)
}

/// The batch as of a closing that covers everything so far.
fn batch_of(core: &mut Core, batch: &str) -> Result<Target, Trouble> {
    if !core.knows_batch(batch) && core.recorder.batch(batch).is_none() {
        return Err(refused(
            format!("this gateway has no batch {batch:?}"),
            batch,
            "name a batch as the record has it",
        ));
    }
    let before = core.recorder.batch(batch).map_or(0, |sum| sum.closings);
    core.event(LineEvent::CloseAgain {
        batch: batch.to_owned(),
        because: "signed",
        now: core.clock.now(),
    })?;
    let closed = |core: &Core| {
        core.recorder
            .batch(batch)
            .filter(|sum| sum.closings > before)?
            .closed
    };
    if closed(core).is_none() && before > 0 && !core.knows_batch(batch) {
        // Closed so long ago that the line has forgotten it; the record has not.
        let draft = Draft::new("batch", core.clock.now())
            .with("batch", batch)
            .with("state", "complete")
            .with("because", "signed");
        crate::flow::enter::Enter::close(&mut core.recorder, draft, batch);
        core.hand_on()?;
    }
    let Some((closing, count, root)) = closed(core) else {
        return Err(refused(
            format!("batch {batch} is not closed yet"),
            batch,
            "sign it once it has ended; what is open can be signed entry by entry",
        ));
    };
    Ok(Target::Batch {
        batch: batch.to_owned(),
        closing,
        count,
        root,
    })
}

/// Captured entries by their numbers.
async fn entries_of(core: &mut Core, entries: &str, batch: Option<String>) -> Result<Target, Trouble> {
    let none = |what: String| {
        refused(
            what,
            entries,
            "name entries as `steelyard ledger show` has them: 1041-1050,1060",
        )
    };
    let seqs: Vec<u64> = read_ranges(entries)
        .into_iter()
        .flatten()
        .flat_map(|(from, to)| (from..=to).take(MOST + 1))
        .take(MOST + 1)
        .collect();
    if seqs.is_empty() || seqs.len() > MOST {
        return Err(none(format!("one to {MOST} entries can be signed at once")));
    }
    if seqs.iter().any(|seq| *seq == 0 || *seq > core.state.captured) {
        return Err(none("an entry is not captured".to_owned()));
    }
    let since = core.links.index.sealed_with(seqs[0]).await?;
    let since = since.unwrap_or_else(|| core.clock.now().plus_ms(-60_000));
    let mut leaves: Vec<Option<Hash>> = vec![None; seqs.len()];
    let disk = core.disk.clone();
    let read = tokio::task::block_in_place(|| {
        ledger::since(disk.as_ref(), since, &mut |line: &Line<'_>| {
            if let Ok(at) = seqs.binary_search(&line.seq()) {
                leaves[at] = Some(line.leaf());
            }
        })
    });
    read.map_err(|error| ledger::unreadable(core.disk.as_ref(), &error))?;
    let leaves: Option<Vec<Hash>> = leaves.into_iter().collect();
    Ok(Target::Entries {
        batch,
        leaves: leaves.ok_or_else(|| none("an entry was not found in the ledger".to_owned()))?,
        seqs,
    })
}

fn refused(what: String, place: &str, action: &str) -> Trouble {
    Trouble::new("signature-refused", what)
        .at(place)
        .means("nothing was signed")
        .so(action)
}
