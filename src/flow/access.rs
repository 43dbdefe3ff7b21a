//! Who may do what here, as the screens need to know it for every request: a copy of people and panels, renewed by the
//! gateway's core with every change. A revoked account so ends its sessions at once.

use super::people::{Panels, People};
use std::sync::Arc;

/// People and panels at one moment.
#[derive(Debug, Clone, Default)]
pub struct Access {
    pub people: People,
    pub panels: Panels,
}

/// How a screen reads it.
pub type Watch = tokio::sync::watch::Receiver<Arc<Access>>;
