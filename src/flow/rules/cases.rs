//! The cases under `tests/cases/rules/`: one file per kind, each case a rule and what happens to it, the last
//! column what is found. `UPDATE_CASES=1` writes what is found now.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::{Event, Finding, Judge, Outcome, State};
use crate::config::rule::{Moment, alone};
use record::{Answer, Quantity, Stamp, Value};
use std::{env, fs, path::Path, sync::Arc};

const NOON: Stamp = Stamp(1_795_176_000_000);

fn at(seconds: &str) -> Stamp {
    let seconds: rust_decimal::Decimal = seconds.parse().unwrap();
    let ms = (seconds * rust_decimal::Decimal::ONE_THOUSAND)
        .try_into()
        .unwrap();
    NOON.plus_ms(ms)
}

fn seconds(time: Stamp) -> String {
    rust_decimal::Decimal::new(time.ms_since(NOON), 3)
        .normalize()
        .to_string()
}

fn answer(text: &str) -> Answer {
    if let Some(because) = text.strip_prefix("bad: ") {
        return Answer::Bad(because.to_owned());
    }
    let (shown, doubt) = match text.split_once(", uncertain: ") {
        Some((shown, doubt)) => (shown, Some(doubt.to_owned())),
        None => (text, None),
    };
    let value = Value::Quantity(Quantity::read(shown).unwrap_or_else(|| panic!("no quantity: {shown}")));
    match doubt {
        Some(doubt) => Answer::Uncertain(value, doubt),
        None => Answer::Good(value),
    }
}

fn moment(text: &str) -> Moment {
    match text.split_whitespace().collect::<Vec<_>>().as_slice() {
        ["start", "of", "the", "batch"] => Moment::BatchStart,
        ["end", "of", "the", "batch"] => Moment::BatchEnd,
        ["start", "of", step] => Moment::StepStart((*step).to_owned()),
        ["end", "of", step] => Moment::StepEnd((*step).to_owned()),
        _ => Moment::Happened(text.to_owned()),
    }
}

fn in_words(finding: &Finding) -> String {
    let state = match finding.state {
        State::Begun => "begun",
        State::Over => "over",
        State::Once => "once",
        State::Alarm => return "alarm".to_owned(),
        State::Calm => return "calm".to_owned(),
    };
    let mut text = format!("{state} {}: {}", finding.because, finding.says);
    if finding.state == State::Over {
        text += &format!(", since {} s", seconds(finding.from));
        if let Some(area) = finding.area {
            text += &format!(
                ", worst at {} s, area {area}, {} readings",
                seconds(finding.extreme_time),
                finding.count
            );
        }
        if let Some(alarm) = finding.alarm {
            text += &format!(", alarm at {} s", seconds(alarm));
        }
    }
    text
}

/// What one row leads to.
fn next(judge: &mut Judge, time: &str, what: &str) -> String {
    let (time, mut found) = (at(time), Vec::new());
    let (role, what) = match what.split_once(": ") {
        Some((role, rest)) if role.parse::<usize>().is_ok() => (role.parse::<usize>().unwrap() - 1, rest),
        _ => (0, what),
    };
    let mut more = String::new();
    match what {
        "hold" => judge.next(Event::Held { time, held: true }, &mut found),
        "resume" => judge.next(Event::Held { time, held: false }, &mut found),
        "clock" => judge.next(Event::Clock { now: time }, &mut found),
        "restart" => {
            let state = judge.state();
            *judge = Judge::new(judge.rule.clone(), judge.begun());
            if !state.is_empty() {
                judge.recall(&state);
                assert_eq!(judge.said, state);
            }
        }
        "end" => {
            judge.next(Event::End { time }, &mut found);
            more = match judge.outcome() {
                Outcome::Met => "met",
                Outcome::NotMet => "not met",
                Outcome::NotJudged => "not judged",
            }
            .to_owned();
        }
        "stands" => more = judge.stands(),
        text if text.contains(" of ") => {
            let moment = &moment(text);
            judge.next(Event::Happened { moment, time }, &mut found);
        }
        text => {
            let answer = &answer(text);
            judge.next(Event::Reading { role, time, answer }, &mut found);
        }
    }
    let mut words: Vec<String> = found.iter().map(in_words).collect();
    words.extend((!more.is_empty()).then_some(more));
    words.join("; ")
}

/// The file as it should read.
fn said(text: &str) -> String {
    let mut judge: Option<Judge> = None;
    let mut out = String::new();
    for line in text.lines() {
        let bare = line.trim();
        if bare.starts_with("id = ") {
            let rule = alone(&bare.replace("; ", "\n")).unwrap_or_else(|wrong| panic!("{bare}: {wrong:?}"));
            judge = Some(Judge::new(Arc::new(rule), NOON));
        }
        if bare.is_empty() || bare.starts_with('#') || bare.starts_with("id = ") {
            out += &format!("{line}\n");
            continue;
        }
        let parts: Vec<&str> = bare.splitn(3, '|').map(str::trim).collect();
        // `5..60 every 5`: the same reading again and again.
        let (first, last, every) = match parts[0].split_once("..") {
            None => (parts[0], parts[0], "1"),
            Some((first, rest)) => {
                let (last, every) = rest.split_once(" every ").unwrap();
                (first, last, every)
            }
        };
        let number = |text: &str| text.trim().parse::<rust_decimal::Decimal>().unwrap();
        let (mut time, last, every) = (number(first), number(last), number(every));
        let mut found = Vec::new();
        while time <= last {
            let words = next(judge.as_mut().unwrap(), &time.to_string(), parts[1]);
            found.extend((!words.is_empty()).then(|| {
                if first == parts[0] {
                    words
                } else {
                    format!("{time} s: {words}")
                }
            }));
            time += every;
        }
        out += format!("{:>14} | {:<28} | {}", parts[0], parts[1], found.join("; ")).trim_end();
        out += "\n";
    }
    out
}

#[test]
fn every_rule_is_judged_as_its_table_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/rules");
    let mut files: Vec<_> = fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let kinds: Vec<String> = files
        .iter()
        .map(|file| file.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    for (kind, ..) in crate::config::rule::kinds() {
        assert!(kinds.iter().any(|known| known == kind), "no table for {kind}");
    }
    let mut differing = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        let said = said(&text);
        if env::var_os("UPDATE_CASES").is_some() {
            fs::write(file, &said).unwrap();
        } else if said != text {
            for (at, (said, text)) in said.lines().zip(text.lines()).enumerate() {
                if said != text {
                    differing.push(format!(
                        "{}:{}\n  expected {text}\n  found    {said}",
                        file.display(),
                        at + 1
                    ));
                }
            }
        }
    }
    assert!(
        differing.is_empty(),
        "{}\nUPDATE_CASES=1 writes what is found now",
        differing.join("\n")
    );
}
