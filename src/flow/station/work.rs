//! One line of an order on its way: its source, its container, what has been captured. It changes only by entries.

use super::{note::Note, plan::Plan};
use record::{Quantity, Stamp, Unit};
use rust_decimal::Decimal;

/// Which line of which order.
pub type Key = (String, String);

/// A line that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Work {
    pub plan: Plan,
    /// The station that works on it, or worked on it last.
    pub station: String,
    /// Who works on it: id and name.
    pub by: (String, String),
    pub state: State,
    pub since: Stamp,
    /// When it was last put away: what was checked before does not count any more.
    pub held: Option<Stamp>,
    pub source: Option<Source>,
    pub container: Option<Container>,
    pub parts: Vec<Part>,
    /// The source container was weighed back or declared empty since the last capture.
    pub reconciled: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Open,
    Held,
    Aborted,
    Done,
}

/// Where the material comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub lot: String,
    pub container: String,
    /// Of the whole line, adjusted to this lot.
    pub target: Quantity,
    pub factor: Decimal,
    pub expires: String,
    pub assay: String,
}

/// Where it goes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    pub id: String,
    pub tare: Option<Tared>,
}

/// What was on the scale before anything was dispensed: the empty container, or by difference the full source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tared {
    pub scale: String,
    pub amount: Decimal,
    pub text: String,
    pub unit: Unit,
    /// `weighed`, `known`, `device`.
    pub how: &'static str,
    pub entry: u64,
}

/// One captured weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The entry of its capture.
    pub entry: u64,
    pub container: String,
    pub lot: String,
    pub factor: Decimal,
    /// In the unit of the scale, with its digits.
    pub net: Quantity,
    pub gross: String,
    pub tare: String,
    pub low: String,
    pub high: String,
    pub scale: String,
    pub by: String,
    pub at: Stamp,
    pub verdict: &'static str,
    /// It is less than the line needs, and another follows.
    pub partial: bool,
    pub state: PartState,
    pub verified_by: String,
    pub label: Label,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartState {
    /// Captured; nobody else has looked at it yet.
    Pending,
    Accepted,
    Rejected,
}

impl PartState {
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
        }
    }
}

/// Its label.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Label {
    pub number: u64,
    pub printed: Option<Stamp>,
    pub failed: String,
    /// It was read back from its container.
    pub proven: bool,
}

pub fn verdict_word(word: &str) -> &'static str {
    match word {
        "within" => "within",
        "below" => "below",
        "above" => "above",
        _ => "not-judged",
    }
}

impl Work {
    /// A line begins.
    pub fn begun(note: &Note) -> Option<Self> {
        Some(Self {
            plan: Plan::read(note)?,
            station: note.get("station").to_owned(),
            by: (note.get("by").to_owned(), note.get("name").to_owned()),
            state: State::Open,
            since: note.time,
            held: None,
            source: None,
            container: None,
            parts: Vec::new(),
            reconciled: false,
        })
    }

    /// Takes in what was entered about it.
    pub fn apply(&mut self, note: &Note) {
        match note.get("state") {
            "resumed" | "handed-over" => {
                self.station = note.get("station").to_owned();
                self.by = (note.get("by").to_owned(), note.get("name").to_owned());
                (self.state, self.since) = (State::Open, note.time);
            }
            "source" => self.source(note),
            "container" => {
                self.container = Some(Container {
                    id: note.get("container").to_owned(),
                    tare: None,
                });
            }
            "tared" => self.tared(note),
            "voided" | "taken-back" => self.container = None,
            "captured" => self.captured(note),
            "accepted" | "rejected" => self.decided(note),
            "source-empty" | "source-left" => {
                self.reconciled = true;
                self.source = None;
            }
            "held" => {
                (self.state, self.since) = (State::Held, note.time);
                self.held = Some(note.time);
                self.put_away();
            }
            "aborted" => {
                (self.state, self.since) = (State::Aborted, note.time);
                self.put_away();
            }
            "complete" => {
                (self.state, self.since) = (State::Done, note.time);
                self.put_away();
            }
            _ => {}
        }
    }

    fn put_away(&mut self) {
        self.container = None;
        self.source = None;
    }

    fn source(&mut self, note: &Note) {
        let Some(target) = note.quantity("target") else {
            return;
        };
        let factor = note.get("expected").parse().unwrap_or(Decimal::ONE);
        self.reconciled = false;
        self.source = Some(Source {
            lot: note.get("lot").to_owned(),
            container: note.get("source").to_owned(),
            target,
            factor,
            expires: note.get("found").to_owned(),
            assay: note.get("assay").to_owned(),
        });
    }

