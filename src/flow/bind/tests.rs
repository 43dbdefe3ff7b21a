//! Binding as tables: what was told, and where a moment belongs then.
#![allow(clippy::unwrap_used)]

use super::*;

fn at(text: &str) -> Stamp {
    Stamp::read(&format!("2026-11-20T{text}:00.000Z")).unwrap()
}

/// `10:20 B-1 running 10:00 : a/1 10:00-10:10, b/1 held 10:10` or `10:20 nothing`.
fn message(number: u64, line: &str) -> Message {
    let (head, runs) = line.split_once(" : ").unwrap_or((line, ""));
    let words: Vec<&str> = head.split_whitespace().collect();
    let batch = (words[1] != "nothing").then(|| {
        let (started, ended) = words[3].split_once('-').unwrap_or((words[3], ""));
        context::Batch {
            id: words[1].into(),
            product: String::new(),
            recipe: String::new(),
            revision: "7".to_owned(),
            size: String::new(),
            state: Phase::named(words[2]).unwrap(),
            since: None,
            started: at(started),
            ended: (!ended.is_empty()).then(|| at(ended)),
        }
    });
    let runs = runs.split(", ").filter(|run| !run.is_empty()).map(|run| {
        let words: Vec<&str> = run.split_whitespace().collect();
        let (step, number) = words[0].split_once('/').unwrap();
        let (started, ended) = words[words.len() - 1]
            .split_once('-')
            .unwrap_or((words[words.len() - 1], ""));
        let over = if ended.is_empty() {
            Phase::Running
        } else {
            Phase::Complete
        };
        context::Run {
            step: step.into(),
            title: String::new(),
            run: number.parse().unwrap(),
            state: if words.len() > 2 {
                Phase::named(words[1]).unwrap()
            } else {
                over
            },
            since: None,
            started: at(started),
            ended: (!ended.is_empty()).then(|| at(ended)),
        }
    });
    Message {
        number,
        sent: at(words[0]),
        source: "mes".to_owned(),
        batch,
        runs: runs.collect(),
        recipe_file: None,
    }
}

/// Messages first, then `time | where it belongs`.
fn agrees_with_table(messages: &str, table: &str) {
    let mut history = History::default();
    for (number, line) in messages
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .enumerate()
    {
        history.tell(&message(number as u64 + 1, line));
    }
    for row in table.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let (time, expected) = row.split_once('|').unwrap();
        let bound = bind(&history, at(time.trim()));
        let said = format!("{bound}{}", if bound.held { " held" } else { "" });
        assert_eq!(said, expected.trim(), "{row}\n in {messages}");
    }
}

#[test]
fn a_moment_belongs_to_the_run_that_was_active_then() {
    agrees_with_table(
        "10:30 B-1 running 10:00 : a/1 10:05-10:10, b/1 10:10",
        "
        09:59 | -
        10:00 | B-1
        10:04 | B-1
        10:05 | B-1 a/1
        10:09 | B-1 a/1
        10:10 | B-1 b/1
        11:00 | B-1 b/1
        ",
    );
}

#[test]
fn a_run_ends_with_its_batch_and_a_repeated_step_is_another_run() {
    agrees_with_table(
        "10:50 B-1 complete 10:00-10:40 : a/1 10:00-10:10, a/2 10:20-10:30, b/1 10:30-10:55",
        "
        10:10 | B-1
        10:20 | B-1 a/2
        10:39 | B-1 b/1
        10:40 | -
        10:50 | -
        ",
    );
}

#[test]
fn steps_side_by_side_are_joined() {
    agrees_with_table(
        "10:30 B-1 running 10:00 : heat/1 10:00-10:20, stir/1 10:10",
        "
        10:05 | B-1 heat/1
        10:10 | B-1 heat/1+stir/1
        10:19 | B-1 heat/1+stir/1
        10:20 | B-1 stir/1
        ",
    );
    let mut history = History::default();
    history.tell(&message(
        1,
        "10:30 B-1 running 10:00 : heat/2 10:00, stir/1 10:10",
    ));
    assert_eq!(bind(&history, at("10:05")).run(), Some(2));
    assert_eq!(
        bind(&history, at("10:15")).run(),
        None,
        "two runs with different numbers have no common one"
    );
    assert_eq!(bind(&history, at("10:15")).step, "heat+stir");
}

#[test]
fn a_hold_is_flagged_and_changes_no_place() {
    agrees_with_table(
        "
        10:10 B-1 running 10:00 : a/1 10:00
        10:20 B-1 running 10:00 : a/1 held 10:00
        10:30 B-1 running 10:00 : a/1 10:00
        10:40 B-1 held 10:00 : a/1 10:00
        ",
        "
        10:19 | B-1 a/1
        10:20 | B-1 a/1 held
        10:29 | B-1 a/1 held
        10:30 | B-1 a/1
        10:45 | B-1 a/1 held
        ",
    );
}

