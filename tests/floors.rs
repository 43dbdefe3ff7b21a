//! The house rules that a test can hold: imports only go down, the outside stays outside, and the
//! tree is tidy. Every rule is a function over text, and every rule is seen to bite on a planted
//! violation. See docs/decisions/0002-floors.md.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test that cannot go on should stop

#[path = "floors/links.rs"]
mod links;
#[path = "floors/source.rs"]
mod source;
#[path = "floors/tidy.rs"]
mod tidy;

use source::{File, code, paths, tree, without_tests};

/// Lowest first; what shares a line stands side by side and is blind to each other. `record` and
/// `driver` lie below these; being crates, they are guarded by the compiler.
const FLOORS: &[&[&str]] = &[
    &["config"],
    &["flow"],
    &["ports"],
    &["daemon", "store", "simulate", "evidence"],
    &["web"],
    &["cli"],
];

/// What reaches the outside, who may, and what everybody else does instead.
struct Outside {
    path: &'static str,
    floors: &'static [&'static str],
    instead: &'static str,
}

const fn only(path: &'static str, floors: &'static [&'static str], instead: &'static str) -> Outside {
    Outside {
        path,
        floors,
        instead,
    }
}

const PORTS: &[&str] = &["ports"];
const PACE: &[&str] = &["ports", "daemon", "cli"];
const WORDS: &[&str] = &["ports", "cli"];

const FILES: &str = "ask for a `Disk` or `Files` of flow/needs.rs";
const NETWORK: &str =
    "ask for `Links`, a `Broker` or a store of flow/needs.rs, or be handed a listener from `ports`";
const CLOCK: &str = "ask for a `Clock` of flow/needs.rs: now(), elapsed(), sleep()";
const SYSTEM: &str = "say in flow/needs.rs what is needed, and let `ports` do it";
const CHANCE: &str = "ask for `Random` of flow/needs.rs";
const MACHINE: &str = "let `cli` read it and hand the value down";

const OUTSIDE: &[Outside] = &[
    only("std::fs", PORTS, FILES),
    only("tokio::fs", PORTS, FILES),
    only("std::net::TcpStream", PORTS, NETWORK),
    only("std::net::TcpListener", PORTS, NETWORK),
    only("std::net::UdpSocket", PORTS, NETWORK),
    only("std::os::unix::net", PORTS, NETWORK),
    only("tokio::net", PORTS, NETWORK),
    only("tokio_serial", PORTS, NETWORK),
    only("rumqttc", PORTS, NETWORK),
    only("mqtt5", PORTS, NETWORK),
    // Asking for a password without showing it is a matter of the terminal, as the words themselves are.
    only("rustix::termios", WORDS, SYSTEM),
    only("rustix", PORTS, SYSTEM),
    only("getrandom", PORTS, CHANCE),
    only("std::time::SystemTime", PORTS, CLOCK),
    only("std::time::Instant", PORTS, CLOCK),
    only("std::thread::sleep", PORTS, CLOCK),
    only("jiff::Timestamp::now", PORTS, CLOCK),
    only("jiff::Zoned::now", PORTS, CLOCK),
    // A pace (a tick of a task, a timeout around it) is wiring; what is recorded about time is not.
    only("tokio::time", PACE, CLOCK),
    only("std::env", WORDS, MACHINE),
    only("std::process", WORDS, MACHINE),
    only("tokio::process", WORDS, MACHINE),
];

#[test]
fn imports_only_go_down() {
    holds(FLOORS.len(), &every_module(wrong_way));
}

#[test]
fn only_ports_reach_the_outside() {
    holds(OUTSIDE.len(), &every_module(outside));
}

#[test]
fn the_tree_is_tidy() {
    let files = tree();
    holds(
        files.len(),
        &files.iter().flat_map(tidy::complaints).collect::<Vec<_>>(),
    );
}

#[test]
fn every_link_to_a_file_leads_somewhere() {
    let files = tree();
    let names: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
    holds(
        files.len(),
        &files
            .iter()
            .flat_map(|file| links::complaints(file, &names))
            .collect::<Vec<_>>(),
    );
}

fn holds(looked_at: usize, complaints: &[String]) {
    assert!(looked_at > 0, "nothing was looked at");
    assert!(
        complaints.is_empty(),
        "\n{} house rule(s) broken:\n{}\n",
        complaints.len(),
        complaints.join("\n")
    );
}

/// Runs a rule over every module of the product, leaving out what only tests compile.
fn every_module(rule: fn(&File) -> Vec<String>) -> Vec<String> {
    let files: Vec<File> = tree()
        .into_iter()
        .filter(|file| file.is_rust() && file.path.starts_with("src/"))
        .collect();
    assert!(
        files.iter().any(|file| file.path == "src/lib.rs"),
        "src/lib.rs was not found"
    );
    files
        .iter()
        .filter(|file| !file.for_tests)
        .flat_map(rule)
        .collect()
}

/// The floor a file belongs to: `src/flow/seal.rs` → `flow`. `record` and `driver` are folders like the others.
fn floor_of(path: &str) -> Option<&str> {
    path.strip_prefix("src/")?.split_once('/').map(|(floor, _)| floor)
}

fn height(floor: &str) -> Option<usize> {
    FLOORS
        .iter()
        .position(|side_by_side| side_by_side.contains(&floor))
}

/// A module names a floor above it, or one beside it.
fn wrong_way(file: &File) -> Vec<String> {
    let Some(own) = floor_of(&file.path) else {
        return Vec::new();
    };
    let Some(own_height) = height(own) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (line, path) in paths(&without_tests(&code(&file.text))) {
        let climbs = matches!(path[0].as_str(), "crate" | "super" | "steelyard");
        let Some(named) = path
            .iter()
            .find(|word| !matches!(word.as_str(), "crate" | "super" | "steelyard"))
        else {
            continue;
        };
        let Some(named_height) = height(named) else {
            continue;
        };
        if climbs && named != own && named_height >= own_height {
            let beside = if named_height == own_height {
                "beside"
            } else {
                "above"
            };
            found.push(format!(
                "{}:{line}: `{own}` must not know `{named}`, which stands {beside} it\n    \
                 do: let a lower floor hold what both need, or let `cli` hand it over \
                 (a module of `{own}` itself is written crate::{own}::{named})",
                file.path
            ));
        }
    }
    found
}

/// A module reaches the clock, a file, the network or the machine itself.
fn outside(file: &File) -> Vec<String> {
    let own = floor_of(&file.path).unwrap_or("lib.rs");
    if file.path == "src/main.rs" {
        return Vec::new(); // hands the words of the command line to `cli`; nothing else fits in twenty lines
    }
    let mut found = Vec::new();
    for (line, path) in paths(&without_tests(&code(&file.text))) {
        let path = path.join("::");
        let begins = |rule: &&Outside| path == rule.path || path.starts_with(&format!("{}::", rule.path));
        let Some(rule) = OUTSIDE.iter().find(begins) else {
            continue;
        };
        // An exit code is a word for the shell, not a reach into the machine.
        if rule.floors.contains(&own) || path.starts_with("std::process::ExitCode") {
            continue;
        }
        found.push(format!(
            "{}:{line}: `{path}` is for {} only, not for `{own}`\n    do: {}",
            file.path,
            rule.floors.join(" and "),
            rule.instead
        ));
    }
    found
}

#[test]
fn a_floor_that_looks_up_or_sideways_is_seen() {
    let cases = [
        (
            "src/config/plant.rs",
            "use crate::daemon::run;",
            "`config` must not know `daemon`, which stands above",
        ),
        (
            "src/store/mod.rs",
            "use crate::{flow, simulate::Pty};",
            "`store` must not know `simulate`, which stands beside",
        ),
        (
            "src/daemon/wire.rs",
            "fn x() { super::super::web::go() }",
            "`daemon` must not know `web`",
        ),
        (
            "src/ports/mqtt.rs",
            "use super::cli;",
            "`ports` must not know `cli`",
        ),
    ];
    for (path, text, expected) in cases {
        let found = wrong_way(&File::new(path, text));
        assert!(
            found.len() == 1 && found[0].contains(expected),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn a_floor_that_looks_down_or_at_itself_is_left_alone() {
    let cases = [
        (
            "src/daemon/wire.rs",
            "use crate::{daemon::health, flow::needs::Clock, ports};",
        ),
        (
            "src/web/mod.rs",
            "// not crate::cli\nuse crate::evidence; const X: &str = \"crate::cli\";",
        ),
        (
            "src/flow/seal.rs",
            "#[cfg(test)]\nmod tests { use crate::daemon::x; }",
        ),
        (
            "src/cli/mod.rs",
            "use crate::{web, daemon, store, simulate, evidence, ports, flow, config};",
        ),
    ];
    for (path, text) in cases {
        assert_eq!(wrong_way(&File::new(path, text)), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn a_reach_outside_is_seen_and_told_what_to_do_instead() {
    let cases = [
        ("src/flow/seal.rs", "use std::{io, fs::File};", "Disk"),
        (
            "src/record/page.rs",
            "fn x() { std::time::SystemTime::now(); }",
            "Clock",
        ),
        (
            "src/store/mod.rs",
            "use tokio::{net::TcpListener, sync::mpsc};",
            "listener",
        ),
        (
            "src/web/mod.rs",
            "async fn x() { tokio::time::sleep(y).await }",
            "Clock",
        ),
        ("src/config/mod.rs", "use std::env;", "cli"),
        ("src/daemon/mod.rs", "fn x() { std::process::exit(1) }", "cli"),
        ("src/lib.rs", "use std::time::{Duration, Instant};", "Clock"),
    ];
    for (path, text, instead) in cases {
        let found = outside(&File::new(path, text));
        assert!(
            found.len() == 1 && found[0].contains(instead),
            "{text}: {found:?}"
        );
    }
}

#[test]
fn ports_and_tests_may_reach_outside() {
    let cases = [
        (
            "src/ports/disk.rs",
            "use std::{fs, time::Instant}; use tokio::net::TcpStream;",
        ),
        ("src/flow/mod.rs", "#[cfg(test)]\nmod tests { use std::fs; }"),
        (
            "src/flow/mod.rs",
            "use std::{time::Duration, io, net::SocketAddr}; // std::fs",
        ),
        ("src/cli/commands/demo.rs", "use std::{env, process::ExitCode};"),
        ("src/web/mod.rs", "use std::process::ExitCode;"),
    ];
    for (path, text) in cases {
        assert_eq!(outside(&File::new(path, text)), Vec::<String>::new(), "{text}");
    }
}
