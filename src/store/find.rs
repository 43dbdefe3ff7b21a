//! Questions about a batch: its entries, bindings carried out, and the pages they stand on.

use crate::flow::needs::{FoundEntry, PageStore};
use record::{Line, Trouble, read_ranges};
use std::collections::{BTreeMap, BTreeSet};

/// What the record store holds of one batch.
#[derive(Debug, Clone, Default)]
pub struct BatchFound {
    /// Its entries: those that name it and those that are attached to it, without those that were detached,
    /// in the order of their ledgers.
    pub entries: Vec<FoundEntry>,
    /// How many of them were attached by a later binding.
    pub attached: u64,
    /// How many entries named the batch and were detached again.
    pub detached: u64,
}

/// The entries of a batch.
pub async fn batch(store: &dyn PageStore, name: &str) -> Result<BatchFound, Trouble> {
    let named = store.entries_of(name).await?;
    let mut found = BatchFound::default();
    let mut entries: BTreeMap<_, FoundEntry> = BTreeMap::new();
    let key = |entry: &FoundEntry| {
        (
            entry.page.gateway.clone(),
            entry.page.ledger.clone(),
            entry.page.epoch,
            entry.seq,
        )
    };
    let mut bindings = Vec::new();
    for entry in named {
        if let Some(binding) = binding(&entry) {
            bindings.push(binding);
        }
        entries.insert(key(&entry), entry);
    }
    let (mut attached, mut detached) = (BTreeSet::new(), BTreeSet::new());
    for binding in bindings {
        for seqs in binding.seqs {
            for entry in store
                .entries_between(&binding.gateway, &binding.ledger, seqs)
                .await?
            {
                let key = key(&entry);
                if binding.attaches {
                    detached.remove(&key);
                    if entries.insert(key.clone(), entry).is_none() {
                        attached.insert(key);
                    }
                } else if entries.remove(&key).is_some() && !attached.remove(&key) {
                    detached.insert(key);
                }
            }
        }
    }
    found.attached = attached.len() as u64;
    found.detached = detached.len() as u64;
    found.entries = entries.into_values().collect();
    Ok(found)
}

struct Binding {
    gateway: String,
    ledger: String,
    attaches: bool,
    seqs: Vec<(u64, u64)>,
}

fn binding(entry: &FoundEntry) -> Option<Binding> {
    let line = Line::read(entry.line.as_bytes()).ok()?;
    if line.kind() != "binding" {
        return None;
    }
    Some(Binding {
        gateway: entry.page.gateway.clone(),
        ledger: entry.page.ledger.clone(),
        // What is confirmed was there before, and stays.
        attaches: line.raw("state")? != "detached",
        seqs: read_ranges(line.raw("seqs")?)?,
    })
}
