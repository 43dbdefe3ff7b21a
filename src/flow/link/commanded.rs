//! What a person has an instrument do: zero, tare. Sent soon or not at all, since a tare that comes half a minute
//! later ruins the weighing it should have helped; sent once, and never again by itself.

use super::{Commanded, Link, LinkOutput, Moment, station::Station};
use driver::{Heard, Outcome, Role};
use record::Failure;
use std::time::Duration;

/// An order under way.
#[derive(Debug)]
pub(super) struct Ordered {
    number: u64,
    command: String,
    /// Its place among the questions.
    place: usize,
    /// Not sent by then, it is not sent at all.
    send_by: Duration,
    stage: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waits,
    /// Its question is under way; whether the instrument got it is not known yet.
    GoesOut,
    /// It has left.
    Left,
    /// It has left, and its answer can no longer be told from anything else.
    Lost,
}

impl Station {
    /// Takes an order, or says why not.
    pub(super) fn ordered(
        &mut self,
        at: Moment,
        command: &str,
        number: u64,
        closed: Option<&'static str>,
    ) -> Option<LinkOutput> {
        let place = self.commands.iter().find(|(name, _)| name == command);
        let because = match () {
            () if closed.is_some() => closed,
            () if self.asked.out_of_service => Some("it is out of service"),
            () if self.is_silent() => Some("it does not answer"),
            () if self.order.is_some() => Some("another command is still under way"),
            () if place.is_none() => Some("its configuration does not allow it"),
            () => None,
        };
        let (Some((_, place)), None) = (place, because) else {
            let because = because.unwrap_or_default();
            return Some(self.commanded(at, (number, command), Err(because), Vec::new()));
        };
        self.order = Some(Ordered {
            number,
            command: command.to_owned(),
            place: *place,
            send_by: at.elapsed + SEND_BY,
            stage: Stage::Waits,
        });
        None
    }

    /// Whether a question is a command, and if so whether it is its turn.
    #[expect(
        clippy::option_option,
        reason = "no command; a command, and when it is due, if it is"
    )]
    pub(super) fn command_due(&self, place: usize) -> Option<Option<Duration>> {
        if self.questions[place].question.role != Role::Command {
            return None;
        }
        let order = self
            .order
            .as_ref()
            .filter(|order| order.place == place && order.stage == Stage::Waits);
        Some(order.map(|_| Duration::ZERO))
    }

    /// The question at this place goes out now.
    pub(super) fn order_goes_out(&mut self, place: usize) {
        if let Some(order) = self.order.as_mut().filter(|order| order.place == place) {
            order.stage = Stage::GoesOut;
        }
    }

    /// Its bytes are on the wire.
    pub(super) fn order_left(&mut self) {
        if let Some(order) = &mut self.order {
            order.stage = Stage::Left;
        }
    }

    /// The question never left. What has been written already is not written again to learn what became of it.
    pub(super) fn order_stays(&mut self) {
        if let Some(order) = &mut self.order {
            order.stage = match order.stage {
                Stage::Waits | Stage::GoesOut => Stage::Waits,
                Stage::Left | Stage::Lost => Stage::Lost,
            };
        }
    }

    /// What became of a command: of the answer to it, or of the silence.
    pub(super) fn carried_out(&mut self, at: Moment, place: usize, heard: &Heard) -> Option<LinkOutput> {
        let order = self.order.take_if(|order| order.place == place)?;
        let outcome = heard.outcome.clone().unwrap_or(match heard.failure {
            Some(failure) => Outcome::Unproven(failure),
            None => Outcome::Done,
        });
        Some(self.commanded(at, (order.number, &order.command), Ok(outcome), heard.raw.clone()))
    }

    /// An order that could not be sent in its time, or whose line is gone.
    pub(super) fn order_ends(&mut self, at: Moment, gone: bool) -> Option<LinkOutput> {
        let order = self.order.take_if(|order| match order.stage {
            Stage::Waits => gone || at.elapsed > order.send_by,
            Stage::GoesOut | Stage::Left => gone,
            Stage::Lost => true,
        })?;
        let outcome = match order.stage {
            Stage::Waits if gone => Err("its line was lost"),
            Stage::Waits => Err("the line was busy for too long"),
            Stage::Lost => Ok(Outcome::Unproven(Failure::Unexpected)),
            Stage::GoesOut | Stage::Left => Ok(Outcome::Unproven(Failure::Silent)),
        };
        Some(self.commanded(at, (order.number, &order.command), outcome, Vec::new()))
    }

    fn commanded(
        &self,
        at: Moment,
        (number, command): (u64, &str),
        outcome: Result<Outcome, &'static str>,
        raw: Vec<u8>,
    ) -> LinkOutput {
        LinkOutput::Commanded(Commanded {
            tag: self.tag().to_owned(),
            command: command.to_owned(),
            number,
            outcome,
            raw,
            at: at.now,
        })
    }
}

impl Link {
    /// Before anything is asked: orders whose time is over are given back.
    pub(super) fn orders_in_time(&mut self, at: Moment) -> Vec<LinkOutput> {
        let stations = self.stations.iter_mut();
        stations
            .filter_map(|station| station.order_ends(at, false))
            .collect()
    }
}

/// Somebody stands there and waits: what has not left by then is not wanted any more.
const SEND_BY: Duration = Duration::from_secs(3);
