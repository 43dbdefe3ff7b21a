//! What is watched: nodes by name, and how each of them stands with this session of the server. A node that is
//! refused says so for its own points, and holds up nobody else's.

use super::{Action, AskedNodes, Change, Moment, RETRY, ServerLink, publish::Subscription};
use crate::flow::{
    link::{SERIAL_NUMBER, identity::Identity, pace::Slots},
    needs::server::{Node, NodeName, Target},
};
use driver::{
    Role,
    nodes::{Base, How, ItemId, NodeReading, status_meaning},
};
use record::Stamp;
use std::{collections::HashMap, sync::Arc, time::Duration};

/// One equipment behind the server.
#[derive(Debug)]
pub(super) struct Station {
    pub(super) asked: AskedNodes,
    pub(super) identity: Identity,
    /// The last reading of each point, and when it was given.
    pub(super) last: HashMap<Arc<str>, Last>,
    /// When the server last said that what it told still holds.
    pub(super) proven: Option<Moment>,
    /// When the news before those came.
    pub(super) heard: Option<Stamp>,
    /// When a value that has not changed is a reading again.
    pub(super) slots: Slots,
    /// When everything is read, where the server has no subscriptions.
    pub(super) reads: Option<Slots>,
    pub(super) who_at: Duration,
    /// Items that were refused and told of.
    pub(super) refused: Vec<String>,
    /// What was told about times and queues that are not as they were asked for.
    pub(super) revised: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Last {
    pub(super) reading: NodeReading,
    pub(super) given: Duration,
}

/// One node of one equipment.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) station: usize,
    pub(super) id: ItemId,
    pub(super) role: Role,
    pub(super) state: State,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum State {
    /// Nobody knows yet where it is.
    Wanted,
    /// Its node is known.
    Found(Node),
    /// It is watched, or read in its turn.
    Watched(Node),
    Refused {
        status: u32,
        again_at: Duration,
    },
}

impl Station {
    pub(super) fn due(&self) -> impl Iterator<Item = Duration> + '_ {
        let reads = self.reads.as_ref().map(Slots::due);
        let holds = self.reads.is_none().then(|| self.slots.due());
        let in_service = !self.asked.out_of_service;
        reads
            .into_iter()
            .chain(holds)
            .chain([self.who_at])
            .filter(move |_| in_service)
    }
}

impl Item {
    pub(super) fn retry_at(&self) -> Option<Duration> {
        match self.state {
            State::Refused { again_at, .. } => Some(again_at),
            _ => None,
        }
    }

    pub(super) fn node(&self) -> Option<&Node> {
        match &self.state {
            State::Found(node) | State::Watched(node) => Some(node),
            _ => None,
        }
    }
}

impl ServerLink {
    /// Takes in one equipment: its items, and the subscriptions they are watched in.
    pub(super) fn add(&mut self, asked: AskedNodes, at: Duration) {
        let place = self.stations.len();
        let nodes = asked.hearing.nodes().clone();
        let first = self.items.len();
        for item in &nodes.items {
            self.items.push(Item {
                station: place,
                id: item.id,
                role: item.role,
                state: State::Wanted,
            });
        }
        let gives = nodes.items.iter().filter(|item| item.role != Role::Values);
        let mut gives: std::collections::BTreeSet<String> =
            gives.flat_map(|item| item.names.clone()).collect();
        if nodes.items.iter().any(|item| item.role == Role::Identity) {
            gives.insert(SERIAL_NUMBER.to_owned());
        }
        // only what is known can be missed; what its driver cannot say is not waited for
        gives.retain(|name| asked.known.contains_key(name));
        let reading = nodes.asking.how == How::Reading;
        if !reading {
            let watched: Vec<usize> = (first..self.items.len())
                .filter(|item| self.items[*item].role != Role::Identity)
                .collect();
            let most = nodes.asking.items_per_subscription.unwrap_or(usize::MAX).max(1);
            for part in watched.chunks(most) {
                self.subscriptions.push(Subscription::new(
                    place,
                    part.to_vec(),
                    &nodes.asking,
                    asked.every,
                ));
            }
        }
        self.stations.push(Station {
            identity: Identity::giving(gives, asked.known.clone(), asked.doubt),
            last: HashMap::new(),
            proven: None,
            heard: None,
            slots: Slots::new(asked.every, at),
            reads: reading.then(|| Slots::new(nodes.asking.publish, at)),
            who_at: at,
            refused: Vec::new(),
            revised: Vec::new(),
            asked,
        });
    }

    /// What an item is asked by, once its node is known.
    pub(super) fn target(&self, item: usize) -> Option<Target> {
        let item = &self.items[item];
        let range = self.wanted(item).and_then(|wanted| wanted.range.clone());
        item.node().map(|node| Target::value(node.clone(), range))
    }

    pub(super) fn wanted(&self, item: &Item) -> Option<&driver::nodes::Item> {
        self.stations[item.station].asked.hearing.nodes().item(item.id)
    }

