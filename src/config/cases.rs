//! The cases under `tests/cases/config/`: a folder with a `steelyard.toml` and the words that must come
//! out. Adding one needs no code; a missing `expected.txt`, or `UPDATE_CASES=1`, writes it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::{Source, plant::Plant, read};
use std::{env, fs, path::Path};

#[test]
fn every_mistake_is_answered_as_its_case_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/config");
    let mut folders: Vec<_> = fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    assert!(folders.len() > 20, "the cases are there");
    let mut differing = Vec::new();
    for folder in &folders {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        let source = Source {
            name: "config/steelyard.toml".into(),
            text: fs::read_to_string(folder.join("steelyard.toml")).unwrap(),
            drivers: drivers(&folder.join("drivers")),
            recipes: drivers(&folder.join("recipes")),
        };
        let said = said(source);
        let expected = folder.join("expected.txt");
        if !expected.exists() || env::var_os("UPDATE_CASES").is_some() {
            fs::write(&expected, &said).unwrap();
        }
        let expected = fs::read_to_string(&expected).unwrap();
        if said != expected {
            differing.push(format!(
                "---- {name}: expected\n{expected}\n---- {name}: said\n{said}"
            ));
        }
    }
    assert!(
        differing.is_empty(),
        "{}\nUPDATE_CASES=1 writes what is said now",
        differing.join("\n")
    );
}

fn drivers(folder: &Path) -> Vec<(String, String)> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut drivers: Vec<_> = entries
        .map(|entry| {
            let path = entry.unwrap().path();
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                fs::read_to_string(path).unwrap(),
            )
        })
        .collect();
    drivers.sort();
    drivers
}

fn said(source: Source) -> String {
    match read(source.clone()) {
        Ok(plant) => accepted(&plant, &source),
        Err(complaints) => complaints
            .iter()
            .map(|complaint| source.render(complaint))
            .collect::<Vec<_>>()
            .join("\n"),
    }
}

fn accepted(plant: &Plant, source: &Source) -> String {
    let mut said = format!(
        "accepted: {} units, {} equipment, {} captures\n",
        plant.units.len(),
        plant.equipment.len(),
        plant.captures.len()
    );
    for warning in &plant.warnings {
        said.push('\n');
        said.push_str(&super::render_warning(warning, source.text_of(&warning.file)));
    }
    said
}
