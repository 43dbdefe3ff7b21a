//! The full disk: room is taken away until capture stops, visibly; it is given back, and capture resumes by itself.

use super::{Outcome, entries_of, free_on, line::Line, look, not_drilled, seconds};
use crate::{
    flow::needs::{Clock, Disk},
    ports::disk::Directory,
};
use record::Trouble;
use std::{path::Path, time::Duration};

/// What the drill itself may use, how much is taken away, and what must be free for both.
const OWN: u64 = 160 << 20;
const TAKEN: u64 = 192 << 20;
const LEAST: u64 = 512 << 20;
const WITHIN: Duration = Duration::from_secs(10);
const STRETCH: Duration = Duration::from_secs(4);

pub(super) async fn drill(place: &Path, tell: &dyn Fn(&str)) -> Result<Outcome, Trouble> {
    let mut story = Vec::new();
    let mut say = |text: String| {
        tell(&text);
        story.push(text);
    };
    let free = free_on(place)?;
    if free < LEAST {
        return Err(not_drilled(format!(
            "{} MiB are free here, and the drill needs {}",
            free >> 20,
            LEAST >> 20
        )));
    }
    let stop_below = free - OWN;
    let line = Line::start(place, stop_below).await?;
    line.clock.sleep(STRETCH).await;
    let before = line.captured();
    say(format!(
        "a line captured for {} with {} MiB free; capture stops below {} MiB",
        seconds(STRETCH),
        free >> 20,
        stop_below >> 20
    ));
    let early = !line.board.borrow().record.capturing;
    let begun = line.clock.elapsed();
    let at = place.to_owned();
    let filled = tokio::task::spawn_blocking(move || fill(&at)).await;
    filled.map_err(not_drilled)?.map_err(not_drilled)?;
    let stopped = line.wait(WITHIN, |board| !board.record.capturing).await;
    say(format!(
        "{} MiB were taken away; capture stopped {} later, and said so",
        TAKEN >> 20,
        seconds(line.clock.elapsed().saturating_sub(begun))
    ));
    line.clock.sleep(STRETCH).await;
    let room = line.board.borrow().record.room;
    let begun = line.clock.elapsed();
    Directory::look(place)?.remove(BALLAST).map_err(not_drilled)?;
    let resumed = line.wait(WITHIN, |board| board.record.capturing).await;
    let took = line.clock.elapsed().saturating_sub(begun);
    say(format!(
        "the room was given back; capture resumed by itself {} later",
        seconds(took)
    ));
    let again = line.captured();
    line.clock.sleep(STRETCH).await;
    let goes_on = line.captured() > again;
    let balanced = line.board.borrow().record.books.balanced;
    let captured = line.captured();
    let ledger = line.ledger.clone();
    let (lost, doubled) = line.end().await?;
    let looked = look(&ledger)?;
    let said = entries_of(&ledger, "exception", "capture-stopped")?;
    let gaps = entries_of(&ledger, "gap", "no-room")?;
    if !looked.verified {
        say(looked.words.clone());
    }
    Ok(Outcome {
        drill: "full",
        captured: looked.entries.max(captured),
        lost: lost + captured.saturating_sub(looked.last),
        doubled: doubled + looked.doubled,
        verified: looked.verified,
        also: vec![
            (
                "capture went on until room was taken away".into(),
                !early && before > 0,
            ),
            (
                "capture stopped and the screens said so".into(),
                stopped && room == "none",
            ),
            ("an entry says that capture stopped".into(), said == 1),
            ("the time between is a gap in the record".into(), gaps > 0),
            (
                format!(
                    "capture resumed by itself within {}, without a restart",
                    seconds(WITHIN)
                ),
                resumed && goes_on,
            ),
            ("the books balance".into(), balanced),
        ],
        story,
        figures: vec![("resumed_after_s", took.as_secs_f64()), ("gaps", gaps as f64)],
        ..Outcome::default()
    })
}

const BALLAST: &str = "ballast";

/// Takes room away for real: bytes written and synced, so that no file system only promises them.
fn fill(place: &Path) -> std::io::Result<()> {
    let disk = Directory::look(place).map_err(std::io::Error::other)?;
    let mut file = disk.create(BALLAST)?;
    // Not of one byte: some file systems keep such a file for nothing.
    let piece: Vec<u8> = (0..1_u32 << 18)
        .flat_map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    let mut at = 0;
    while at < TAKEN {
        file.write_at(&piece, at)?;
        at += piece.len() as u64;
    }
    file.sync_all()
}
