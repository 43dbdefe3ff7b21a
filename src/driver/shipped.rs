//! What the drivers that come with the program must show beyond what the linter asks of everybody's: every kind of
//! answer the instruments can give, samples that pin word order and scale, and the page that lists them all.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::{
    Comes, Driver, Handshake, Speaks, builtin,
    driver::{Modbus, ReadRole, Sample},
    meaning::Making,
    registers::{Is, Order},
    run_samples,
};
use record::Quantity;
use std::{fmt::Write as _, sync::Arc};

fn drivers() -> Vec<Driver> {
    builtin()
        .iter()
        .map(|(file, text)| Driver::parse(text, file).expect(file))
        .collect()
}

/// Every promise of a driver: the measure and the words of its answer.
fn promises(driver: &Driver) -> impl Iterator<Item = (&str, &str)> {
    driver
        .samples
        .iter()
        .flat_map(|sample| &sample.gives)
        .flat_map(|(measure, words)| words.iter().map(move |words| (measure.as_str(), words.as_str())))
}

fn value(words: &str) -> Option<Quantity> {
    Quantity::read(words.split(", uncertain: ").next()?)
}

/// Reasons that are no error of the instrument.
const NO_ERROR: &[&str] = &[
    "overload",
    "underload",
    "out of range",
    "not settled",
    "garbled",
    "unexpected",
    "not a number",
];

/// Whether the samples of this driver show this kind of answer.
fn shows(driver: &Driver, kind: &str) -> bool {
    let samples = &driver.samples;
    let said = |words: &str| promises(driver).any(|(_, said)| said == words);
    match kind {
        "stable" => promises(driver).any(|(_, words)| Quantity::read(words).is_some()),
        "unstable" => {
            said("bad: not settled")
                || promises(driver).any(|(_, words)| words.ends_with(", uncertain: not settled"))
        }
        "negative" => promises(driver).any(|(_, words)| words.starts_with('-')),
        "net or tare" => {
            promises(driver).any(|(measure, words)| {
                let of_net = ["net", "tare"].contains(&measure) && value(words).is_some();
                of_net || words.starts_with("net") || words.starts_with("tare")
            }) || samples.iter().any(|sample| sample.says.starts_with("net"))
        }
        "overload" => said("bad: overload") || said("bad: out of range"),
        "underload" => said("bad: underload") || said("bad: out of range"),
        "error" => promises(driver).any(|(_, words)| {
            words
                .strip_prefix("bad: ")
                .is_some_and(|because| !NO_ERROR.contains(&because))
        }),
        "refused" => promises(driver).any(|(_, words)| words.starts_with("bad: refused, ")),
        "damaged" => samples
            .iter()
            .any(|sample| nothing_in(sample) && samples.iter().any(|sound| damages(sample, sound))),
        "truncated" => samples.iter().any(|sample| {
            let cut = |whole: &Sample| {
                last(whole).len() > last(sample).len() && last(whole).starts_with(last(sample))
            };
            nothing_in(sample) && samples.iter().any(cut)
        }),
        "glued" => samples.iter().any(|sample| {
            let behind = |whole: &Sample| {
                let front = sample.hear.strip_suffix(whole.hear.as_slice());
                gives_value(whole) && front.is_some_and(|front| front.iter().any(u8::is_ascii_graphic))
            };
            samples.iter().any(behind)
        }),
        other => panic!("{other} is no kind of sample"),
    }
}

/// What the instrument said last: behind a window that was opened, its value.
fn last(sample: &Sample) -> &[u8] {
    sample.then.last().map_or(&sample.hear, |(_, hear)| hear)
}

/// The same bytes but for one or two of them.
fn damages(damaged: &Sample, sound: &Sample) -> bool {
    let (damaged, heard) = (last(damaged), last(sound));
    let differing = damaged.iter().zip(heard).filter(|(a, b)| a != b).count();
    damaged.len() == heard.len() && (1..=2).contains(&differing) && gives_value(sound)
}

