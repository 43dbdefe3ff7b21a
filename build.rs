//! Lists `src/cli/commands/`, `src/web/screens/` and `src/daemon/acts/`: one file each, found by listing, so that two
//! people who add a command, a screen or an act never touch the same line.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a build script that cannot go on should stop
#![allow(clippy::unnecessary_debug_formatting)] // a path written as a Rust string literal, with its escapes

use std::{env, fmt::Write, fs, path::PathBuf};

fn main() {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR").unwrap());
    let out = PathBuf::from(env::var("OUT_DIR").unwrap());
    list(
        &here.join("src/cli/commands"),
        "COMMAND",
        "Command",
        &out.join("commands.rs"),
    );
    list(
        &here.join("src/web/screens"),
        "SCREEN",
        "Screen",
        &out.join("screens.rs"),
    );
    list(&here.join("src/daemon/acts"), "ACT", "Act", &out.join("acts.rs"));
    list(
        &here.join("src/config/rule"),
        "KIND",
        "Kind",
        &out.join("rule_kinds.rs"),
    );
    migrations(&here.join("src/store/migrations"), &out.join("migrations.rs"));
}

/// The record store's schema, one file per change, in the order of their dated names.
fn migrations(dir: &PathBuf, out: &PathBuf) {
    println!("cargo::rerun-if-changed={}", dir.display());
    let mut files: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "sql"));
    files.sort();
    let mut text = String::from("static ALL: &[(&str, &str)] = &[\n");
    for file in &files {
        writeln!(
            text,
            "    ({:?}, include_str!({file:?})),",
            file.file_stem().unwrap()
        )
        .unwrap();
    }
    text.push_str("];\n");
    fs::write(out, text).unwrap();
}

fn list(dir: &PathBuf, constant: &str, kind: &str, out: &PathBuf) {
    println!("cargo::rerun-if-changed={}", dir.display());
    let mut names: Vec<String> = fs::read_dir(dir)
        .map(|entries| {
            entries
                .filter_map(|entry| {
                    entry
                        .unwrap()
                        .file_name()
                        .into_string()
                        .unwrap()
                        .strip_suffix(".rs")
                        .map(str::to_owned)
                })
                .collect()
        })
        .unwrap_or_default();
    names.sort();
    let mut text = String::new();
    for name in &names {
        writeln!(
            text,
            "#[path = {:?}]\npub(crate) mod {name};",
            dir.join(format!("{name}.rs"))
        )
        .unwrap();
    }
    writeln!(text, "pub(crate) static ALL: &[{kind}] = &[").unwrap();
    for name in &names {
        writeln!(text, "    {name}::{constant},").unwrap();
    }
    text.push_str("];\n");
    fs::write(out, text).unwrap();
}
