//! The hard cases of real instruments that no shipped driver has yet, each as a driver of its own with samples:
//! the language must be able to say them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod commands;
mod framing;
mod list;
mod nodes;
mod slices;

pub(crate) use commands::every_key;
pub(crate) use framing::framings;
pub(crate) use nodes::watched;

use crate::{Conversation, ConversationOptions, Driver, Role, Transport, lint, modbus::sealed, run_samples};

/// The file, and its Modbus frames with their check sums put in: `@01 03 00 00` is a frame without them.
pub(crate) fn proven(name: &str, text: &str) -> Driver {
    let mut whole = String::new();
    for (at, part) in text.split('@').enumerate() {
        let (bytes, rest) = if at == 0 {
            ("", part)
        } else {
            part.split_once('"').unwrap()
        };
        if at > 0 {
            let bytes: Vec<u8> = bytes
                .split(' ')
                .map(|pair| u8::from_str_radix(pair, 16).unwrap())
                .collect();
            whole += &crate::sample::hex(&sealed(&bytes));
            whole.push('"');
        }
        whole += rest;
    }
    let file = format!("{name}.toml");
    let driver = Driver::parse(&whole, &file).unwrap_or_else(|complaints| panic!("{complaints:#?}"));
    for result in run_samples(&driver) {
        assert!(result.passed(), "{result:#?}");
    }
    driver
}

pub(crate) fn modbus(body: &str) -> String {
    format!(
        "format = 1\n[driver]\nname = \"hard\"\nedition = 1\ntitle = \"Hard\"\nmaker = \"Nobody\"\n\
         speaks = \"modbus\"\nevidence = \"draft\"\n{body}"
    )
}

pub(crate) fn text(serial: &str, body: &str) -> String {
    format!(
        "format = 1\n[driver]\nname = \"hard\"\nedition = 1\ntitle = \"Hard\"\nmaker = \"Nobody\"\n\
         speaks = \"text-over-serial\"\nevidence = \"draft\"\n[serial]\n{serial}\n{body}"
    )
}

#[test]
fn a_magnitude_takes_its_sign_and_decimals_from_other_registers_of_the_same_answer() {
    let driver = modbus(
        r#"
        [modbus]
        at_most = 32
        [[read]]
        table = "holding"
        first = 6
        count = 8
        points = [
          { at = 0, field = "status", is = "bits" },
          { at = 7, field = "format", is = "uint16" },
          { at = 1, measure = "gross", is = "uint32", negative_when = "status bit 7 is set", decimals_from = "format bits 0 to 7", decimals_are = { 6 = 0, 9 = 1, 12 = 2 },
            unit_from = [{ when = "format bits 8 to 15 are 0", unit = "kg" }, { when = "format bits 8 to 15 are 1", unit = "g" }] },
          { at = 3, measure = "net", is = "uint32", negative_when = "status bit 8 is set", decimals_from = "format bits 0 to 7", decimals_are = { 6 = 0, 9 = 1, 12 = 2 },
            unit_from = [{ when = "format bits 8 to 15 are 0", unit = "kg" }, { when = "format bits 8 to 15 are 1", unit = "g" }] },
        ]
        doubts = [
          { about = ["gross", "net"], when = "status bit 2 is set", quality = "bad", because = "overload" },
          { about = ["gross", "net"], when = "status bit 11 is clear", quality = "uncertain", because = "not settled" },
        ]
        [[sample]]
        says = "settled"
        send = "@01 03 00 06 00 08"
        hear = "@01 03 10 0C 00 00 00 30 39 00 00 27 10 00 00 00 00 00 0C"
        gives = { gross = "123.45 kg", net = "100.00 kg" }
        [[sample]]
        says = "the net is negative by its bit"
        send = "@01 03 00 06 00 08"
        hear = "@01 03 10 09 00 00 00 01 F4 00 00 00 FA 00 00 00 00 01 0C"
        gives = { gross = "5.00 g", net = "-2.50 g" }
        [[sample]]
        says = "overload has no value, whatever digits it sends"
        send = "@01 03 00 06 00 08"
        hear = "@01 03 10 00 04 00 0F 42 3F 00 0F 42 3F 00 00 00 00 00 0C"
        gives = { gross = "bad: overload", net = "bad: overload" }
        [[sample]]
        says = "a code for decimals that is not listed is not guessed"
        send = "@01 03 00 06 00 08"
        hear = "@01 03 10 0C 00 00 00 30 39 00 00 27 10 00 00 00 00 00 11"
        gives = { gross = "bad: unexpected" }
    "#,
    );
    proven("hard", &driver);
}

