//! What people say about a line while it works: an instrument is out of service, a port is lent, an exchange
//! is confirmed. Nothing is asked of who is out of service, and a lent port is closed.

use super::{Action, Facts, Link, Moment, Phase};

/// What somebody said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Ask it nothing, and believe nothing it says.
    OutOfService(String),
    InService(String),
    /// Close the line and leave it to somebody else.
    Lend,
    TakeBack,
    /// End the session with a server and begin it anew: what is trusted has changed.
    Renew,
    /// Have it do what its driver declares and its configuration allows: soon, or not at all.
    Command {
        tag: String,
        command: String,
        /// The entry that says who asked for it.
        number: u64,
    },
    /// This is what the instrument is known to say from now on.
    Known {
        tag: String,
        known: Facts,
    },
}

impl Link {
    /// Carries out what a person said.
    pub(super) fn told(&mut self, at: Moment, order: Order, out: &mut Vec<Action>) {
        match order {
            Order::Lend => self.lent = true,
            Order::TakeBack => self.lent = false,
            Order::Renew => {}
            Order::OutOfService(tag) => self.out_of_service(&tag, true),
            Order::InService(tag) => {
                self.out_of_service(&tag, false);
                let station = self.stations.iter_mut().find(|station| station.tag() == tag);
                if let Some(station) = station {
                    station.reopened(at.elapsed);
                }
            }
            Order::Command { tag, command, number } => {
                let closed = self.is_closed().then_some(LINE_CLOSED);
                let station = self.stations.iter_mut().find(|station| station.tag() == tag);
                let outputs = station.map(|station| station.ordered(at, &command, number, closed));
                self.give(outputs.into_iter().flatten().collect(), out);
            }
            Order::Known { tag, known } => {
                let station = self.stations.iter_mut().find(|station| station.tag() == tag);
                if let Some(station) = station {
                    station.known(at, known);
                }
            }
        }
        self.rest_or_work(at, out);
    }

    fn out_of_service(&mut self, tag: &str, out: bool) {
        for station in self.stations.iter_mut().filter(|station| station.tag() == tag) {
            station.asked.out_of_service = out;
        }
    }

    /// A line that is lent, or on which nothing is in service, is closed and stays closed.
    pub(super) fn rests_on_purpose(&self) -> bool {
        self.lent || self.stations.iter().all(|station| station.asked.out_of_service)
    }

    fn rest_or_work(&mut self, at: Moment, out: &mut Vec<Action>) {
        match (self.rests_on_purpose(), &self.phase) {
            (true, Phase::Resting | Phase::Opening) => {}
            (true, Phase::Closed { .. }) => self.phase = Phase::Resting,
            (true, _) => {
                let ends = self
                    .stations
                    .iter_mut()
                    .filter_map(|station| station.order_ends(at, true));
                let ends = ends.collect();
                self.give(ends, out);
                out.push(Action::Close);
                self.phase = Phase::Resting;
            }
            (false, Phase::Resting) => {
                self.told = None;
                self.phase = Phase::Closed { open_at: at.elapsed };
            }
            (false, _) => {}
        }
    }
}

/// Why something was not sent at all.
const LINE_CLOSED: &str = "its line is not open";
