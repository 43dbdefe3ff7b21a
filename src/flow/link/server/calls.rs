//! Calls under way: which question an answer belongs to, and since when it is waited for. An answer to a connection
//! that is gone has a number nobody waits for, and is thrown away.

use super::{Action, Moment};
use crate::flow::needs::server::Call;
use std::{collections::HashMap, time::Duration};

/// What a call was made for.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Purpose {
    /// A step of beginning.
    Stage,
    /// Items that are looked up by path, in this order.
    Find(Vec<usize>),
    Subscribe(usize),
    /// Items of this subscription, in this order.
    Watch(usize, Vec<usize>),
    Publish,
    Republish(usize),
    /// Items that are read, in this order.
    Read(usize, Vec<usize>),
    /// Who it is.
    Who(usize, Vec<usize>),
}

#[derive(Debug, Default)]
pub(super) struct Calls {
    last: u64,
    under_way: HashMap<u64, (Purpose, Duration)>,
}

impl Calls {
    pub(super) fn make(&mut self, at: Moment, purpose: Purpose, call: Call, out: &mut Vec<Action>) {
        let within = match &call {
            // the port gives up first; this is for the case that it does not
            Call::Publish { within_ms, .. } => Duration::from_millis(u64::from(*within_ms)) + AND_THEN_SOME,
            Call::Open | Call::Begin { .. } => Duration::from_secs(45),
            _ => Duration::from_secs(12),
        };
        self.last += 1;
        self.under_way.insert(self.last, (purpose, at.elapsed + within));
        out.push(Action::Call(self.last, call));
    }

    pub(super) fn take(&mut self, number: u64) -> Option<Purpose> {
        self.under_way.remove(&number).map(|(purpose, _)| purpose)
    }

    pub(super) fn count(&self, of: impl Fn(&Purpose) -> bool) -> usize {
        self.under_way.values().filter(|(purpose, _)| of(purpose)).count()
    }

    pub(super) fn clear(&mut self) {
        self.under_way.clear();
    }

    pub(super) fn overdue_at(&self) -> Option<Duration> {
        self.under_way.values().map(|(_, until)| *until).min()
    }

    /// While it works, an answer that never comes is no reason to end the session.
    pub(super) fn forget_overdue(&mut self, now: Duration) {
        self.under_way.retain(|_, (_, until)| *until > now);
    }
}

const AND_THEN_SOME: Duration = Duration::from_secs(5);