#[test]
fn decimals_and_unit_come_from_settings_that_were_read_before() {
    let driver = proven(
        "hard",
        &modbus(
            r#"
        [modbus]
        [[read]]
        holds = "settings"
        table = "holding"
        first = 100
        count = 2
        points = [
          { at = 0, field = "decimals", is = "uint16" },
          { at = 1, field = "scale_unit", is = "uint16" },
        ]
        [[read]]
        table = "input"
        first = 0
        count = 1
        points = [ { at = 0, measure = "temperature", is = "int16", unit = "°C", decimals_from = "decimals" } ]
        doubts = [ { about = "temperature", when = "scale_unit is not 15", quality = "bad", because = "set to °F" } ]
        [[sample]]
        says = "as its display shows it"
        before = [{ send = "@01 03 00 64 00 02", hear = "@01 03 04 00 02 00 0F" }]
        send = "@01 04 00 00 00 01"
        hear = "@01 04 02 FB 2E"
        gives = { temperature = "-12.34 °C" }
        [[sample]]
        says = "set to Fahrenheit it has no value in °C"
        before = [{ send = "@01 03 00 64 00 02", hear = "@01 03 04 00 02 00 1E" }]
        send = "@01 04 00 00 00 01"
        hear = "@01 04 02 04 D2"
        gives = { temperature = "bad: set to °F" }
        [[sample]]
        says = "before the settings are known nothing is"
        send = "@01 04 00 00 00 01"
        hear = "@01 04 02 04 D2"
        gives = { temperature = "bad: unexpected" }
    "#,
        ),
    );
    let options = ConversationOptions {
        unit_id: 1,
        transport: Transport::ModbusTcp,
    };
    let roles: Vec<Role> = Conversation::new(&driver, options)
        .questions()
        .iter()
        .map(|question| question.role)
        .collect();
    assert_eq!(roles, [Role::Settings, Role::Values]);
}

#[test]
fn both_word_orders_bcd_tens_of_thousands_text_and_words_in_one_device() {
    proven(
        "hard",
        &modbus(
            r#"
        [modbus]
        order = "CDAB"
        [[read]]
        table = "holding"
        first = 0
        count = 12
        points = [
          { at = 0, measure = "low_first", is = "float32", unit = "kg" },
          { at = 2, measure = "high_first", is = "float32", unit = "kg", order = "ABCD" },
          { at = 4, measure = "digits", is = "bcd16", one_count = "0.1 kg" },
          { at = 5, measure = "total", is = "mod10000", one_count = "1 kg", order = "ABCD" },
          { at = 7, measure = "phase", is = "text", registers = 3 },
          { at = 10, measure = "state", is = "uint16", words = { 0 = "idle", 1 = "mixing" } },
          { at = 11, measure = "offset", is = "uint16", one_count = "0.1 °C", plus = "-50.0" },
        ]
        [[sample]]
        says = "everything at once"
        send = "@01 03 00 00 00 0C"
        hear = "@01 03 18 00 00 41 A0 41 A0 00 00 12 34 00 00 00 07 4D 49 58 20 31 00 00 01 02 BC"
        gives = { low_first = "20 kg", high_first = "20 kg", digits = "123.4 kg", total = "70000 kg", phase = "MIX 1", state = "mixing", offset = "20.0 °C" }
        [[sample]]
        says = "no decimal digit, and no known state"
        send = "@01 03 00 00 00 0C"
        hear = "@01 03 18 00 00 41 A0 41 A0 00 00 12 3A 00 00 00 07 4D 49 58 20 31 00 00 09 02 BC"
        gives = { digits = "bad: unexpected", state = "bad: unexpected", offset = "20.0 °C" }
    "#,
        ),
    );
}

