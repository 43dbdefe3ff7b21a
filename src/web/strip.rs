//! The record strip: is my record safe? Captured ▸ sealed ▸ delivered ▸ receipted, then clock, disk, broker.
//!
//! It says "kept" only of what is sealed on this disk, and never makes a number look better than it is.

use super::{
    figures,
    marks::{self, Shape, Tone, icon, shape},
    page::Page,
    words::Say,
};
use crate::flow::board::RecordView;
use maud::{Markup, html};
use record::Stamp;

/// A receipt this late is worth a look.
pub(crate) const RECEIPT_LATE_MS: i64 = 60_000;
/// Below this many hours the disk is worth a look; below the second, someone must act.
pub(crate) const DISK_LOW_H: f64 = 48.0;
pub(crate) const DISK_OUT_H: f64 = 6.0;

/// One piece of the strip.
struct Piece {
    id: &'static str,
    tone: Tone,
    icon: &'static str,
    label: String,
    text: String,
    beside: String,
}

/// Whether the chain is whole, and where it isn't.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chain {
    Whole,
    /// The broker isn't connected and entries wait here.
    Held,
    /// The broker is there, but receipts are late.
    NoReceipt,
}

/// What the strip makes of the record.
pub(crate) fn chain(page: &Page) -> Chain {
    let record = &page.board.record;
    if !record.broker_connected {
        Chain::Held
    } else if pending(record) > 0
        && record
            .oldest_pending
            .is_some_and(|then| page.age(then) >= RECEIPT_LATE_MS)
    {
        Chain::NoReceipt
    } else {
        Chain::Whole
    }
}

/// Sealed here and not receipted.
pub(crate) fn pending(record: &RecordView) -> u64 {
    record.sealed.saturating_sub(record.receipted)
}

/// Whether the clock's state is worth a call: for a demo on somebody's laptop it isn't.
pub(crate) fn clock_matters(page: &Page) -> bool {
    !matches!(page.board.usage.as_str(), "demo" | "training")
}

/// The strip at the foot of every page.
pub(crate) fn foot(page: &Page) -> Markup {
    let (sentence, beside, mark) = one(page);
    html! {
        footer class="rec" id="record" aria-label=(page.say(Say::StateOfRecord)) {
            div class="in" {
                ol {
                    @for piece in links(page) {
                        li class=[class(piece.tone)] data-piece=(piece.id) {
                            (icon(piece.icon))
                            span class="k" {
                                @if let Some(mark) = mark_of(piece.tone) { (shape(mark)) }
                                (piece.label)
                                b {
                                    (page.live(piece.id, &piece.text))
                                    @if !piece.beside.is_empty() { i { (page.live(&format!("{}-i", piece.id), &piece.beside)) } }
                                }
                            }
                        }
                    }
                }
                div class="sys" {
                    @for piece in system(page) {
                        div class=[class(piece.tone)] data-piece=(piece.id) {
                            @if let Some(mark) = mark_of(piece.tone) { (shape(mark)) }
                            (piece.label)
                            b { (page.live(piece.id, &piece.text)) }
                        }
                    }
                }
                div class="one" { (shape(mark)) span { b { (page.live("one", &sentence)) } (page.live("one-i", &beside)) } }
            }
        }
    }
}

fn links(page: &Page) -> Vec<Piece> {
    let record = &page.board.record;
    let count = |count| page.tongue.count(count);
    let chain = chain(page);
    let oldest = |since: Option<Stamp>| since.map(|then| page.span(then));
    let mut pieces = vec![
        Piece {
            id: "captured",
            tone: if record.capturing { Tone::Calm } else { Tone::Alarm },
            icon: marks::WAVE,
            label: page.say(if record.capturing {
                Say::Captured
            } else {
                Say::Stopped
            }),
            text: count(record.captured),
            beside: String::new(),
        },
        Piece {
            id: "sealed",
            tone: Tone::Calm,
            icon: marks::SEAL,
            label: page.say(Say::Sealed),
            text: count(record.sealed),
            beside: record.last_sealed.map_or_else(String::new, |then| {
                page.tell(Say::LastAgo, &[("span", page.span(then).into())])
            }),
        },
    ];
    pieces.push(match chain {
        Chain::Held => Piece {
            id: "held",
            tone: Tone::Warn,
            icon: marks::DOWN,
            label: page.say(Say::HeldHere),
            text: count(pending(record)),
            beside: oldest(record.oldest_pending).map_or_else(String::new, |span| {
                page.tell(Say::Oldest, &[("span", span.into())])
            }),
        },
        _ => Piece {
            id: "delivered",
            tone: Tone::Calm,
            icon: marks::DOWN,
            label: page.say(Say::Delivered),
            text: count(record.delivered),
            beside: match record.sealed.saturating_sub(record.delivered) {
                0 => page.say(Say::ToBroker),
                left => page.tell(Say::ToGo, &[("count", left.into())]),
            },
        },
    });
    let way = pending(record);
    pieces.push(Piece {
        id: "receipted",
        tone: if chain == Chain::Whole {
            Tone::Calm
        } else {
            Tone::Warn
        },
        icon: marks::FILE,
        label: page.say(Say::Receipted),
        text: count(record.receipted),
        beside: match chain {
            Chain::NoReceipt => page.tell(
                Say::NotReceiptedFor,
                &[
                    ("count", way.into()),
                    ("span", oldest(record.oldest_pending).unwrap_or_default().into()),
                ],
            ),
            Chain::Whole if way > 0 => page.tell(Say::OnTheirWay, &[("count", way.into())]),
            Chain::Whole => page.say(Say::AllReceipted),
            Chain::Held => String::new(),
        },
    });
    pieces
}

