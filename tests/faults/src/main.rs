//! `faults`: runs rows of the table against the built program, and writes what came of it, one JSON line a row.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for a terminal"
)]

use faults::{
    bench::Bench,
    outcome::{Stop, Tally},
    rows::{self, Row},
    seed::Dice,
};
use serde_json::json;
use std::{
    collections::VecDeque,
    env, fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, ExitCode},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

const HELP: &str = "\
Breaks things on purpose around a built steelyard, and looks what came of it.

  faults --steelyard PATH [--rows 1,3,7-10] [--tier p|n|r] [--scale 0.1] [--seed 1]
         [--results FILE] [--work DIR] [--seconds S] [--jobs N] [--list]

  --tier     how many trials: p at every change, n at night (default p), r before a release
  --scale    a factor on the trials, at least one each
  --seed     replays a run as far as the machine allows
  --results  one JSON line a row is appended: seed, commit, trials, lost, doubled, unverified, hung
  --seconds  a row ends in order after about so long, and its line says how many trials it made
  --jobs     so many rows at once (default 1); most of them wait more than they work

Exit code 0: everything held (rows that this machine cannot run are said to be SKIPPED and counted);
1: something did not hold; 2: the words were not understood; 77: every row was SKIPPED.";

struct Asked {
    steelyard: PathBuf,
    rows: Vec<u32>,
    tier: usize,
    scale: f64,
    seed: u64,
    results: Option<PathBuf>,
    work: PathBuf,
    seconds: Option<u64>,
    jobs: u64,
}

