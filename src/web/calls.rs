//! What calls for a person: the calls on the board, and those every screen makes from the record itself.
//!
//! Each says what happened, what it means for the record, and what to do. "Nothing is lost" is said only
//! while capture goes on.

use super::{
    figures,
    marks::{Shape, Tone},
    page::Page,
    strip::{self, Chain},
    words::{Say, typeset},
};
use crate::flow::board::{Call, PointState, Urgency};
use record::Stamp;

/// A lost connection shorter than this is shown in the strip and calls nobody.
const AWAY_MS: i64 = 10_000;

/// Our own call, and the beginning of the board's that says the same with its reason.
const KNOWN_BETTER: &[(&str, &str)] = &[
    ("record-stopped", "capture-stopped"),
    ("record-set-aside", "refused-"),
];

/// All calls, most urgent first; within one urgency the board's order, the record's own first.
pub(crate) fn all(page: &Page) -> Vec<Call> {
    let told = |id: &str| page.board.calls.iter().any(|call| call.id.starts_with(id));
    let mut calls = of_the_record(page);
    // Whoever met the trouble knows more of it than the figures do.
    calls.retain(|call| {
        !KNOWN_BETTER
            .iter()
            .any(|(own, theirs)| call.id == *own && told(theirs))
    });
    calls.extend(page.board.calls.iter().map(|call| Call {
        what: typeset(&call.what),
        record: typeset(&call.record),
        action: typeset(&call.action),
        ..call.clone()
    }));
    calls.sort_by_key(|call| call.urgency);
    calls
}

/// Points that are not as expected, whether or not somebody is called for them.
pub(crate) fn unexpected(page: &Page) -> u64 {
    let calm = |state| {
        matches!(
            state,
            PointState::Waiting | PointState::Normal | PointState::WaitingForPrint | PointState::OutOfService
        )
    };
    page.board
        .units
        .iter()
        .flat_map(|unit| &unit.points)
        .filter(|point| !calm(point.state))
        .count() as u64
}

pub(crate) fn tone(urgency: Urgency) -> Tone {
    match urgency {
        Urgency::Act => Tone::Alarm,
        Urgency::Look => Tone::Warn,
        Urgency::Doubt => Tone::Data,
    }
}

pub(crate) fn shape(urgency: Urgency) -> Shape {
    match urgency {
        Urgency::Act => Shape::Square,
        Urgency::Look => Shape::Triangle,
        Urgency::Doubt => Shape::Dashed,
    }
}

fn of_the_record(page: &Page) -> Vec<Call> {
    [
        stopped(page),
        refused(page),
        held(page),
        no_receipt(page),
        disk(page),
        clock(page),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn stopped(page: &Page) -> Option<Call> {
    let record = &page.board.record;
    let because = typeset(&record.stopped_because);
    let what = if because.is_empty() {
        page.say(Say::StoppedCallBare)
    } else {
        page.tell(Say::StoppedCall, &[("because", because.into())])
    };
    let since = record.last_sealed.unwrap_or(page.board.now);
    (!record.capturing).then(|| {
        call(
            "record-stopped",
            Urgency::Act,
            what,
            page.say(Say::StoppedMeans),
            page.say(Say::StoppedDo),
            since,
        )
    })
}

fn refused(page: &Page) -> Option<Call> {
    let count = page.board.record.set_aside;
    let tell = |key| page.tell(key, &[("count", count.into())]);
    (count > 0).then(|| {
        let (what, means, action) = (
            tell(Say::RefusedCall),
            tell(Say::RefusedMeans),
            tell(Say::RefusedDo),
        );
        call(
            "record-set-aside",
            Urgency::Act,
            what,
            means,
            action,
            page.board.record.oldest_pending.unwrap_or(page.board.now),
        )
    })
}

fn held(page: &Page) -> Option<Call> {
    let record = &page.board.record;
    let since = record.broker_lost_since.or(record.oldest_pending)?;
    if strip::chain(page) != Chain::Held || page.age(since) < AWAY_MS {
        return None;
    }
    let what = match record.broker_lost_since {
        Some(then) => page.tell(Say::HeldCall, &[("span", page.about(then).into())]),
        None => page.say(Say::HeldCallNew),
    };
    let count = || ("count", strip::pending(record).into());
    let means = match record.hours_left {
        _ if !record.capturing => page.tell(Say::HeldMeansStopped, &[count()]),
        Some(hours) => page.tell(
            Say::HeldMeans,
            &[count(), ("room", figures::room(hours, page.tongue).into())],
        ),
        None => page.tell(Say::HeldMeansNoRate, &[count()]),
    };
    Some(call(
        "record-held",
        Urgency::Look,
        what,
        means,
        page.say(Say::HeldDo),
        since,
    ))
}

fn no_receipt(page: &Page) -> Option<Call> {
    let record = &page.board.record;
    let since = record.oldest_pending?;
    (strip::chain(page) == Chain::NoReceipt).then(|| {
        call(
            "record-no-receipt",
            Urgency::Look,
            page.tell(Say::NoReceiptCall, &[("span", page.about(since).into())]),
            page.tell(Say::NoReceiptMeans, &[("count", strip::pending(record).into())]),
            page.say(Say::NoReceiptDo),
            since,
        )
    })
}

fn clock(page: &Page) -> Option<Call> {
    let record = &page.board.record;
    let error = figures::error(record.clock_error_ms, page.tongue);
    let what = match record.clock.as_str() {
        "synchronised" => return None,
        "unsynchronised" => page.tell(Say::ClockCall, &[("error", error.into())]),
        _ => page.say(Say::ClockCallUnknown),
    };
    strip::clock_matters(page).then(|| {
        call(
            "record-clock",
            Urgency::Look,
            what,
            page.say(Say::ClockMeans),
            page.say(Say::ClockDo),
            page.board.now,
        )
    })
}

fn disk(page: &Page) -> Option<Call> {
    let hours = page
        .board
        .record
        .hours_left
        .filter(|hours| *hours < strip::DISK_LOW_H)?;
    let out = hours < strip::DISK_OUT_H;
    let room = figures::room(hours, page.tongue);
    Some(call(
        "record-disk",
        if out { Urgency::Act } else { Urgency::Look },
        page.tell(Say::DiskCall, &[("room", room.into())]),
        page.say(if out { Say::DiskMeansOut } else { Say::DiskMeansLow }),
        page.say(Say::DiskDo),
        page.board.now,
    ))
}

fn call(id: &str, urgency: Urgency, what: String, record: String, action: String, since: Stamp) -> Call {
    Call {
        id: id.to_owned(),
        urgency,
        what,
        record,
        action,
        since,
    }
}