    pub(super) fn per_call(&self, station: usize) -> usize {
        self.stations[station]
            .asked
            .hearing
            .nodes()
            .asking
            .items_per_call
            .clamp(1, 10_000)
    }

    /// Where an item's address leads: a node at once, or a start and the names from there.
    pub(super) fn placed(&self, item: usize) -> Result<(Node, Vec<(u16, String)>), u32> {
        let item = &self.items[item];
        let station = &self.stations[item.station];
        let Some(wanted) = self.wanted(item) else {
            return Err(NO_SUCH_NODE);
        };
        let mut path = Vec::new();
        let mut base = &wanted.at.base;
        let node = loop {
            match base {
                Base::Node(name) => {
                    let namespace = self.namespace(item.station, name.namespace.as_deref())?;
                    let id = node_name(&name.identifier).ok_or(NO_SUCH_NODE)?;
                    break Node { namespace, id };
                }
                Base::Start(name) => {
                    if let Some((uri, id)) = station.asked.starts.get(name) {
                        let namespace = match uri {
                            None => 0,
                            Some(uri) => *self.namespaces.get(uri).ok_or(NO_SUCH_NODE)?,
                        };
                        break Node {
                            namespace,
                            id: id.clone(),
                        };
                    }
                    let starts = &station.asked.hearing.nodes().starts;
                    let start = starts.iter().find(|start| start.name == *name);
                    let at = start.and_then(|start| start.at.as_ref()).ok_or(NO_SUCH_NODE)?;
                    if path.len() > 100 {
                        return Err(NO_SUCH_NODE);
                    }
                    path.splice(0..0, at.path.iter());
                    base = &at.base;
                }
            }
        };
        path.extend(&wanted.at.path);
        let step = |step: &driver::nodes::Step| {
            Ok((
                self.namespace(item.station, step.namespace.as_deref())?,
                step.name.clone(),
            ))
        };
        Ok((node, path.into_iter().map(step).collect::<Result<_, u32>>()?))
    }

    /// The number of a namespace in this session: of the URIs a short name stands for, the first the server knows.
    fn namespace(&self, station: usize, alias: Option<&str>) -> Result<u16, u32> {
        let Some(alias) = alias else { return Ok(0) };
        let uris = self.stations[station].asked.hearing.nodes().uris(alias);
        let known = uris.iter().find_map(|uri| self.namespaces.get(uri));
        known.copied().ok_or(NO_SUCH_NODE)
    }

    /// The server does not have it, or will not give it.
    pub(super) fn refuse(&mut self, at: Moment, item: usize, status: u32, out: &mut Vec<Action>) {
        let again_at = at.elapsed + RETRY;
        let (station, id) = (self.items[item].station, self.items[item].id);
        self.items[item].state = State::Refused { status, again_at };
        let optional = self
            .wanted(&self.items[item])
            .is_some_and(|wanted| wanted.optional);
        let names = self
            .wanted(&self.items[item])
            .map(|wanted| wanted.names.join(", "));
        let heard = self.stations[station].asked.hearing.missing(id, status);
        self.heard(at, station, heard, None, out);
        let name = names.unwrap_or_default();
        if !optional && !self.stations[station].refused.contains(&name) {
            self.stations[station].refused.push(name.clone());
            let because = format!("{} ({status:08X})", status_meaning(status).because);
            self.tell_of(at, station, Change::PointRefused { name, because }, out);
        }
    }

    /// It is there after all.
    pub(super) fn accept(&mut self, at: Moment, item: usize, out: &mut Vec<Action>) {
        let station = self.items[item].station;
        let names = self
            .wanted(&self.items[item])
            .map(|wanted| wanted.names.join(", "));
        let name = names.unwrap_or_default();
        let refused = &mut self.stations[station].refused;
        if let Some(place) = refused.iter().position(|known| *known == name) {
            refused.remove(place);
            self.tell_of(at, station, Change::PointGiven { name }, out);
        }
    }

    /// Asks again for what was refused, all at once, and seldom.
    pub(super) fn retry_failed(&mut self, at: Moment, out: &mut Vec<Action>) {
        let due = |item: &Item| item.retry_at().is_some_and(|again| at.elapsed >= again);
        if !self.items.iter().any(due) {
            return;
        }
        for item in self.items.iter_mut().filter(|item| item.retry_at().is_some()) {
            item.state = State::Wanted;
        }
        self.begin_items(at, out);
    }
}

/// The standard's code for a node that is not there.
pub(super) const NO_SUCH_NODE: u32 = 0x8034_0000;

/// An identifier as drivers and configurations write it.
pub fn node_name(text: &str) -> Option<NodeName> {
    let (kind, id) = text.split_once('=')?;
    Some(match kind {
        "i" => NodeName::Number(id.parse().ok()?),
        "s" => NodeName::Text(id.to_owned()),
        "g" => NodeName::Guid(id.to_owned()),
        "b" => NodeName::Opaque(opaque(id)?),
        _ => return None,
    })
}

/// The standard's alphabet for bytes, with its padding.
fn opaque(text: &str) -> Option<Vec<u8>> {
    let plain = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
    record::b64::decode(plain.as_bytes())
}
