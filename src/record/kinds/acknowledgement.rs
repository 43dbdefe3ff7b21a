use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "acknowledgement",
    says: "a person has seen an exception or excursion",
    outside: &["unit", "batch", "step", "run", "about"],
    inside: &["by", "text", "reason", "reference"],
    because: &[],
    at_once: true,
};
