//! The outage: the broker is gone for a while and comes back knowing nothing. Capture goes on, and everything arrives.

use super::{Outcome, line::Line, look, seconds};
use crate::flow::needs::Clock;
use record::Trouble;
use std::{path::Path, time::Duration};

const BEFORE: Duration = Duration::from_secs(5);
const AWAY: Duration = Duration::from_secs(12);
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn drill(place: &Path, tell: &dyn Fn(&str)) -> Result<Outcome, Trouble> {
    let mut story = Vec::new();
    let mut say = |text: String| {
        tell(&text);
        story.push(text);
    };
    let mut line = Line::start(place, 16 << 20).await?;
    line.clock.sleep(BEFORE).await;
    let before = line.captured();
    say(format!(
        "a line captured and delivered for {}: {before} entries",
        seconds(BEFORE)
    ));
    line.stop_broker().await;
    let gone = line.clock.elapsed();
    let noticed = line.wait(Duration::from_secs(10), |board| !board.record.broker_connected);
    let noticed = noticed.await;
    line.clock.sleep(AWAY).await;
    let during = line.captured();
    say(format!(
        "the broker was stopped for {}: {} entries were captured meanwhile and kept here",
        seconds(line.clock.elapsed().saturating_sub(gone)),
        during.saturating_sub(before)
    ));
    line.start_broker().await?;
    let back = line.clock.elapsed();
    let target = line.captured();
    let delivered = line
        .wait(PATIENCE, |board| board.record.receipted >= target)
        .await;
    let took = line.clock.elapsed().saturating_sub(back);
    say(format!(
        "a new broker was started, which knows nothing; all of it was receipted {} later",
        seconds(took)
    ));
    let captured = line.captured();
    let ledger = line.ledger.clone();
    let (lost, doubled) = line.end().await?;
    let looked = look(&ledger)?;
    if !looked.verified {
        say(looked.words.clone());
    }
    Ok(Outcome {
        drill: "outage",
        captured: looked.entries.max(captured),
        lost: lost + captured.saturating_sub(looked.last),
        doubled: doubled + looked.doubled,
        verified: looked.verified,
        also: vec![
            ("the loss of the broker was noticed and shown".into(), noticed),
            (
                "capture went on while the broker was gone".into(),
                during > before,
            ),
            (
                format!(
                    "everything was receipted within {} of its return",
                    seconds(PATIENCE)
                ),
                delivered,
            ),
        ],
        story,
        figures: vec![
            ("captured_meanwhile", during.saturating_sub(before) as f64),
            ("receipted_after_s", took.as_secs_f64()),
        ],
        ..Outcome::default()
    })
}
