//! From the plant to its servers: equipment behind one server shares one session.

use super::node_name;
use crate::{
    config::{
        plant::{self, Equipment, WhenOver},
        server::OpcServer,
    },
    flow::{
        link::{Facts, SERIAL_NUMBER, Standings},
        needs::server::{NodeName, ServerAddress},
    },
};
use driver::nodes::NodeHearing;
use std::{collections::BTreeMap, time::Duration};

/// What is asked of one server.
#[derive(Debug)]
pub struct ServerPlan {
    /// As people name it: its URL.
    pub name: String,
    pub equipment: Vec<AskedNodes>,
    pub lent: bool,
    /// Makes waiting times differ between servers.
    pub seed: u64,
}

/// One equipment behind the server.
#[derive(Debug)]
pub struct AskedNodes {
    pub tag: String,
    pub hearing: NodeHearing,
    /// Where the driver's paths begin in this plant: by name, namespace URI and identifier.
    pub starts: BTreeMap<String, (Option<String>, NodeName)>,
    /// How often a value that does not change is a reading.
    pub every: Duration,
    pub known: Facts,
    pub doubt: Option<&'static str>,
    pub out_of_service: bool,
    /// Measures it gives; silent when the server is.
    pub measures: Vec<String>,
}

impl ServerPlan {
    /// Every server of a plant, with how it is reached.
    pub fn all(plant: &plant::Plant) -> Vec<(ServerAddress, Self)> {
        let mut servers: Vec<(ServerAddress, Self)> = Vec::new();
        for equipment in plant.equipment.values() {
            let plant::Link::OpcUa(server) = &equipment.link else {
                continue;
            };
            let Some(asked) = asked(equipment) else { continue };
            match servers.iter_mut().find(|(known, _)| known.url == server.url) {
                Some((_, plan)) => plan.equipment.push(asked),
                None => servers.push((
                    address(plant, server),
                    Self {
                        name: server.url.clone(),
                        equipment: vec![asked],
                        lent: false,
                        seed: 0,
                    },
                )),
            }
        }
        for (place, (_, plan)) in servers.iter_mut().enumerate() {
            plan.seed = place as u64 + 101;
        }
        servers
    }

    /// What the record says of its equipment: known, in doubt, out of service, lent.
    pub fn as_it_stands(&mut self, plant: &plant::Plant, standings: &Standings) {
        for asked in &mut self.equipment {
            let standing = standings.of(&asked.tag);
            let configured = plant.equipment.get(&asked.tag);
            let configured = configured.and_then(|equipment| equipment.serial_number.as_deref());
            asked.known = standing.expected(configured);
            asked.doubt = standing.doubt.map(|doubt| doubt.because);
            asked.out_of_service = standing.out.is_some();
            self.lent |= standing.lent.is_some();
        }
    }
}

/// How a server of this plant is reached.
pub fn address(plant: &plant::Plant, server: &OpcServer) -> ServerAddress {
    ServerAddress {
        url: server.url.clone(),
        security: server.security,
        identity: server.identity.clone(),
        pki: plant.gateway.trust.clone(),
        application: application(&plant.gateway.name),
        over_goes_on: plant.gateway.when_certificate_is_over == WhenOver::Exception,
    }
}

/// What a gateway calls itself to a server.
pub fn application(gateway: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || c == '-' || c == '_' {
            c
        } else {
            '-'
        }
    };
    format!("urn:steelyard:{}", gateway.chars().map(plain).collect::<String>())
}

fn asked(equipment: &Equipment) -> Option<AskedNodes> {
    let plant::Link::OpcUa(server) = &equipment.link else {
        return None;
    };
    let known = equipment.serial_number.iter();
    Some(AskedNodes {
        tag: equipment.tag.clone(),
        hearing: NodeHearing::new(&equipment.driver)?,
        starts: server
            .starts
            .iter()
            .filter_map(|(name, start)| {
                let id = node_name(&start.identifier)?;
                Some((name.clone(), (start.namespace.clone(), id)))
            })
            .collect(),
        every: equipment.every,
        known: known
            .map(|number| (SERIAL_NUMBER.to_owned(), number.clone()))
            .collect(),
        doubt: None,
        out_of_service: false,
        measures: equipment
            .driver
            .points()
            .into_iter()
            .map(|point| point.measure)
            .collect(),
    })
}