fn gives_value(sample: &Sample) -> bool {
    sample
        .gives
        .iter()
        .any(|(_, words)| words.iter().any(|words| !words.starts_with("bad: ")))
}

/// Whether a sample gives nothing, or says of everything it names that it could not be read.
fn nothing_in(sample: &Sample) -> bool {
    let unread = |words: &String| words == "bad: garbled" || words == "bad: unexpected";
    sample.gives.iter().all(|(_, words)| words.iter().all(unread))
}

/// The kinds a driver must show, by the way its instrument speaks.
fn wanted(driver: &Driver) -> Vec<&'static str> {
    match &driver.speaks {
        Speaks::Text(_) => vec![
            "stable",
            "unstable",
            "negative",
            "net or tare",
            "overload",
            "underload",
            "error",
            "damaged",
            "truncated",
            "glued",
        ],
        Speaks::Modbus(modbus) => {
            let mut kinds = vec!["refused", "damaged", "truncated"];
            let has_sign = |is: Is, making: &Making| {
                is.is_float()
                    || matches!(is, Is::Int16 | Is::Int32 | Is::Int64)
                    || making.negative_when.is_some()
            };
            if numbers(modbus).any(|(is, making)| has_sign(is, making)) {
                kinds.push("negative");
            }
            kinds
        }
        Speaks::Nodes(_) => {
            let mut kinds = vec!["refused"];
            if driver.points().iter().any(|point| !point.units.is_empty()) {
                kinds.push("negative");
            }
            kinds
        }
    }
}

/// Every measure that is a number in registers.
fn numbers(modbus: &Modbus) -> impl Iterator<Item = (Is, &Making)> {
    modbus.reads.iter().flat_map(|read| {
        read.measures.iter().filter_map(|measure| {
            let point = read.points.iter().find(|point| point.span == measure.span)?;
            measure
                .making
                .words
                .is_empty()
                .then_some((point.is, &measure.making))
        })
    })
}

#[test]
fn every_driver_shows_every_kind_of_answer_or_says_why_it_cannot() {
    let mut open = Vec::new();
    for driver in drivers() {
        let excused = |kind: &str| {
            driver
                .caveats
                .iter()
                .any(|caveat| caveat.no_samples_of.iter().any(|named| named == kind))
        };
        for kind in wanted(&driver) {
            match (shows(&driver, kind), excused(kind)) {
                (false, false) => open.push(format!("{} has no sample of: {kind}", driver.name)),
                (true, true) => open.push(format!(
                    "{} has a caveat instead of the sample it has: {kind}",
                    driver.name
                )),
                _ => {}
            }
        }
    }
    assert!(open.is_empty(), "{}", open.join("\n"));
}

#[test]
fn no_driver_gives_another_answer_because_its_bytes_came_in_two_pieces() {
    for driver in drivers() {
        for sample in &driver.samples {
            let whole = pieces(&driver, sample, 0);
            for at in 1..sample.hear.len() {
                assert_eq!(
                    pieces(&driver, sample, at),
                    whole,
                    "{}: {}, split at {at}",
                    driver.name,
                    sample.says
                );
            }
        }
    }
}

fn pieces(driver: &Driver, sample: &Sample, at: usize) -> Vec<crate::Heard> {
    let mut talk = crate::sample::conversation_of(driver, sample);
    for (send, hear) in &sample.before {
        let id = crate::sample::question_of(&mut talk, send).unwrap();
        talk.ask(id);
        talk.hear(hear);
        talk.forget();
    }
    if let Some(id) = crate::sample::question_of(&mut talk, &sample.send) {
        talk.ask(id);
    }
    let (first, rest) = sample.hear.split_at(at);
    let mut heard = talk.hear(first);
    heard.extend(talk.hear(rest));
    heard.extend(talk.give_up());
    heard
}

