//! The equipment use log of a unit: which batches were in it, step by step, who said so, and what was done to its
//! instruments, in the order in which it happened. It falls out of the record; nobody writes it.

use super::local;
use jiff::tz::TimeZone;
use record::{Line, Stamp, Unit};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub time: Stamp,
    pub seq: u64,
    /// `batch`, `step`, `allocation`, `equipment-status`, `calibration`, `scale-check`, `addition`, `signature`.
    pub kind: String,
    /// `running`, `complete`, `out-of-service` …
    pub state: String,
    pub batch: String,
    pub product: String,
    pub step: String,
    pub run: String,
    pub equipment: String,
    /// A person's id, or the source that said so.
    pub who: String,
    /// Why, until when, with what: whatever else the entry says that a reader of the log needs.
    pub note: String,
}

/// Collects the log of one unit from entries in their order.
#[derive(Debug)]
pub struct UseLog {
    unit: String,
    /// The instruments that play a role in it.
    tags: BTreeSet<String>,
    products: HashMap<String, String>,
    rows: Vec<Row>,
}

impl UseLog {
    pub fn new(unit: &str, tags: BTreeSet<String>) -> Self {
        Self {
            unit: unit.to_owned(),
            tags,
            products: HashMap::new(),
            rows: Vec::new(),
        }
    }

    /// Looks at one entry.
    pub fn take(&mut self, line: &Line<'_>) {
        let kind = line.kind();
        let of_unit = matches!(kind, "batch" | "step" | "allocation" | "scale-check" | "addition");
        let of_equipment = matches!(kind, "equipment-status" | "calibration");
        let here = of_unit && line.text("unit").as_deref() == Some(self.unit.as_str())
            || of_equipment && line.text("equipment").is_some_and(|tag| self.tags.contains(&tag));
        let Some(time) = line.raw("time").and_then(Stamp::read).filter(|_| here) else {
            return;
        };
        let text = |name: &str| line.text(name).unwrap_or_default();
        let data = |name: &str| line.data_text(name).unwrap_or_default();
        let batch = text("batch");
        if kind == "batch" && !data("product").is_empty() {
            self.products.insert(batch.clone(), data("product"));
        }
        let mut state = text("state");
        if state.is_empty() {
            state = text("because");
        }
        if line.int("closing").is_some() {
            state = format!("closed {}", line.int("closing").unwrap_or_default());
        }
        self.rows.push(Row {
            time,
            seq: line.seq(),
            kind: kind.to_owned(),
            state,
            product: self.products.get(&batch).cloned().unwrap_or_default(),
            batch,
            step: text("step"),
            run: line.int("run").map(|run| run.to_string()).unwrap_or_default(),
            equipment: text("equipment"),
            who: first(&[data("by"), data("source")]),
            note: note(line),
        });
    }

    /// The log from one moment to another, in the order of time. `until` is not part of it.
    pub fn rows(mut self, from: Option<Stamp>, until: Option<Stamp>) -> Vec<Row> {
        self.rows.retain(|row| {
            from.is_none_or(|from| row.time >= from) && until.is_none_or(|until| row.time < until)
        });
        self.rows.sort_by_key(|row| (row.time, row.seq));
        self.rows
    }
}

fn first(words: &[String]) -> String {
    words
        .iter()
        .find(|word| !word.is_empty())
        .cloned()
        .unwrap_or_default()
}

fn note(line: &Line<'_>) -> String {
    let mut words = Vec::new();
    let data = |name: &str| line.data_text(name).filter(|word| !word.is_empty());
    match line.kind() {
        "batch" => {
            words.extend(data("recipe").map(|recipe| format!("recipe {recipe}")));
            words.extend(data("revision").map(|revision| format!("rev {revision}")));
            let code = data("in").unwrap_or_default();
            let shown = Unit::named(&code).map_or_else(|| code.clone(), |unit| unit.shown().to_owned());
            words.extend(data("size").map(|size| format!("{size} {shown}").trim().to_owned()));
        }
        "calibration" => {
            words.extend(data("found").map(|found| format!("as found: {found}")));
            words.extend(data("left").map(|left| format!("as left: {left}")));
            words.extend(data("standard").map(|standard| format!("standard {standard}")));
            words.extend(line.text("until").map(|until| format!("until {until}")));
        }
        "equipment-status" => {
            words.extend(line.text("because"));
            words.extend(data("reason"));
            words.extend(line.text("until").map(|until| format!("until {until}")));
        }
        _ => {
            words.extend(data("title"));
            words.extend(line.text("because"));
            words.extend(data("note"));
        }
    }
    words.join(", ")
}

/// The moment as the plant's clocks showed it, with the offset, so that the hour that comes twice is told apart.
fn shown(time: Stamp, zone: &TimeZone) -> String {
    let at = jiff::Timestamp::from_millisecond(time.0).unwrap_or_default();
    at.to_zoned(zone.clone())
        .strftime("%Y-%m-%d %H:%M:%S %:z")
        .to_string()
}

