//! The dispensing stations at work: readings of their scales and acts of their people go in, entries are sealed at once,
//! labels go to their printers, and every change is shown without waiting for the next tick.

use super::Core;
use crate::{
    config::plant::Plant,
    flow::{
        label::zpl,
        line::Reading,
        link,
        master::{known::Store, look::Asking},
        station::{
            Action, Around, Desk, Done, Event, Refusal,
            view::{RecordWord, Views},
        },
    },
    ports::printer,
};
use jiff::tz::TimeZone;
use record::{Stamp, Trouble};
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// The stations, and who looks at them.
pub(crate) struct Stations {
    pub desk: Desk,
    pub zone: TimeZone,
    pub views: watch::Sender<Arc<Views>>,
    pub printed: mpsc::UnboundedSender<Printed>,
}

/// What became of a label.
#[derive(Debug)]
pub(crate) struct Printed {
    pub station: String,
    pub about: u64,
    pub failed: Option<String>,
}

impl Core {
    /// Gives the stations an event. What they enter is handed to the sealer at once.
    pub(in crate::daemon) fn at_stations(&mut self, event: Event) -> Result<Result<Done, Refusal>, Trouble> {
        let (now, at_ms) = (self.clock.now(), self.clock.elapsed().as_millis() as i64);
        let master = self.master.borrow().clone();
        let line = &self.line;
        let calibration = |tag: &str| line.calibration_mark(tag, now);
        let zone = self.stations.zone.clone();
        let around = Around {
            at_ms,
            ..around(
                &self.plant,
                &zone,
                self.state.stopped_since.is_none(),
                &master,
                &calibration,
                now,
            )
        };
        let done = self.stations.desk.next(event, &around, &mut self.recorder);
        self.hand_on()?;
        if let Ok(done) = &done {
            for action in &done.actions {
                self.do_at_station(action);
            }
        }
        Ok(done)
    }

    fn do_at_station(&mut self, action: &Action) {
        match action {
            Action::Print(job) => {
                let (to, station, about) = (self.stations.printed.clone(), job.station.clone(), job.about);
                let Some(address) = job.printer.clone() else {
                    // Without a printer of its own a station shows the label, to be printed where the screen prints.
                    // holds because the core that would hear it is ending
                    let _ = to.send(Printed {
                        station,
                        about,
                        failed: None,
                    });
                    return;
                };
                let label = zpl::write(&job.label);
                tokio::spawn(async move {
                    let failed = printer::print(&address, label.as_bytes()).await;
                    // holds because the core that would hear it is ending
                    let _ = to.send(Printed {
                        station,
                        about,
                        failed: failed.err().map(|error| error.to_string()),
                    });
                });
            }
            Action::Command { .. } => {}
        }
    }

    /// A reading of one of their scales.
    pub(in crate::daemon) fn weighs(&mut self, reading: &link::Reading) -> Result<(), Trouble> {
        if !self.stations.desk.watches(&reading.point) {
            return Ok(());
        }
        let point = reading.point.clone();
        let event = if reading.failure.is_some() && reading.answer.value().is_none() {
            Event::Silent { point: point.clone() }
        } else {
            Event::Reading(Reading {
                point: reading.point.clone(),
                answer: reading.answer.clone(),
                raw: reading.raw.clone(),
                time: reading.time,
                read: self.clock.now(),
                origin: reading.origin.clone(),
            })
        };
        // A reading enters at most that something became void; nobody waits for an answer.
        self.at_stations(event)?.ok();
        let names: Vec<String> = self.stations.desk.at(&point).map(str::to_owned).collect();
        self.show_stations(Some(&names));
        Ok(())
    }

    /// Equipment that does not answer any more.
    pub(in crate::daemon) fn scales_silent(&mut self, tags: &[String]) -> Result<(), Trouble> {
        let points: Vec<_> = self
            .plant
            .stations
            .iter()
            .flat_map(|station| &station.scales)
            .map(|scale| scale.point.clone())
            .filter(|point| tags.contains(&point.tag))
            .collect();
        for point in points {
            self.at_stations(Event::Silent { point })?.ok();
        }
        self.show_stations(None);
        Ok(())
    }

    pub(in crate::daemon) fn printed(&mut self, printed: Printed) -> Result<(), Trouble> {
        let Printed {
            station,
            about,
            failed,
        } = printed;
        self.at_stations(Event::Printed {
            station,
            about,
            failed,
        })?
        .ok();
        self.show_stations(None);
        Ok(())
    }

    /// Time passes.
    pub(in crate::daemon) fn stations_pass(&mut self) -> Result<(), Trouble> {
        if !self.stations.desk.is_empty() {
            self.at_stations(Event::Tick)?.ok();
            self.show_stations(None);
        }
        Ok(())
    }

    /// Shows all stations anew, or those that changed.
    pub(in crate::daemon) fn show_stations(&self, only: Option<&[String]>) {
        if self.stations.desk.is_empty() {
            return;
        }
        let (now, at_ms) = (self.clock.now(), self.clock.elapsed().as_millis() as i64);
        let master = self.master.borrow().clone();
        let calibration = |tag: &str| self.line.calibration_mark(tag, now);
        let zone = self.stations.zone.clone();
        let around = Around {
            at_ms,
            ..around(
                &self.plant,
                &zone,
                self.state.stopped_since.is_none(),
                &master,
                &calibration,
                now,
            )
        };
        let record = self.record_word();
        let view = |name: &str| {
            let mut view = self.stations.desk.view(name, &around);
            view.record = record;
            let sealed = |entry: u64| entry <= self.state.captured;
            for part in view.parts.iter_mut().chain(&mut view.pending) {
                part.sealed = sealed(part.entry);
            }
            Arc::new(view)
        };
        self.stations.views.send_modify(|views| {
            let views = Arc::make_mut(views);
            match only {
                Some(names) => {
                    for name in names {
                        views.insert(name.clone(), view(name));
                    }
                }
                None => {
                    *views = self
                        .stations
                        .desk
                        .names()
                        .map(|name| (name.to_owned(), view(name)))
                        .collect();
                }
            }
        });
    }

    fn record_word(&self) -> RecordWord {
        if self.state.stopped_since.is_some() {
            RecordWord::Stopped
        } else if self.state.captured + 1 < self.recorder.next() {
            RecordWord::Sealing
        } else if self.state.broker_lost_since.is_some() {
            RecordWord::HeldHere
        } else {
            RecordWord::AllSealed
        }
    }
}

fn around<'a>(
    plant: &'a Plant,
    zone: &'a TimeZone,
    capturing: bool,
    master: &'a Store,
    calibration: &'a dyn Fn(&str) -> Option<&'static str>,
    now: Stamp,
) -> Around<'a> {
    Around {
        now,
        at_ms: 0,
        master,
        asking: Asking {
            now,
            zone,
            ages: &plant.master,
        },
        recipes: &plant.recipes,
        calibration,
        capturing,
        usage: plant.gateway.usage,
        zone: &plant.gateway.zone,
    }
}
