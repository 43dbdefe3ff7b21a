use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "calibration",
    says: "calibration of an instrument: as found, as left, until when",
    outside: &["equipment", "state", "until"],
    inside: &["found", "left", "standard", "by", "note"],
    because: &[],
    at_once: true,
};
