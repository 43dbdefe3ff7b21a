//! What a station refuses, in four parts, and by a word of its own for the record and for a translation.

use super::live::NotTaken;
use record::Trouble;

/// Nothing was done, and why.
#[derive(Debug, Clone)]
pub struct Refusal {
    pub trouble: Trouble,
    /// What was found, and what is wanted.
    pub found: String,
    pub wanted: String,
    /// The try is an entry, not only an answer.
    pub kept: bool,
}

impl From<Trouble> for Refusal {
    fn from(trouble: Trouble) -> Self {
        Self {
            trouble,
            found: String::new(),
            wanted: String::new(),
            kept: false,
        }
    }
}

const NOTHING_WEIGHED: &str = "Nothing weighed. The try is kept as refused.";
const NOT_CAPTURED: &str = "Not captured. The try is kept as refused.";

fn kept(trouble: Trouble, found: impl Into<String>, wanted: impl Into<String>) -> Refusal {
    Refusal {
        trouble,
        found: found.into(),
        wanted: wanted.into(),
        kept: true,
    }
}

/// The line is not so far, or past it.
pub fn not_now(what: &str, action: &str) -> Refusal {
    Trouble::new("station-not-now", what.to_owned())
        .means("Nothing was done.")
        .so(action.to_owned())
        .into()
}

pub fn no_such_station(name: &str) -> Refusal {
    Trouble::new("no-such-station", format!("no station is called {name:?}"))
        .means("Nothing was done.")
        .so("see [station.NAME] in the configuration")
        .into()
}

pub fn other_panel(panel: &str) -> Refusal {
    Trouble::new(
        "station-other-panel",
        format!("panel {panel} works at this station"),
    )
    .means("Nothing was done.")
    .so("work there, or take over here")
    .into()
}

pub fn other_person(name: &str) -> Refusal {
    kept(
        Trouble::new("station-other-person", format!("{name} weighs here"))
            .means("Nothing was done. The try is kept as refused.")
            .so("let the same person go on, or hand over: that is an entry of its own"),
        "",
        name,
    )
}

pub fn not_allowed(name: &str, roles: &[String]) -> Refusal {
    kept(
        Trouble::new(
            "not-allowed",
            format!("{name} may not do this: it needs the role {}", roles.join(" or ")),
        )
        .means("Nothing was done. The try is kept as refused.")
        .so("ask somebody who has the role"),
        name,
        roles.join(", "),
    )
}

pub fn same_person(name: &str) -> Refusal {
    kept(
        Trouble::new("same-person", format!("{name} captured this weight"))
            .means("Not verified yet.")
            .so("Someone else scans a badge."),
        name,
        "",
    )
}

pub fn needs_second() -> Refusal {
    Trouble::new("second-person-missing", "this takes a second person")
        .means("Nothing was done.")
        .so("Someone else scans a badge and signs.")
        .into()
}

pub fn needs_signature() -> Refusal {
    Trouble::new("signature-missing", "this is signed by who does it")
        .means("Nothing was done.")
        .so("Type your PIN or password once more.")
        .into()
}

pub fn reason_missing() -> Refusal {
    Trouble::new("reason-missing", "this takes a reason")
        .means("Nothing was done.")
        .so("Say why, in a few words.")
        .into()
}

pub fn code_unknown(code: &str, wanted: &str) -> Refusal {
    kept(
        Trouble::new("scan-not-understood", format!("{code:?} is no {wanted}"))
            .means(NOTHING_WEIGHED)
            .so(format!("Scan the {wanted}. Label damaged? Press Problem.")),
        code,
        wanted,
    )
}

pub fn code_ambiguous(code: &str, why: &str) -> Refusal {
    kept(
        Trouble::new(
            "scan-ambiguous",
            format!("{code:?} cannot be read for certain: {why}"),
        )
        .means(NOTHING_WEIGHED)
        .so("Test the scanner on the set-up page: it may swallow the separator between two fields."),
        code,
        why,
    )
}

pub fn wrong_material(found: &str, wanted: &str) -> Refusal {
    kept(
        Trouble::new(
            "wrong-material",
            format!("You scanned {found}, this line needs {wanted}"),
        )
        .means("Nothing weighed. The scan is kept as refused.")
        .so("Scan the right bag."),
        found,
        wanted,
    )
}

pub fn lot_not_allowed(lot: &str, why: &str) -> Refusal {
    kept(
        Trouble::new("lot-not-allowed", format!("Lot {lot} cannot be used: {why}"))
            .means("Nothing weighed. The scan is kept as refused.")
            .so("Take another lot."),
        lot,
        why,
    )
}

pub fn container_not_allowed(container: &str, why: &str) -> Refusal {
    kept(
        Trouble::new(
            "container-not-allowed",
            format!("Container {container} cannot be used: {why}"),
        )
        .means("Nothing weighed. The scan is kept as refused.")
        .so("Take another container."),
        container,
        why,
    )
}

pub fn tare_implausible(found: &str, wanted: &str) -> Refusal {
    kept(
        Trouble::new(
            "tare-implausible",
            format!("The container weighs {found}; it is known with {wanted}"),
        )
        .means(NOTHING_WEIGHED)
        .so("Is it empty and clean, and is it this container? Empty the scale and put it on again."),
        found,
        wanted,
    )
}

