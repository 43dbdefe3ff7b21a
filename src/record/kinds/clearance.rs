use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "clearance",
    says: "line clearance of a dispensing station: every question answered with yes, and signed",
    outside: &["unit", "station", "state"],
    inside: &["text", "by", "name"],
    because: &[],
    at_once: true,
};