#[test]
fn the_samples_pin_the_word_order_of_every_long_value() {
    let mut open = Vec::new();
    for driver in drivers() {
        let Speaks::Modbus(modbus) = &driver.speaks else {
            continue;
        };
        for (at, read) in modbus.reads.iter().enumerate() {
            for (of, point) in read.points.iter().enumerate() {
                let long = point.is.width() > 1 && !matches!(point.is, Is::Text(_) | Is::Bits32);
                let judged = read.measures.iter().any(|measure| measure.span == point.span);
                if !long || (read.role == ReadRole::Values && !judged) {
                    continue;
                }
                for (word, order) in Order::words().iter().filter(|(_, order)| *order != point.order) {
                    let mut changed = Modbus::clone(modbus);
                    changed.reads[at].points[of].order = *order;
                    let mut other = driver.clone();
                    other.speaks = Speaks::Modbus(Arc::new(changed));
                    if run_samples(&other).iter().all(crate::SampleResult::passed) {
                        open.push(format!("{} {} could as well be {word}", driver.name, point.name));
                    }
                }
            }
        }
    }
    assert!(open.is_empty(), "{}", open.join("\n"));
}

#[test]
fn the_samples_pin_the_scale_of_every_number() {
    let mut open = Vec::new();
    for driver in drivers() {
        for point in driver.points().iter().filter(|point| !point.units.is_empty()) {
            let mut values = promises(&driver).filter(|(measure, _)| *measure == point.measure);
            if !values.any(|(_, words)| value(words).is_some_and(|value| !value.amount.number().is_zero())) {
                open.push(format!(
                    "{} {} is never anything but zero",
                    driver.name, point.measure
                ));
            }
        }
    }
    assert!(open.is_empty(), "{}", open.join("\n"));
}

#[test]
fn every_driver_says_what_it_rests_on() {
    for driver in drivers() {
        let name = &driver.name;
        assert!(!driver.manual.is_empty(), "{name} names no manual");
        assert!(!driver.title.is_empty() && !driver.maker.is_empty(), "{name}");
        for caveat in &driver.caveats {
            assert!(
                caveat.seen.contains("2026-") && caveat.seen.contains("firmware"),
                "{name}: who saw it, when, on which firmware? {}",
                caveat.seen
            );
        }
    }
}

#[test]
fn enough_instruments_are_understood() {
    let invented = [
        "tc200",
        "mixer-drive",
        "plc-template",
        "generic-registers",
        "generic-text-scale",
    ];
    let real: Vec<Driver> = drivers()
        .into_iter()
        .filter(|driver| !invented.contains(&driver.name.as_str()))
        .collect();
    let text = real
        .iter()
        .filter(|driver| matches!(driver.speaks, Speaks::Text(_)))
        .count();
    assert!(text >= 11, "{text} families of scales");
    assert!(real.len() - text >= 20, "{} register maps", real.len() - text);
}

// ---------------------------------------------------------------- the page

const PAGE: &str = include_str!("../../docs/reference/drivers.md");

#[test]
fn the_page_of_drivers_is_what_the_drivers_say() {
    let page = page();
    if std::env::var_os("WRITE_THE_PAGE").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/drivers.md");
        std::fs::write(path, &page).unwrap();
        return;
    }
    let differing = page.lines().zip(PAGE.lines()).find(|(now, then)| now != then);
    assert!(
        page == PAGE,
        "docs/reference/drivers.md is out of date: {differing:?}\nrun WRITE_THE_PAGE=1 cargo test -p driver the_page_of_drivers"
    );
}

const HEAD: &str = "# Drivers that come with the program

Every instrument that is understood without a file of your own, what the driver rests on, and what must be known about it. `steelyard drivers NAME`
shows a driver word for word, `steelyard try NAME` runs its samples, [`driver.md`](driver.md) tells how to write one.

*draft* shows values, and records only where the configuration names it; *documented* rests on manuals, and all its samples pass. None of them
has been compared with a display in your plant: `steelyard try TAG --accept` does that.