/// As a table for people.
pub fn table(rows: &[Row], zone: &TimeZone) -> String {
    let mut lines = vec![format!(
        "{:<26} {:<17} {:<15} {:<16} {:<22} {:<20} {:<10} {}",
        "time", "what", "state", "batch", "product", "step", "who", "note"
    )];
    for row in rows {
        let step = match row.run.as_str() {
            "" | "1" => row.step.clone(),
            run => format!("{} (run {run})", row.step),
        };
        let what = if row.equipment.is_empty() {
            row.kind.clone()
        } else {
            format!("{} {}", row.kind, row.equipment)
        };
        let line = format!(
            "{:<26} {:<17} {:<15} {:<16} {:<22} {:<20} {:<10} {}",
            shown(row.time, zone),
            what,
            row.state,
            row.batch,
            row.product,
            step,
            row.who,
            row.note
        );
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

/// As CSV, with a line of headings.
pub fn csv(rows: &[Row], zone: &TimeZone) -> String {
    let mut lines = vec!["time,utc,seq,what,state,batch,product,step,run,equipment,who,note".to_owned()];
    for row in rows {
        let cells = [
            shown(row.time, zone),
            row.time.to_string(),
            row.seq.to_string(),
            row.kind.clone(),
            row.state.clone(),
            row.batch.clone(),
            row.product.clone(),
            row.step.clone(),
            row.run.clone(),
            row.equipment.clone(),
            row.who.clone(),
            row.note.clone(),
        ];
        let cells: Vec<String> = cells.iter().map(|cell| quoted(cell)).collect();
        lines.push(cells.join(","));
    }
    lines.join("\n")
}

/// A cell that a spreadsheet takes for text, whatever it begins with.
fn quoted(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@']);
    let cell = if formula {
        format!("'{cell}")
    } else {
        cell.to_owned()
    };
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell
    }
}

/// For a script.
pub fn as_json(unit: &str, rows: &[Row], zone: &TimeZone) -> Value {
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({
                "time": row.time.to_string(), "shown": shown(row.time, zone), "seq": row.seq, "what": row.kind,
                "state": row.state, "batch": row.batch, "product": row.product, "step": row.step, "run": row.run,
                "equipment": row.equipment, "who": row.who, "note": row.note,
            })
        })
        .collect();
    json!({ "unit": unit, "log": rows })
}

/// The beginning of a day or a moment that a person wrote.
pub fn bound(text: &str, zone: &TimeZone, end: bool) -> Result<Stamp, String> {
    match local::Until::read(text) {
        Some(local::Until::Day(day)) if end => Ok(local::end_of_day(day, zone)),
        Some(local::Until::Day(day)) => Ok(local::end_of_day(day.yesterday().unwrap_or(day), zone)),
        _ => local::moment(text, zone),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use record::Draft;

    fn at(text: &str) -> Stamp {
        Stamp::read(text).unwrap()
    }

    fn log() -> UseLog {
        let mut log = UseLog::new("MX-3", ["TC-3105".to_owned()].into());
        let drafts = [
            Draft::new("batch", at("2026-10-24T20:00:00.000Z"))
                .with("unit", "MX-3")
                .with("batch", "B-1")
                .with("state", "running")
                .data("product", "Cream, 50 ml")
                .data("recipe", "cream")
                .data("revision", "7")
                .data("size", "60.0")
                .data("in", "kg")
                .data("source", "mes"),
            Draft::new("step", at("2026-10-25T00:30:00.000Z"))
                .with("unit", "MX-3")
                .with("batch", "B-1")
                .with("step", "emulsify")
                .with("run", 2u32)
                .with("state", "running")
                .data("source", "mes"),
            Draft::new("step", at("2026-10-25T01:30:00.000Z"))
                .with("unit", "MX-4")
                .with("batch", "B-2")
                .with("step", "emulsify")
                .with("state", "running"),
            // Told late: it was true before what stands before it.
            Draft::new("equipment-status", at("2026-10-24T23:30:00.000Z"))
                .with("equipment", "TC-3105")
                .with("state", "out-of-service")
                .with("until", "2026-10-26")
                .data("by", "p-3")
                .data("reason", "=leak"),
            Draft::new("equipment-status", at("2026-10-24T23:30:00.000Z"))
                .with("equipment", "TC-9999")
                .with("state", "out-of-service"),
        ];
        for (seq, draft) in drafts.into_iter().enumerate() {
            let mut line = Vec::new();
            draft.write(seq as u64 + 1, [0; 16], &mut line).unwrap();
            log.take(&Line::read(&line).unwrap());
        }
        log
    }

    #[test]
    fn a_unit_has_its_batches_steps_and_instruments_in_the_order_of_time_and_nobody_elses() {
        let zone = local::zone("Europe/Berlin");
        let text = csv(&log().rows(None, None), &zone);
        assert_eq!(
            text,
            "time,utc,seq,what,state,batch,product,step,run,equipment,who,note\n\
             2026-10-24 22:00:00 +02:00,2026-10-24T20:00:00.000Z,1,batch,running,B-1,\"Cream, 50 ml\",,,,mes,\"recipe cream, rev 7, 60.0 kg\"\n\
             2026-10-25 01:30:00 +02:00,2026-10-24T23:30:00.000Z,4,equipment-status,out-of-service,,,,,TC-3105,p-3,\"'=leak, until 2026-10-26\"\n\
             2026-10-25 02:30:00 +02:00,2026-10-25T00:30:00.000Z,2,step,running,B-1,\"Cream, 50 ml\",emulsify,2,,mes,"
        );
        assert!(table(&log().rows(None, None), &zone).contains("emulsify (run 2)"));
    }

    #[test]
    fn from_and_to_are_days_of_the_plant() {
        let zone = local::zone("Europe/Berlin");
        let from = bound("2026-10-25", &zone, false).unwrap();
        let until = bound("2026-10-25", &zone, true).unwrap();
        // The day on which the clocks are put back has 25 hours.
        assert_eq!(until.ms_since(from), 25 * 3_600_000);
        let seqs: Vec<u64> = log()
            .rows(Some(from), Some(until))
            .iter()
            .map(|row| row.seq)
            .collect();
        assert_eq!(seqs, [4, 2]);
    }
}
