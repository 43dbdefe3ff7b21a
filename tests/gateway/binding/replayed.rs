//! What a replay finds. That it finds nothing where nothing is wrong, every world of these tests checks at its end.

use super::world::World;
use record::Line as Entry;
use steelyard::flow::{line::Line, replay::Replay};

const EACH: &str = "
    MX-3:emulsify TC-1.temp every reading 68.0/69.0/71.5/72.0 °C missing 3
";

fn day() -> World {
    let mut world = World::new(0, EACH);
    world.tell(
        "
        00:00 MX-3 B-1 running 00:00 7 : emulsify/1 00:00
        00:01 TC-1.temp 70.0 °C
        00:02 TC-1.temp 72.4 °C
        00:03 TC-1.temp 70.2 °C
        00:05 MX-3 B-1 complete 00:00-00:05 7 : emulsify/1 00:00-00:04.500
        00:06 tick
        ",
    );
    world
}

/// Replays the day with one text in place of another, as a false program could have written it.
fn with(old: &str, new: &str) -> Vec<String> {
    let world = day();
    let mut replay = Replay::under(Line::new(&super::world::plant(0, EACH)));
    let mut changed = 0;
    for line in &world.recorder.lines {
        let text = String::from_utf8(line.clone()).unwrap();
        let forged = if changed == 0 {
            text.replacen(old, new, 1)
        } else {
            text.clone()
        };
        changed += usize::from(forged != text);
        replay.take(&Entry::read(forged.as_bytes()).unwrap());
    }
    assert_eq!(changed, 1, "{old} stands in the day");
    let report = replay.end();
    report
        .differences
        .iter()
        .map(|(_, kind, difference)| {
            format!(
                "{kind} {}: {} for {}",
                difference.member, difference.recorded, difference.derived
            )
        })
        .collect()
}

#[test]
fn a_verdict_that_does_not_follow_from_value_and_limits_is_found() {
    let found = with(r#""verdict":"above""#, r#""verdict":"within""#);
    assert!(
        found[0].starts_with("reading verdict: within for above"),
        "{found:?}"
    );
}

#[test]
fn a_reading_bound_to_another_step_than_its_time_says_is_found() {
    let found = with(
        r#""step":"emulsify","run":1,"point""#,
        r#""step":"cool","run":1,"point""#,
    );
    assert!(
        found[0].starts_with("reading step: cool for emulsify"),
        "{found:?}"
    );
}

#[test]
fn a_limit_that_was_not_in_force_is_found() {
    let found = with(r#""high":"72.0""#, r#""high":"73.0""#);
    assert!(found[0].starts_with("reading high: 73.0 for 72.0"), "{found:?}");
}

#[test]
fn an_excursion_that_says_less_than_the_worst_reading_is_found() {
    let found = with(r#""extreme":"72.4""#, r#""extreme":"72.1""#);
    assert!(
        found[0].starts_with("excursion extreme: 72.1 for 72.4"),
        "{found:?}"
    );
}

#[test]
fn figures_of_a_run_that_were_beautified_are_found() {
    let found = with(r#""above":1"#, r#""above":0"#);
    assert!(found[0].starts_with("verdict above: 0 for 1"), "{found:?}");
}

#[test]
fn a_closing_that_leaves_an_entry_out_is_found() {
    let world = day();
    let mut replay = Replay::under(Line::new(&super::world::plant(0, EACH)));
    for line in &world.recorder.lines {
        let entry = Entry::read(line).unwrap();
        if entry.kind() != "excursion" {
            replay.take(&entry);
        }
    }
    let report = replay.end();
    let closing = report.differences.last().unwrap();
    assert_eq!((closing.1.as_str(), closing.2.member), ("batch", "count"));
}

#[test]
fn what_was_read_or_told_is_given_and_never_said_to_be_derived() {
    let world = day();
    let report = world.replayed();
    let count = |kind: &str| {
        let lines = world.recorder.lines.iter();
        lines
            .filter(|line| Entry::read(line).unwrap().kind() == kind)
            .count() as u64
    };
    let not: u64 = report.not_derivable.values().sum();
    assert_eq!(report.entries, report.identical + report.given + not);
    assert_eq!(
        report.given,
        count("step") + count("batch") - 1 + count("allocation"),
        "all of the context but the closing"
    );
}

#[test]
fn that_a_batch_rests_on_a_draft_counts_in_none_of_its_steps() {
    let mut world = World::new(0, EACH);
    world
        .line
        .rests_on_drafts(vec![("MX-3".into(), "TC-1 is recorded with a draft".into())]);
    let told = world.tell(
        "
        00:00 MX-3 B-1 running 00:00 7 : emulsify/1 00:00
        00:01 TC-1.temp 70.0 °C
        00:02 TC-1.temp 70.0 °C
        00:03 MX-3 B-1 complete 00:00-00:03 7 : emulsify/1 00:00-00:03
        00:04 tick
        ",
    );
    assert!(told.contains("draft-driver"), "{told}");
    assert!(told.contains("captured 2 gaps 0 exceptions 0"), "{told}");
}
