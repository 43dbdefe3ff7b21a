//! What a person reads about the configuration: the pages agree with the code.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};
use steelyard::config::KEYS;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

// ---------------------------------------------------------------- the reference

/// Block → keys, as the page has them: `## [gateway]`, then rows that begin with a key in back ticks.
fn keys_on_the_page(page: &str) -> BTreeMap<String, Vec<String>> {
    let mut blocks: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut block = String::new();
    for line in page.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            title.trim_matches('`').clone_into(&mut block);
        } else if let Some(key) = line.strip_prefix("| `").and_then(|rest| rest.split_once('`')) {
            blocks.entry(block.clone()).or_default().push(key.0.to_owned());
        }
    }
    blocks
}

#[test]
fn every_key_stands_in_the_reference_and_no_other() {
    let blocks = keys_on_the_page(&page("docs/reference/configuration.md"));
    for (block, keys) in KEYS {
        let title = if block.is_empty() { "The file" } else { block };
        let written = blocks.get(title).unwrap_or_else(|| panic!("no chapter {title}"));
        assert_eq!(written, keys, "{title}");
    }
    let chapters: BTreeSet<&str> = blocks.keys().map(String::as_str).collect();
    let known: BTreeSet<&str> = KEYS
        .iter()
        .map(|(block, _)| if block.is_empty() { "The file" } else { *block })
        .collect();
    assert_eq!(chapters, known);
}

#[test]
fn every_default_of_the_reference_has_its_reason_in_the_manual() {
    let reference = page("docs/reference/configuration.md");
    let manual = page("docs/manual/defaults.md");
    let mut looked_at = 0;
    for line in reference.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let key = cells[0].trim_matches('`');
        assert!(cells.len() >= 4, "{line}");
        if matches!(cells[2], "required" | "–" | "one of them") {
            continue;
        }
        looked_at += 1;
        assert!(
            manual.contains(&format!("`{key}`")),
            "`{key}` has the default {} and no reason",
            cells[2]
        );
    }
    assert!(looked_at > 15, "the defaults are there");
}

// ---------------------------------------------------------------- the messages

/// Names of messages in the source: what stands first in `Complaint::new(…)`, `Trouble::new(…)` and in the slips
/// of sentences.
fn names_in_the_source() -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for file in rust_files(&root().join("src")) {
        let text = fs::read_to_string(&file).unwrap();
        let product = text.split("#[cfg(test)]\nmod tests").next().unwrap_or(&text);
        let code: Vec<&str> = product
            .lines()
            .map(str::trim)
            .filter(|line| !line.starts_with("//"))
            .collect();
        let code = code.join(" ");
        for begin in [
            "Complaint::new(",
            "Trouble::new(",
            "refusal(",
            "slip(",
            "Slip { name: ",
        ] {
            for rest in code.split(begin).skip(1) {
                let Some(rest) = rest.trim_start().strip_prefix('"') else {
                    continue;
                };
                let name = rest.split('"').next().unwrap_or("");
                names.insert(
                    name.to_owned(),
                    file.strip_prefix(root()).unwrap().display().to_string(),
                );
            }
        }
    }
    names
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

#[test]
fn every_message_of_the_program_is_explained_and_no_other() {
    let page = page("docs/reference/messages.md");
    let explained: BTreeSet<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("### "))
        .collect();
    let said = names_in_the_source();
    let missing: Vec<String> = said
        .iter()
        .filter(|(name, _)| !explained.contains(name.as_str()))
        .map(|(name, file)| format!("{name} ({file})"))
        .collect();
    assert!(
        missing.is_empty(),
        "add a section to docs/reference/messages.md for: {}",
        missing.join(", ")
    );
    // What is raised under a word of the record is said in that word.
    let kinds = record::Kind::all().iter();
    let raised: Vec<&str> = kinds.flat_map(|kind| kind.because.iter().copied()).collect();
    let source: String = rust_files(&root().join("src"))
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    let left_over: Vec<&&str> = explained
        .iter()
        .filter(|name| !said.contains_key(**name) && !raised.contains(name))
        // a name that stands in a call over several lines, or in the log alone
        .filter(|name| !source.contains(&format!("\"{name}\"")))
        .collect();
    assert!(
        left_over.is_empty(),
        "docs/reference/messages.md explains what nobody says: {left_over:?}"
    );
}

// ---------------------------------------------------------------- explain, as a person runs it

#[test]
fn any_message_is_explained_by_its_name_as_it_is_shown() {
    let explain = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_steelyard"))
            .arg("explain")
            .args(words)
            .output()
            .unwrap();
        (
            output.status.code().unwrap(),
            String::from_utf8(output.stdout).unwrap(),
            String::from_utf8(output.stderr).unwrap(),
        )
    };
    for name in [
        "warning-outside-limits",
        "[warning-outside-limits]",
        "error[warning-outside-limits]:",
    ] {
        let (code, said, _) = explain(&[name]);
        assert!(
            code == 0 && said.starts_with("warning-outside-limits\n\nThe warning band reaches beyond"),
            "{name}: {said}"
        );
    }
    let (code, said, _) = explain(&[]);
    assert!(code == 0 && said.lines().count() > 60, "{said}");
    let (code, _, said) = explain(&["warning-outside-limit"]);
    assert!(
        code == 3 && said.contains("did you mean warning-outside-limits?"),
        "{said}"
    );
}
