//! From a file as written to a driver as meant, or to every complaint about it at once.

mod commands;
mod line;
mod making;
mod node_address;
mod nodes;
mod registers;
mod samples;
mod text;

use crate::{
    Complaint,
    driver::{Caveat, Driver, Evidence, KINDS_OF_SAMPLE, Speaks},
    tree::{Block, Desk},
};
use std::sync::Arc;
use toml::de::DeTable;

pub(crate) fn driver(text: &str, file: &str) -> Result<Driver, Vec<Complaint>> {
    let desk = Desk::new(file, text);
    let (table, mistakes) = DeTable::parse_recoverable(text);
    if !mistakes.is_empty() {
        for mistake in mistakes {
            desk.complain(
                Complaint::new("not-toml", mistake.message().to_owned())
                    .mark(mistake.span().unwrap_or(0..0), "here")
                    .why("a file that cannot be read as TOML says nothing about an instrument")
                    .help("correct the marked place"),
            );
        }
        return Err(desk.into_complaints());
    }
    let head = text.lines().next().map_or(0, str::len);
    let root = Block::new(&desk, table.get_ref(), "the file", 0..head);
    let driver = whole_file(&root, text, file);
    match driver {
        Some(driver) if desk.is_clean() => Ok(driver),
        _ => Err(desk.into_complaints()),
    }
}

/// The ways of speaking, and of writing samples down.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ways {
    Characters,
    Bytes,
    Modbus,
    Nodes,
}

fn whole_file(root: &Block<'_>, text: &str, file: &str) -> Option<Driver> {
    if root.number::<u8>("format", 1..2).is_none() && !root.has("format") {
        root.missing("format");
    }
    let head = root.block("driver", "[driver]");
    if head.is_none() {
        root.missing("driver");
    }
    let head = head?;
    let name = head.need_text("name");
    let edition = head.number::<u32>("edition", 1..1_000_000);
    if edition.is_none() && !head.has("edition") {
        head.missing("edition");
    }
    let title = head.need_text("title").what;
    let maker = head.need_text("maker").what;
    let evidence = head.word(
        "evidence",
        &[
            ("draft", Evidence::Draft),
            ("documented", Evidence::Documented),
            ("bench", Evidence::Bench),
            ("plant", Evidence::Plant),
        ],
    );
    if evidence.is_none() && !head.has("evidence") {
        head.missing("evidence");
    }
    let manual = head.text("manual").map(|manual| manual.what).unwrap_or_default();
    let speaks = head.word(
        "speaks",
        &[
            ("text-over-serial", Ways::Characters),
            ("bytes-over-serial", Ways::Bytes),
            ("modbus", Ways::Modbus),
            ("opc-ua", Ways::Nodes),
        ],
    );
    if speaks.is_none() && !head.has("speaks") {
        head.missing("speaks");
    }
    head.finish();
    let ways = speaks?;
    let speaks = match ways {
        Ways::Modbus => Speaks::Modbus(Arc::new(registers::modbus(root)?)),
        Ways::Nodes => Speaks::Nodes(Arc::new(nodes::nodes(root)?)),
        Ways::Characters | Ways::Bytes => Speaks::Text(Arc::new(text::text_way(root, ways == Ways::Bytes))),
    };
    let caveats = root.blocks("caveat", "[[caveat]]").iter().map(caveat).collect();
    let mut driver = Driver {
        name: name.what,
        edition: edition.map_or(0, |edition| edition.what),
        title,
        maker,
        manual,
        evidence: evidence.unwrap_or(Evidence::Draft),
        speaks,
        caveats,
        samples: Vec::new(),
        file: file.to_owned(),
        text: text.into(),
    };
    driver.samples = root
        .blocks("sample", "[[sample]]")
        .iter()
        .filter_map(|block| samples::sample(block, &driver, ways))
        .collect();
    root.finish();
    if driver.points().is_empty() && root.desk().is_clean() {
        root.desk().complain(
            Complaint::new("gives-nothing", "this driver gives no value")
                .mark(root.span.clone(), "no measure in the whole file")
                .help("add [measure.NAME] with its answers, or [[read]] with points"),
        );
    }
    Some(driver)
}

fn caveat(block: &Block<'_>) -> Caveat {
    let no_samples_of = block.texts("no_samples_of");
    for kind in no_samples_of
        .iter()
        .filter(|kind| !KINDS_OF_SAMPLE.contains(&kind.what.as_str()))
    {
        block
            .desk()
            .complain(making::no_such("kind of sample", kind, KINDS_OF_SAMPLE));
    }
    let caveat = Caveat {
        no_samples_of: no_samples_of.into_iter().map(|kind| kind.what).collect(),
        says: block.need_text("says").what,
        so: block.need_text("so").what,
        seen: block.need_text("seen").what,
    };
    block.finish();
    caveat
}
