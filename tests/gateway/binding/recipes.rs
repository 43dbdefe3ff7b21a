//! Batches under recipes: which one holds, what is sealed, and what a change does from when on.

use super::world::{World, at, plant};
use record::{Draft, Stamp, Word};
use steelyard::{
    config::{
        plant::{Authority, Plant, Use},
        recipe::{self, Recipe},
    },
    flow::{
        control::{APPROVED, Approval, fingerprint},
        line::{LineEvent, RecipeChange},
    },
};

/// What the configuration asks for; its limits would call every reading too hot.
const CONFIGURED: &str = "
    MX-3:emulsify TC-1.temp every reading -/-/-/10.0 °C missing 3
";

fn recipe(revision: &str, limits: &str) -> Recipe {
    let text = format!(
        "format = 1\nrecipe = \"cream\"\nproduct = \"Cream\"\nrevision = \"{revision}\"\nkind = \"mixer\"\nsize = \"60.0 kg\"\nsizes = \"30.0 to 120.0 kg\"\n\
         [[step]]\nid = \"heat\"\n[[step.capture]]\nwhat = \"temp\"\nevery = \"reading\"\n\
         [[step]]\nid = \"emulsify\"\n[[step.capture]]\nwhat = \"temp\"\nevery = \"reading\"\nmust_be = \"{limits}\"\nmissing_after = \"30 s\"\n\
         [[step.dispense]]\nline = \"10\"\nmaterial = \"RM-1\"\ntarget = \"1.200 kg\"\ntolerance = \"± 0.5 %\"\nverification = \"automated\"\n"
    );
    recipe::read("recipes/cream.toml", &text).unwrap()
}

fn with(usage: Use, recipes: Vec<Recipe>) -> Plant {
    let mut plant = plant(0, CONFIGURED);
    plant.gateway.usage = usage;
    plant.recipes = recipes;
    plant
}

fn tell(world: &mut World, number: u64, now: &str, head: &str, runs: &str) {
    let text = format!(
        r#"{{"number":{number},"sent":"{0}","source":"mes","batch":{{"id":"B-1","size":"90.0 kg","started":"{1}",{head}}},"runs":[{runs}]}}"#,
        at(now),
        at("00:00")
    );
    send(world, now, text);
}

fn send(world: &mut World, now: &str, text: String) {
    world.event(LineEvent::Context {
        unit: "MX-3".into(),
        via: Authority::Mqtt,
        bytes: text.into_bytes(),
        now: at(now),
    });
}

const CREAM: &str = r#""recipe":"cream","revision":"7","state":"running""#;

fn run(step: &str, from: &str) -> String {
    format!(
        r#"{{"step":"{step}","run":1,"state":"running","started":"{}"}}"#,
        at(from)
    )
}

fn over(step: &str, from: &str, until: &str) -> String {
    format!(
        r#"{{"step":"{step}","run":1,"state":"complete","started":"{}","ended":"{}"}}"#,
        at(from),
        at(until)
    )
}

fn member(draft: &Draft, name: &str) -> String {
    let all = draft.outside().iter().chain(draft.inside());
    let found = all.into_iter().find(|(other, _)| *other == name);
    found.map_or_else(String::new, |(_, word)| match word {
        Word::Text(text) => text.clone(),
        Word::Int(number) => number.to_string(),
    })
}

/// What readings were judged as and by which limits, and what was raised.
fn judged(world: &World) -> Vec<String> {
    let said = world
        .recorder
        .entries
        .iter()
        .filter_map(|(draft, _)| match draft.kind() {
            "reading" => Some(format!(
                "{} {} {}",
                member(draft, "value"),
                member(draft, "verdict"),
                member(draft, "limits")
            )),
            // heating is told and not read in these stories
            "exception" if member(draft, "because") != "no-samples" => {
                Some(format!("! {}", member(draft, "because")))
            }
            _ => None,
        });
    said.map(|row| row.trim().to_owned()).collect()
}

fn kinds(world: &World) -> Vec<String> {
    let entries = world.recorder.entries.iter();
    entries
        .map(|(draft, _)| {
            let more = match draft.kind() {
                "file" => member(draft, "name"),
                _ => member(draft, "state"),
            };
            format!("{} {more}", draft.kind())
        })
        .collect()
}

fn approve(world: &mut World, recipe: &Recipe, now: &str) {
    let entered = {
        use steelyard::flow::{enter::Enter, files::enter_file};
        enter_file(
            &mut world.recorder,
            "recipes/cream.toml",
            &recipe.text,
            None,
            at(now),
        );
        let draft = Draft::new("signature", at(now))
            .with("meaning", APPROVED)
            .with("target", fingerprint(&recipe.text))
            .with("person", "p-1");
        world.recorder.enter(draft)
    };
    world.event(LineEvent::RecipeApproved {
        recipe: Box::new(recipe.clone()),
        approval: Approval {
            person: "p-1".into(),
            seq: entered.seq,
            time: at(now),
        },
        now: at(now),
    });
}

