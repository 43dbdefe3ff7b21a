//! Following a scale between tare and capture: a container that was taken off, a tare or zero that somebody pressed, a
//! silence in which anything may have happened. Any of them voids the sequence, as an entry.

use super::{
    booth::Sequence,
    desk::{Around, Desk},
    fill::{self, Net},
    live::Shows,
};
use crate::{
    config::{recipe::Method, station::Tare},
    flow::{enter::Enter, line::Reading},
};
use record::{Draft, Stamp};
use rust_decimal::Decimal;

/// So many divisions below nothing are the drift of a tare.
const DRIFT: i64 = 3;
/// A scale that was not heard for longer may have been loaded and unloaded.
const UNSEEN_MS: i64 = 5_000;
/// A panel that has done nothing for so long has put the pen down.
const PEN_MS: i64 = 15 * 60_000;

impl Desk {
    /// After a start: what stood on a scale then is not known to stand there now.
    pub(super) fn started(&mut self, around: &Around<'_>, enter: &mut dyn Enter) {
        let names: Vec<String> = self.booths.keys().cloned().collect();
        for name in names {
            let tared = self.booths[&name].key.as_ref().and_then(|key| {
                let container = self.works.get(key)?.container.as_ref()?;
                container.tare.as_ref().map(|_| ())
            });
            if tared.is_some() {
                self.void(&name, "the gateway was off", around, enter);
            }
        }
    }

    pub(super) fn pass(&mut self, around: &Around<'_>) {
        for booth in self.booths.values_mut() {
            if booth
                .pen
                .as_ref()
                .is_some_and(|(_, at)| around.at_ms - at > PEN_MS)
            {
                booth.pen = None;
            }
        }
    }

    /// A scale showed something.
    pub(super) fn heard(&mut self, reading: &Reading, around: &Around<'_>, enter: &mut dyn Enter) {
        let mut voids = Vec::new();
        for (name, booth) in &mut self.booths {
            let Some(at) = booth.scale_of(&reading.point) else {
                continue;
            };
            let scale = &booth.station.scales[at];
            if scale.point != reading.point {
                let Some(number) = booth.scales[at].hear_beside(reading) else {
                    continue;
                };
                if scale.device_tare.as_ref() == Some(&reading.point) {
                    booth.scales[at].device_tare = Some((number, around.at_ms));
                    let changed = booth.sequence.device_tare.is_some_and(|tare| tare != number);
                    if at == booth.at && changed {
                        voids.push((name.clone(), "the scale was tared again"));
                    }
                } else {
                    booth.scales[at].gross = Some((number, around.at_ms));
                }
                continue;
            }
            booth.scales[at].hear(reading, around.at_ms);
            if at != booth.at {
                continue;
            }
            let work = booth.key.as_ref().and_then(|key| self.works.get(key));
            let Some((work, tared)) = fill::open(booth, work) else {
                booth.sequence = Sequence {
                    device_tare: booth.sequence.device_tare,
                    ..Sequence::default()
                };
                continue;
            };
            let Some(Shows::Weight { number, stable, .. }) =
                booth.live().last().map(|seen| seen.shows.clone())
            else {
                continue;
            };
            let net = Net::of(number, tared, work, booth);
            let division = booth.scale().division(net.gross.max(net.tare));
            let drift = division * Decimal::from(DRIFT);
            let sequence = &mut booth.sequence;
            let by_difference = work.plan.method == Method::ByDifference;
            let because = if by_difference {
                (stable && net.net < -drift).then_some("the source became heavier")
            } else if net.tare > drift + drift && net.gross < net.tare / Decimal::TWO {
                Some("the container was taken off")
            } else if stable && net.net < -drift {
                Some("the tare has drifted")
            } else {
                match sequence.last {
                    Some((last, _, at))
                        if around.at_ms - at > UNSEEN_MS && (net.net - last).abs() > drift =>
                    {
                        Some("nobody saw the scale for a while")
                    }
                    Some((last, true, _))
                        if booth.station.tare == Tare::Device
                            && stable
                            && last > drift * Decimal::TEN
                            && net.net.abs() <= division =>
                    {
                        Some("the scale was tared again")
                    }
                    _ => None,
                }
            };
            sequence.last = Some((net.net, stable, around.at_ms));
            if stable {
                sequence.most = sequence.most.max(net.net);
            }
            if let Some(because) = because {
                voids.push((name.clone(), because));
            }
        }
        for (name, because) in voids {
            self.void(&name, because, around, enter);
        }
        let names: Vec<String> = self.at(&reading.point).map(str::to_owned).collect();
        for name in names {
            self.remember_zoom(&name);
        }
    }

    /// The stations that look at a point.
    pub fn at(&self, point: &crate::config::plant::PointName) -> impl Iterator<Item = &str> {
        let watching = self
            .booths
            .iter()
            .filter(move |(_, booth)| booth.scale_of(point).is_some());
        watching.map(|(name, _)| name.as_str())
    }

    /// What stands on the scale counts no more.
    pub(super) fn void(&mut self, station: &str, because: &str, around: &Around<'_>, enter: &mut dyn Enter) {
        let Some(booth) = self.booths.get_mut(station) else {
            return;
        };
        let sequence = std::mem::take(&mut booth.sequence);
        let scale = booth.scale().clone();
        let Some(key) = booth.key.clone() else { return };
        let Some(work) = self.works.get(&key).filter(|work| work.container.is_some()) else {
            return;
        };
        let filled = sequence.most > scale.division(sequence.most) * Decimal::from(DRIFT);
        let container = work
            .container
            .as_ref()
            .map_or("", |container| container.id.as_str());
        let draft = self
            .about(station, work, "voided", around.now)
            .with("point", scale.point.to_string())
            .data("container", container)
            .data(
                "net",
                sequence
                    .last
                    .map_or_else(String::new, |(net, ..)| net.to_string()),
            )
            .data("in", scale.unit().ucum())
            .data("reason", because);
        let (batch, step, unit) = (
            work.plan.batch.clone(),
            work.plan.step.clone(),
            self.booths[station].station.unit.clone(),
        );
        let seq = self.put(draft, enter);
        if filled {
            let draft = exception("weighing-voided", around.now, &unit, &batch, &step, seq)
                .data("says", format!("a filled container does not count: {because}"));
            self.put(draft, enter);
        }
        if let Some(booth) = self.booths.get_mut(station) {
            booth.refused = Some((super::words::voided(because), around.now));
        }
    }
}

/// Something a reviewer looks at.
pub(super) fn exception(
    because: &'static str,
    now: Stamp,
    unit: &str,
    batch: &str,
    step: &str,
    about: u64,
) -> Draft {
    let draft = Draft::new("exception", now)
        .with("unit", unit)
        .with("batch", batch)
        .with("step", step)
        .with("because", because);
    if about > 0 {
        draft.with("about", about)
    } else {
        draft
    }
}
