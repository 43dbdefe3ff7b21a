//! Lists `kinds/`: one file per kind of entry, found by listing, so that two people who add a
//! kind never touch the same line.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a build script that cannot go on should stop
#![allow(clippy::unnecessary_debug_formatting)] // a path written as a Rust string literal, with its escapes

use std::{env, fmt::Write, fs, path::PathBuf};

fn main() {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR").unwrap());
    let out = PathBuf::from(env::var("OUT_DIR").unwrap());
    // whole, so that a clone elsewhere that shares the target directory does not go on with the list of this one
    println!("cargo::rerun-if-changed={}", here.join("kinds").display());
    let mut names: Vec<String> = fs::read_dir(here.join("kinds"))
        .unwrap()
        .filter_map(|entry| {
            entry
                .unwrap()
                .file_name()
                .into_string()
                .unwrap()
                .strip_suffix(".rs")
                .map(str::to_owned)
        })
        .collect();
    names.sort();
    let mut text = String::new();
    for name in &names {
        let path = here.join("kinds").join(format!("{name}.rs"));
        writeln!(text, "#[path = {path:?}]\nmod {name};").unwrap();
    }
    writeln!(
        text,
        "/// Every kind, by name.\npub(super) static ALL: &[Kind] = &["
    )
    .unwrap();
    for name in &names {
        writeln!(text, "    {name}::KIND,").unwrap();
    }
    text.push_str("];\n");
    fs::write(out.join("kinds.rs"), text).unwrap();
}
