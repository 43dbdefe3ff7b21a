//! From the keys of the vocabulary to the words of the catalogue.

use super::Stand;
use crate::{
    flow::station::view::{Closed, Step},
    web::words::Say,
};

pub(super) fn step(step: Step) -> Say {
    match step {
        Step::SignIn => Say::StepSignIn,
        Step::Clearance => Say::StepClearance,
        Step::ScaleCheck => Say::StepScaleCheck,
        Step::Order => Say::StepOrder,
        Step::Source => Say::StepSource,
        Step::Container => Say::StepContainer,
        Step::Tare => Say::StepTare,
        Step::Fill => Say::StepFill,
        Step::Reason => Say::StepReason,
        Step::Verify => Say::StepVerify,
        Step::Label => Say::StepLabel,
        Step::Remainder => Say::StepRemainder,
        Step::Complete => Say::StepComplete,
    }
}

pub(super) fn scale(state: &str) -> Say {
    match state {
        "ready" => Say::ScaleReady,
        "no-window" => Say::ScaleNoWindow,
        "too-small" => Say::ScaleTooSmall,
        "too-large" => Say::ScaleTooLarge,
        "check-overdue" => Say::ScaleCheckOverdue,
        "check-failed" => Say::ScaleCheckFailed,
        "calibration-over" => Say::ScaleCalibrationOver,
        "in-use" => Say::ScaleInUse,
        _ => Say::ScaleNoAnswer,
    }
}

pub(super) fn lot_status(status: &str) -> Option<Say> {
    Some(match status {
        "released" => Say::LotReleased,
        "quarantine" => Say::LotQuarantine,
        "rejected" | "blocked" => Say::LotBlocked,
        _ => return None,
    })
}

/// Why Capture is closed, small on its button.
pub(super) fn closed(stand: &Stand, closed: &Closed) -> String {
    let say = |key| stand.say(key);
    let amount = |digits: &str, unit: &str| stand.amount(digits, unit);
    match closed {
        Closed::NotSignedIn => say(Say::ClosedSignIn),
        Closed::OtherPanel { panel } => {
            stand.tell(Say::ClosedOtherPanel, &[("panel", panel.as_str().into())])
        }
        Closed::FirstClear => say(Say::ClosedClear),
        Closed::FirstCheck => say(Say::ClosedCheck),
        Closed::FirstOrder => say(Say::ClosedOrder),
        Closed::FirstLot => say(Say::ClosedLot),
        Closed::FirstContainer => say(Say::ClosedContainer),
        Closed::FirstTare => say(Say::ClosedTare),
        Closed::OpensBetween { low, high, unit } => stand.tell(
            Say::ClosedBetween,
            &[
                ("low", stand.digits(low).into()),
                ("high", amount(high, unit).into()),
            ],
        ),
        Closed::TooMuch { by, unit } => stand.tell(Say::ClosedTooMuch, &[("by", amount(by, unit).into())]),
        Closed::WaitsForStill => say(Say::ClosedStill),
        Closed::NeedsLiveScale => say(Say::ClosedLive),
        Closed::NeedsPrint => say(Say::ClosedPrint),
        Closed::BadValue { .. } => say(Say::ClosedBad),
        Closed::BelowMinimum { least, unit } => {
            stand.tell(Say::ClosedMinimum, &[("least", amount(least, unit).into())])
        }
        Closed::OutOfRange { most, unit } => {
            stand.tell(Say::ClosedRange, &[("most", amount(most, unit).into())])
        }
        Closed::CheckOverdue => say(Say::ClosedCheckOverdue),
        Closed::CheckFailed => say(Say::ClosedCheckFailed),
        Closed::CalibrationOver => say(Say::ClosedCalibration),
        Closed::WrongUnit { unit, wanted } => stand.tell(
            Say::ClosedUnit,
            &[("unit", unit.as_str().into()), ("wanted", wanted.as_str().into())],
        ),
        Closed::Voided { .. } => say(Say::ClosedVoided),
        Closed::CaptureStopped => say(Say::ClosedStopped),
        Closed::WaitsForVerify => say(Say::ClosedVerify),
        Closed::WaitsForReason => say(Say::ClosedReason),
        Closed::WaitsForLabel => say(Say::ClosedLabel),
        Closed::NothingToWeigh => say(Say::ClosedNothing),
    }
}

/// What a person does about it: one sentence to be spoken, and one beside it.
pub(super) fn advice(stand: &Stand, closed: &Closed) -> (String, String) {
    let say = |key| stand.say(key);
    let none = String::new;
    match closed {
        Closed::NeedsLiveScale => (say(Say::DoCable), say(Say::DoCableElse)),
        Closed::NeedsPrint => (say(Say::DoPrint), say(Say::DoPrintBeside)),
        Closed::BadValue { because } => (say(Say::DoBad), super::theirs(because)),
        Closed::BelowMinimum { .. } | Closed::OutOfRange { .. } => (say(Say::DoOtherScale), none()),
        Closed::CheckOverdue | Closed::FirstCheck => (say(Say::DoCheck), none()),
        Closed::CheckFailed | Closed::CalibrationOver => (say(Say::DoOtherScaleCall), none()),
        Closed::WrongUnit { wanted, .. } => (
            stand.tell(Say::DoUnit, &[("unit", wanted.as_str().into())]),
            none(),
        ),
        Closed::Voided { because } => (say(Say::DoVoided), super::theirs(because)),
        Closed::CaptureStopped => (say(Say::DoStopped), say(Say::DoStoppedBeside)),
        Closed::OtherPanel { .. } => (say(Say::DoOtherPanel), none()),
        Closed::WaitsForStill => (say(Say::DoStill), say(Say::DoStillBeside)),
        _ => (none(), none()),
    }
}