#[test]
fn coils_inverted_bits_and_an_identity_in_registers() {
    proven(
        "hard",
        &modbus(
            r#"
        [modbus]
        [[read]]
        table = "discrete"
        first = 8
        count = 10
        points = [
          { at = 0, field = "moving", is = "bit" },
          { at = 9, measure = "door", is = "bit", words = { 0 = "open", 1 = "shut" } },
        ]
        [[read]]
        holds = "identity"
        table = "holding"
        first = 900
        count = 2
        points = [ { at = 0, field = "serial_number", is = "uint32" } ]
        [[read]]
        table = "holding"
        first = 0
        count = 2
        points = [
          { at = 0, measure = "weight", is = "int16", one_count = "0.01 kg" },
          { at = 1, field = "status", is = "bits" },
        ]
        doubts = [
          { about = "weight", when = "status bit 0 is clear", quality = "bad", because = "invalid" },
          { about = "weight", when = "status bits 13 to 15 are 2", quality = "bad", because = "overload" },
          { about = "weight", when = "status bit 2 is set and status bit 3 is clear", quality = "uncertain", because = "not settled" },
        ]
        [[sample]]
        says = "a bit in the second byte"
        send = "@01 02 00 08 00 0A"
        hear = "@01 02 02 00 02"
        gives = { door = "shut" }
        [[sample]]
        says = "who are you?"
        send = "@01 03 03 84 00 02"
        hear = "@01 03 04 07 5B CD 15"
        gives = { serial_number = "123456789" }
        [[sample]]
        says = "moving, but only counts while bit 3 is clear"
        send = "@01 03 00 00 00 02"
        hear = "@01 03 04 FF 06 00 05"
        gives = { weight = "-2.50 kg, uncertain: not settled" }
        [[sample]]
        says = "one means no error here, zero means there is one"
        send = "@01 03 00 00 00 02"
        hear = "@01 03 04 00 FA 00 04"
        gives = { weight = "bad: invalid" }
        [[sample]]
        says = "an error code in three bits goes before the doubt"
        send = "@01 03 00 00 00 02"
        hear = "@01 03 04 00 FA 40 05"
        gives = { weight = "bad: overload" }
        [[sample]]
        says = "well formed, but of another length than was asked"
        send = "@01 03 00 00 00 02"
        hear = "@01 03 02 00 FA"
        gives = { weight = "bad: unexpected" }
    "#,
        ),
    );
}

#[test]
fn two_step_replies_changed_ids_print_headers_and_decimal_commas() {
    proven(
        "hard",
        &text(
            "ends_with = \"\\r\\n\"",
            r#"
        [measure.weight]
        send = "S"
        answer_within = "10 s"
        units = ["kg"]
        decimal_mark = ","
        answers = [
          { reads = "S A",                 then = "more follows" },
          { reads = "S   {value:9} {unit}",  quality = "good" },
          { reads = "SU  {value:9} {unit}",  quality = "good" },
          { reads = "E{code:2}",           quality = "bad", because = "error {code}" },
        ]
        [[sample]]
        says = "accepted first, then the weight"
        send = "S\r\n"
        hear = "S A\r\nS       12,50 kg\r\n"
        gives = { weight = "12.50 kg" }
        [[sample]]
        says = "answered under another id"
        send = "S\r\n"
        hear = "SU      12,50 kg\r\n"
        gives = { weight = "12.50 kg" }
        [[sample]]
        says = "a point where a comma belongs is not this scale's number"
        send = "S\r\n"
        hear = "S       12.50 kg\r\n"
        gives = { weight = "bad: unexpected" }
        [[sample]]
        says = "an error keeps its number"
        send = "S\r\n"
        hear = "E17\r\n"
        gives = { weight = "bad: error 17" }
    "#,
        )
        .replacen("[driver]", "asides = [\"DATE {_}\", \"----\"]\n[driver]", 1),
    );
}

