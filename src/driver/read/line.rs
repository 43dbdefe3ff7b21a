//! The line, and where a frame ends on it.

use super::text::on_the_wire;
use crate::{
    Complaint,
    driver::{Handshake, LineSettings},
    frame::{Check, Checked, Covers, Ends, Framing, LONGEST, LengthInside, LengthIs, Stands, Written},
    tree::Block,
};
use std::time::Duration;

/// Line settings under `speed`, `frame`, `handshake`.
pub(super) fn line_settings(block: &Block<'_>, speed: u32, frame: &str) -> LineSettings {
    let speed = block
        .number::<u32>("speed", 50..4_000_001)
        .map_or(speed, |speed| speed.what);
    let handshake = block
        .word(
            "handshake",
            &[
                ("none", Handshake::None),
                ("xon-xoff", Handshake::XonXoff),
                ("rts-cts", Handshake::RtsCts),
            ],
        )
        .unwrap_or_default();
    let written = block.text("frame");
    let frame = written.as_ref().map_or(frame, |frame| frame.what.as_str());
    LineSettings::read(speed, frame, handshake).unwrap_or_else(|| {
        let span = written
            .as_ref()
            .map_or(block.span.clone(), |frame| frame.span.clone());
        block.desk().complain(
            Complaint::new(
                "no-line-settings",
                format!("{frame:?} is no setting of a serial line"),
            )
            .mark(span, "data bits 7 or 8, parity N, E or O, stop bits 1 or 2")
            .help("write for instance `frame = \"8N1\"`"),
        );
        line_of(speed, "8N1")
    })
}

pub(super) fn line_of(speed: u32, frame: &str) -> LineSettings {
    LineSettings::read(speed, frame, Handshake::None).unwrap_or(LineSettings {
        speed,
        data_bits: 8,
        parity: 'N',
        stop_bits: 1,
        handshake: Handshake::None,
    })
}

pub(super) fn plain_lines() -> Framing {
    Framing {
        starts_with: Vec::new(),
        ends_with: b"\r\n".to_vec(),
        sends_with: b"\r\n".to_vec(),
        ends: Ends::Mark,
        check: None,
        seven_bits: false,
        or_exactly: Vec::new(),
    }
}

pub(super) fn framing(block: &Block<'_>) -> Framing {
    let bytes = |key: &'static str| block.text(key).map(|text| on_the_wire(block.desk(), &text));
    let ends = ends(block);
    let mark = if matches!(ends, Ends::Mark | Ends::Length(_)) {
        "\r\n"
    } else {
        ""
    };
    let ends_with = bytes("ends_with").unwrap_or_else(|| mark.as_bytes().to_vec());
    let framing = Framing {
        starts_with: bytes("starts_with").unwrap_or_default(),
        sends_with: bytes("sends_with").unwrap_or_else(|| ends_with.clone()),
        ends_with,
        ends,
        check: checked(block, ends),
        seven_bits: block
            .word("keeps", &[("7 bits", true), ("8 bits", false)])
            .unwrap_or(false),
        or_exactly: block
            .texts("or_exactly")
            .iter()
            .map(|text| on_the_wire(block.desk(), text))
            .collect(),
    };
    can_be_found(block, &framing);
    framing
}

/// What decides that a frame is over; at most one of the three ways may be written.
fn ends(block: &Block<'_>) -> Ends {
    let length = block.number::<usize>("length", 2..513).map(|length| length.what);
    let inside = length_inside(block);
    let silence = block.time("ends_after");
    let ways = [
        block.has("length"),
        block.has("length_at"),
        block.has("ends_after"),
    ];
    if ways.iter().filter(|way| **way).count() > 1 {
        block.desk().complain(
            Complaint::new("two-ends", "two things decide where a frame ends")
                .mark(
                    block.span.clone(),
                    "more than one of `length`, `length_at` and `ends_after`",
                )
                .why("where they differ, one of two readings would be wrong")
                .help("keep the one the manual names"),
        );
    }
    if let Some(pause) = silence.filter(|pause| *pause < LEAST_PAUSE) {
        block.desk().complain(
            Complaint::new(
                "pause-too-short",
                format!(
                    "{} ms cannot be told from an adapter's own pauses",
                    pause.as_millis()
                ),
            )
            .mark(block.span.clone(), "`ends_after` here")
            .why("adapters deliver in lumps of up to 16 ms; a shorter pause would cut frames in two")
            .help("write at least `ends_after = \"20 ms\"`"),
        );
    }
    match (length, inside, silence) {
        (Some(length), _, _) => Ends::Length(length),
        (None, Some(inside), _) => Ends::Inside(inside),
        (None, None, Some(pause)) => Ends::Silence(pause),
        (None, None, None) => Ends::Mark,
    }
}

fn length_inside(block: &Block<'_>) -> Option<LengthInside> {
    let at = block.number::<usize>("length_at", 0..64);
    let is = block
        .word("length_is", LengthIs::words())
        .unwrap_or(LengthIs::Byte);
    let adds = block
        .number::<usize>("length_adds", 0..64)
        .map_or(0, |adds| adds.what);
    let longest = block
        .number::<usize>("longest", 2..513)
        .map_or(LONGEST, |most| most.what);
    Some(LengthInside {
        at: at?.what,
        is,
        adds,
        longest,
    })
}

fn checked(block: &Block<'_>, ends: Ends) -> Option<Checked> {
    let check = block.word("check", Check::words());
    let covers = block.word("check_covers", Covers::words());
    let stands = block.word("check_stands", Stands::words());
    let written = block.word("check_as", Written::words()).unwrap_or(Written::Bytes);
    // behind a fixed frame the check stands last, over all of it; on a line it stands before the end, over the line
    let fixed = matches!(ends, Ends::Length(_));
    Some(Checked {
        check: check?,
        covers: covers.unwrap_or(Covers {
            start: fixed,
            end: fixed,
        }),
        stands: stands.unwrap_or(if fixed {
            Stands::BehindTheEnd
        } else {
            Stands::BeforeTheEnd
        }),
        written,
    })
}

/// Something must say where a frame begins or ends, and what could be one by chance needs a check.
fn can_be_found(block: &Block<'_>, framing: &Framing) {
    let complaint = match framing.ends {
        Ends::Mark if framing.ends_with.is_empty() => Some((
            "neither an end, nor a start with a length",
            "add `ends_with`, or `starts_with` and `length`",
        )),
        Ends::Length(_) if framing.starts_with.is_empty() => {
            Some(("a length without a start", "add `starts_with`"))
        }
        Ends::Length(length) if length < framing.least() => Some((
            "shorter than its own delimiters and check",
            "count all bytes of a frame in `length`",
        )),
        Ends::Inside(_) if framing.starts_with.is_empty() || framing.check.is_none() => Some((
            "a length inside needs a start and a check",
            "add `starts_with` and `check`: without them any byte could be a length",
        )),
        _ => None,
    };
    if let Some((here, help)) = complaint {
        block.desk().complain(
            Complaint::new("no-frame", "nothing says where a frame ends and the next begins")
                .mark(block.span.clone(), here)
                .help(help),
        );
    }
}

/// USB adapters deliver in lumps of up to 16 ms.
const LEAST_PAUSE: Duration = Duration::from_millis(20);
