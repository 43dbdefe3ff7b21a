//! The ways of telling frames apart that few instruments need.

use super::{proven, text};
use crate::{Conversation, ConversationOptions, Driver, HeardAs, Transport};
use std::time::Duration;

const BY_ITSELF: &str = r#"
        [measure.weight]
        comes = "by itself"
        unit = "kg"
        answers = [ { reads = "{value:6}", quality = "good" } ]
"#;

fn silent_frames() -> Driver {
    proven(
        "silence",
        &text(
            "ends_after = \"50 ms\"",
            &format!(
                r#"{BY_ITSELF}
        [[sample]]
        says = "only the pause between two frames tells them apart"
        hear = ["  12.5", "  12.6"]
        gives = {{ weight = ["12.5 kg", "12.6 kg"] }}
        [[sample]]
        says = "two frames without a pause are none"
        hear = "  12.5  12.6"
        gives = {{ weight = "bad: unexpected" }}
    "#
            ),
        ),
    )
}

fn lengths_inside() -> Driver {
    // STX, the length of the content, the content, two digits of a check over all before them
    proven(
        "inside",
        &text(
            "starts_with = \"\\u0002\"\nlength_at = 1\nlength_adds = 4\nlongest = 40\ncheck = \"sum-8\"\ncheck_covers = \"start and content\"\ncheck_as = \"hex digits\"",
            r#"
        [measure.weight]
        comes = "by itself"
        unit = "kg"
        answers = [
          { reads = "{_:1}W{value:1..9}", quality = "good" },
          { reads = "{_:1}E{code:2}",     quality = "bad", because = "error {code}" },
        ]
        [[sample]]
        says = "each frame says how long it is"
        hear = "\u0002\u0006W 12.545\u0002\u0007W 112.577"
        gives = { weight = ["12.5 kg", "112.5 kg"] }
        [[sample]]
        says = "an error is shorter"
        hear = "\u0002\u0003E17B2"
        gives = { weight = "bad: error 17" }
        [[sample]]
        says = "a damaged digit fails the check"
        hear = "\u0002\u0006W 13.545"
        gives = { weight = "bad: garbled" }
        [[sample]]
        says = "a damaged length does not swallow the frame after it"
        hear = "\u0002\u0018W 12.545\u0002\u0006W 12.545"
        gives = { weight = "12.5 kg" }
    "#,
        ),
    )
}

fn checks_behind_the_end() -> Driver {
    // STX … ETX and a check that may itself be ETX or STX, over the content and ETX
    proven(
        "behind",
        &text(
            "starts_with = \"\\u0002\"\nends_with = \"\\u0003\"\ncheck = \"xor\"\ncheck_covers = \"content and end\"\ncheck_stands = \"behind the end\"",
            &format!(
                r#"{BY_ITSELF}
        [[sample]]
        says = "the check stands behind the end mark"
        hear = "\u0002  12.5\u0003\u001B"
        gives = {{ weight = "12.5 kg" }}
        [[sample]]
        says = "a check that is an end mark by chance is a check"
        hear = "\u0002  1111\u0003\u0003\u0002  12.5\u0003\u001B"
        gives = {{ weight = ["1111 kg", "12.5 kg"] }}
        [[sample]]
        says = "a damaged digit fails the check"
        hear = "\u0002  13.5\u0003\u001B"
        gives = {{ weight = "bad: garbled" }}
    "#
            ),
        ),
    )
}

fn checks_in_hex_digits() -> Driver {
    proven(
        "digits",
        &text(
            "starts_with = \":\"\nends_with = \"\\r\\n\"\ncheck = \"minus-sum-8\"\ncheck_as = \"hex digits\"",
            &format!(
                r#"{BY_ITSELF}
        [[sample]]
        says = "two digits say the check"
        hear = ":  12.5FA\r\n"
        gives = {{ weight = "12.5 kg" }}
        [[sample]]
        says = "small letters are the same digits"
        hear = ":  12.5fa\r\n"
        gives = {{ weight = "12.5 kg" }}
        [[sample]]
        says = "a damaged digit fails the check"
        hear = ":  12.6FA\r\n"
        gives = {{ weight = "bad: garbled" }}
    "#
            ),
        ),
    )
}

fn crc_in_hex_digits() -> Driver {
    proven(
        "crc",
        &text(
            "starts_with = \"$\"\nends_with = \"\\r\"\ncheck = \"crc-16\"\ncheck_covers = \"start and content\"\ncheck_as = \"hex digits\"",
            &format!(
                r#"{BY_ITSELF}
        [[sample]]
        says = "four digits say the check, the highest first"
        hear = "$  12.5{}\r"
        gives = {{ weight = "12.5 kg" }}
    "#,
                format_args!("{:04X}", crate::crc16(b"$  12.5"))
            ),
        ),
    )
}

/// Every way of framing that no shipped driver has; the laws run over them.
pub(crate) fn framings() -> Vec<Driver> {
    vec![
        silent_frames(),
        lengths_inside(),
        checks_behind_the_end(),
        checks_in_hex_digits(),
        crc_in_hex_digits(),
    ]
}

#[test]
fn frames_are_told_apart_by_silence_by_a_length_inside_and_by_checks_of_every_kind() {
    assert_eq!(framings().len(), 5);
}

