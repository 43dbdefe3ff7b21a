//! How the bench shows an exchange: bytes beside meaning, for people and for scripts.

use super::{
    decodings::{Match, ORDERS, Registers},
    exchange::Exchange,
};
use record::Failure;
use serde_json::json;

/// One exchange, a few lines.
pub(super) fn exchange(exchange: &Exchange) -> String {
    let mut text = String::new();
    if !exchange.sent.is_empty() {
        text.push_str(&format!("  sent   {}\n", both(&exchange.sent)));
    }
    text.push_str(&format!("  heard  {}", both(&exchange.raw)));
    if !exchange.sent.is_empty() {
        text.push_str(&format!("   {:.1} ms", ms(exchange)));
    }
    let answers = exchange.answer().map(|heard| &heard.answers);
    for (measure, answer) in answers.into_iter().flatten() {
        text.push_str(&format!("\n         {measure} = {answer}"));
    }
    if let Some(identity) = exchange.identity() {
        text.push_str(&format!("\n         serial number = {identity}"));
    }
    text
}

/// The same for a script.
pub(super) fn exchange_json(exchange: &Exchange) -> serde_json::Value {
    let answers = exchange.answer().map(|heard| &heard.answers);
    let answers: serde_json::Map<_, _> = answers
        .into_iter()
        .flatten()
        .map(|(measure, answer)| (measure.clone(), json!(answer.to_string())))
        .collect();
    json!({
        "sent": hex(&exchange.sent), "heard": hex(&exchange.raw), "ms": (ms(exchange) * 10.0).round() / 10.0,
        "answers": answers, "identity": exchange.identity(),
        "failure": exchange.failure().map(Failure::word),
    })
}

fn ms(exchange: &Exchange) -> f64 {
    exchange.latency.as_secs_f64() * 1000.0
}

/// Registers in every type and order, beside each other.
pub(super) fn registers(read: &Registers) -> String {
    let last = read
        .first
        .wrapping_add(read.values.len().saturating_sub(1) as u16);
    let mut text = format!(
        "{} registers {} to {last}, each as one value:\n     at  hex     int16  uint16   bcd16    bytes swapped: int16  uint16\n",
        read.table, read.first
    );
    for (at, value) in read.values.iter().enumerate() {
        let cell = |is, order| {
            let one = read.one(at, is, order);
            one.map_or_else(|| "–".to_owned(), |decoding| decoding.text)
        };
        text.push_str(&format!(
            "  {:5}  {value:04X}  {:>7} {:>7} {:>7}             {:>7} {:>7}\n",
            usize::from(read.first) + at,
            cell("int16", "ABCD"),
            cell("uint16", "ABCD"),
            cell("bcd16", "ABCD"),
            cell("int16", "BADC"),
            cell("uint16", "BADC"),
        ));
    }
    for at in 0..read.values.len().saturating_sub(1) {
        let from = usize::from(read.first) + at;
        text.push_str(&format!("  {from} and {} as one value:\n           ", from + 1));
        text.push_str(&ORDERS.map(|order| format!("{order:>15}")).concat());
        text.push('\n');
        for is in ["int32", "uint32", "float32", "bcd32", "mod10000"] {
            let cells = ORDERS.map(|order| {
                let one = read.one(at, is, order);
                format!(
                    "{:>15}",
                    one.map_or_else(|| "–".to_owned(), |decoding| decoding.text)
                )
            });
            text.push_str(&format!("  {is:9}{}\n", cells.concat()));
        }
    }
    text.trim_end().to_owned()
}

/// The decodings that give what the display shows, each with the line of a driver that says so.
pub(super) fn matches(shown: &str, found: &[(Match, u16)]) -> String {
    if found.is_empty() {
        return format!(
            "nothing that was read gives {shown}: is it in other registers (--registers holding:0+50), or in the \
             other table, or did the display change meanwhile?"
        );
    }
    let many = if found.len() == 1 {
        "one decoding gives".to_owned()
    } else {
        format!("{} decodings give", found.len())
    };
    let mut text = format!("{many} {shown}, the likeliest first:");
    for (one, first) in found.iter().take(MOST) {
        text.push_str(&format!("\n  {one}\n      {}", one.line(*first)));
    }
    if found.len() > MOST {
        text.push_str(&format!("\n  … and {} more", found.len() - MOST));
    }
    if found.len() > 1 {
        text.push_str(
            "\nlet the display show something quite different, and give that too: what gives both is right",
        );
    }
    text
}

/// The same for a script.
pub(super) fn match_json(one: &Match) -> serde_json::Value {
    json!({
        "table": one.decoding.table, "register": one.decoding.register, "is": one.decoding.is,
        "order": one.decoding.order, "one_count": one.one_count.normalize().to_string(), "reads": one.decoding.text,
    })
}

/// Bytes as numbers, and as text where they are text.
pub(super) fn both(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "nothing".into();
    }
    let printable = bytes
        .iter()
        .all(|byte| matches!(byte, 0x20..=0x7E | b'\r' | b'\n' | 0x02 | 0x03 | 0x1B));
    let text = if printable {
        format!("   \"{}\"", bytes.escape_ascii())
    } else {
        String::new()
    };
    format!("{}{text}", hex(bytes))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| format!("{byte:02X}"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// More than this nobody reads.
const MOST: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_of_two_registers_stands_beside_the_others() {
        let read = Registers {
            table: "holding",
            first: 0,
            values: vec![0x4145, 0x70A4],
        };
        let text = registers(&read);
        assert!(
            text.contains("ABCD           CDAB           BADC           DCBA"),
            "{text}"
        );
        assert!(text.contains("12.34"), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}
