//! Rules of a recipe at work: what they find, with its surroundings; states, restarts, late context, verdicts.

use super::world::{World, agrees, plant};
use steelyard::config::{plant::Plant, recipe};

const EACH: &str = "
    MX-3:emulsify TC-1.temp every 5 missing 30
    MX-3:cool     TC-1.temp every 5 missing 30
";

/// A recipe of two steps, `rules` in the first.
fn recipe_with(rules: &[&str]) -> recipe::Recipe {
    let rules: String = rules
        .iter()
        .map(|rule| format!("[[step.rule]]\n{}\n", rule.replace("; ", "\n")))
        .collect();
    let capture = "[[step.capture]]\nwhat = \"temp\"\nevery = \"5 s\"\nmissing_after = \"30 s\"\n";
    let text = format!(
        "format = 1\nrecipe = \"cream\"\nproduct = \"Cream\"\nrevision = \"7\"\nkind = \"mixer\"\n\n[[step]]\nid = \"emulsify\"\n{capture}{rules}\n[[step]]\nid = \"cool\"\n{capture}"
    );
    recipe::read("cream.toml", &text).unwrap_or_else(|wrong| panic!("{wrong:#?}"))
}

fn under(rules: &[&str]) -> Plant {
    let mut plant = plant(0, EACH);
    plant.recipes = vec![recipe_with(rules)];
    plant
}

fn world(rules: &[&str]) -> World {
    World::of(under(rules))
}

/// Only what rules lead to, and verdicts, as `kind time: members`.
fn ruled(world: &World) -> String {
    let mut text = String::new();
    for (at, line) in world.recorder.lines.iter().enumerate() {
        let line = record::Line::read(line).unwrap();
        let member = |name: &str| line.text(name).map(|word| format!(" {word}")).unwrap_or_default();
        let data = |name: &str| {
            line.data_text(name)
                .map(|word| format!(" {word}"))
                .unwrap_or_default()
        };
        let number = at + 1;
        match line.kind() {
            "excursion" | "exception" if line.text("rule").is_some() => {
                let opened = line
                    .int("opened")
                    .map(|seq| format!(" opened {seq}"))
                    .unwrap_or_default();
                text += &format!(
                    "{number} {}{}{}{}{}{}{}{opened}:{}\n",
                    line.kind(),
                    member("because"),
                    member("state"),
                    member("class"),
                    member("severity"),
                    member("rule"),
                    member("limits"),
                    data("says"),
                );
            }
            "summary" if line.data_text("rule").is_some() => {
                text += &format!("{number} state{}:{}\n", data("rule"), data("state"));
            }
            "verdict" => {
                let figure = |name: &str| line.data_int(name).unwrap_or(0);
                text += &format!(
                    "{number} verdict{} exceptions {} met {} not met {} not judged {}\n",
                    member("step"),
                    line.int("exceptions").unwrap_or(0),
                    figure("rules_met"),
                    figure("rules_not_met"),
                    figure("rules_not_judged"),
                );
            }
            "reading" if line.int("around").is_some() => {
                text += &format!(
                    "{number} around {}:{}{}\n",
                    line.int("around").unwrap(),
                    data("value"),
                    member("verdict")
                );
            }
            _ => {}
        }
    }
    text
}

#[test]
fn an_excursion_between_two_captured_readings_is_never_lost() {
    let mut world = world(&[
        r#"id = "temp"; kind = "limits"; of = "temp"; must_be = "68.0 to 72.0 °C"; severity = "critical""#,
    ]);
    world.tell(
        "
        00:00 MX-3 B-1 running 00:00 cream@7 : emulsify/1 00:00
        00:01 TC-1.temp 70.0 °C
        00:02 TC-1.temp 73.5 °C
        00:03 TC-1.temp 70.0 °C
        00:04 TC-1.temp 70.1 °C
        00:20 MX-3 B-1 running 00:00 cream@7 : emulsify/1 00:00-00:05
        00:21 tick
        ",
    );
    agrees(
        &ruled(&world),
        "
        6 excursion open limit critical temp rev 7: 73.5 °C, above 72.0 °C
        7 around 6: 70.0 within
        8 around 6: 73.5 above
        9 excursion closed limit critical temp rev 7 opened 6: 73.5 °C, above 72.0 °C, for 1 s
        10 around 6: 70.0 within
        11 around 6: 70.1 within
        14 verdict emulsify exceptions 1 met 0 not met 1 not judged 0
        ",
    );
}

#[test]
fn a_rule_with_memory_enters_its_state_and_goes_on_from_there() {
    let rule = r#"id = "hold"; kind = "time-in-range"; of = "temp"; range = "63.0 to 67.0 °C"; at_least = "40 s"; how = "cumulative"; max_sample_gap = "5 s""#;
    let mut world = world(&[rule]);
    let mut story = "00:00 MX-3 B-1 running 00:00 cream@7 : emulsify/1 00:00\n".to_owned();
    for second in 1..=21 {
        story += &format!("00:{second:02} TC-1.temp 65.0 °C\n00:{second:02} tick\n");
    }
    world.tell(&story);
    world.restart_of(under(&[rule]));
    let mut story = String::from("00:30 off 00:21-00:30 power-loss\n");
    for second in 30..=59 {
        story += &format!("00:{second:02} TC-1.temp 65.0 °C\n00:{second:02} tick\n");
    }
    story += "01:00 MX-3 B-1 running 00:00 cream@7 : emulsify/1 00:00-01:00\n01:01 tick\n";
    world.tell(&story);
    let told = ruled(&world);
    let states: Vec<&str> = told.lines().filter(|line| line.contains("state hold")).collect();
    assert!(states.len() >= 5, "a state at least every ten seconds:\n{told}");
    // 10 s to the state at 00:21 or before, nothing over the restart, 29 s after it.
    assert!(
        told.trim_end()
            .ends_with("verdict emulsify exceptions 0 met 1 not met 0 not judged 0"),
        "{told}"
    );
}

