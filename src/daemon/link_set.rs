//! The lines that are open, one task each; a change of configuration touches only those it concerns.

use super::link_task::LinkTask;
use crate::{
    config::plant::Plant,
    flow::{
        link::{Link, LinkOutput, Order, Plan, Standings},
        needs::{Address, Clock, Links},
    },
    ports::index::Index,
};
use std::{collections::HashMap, sync::Arc};
use tokio::sync::{mpsc, watch};

pub(crate) struct LinkSet {
    clock: Arc<dyn Clock>,
    links: Arc<dyn Links>,
    output: mpsc::Sender<LinkOutput>,
    running: HashMap<Address, OneLine>,
    pub(super) index: Index,
}

/// One line at work.
struct OneLine {
    name: String,
    tags: Vec<String>,
    /// Everything its plan was made from: where it differs, the line is made anew.
    shape: String,
    stop: watch::Sender<bool>,
    orders: mpsc::UnboundedSender<Order>,
}

impl LinkSet {
    pub(super) fn new(
        clock: Arc<dyn Clock>,
        links: Arc<dyn Links>,
        output: mpsc::Sender<LinkOutput>,
        index: Index,
    ) -> Self {
        Self {
            clock,
            links,
            output,
            running: HashMap::new(),
            index,
        }
    }

    /// Starts what is new, stops what is gone, restarts what changed, leaves the rest alone.
    pub(super) fn change(&mut self, plant: &Plant, standings: &Standings) {
        let mut wanted: HashMap<Address, (String, Plan)> = HashMap::new();
        for (address, mut plan) in Plan::all(plant.equipment.values()) {
            let shape = plant
                .equipment
                .values()
                .filter(|equipment| plan.equipment.iter().any(|asked| asked.tag == equipment.tag))
                .map(|equipment| format!("{equipment:?}"))
                .collect::<Vec<_>>()
                .join("\n");
            plan.as_it_stands(plant, standings);
            wanted.insert(address, (shape, plan));
        }
        self.running.retain(|address, line| {
            let same = wanted.get(address).is_some_and(|(new, _)| *new == line.shape);
            if !same {
                line.stop.send_replace(true);
            }
            same
        });
        for (address, (shape, plan)) in wanted {
            if self.running.contains_key(&address) {
                continue;
            }
            let (stop, stopped) = watch::channel(false);
            let (orders, told) = mpsc::unbounded_channel();
            let line = OneLine {
                name: plan.name.clone(),
                tags: plan.equipment.iter().map(|asked| asked.tag.clone()).collect(),
                shape,
                stop,
                orders,
            };
            let task = LinkTask {
                clock: self.clock.clone(),
                links: self.links.clone(),
                address: address.clone(),
                link: Link::new(plan, self.clock.elapsed()),
                output: self.output.clone(),
                orders: told,
                stop: stopped,
            };
            tokio::spawn(task.run());
            self.running.insert(address, line);
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

    /// Stops all of them.
    pub(super) fn stop_all(&mut self) {
        self.running
            .drain()
            .for_each(|(_, line)| _ = line.stop.send_replace(true));
    }
}
