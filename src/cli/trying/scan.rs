//! Registers as they are, beyond those a driver reads: for an instrument nobody has a driver for yet.

use super::decodings::Registers;
use crate::{
    cli::bus::{Bus, Framing, Said},
    config::plant::{Equipment, Link},
    flow::{link::Plan, needs::Links},
    ports::links::SystemLinks,
};
use record::Trouble;
use std::{io, time::Duration};

/// Some registers of one table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) table: &'static str,
    pub(crate) first: u16,
    pub(crate) count: u16,
}

impl Wanted {
    /// Reads `holding:0+50`, `input:100-120`, `holding:7`.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let help = || format!("\"{text}\" names no registers; write holding:0+50 or input:100-120");
        let (table, range) = text.split_once(':').ok_or_else(help)?;
        let table = match table.trim() {
            "holding" => "holding",
            "input" => "input",
            _ => return Err(help()),
        };
        let number = |text: &str| text.trim().parse::<u16>().map_err(|_| help());
        let (first, count) = if let Some((first, count)) = range.split_once('+') {
            (number(first)?, number(count)?)
        } else if let Some((first, last)) = range.split_once('-') {
            let (first, last) = (number(first)?, number(last)?);
            let count = last.checked_sub(first).and_then(|more| more.checked_add(1));
            (first, count.ok_or_else(help)?)
        } else {
            (number(range)?, 1)
        };
        if count == 0 || count > 2000 || first.checked_add(count - 1).is_none() {
            return Err(help());
        }
        Ok(Self { table, first, count })
    }
}

/// Reads them on a line of its own; what the instrument does not have is left out.
pub(super) async fn registers(equipment: &Equipment, wanted: &[Wanted]) -> Result<Vec<Registers>, Trouble> {
    let (address, plan) = Plan::of(equipment);
    let cannot = |problem: io::Error| {
        Trouble::new(
            "cannot-open-line",
            format!("{} cannot be reached: {problem}", equipment.tag),
        )
        .at(&plan.name)
        .means("what is recorded is not concerned")
        .so("is it powered, is the address right, does another program hold its only connection?")
    };
    let line = SystemLinks.open(&address).await.map_err(cannot)?;
    let framing = if matches!(equipment.link, Link::ModbusTcp(_)) {
        Framing::Tcp
    } else {
        Framing::Rtu
    };
    let unit = equipment.unit_id.unwrap_or(1);
    let mut bus = Bus::new(line, framing, WITHIN);
    let mut found = Vec::new();
    for one in wanted {
        found.extend(piece(&mut bus, unit, *one).await.map_err(cannot)?);
    }
    if found.is_empty() {
        return Err(Trouble::new(
            "no-registers",
            format!("unit {unit} gives none of these registers"),
        )
        .at(&plan.name)
        .means("what is recorded is not concerned")
        .so(
            "try the other table, other addresses (manuals often count from 1), or `steelyard find modbus`",
        ));
    }
    Ok(found)
}

/// In pieces; where a piece is refused, one register after the other, because one missing register refuses all.
async fn piece(bus: &mut Bus, unit: u8, wanted: Wanted) -> io::Result<Vec<Registers>> {
    let function = if wanted.table == "holding" { 3 } else { 4 };
    let mut found: Vec<Registers> = Vec::new();
    let mut at = wanted.first;
    let end = u32::from(wanted.first) + u32::from(wanted.count);
    while u32::from(at) < end {
        let count = (end - u32::from(at)).min(AT_ONCE) as u16;
        match bus.registers(unit, function, at, count).await? {
            Ok(values) => add(&mut found, wanted.table, at, &values),
            Err(Said::Silent) => return Ok(found),
            Err(_) => {
                for one in at..=at + (count - 1) {
                    match bus.registers(unit, function, one, 1).await? {
                        Ok(values) => add(&mut found, wanted.table, one, &values),
                        Err(Said::Silent) => return Ok(found),
                        Err(_) => {}
                    }
                }
            }
        }
        match at.checked_add(count) {
            Some(next) => at = next,
            None => break,
        }
    }
    Ok(found)
}

/// Neighbours belong together, so that values of two registers are seen.
fn add(found: &mut Vec<Registers>, table: &'static str, at: u16, values: &[u16]) {
    if let Some(last) = found.last_mut()
        && last.table == table
        && usize::from(last.first) + last.values.len() == usize::from(at)
    {
        last.values.extend(values);
        return;
    }
    found.push(Registers {
        table,
        first: at,
        values: values.to_vec(),
    });
}

/// How long an unknown instrument may take.
const WITHIN: Duration = Duration::from_millis(1000);
/// Many instruments give no more at once.
const AT_ONCE: u32 = 25;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn registers_are_named_as_in_a_manual() {
        let read = |text| Wanted::read(text).map(|one| (one.table, one.first, one.count));
        assert_eq!(read("holding:0+50"), Ok(("holding", 0, 50)));
        assert_eq!(read("input:100-120"), Ok(("input", 100, 21)));
        assert_eq!(read("holding:7"), Ok(("holding", 7, 1)));
        for wrong in [
            "",
            "coil:1",
            "holding:",
            "holding:5-3",
            "holding:0+0",
            "holding:65535+2",
            "input:1+9999",
        ] {
            assert!(Wanted::read(wrong).is_err(), "{wrong}");
        }
    }
}
