use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "calibration",
    says: "calibration of an instrument: as found, as left, until when",
    outside: &["equipment", "state", "because", "until"],
    inside: &[
        "found", "left", "standard", "by", "reason", "since", "batches", "entered", "note",
    ],
    because: &["as-found-within", "as-found-out"],
    at_once: true,
};
