use super::Kind;

pub(super) const KIND: Kind = Kind {
    name: "binding",
    says: "attaches earlier entries to a batch, or detaches wrongly bound ones",
    outside: &[
        "unit", "batch", "step", "run", "state", "because", "seqs", "count", "root", "verdict", "limits",
    ],
    inside: &["by", "note"],
    because: &[
        "context-late",
        "context-corrected",
        "context-confirmed",
        "gateway",
        "shared",
        "excursion",
    ],
    at_once: true,
};