fn read(world: &mut World, now: &str, value: &str) {
    world.tell(&format!("{now} TC-1.temp {value} °C"));
}

#[test]
fn a_batch_starts_with_its_control_recipe_sealed_before_it_has_effect() {
    let mut world = World::of(with(Use::Demo, vec![recipe("7", "68.0 to 72.0 °C")]));
    tell(&mut world, 1, "00:01", CREAM, &run("heat", "00:01"));
    assert_eq!(
        kinds(&world),
        [
            "file control.toml",
            "file targets.toml",
            "recipe control",
            "batch running",
            "step running"
        ]
    );
    let entries = &world.recorder.entries;
    assert!(
        entries
            .iter()
            .all(|(draft, _)| draft.text("batch") == Some("B-1")),
        "all of them are the batch's"
    );
    assert_eq!(member(&entries[0].0, "text"), recipe("7", "68.0 to 72.0 °C").text);
    assert!(member(&entries[1].0, "text").contains("target   = \"1.800 kg\""));
    assert_eq!(
        member(&entries[2].0, "sha256"),
        fingerprint(&recipe("7", "68.0 to 72.0 °C").text)
    );
    let ended = format!("{},{}", over("heat", "00:01", "00:03"), run("emulsify", "00:03"));
    tell(&mut world, 2, "00:03", CREAM, &ended);
    read(&mut world, "00:04", "70.0");
    read(&mut world, "00:05", "72.1");
    world.tell("00:06 tick");
    assert_eq!(judged(&world), ["70.0 within rev 7", "72.1 above rev 7"]);
}

#[test]
fn in_production_an_unapproved_recipe_records_everything_and_judges_nothing() {
    let hot = recipe("7", "68.0 to 72.0 °C");
    let mut world = World::of(with(Use::Production, vec![hot.clone()]));
    tell(&mut world, 1, "00:01", CREAM, &run("emulsify", "00:01"));
    read(&mut world, "00:02", "99.0");
    world.tell("00:03 tick");
    assert_eq!(
        judged(&world),
        ["! recipe-not-approved", "! out-of-order", "99.0 not-judged"]
    );
    assert!(kinds(&world).contains(&"recipe without-limits".to_owned()));

    let mut world = World::of(with(Use::Production, vec![hot.clone()]));
    approve(&mut world, &hot, "00:00");
    tell(&mut world, 1, "00:01", CREAM, &run("emulsify", "00:01"));
    read(&mut world, "00:02", "99.0");
    world.tell("00:03 tick");
    assert_eq!(judged(&world), ["! out-of-order", "99.0 above rev 7"]);
}

#[test]
fn a_recipe_delivered_with_the_context_yields_to_the_approved_one() {
    let mut world = World::of(with(Use::Production, Vec::new()));
    approve(&mut world, &recipe("7", "68.0 to 72.0 °C"), "00:00");
    let other = serde_json::Value::from(recipe("7", "at most 200.0 °C").text);
    let text = format!(
        r#"{{"number":1,"sent":"{0}","source":"mes","batch":{{"id":"B-1","size":"90.0 kg","started":"{2}",{CREAM}}},"runs":[{1}],"recipe_file":{other}}}"#,
        at("00:01"),
        run("heat", "00:01"),
        at("00:00")
    );
    send(&mut world, "00:01", text);
    tell(
        &mut world,
        2,
        "00:03",
        CREAM,
        &format!("{},{}", over("heat", "00:01", "00:02"), run("emulsify", "00:02")),
    );
    read(&mut world, "00:04", "99.0");
    world.tell("00:05 tick");
    assert_eq!(judged(&world), ["! recipe-differs", "99.0 above rev 7"]);
}

#[test]
fn what_is_not_known_is_never_guessed() {
    let mut world = World::of(with(Use::Demo, vec![recipe("8", "68.0 to 72.0 °C")]));
    tell(&mut world, 1, "00:01", CREAM, &run("emulsify", "00:01"));
    read(&mut world, "00:02", "99.0");
    world.tell("00:03 tick");
    assert_eq!(judged(&world), ["! recipe-missing", "99.0 not-judged"]);
}

#[test]
fn a_newer_recipe_changes_nothing_for_a_batch_that_runs() {
    let mut world = World::of(with(Use::Demo, vec![recipe("7", "68.0 to 72.0 °C")]));
    let runs = format!("{},{}", over("heat", "00:00", "00:01"), run("emulsify", "00:01"));
    tell(&mut world, 1, "00:01", CREAM, &runs);
    approve(&mut world, &recipe("8", "at most 200.0 °C"), "00:02");
    let newer = r#""recipe":"cream","revision":"8","state":"running""#;
    tell(&mut world, 2, "00:03", newer, &runs);
    tell(&mut world, 3, "00:03.500", newer, &runs);
    read(&mut world, "00:04", "99.0");
    world.tell("00:05 tick");
    assert_eq!(judged(&world), ["! recipe-newer", "99.0 above rev 7"]);
}

