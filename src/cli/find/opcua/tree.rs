//! What lies below a node: names, types, units, live values. Bounded in depth and number; the server's own
//! housekeeping is left out.

use super::{Talk, Wish};
use crate::{
    cli::{find::Progress, say},
    flow::{
        link::server::node_name,
        needs::server::{Below, Call, Node, NodeName, Problem, Reply, Target},
    },
};
use driver::nodes::{NodeData, NodeValue, Scalar, unit_of_unece_id};
use serde_json::json;
use std::collections::HashSet;

/// So many nodes are shown.
const MOST: usize = 2_000;
/// `Objects`, and the server's own object below it.
const OBJECTS: u32 = 85;
const SERVER: u32 = 2253;

/// One node on the way down.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) deep: usize,
    pub(super) name: String,
    /// `nsu=…;s=…`
    pub(super) address: String,
    pub(super) value: Option<NodeValue>,
    pub(super) unit: Option<String>,
    pub(super) is_variable: bool,
}

/// Goes down from where the wish says.
pub(super) async fn walk(talk: &mut Talk, wish: &Wish, progress: &Progress) -> Result<Vec<Found>, Problem> {
    let start = match &wish.from {
        None => Node::standard(OBJECTS),
        Some(start) => Node {
            namespace: match &start.namespace {
                None => 0,
                Some(uri) => talk
                    .uris
                    .iter()
                    .position(|known| known == uri)
                    .and_then(|at| u16::try_from(at).ok())
                    .unwrap_or(0),
            },
            id: node_name(&start.identifier).unwrap_or(NodeName::Number(OBJECTS)),
        },
    };
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut to_do = vec![(start, 0)];
    while let Some((node, deep)) = to_do.pop() {
        if deep >= wish.depth || found.len() >= MOST || !seen.insert(node.clone()) {
            continue;
        }
        progress.says(&format!("{} nodes", found.len()));
        let below = match talk.ask(Call::Browse(node)).await {
            Ok(Reply::Browsed(below)) => below,
            // a branch that is closed to us is no reason to stop
            Ok(_) => continue,
            Err(problem) if problem.status != 0 && found.len() > 1 => continue,
            Err(problem) => return Err(problem),
        };
        let below: Vec<Below> = below
            .into_iter()
            .filter(|below| below.node != Node::standard(SERVER))
            .collect();
        let units = units(talk, &below).await;
        let values = values(talk, &below).await;
        let mut deeper = Vec::new();
        for ((below, value), unit) in below.into_iter().zip(values).zip(units) {
            // properties are told with the variable they belong to
            if matches!(
                below.name.1.as_str(),
                "EngineeringUnits" | "EURange" | "InstrumentRange"
            ) {
                continue;
            }
            found.push(Found {
                deep,
                name: below.shown.clone(),
                address: address(&below.node, &talk.uris),
                is_variable: below.class == 2,
                value,
                unit,
            });
            deeper.push((below.node, deep + 1, found.len()));
        }
        to_do.extend(deeper.into_iter().rev().map(|(node, deep, _)| (node, deep)));
    }
    Ok(found)
}

async fn values(talk: &mut Talk, below: &[Below]) -> Vec<Option<NodeValue>> {
    let variables: Vec<usize> = (0..below.len()).filter(|at| below[*at].class == 2).collect();
    let mut all = vec![None; below.len()];
    for part in variables.chunks(100) {
        let targets = part
            .iter()
            .map(|at| Target::value(below[*at].node.clone(), None))
            .collect();
        if let Ok(Reply::Values(values)) = talk.ask(Call::Read(targets)).await {
            for (at, value) in part.iter().zip(values) {
                all[*at] = Some(value);
            }
        }
    }
    all
}

/// The unit of each variable, where it says one.
async fn units(talk: &mut Talk, below: &[Below]) -> Vec<Option<String>> {
    let mut all = vec![None; below.len()];
    let variables: Vec<usize> = (0..below.len()).filter(|at| below[*at].class == 2).collect();
    for part in variables.chunks(100) {
        let path = |at: &usize| (below[*at].node.clone(), vec![(0, "EngineeringUnits".to_owned())]);
        let Ok(Reply::Found(found)) = talk.ask(Call::Find(part.iter().map(path).collect())).await else {
            continue;
        };
        let there: Vec<(usize, Node)> = part
            .iter()
            .zip(found)
            .filter_map(|(at, node)| Some((*at, node.ok()?)))
            .collect();
        if there.is_empty() {
            continue;
        }
        let targets = there
            .iter()
            .map(|(_, node)| Target::value(node.clone(), None))
            .collect();
        if let Ok(Reply::Values(values)) = talk.ask(Call::Read(targets)).await {
            for ((at, _), value) in there.iter().zip(values) {
                all[*at] = unit_said(&value.data);
            }
        }
    }
    all
}

fn unit_said(data: &NodeData) -> Option<String> {
    let NodeData::Structure(fields) = data else {
        return None;
    };
    let field = |name: &str| {
        fields
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, data)| data)
    };
    if let Some(NodeData::Scalar(Scalar::Int32(id))) = field("UnitId")
        && let Some(unit) = unit_of_unece_id(*id)
    {
        return Some(unit.shown().to_owned());
    }
    match field("DisplayName") {
        Some(NodeData::Scalar(Scalar::LocalizedText(text))) if !text.is_empty() => Some(text.clone()),
        _ => None,
    }
}

/// As drivers and configurations write it.
fn address(node: &Node, uris: &[String]) -> String {
    let id = match &node.id {
        NodeName::Number(number) => format!("i={number}"),
        NodeName::Text(text) => format!("s={text}"),
        NodeName::Guid(text) => format!("g={text}"),
        NodeName::Opaque(bytes) => format!("b={}", record::b64::encode(bytes)),
    };
    match uris.get(usize::from(node.namespace)) {
        Some(uri) if node.namespace > 0 => format!("nsu={uri};{id}"),
        _ => id,
    }
}

/// One value in a line, without its times.
pub(super) fn in_words(value: &NodeValue) -> String {
    if value.status >> 30 > 1 {
        return format!(
            "{} ({:08X})",
            driver::nodes::status_meaning(value.status).because,
            value.status
        );
    }
    let raw = value.raw();
    let text = serde_json::from_str::<serde_json::Value>(&raw).map_or(raw, |raw| {
        let value = if raw["value"].is_null() {
            &raw["body"]
        } else {
            &raw["value"]
        };
        value.to_string()
    });
    let short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        format!("{short} …")
    } else {
        short
    }
}

pub(super) fn show(found: &[Found], as_json: bool) {
    for one in found {
        if as_json {
            let value = one.value.as_ref();
            say(&json!({
                "node": one.address, "name": one.name, "deep": one.deep, "variable": one.is_variable,
                "type": value.map(|value| value.data.type_name()), "unit": one.unit,
                "value": value.map(in_words), "status": value.map(|value| format!("{:08X}", value.status)),
                "source": value.and_then(|value| value.source_time).map(|time| time.to_string()),
                "server": value.and_then(|value| value.server_time).map(|time| time.to_string()),
            })
            .to_string());
            continue;
        }
        let indent = "  ".repeat(one.deep + 1);
        let line = match &one.value {
            None => format!("{indent}{}   {}", one.name, one.address),
            Some(value) => format!(
                "{indent}{}   {} {}   {}   {}",
                one.name,
                in_words(value),
                one.unit.as_deref().unwrap_or_default(),
                value.data.type_name(),
                one.address
            ),
        };
        say(&line);
    }
}
