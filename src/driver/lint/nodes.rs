//! What a driver that speaks OPC UA leaves open: doubts nobody shows, and that a server says no.

use super::{promises, unproven_doubts};
use crate::{Complaint, Driver, nodes::Nodes};

pub(super) fn open(driver: &Driver, nodes: &Nodes) -> Vec<Complaint> {
    let doubts = nodes
        .groups
        .iter()
        .flat_map(|group| unproven_doubts(driver, &group.doubts));
    doubts.chain(no_refusal(driver, nodes)).collect()
}

/// A node may be gone, unreadable, or without a connection behind it: one of these must have been shown.
fn no_refusal(driver: &Driver, nodes: &Nodes) -> Option<Complaint> {
    let first = nodes.groups.first()?;
    let shown = ["bad: refused", "bad: no communication"]
        .iter()
        .any(|words| promises(driver, words));
    (!shown).then(|| {
        Complaint::new("refusal-without-sample", "no sample shows a refusal")
            .mark(first.span.clone(), "what comes when the server says no?")
            .why("a refusal taken for a value, or for silence, sends people to the wrong place")
            .help("add a [[sample]] with a bad status, for instance hear = '{ \"point\": { \"status\": \"BadNoCommunication\" } }'")
    })
}
