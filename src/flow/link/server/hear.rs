//! From what a server told to readings: whose they are, when they were true, and what the server said beside them.

use super::{Action, Moment, ServerLink, items::Last};
use crate::{
    config::plant::PointName,
    flow::{
        link::{Change, LinkOutput, Origin, Reading, SERIAL_NUMBER},
        needs::server::Published,
    },
};
use driver::{
    Role,
    nodes::{ItemId, NodeHeard, NodeReading},
};
use record::Stamp;

impl ServerLink {
    /// What a delivery gave; `place` is the subscription it came by.
    pub(super) fn heard(
        &mut self,
        at: Moment,
        place: usize,
        heard: NodeHeard,
        by: Option<usize>,
        out: &mut Vec<Action>,
    ) {
        if self.stations[place].asked.out_of_service {
            return;
        }
        self.says(at, place, &heard, out);
        for item in &heard.lost {
            self.lost_values(at, place, *item, out);
        }
        for reading in heard.readings {
            let time = self.time_of(at, place, &reading, by.is_some());
            self.give(at, place, &reading, time, false, out);
            let station = &mut self.stations[place];
            let last = Last {
                given: at.elapsed,
                reading,
            };
            station.last.insert(last.reading.measure.clone(), last);
        }
    }

    pub(super) fn give(
        &self,
        at: Moment,
        place: usize,
        reading: &NodeReading,
        time: Stamp,
        unchanged: bool,
        out: &mut Vec<Action>,
    ) {
        let station = &self.stations[place];
        out.push(Action::Give(LinkOutput::Reading(Reading {
            point: PointName {
                tag: station.asked.tag.clone(),
                measure: reading.measure.to_string(),
            },
            answer: station.identity.trusted(reading.answer.clone()),
            failure: reading.failure,
            raw: reading.raw.as_bytes().to_vec(),
            time,
            asked: at.now,
            origin: Some(Box::new(Origin {
                source: reading.source_time,
                server: reading.server_time,
                ahead_ms: self.ahead_ms,
                status: reading.status,
                unchanged,
            })),
        })));
    }

    /// When it was true: by the source's clock where that can have been so, else when we had it.
    fn time_of(&self, at: Moment, place: usize, reading: &NodeReading, told: bool) -> Stamp {
        let station = &self.stations[place];
        let asking = &station.asked.hearing.nodes().asking;
        let within = asking.clock_within.as_millis() as i64;
        let Some(source) = reading.source_time else {
            return at.now;
        };
        // what is told first has been lying there: nobody here has seen when it came
        if told && station.heard.is_none() {
            return at.now;
        }
        let server_is_right = self.ahead_ms.is_none_or(|ahead| ahead.abs() <= within);
        let slack = asking.publish.as_millis() as i64 * 2 + within;
        // a value that came now cannot be older than the news before it; if it says so, it has only been lying there
        let before = if told { station.heard } else { None };
        let earliest = before.unwrap_or(at.now).plus_ms(-slack);
        if server_is_right && source >= earliest && source <= at.now.plus_ms(within) {
            source.min(at.now)
        } else {
            at.now
        }
    }

    /// How far the server's clock is from ours: told once when it is too far, and once when it is not any more.
    pub(super) fn server_clock(
        &mut self,
        at: Moment,
        place: usize,
        published: &Published,
        out: &mut Vec<Action>,
    ) {
        let Some(sent) = published.sent else { return };
        let ahead = sent.ms_since(at.now);
        self.ahead_ms = Some(ahead);
        let station = self.subscriptions[place].station;
        let within = self.stations[station].asked.hearing.nodes().asking.clock_within;
        let within_ms = within.as_millis() as i64;
        // an answer that was long on its way makes the server's clock look slow, and never fast
        if !self.skew_told && ahead.abs() > within_ms {
            self.skew_told = true;
            self.tell(
                at,
                Change::ClockDiffers {
                    ahead_ms: ahead,
                    within_ms,
                },
                out,
            );
        } else if self.skew_told && ahead.abs() <= within_ms / 2 {
            self.skew_told = false;
            self.tell(at, Change::ClockAgrees, out);
        }
    }

    fn says(&mut self, at: Moment, place: usize, heard: &NodeHeard, out: &mut Vec<Action>) {
        let mut who: Vec<(String, String)> = Vec::new();
        let mut set: Vec<(String, String)> = Vec::new();
        if let Some(number) = &heard.identity {
            who.push((SERIAL_NUMBER.to_owned(), number.clone()));
        }
        let nodes = self.stations[place].asked.hearing.nodes();
        for (name, words) in &heard.says {
            if name == SERIAL_NUMBER && heard.identity.is_some() {
                continue;
            }
            let role = nodes
                .items
                .iter()
                .find(|item| item.names.contains(name))
                .map(|item| item.role);
            let list = if role == Some(Role::Settings) {
                &mut set
            } else {
                &mut who
            };
            list.push((name.clone(), words.clone()));
        }
        for (role, says) in [(Role::Identity, who), (Role::Settings, set)] {
            if says.is_empty() {
                continue;
            }
            let (changes, again) = self.stations[place].identity.says(role, &says);
            if again {
                self.stations[place].who_at = at.elapsed;
            }
            for change in changes {
                self.tell_of(at, place, change, out);
            }
        }
    }

    /// The server threw values of a node away because nobody fetched them in time.
    fn lost_values(&mut self, at: Moment, place: usize, item: ItemId, out: &mut Vec<Action>) {
        let names = self.stations[place]
            .asked
            .hearing
            .nodes()
            .item(item)
            .map(|item| item.names.clone());
        let names = names.unwrap_or_default();
        let lost: Vec<String> = self.stations[place]
            .asked
            .measures
            .iter()
            .filter(|measure| names.contains(measure))
            .cloned()
            .collect();
        self.not_observed(at, place, &lost, "its queue at the server overflowed", out);
    }

    /// A whole message of a subscription is lost.
    pub(super) fn all_lost(&mut self, at: Moment, place: usize, out: &mut Vec<Action>) {
        let all = self.stations[place].asked.measures.clone();
        self.not_observed(at, place, &all, "a message of the server is lost", out);
    }

    /// From the last reading of each point on nobody knows what was.
    fn not_observed(
        &mut self,
        at: Moment,
        place: usize,
        measures: &[String],
        because: &str,
        out: &mut Vec<Action>,
    ) {
        let station = &self.stations[place];
        for measure in measures {
            let since = station.heard.unwrap_or(at.now);
            out.push(Action::Give(LinkOutput::Lost {
                point: PointName {
                    tag: station.asked.tag.clone(),
                    measure: measure.clone(),
                },
                since,
                note: because.to_owned(),
            }));
        }
        if !measures.is_empty() {
            let change = Change::ValuesLost {
                points: measures.join(", "),
                because: because.to_owned(),
            };
            self.tell_of(at, place, change, out);
        }
    }
}
