//! The power cut: a gateway that captures flat out is killed in the middle of it, again and again, and each time the
//! next one opens what is there. What the killed one had said to be captured must be there.

use super::{Outcome, look, not_drilled};
use crate::{
    cli::{life, say},
    config::Source,
    daemon::{
        indexing::{self, ToIndex, facts_of},
        opening::Open,
        sealing::{FromSealer, Sealer, ToSealer},
    },
    flow::{
        enter::Enter,
        needs::{Clock, Random},
        seal::PageMaker,
    },
    ports::{child::Child, clock::SystemClock, random::SystemRandom},
};
use record::{Draft, Trouble};
use std::{
    path::Path,
    sync::{Arc, mpsc::sync_channel},
    time::Duration,
};
use tokio::sync::mpsc;

const ROUNDS: u32 = 25;
const PATIENCE: Duration = Duration::from_secs(15);

pub(super) async fn drill(place: &Path, tell: &dyn Fn(&str)) -> Result<Outcome, Trouble> {
    let clock = SystemClock::new();
    let (mut said, mut story, mut longest) = (0, Vec::new(), Duration::ZERO);
    for round in 1..=ROUNDS {
        let begun = clock.elapsed();
        let child = Child::of_this_program(&["drill", "power", "--writer"], place).map_err(not_drilled)?;
        let Some(first) = child.line(PATIENCE).as_deref().and_then(number) else {
            return Err(not_drilled(
                "a gateway that was started to be killed captured nothing",
            ));
        };
        longest = longest.max(clock.elapsed().saturating_sub(begun));
        said = said.max(first);
        let until = clock.elapsed() + Duration::from_millis(20 + u64::from(dice()) * 2);
        while clock.elapsed() < until {
            if let Some(more) = child.line(Duration::from_millis(5)).as_deref().and_then(number) {
                said = said.max(more);
            }
        }
        let rest = child.kill().map_err(not_drilled)?;
        said = rest.iter().filter_map(|line| number(line)).fold(said, u64::max);
        if round % 5 == 0 {
            tell(&format!(
                "{round} of {ROUNDS} times killed; {said} entries were said to be captured"
            ));
        }
    }
    story.push(format!(
        "a gateway captured flat out and was killed without warning {ROUNDS} times, {said} entries in all"
    ));
    story.push(format!(
        "each time the next one opened what was there; the longest took {} ms to its first entry",
        longest.as_millis()
    ));
    story.push("a kill loses what only the program had; what the disk had not written yet is lost by pulling the plug alone".into());
    let ledger = place.join("drill.ledger");
    let looked = look(&ledger)?;
    if !looked.verified {
        story.push(looked.words.clone());
    }
    Ok(Outcome {
        drill: "power",
        captured: said,
        lost: said.saturating_sub(looked.last) + looked.last.saturating_sub(looked.entries),
        doubled: looked.doubled,
        verified: looked.verified,
        also: vec![(
            "every start found the ledger as it was left and went on".into(),
            looked.last >= said,
        )],
        story,
        figures: vec![
            ("kills", f64::from(ROUNDS)),
            ("longest_start_ms", longest.as_secs_f64() * 1e3),
        ],
        ..Outcome::default()
    })
}

fn number(line: &str) -> Option<u64> {
    line.strip_prefix("captured ")?.parse().ok()
}

fn dice() -> u8 {
    let mut byte = [128];
    // holds because without randomness the middle is as good
    let _ = SystemRandom.fill(&mut byte);
    byte[0]
}

/// The one that is killed: opens the ledger as the daemon does, then captures for ever and says what is captured.
pub(in crate::cli) async fn write_until_killed(place: &Path) -> Result<(), Trouble> {
    let outside = life::outside();
    let mut open: Open = life::open(source(place), &outside).await?;
    let (input, lines) = sync_channel(1024);
    let (output, mut sealed) = mpsc::unbounded_channel();
    let clock: Arc<dyn Clock> = outside.clock.clone();
    let maker = PageMaker::new(
        open.identity.clone(),
        open.signer.clone(),
        open.head,
        Duration::from_millis(1),
        16 << 10,
    );
    let sealer = Sealer {
        maker,
        writer: open.writer,
        high_water: open.high_water,
        clock: clock.clone(),
        input: lines,
        output,
    };
    sealer.start().map_err(not_drilled)?;
    let mut recorder = open.recorder;
    open.own.clear();
    tokio::task::spawn_blocking(move || {
        for count in 0_u64.. {
            let draft = Draft::new("comment", clock.now()).with("batch", "B-DRILL");
            recorder.enter(draft.data("text", format!("written to be cut off, {count}")));
            for line in recorder.take() {
                if input.send(ToSealer::Line(line)).is_err() {
                    return;
                }
            }
        }
    });
    let (to_index, index_in) = mpsc::unbounded_channel();
    tokio::spawn(indexing::follow(open.index.clone(), None, index_in));
    while let Some(word) = sealed.recv().await {
        match word {
            FromSealer::Captured(place, lines) => {
                say(&format!("captured {}", place.first + place.count - 1));
                // holds because an index that ended is made again
                let _ = to_index.send(ToIndex::Page(facts_of(place, lines)));
            }
            FromSealer::Failed(trouble) => return Err(trouble),
            FromSealer::Ended => break,
        }
    }
    Ok(())
}

fn source(place: &Path) -> Source {
    let dir = place.display();
    let text = format!(
        r#"format = 1
[gateway]
name = "drill"
plant = "Drill"
use = "demo"
ledger = "{dir}/drill.ledger"
signing_key = "{dir}/gateway.key"
segment_size = "4 MiB"
stop_capture_below = "1 MiB free"

[record_store]
broker = "mqtt://127.0.0.1:1"
release_on = "broker"

[equipment.TC-1]
driver = "tc200"
edition = 2
modbus_tcp = "127.0.0.1:1"
record_with_draft = true

[unit.MX-1]
kind = "mixer"
authority = "mqtt"

[unit.MX-1.roles]
temperature = "TC-1.temperature"
"#
    );
    Source {
        name: format!("{dir}/steelyard.toml"),
        text,
        drivers: Vec::new(),
        recipes: Vec::new(),
    }
}
