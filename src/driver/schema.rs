//! The keys of a driver file, for editors: a JSON schema made from one table. A test compares that table with
//! what the reader asks for, both ways, so that neither can know a key that the other does not.

use std::fmt::Write;

/// What stands behind a key.
#[derive(Debug, Clone, Copy)]
enum Holds {
    Text,
    /// A text, or a list of texts.
    Texts,
    /// A number, from and to.
    Number(i64, i64),
    Numbers,
    Flag,
    /// One of a few words.
    Word(fn() -> Vec<&'static str>),
    /// Names of the driver's own, each with a text.
    NamedTexts,
    NamedNumbers,
    /// Names of the driver's own, each with a text or a list of texts.
    NamedLists,
    /// A list of unit words, or names for them.
    Units,
    Block(&'static str),
    Blocks(&'static str),
    NamedBlocks(&'static str),
    /// The words of answers, by measure.
    Gives,
}

use Holds::{
    Block, Blocks, Flag, Gives, NamedBlocks, NamedLists, NamedNumbers, NamedTexts, Number, Numbers, Text,
    Texts, Units, Word,
};

/// One block with its keys; those that must be there first.
struct Table {
    name: &'static str,
    /// As the reader names it to a person, `NAME` for a name of the driver's own.
    block: &'static str,
    must: &'static [&'static str],
    keys: &'static [(&'static str, Holds)],
}

macro_rules! words {
    ($($word:literal),+ $(,)?) => {
        Word(|| vec![$($word),+])
    };
    ($words:expr) => {
        Word(|| $words.iter().map(|(word, _)| *word).collect())
    };
}

/// Keys that values of text and of registers have in common.
macro_rules! with_common {
    ($($key:expr),* $(,)?) => {
        &[
            $($key,)*
            ("one_count", Text),
            ("unit", Text),
            ("unit_from", Blocks("unit_from")),
            ("plus", Text),
            ("decimals_from", Text),
            ("decimals_are", NamedNumbers),
            ("negative_when", Text),
            ("words", NamedTexts),
            ("states", Blocks("state")),
            ("title", Text),
        ]
    };
}

const TABLES: &[Table] = &[
    Table {
        name: "file",
        block: "the file",
        must: &["format", "driver"],
        keys: &[
            ("format", Number(1, 1)),
            ("driver", Block("driver")),
            ("serial", Block("serial")),
            ("measure", NamedBlocks("measure")),
            ("identity", Block("identity")),
            ("asides", Texts),
            ("command", NamedBlocks("command")),
            ("modbus", Block("modbus")),
            ("read", Blocks("read")),
            ("opc_ua", Block("opc_ua")),
            ("start", NamedBlocks("start")),
            ("structure", NamedBlocks("structure")),
            ("nodes", Blocks("nodes")),
            ("caveat", Blocks("caveat")),
            ("sample", Blocks("sample")),
        ],
    },
    Table {
        name: "driver",
        block: "[driver]",
        must: &["name", "edition", "title", "maker", "evidence", "speaks"],
        keys: &[
            ("name", Text),
            ("edition", Number(1, 999_999)),
            ("title", Text),
            ("maker", Text),
            ("evidence", words!("draft", "documented", "bench", "plant")),
            ("manual", Text),
            (
                "speaks",
                words!("text-over-serial", "bytes-over-serial", "modbus", "opc-ua"),
            ),
        ],
    },
    Table {
        name: "serial",
        block: "[serial]",
        must: &[],
        keys: &[
            ("speed", Number(50, 4_000_000)),
            ("handshake", words!("none", "xon-xoff", "rts-cts")),
            ("frame", Text),
            ("length", Number(2, 512)),
            ("length_at", Number(0, 63)),
            ("length_is", words!(crate::frame::LengthIs::words())),
            ("length_adds", Number(0, 63)),
            ("longest", Number(2, 512)),
            ("ends_after", Text),
            ("ends_with", Text),
            ("starts_with", Text),
            ("sends_with", Text),
            ("check", words!(crate::frame::Check::words())),
            ("check_covers", words!(crate::frame::Covers::words())),
            ("check_stands", words!(crate::frame::Stands::words())),
            ("check_as", words!(crate::frame::Written::words())),
            ("keeps", words!("7 bits", "8 bits")),
            ("or_exactly", Texts),
        ],
    },
    Table {
        name: "measure",
        block: "[measure.NAME]",
        must: &[],
        keys: with_common![
            ("send", Text),
            ("comes", words!("by itself", "when printed")),
            ("comes_with", Text),
            ("start", Text),
            ("start_again_after", Text),
            ("after", Text),
            ("answers", Blocks("answer")),
            ("answer_within", Text),
            ("pause_after", Text),
            ("ask_at_most", Text),
            ("decimal_mark", words!(".", ",")),
            ("drops", Text),
            ("padding", words!("blanks", "zeros")),
            ("units", Units),
            ("doubts", Blocks("doubt")),
        ],
    },
    Table {
        name: "answer",
        block: "this answer",
        must: &["reads"],
        keys: &[
            ("reads", Text),
            ("then", words!("more follows")),
            ("quality", words!("good", "uncertain", "bad")),
            ("because", Text),
        ],
    },
    Table {
        name: "unit_from",
        block: "this unit",
        must: &["when", "unit"],
        keys: &[("when", Text), ("unit", Text)],
    },
    Table {
        name: "state",
        block: "this state",
        must: &["when", "word"],
        keys: &[("when", Text), ("word", Text)],
    },
    Table {
        name: "doubt",
        block: "this doubt",
        must: &["when", "quality", "because"],
        keys: &[
            ("about", Texts),
            ("when", Text),
            ("quality", words!("uncertain", "bad")),
            ("because", Text),
        ],
    },
    Table {
        name: "identity",
        block: "[identity]",
        must: &["send", "reads"],
        keys: &[("send", Text), ("reads", Text), ("answer_within", Text)],
    },
    Table {
        name: "command",
        block: "[command.NAME]",
        must: &[],
        keys: &[
            ("title", Text),
            ("answer_within", Text),
            ("pause_after", Text),
            ("ask_at_most", Text),
            ("send", Text),
            ("answers", Blocks("command_answer")),
            ("writes", Block("writes")),
            ("proof", Block("proof")),
        ],
    },
    Table {
        name: "command_answer",
        block: "this answer to a command",
        must: &["reads", "then"],
        keys: &[
            ("reads", Text),
            ("then", words!("done", "refused", "more follows")),
            ("because", Text),
        ],
    },
    Table {
        name: "writes",
        block: "writes",
        must: &["table", "first", "values"],
        keys: &[
            ("table", words!("coil", "holding")),
            ("first", Number(0, 65_535)),
            ("function", Number(5, 16)),
            ("values", Numbers),
        ],
    },
    Table {
        name: "proof",
        block: "proof",
        must: &["table", "first", "count", "done_when"],
        keys: &[
            ("table", words!(crate::modbus::Table::words())),
            ("first", Number(0, 65_535)),
            ("count", Number(1, 125)),
            ("points", Blocks("proof_point")),
            ("done_when", Text),
            ("refused", Blocks("refusal")),
            ("within", Text),
        ],
    },
    Table {
        name: "proof_point",
        block: "this point of a proof",
        must: &["at", "field", "is"],
        keys: &[
            ("at", Number(0, 1999)),
            ("field", Text),
            ("is", words!(crate::registers::Is::words())),
            ("order", words!(crate::registers::Order::words())),
            ("bits", Text),
            ("manual", Text),
        ],
    },
    Table {
        name: "refusal",
        block: "this refusal",
        must: &["when", "because"],
        keys: &[("when", Text), ("because", Text)],
    },
    Table {
        name: "modbus",
        block: "[modbus]",
        must: &[],
        keys: &[
            ("speed", Number(50, 4_000_000)),
            ("handshake", words!("none", "xon-xoff", "rts-cts")),
            ("frame", Text),
            ("order", words!(crate::registers::Order::words())),
            ("at_most", Number(1, 2000)),
            ("merge_over", Number(0, 124)),
            ("answer_within", Text),
            ("pause_between", Text),
        ],
    },
    Table {
        name: "read",
        block: "[[read]]",
        must: &["table", "first", "count"],
        keys: &[
            ("holds", words!("values", "settings", "identity")),
            ("table", words!(crate::modbus::Table::words())),
            ("first", Number(0, 65_535)),
            ("count", Number(1, 2000)),
            ("ask_at_most", Text),
            ("alone", Flag),
            ("after", Text),
            ("ready_when", Text),
            ("ready_within", Text),
            ("doubts", Blocks("doubt")),
            ("points", Blocks("point")),
        ],
    },
    Table {
        name: "point",
        block: "this point",
        must: &["at", "is"],
        keys: with_common![
            ("at", Number(0, 1999)),
            ("measure", Text),
            ("field", Text),
            ("is", words!(crate::registers::Is::words())),
            ("registers", Number(1, 125)),
            ("order", words!(crate::registers::Order::words())),
            ("bits", Text),
            ("manual", Text),
        ],
    },
    Table {
        name: "opc_ua",
        block: "[opc_ua]",
        must: &[],
        keys: &[
            ("namespaces", NamedLists),
            ("by", words!("subscription", "reading")),
            ("sampling", Text),
            ("publish", Text),
            ("queue", Number(1, 10_000)),
            ("keep_alive", Text),
            ("items_per_call", Number(1, 100_000)),
            ("items_per_subscription", Number(1, 1_000_000)),
            ("values_per_delivery", Number(0, 1_000_000)),
            ("clock_within", Text),
            ("statuses", Blocks("status")),
        ],
    },
    Table {
        name: "status",
        block: "this status",
        must: &["code", "quality"],
        keys: &[
            ("code", Text),
            ("quality", words!("good", "uncertain", "bad")),
            ("because", Text),
        ],
    },
    Table {
        name: "start",
        block: "[start.NAME]",
        must: &[],
        keys: &[("title", Text), ("node", Text), ("path", Text)],
    },
    Table {
        name: "structure",
        block: "[structure.NAME]",
        must: &["encoding", "members"],
        keys: &[("encoding", Text), ("members", NamedTexts)],
    },
    Table {
        name: "nodes",
        block: "[[nodes]]",
        must: &["points"],
        keys: &[
            ("holds", words!("values", "settings", "identity")),
            ("together", Flag),
            ("sampling", Text),
            ("queue", Number(1, 10_000)),
            ("deadband", Text),
            ("points", Blocks("node")),
            ("doubts", Blocks("doubt")),
        ],
    },
    Table {
        name: "node",
        block: "this node",
        must: &["is"],
        keys: with_common![
            ("measure", Text),
            ("field", Text),
            ("is", words!(crate::nodes::NodeIs::words())),
            ("node", Text),
            ("path", Text),
            ("elements", Text),
            ("element", Number(0, 99_999)),
            ("member", Text),
            ("of", Text),
            ("optional", Flag),
            ("manual", Text),
            ("units", Texts),
            ("unit_at", Text),
            ("range", Text),
            ("range_at", Text),
        ],
    },
    Table {
        name: "caveat",
        block: "[[caveat]]",
        must: &["says", "so", "seen"],
        keys: &[
            ("no_samples_of", Texts),
            ("says", Text),
            ("so", Text),
            ("seen", Text),
        ],
    },
    Table {
        name: "sample",
        block: "[[sample]]",
        must: &["says", "hear", "gives"],
        keys: &[
            ("says", Text),
            ("send", Text),
            ("hear", Texts),
            ("before", Blocks("exchange")),
            ("then", Blocks("exchange")),
            ("gives", Gives),
        ],
    },
    Table {
        name: "exchange",
        block: "what went before",
        must: &[],
        keys: &[("send", Text), ("hear", Text)],
    },
];

/// A JSON schema of driver files, for editors that know one.
///
/// ```
/// assert!(driver::schema().contains("\"ends_with\""));
/// ```
pub fn schema() -> String {
    let mut text = String::from(
        "{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n  \"title\": \"Steelyard driver, format 1\",\n  \"$ref\": \"#/$defs/file\",\n  \"$defs\": {\n",
    );
    for (place, table) in TABLES.iter().enumerate() {
        // holds because writing into a text does not fail
        let _ = write!(text, "    {}: {}", quoted(table.name), block(table));
        text.push_str(if place + 1 < TABLES.len() { ",\n" } else { "\n" });
    }
    text.push_str("  }\n}\n");
    text
}

fn block(table: &Table) -> String {
    let must: Vec<String> = table.must.iter().map(|key| quoted(key)).collect();
    let keys: Vec<String> = table
        .keys
        .iter()
        .map(|(key, holds)| format!("        {}: {}", quoted(key), value(*holds)))
        .collect();
    format!(
        "{{\n      \"description\": {},\n      \"type\": \"object\",\n      \"additionalProperties\": false,\n      \"required\": [{}],\n      \"properties\": {{\n{}\n      }}\n    }}",
        quoted(table.block),
        must.join(", "),
        keys.join(",\n")
    )
}

fn value(holds: Holds) -> String {
    const TEXT: &str = "{ \"type\": \"string\" }";
    let named = |value: &str| format!("{{ \"type\": \"object\", \"additionalProperties\": {value} }}");
    let list = |value: &str| format!("{{ \"type\": \"array\", \"items\": {value} }}");
    let one_or_many = format!("{{ \"anyOf\": [{TEXT}, {}] }}", list(TEXT));
    let of = |name: &str| format!("{{ \"$ref\": \"#/$defs/{name}\" }}");
    match holds {
        Text => TEXT.to_owned(),
        Texts => one_or_many,
        Number(from, to) => format!("{{ \"type\": \"integer\", \"minimum\": {from}, \"maximum\": {to} }}"),
        Numbers => list("{ \"type\": \"integer\" }"),
        Flag => "{ \"type\": \"boolean\" }".to_owned(),
        Word(words) => {
            let words: Vec<String> = words().into_iter().map(quoted).collect();
            format!("{{ \"enum\": [{}] }}", words.join(", "))
        }
        NamedTexts => named(TEXT),
        NamedNumbers => named("{ \"type\": \"integer\" }"),
        NamedLists => named(&one_or_many),
        Units => format!("{{ \"anyOf\": [{TEXT}, {}, {}] }}", list(TEXT), named(TEXT)),
        Block(name) => of(name),
        Blocks(name) => list(&of(name)),
        NamedBlocks(name) => named(&of(name)),
        Gives => named(&one_or_many),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::{Driver, tree};
    use std::collections::{BTreeMap, BTreeSet};

    /// What the reader asked for, block by block, over every driver there is.
    fn asked() -> BTreeMap<String, BTreeSet<&'static str>> {
        tree::watched::start();
        for (file, text) in crate::builtin() {
            Driver::parse(text, file).unwrap();
        }
        crate::hard::every_key();
        crate::hard::watched();
        tree::watched::take()
            .into_iter()
            .fold(BTreeMap::new(), |mut all, (block, keys)| {
                let block = match block.split_once('.') {
                    Some((kind, _)) if block.starts_with('[') => format!("{kind}.NAME]"),
                    _ => block,
                };
                let block = match block.as_str() {
                    "how it goes on" => "what went before".to_owned(),
                    _ => block,
                };
                all.entry(block).or_insert_with(BTreeSet::new).extend(keys);
                all
            })
    }

    #[test]
    fn the_schema_knows_the_keys_of_the_reader_and_no_others() {
        let asked = asked();
        let known: BTreeMap<String, BTreeSet<&str>> = TABLES
            .iter()
            .map(|table| {
                (
                    table.block.to_owned(),
                    table.keys.iter().map(|(key, _)| *key).collect(),
                )
            })
            .collect();
        for (block, keys) in &known {
            assert_eq!(asked.get(block), Some(keys), "{block}");
        }
        let blocks: Vec<&String> = asked.keys().filter(|block| !known.contains_key(*block)).collect();
        assert!(blocks.is_empty(), "{blocks:?}");
    }

    #[test]
    fn every_key_of_the_schema_stands_on_the_reference_page() {
        let page = include_str!("../../docs/reference/driver.md");
        let missing: Vec<String> = TABLES
            .iter()
            .filter(|table| table.name != "file")
            .flat_map(|table| table.keys.iter().map(move |(key, _)| (table.name, *key)))
            .filter(|(_, key)| {
                !page.contains(&format!("`{key}`"))
                    && !page.contains(&format!("{key} "))
                    && !page.contains(&format!(" {key},"))
            })
            .map(|(table, key)| format!("{table}.{key}"))
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn every_name_in_the_schema_leads_somewhere() {
        let text = schema();
        for part in text.split("#/$defs/").skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(TABLES.iter().any(|table| table.name == name), "{name}");
        }
        for table in TABLES {
            for key in table.must {
                assert!(
                    table.keys.iter().any(|(known, _)| known == key),
                    "{} {key}",
                    table.name
                );
            }
        }
    }
}