fn main() -> ExitCode {
    let asked = match asked(env::args().skip(1)) {
        Ok(Some(asked)) => asked,
        Ok(None) => return ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    let commit = commit();
    let wanted = |row: &&Row| asked.rows.contains(&row.number);
    let waiting = Mutex::new(rows::ALL.iter().filter(wanted).collect::<VecDeque<&Row>>());
    let counts = Mutex::new(Counts::default());
    thread::scope(|scope| {
        for _ in 0..asked.jobs {
            scope.spawn(|| {
                loop {
                    let next = locked(&waiting).pop_front();
                    let Some(row) = next else { return };
                    work(row, &asked, &commit, &counts);
                }
            });
        }
    });
    let Counts {
        held,
        failed,
        skipped,
    } = *locked(&counts);
    println!(
        "{held} rows held, {failed} failed, {skipped} SKIPPED (seed {}, commit {commit})",
        asked.seed
    );
    match (failed, held) {
        (0, 0) if skipped > 0 => ExitCode::from(77),
        (0, _) => ExitCode::SUCCESS,
        _ => ExitCode::from(1),
    }
}

#[derive(Default)]
struct Counts {
    held: u64,
    failed: u64,
    skipped: u64,
}

fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One row: its trials, its words, its line.
fn work(row: &Row, asked: &Asked, commit: &str, counts: &Mutex<Counts>) {
    let begun = Instant::now();
    let end = run(row, asked);
    let seconds = begun.elapsed().as_secs_f64();
    let (word, tally, why) = match end {
        Ok(tally) if tally.holds() => ("held", tally, String::new()),
        Ok(tally) => {
            let why = reasons(&tally);
            ("FAILED", tally, why)
        }
        Err(Stop::Skipped(why)) => ("SKIPPED", Tally::default(), why),
        Err(Stop::Failed(why)) => ("FAILED", Tally::default(), why),
    };
    let mut counts = locked(counts);
    match word {
        "held" => counts.held += 1,
        "SKIPPED" => counts.skipped += 1,
        _ => counts.failed += 1,
    }
    say(row, word, &tally, &why, seconds);
    let mut line = json!({
        "row": row.number, "name": row.name, "end": word.to_lowercase(), "seed": asked.seed, "tier": TIERS[asked.tier],
        "scale": asked.scale, "commit": commit, "seconds": (seconds * 10.0).round() / 10.0, "why": why,
    });
    if let (Some(line), Some(figures)) = (line.as_object_mut(), tally.json().as_object_mut()) {
        line.append(figures);
    }
    if let Err(problem) = append(asked, &line.to_string()) {
        eprintln!("the result cannot be written: {problem}");
        counts.failed += 1;
    }
}

const TIERS: [&str; 3] = ["p", "n", "r"];

fn reasons(tally: &Tally) -> String {
    if tally.struck == 0 {
        return "in no trial was any harm done, so nothing is proven".into();
    }
    tally.wrong.join("\n    ")
}

fn say(row: &Row, word: &str, tally: &Tally, why: &str, seconds: f64) {
    println!(
        "row {:>2}  {word}  {} trials in {seconds:.0} s: {} lost, {} doubled, {} unverified, {} hung",
        row.number, tally.trials, tally.lost, tally.doubled, tally.unverified, tally.hung
    );
    for line in [
        tally.note.as_str(),
        tally.control.as_deref().unwrap_or_default(),
        why,
    ] {
        if !line.is_empty() {
            println!("    {line}");
        }
    }
}

fn run(row: &Row, asked: &Asked) -> Result<Tally, Stop> {
    let work = asked.work.join(format!("row-{}", row.number));
    let _ = fs::remove_dir_all(&work);
    fs::create_dir_all(&work)?;
    let trials = (row.trials[asked.tier] as f64 * asked.scale).ceil() as u64;
    let mut bench = Bench {
        steelyard: asked.steelyard.clone(),
        root: env::var_os("STEELYARD_ROOT").map_or_else(|| PathBuf::from("."), PathBuf::from),
        work: fs::canonicalize(&work)?,
        dice: Dice::new(asked.seed).for_trial(u64::from(row.number)),
        trials: trials.max(1),
        release: asked
            .steelyard
            .components()
            .any(|part| part.as_os_str() == "release"),
        until: asked
            .seconds
            .map(|seconds| Instant::now() + Duration::from_secs(seconds)),
    };
    bench.root = fs::canonicalize(&bench.root)?;
    let end = (row.run)(&mut bench);
    if matches!(end, Ok(ref tally) if tally.holds()) {
        let _ = fs::remove_dir_all(&work);
    }
    end
}

fn append(asked: &Asked, line: &str) -> std::io::Result<()> {
    let Some(path) = &asked.results else { return Ok(()) };
    let mut file = fs::OpenOptions::new().create(true).append(true).open(path)?;
    writeln!(file, "{line}")
}

fn commit() -> String {
    let git = |words: &[&str]| {
        let said = Command::new("git").args(words).output().ok()?;
        String::from_utf8(said.stdout)
            .ok()
            .filter(|_| said.status.success())
    };
    let dirty = git(&["status", "--porcelain", "-uno"]).is_some_and(|said| !said.is_empty());
    let commit = git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(|| "unknown".into());
    format!("{}{}", commit.trim(), if dirty { "+changes" } else { "" })
}

fn asked(words: impl Iterator<Item = String>) -> Result<Option<Asked>, String> {
    let mut asked = Asked {
        steelyard: env::var_os("STEELYARD_BIN").map_or_else(PathBuf::new, PathBuf::from),
        rows: rows::ALL.iter().map(|row| row.number).collect(),
        tier: 0,
        scale: 1.0,
        seed: 1,
        results: None,
        work: env::var_os("STEELYARD_WORK").map_or_else(|| env::temp_dir().join("sy-faults"), PathBuf::from),
        seconds: None,
        jobs: 1,
    };
    let mut words = words;
    while let Some(word) = words.next() {
        if word == "--help" || word == "-h" {
            println!("{HELP}");
            return Ok(None);
        }
        if word == "--list" {
            for row in rows::ALL {
                println!("{:>2}  {}", row.number, row.name);
            }
            return Ok(None);
        }
        let value = words.next().ok_or_else(|| format!("{word} needs a value"))?;
        let not = |what: &str| format!("{word} {value}: not {what}");
        match word.as_str() {
            "--steelyard" => asked.steelyard = PathBuf::from(&value),
            "--results" => asked.results = Some(PathBuf::from(&value)),
            "--work" => asked.work = PathBuf::from(&value),
            "--rows" => asked.rows = numbers(&value).ok_or_else(|| not("rows like 1,3,7-10"))?,
            "--tier" => {
                asked.tier = TIERS
                    .iter()
                    .position(|tier| *tier == value)
                    .ok_or_else(|| not("p, n or r"))?;
            }
            "--scale" => asked.scale = value.parse().map_err(|_| not("a factor"))?,
            "--seed" => asked.seed = value.parse().map_err(|_| not("a number"))?,
            "--seconds" => asked.seconds = Some(value.parse().map_err(|_| not("a number"))?),
            "--jobs" => {
                asked.jobs = value
                    .parse()
                    .ok()
                    .filter(|jobs| *jobs > 0)
                    .ok_or_else(|| not("a number"))?;
            }
            _ => return Err(format!("{word} is not known")),
        }
    }
    if !asked.steelyard.is_file() {
        return Err(format!(
            "no program at {}: name it with --steelyard or STEELYARD_BIN",
            asked.steelyard.display()
        ));
    }
    asked.steelyard = fs::canonicalize(&asked.steelyard).map_err(|problem| problem.to_string())?;
    Ok(Some(asked))
}

fn numbers(text: &str) -> Option<Vec<u32>> {
    let mut all = Vec::new();
    for part in text.split(',') {
        match part.split_once('-') {
            Some((low, high)) => all.extend(low.parse::<u32>().ok()?..=high.parse().ok()?),
            None => all.push(part.parse().ok()?),
        }
    }
    Some(all)
}
