//! The class and the severity of an exception by its `because`, where whoever raised it did not say: so that every
//! exception can be sorted by a reviewer, whoever raised it.

use record::Draft;

/// Class and severity of a word of `because`.
pub fn class_of(because: &str) -> (&'static str, &'static str) {
    match because {
        "silent" | "refused" | "garbled" | "unexpected" | "unplugged" | "link" | "page-refused"
        | "store-fork" => ("communication", "major"),
        "bad-value" | "doubtful-value" | "another-instrument" | "identity-unread" | "draft-driver" => {
            ("instrument", "major")
        }
        "context-jump" | "context-refused" | "context-late" => ("ambiguous-binding", "minor"),
        "configuration-differs" => ("configuration", "major"),
        "clock-step" | "clock-unsynchronised" | "disk-low" | "sealing-late" | "capture-resumed" => {
            ("integrity", "minor")
        }
        "torn-tail" | "damage" | "disk-full" | "capture-stopped" | "books" => ("integrity", "critical"),
        "scale-check-failed" => ("weighing", "critical"),
        "tare-known" | "weighing-label" => ("weighing", "minor"),
        "held-too-long" => ("hold-time", "major"),
        other if other.starts_with("weighing-") => ("weighing", "major"),
        other if other.starts_with("context-") => ("ambiguous-binding", "major"),
        other if other.starts_with("master-") => ("material", "major"),
        other if other.starts_with("calibration") => ("calibration", "major"),
        other if other.starts_with("recipe") => ("configuration", "major"),
        _ => ("integrity", "major"),
    }
}

/// An exception says its class and its severity.
pub(super) fn classified(mut draft: Draft) -> Draft {
    if draft.kind() != "exception" || draft.text("class").is_some() {
        return draft;
    }
    let because = draft.text("because").unwrap_or_default().to_owned();
    let (class, severity) = class_of(&because);
    draft.set("class", class);
    draft.set("severity", severity);
    draft
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::{Kind, Stamp};

    #[test]
    fn every_exception_has_a_class_and_a_severity() {
        let classes = [
            "limit",
            "hold-time",
            "weighing",
            "material",
            "sequence",
            "instrument",
            "calibration",
            "integrity",
            "manual",
            "configuration",
            "communication",
            "ambiguous-binding",
            "trend",
        ];
        for because in Kind::named("exception").map_or(&[][..], |kind| kind.because) {
            let draft = classified(Draft::new("exception", Stamp(0)).with("because", *because));
            let class = draft.text("class").unwrap_or_default();
            assert!(classes.contains(&class), "{because}: {class}");
            assert!(["minor", "major", "critical"].contains(&draft.text("severity").unwrap_or_default()));
        }
        let kept = classified(Draft::new("exception", Stamp(0)).with("class", "weighing"));
        assert_eq!(kept.text("class"), Some("weighing"));
    }
}