This page is written from the drivers themselves and checked against them by a test.
";

fn page() -> String {
    let all = drivers();
    let of = |which: fn(&Speaks) -> bool| all.iter().filter(move |driver| which(&driver.speaks)).collect();
    let text: Vec<&Driver> = of(|speaks| matches!(speaks, Speaks::Text(_)));
    let registers: Vec<&Driver> = of(|speaks| matches!(speaks, Speaks::Modbus(_)));
    let nodes: Vec<&Driver> = of(|speaks| matches!(speaks, Speaks::Nodes(_)));
    let mut page = HEAD.to_owned();
    for (title, drivers) in [
        ("Lines and frames, over a serial line or TCP", &text),
        ("Registers, over Modbus RTU or TCP", &registers),
        ("Nodes of an OPC UA server", &nodes),
    ] {
        let _ = write!(
            page,
            "\n## {title}\n\n| driver | instrument | gives | level |\n|---|---|---|---|\n"
        );
        for driver in drivers {
            let _ = writeln!(
                page,
                "| [`{name}`](#{name}) | {}: {} | {} | {} |",
                driver.maker,
                driver.title,
                gives(driver),
                driver.evidence.word(),
                name = driver.name
            );
        }
    }
    page += "\n## One by one\n";
    for driver in &all {
        let line = driver.line();
        let handshake = match line.handshake {
            Handshake::None => "",
            Handshake::XonXoff => ", XON/XOFF",
            Handshake::RtsCts => ", RTS/CTS",
        };
        let way = match &driver.speaks {
            Speaks::Text(_) => match driver.points().first().map(|point| point.comes) {
                Some(Comes::ByItself) => "talks by itself",
                Some(Comes::WhenPrinted) => "speaks when printed",
                _ => "is asked",
            },
            Speaks::Modbus(_) => "Modbus",
            Speaks::Nodes(_) => "OPC UA",
        };
        let line = match &driver.speaks {
            Speaks::Nodes(nodes) => nodes_asked(nodes),
            _ => format!(
                "from the factory {} {}{}{}{handshake}",
                line.speed, line.data_bits, line.parity, line.stop_bits
            ),
        };
        let _ = write!(
            page,
            "\n### {}\n\n{}: {}. {}, edition {}, {} samples. {way}; {line}.\n\nSource: {}.\n",
            driver.name,
            driver.maker,
            driver.title,
            titled(driver.evidence.word()),
            driver.edition,
            driver.samples.len(),
            driver.manual
        );
        let told: Vec<String> = driver
            .commands()
            .into_iter()
            .map(|command| command.name)
            .collect();
        if !told.is_empty() {
            let _ = write!(
                page,
                "\nMay be told, where the configuration enables it: {}.\n",
                told.join(", ")
            );
        }
        if !driver.caveats.is_empty() {
            page.push('\n');
        }
        for caveat in &driver.caveats {
            let _ = writeln!(
                page,
                "- {}: {}. ({})",
                titled(&caveat.says),
                caveat.so,
                caveat.seen
            );
        }
    }
    page
}

/// How a server is asked, and where paths begin.
fn nodes_asked(nodes: &crate::nodes::Nodes) -> String {
    let asking = &nodes.asking;
    let mut text = format!(
        "{} nodes, delivered every {} ms, {} a call at most",
        nodes.items.len(),
        asking.publish.as_millis(),
        asking.items_per_call
    );
    if let Some(items) = asking.items_per_subscription {
        let _ = write!(text, ", {items} in a subscription");
    }
    for start in &nodes.starts {
        let _ = write!(text, "; `starts` names {}: {}", start.name, start.title);
    }
    text
}

fn gives(driver: &Driver) -> String {
    let names: Vec<String> = driver.points().into_iter().map(|point| point.measure).collect();
    names.join(", ")
}

fn titled(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
