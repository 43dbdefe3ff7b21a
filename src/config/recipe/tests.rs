//! The example recipe, the cases under `tests/cases/recipe/`, and the arithmetic of sizes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use std::{env, fs, path::Path};

const EXAMPLE: &str = include_str!("../../../config/recipes/hand-cream.toml");

fn example() -> Recipe {
    read("recipes/hand-cream.toml", EXAMPLE).unwrap_or_else(|complaints| {
        let said = complaints
            .iter()
            .map(|complaint| super::super::render(complaint, Some(EXAMPLE)));
        panic!("{}", said.collect::<String>())
    })
}

#[test]
fn the_example_recipe_is_accepted_whole() {
    let recipe = example();
    assert_eq!(
        (recipe.id.as_str(), recipe.label().as_str()),
        ("hand-cream", "rev 7")
    );
    let steps: Vec<String> = recipe
        .steps
        .iter()
        .map(|step| {
            format!(
                "{} in {} after {:?}: {} captures, {} lines",
                step.id,
                step.kind.as_deref().unwrap_or("-"),
                step.after,
                step.captures.len(),
                step.lines.len()
            )
        })
        .collect();
    assert_eq!(
        steps,
        [
            "weigh in dispensing-booth after []: 1 captures, 2 lines",
            "charge-water in cream-mixer after []: 1 captures, 0 lines",
            "heat in cream-mixer after [\"charge-water\"]: 1 captures, 0 lines",
            "emulsify in cream-mixer after [\"heat\", \"weigh\"]: 4 captures, 0 lines",
            "cool-down in cream-mixer after [\"emulsify\"]: 2 captures, 0 lines",
        ]
    );
    let panthenol = &recipe.steps[0].lines[1];
    assert_eq!(panthenol.verification, Verification::SecondPerson);
    assert_eq!(panthenol.basis.formula(), "assay-dried");
    assert_eq!(panthenol.tolerance.to_string(), "lesser of ± 2 g and ± 0.5 %");
    assert_eq!(recipe.text, EXAMPLE);
}

#[test]
fn targets_grow_with_the_batch_and_keep_the_digits_of_the_file() {
    let recipe = example();
    let line = &recipe.steps[0].lines[0];
    let scaled = |size: &str| {
        let scale = recipe.scale(&Quantity::read(size)?)?;
        Some(line.target_for(scale)?.to_string())
    };
    for (size, target) in [
        ("60.0 kg", Some("1.200 kg")),
        ("60000 g", Some("1.200 kg")),
        ("90.0 kg", Some("1.800 kg")),
        ("100 kg", Some("2.000 kg")),
        ("33.33 kg", Some("0.667 kg")),
        ("120.0 kg", Some("2.400 kg")),
        ("120.1 kg", None),
        ("29.9 kg", None),
        ("60 L", None),
    ] {
        assert_eq!(scaled(size).as_deref(), target, "{size}");
    }
}

#[test]
fn a_recipe_without_sizes_is_for_its_own_size_only() {
    let text = EXAMPLE.replace("sizes    = \"30.0 to 120.0 kg\"", "");
    let recipe = read("r.toml", &text).unwrap();
    assert!(recipe.scale(&Quantity::read("60.00 kg").unwrap()).is_some());
    assert!(recipe.scale(&Quantity::read("61 kg").unwrap()).is_none());
}

#[test]
fn every_mistake_in_a_recipe_is_answered_as_its_case_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/recipe");
    let mut folders: Vec<_> = fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.retain(|folder| folder.join("recipe.toml").is_file());
    folders.sort();
    assert!(folders.len() >= 10, "the cases are there");
    let mut differing = Vec::new();
    for folder in &folders {
        let text = fs::read_to_string(folder.join("recipe.toml")).unwrap();
        let said = match read("recipes/recipe.toml", &text) {
            Ok(recipe) => format!(
                "accepted: {} rev {}, {} steps\n",
                recipe.id,
                recipe.revision,
                recipe.steps.len()
            ),
            Err(complaints) => complaints
                .iter()
                .map(|complaint| super::super::render(complaint, Some(&text)))
                .collect::<Vec<_>>()
                .join("\n"),
        };
        let expected = folder.join("expected.txt");
        if !expected.exists() || env::var_os("UPDATE_CASES").is_some() {
            fs::write(&expected, &said).unwrap();
        }
        let wanted = fs::read_to_string(&expected).unwrap();
        if said != wanted {
            differing.push(format!(
                "---- {}: expected\n{wanted}\n---- said\n{said}",
                folder.display()
            ));
        }
    }
    assert!(
        differing.is_empty(),
        "{}\nUPDATE_CASES=1 writes what is said now",
        differing.join("\n")
    );
}

#[test]
fn no_recipe_makes_the_reader_fall_over() {
    for (end, _) in EXAMPLE.char_indices().step_by(37) {
        drop(read("r.toml", &EXAMPLE[..end]));
    }
    let lines: Vec<&str> = EXAMPLE.lines().collect();
    for missing in 0..lines.len() {
        let text: Vec<&str> = lines
            .iter()
            .enumerate()
            .filter(|(number, _)| *number != missing)
            .map(|(_, line)| *line)
            .collect();
        drop(read("r.toml", &text.join("\n")));
    }
}
