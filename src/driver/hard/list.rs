//! The hard cases of real instruments, one by one, and where each is held: in a shipped driver, or in a test driver
//! of this folder. A case whose place is gone fails here.

/// The case, the driver that has it, and a line of that driver which says it.
const HELD: &[(&str, &str, &str)] = &[
    (
        "fixed frames with status bit fields",
        "mt-continuous",
        "swb bit 2 is set",
    ),
    (
        "a check sum that may equal a delimiter",
        "mt-continuous",
        "check       = \"minus-sum-7\"",
    ),
    (
        "several frame shapes on one line",
        "sartorius-sbi",
        "Stat      High",
    ),
    (
        "stability by the presence of the unit",
        "sartorius-sbi",
        "{number:10}    \"",
    ),
    ("additive status bytes", "gram-pc0", "less 0x20"),
    ("two-step replies", "radwag", "then = \"more follows\""),
    ("multi-line replies", "nci-scp01", "\\r\\n"),
    ("status bytes with more to follow", "nci-scp01", "p"),
    (
        "a reply id other than the command",
        "mt-sics-terminal",
        "reads = \"Z A\"",
    ),
    ("an address prefix", "dini-argeo", "{address:2}"),
    (
        "implied decimals and dummy zeros from bits",
        "mt-continuous",
        "decimals_are  = { 0 = -2",
    ),
    ("error codes in floats", "jumo-diratron", "3e37"),
    (
        "a magnitude with its sign elsewhere",
        "laumas-tlb",
        "negative_when",
    ),
    (
        "decimals and unit from another register",
        "laumas-tlb",
        "decimals_from",
    ),
    (
        "values and status from one answer",
        "tc200",
        "status bit 2 is set",
    ),
    ("low word first", "jumo-diratron", "order         = \"CDAB\""),
    ("per-device limits", "laumas-tlb", "at_most"),
    ("exponent for an overload", "and-balance", "9999999E+19"),
    (
        "settings checked: °F by default",
        "watlow-pm",
        "holds = \"settings\"",
    ),
    (
        "damaged letters are kept and never repaired",
        "mt-sics-balance",
        "S S     1?0.00 g",
    ),
    ("digits are kept as sent", "mt-sics-balance", "100.00 g"),
    (
        "commands that are off unless allowed",
        "mt-sics-balance",
        "[command.zero]",
    ),
    ("commands nothing answers", "sartorius-sbi", "answers       = []"),
    ("inverted bits", "hard", "status bit 0 is clear"),
    (
        "both word orders at once in one device",
        "hard",
        "order = \"ABCD\"",
    ),
    ("BCD", "hard", "bcd16"),
    ("ten thousands", "hard", "mod10000"),
    ("bit slices across registers", "hard", "bits = \"0 to 16\""),
    ("text in registers", "hard", "is = \"text\""),
    ("command windows with handshake", "hard", "ready_when"),
    ("written, waited for, read again", "hard", "done_when"),
    ("whole-block reads", "hard", "at_most = 32"),
    ("startup identity", "hard", "holds = \"identity\""),
    ("print tickets interleaved", "hard", "asides"),
    ("an end mark in front", "hard", "its carriage return comes first"),
    ("NUL bytes between frames", "hard", "NUL bytes between frames"),
    ("decimal comma", "hard", "decimal_mark = \",\""),
    ("frames told apart by silence", "hard", "ends_after"),
    ("frames that say their length", "hard", "length_at"),
    ("checks as digits", "hard", "check_as"),
    ("parity left in the eighth bit", "mt-continuous", "7 bits"),
    ("made to talk by a command", "hard", "start_again_after"),
    // nodes of OPC UA servers
    (
        "both namespaces of the weighing model",
        "opc-ua-scales",
        "[\"http://opcfoundation.org/UA/Scales/V2/\", \"http://opcfoundation.org/UA/Scales\"]",
    ),
    (
        "a browse path from a named start",
        "opc-ua-scales",
        "path = \"scale / scales:CurrentWeight\"",
    ),
    (
        "identifiers with quotes, to the letter",
        "siemens-s7-1500-opc-ua",
        "plc;s=\"DB_Mixer\".\"Speed\"",
    ),
    ("identifiers as GUID and as bytes", "hard", "old;b=c3RhcnQ="),
    (
        "a structure by its encoding, from bytes",
        "opc-ua-scales",
        "encoding = \"scales;i=88\"",
    ),
    ("a structure in a structure", "hard", "member = \"Inner.Level\""),
    (
        "lists of structures",
        "packml-machine",
        "element = 0, member = \"Count\"",
    ),
    (
        "companion flags judge the weight",
        "opc-ua-scales",
        "when = \"overload is set\"",
    ),
    ("a flag that may be missing", "opc-ua-scales", "stable is missing"),
    (
        "modes as words, unknown numbers never guessed",
        "packml-machine",
        "17 = \"complete\"",
    ),
    (
        "a unit told by the server",
        "opc-ua-scales",
        "unit_at = \"EngineeringUnits\"",
    ),
    (
        "a unit and a range compared",
        "generic-opc-ua",
        "range = \"-20 to 150\"",
    ),
    (
        "identity by the machine's own identification",
        "opc-ua-scales",
        "di:Identification / di:SerialNumber",
    ),
    ("servers without subscriptions", "hard", "by = \"reading\""),
    ("no deadband unless written", "hard", "deadband = \"0.5\""),
    (
        "codes with a maker's own meaning",
        "hard",
        "because = \"simulated\"",
    ),
    (
        "a limit for the source's clock",
        "hard",
        "clock_within = \"1500 ms\"",
    ),
    (
        "elements of arrays, here and at the server",
        "hard",
        "elements = \"2:5\", element = 1",
    ),
    ("nodes that must come together", "hard", "together = true"),
    (
        "an overflow of the server's queue",
        "siemens-s7-1500-opc-ua",
        "\"status\": \"00000480\"",
    ),
    (
        "limits of a server",
        "siemens-s7-1500-opc-ua",
        "items_per_subscription = 1000",
    ),
    (
        "a map version checked",
        "siemens-s7-1500-opc-ua",
        "map_version is not 1",
    ),
];

#[test]
fn every_hard_case_of_real_instruments_is_held_somewhere() {
    let tests = [
        include_str!("../hard.rs"),
        include_str!("framing.rs"),
        include_str!("commands.rs"),
        include_str!("nodes.rs"),
        include_str!("slices.rs"),
    ]
    .concat();
    let missing: Vec<String> = HELD
        .iter()
        .filter(|(_, driver, line)| {
            let shipped = crate::builtin()
                .iter()
                .find(|(file, _)| file.strip_suffix(".toml") == Some(driver));
            let text = shipped.map_or(tests.as_str(), |(_, text)| text);
            (shipped.is_none() && *driver != "hard") || !text.contains(line)
        })
        .map(|(case, driver, line)| format!("{case}: {driver} has no {line:?}"))
        .collect();
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