    fn tared(&mut self, note: &Note) {
        let (Some(container), Some(tare)) = (&mut self.container, note.amount("tare")) else {
            return;
        };
        container.tare = Some(Tared {
            scale: note.get("point").to_owned(),
            text: tare.amount.to_string(),
            amount: tare.amount.number(),
            unit: tare.unit,
            how: match note.get("how") {
                "known" => "known",
                "device" => "device",
                _ => "weighed",
            },
            entry: note.seq,
        });
    }

    fn captured(&mut self, note: &Note) {
        let Some(net) = note.amount("net") else { return };
        self.container = None;
        self.reconciled = false;
        let factor = self.source.as_ref().map_or(Decimal::ONE, |source| source.factor);
        self.parts.push(Part {
            entry: note.seq,
            container: note.get("container").to_owned(),
            lot: note.get("lot").to_owned(),
            factor,
            net,
            gross: note.get("gross").to_owned(),
            tare: note.get("tare").to_owned(),
            low: note.get("low").to_owned(),
            high: note.get("high").to_owned(),
            scale: note.get("point").to_owned(),
            by: note.get("by").to_owned(),
            at: note.time,
            verdict: verdict_word(note.get("verdict")),
            partial: note.get("how") == "part",
            state: PartState::Pending,
            verified_by: String::new(),
            label: Label::default(),
        });
    }

    fn decided(&mut self, note: &Note) {
        let accepted = note.get("state") == "accepted";
        match note.int("about").and_then(|about| self.part_mut(about)) {
            Some(part) if accepted => {
                part.state = PartState::Accepted;
                part.verified_by = note.get("verified_by").to_owned();
            }
            Some(part) => part.state = PartState::Rejected,
            // What stood on the scale and was never captured.
            None if !accepted => self.container = None,
            None => {}
        }
    }

    /// Takes in what was entered about a label.
    pub fn label(&mut self, note: &Note) {
        let Some(part) = note.int("about").and_then(|about| self.part_mut(about)) else {
            return;
        };
        match note.get("state") {
            "sent" => part.label.number = note.int("number").unwrap_or_default(),
            "printed" => {
                part.label.printed = Some(note.time);
                part.label.failed.clear();
            }
            "failed" => note.get("text").clone_into(&mut part.label.failed),
            "proven" => part.label.proven = true,
            _ => {}
        }
    }

    pub fn part_mut(&mut self, entry: u64) -> Option<&mut Part> {
        self.parts.iter_mut().find(|part| part.entry == entry)
    }

    /// The captured weight that somebody still has to look at, or whose label is not proven.
    pub fn pending(&self) -> Option<&Part> {
        let open = |part: &&Part| {
            part.state == PartState::Pending || part.state == PartState::Accepted && !part.label.proven
        };
        self.parts.iter().find(open)
    }

    /// Parts that count.
    pub fn counted(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| part.state != PartState::Rejected)
    }

    /// Net of each part that counts, in the unit of the line, with the factor of its lot.
    pub fn nets(&self) -> Vec<(Decimal, Decimal)> {
        let unit = self.plan.nominal.unit;
        self.counted()
            .filter_map(|part| Some((part.net.number_in(unit)?, part.factor)))
            .collect()
    }

    /// The sum, in the unit of the line.
    pub fn sum(&self) -> Decimal {
        self.nets().iter().map(|(net, _)| *net).sum()
    }

    /// The target as it stands with the lot in hand, or the last one.
    pub fn target(&self) -> Quantity {
        let factor = self
            .source
            .as_ref()
            .map(|source| source.factor)
            .or_else(|| self.counted().last().map(|part| part.factor))
            .unwrap_or(Decimal::ONE);
        self.plan
            .target(&self.nets(), factor)
            .unwrap_or_else(|| self.plan.nominal.clone())
    }

    /// Whether the sum is in tolerance, or an authorised person kept what is not.
    pub fn is_complete(&self) -> bool {
        let kept = |part: &Part| part.verdict != "within" && !part.partial;
        if self.counted().last().is_some_and(kept) {
            return true;
        }
        let window = self.plan.window(&self.target());
        self.counted().next().is_some() && window.is_some_and(|window| window.has(self.sum()))
    }
}

impl Work {
    /// As it is before its first entry.
    pub fn planned(plan: Plan, station: &str, by: (&str, &str), now: Stamp) -> Self {
        Self {
            plan,
            station: station.to_owned(),
            by: (by.0.to_owned(), by.1.to_owned()),
            state: State::Open,
            since: now,
            held: None,
            source: None,
            container: None,
            parts: Vec::new(),
            reconciled: false,
        }
    }
}