#[test]
fn a_hold_that_was_too_short_is_an_exception_of_the_step() {
    let mut world = world(&[
        r#"id = "hold"; kind = "time-in-range"; of = "temp"; range = "63.0 to 67.0 °C"; at_least = "40 s"; max_sample_gap = "5 s""#,
        r#"id = "enough"; kind = "completeness"; of = "temp"; readings = 3"#,
        r#"id = "pair"; kind = "redundancy"; of = "temp"; and = "bath"; within = "1 K""#,
    ]);
    let told = world.tell(
        "
        00:00 MX-3 B-1 running 00:00 cream@7 : emulsify/1 00:00
        00:01 TC-1.temp 65.0 °C
        00:02 TC-1.temp 65.0 °C
        00:03 TC-1.temp 65.0 °C
        00:05 MX-3 B-1 running 00:00 cream@7 : emulsify/1 00:00-00:04
        00:06 tick
        ",
    );
    let told_rules = ruled(&world);
    assert!(
        told_rules.contains(
            "exception time-short limit major hold rev 7: in range for 2 s, at least 40 s were asked"
        ),
        "{told}\n{told_rules}"
    );
    assert!(
        told_rules.contains("verdict emulsify exceptions 1 met 1 not met 1 not judged 1"),
        "{told}\n{told_rules}"
    );
}

#[test]
fn late_context_takes_the_rules_again() {
    let rule = r#"id = "temp"; kind = "limits"; of = "temp"; must_be = "at most 72.0 °C""#;
    let mut world = world(&[rule]);
    world.tell(
        "
        00:00 MX-3 B-1 running 00:00 cream@7 : emulsify/1 00:00
        00:01 TC-1.temp 70.0 °C
        00:02 TC-1.temp 70.0 °C
        00:05 TC-1.temp 75.0 °C
        00:06 TC-1.temp 70.0 °C
        00:10 MX-3 B-1 running 00:00 cream@7 : emulsify/1 00:00-00:03, cool/1 00:03
        00:11 tick
        ",
    );
    let told = ruled(&world);
    // What was found in the wrong step is detached, and its verdict has no exception of it.
    assert!(told.contains("excursion open limit major temp"), "{told}");
    assert!(
        told.contains("verdict emulsify exceptions 0 met 1 not met 0 not judged 0"),
        "{told}"
    );
    let detached = world.recorder.lines.iter().any(|line| {
        let line = record::Line::read(line).unwrap();
        line.kind() == "binding" && line.raw("state") == Some("detached")
    });
    assert!(detached);
}

#[test]
fn a_step_out_of_order_and_a_hold_too_long_are_found_over_the_batch() {
    let mut world = world(&[
        r#"id = "order"; kind = "sequence"; order = ["emulsify", "cool"]"#,
        r#"id = "wait"; kind = "hold-time"; from = "end of emulsify"; to = "start of cool"; at_most = "5 s""#,
    ]);
    world.tell(
        "
        00:00 MX-3 B-1 running 00:00 cream@7 : emulsify/1 00:00
        00:01 TC-1.temp 65.0 °C
        00:02 MX-3 B-1 running 00:00 cream@7 : emulsify/1 00:00-00:02
        00:06 tick
        00:08 tick
        00:09 tick
        00:10 MX-3 B-1 complete 00:00-00:10 cream@7 : emulsify/1 00:00-00:02
        00:12 tick
        ",
    );
    let told = ruled(&world);
    assert_eq!(
        told.matches("time-long hold-time major wait").count(),
        1,
        "{told}"
    );
    assert!(
        told.contains("left-out sequence major order rev 7: cool was left out"),
        "{told}"
    );
    assert!(
        told.contains("not-judged hold-time major wait rev 7: the start of cool never came"),
        "{told}"
    );
    let closing = world.recorder.lines.last().unwrap();
    assert_eq!(record::Line::read(closing).unwrap().int("closing"), Some(1));
}

#[test]
fn on_hold_a_rule_that_counts_in_running_sees_nothing() {
    let mut world = world(&[
        r#"id = "temp"; kind = "limits"; of = "temp"; must_be = "at most 72.0 °C"; counts_in = "running""#,
    ]);
    world.tell(
        "
        00:00 MX-3 B-1 running 00:00 cream@7 : emulsify/1 00:00
        00:01 TC-1.temp 70.0 °C
        00:02 MX-3 B-1 running 00:00 cream@7 : emulsify/1 held 00:00
        00:03 TC-1.temp 75.0 °C
        00:04 tick
        ",
    );
    assert!(!ruled(&world).contains("excursion"), "{}", ruled(&world));
}
