//! The lines that are open, one task each; a change of configuration touches only those it concerns.

use super::{link_task::LinkTask, server_task::ServerTask};
use crate::{
    config::plant::Plant,
    flow::{
        link::{
            Link, LinkOutput, Order, Plan, Standings,
            server::{ServerLink, ServerPlan},
        },
        needs::{
            Address, Clock, Links,
            server::{ServerAddress, Servers},
        },
    },
    ports::index::Index,
};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

pub(crate) struct LinkSet {
    clock: Arc<dyn Clock>,
    links: Arc<dyn Links>,
    servers: Arc<dyn Servers>,
    output: mpsc::Sender<LinkOutput>,
    running: HashMap<Place, OneLine>,
    /// Servers whose sessions are being closed: a new session waits for them, and so does the end.
    closing: Vec<(String, JoinHandle<()>)>,
    pub(super) index: Index,
}

/// A line of its own, or a server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place {
    Line(Address),
    Server(ServerAddress),
}

/// What is to run there.
enum Wanted {
    Line(Plan),
    Server(ServerPlan),
}

/// One line at work.
struct OneLine {
    name: String,
    tags: Vec<String>,
    /// Everything its plan was made from: where it differs, the line is made anew.
    shape: String,
    stop: watch::Sender<bool>,
    orders: mpsc::UnboundedSender<Order>,
    task: JoinHandle<()>,
}

impl LinkSet {
    pub(super) fn new(
        clock: Arc<dyn Clock>,
        links: Arc<dyn Links>,
        servers: Arc<dyn Servers>,
        output: mpsc::Sender<LinkOutput>,
        index: Index,
    ) -> Self {
        Self {
            clock,
            links,
            servers,
            output,
            running: HashMap::new(),
            closing: Vec::new(),
            index,
        }
    }

    /// Starts what is new, stops what is gone, restarts what changed, leaves the rest alone.
    pub(super) fn change(&mut self, plant: &Plant, standings: &Standings) {
        let mut wanted: HashMap<Place, (String, Wanted)> = HashMap::new();
        for (address, mut plan) in Plan::all(plant.equipment.values()) {
            let shape = shape(plant, plan.equipment.iter().map(|asked| asked.tag.as_str()));
            plan.as_it_stands(plant, standings);
            wanted.insert(Place::Line(address), (shape, Wanted::Line(plan)));
        }
        for (address, mut plan) in ServerPlan::all(plant) {
            let shape = shape(plant, plan.equipment.iter().map(|asked| asked.tag.as_str()));
            plan.as_it_stands(plant, standings);
            wanted.insert(Place::Server(address), (shape, Wanted::Server(plan)));
        }
        let gone: Vec<Place> = self
            .running
            .iter()
            .filter(|(place, line)| wanted.get(*place).is_none_or(|(new, _)| *new != line.shape))
            .map(|(place, _)| place.clone())
            .collect();
        for place in gone {
            if let Some(line) = self.running.remove(&place) {
                self.end(line);
            }
        }
        for (place, (shape, plan)) in wanted {
            if !self.running.contains_key(&place) {
                let line = self.begin(&place, shape, plan);
                self.running.insert(place, line);
            }
        }
    }

    fn begin(&mut self, place: &Place, shape: String, wanted: Wanted) -> OneLine {
        let (stop, stopped) = watch::channel(false);
        let (orders, told) = mpsc::unbounded_channel();
        let now = self.clock.elapsed();
        let (name, tags, task) = match (place, wanted) {
            (Place::Server(address), Wanted::Server(plan)) => {
                let name = plan.name.clone();
                let tags = plan.equipment.iter().map(|asked| asked.tag.clone()).collect();
                let task = ServerTask {
                    clock: self.clock.clone(),
                    servers: self.servers.clone(),
                    address: address.clone(),
                    link: ServerLink::new(plan, now),
                    output: self.output.clone(),
                    orders: told,
                    stop: stopped,
                };
                let before = self.closing.iter().position(|(url, _)| *url == name);
                let before = before.map(|at| self.closing.remove(at).1);
                let task = tokio::spawn(async move {
                    // one session per server: the old one ends first
                    if let Some(before) = before {
                        let _ = before.await;
                    }
                    task.run().await;
                });
                (name, tags, task)
            }
            (Place::Line(address), Wanted::Line(plan)) => {
                let name = plan.name.clone();
                let tags = plan.equipment.iter().map(|asked| asked.tag.clone()).collect();
                let task = LinkTask {
                    clock: self.clock.clone(),
                    links: self.links.clone(),
                    address: address.clone(),
                    link: Link::new(plan, now),
                    output: self.output.clone(),
                    orders: told,
                    stop: stopped,
                };
                (name, tags, tokio::spawn(task.run()))
            }
            _ => (String::new(), Vec::new(), tokio::spawn(async {})),
        };
        OneLine {
            name,
            tags,
            shape,
            stop,
            orders,
            task,
        }
    }

    fn end(&mut self, line: OneLine) {
        line.stop.send_replace(true);
        self.closing.retain(|(_, task)| !task.is_finished());
        self.closing.push((line.name, line.task));
    }

    /// Ends the sessions with all servers and begins them anew: what is trusted has changed.
    pub(super) fn renew_servers(&mut self) {
        for (place, line) in &self.running {
            if matches!(place, Place::Server(_)) {
                // holds because a server whose task ended has no session
                let _ = line.orders.send(Order::Renew);
            }
        }
    }

    /// Everything on the line of this equipment, or on the line of this name; nothing where there is none.
    pub(super) fn on_the_line_of(&self, tag_or_port: &str) -> Option<(String, Vec<String>)> {
        let line = self
            .running
            .values()
            .find(|line| line.name == tag_or_port || line.tags.iter().any(|tag| tag == tag_or_port))?;
        Some((line.name.clone(), line.tags.clone()))
    }

    /// Tells the line of this equipment something a person said.
    pub(super) fn tell(&self, tag: &str, order: Order) {
        if let Some(line) = self
            .running
            .values()
            .find(|line| line.tags.iter().any(|known| known == tag))
        {
            // holds because a line that ended is started again as the record says it stands
            let _ = line.orders.send(order);
        }
    }

    /// Stops all of them, and gives the servers two seconds to end their sessions.
    pub(super) async fn stop_all(&mut self) {
        let all: Vec<OneLine> = self.running.drain().map(|(_, line)| line).collect();
        for line in all {
            self.end(line);
        }
        let closing = std::mem::take(&mut self.closing);
        let closed = async {
            for (_, task) in closing {
                // holds because a task that failed has nothing open any more
                let _ = task.await;
            }
        };
        let _ = tokio::time::timeout(CLOSED_WITHIN, closed).await;
    }
}

/// Sessions are ended within this time, or the servers have to do it.
const CLOSED_WITHIN: Duration = Duration::from_millis(2500);

/// Everything a plan is made from: where it differs, the line is made anew.
fn shape<'t>(plant: &Plant, tags: impl Iterator<Item = &'t str>) -> String {
    let equipment = tags.filter_map(|tag| plant.equipment.get(tag));
    equipment
        .map(|equipment| format!("{equipment:?}"))
        .collect::<Vec<_>>()
        .join("\n")
}
