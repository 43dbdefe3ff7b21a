//! Status codes in the record's words. What the table does not name is taken by its class, and the number is kept.

use record::{Failure, Quality};

/// What a status code means for a reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusMeaning {
    /// Whether there is a value to rely on.
    pub quality: Quality,
    /// Why not, in two or three words; empty when good.
    pub because: String,
    /// How it failed, where it is a failure.
    pub failure: Option<Failure>,
}

/// Code, the standard's name, quality, words.
const TABLE: &[(u32, &str, Quality, &str)] = {
    use Quality::{Bad, Good, Uncertain};
    &[
        (0x0000_0000, "Good", Good, ""),
        (0x0096_0000, "GoodLocalOverride", Uncertain, "manual override"),
        (0x0030_0000, "GoodClamped", Uncertain, "clamped"),
        (
            0x408F_0000,
            "UncertainNoCommunicationLastUsableValue",
            Bad,
            "no communication",
        ),
        (0x4090_0000, "UncertainLastUsableValue", Uncertain, "stale"),
        (0x4091_0000, "UncertainSubstituteValue", Uncertain, "substituted"),
        (0x4092_0000, "UncertainInitialValue", Bad, "not ready"),
        (
            0x4093_0000,
            "UncertainSensorNotAccurate",
            Uncertain,
            "sensor not accurate",
        ),
        (
            0x4094_0000,
            "UncertainEngineeringUnitsExceeded",
            Bad,
            "out of range",
        ),
        (0x800A_0000, "BadTimeout", Bad, "no communication"),
        (0x8005_0000, "BadCommunicationError", Bad, "no communication"),
        (
            0x801F_0000,
            "BadUserAccessDenied",
            Bad,
            "refused, no right to read",
        ),
        (0x8031_0000, "BadNoCommunication", Bad, "no communication"),
        (0x8032_0000, "BadWaitingForInitialData", Bad, "not ready"),
        (0x8033_0000, "BadNodeIdInvalid", Bad, "refused, no such node"),
        (0x8034_0000, "BadNodeIdUnknown", Bad, "refused, no such node"),
        (
            0x8035_0000,
            "BadAttributeIdInvalid",
            Bad,
            "refused, no value there",
        ),
        (
            0x8036_0000,
            "BadIndexRangeInvalid",
            Bad,
            "refused, no such element",
        ),
        (
            0x8037_0000,
            "BadIndexRangeNoData",
            Bad,
            "refused, no such element",
        ),
        (0x803A_0000, "BadNotReadable", Bad, "refused, not readable"),
        (0x803C_0000, "BadOutOfRange", Bad, "out of range"),
        (0x803D_0000, "BadNotSupported", Bad, "refused, not supported"),
        (0x803E_0000, "BadNotFound", Bad, "refused, no such node"),
        (0x806F_0000, "BadNoMatch", Bad, "refused, no such node"),
        (0x8089_0000, "BadConfigurationError", Bad, "configuration error"),
        (0x808A_0000, "BadNotConnected", Bad, "no communication"),
        (0x808B_0000, "BadDeviceFailure", Bad, "device failure"),
        (0x808C_0000, "BadSensorFailure", Bad, "sensor failure"),
        (0x808D_0000, "BadOutOfService", Bad, "out of service"),
        (
            0x80DB_0000,
            "BadTooManyMonitoredItems",
            Bad,
            "refused, too many items",
        ),
    ]
};

/// What a status code means.
///
/// ```
/// use driver::nodes::status_meaning;
/// assert_eq!(status_meaning(0x8034_0000).because, "refused, no such node");
/// // a code nobody has named here is taken by its class, and its number is kept
/// assert_eq!(status_meaning(0x40A4_0000).because, "status 40A40000");
/// ```
pub fn status_meaning(code: u32) -> StatusMeaning {
    let masked = code & 0xFFFF_0000;
    let named = TABLE.iter().find(|(known, ..)| *known == masked);
    let (quality, because) = match (named, code >> 30) {
        (Some((_, _, quality, because)), _) => (*quality, (*because).to_owned()),
        (None, 0) => (Quality::Good, String::new()),
        (None, 1) => (Quality::Uncertain, format!("status {masked:08X}")),
        (None, _) => (Quality::Bad, format!("status {masked:08X}")),
    };
    let failure = match quality {
        Quality::Bad if because == "no communication" => Some(Failure::Silent),
        Quality::Bad => Some(Failure::Refused),
        _ => None,
    };
    StatusMeaning {
        quality,
        because,
        failure,
    }
}

/// The standard's name of a code, where it is in the table.
pub fn status_name(code: u32) -> Option<&'static str> {
    let named = TABLE.iter().find(|(known, ..)| *known == code & 0xFFFF_0000);
    named.map(|(_, name, ..)| *name)
}

/// The code of a name.
pub(crate) fn status_code(name: &str) -> Option<u32> {
    TABLE
        .iter()
        .find(|(_, known, ..)| *known == name)
        .map(|(code, ..)| *code)
}

/// A code that says this.
pub(crate) fn status_saying(because: &str) -> Option<u32> {
    TABLE
        .iter()
        .find(|(.., known)| !known.is_empty() && *known == because)
        .map(|(code, ..)| *code)
}

/// Whether the server says that its queue for this node overflowed: values before this one are lost.
///
/// ```
/// assert!(driver::nodes::lost_values(0x0000_0480));
/// assert!(!driver::nodes::lost_values(0x0000_0400));
/// ```
pub fn lost_values(code: u32) -> bool {
    code & 0x0C80 == 0x0480
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn every_class_has_its_quality_whether_the_code_is_known_or_not() {
        for (code, name, quality, because) in TABLE {
            let meaning = status_meaning(code | 0x0480);
            assert_eq!(
                (meaning.quality, meaning.because.as_str()),
                (*quality, *because),
                "{name}"
            );
            assert_eq!(*quality == Quality::Good, because.is_empty(), "{name}");
            assert_eq!(status_name(*code), Some(*name));
        }
        for (code, quality) in [
            (0x002F_0000, Quality::Good),
            (0x40FF_0000, Quality::Uncertain),
            (0x80FF_0000, Quality::Bad),
            (0xC000_0000, Quality::Bad), // a class the standard does not use
        ] {
            assert_eq!(status_meaning(code).quality, quality, "{code:08X}");
        }
    }

    #[test]
    fn an_overflow_is_only_believed_where_the_bits_are_those_of_a_value() {
        assert!(lost_values(0x4000_0480) && !lost_values(0x0000_0080) && !lost_values(0x0000_0880));
    }
}
