//! `[master]`. Every default here has its paragraph in `docs/manual/defaults.md`.

use super::gateway::within;
use crate::config::{
    block::Page,
    plant::Master,
    sentence::time,
    written::{self, Key},
};
use std::time::Duration;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

pub(super) fn master(page: &Page, written: Option<&written::Master>) -> Master {
    let empty = written::Master::default();
    let written = written.unwrap_or(&empty);
    let age = |key: &str, said: &Key<Duration>, default: u64| {
        let bounds = Duration::from_secs(60)..=Duration::from_secs(366 * DAY);
        within(page, key, said, bounds, Duration::from_secs(default), |age| {
            format!("{} old", time(age))
        })
    };
    Master {
        orders: age("orders_may_be", &written.orders_may_be, DAY),
        lots: age("lots_may_be", &written.lots_may_be, DAY),
        containers: age("containers_may_be", &written.containers_may_be, DAY),
        check_weights: age("check_weights_may_be", &written.check_weights_may_be, 30 * DAY),
        people: age("people_may_be", &written.people_may_be, 7 * DAY),
    }
}
