//! The line, live in a terminal: from the board of the gateway that runs, so it shows what the gateway knows and
//! asks no equipment anything. What it can no longer know it blanks.

mod draw;

use super::{acts, say};
use crate::{
    config::Source,
    daemon::acts::{
        Asked,
        board::{BoardFacts, PointFacts},
    },
    flow::needs::Clock,
    ports::{
        clock::SystemClock,
        terminal::{self, Keys},
    },
};
use draw::View;
use record::{Stamp, Trouble};
use serde_json::json;
use std::{collections::HashMap, io::IsTerminal, process::ExitCode, time::Duration};

/// What a person wants to see.
#[derive(Debug, Clone, Default)]
pub(super) struct Wish {
    /// `TC-3105`, `TC-3105.temperature`, a unit or a role; none: everything.
    pub(super) points: Vec<String>,
    pub(super) json: bool,
    /// Everything once, and then no more.
    pub(super) once: bool,
}

/// Shows until told to end.
pub(super) fn watch(source: &Source, wish: &Wish) -> Result<ExitCode, Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime
        .map_err(|problem| Trouble::new("cannot-watch", problem.to_string()).means("nothing is shown"))?;
    let code = runtime.block_on(async {
        let first = board(source).await?.ok_or_else(|| nobody_runs(source))?;
        if !any(&first, wish) {
            return Err(nothing_there(&first, wish));
        }
        if std::io::stdout().is_terminal() && !wish.json && !wish.once {
            screen(source, wish, first).await
        } else {
            lines(source, wish, first).await
        }
    });
    // a thread that waits for keys must not hold up the end
    runtime.shutdown_background();
    code
}

async fn board(source: &Source) -> Result<Option<BoardFacts>, Trouble> {
    let reply = acts::ask(source, &Asked::to("board", &json!({}))).await?;
    Ok(reply
        .filter(|reply| reply.done)
        .and_then(|reply| serde_json::from_str(&reply.text).ok()))
}

fn nobody_runs(source: &Source) -> Trouble {
    Trouble::new("gateway-not-running", "no gateway runs on this ledger")
        .at(&source.name)
        .means("nothing is captured, so there is nothing to watch")
        .so("start it with `steelyard run`; without a gateway, `steelyard try TAG` asks one instrument")
}

fn nothing_there(board: &BoardFacts, wish: &Wish) -> Trouble {
    let all = board.units.iter().flat_map(|unit| &unit.points);
    let names: Vec<&str> = all.map(|point| point.point.as_str()).collect();
    Trouble::new(
        "no-such-point",
        format!("no point of this gateway is called {}", wish.points.join(" or ")),
    )
    .means("nothing is shown; capture is not concerned")
    .so(format!("there are {}", names.join(", ")))
}

/// Whether a point is among those asked for: by its name, its tag, its role or its unit.
fn wanted(unit: &str, point: &PointFacts, wish: &Wish) -> bool {
    wish.points.is_empty()
        || wish.points.iter().any(|name| {
            *name == point.point
                || *name == point.role
                || name == unit
                || point.point.split_once('.').is_some_and(|(tag, _)| tag == name)
        })
}

fn any(board: &BoardFacts, wish: &Wish) -> bool {
    board
        .units
        .iter()
        .any(|unit| unit.points.iter().any(|point| wanted(&unit.name, point, wish)))
}

// ---------------------------------------------------------------- lines

