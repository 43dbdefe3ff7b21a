//! `[master]` and `[people]`. Every default here has its paragraph in `docs/manual/defaults.md`.

use super::gateway::within;
use crate::config::{
    block::Page,
    plant::{Master, Proof, Signing},
    sentence::time,
    written::{self, Key},
};
use std::time::Duration;

/// Older than this is not meant.
const A_YEAR: Duration = Duration::from_secs(366 * 86_400);

pub(super) fn master(page: &Page, written: Option<&written::Master>) -> Master {
    let empty = written::Master::default();
    let written = written.unwrap_or(&empty);
    let usual = Master::default();
    let age = |key: &str, said: &Key<Duration>, default: Duration| {
        let bounds = Duration::from_secs(60)..=A_YEAR;
        within(page, key, said, bounds, default, |age| {
            format!("{} old", time(age))
        })
    };
    Master {
        orders: age("orders_may_be", &written.orders_may_be, usual.orders),
        lots: age("lots_may_be", &written.lots_may_be, usual.lots),
        containers: age("containers_may_be", &written.containers_may_be, usual.containers),
        check_weights: age(
            "check_weights_may_be",
            &written.check_weights_may_be,
            usual.check_weights,
        ),
        people: age("people_may_be", &written.people_may_be, usual.people),
    }
}

/// The weakest proof that is enough for each meaning.
pub(super) fn signing(written: Option<&written::People>) -> Signing {
    let usual = Signing::default();
    let Some(people) = written else { return usual };
    let said = |key: &Key<Proof>, usual| key.as_ref().map_or(usual, |proof| *proof.get_ref());
    Signing {
        performed: said(&people.performed_with, usual.performed),
        verified: said(&people.verified_with, usual.verified),
        acknowledged: said(&people.acknowledged_with, usual.acknowledged),
    }
}
