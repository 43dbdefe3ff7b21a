//! Lists `src/cli/commands/`, `src/web/screens/`, `src/daemon/acts/` and `src/web/languages/`: one file each, found by
//! listing, so that two people who add a command, a screen, an act or a language never touch the same line.
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
    list(
        &here.join("src/web/routes"),
        "ROUTES",
        "Routes",
        &out.join("routes.rs"),
    );
    list(&here.join("src/daemon/acts"), "ACT", "Act", &out.join("acts.rs"));
    list(
        &here.join("src/config/rule"),
        "KIND",
        "Kind",
        &out.join("rule_kinds.rs"),
    );
    for (engine, file) in [
        ("sqlite", "migrations_sqlite.rs"),
        ("postgresql", "migrations_postgresql.rs"),
    ] {
        migrations(&here.join("src/store/migrations").join(engine), &out.join(file));
    }
    words(&here.join("src/web/languages"), &out.join("words.rs"));
}

/// The catalogue of the screens: the keys English has, and what each language says to them.
fn words(dir: &PathBuf, out: &PathBuf) {
    println!("cargo::rerun-if-changed={}", dir.display());
    let mut files: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "txt"));
    files.sort_by_key(|file| (file.file_stem().unwrap() != "en", file.clone()));
    let mut keys: Vec<String> = Vec::new();
    let mut text = String::new();
    for file in &files {
        println!("cargo::rerun-if-changed={}", file.display());
        let code = file.file_stem().unwrap().to_str().unwrap();
        let source = fs::read_to_string(file).unwrap();
        let said: Vec<(&str, &str)> = source
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once(" = "))
            .collect();
        let habit = |name: &str| {
            let found = said.iter().find(|(key, _)| *key == name);
            found
                .unwrap_or_else(|| panic!("{code}.txt says nothing of {name}"))
                .1
        };
        let messages = said.iter().filter(|(key, _)| key.starts_with(char::is_uppercase));
        if code == "en" {
            keys = messages.clone().map(|(key, _)| (*key).to_owned()).collect();
        }
        for (key, _) in messages.clone() {
            assert!(
                keys.iter().any(|known| known == key),
                "{code}.txt: English has no {key}"
            );
        }
        let find = |name: &String| messages.clone().find(|(key, _)| key == name);
        let texts: Vec<&str> = keys
            .iter()
            .map(|key| find(key).map_or("", |(_, text)| text))
            .collect();
        let months: Vec<&str> = habit("months").split(' ').collect();
        writeln!(
            text,
            "pub(crate) static {}: Tongue = Tongue {{ code: {code:?}, name: {:?}, decimal: {:?}, thousands: {:?}, \
             months: {months:?}, zero_is_one: {}, texts: &{texts:?} }};",
            tongue(code),
            habit("name"),
            habit("decimal").chars().next().unwrap(),
            habit("thousands"),
            habit("one") != "1",
        )
        .unwrap();
    }
    let names: Vec<String> = files
        .iter()
        .map(|file| format!("&{}", tongue(file.file_stem().unwrap().to_str().unwrap())))
        .collect();
    writeln!(
        text,
        "pub(crate) static TONGUES: &[&Tongue] = &[{}];",
        names.join(", ")
    )
    .unwrap();
    writeln!(
        text,
        "/// The keys of the catalogue.\n#[derive(Debug, Clone, Copy, PartialEq, Eq)]\npub(crate) enum Say {{ {} }}",
        keys.join(", ")
    )
    .unwrap();
    let all: Vec<String> = keys.iter().map(|key| format!("({key:?}, Say::{key})")).collect();
    writeln!(
        text,
        "#[cfg(test)]\nconst ALL: &[(&str, Say)] = &[{}];",
        all.join(", ")
    )
    .unwrap();
    fs::write(out, text).unwrap();
}

/// The name of a language's constant.
fn tongue(code: &str) -> String {
    if code == "en" {
        "ENGLISH".to_owned()
    } else {
        format!("TONGUE_{}", code.to_uppercase())
    }
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
