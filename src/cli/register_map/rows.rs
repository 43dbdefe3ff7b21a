//! The lines of a register map, as written and as meant.

use record::Unit;
use rust_decimal::Decimal;
use std::str::FromStr;

/// The columns, each with what it means.
pub(crate) const COLUMNS: &str = "\
register  where it is: as it travels, from 0; or as manuals write it: 40001 is holding 0, 30001 is input 0
table     holding or input; may be left out where the register says it (default holding)
measure   the value's name: small letters, digits, _
is        int16 uint16 int32 uint32 int64 uint64 float32 float64 bcd16 bcd32 mod10000
scale     what one count is worth: 0.1 (default 1; none for floats)
unit      °C, kg, bar, rpm …
order     ABCD CDAB BADC DCBA (default ABCD)
title     for people (may be empty)
manual    the maker's own word (may be empty)";

/// One register, or some that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(super) table: &'static str,
    pub(super) register: u16,
    pub(super) measure: String,
    pub(super) is: &'static str,
    pub(super) scale: String,
    pub(super) unit: String,
    pub(super) order: &'static str,
    pub(super) title: String,
    pub(super) manual: String,
    line: usize,
}

/// What is wrong with one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) line: usize,
    pub(crate) what: String,
}

const TYPES: [(&str, u16); 11] = [
    ("int16", 1),
    ("uint16", 1),
    ("bcd16", 1),
    ("int32", 2),
    ("uint32", 2),
    ("float32", 2),
    ("bcd32", 2),
    ("mod10000", 2),
    ("int64", 4),
    ("uint64", 4),
    ("float64", 4),
];

impl Row {
    /// Registers it takes.
    pub(super) fn width(&self) -> u16 {
        TYPES
            .iter()
            .find(|(is, _)| *is == self.is)
            .map_or(1, |(_, width)| *width)
    }
}

