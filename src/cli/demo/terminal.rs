//! What the demo's terminal shows: what happens, what it means for the record, and where the record stands.

use super::Outcome;
use crate::{
    cli::{err, say},
    daemon::gateway::Told,
    evidence::Finding,
    flow::{board::Board, needs::Clock},
};
use record::Line;
use std::{io::IsTerminal, path::Path, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

/// The terminal. With `--json` what people read goes beside the answer.
#[derive(Clone)]
pub(super) struct Terminal {
    json: bool,
}

impl Terminal {
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    fn line(&self, text: &str) {
        if self.json { err(text) } else { say(text) }
    }

    pub(super) fn opening(&self, data: &Path) {
        self.line(
            "Steelyard demo: a whole line on this machine, and nothing on it is real but the record.\n",
        );
        self.line("  equipment ─▶ reading ─▶ bound ─▶ checked ─▶ sealed ─▶ published ─▶ receipted\n");
        self.line("  TC-3105  temperature controller   Modbus TCP, simulated");
        self.line("  SC-3107  mixer drive              Modbus TCP, simulated");
        self.line("  WT-3101  scale                    MT-SICS on a pseudo terminal, simulated");
        self.line(&format!("  everything it writes lies in {}", data.display()));
    }

    pub(super) fn started(&self, page: &str) {
        self.line(&format!(
            "\n  Look at the line while it runs:  {page}\n  Ctrl-C ends it at any moment.\n"
        ));
    }

    /// Shows what happens until it is aborted.
    pub(super) fn watch(
        &self,
        mut news: mpsc::UnboundedReceiver<Told>,
        mut board: watch::Receiver<Arc<Board>>,
        time: Arc<dyn Clock>,
    ) -> JoinHandle<()> {
        let terminal = self.clone();
        tokio::spawn(async move {
            let mut pace = time.sleep(PACE);
            let mut shown = 0;
            loop {
                tokio::select! {
                    told = news.recv() => match told {
                        Some(told) => terminal.told(&told, &board.borrow_and_update()),
                        None => return,
                    },
                    () = &mut pace => {
                        pace = time.sleep(PACE);
                        let now = Arc::clone(&board.borrow_and_update());
                        if now.record.captured != shown {
                            shown = now.record.captured;
                            terminal.progress(&now);
                        }
                    }
                }
            }
        })
    }

    fn progress(&self, board: &Board) {
        let record = &board.record;
        let units: Vec<String> = board
            .units
            .iter()
            .filter_map(|unit| Some(format!("{} {}", unit.name, unit.step.as_ref()?)))
            .collect();
        self.line(&format!(
            "{}  captured {:>5} ▸ sealed {:>5} ▸ delivered {:>5} ▸ receipted {:>5}   {}",
            clock(&board.now.to_string()),
            record.captured,
            record.sealed,
            record.delivered,
            record.receipted,
            units.join(" · ")
        ));
    }

    fn told(&self, told: &Told, board: &Board) {
        let now = clock(&board.now.to_string()).to_owned();
        match told {
            // Steps and batches are shown once they are captured, with the word of the record itself.
            Told::Say(trouble) if matches!(trouble.name, "context" | "batch-closed" | "identified") => {}
            Told::Say(trouble) => {
                self.line(&self.bold(&format!("{now}  {}", trouble.what)));
                if !trouble.record.is_empty() {
                    self.line(&format!("          record: {}", trouble.record));
                }
            }
            Told::Captured { kind, line } => {
                if let Some(text) = Line::read(line).ok().and_then(|line| in_words(kind, &line)) {
                    self.line(&format!("{now}  {text}"));
                }
            }
            Told::Connected(true) => self.line(&format!("{now}  the broker is connected")),
            Told::Connected(false) => {}
        }
    }

    fn bold(&self, text: &str) -> String {
        let people = if self.json {
            std::io::stderr().is_terminal()
        } else {
            std::io::stdout().is_terminal()
        };
        if people {
            format!("\x1b[1m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    pub(super) fn ending(&self, outcome: &Outcome, finding: &Finding) {
        let ledger = outcome.ledger.display();
        let how = if outcome.interrupted {
            "Ended early, in order. "
        } else {
            ""
        };
        let proven = if outcome.verified && outcome.lost == 0 && outcome.receipted == outcome.captured {
            format!(
                "{how}Proven: {} entries, unbroken and unaltered since capture, every one receipted by the record store; none lost.",
                outcome.captured
            )
        } else {
            format!(
                "{how}{} entries captured, {} receipted, {} lost; verified: {}.\n{}",
                outcome.captured,
                outcome.receipted,
                outcome.lost,
                outcome.verified,
                finding.words()
            )
        };
        self.line(&format!("\n{}", self.bold(&proven)));
        self.line(&format!(
            "The record lies in {ledger}: plain text, `cat` shows it.\n"
        ));
        self.line("Try next:");
        self.line(&format!("  steelyard verify {ledger}"));
        self.line("  change one character in segment-000001.pages with an editor, and verify again");
        self.line(&format!(
            "  steelyard evidence {} --data {ledger} --out evidence",
            outcome.batch
        ));
    }
}

/// How often the counts are shown.
const PACE: Duration = Duration::from_secs(2);

/// What is worth a line on the terminal.
fn in_words(kind: &str, line: &Line<'_>) -> Option<String> {
    let word = |name| line.text(name).unwrap_or_default();
    let run = format!("{} at {}", word("step"), word("unit"));
    match kind {
        "start" => Some("recording: the first entry is sealed".to_owned()),
        "batch" if line.int("closing").is_some() => Some(format!(
            "batch {} is {}: closing {} covers {} entries",
            word("batch"),
            word("state"),
            line.int("closing").unwrap_or_default(),
            line.int("count").unwrap_or_default()
        )),
        "batch" => Some(format!(
            "batch {} is {} at {}",
            word("batch"),
            word("state"),
            word("unit")
        )),
        "step" => Some(format!("step {run} is {}", word("state"))),
        "gap" => Some(format!(
            "gap: {} was {} until {}",
            word("point"),
            word("because"),
            clock(&word("until"))
        )),
        "verdict" => Some(format!(
            "verdict on {run}: {} expected, {} captured, {} gaps, {} exceptions",
            line.int("expected").unwrap_or_default(),
            line.int("captured").unwrap_or_default(),
            line.int("gaps").unwrap_or_default(),
            line.int("exceptions").unwrap_or_default()
        )),
        _ => None,
    }
}

/// The time of day in a stamp, UTC.
fn clock(stamp: &str) -> &str {
    stamp.get(11..19).unwrap_or(stamp)
}