fn system(page: &Page) -> Vec<Piece> {
    let record = &page.board.record;
    let piece = |id, tone, label, text| Piece {
        id,
        tone,
        icon: "",
        label: page.say(label),
        text,
        beside: String::new(),
    };
    let mut pieces = Vec::new();
    if record.set_aside > 0 {
        let pages = page.tell(Say::Pages, &[("count", record.set_aside.into())]);
        pieces.push(piece("set-aside", Tone::Alarm, Say::SetAside, pages));
    }
    let error = || figures::error(record.clock_error_ms, page.tongue).into();
    let unsure = if clock_matters(page) {
        Tone::Warn
    } else {
        Tone::Calm
    };
    let proof = &record.proof;
    if proof.damaged > 0 {
        let says = page.tell(Say::LedgerDamaged, &[("count", proof.damaged.into())]);
        pieces.push(piece("ledger", Tone::Alarm, Say::Ledger, says));
    } else if proof.all > 0 && proof.finished.is_none() {
        let says = page.tell(Say::LedgerChecked, &[("percent", proof.percent().into())]);
        pieces.push(piece("ledger", Tone::Calm, Say::Ledger, says));
    }
    pieces.push(match record.clock.as_str() {
        "synchronised" => piece(
            "clock",
            Tone::Calm,
            Say::Clock,
            page.tell(Say::ClockWithin, &[("error", error())]),
        ),
        "unsynchronised" => piece(
            "clock",
            unsure,
            Say::Clock,
            page.tell(Say::ClockUnsure, &[("error", error())]),
        ),
        _ => piece("clock", unsure, Say::Clock, page.say(Say::ClockUnknown)),
    });
    pieces.push(match record.hours_left {
        None => piece("disk", Tone::Calm, Say::Disk, page.say(Say::NoRateYet)),
        Some(hours) => {
            let tone = match () {
                () if hours < DISK_OUT_H => Tone::Alarm,
                () if hours < DISK_LOW_H => Tone::Warn,
                () => Tone::Calm,
            };
            let room = figures::room(hours, page.tongue);
            piece(
                "disk",
                tone,
                Say::Disk,
                page.tell(Say::RoomLeft, &[("room", room.into())]),
            )
        }
    });
    pieces.push(match (record.broker_connected, record.broker_lost_since) {
        (true, _) => piece("broker", Tone::Calm, Say::Broker, page.say(Say::Connected)),
        (false, Some(then)) => {
            let clock = figures::stopwatch(page.age(then));
            piece(
                "broker",
                Tone::Warn,
                Say::Broker,
                page.tell(Say::NoAnswerFor, &[("clock", clock.into())]),
            )
        }
        (false, None) => piece("broker", Tone::Warn, Say::Broker, page.say(Say::NotReached)),
    });
    pieces
}

/// The strip in one sentence, for small screens.
fn one(page: &Page) -> (String, String, Shape) {
    let record = &page.board.record;
    let way = pending(record);
    let oldest = || {
        record
            .oldest_pending
            .map_or_else(String::new, |then| page.about(then))
    };
    let receipted = page.tell(
        Say::OneReceipted,
        &[
            ("receipted", record.receipted.into()),
            ("captured", record.captured.into()),
        ],
    );
    if !record.capturing {
        return (page.say(Say::OneStopped), receipted, Shape::Square);
    }
    match chain(page) {
        Chain::Held => {
            let beside = match record.broker_lost_since {
                Some(then) => page.tell(
                    Say::OneHeld,
                    &[("count", way.into()), ("span", page.about(then).into())],
                ),
                None => page.tell(Say::OneHeldNew, &[("count", way.into())]),
            };
            (receipted, beside, Shape::Triangle)
        }
        Chain::NoReceipt => (
            receipted,
            page.tell(
                Say::OneNoReceipt,
                &[("count", way.into()), ("span", oldest().into())],
            ),
            Shape::Triangle,
        ),
        Chain::Whole if record.set_aside > 0 => {
            let pages = page.tell(Say::Pages, &[("count", record.set_aside.into())]);
            (
                receipted,
                format!("{}: {pages}", page.say(Say::SetAside)),
                Shape::Square,
            )
        }
        Chain::Whole if way > 0 => (
            receipted,
            page.tell(
                Say::OneOnTheirWay,
                &[("count", way.into()), ("span", oldest().into())],
            ),
            Shape::Tick,
        ),
        Chain::Whole => (
            page.tell(Say::OneAll, &[("captured", record.captured.into())]),
            page.say(Say::OneNothingPending),
            Shape::Tick,
        ),
    }
}

fn class(tone: Tone) -> Option<&'static str> {
    matches!(tone, Tone::Warn | Tone::Alarm).then(|| tone.word())
}

fn mark_of(tone: Tone) -> Option<Shape> {
    match tone {
        Tone::Warn => Some(Shape::Triangle),
        Tone::Alarm => Some(Shape::Square),
        _ => None,
    }
}