pub fn label_differs(found: &str, wanted: &str) -> Refusal {
    kept(
        Trouble::new("label-differs", "This is not the label of this container")
            .means("The weight is captured and sealed all the same. The scan is kept as refused.")
            .so("Scan the label that was just printed, on the container itself."),
        found,
        wanted,
    )
}

pub fn over(by: &str, unit: &str) -> Refusal {
    kept(
        Trouble::new("too-much", format!("{by} {unit} above the upper edge"))
            .means("Not captured yet.")
            .so("Take some out and don’t put it back, or have an authorised person keep it with reason."),
        by,
        unit,
    )
}

pub fn under(low: &str, high: &str, unit: &str) -> Refusal {
    kept(
        Trouble::new(
            "too-little",
            format!("Capture opens between {low} and {high} {unit}"),
        )
        .means(NOT_CAPTURED)
        .so("Keep pouring, or capture it as a part and go on with the next container."),
        low,
        high,
    )
}

pub fn below_minimum(net: &str, least: &str) -> Refusal {
    kept(
        Trouble::new(
            "below-minimum-weight",
            format!("{net} is less than this scale may weigh: {least}"),
        )
        .means(NOT_CAPTURED)
        .so("Use a finer scale, or put more into this container."),
        net,
        least,
    )
}

pub fn beyond_range(gross: &str, most: &str) -> Refusal {
    kept(
        Trouble::new(
            "scale-overloaded",
            format!("{gross} is more than this scale weighs: {most}"),
        )
        .means(NOT_CAPTURED)
        .so("Use a larger scale, or split over two containers."),
        gross,
        most,
    )
}

pub fn no_window(scale: &str) -> Refusal {
    kept(
        Trouble::new(
            "scale-not-offered",
            format!("{scale} cannot show any weight that is in tolerance"),
        )
        .means(NOTHING_WEIGHED)
        .so("Use a scale with a finer division."),
        scale,
        "",
    )
}

pub fn check_needed(scale: &str, failed: bool) -> Refusal {
    let trouble = if failed {
        Trouble::new("scale-check-failed", format!("{scale} failed its check"))
            .means("Scale closed. Weights since the last good check are listed for quality.")
            .so("Use another scale, call maintenance.")
    } else {
        Trouble::new("scale-check-overdue", format!("the check of {scale} is overdue"))
            .means("Capture is closed on this scale. Earlier weights stay recorded; the check decides about them.")
            .so("Do the check with its check weights.")
    };
    kept(trouble, scale, "")
}

pub fn calibration(scale: &str) -> Refusal {
    kept(
        Trouble::new(
            "scale-not-calibrated",
            format!("the calibration of {scale} is over, or found it out of its limits"),
        )
        .means(NOT_CAPTURED)
        .so("Use another scale, call maintenance."),
        scale,
        "",
    )
}

pub fn capture_stopped() -> Refusal {
    Trouble::new("capture-stopped", "this gateway captures nothing at present")
        .means("Nothing can be weighed. What is sealed stays safe.")
        .so("Call IT: the screen of the line says why.")
        .into()
}

pub fn voided(because: &str) -> Refusal {
    kept(
        Trouble::new(
            "weighing-voided",
            format!("this weighing does not count any more: {because}"),
        )
        .means("Nothing of it is captured. What happened is an entry.")
        .so("Take the container off and begin it again, or reject what is in it."),
        because,
        "",
    )
}

pub fn master(kind: &str, id: &str, why: &str) -> Refusal {
    kept(
        Trouble::new("station-master", format!("{kind} {id} cannot be used: {why}"))
            .means(NOTHING_WEIGHED)
            .so("Bring the plant's master data up to date, or an authorised person overrides it with a reason."),
        id,
        why,
    )
}

/// A reading that cannot be taken, in the words of the state vocabulary.
pub fn not_taken(why: &NotTaken, unit: &str) -> Refusal {
    let (trouble, found) = match why {
        NotTaken::TooOld { age_ms } => (
            Trouble::new(
                "reading-too-old",
                format!("That weight is {} s old", tenths(*age_ms)),
            )
            .so("Look at the weight that is shown now, then press Capture."),
            age_ms.to_string(),
        ),
        NotTaken::Unknown | NotTaken::Superseded => (
            Trouble::new("reading-superseded", "The scale has shown another weight since")
                .so("Look at the weight that is shown now, then press Capture."),
            String::new(),
        ),
        NotTaken::Used => (
            Trouble::new("print-used", "This print was used already").so("Press the print key again."),
            String::new(),
        ),
        NotTaken::Moving => (
            Trouble::new("weight-moving", "The weight isn’t still yet")
                .so("Wait until it is still for 0.8 s."),
            String::new(),
        ),
        NotTaken::OtherUnit(other) => (
            Trouble::new(
                "scale-in-other-unit",
                format!("The scale shows {other}, it should show {unit}"),
            )
            .so("Set the unit of the scale back."),
            other.to_string(),
        ),
        NotTaken::Doubtful(because) => (
            Trouble::new(
                "weight-doubtful",
                format!("The weight can’t be trusted: {because}"),
            )
            .so("Check the scale with the engineer."),
            because.clone(),
        ),
        NotTaken::Bad(because) => (
            Trouble::new("weight-bad", format!("The scale gives no weight: {because}"))
                .so("Look at the scale’s display. If it stays, call maintenance."),
            because.clone(),
        ),
    };
    kept(trouble.means(NOT_CAPTURED), found, unit)
}

fn tenths(ms: i64) -> String {
    format!("{}.{}", ms / 1000, ms % 1000 / 100)
}