fn change(to: Recipe, from: &str) -> RecipeChange {
    RecipeChange {
        batch: "B-1".into(),
        recipe: to,
        from: at(from),
        by: "p-1".into(),
        second: "p-2".into(),
        reason: "the batch is thicker than usual".into(),
    }
}

fn changed(world: &mut World, to: Recipe, from: &str, now: &str) {
    let change = change(to, from);
    world.line.may_change(&change, at(now)).unwrap();
    world.event(LineEvent::RecipeChanged {
        change: Box::new(change),
        now: at(now),
    });
}

#[test]
fn a_change_counts_from_its_time_and_survives_a_restart() {
    let plant = with(Use::Production, vec![recipe("7", "68.0 to 72.0 °C")]);
    let mut world = World::of(plant.clone());
    approve(&mut world, &recipe("7", "68.0 to 72.0 °C"), "00:00");
    let runs = format!("{},{}", over("heat", "00:00", "00:01"), run("emulsify", "00:01"));
    tell(&mut world, 1, "00:01", CREAM, &runs);
    read(&mut world, "00:02", "74.0");
    changed(&mut world, recipe("7", "68.0 to 75.0 °C"), "00:05", "00:03");
    read(&mut world, "00:04", "74.0");
    read(&mut world, "00:05", "74.0");
    read(&mut world, "00:06", "76.0");
    world.restart_of(plant);
    read(&mut world, "00:07", "74.5");
    world.tell("00:08 tick");
    assert_eq!(
        judged(&world),
        [
            "74.0 above rev 7",
            "! recipe-changed",
            "74.0 above rev 7",
            "74.0 within rev 7, change 1",
            "76.0 above rev 7, change 1",
            "74.5 within rev 7, change 1",
        ]
    );
    let mut entry = world.recorder.entries.iter().map(|(draft, _)| draft);
    let entry = entry.rfind(|draft| draft.kind() == "recipe").unwrap();
    assert_eq!(
        member(entry, "changes"),
        "emulsify: temp 68.0 to 72.0 °C, every reading → 68.0 to 75.0 °C, every reading"
    );
    assert_eq!(
        (member(entry, "by"), member(entry, "second")),
        ("p-1".into(), "p-2".into())
    );
    assert_eq!(world.line.control("B-1", at("00:07")).unwrap().change, 1);
    changed(&mut world, recipe("7", "68.0 to 80.0 °C"), "00:09", "00:09");
    read(&mut world, "00:10", "79.0");
    world.tell("00:11 tick");
    assert_eq!(judged(&world).last().unwrap(), "79.0 within rev 7, change 2");
}

#[test]
fn a_change_is_refused_where_it_would_judge_the_past_or_another_recipe() {
    let mut world = World::of(with(Use::Demo, vec![recipe("7", "68.0 to 72.0 °C")]));
    let refused = |world: &World, change: &RecipeChange, now: Stamp| {
        world.line.may_change(change, now).unwrap_err().what
    };
    let wider = recipe("7", "68.0 to 75.0 °C");
    assert!(refused(&world, &change(wider.clone(), "00:05"), at("00:05")).contains("no batch B-1"));
    tell(&mut world, 1, "00:01", CREAM, &run("heat", "00:01"));
    assert!(refused(&world, &change(wider, "00:02"), at("00:05")).contains("behind what is judged"));
    assert!(
        refused(
            &world,
            &change(recipe("8", "68.0 to 75.0 °C"), "00:05"),
            at("00:05")
        )
        .contains("rev 8")
    );
    assert!(
        refused(
            &world,
            &change(recipe("7", "68.0 to 72.0 °C"), "00:05"),
            at("00:05")
        )
        .contains("already")
    );
}

#[test]
fn steps_against_the_recipe_are_recorded_and_raised() {
    let mut world = World::of(with(Use::Demo, vec![recipe("7", "68.0 to 72.0 °C")]));
    tell(&mut world, 1, "00:01", CREAM, &run("emulsify", "00:01"));
    let runs = format!(
        "{},{}",
        over("emulsify", "00:01", "00:02"),
        run("polish", "00:02")
    );
    tell(&mut world, 2, "00:02", CREAM, &runs);
    let runs = format!(
        "{},{}",
        over("emulsify", "00:01", "00:02"),
        over("polish", "00:02", "00:03")
    );
    let complete = format!(
        r#""recipe":"cream","revision":"7","state":"complete","ended":"{}""#,
        at("00:03")
    );
    tell(&mut world, 3, "00:03", &complete, &runs);
    assert_eq!(
        judged(&world),
        ["! out-of-order", "! step-not-in-recipe", "! step-missing"]
    );
}

#[test]
fn a_batch_without_a_recipe_keeps_the_limits_of_the_configuration() {
    let mut world = World::of(with(Use::Production, vec![recipe("7", "68.0 to 72.0 °C")]));
    tell(
        &mut world,
        1,
        "00:01",
        r#""state":"running""#,
        &run("emulsify", "00:01"),
    );
    read(&mut world, "00:02", "70.0");
    world.tell("00:03 tick");
    assert_eq!(judged(&world), ["70.0 above config"]);
}
