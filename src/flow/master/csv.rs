//! Master data out of a spreadsheet: a CSV file with a line of headings, read whole, with every complaint at once and
//! the line it is about.

use super::{
    item::Kind,
    known::Store,
    message::{self, Message},
};
use record::{Hash, Stamp, Trouble};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The columns of each kind, in the order of the reference page. `revision` and `retracted` may be left out.
pub fn columns(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Orders => &[
            "id",
            "revision",
            "product",
            "unit",
            "line",
            "batch",
            "material",
            "title",
            "target",
            "tolerance",
            "step",
            "lot",
            "retracted",
        ],
        Kind::Lots => &[
            "id",
            "revision",
            "material",
            "title",
            "supplier",
            "supplier_lot",
            "status",
            "expires",
            "assay",
            "loss_on_drying",
            "left",
            "retracted",
        ],
        Kind::Containers => &[
            "id",
            "revision",
            "title",
            "tare",
            "clean_until",
            "holds_material",
            "holds_lot",
            "retracted",
        ],
        Kind::CheckWeights => &[
            "id",
            "revision",
            "nominal",
            "may_differ_by",
            "class",
            "certificate",
            "due",
            "retracted",
        ],
        Kind::People => &["id", "revision", "name", "roles", "status", "retracted"],
    }
}

/// Columns of an order that are said once for each of its lines.
const OF_A_LINE: &[&str] = &[
    "line",
    "batch",
    "material",
    "title",
    "target",
    "tolerance",
    "step",
    "lot",
];

/// A file to take in.
#[derive(Debug, Clone, Copy)]
pub struct File<'a> {
    pub kind: Kind,
    /// As it is named in complaints.
    pub name: &'a str,
    pub text: &'a str,
    /// Who says so.
    pub source: &'a str,
    /// It names everything this source knows of this kind.
    pub whole: bool,
    pub now: Stamp,
}

/// What is wrong, and in which line.
type Complaints = Vec<(usize, String)>;

/// The message this file is, or everything that is wrong with it. Where it has no column `revision`, an item that
/// differs from what is known in `store` is the next revision of it.
pub fn read(file: &File, store: &Store) -> Result<Message, Trouble> {
    let mut complaints = Complaints::new();
    let rows = rows(file.text, &mut complaints);
    let mut rows = rows.into_iter();
    let Some((_, heading)) = rows.next() else {
        complaints.push((
            1,
            "there is nothing in it; the first line names the columns".to_owned(),
        ));
        return Err(complained(file, complaints));
    };
    let named = heading_of(file.kind, &heading, &mut complaints);
    if !complaints.is_empty() {
        return Err(complained(file, complaints));
    }
    let numbered = named.contains(&"revision");
    let mut items: Vec<(usize, Map<String, Value>)> = Vec::new();
    let mut orders: BTreeMap<String, usize> = BTreeMap::new();
    for (line, cells) in rows {
        if cells.len() != named.len() {
            let (found, wanted) = (cells.len(), named.len());
            complaints.push((
                line,
                format!("it has {found} cells, the first line names {wanted} columns"),
            ));
            continue;
        }
        let cells: Vec<(&str, String)> = named
            .iter()
            .copied()
            .zip(cells)
            .filter(|(_, cell)| !cell.is_empty())
            .collect();
        if file.kind == Kind::Orders {
            order_line(line, &cells, &mut items, &mut orders, &mut complaints);
        } else if let Some(item) = flat(file.kind, line, &cells, &mut complaints) {
            items.push((line, item));
        }
    }
    if !numbered {
        for (_, item) in &mut items {
            number(file.kind, item, store);
        }
    }
    if items.len() > message::MOST {
        complaints.push((1, format!("it has more than {} items", message::MOST)));
    }
    let lines: Vec<usize> = items.iter().map(|(line, _)| *line).collect();
    // Each item is named by its place, so that a complaint finds its line whatever its id is.
    for ((line, item), at) in items.iter().zip(1usize..) {
        let alone = json!({ "source": "file", "sent": file.now.to_string(), "items": [item] });
        if let Ok(message) = message::read(file.kind, alone.to_string().as_bytes()) {
            complaints.extend(message.refused.into_iter().map(|(_, why)| (*line, why)));
        }
        let id = item.get("id");
        if let Some(first) = items[..at - 1]
            .iter()
            .position(|(_, other)| other.get("id") == id && id.is_some())
        {
            complaints.push((*line, format!("its id stands already in line {}", lines[first])));
        }
    }
    if !complaints.is_empty() {
        return Err(complained(file, complaints));
    }
    let items: Vec<Map<String, Value>> = items.into_iter().map(|(_, item)| item).collect();
    let written = json!({
        "source": file.source,
        "sent": file.now.to_string(),
        "whole": file.whole,
        "items": items,
    });
    let mut message = message::read(file.kind, written.to_string().as_bytes())?;
    message.digest = Hash::of(file.text.as_bytes());
    Ok(message)
}

fn complained(file: &File, mut complaints: Complaints) -> Trouble {
    complaints.sort();
    let words: Vec<String> = complaints
        .iter()
        .map(|(line, what)| format!("  {}:{line}: {what}", file.name))
        .collect();
    let what = match words.len() {
        1 => "one thing is wrong with this file".to_owned(),
        count => format!("{count} things are wrong with this file"),
    };
    Trouble::new("master-file", format!("{what}\n{}", words.join("\n")))
        .at(file.name)
        .means("nothing was taken from it")
        .so(format!(
            "mend them all; columns of {}: {}",
            file.kind.word(),
            columns(file.kind).join(", ")
        ))
}