#[test]
fn a_printed_ticket_is_one_reading_among_lines_that_say_nothing() {
    let driver = proven(
        "hard",
        &text(
            "ends_with = \"\\r\\n\"",
            r#"
        [measure.weight]
        comes = "when printed"
        units = ["kg"]
        answers = [ { reads = "NET {value:8} {unit}", quality = "good" } ]
        [[sample]]
        says = "header, weight, footer"
        hear = "DATE 20.11.2026\r\nNET    12.50 kg\r\n----\r\n"
        gives = { weight = ["12.50 kg"] }
        [[sample]]
        says = "NUL bytes between frames are filler"
        hear = "\u0000\u0000NET    12.50 kg\r\n"
        gives = { weight = "12.50 kg" }
    "#,
        )
        .replacen("[driver]", "asides = [\"DATE {_}\", \"----\"]\n[driver]", 1),
    );
    assert_eq!(driver.points()[0].comes, crate::Comes::WhenPrinted);
}

#[test]
fn an_end_mark_in_front_and_a_check_before_the_end() {
    proven(
        "hard",
        &text(
            "starts_with = \"\\r\"\nends_with = \"\\u0003\"",
            r#"
        [measure.weight]
        comes = "by itself"
        padding = "zeros"
        units = { "lb" = "lb" }
        answers = [
          { reads = "{value:7}  {unit:2} g  ", quality = "good" },
          { reads = "{value:7}m {unit:2} g  ", quality = "uncertain", because = "not settled" },
        ]
        [[sample]]
        says = "its carriage return comes first"
        hear = "\r+001234m lb g  \u0003\r+001234  lb g  \u0003"
        gives = { weight = ["1234 lb, uncertain: not settled", "1234 lb"] }
    "#,
        ),
    );
    proven(
        "hard",
        &text(
            "starts_with = \"\\u0002\"\nends_with = \"\\u0003\"\ncheck = \"xor\"",
            r#"
        [measure.weight]
        comes = "by itself"
        unit = "kg"
        answers = [ { reads = "{value:6}", quality = "good" } ]
        [[sample]]
        says = "a sound check"
        hear = "\u0002  12.5&\u0003"
        gives = { weight = "12.5 kg" }
        [[sample]]
        says = "a damaged digit fails the check"
        hear = "\u0002  13.5&\u0003"
        gives = { weight = "bad: garbled" }
    "#,
        )
        .replace(
            '&',
            &format!("\\u{:04X}", b"  12.5".iter().fold(0, |all, byte| all ^ byte)),
        ),
    );
}

#[test]
fn the_examples_of_the_reference_page_are_true() {
    let page = include_str!("../../docs/reference/driver.md");
    let examples: Vec<&str> = page
        .split("```toml\n")
        .skip(1)
        .map(|part| part.split("```").next().unwrap())
        .filter(|example| example.contains("[driver]"))
        .collect();
    assert_eq!(examples.len(), 3);
    for (example, file) in examples
        .iter()
        .zip(["example-balance.toml", "example-controller.toml"])
    {
        let driver = Driver::parse(example, file).unwrap_or_else(|complaints| panic!("{complaints:#?}"));
        assert_eq!(lint(&driver), [], "{file}");
    }
}

#[test]
fn the_reference_page_names_every_word_the_language_has() {
    let page = include_str!("../../docs/reference/driver.md");
    let words = crate::registers::Is::words().iter().map(|(word, _)| *word);
    let words = words.chain(crate::registers::Order::words().iter().map(|(word, _)| *word));
    let words = words.chain(crate::frame::Check::words().iter().map(|(word, _)| *word));
    let missing: Vec<&str> = words
        .filter(|word| !page.contains(&format!("`{word}`")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
