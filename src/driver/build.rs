//! Lists `drivers/`: every file there is compiled in, found by listing.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a build script that cannot go on should stop
#![allow(clippy::unnecessary_debug_formatting)] // a path written as a Rust string literal, with its escapes

use std::{env, fmt::Write, fs, path::PathBuf};

fn main() {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR").unwrap());
    let drivers = here.join("../../drivers");
    println!("cargo::rerun-if-changed={}", drivers.display());
    let mut names: Vec<String> = fs::read_dir(&drivers)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    names.sort();
    let mut text = String::from("static BUILTIN: &[(&str, &str)] = &[\n");
    for name in &names {
        let path = drivers.join(name).canonicalize().unwrap();
        writeln!(text, "    ({name:?}, include_str!({path:?})),").unwrap();
    }
    text.push_str("];\n");
    fs::write(
        PathBuf::from(env::var("OUT_DIR").unwrap()).join("builtin.rs"),
        text,
    )
    .unwrap();
}