/// One line for each change: for files, pipes and scripts.
async fn lines(source: &Source, wish: &Wish, first: BoardFacts) -> Result<ExitCode, Trouble> {
    let clock = SystemClock::new();
    let mut told: HashMap<(String, String), (String, String, String, Option<i64>)> = HashMap::new();
    let mut board_now = first;
    loop {
        for unit in &board_now.units {
            for point in unit.points.iter().filter(|point| wanted(&unit.name, point, wish)) {
                let now = (
                    point.value.clone(),
                    point.quality.clone(),
                    point.verdict.clone(),
                    point.time,
                );
                let key = (unit.name.clone(), point.point.clone());
                if told.get(&key) != Some(&now) {
                    say(&if wish.json {
                        as_json(&board_now, &unit.name, point).to_string()
                    } else {
                        as_line(&board_now, &unit.name, point)
                    });
                    told.insert(key, now);
                }
            }
        }
        if wish.once {
            return Ok(ExitCode::SUCCESS);
        }
        tokio::select! {
            _ = tokio::signal::ctrl_c() => return Ok(ExitCode::SUCCESS),
            () = clock.sleep(EVERY) => {}
        }
        board_now = board(source).await?.ok_or_else(|| {
            Trouble::new("gateway-not-running", "the gateway ended")
                .at(&source.name)
                .means("what was captured until then is in the ledger; nothing more is captured")
                .so("look why: journalctl -u steelyard, or steelyard doctor")
        })?;
    }
}

fn as_line(board: &BoardFacts, unit: &str, point: &PointFacts) -> String {
    let time = Stamp(point.time.unwrap_or(board.now));
    let value = if point.value.is_empty() {
        "–".to_owned()
    } else {
        format!("{} {}", point.value, point.unit)
    };
    let because = if point.because.is_empty() {
        String::new()
    } else {
        format!(" ({})", point.because)
    };
    format!(
        "{time} {unit} {} {} {}, {}{because}",
        point.point,
        value.trim_end(),
        point.quality,
        point.verdict
    )
}

fn as_json(board: &BoardFacts, unit: &str, point: &PointFacts) -> serde_json::Value {
    json!({
        "time": Stamp(board.now).to_string(), "unit": unit, "point": point.point, "role": point.role,
        "value": (!point.value.is_empty()).then_some(&point.value), "in": point.unit, "quality": point.quality,
        "verdict": point.verdict, "because": point.because, "at": point.time.map(|time| Stamp(time).to_string()),
        "age_ms": point.time.map(|time| board.now - time),
    })
}

// ---------------------------------------------------------------- screen

/// The terminal as one screen, drawn anew twice a second and after each key.
async fn screen(source: &Source, wish: &Wish, first: BoardFacts) -> Result<ExitCode, Trouble> {
    let clock = SystemClock::new();
    let mut keys = Keys::begin();
    let _screen = Whole::begin();
    let mut view = View::new(wish.clone());
    let (mut board_now, mut renewed) = (first, clock.elapsed());
    loop {
        let away = clock.elapsed().saturating_sub(renewed);
        let now = clock.now();
        let lost = (away >= LOST).then_some(away);
        terminal::show(&draw::frame(&board_now, &mut view, terminal::size(), lost, now));
        let key = async {
            match &mut keys {
                Some(keys) => keys.next().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = clock.sleep(EVERY) => {}
            _ = tokio::signal::ctrl_c() => return Ok(ExitCode::SUCCESS),
            key = key => match key {
                Some(b'q' | 3 | 4) | None => return Ok(ExitCode::SUCCESS),
                // arrows come as ESC [ A; the letters alone do as well
                Some(b'j' | b'B' | b' ') => view.scroll(1),
                Some(b'k' | b'A') => view.scroll(-1),
                Some(_) => {}
            },
        }
        if let Ok(Some(fresh)) = board(source).await
            && fresh.now != board_now.now
        {
            board_now = fresh;
            renewed = clock.elapsed();
        }
    }
}

/// The whole terminal, until it is dropped: what stood there before comes back.
struct Whole;

impl Whole {
    fn begin() -> Self {
        terminal::show("\x1b[?1049h\x1b[?25l\x1b[2J");
        Self
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        terminal::show("\x1b[?25h\x1b[?1049l");
    }
}

/// How often it is drawn.
const EVERY: Duration = Duration::from_millis(500);
/// A board not renewed for so long is no live view.
const LOST: Duration = Duration::from_secs(3);