#[test]
fn nothing_told_is_no_end_of_a_batch() {
    agrees_with_table(
        "
        10:10 B-1 running 10:00 : a/1 10:00
        10:20 nothing
        ",
        "
        10:19 | B-1 a/1
        10:20 | -
        ",
    );
    agrees_with_table(
        "
        10:10 B-1 running 10:00 : a/1 10:00
        10:20 nothing
        10:30 B-1 running 10:00 : a/1 10:00-10:25
        ",
        "
        10:22 | B-1 a/1
        10:26 | B-1
        ",
    );
}

#[test]
fn the_next_batch_takes_the_unit_even_when_the_last_was_never_ended() {
    agrees_with_table(
        "
        10:10 B-1 running 10:00 : a/1 10:00
        10:20 B-2 running 10:15 : a/1 10:16
        ",
        "
        10:14 | B-1 a/1
        10:15 | B-2
        10:16 | B-2 a/1
        ",
    );
}

#[test]
fn the_last_message_alone_tells_all_of_its_batch() {
    let messages = [
        "10:05 B-1 running 10:00 : a/1 10:05",
        "10:10 B-1 running 10:00 : a/1 10:05-10:10, b/1 10:10",
        "10:30 B-1 running 10:00 : a/1 10:05-10:10, b/1 10:10-10:20, a/2 10:25",
    ];
    let mut all = History::default();
    for (number, line) in messages.iter().enumerate() {
        all.tell(&message(number as u64 + 1, line));
    }
    let mut last = History::default();
    last.tell(&message(3, messages[2]));
    assert_eq!(all.differs_from(&last), None);
}

#[test]
fn every_difference_is_named_once() {
    let mut history = History::default();
    let mut said = |line: &str| -> Vec<String> {
        let told = message(1, line);
        let mut changes = history.tell(&told);
        assert_eq!(
            history
                .tell(&told)
                .iter()
                .filter(|c| !matches!(c, Change::Free { .. }))
                .count(),
            0,
            "{line} twice"
        );
        changes.drain(..).map(|change| spoken(&change)).collect()
    };
    assert_eq!(said("10:01 B-1 running 10:00"), ["B-1 running 10:00"]);
    assert_eq!(said("10:06 B-1 running 10:00 : a/1 10:05"), ["a/1 running 10:05"]);
    assert_eq!(
        said("10:11 B-1 running 10:00 : a/1 10:05-10:10, b/1 10:10"),
        ["a/1 complete 10:10", "b/1 running 10:10"]
    );
    assert_eq!(
        said("10:12 B-1 running 10:00 : a/1 10:05-10:09, b/1 10:09"),
        ["a/1 times 10:05", "b/1 times 10:09"]
    );
    assert_eq!(
        said("10:13 B-1 running 10:00 : b/1 10:09"),
        ["a/1 withdrawn 10:05"]
    );
    assert_eq!(said("10:20 nothing"), ["B-1 lost 10:20"]);
    assert_eq!(
        said("10:30 B-2 running 10:25 : a/2 10:26"),
        [
            "B-2 running 10:25",
            "odd 10:25: B-2 began although B-1 was never told to be over",
            "a/2 running 10:26",
            "odd 10:26: a run 2 comes without run 1",
        ]
    );
    assert_eq!(
        said("10:40 B-2 complete 10:25-10:39 : a/2 10:26"),
        [
            "odd 10:26: a run 2 was not over when its batch was",
            "B-2 complete 10:39"
        ]
    );
    assert_eq!(said("10:45 nothing"), ["free 10:45"]);
    assert_eq!(
        said("10:50 B-2 running 10:25 : a/2 10:26"),
        [
            "B-2 running 10:50",
            "odd 10:50: B-2 goes on although it was told to be complete"
        ]
    );
}

fn spoken(change: &Change) -> String {
    let time = change.time().to_string();
    let time = &time[11..16];
    match change {
        Change::Batch { batch, state, .. } | Change::Over { batch, state, .. } => {
            format!("{batch} {} {time}", state.word())
        }
        Change::Run { step, run, state, .. } => format!("{step}/{run} {} {time}", state.word()),
        Change::Corrected { step, run, what, .. } => {
            format!(
                "{step}/{run} {} {time}",
                if *what == Correction::Times {
                    "times"
                } else {
                    "withdrawn"
                }
            )
        }
        Change::Lost { batch, .. } => format!("{batch} lost {time}"),
        Change::Free { .. } => format!("free {time}"),
        Change::Odd { what, .. } => format!("odd {time}: {what}"),
    }
}