#[test]
fn only_a_pause_ends_a_frame_that_has_no_end() {
    let driver = silent_frames();
    let options = ConversationOptions {
        unit_id: 0,
        transport: Transport::Serial,
    };
    let mut talk = Conversation::new(&driver, options);
    assert_eq!(talk.quiet_after(), None, "nothing is under way");
    assert_eq!(talk.hear(b"  12"), []);
    assert_eq!(talk.quiet_after(), Some(Duration::from_millis(50)));
    assert_eq!(talk.hear(b".5"), []);
    let heard = talk.quiet();
    assert_eq!(heard[0].heard_as, HeardAs::ByItself);
    assert_eq!(heard[0].answers[0].1.to_string(), "12.5 kg");
    assert_eq!(talk.quiet_after(), None);
    assert_eq!(talk.quiet(), []);
}

#[test]
fn a_length_is_written_in_every_way_a_maker_may_have_chosen() {
    for (words, length) in [
        ("byte", "\\u0009"),
        ("two bytes", "\\u0000\\u000A"),
        ("two bytes, low first", "\\u000A\\u0000"),
        ("two digits", "10"),
        ("three digits", "011"),
        ("two hex digits", "0A"),
    ] {
        let width = length.replace("\\u00", "").len();
        let width = if length.starts_with('\\') {
            width / 2
        } else {
            width
        };
        // length, content of six characters and the check are counted; the start mark is not
        let body = format!(
            r#"
        [measure.weight]
        comes = "by itself"
        unit = "kg"
        answers = [ {{ reads = "{{_:{width}}}{{value:6}}", quality = "good" }} ]
        [[sample]]
        says = "its length is written as {words}"
        hear = "\u0002{length}  12.5{}"
        gives = {{ weight = "12.5 kg" }}
        "#,
            check_of(length)
        );
        let serial = format!(
            "starts_with = \"\\u0002\"\nlength_at = 1\nlength_is = \"{words}\"\nlength_adds = 1\ncheck = \"xor\"\ncheck_as = \"hex digits\""
        );
        proven("lengths", &text(&serial, &body));
    }
}

fn check_of(length: &str) -> String {
    let mut bytes: Vec<u8> = Vec::new();
    if length.starts_with('\\') {
        for pair in length.split("\\u00").skip(1) {
            bytes.push(u8::from_str_radix(pair, 16).unwrap());
        }
    } else {
        bytes.extend(length.bytes());
    }
    bytes.extend(b"  12.5");
    format!("{:02X}", bytes.iter().fold(0, |all, byte| all ^ byte))
}

#[test]
fn what_cannot_be_found_again_is_refused() {
    for (serial, name) in [
        ("ends_with = \"\"", "no-frame"),
        ("length = 9", "no-frame"),
        (
            "starts_with = \"\\u0002\"\nlength = 2\ncheck = \"xor\"",
            "no-frame",
        ),
        ("starts_with = \"\\u0002\"\nlength_at = 1", "no-frame"),
        ("length_at = 1\ncheck = \"xor\"", "no-frame"),
        ("ends_after = \"5 ms\"", "pause-too-short"),
        (
            "starts_with = \"\\u0002\"\nlength = 9\nends_after = \"50 ms\"",
            "two-ends",
        ),
    ] {
        let complaints = Driver::parse(&text(serial, BY_ITSELF), "hard.toml").unwrap_err();
        let names: Vec<&str> = complaints.iter().map(|complaint| complaint.name).collect();
        assert!(names.contains(&name), "{serial}: {names:?}");
    }
}

#[test]
fn an_instrument_that_must_be_told_to_talk_is_told_and_then_talks_by_itself() {
    let driver = proven(
        "stream",
        &text(
            "ends_with = \"\\r\\n\"",
            r#"
        [measure.weight]
        comes = "by itself"
        start = "SIR"
        start_again_after = "3 s"
        units = ["g"]
        answers = [ { reads = "S S {value:10} {unit}", quality = "good" } ]
        [[sample]]
        says = "again and again"
        hear = "S S      12.50 g\r\nS S      12.51 g\r\n"
        gives = { weight = ["12.50 g", "12.51 g"] }
    "#,
        ),
    );
    let options = ConversationOptions {
        unit_id: 0,
        transport: Transport::Serial,
    };
    let mut talk = Conversation::new(&driver, options);
    let questions = talk.questions();
    assert_eq!(questions.len(), 1);
    assert_eq!(questions[0].role, crate::Role::Start);
    assert_eq!(questions[0].ask_at_most_every, Duration::from_secs(3));
    let mut player = crate::Player::new(
        &driver,
        crate::PlayerOptions {
            unit_id: 0,
            transport: Transport::Serial,
        },
    );
    assert_eq!(player.speak(), b"", "nobody has told it to");
    let start = talk.ask(questions[0].id);
    assert_eq!(start, b"SIR\r\n");
    assert!(!talk.is_waiting(), "nothing answers it, and no answer is missed");
    assert_eq!(player.hear(&start), b"");
    let heard = talk.hear(&player.speak());
    assert_eq!(heard[0].heard_as, HeardAs::ByItself);
    assert_eq!(heard[0].answers[0].1.to_string(), "12.50 g");
}