/// Reads the whole map, or says everything that is wrong with it.
pub(crate) fn read(text: &str) -> Result<Vec<Row>, Vec<Wrong>> {
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = text
        .lines()
        .zip(1..)
        .filter(|(line, _)| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    let Some((head, at)) = lines.next() else {
        return Err(vec![Wrong {
            line: 1,
            what: "the map is empty; its first line names the columns".into(),
        }]);
    };
    let mark = if head.contains(';') {
        ';'
    } else if head.contains('\t') {
        '\t'
    } else {
        ','
    };
    let names = cells(head, mark);
    let mut wrong = heads(&names, at);
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let mut rows: Vec<Row> = Vec::new();
    for (line, number) in lines {
        match row(&names, &cells(line, mark), number) {
            Ok(row) => match clash(&rows, &row) {
                Some(what) => wrong.push(Wrong { line: number, what }),
                None => rows.push(row),
            },
            Err(what) => wrong.push(Wrong { line: number, what }),
        }
    }
    if rows.is_empty() && wrong.is_empty() {
        wrong.push(Wrong {
            line: at,
            what: "nothing stands below the names of the columns".into(),
        });
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    rows.sort_by_key(|row| (row.table, row.register));
    Ok(rows)
}

fn heads(names: &[String], line: usize) -> Vec<Wrong> {
    const KNOWN: [&str; 9] = [
        "register", "table", "measure", "is", "scale", "unit", "order", "title", "manual",
    ];
    let mut wrong: Vec<Wrong> = names
        .iter()
        .filter(|name| !KNOWN.contains(&name.as_str()))
        .map(|name| Wrong {
            line,
            what: format!("there is no column \"{name}\"; columns are {}", KNOWN.join(", ")),
        })
        .collect();
    for needed in ["register", "measure", "is"] {
        if !names.iter().any(|name| name == needed) {
            wrong.push(Wrong {
                line,
                what: format!("the column \"{needed}\" is missing"),
            });
        }
    }
    wrong
}

fn row(names: &[String], cells: &[String], line: usize) -> Result<Row, String> {
    if cells.len() > names.len() {
        return Err(format!(
            "{} cells, but {} columns; put text with the separator into quotes",
            cells.len(),
            names.len()
        ));
    }
    let cell = |name: &str| {
        let at = names.iter().position(|known| known == name);
        at.and_then(|at| cells.get(at)).map_or("", |cell| cell.trim())
    };
    let (table, register) = place(cell("register"), cell("table"))?;
    let measure = cell("measure");
    let good = measure.starts_with(|c: char| c.is_ascii_lowercase())
        && measure
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !good {
        return Err(format!(
            "\"{measure}\" is no measure; small letters, digits and _ , as in product_temperature"
        ));
    }
    let known = TYPES.iter().find(|(is, _)| *is == cell("is"));
    let is = known.map(|(is, _)| *is).ok_or_else(|| {
        let all: Vec<&str> = TYPES.iter().map(|(is, _)| *is).collect();
        format!("\"{}\" is no type; there are {}", cell("is"), all.join(", "))
    })?;
    let float = is.starts_with("float");
    let scale = match cell("scale").replace(',', ".") {
        scale if scale.is_empty() => "1".to_owned(),
        scale if Decimal::from_str(&scale).is_ok_and(|number| !number.is_zero()) => scale,
        scale => {
            return Err(format!(
                "\"{scale}\" is no scale; write what one count is worth, as 0.1"
            ));
        }
    };
    if float && scale != "1" {
        return Err("a float carries its own scale; leave the cell empty".to_owned());
    }
    let unit = cell("unit");
    if Unit::named(unit).is_none() {
        return Err(format!(
            "\"{unit}\" is no unit this program knows; write °C, kg, bar, rpm, % …"
        ));
    }
    let order = match cell("order").to_ascii_uppercase().as_str() {
        "" | "ABCD" => "ABCD",
        "CDAB" => "CDAB",
        "BADC" => "BADC",
        "DCBA" => "DCBA",
        other => {
            return Err(format!(
                "\"{other}\" is no order; there are ABCD, CDAB, BADC, DCBA"
            ));
        }
    };
    Ok(Row {
        table,
        register,
        measure: measure.to_owned(),
        is,
        scale,
        unit: unit.to_owned(),
        order,
        title: cell("title").to_owned(),
        manual: cell("manual").to_owned(),
        line,
    })
}

/// Table and address as it travels.
fn place(register: &str, table: &str) -> Result<(&'static str, u16), String> {
    let number: u32 = register
        .parse()
        .map_err(|_| format!("\"{register}\" is no register; write 0 or 40001"))?;
    let table = match table {
        "" => None,
        "holding" => Some("holding"),
        "input" => Some("input"),
        other => return Err(format!("\"{other}\" is no table; there are holding and input")),
    };
    let (said, at) = match number {
        40_001..=49_999 if table != Some("input") => ("holding", number - 40_001),
        30_001..=39_999 if table != Some("holding") => ("input", number - 30_001),
        400_001..=465_536 => ("holding", number - 400_001),
        300_001..=365_536 => ("input", number - 300_001),
        _ => (table.unwrap_or("holding"), number),
    };
    if table.is_some_and(|table| table != said) {
        return Err(format!("register {number} belongs to {said}"));
    }
    u16::try_from(at)
        .map(|at| (said, at))
        .map_err(|_| format!("register {number} is beyond the last one, 65535"))
}

fn clash(rows: &[Row], new: &Row) -> Option<String> {
    if let Some(same) = rows.iter().find(|row| row.measure == new.measure) {
        return Some(format!("\"{}\" stands in line {} too", new.measure, same.line));
    }
    let end = |row: &Row| u32::from(row.register) + u32::from(row.width());
    if end(new) > 0x1_0000 {
        return Some("it would end behind the last register, 65535".to_owned());
    }
    let overlaps = |row: &&Row| {
        row.table == new.table && u32::from(row.register) < end(new) && u32::from(new.register) < end(row)
    };
    rows.iter().find(overlaps).map(|row| {
        format!(
            "it takes a register that \"{}\" in line {} takes",
            row.measure, row.line
        )
    })
}

/// The cells of one line; quotes keep a separator inside.
fn cells(line: &str, mark: char) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cells
                    .iter_mut()
                    .last()
                    .into_iter()
                    .for_each(|cell| cell.push('"'));
            }
            '"' => quoted = !quoted,
            c if c == mark && !quoted => cells.push(String::new()),
            c => cells.iter_mut().last().into_iter().for_each(|cell| cell.push(c)),
        }
    }
    cells.iter_mut().for_each(|cell| *cell = cell.trim().to_owned());
    cells
}
