//! The table of every kind stands in the code and in the reference page, and both say the same.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use crate::kind::Kind;
use std::{fs, path::Path};

fn row(kind: &Kind) -> String {
    let list = |words: &[&str]| {
        let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        if words.is_empty() {
            "–".to_owned()
        } else {
            words.join(", ")
        }
    };
    format!(
        "| `{}` | {} | {} | {} | {} | {} |",
        kind.name,
        kind.says,
        list(kind.outside),
        list(kind.inside),
        list(kind.because),
        if kind.at_once { "at once" } else { "within" },
    )
}

#[test]
fn the_table_of_kinds_in_the_reference_page_is_that_of_the_code() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/record.md");
    let text = fs::read_to_string(page).unwrap();
    let (_, table) = text
        .split_once("| kind | says |")
        .expect("the page has a table of kinds");
    let written: Vec<&str> = table.lines().filter(|line| line.starts_with("| `")).collect();
    let expected: Vec<String> = Kind::all().iter().map(row).collect();
    for row in &expected {
        assert!(
            written.contains(&row.as_str()),
            "docs/reference/record.md lacks this row of its table:\n{row}"
        );
    }
    assert_eq!(
        written, expected,
        "the page has rows the code does not know, or in another order"
    );
}