fn heading_of(kind: Kind, heading: &[String], complaints: &mut Complaints) -> Vec<&'static str> {
    let known = columns(kind);
    let mut named = Vec::new();
    for word in heading {
        let plain = word.trim().to_lowercase().replace([' ', '-'], "_");
        match known.iter().find(|column| **column == plain) {
            Some(column) if named.contains(column) => {
                complaints.push((1, format!("the column {column} stands twice")));
            }
            Some(column) => named.push(*column),
            None => complaints.push((
                1,
                format!("there is no column {word:?}; columns: {}", known.join(", ")),
            )),
        }
    }
    if !named.contains(&"id") {
        complaints.push((1, "the column id is missing".to_owned()));
    }
    named
}

/// A row as an item.
fn flat(
    kind: Kind,
    line: usize,
    cells: &[(&str, String)],
    complaints: &mut Complaints,
) -> Option<Map<String, Value>> {
    let mut item = Map::new();
    for (column, cell) in cells {
        let value = match *column {
            "revision" => match cell.parse::<u64>() {
                Ok(number) => json!(number),
                Err(_) => {
                    complaints.push((line, format!("revision {cell:?} is no whole number")));
                    return None;
                }
            },
            "retracted" => match cell.to_lowercase().as_str() {
                "yes" | "true" => json!(true),
                "no" | "false" => continue,
                _ => {
                    complaints.push((line, format!("retracted is yes or no, not {cell:?}")));
                    return None;
                }
            },
            "roles" if kind == Kind::People => {
                let roles = cell.split([' ', '+', '/']).filter(|role| !role.is_empty());
                json!(roles.collect::<Vec<_>>())
            }
            _ => json!(cell),
        };
        item.insert((*column).to_owned(), value);
    }
    Some(item)
}

/// A row as one line of an order; rows with the same id are one order.
fn order_line(
    line: usize,
    cells: &[(&str, String)],
    items: &mut Vec<(usize, Map<String, Value>)>,
    orders: &mut BTreeMap<String, usize>,
    complaints: &mut Complaints,
) {
    let (own, whole): (Vec<_>, Vec<_>) = cells
        .iter()
        .cloned()
        .partition(|(column, _)| OF_A_LINE.contains(column));
    let Some(head) = flat(Kind::Orders, line, &whole, complaints) else {
        return;
    };
    let Some(id) = head.get("id").and_then(Value::as_str).map(str::to_owned) else {
        complaints.push((line, "it has no id".to_owned()));
        return;
    };
    let own: Map<String, Value> = own
        .into_iter()
        .map(|(column, cell)| (column.to_owned(), json!(cell)))
        .collect();
    let at = *orders.entry(id).or_insert_with(|| {
        let mut order = head.clone();
        if order.get("retracted").is_none() {
            order.insert("lines".to_owned(), json!([]));
        }
        items.push((line, order));
        items.len() - 1
    });
    let order = &mut items[at].1;
    for (name, value) in &head {
        if order.get(name) != Some(value) {
            complaints.push((line, format!("{name} is not what it is in line {}", items[at].0)));
            return;
        }
    }
    if let Some(Value::Array(lines)) = order.get_mut("lines") {
        lines.push(Value::Object(own));
    }
}

/// The revision of an item that says none: the one that is known, or the next where it differs.
fn number(kind: Kind, item: &mut Map<String, Value>, store: &Store) {
    let id = item.get("id").and_then(Value::as_str).unwrap_or_default();
    let Some(held) = store.held(kind, id) else {
        item.insert("revision".to_owned(), json!(1));
        return;
    };
    let mut members = item.clone();
    members.remove("id");
    let content = match members.remove("retracted") {
        Some(_) => None,
        None => super::item::Content::read(kind, members).ok(),
    };
    let revision = if content == held.content {
        held.revision
    } else {
        held.revision + 1
    };
    item.insert("revision".to_owned(), json!(revision));
}

/// Rows of cells, with the line each begins in. Cells are parted by `,`, or by `;` or tabs where the first line has more
/// of those; a cell in quotes may hold them, and quotes twice.
fn rows(text: &str, complaints: &mut Complaints) -> Vec<(usize, Vec<String>)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.lines().next().unwrap_or_default();
    let many = |mark: char| first.matches(mark).count();
    let mark = [',', ';', '\t']
        .into_iter()
        .rev()
        .max_by_key(|mark| many(*mark))
        .unwrap_or(',');
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut line, mut began, mut quoted, mut was_quoted) = (1, 1, false, false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                cell.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if cell.trim().is_empty() && !was_quoted => {
                cell.clear();
                (quoted, was_quoted) = (true, true);
            }
            _ if quoted => {
                line += usize::from(letter == '\n');
                cell.push(letter);
            }
            '\n' => {
                push(&mut rows, &mut row, &mut cell, began);
                line += 1;
                (began, was_quoted) = (line, false);
            }
            '\r' => {}
            _ if letter == mark => {
                row.push(take(&mut cell));
                was_quoted = false;
            }
            _ => cell.push(letter),
        }
    }
    if quoted {
        complaints.push((began, "a quote is opened and never closed".to_owned()));
    }
    push(&mut rows, &mut row, &mut cell, began);
    rows
}

fn take(cell: &mut String) -> String {
    std::mem::take(cell).trim().to_owned()
}

/// An empty line is no row.
fn push(rows: &mut Vec<(usize, Vec<String>)>, row: &mut Vec<String>, cell: &mut String, began: usize) {
    row.push(take(cell));
    let row = std::mem::take(row);
    if row.iter().any(|cell| !cell.is_empty()) {
        rows.push((began, row));
    }
}
