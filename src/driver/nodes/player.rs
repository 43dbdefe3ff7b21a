//! Plays a server's nodes from their driver: what stands in each node so that a measure says this or that. It
//! listens to itself before it believes that.

use super::{
    Group, ItemId, Json, MemberIs, NodeData, NodeHearing, NodeIs, NodeValue, Nodes, Pick, Point, Scalar,
    Structure, field_of, node_value, read_json, status, units,
};
use crate::{
    driver::{Driver, Measure, Speaks},
    meaning::{Field, Fields, UnitFrom},
    registers::Is,
};
use record::{Answer, Stamp, Unit, Value};
use std::sync::Arc;

/// The nodes of one server, being played.
///
/// ```
/// let (file, text) = driver::builtin().iter().find(|(file, _)| *file == "opc-ua-scales.toml").unwrap();
/// let scale = driver::Driver::parse(text, file).unwrap();
/// let mut player = driver::nodes::NodePlayer::new(&scale).unwrap();
/// let twelve = record::Quantity::read("12.5 kg").unwrap();
/// player.set("weight", &record::Answer::Good(record::Value::Quantity(twelve))).unwrap();
/// assert!(player.set("weight", &record::Answer::Bad("overload".into())).is_ok());
/// assert!(player.set("weight", &record::Answer::Bad("broken leg".into())).is_err());
/// ```
#[derive(Debug, Clone)]
pub struct NodePlayer {
    driver: Driver,
    nodes: Arc<Nodes>,
    /// `None`: this server does not have it.
    values: Vec<Option<NodeValue>>,
}

impl NodePlayer {
    /// Everything as in the first sample that is all good; the rest at zero. `None` for a driver without nodes.
    pub fn new(driver: &Driver) -> Option<Self> {
        let Speaks::Nodes(nodes) = &driver.speaks else {
            return None;
        };
        let values = nodes
            .items
            .iter()
            .map(|item| Some(NodeValue::of(zero(&item.expected, &nodes.structures))));
        let mut player = Self {
            driver: driver.clone(),
            nodes: nodes.clone(),
            values: values.collect(),
        };
        player.units();
        player.as_sampled();
        Some(player)
    }

    /// What is asked for.
    pub fn nodes(&self) -> &Nodes {
        &self.nodes
    }

    /// What stands in a node; `None` where this server does not have it.
    pub fn value(&self, item: ItemId) -> Option<&NodeValue> {
        self.values.get(item.0 as usize)?.as_ref()
    }

    /// What stands in a node, structures as they travel. The few every server has stay as they are.
    pub fn sent(&self, item: ItemId) -> Option<NodeValue> {
        let value = self.value(item)?;
        let expected = &self.nodes.item(item)?.expected;
        Some(NodeValue {
            data: travelling(&value.data, expected, &self.nodes.structures),
            ..value.clone()
        })
    }

    /// Every node with what stands in it.
    pub fn values(&self) -> impl Iterator<Item = (ItemId, &NodeValue)> {
        let values = self.nodes.items.iter().zip(&self.values);
        values.filter_map(|(item, value)| Some((item.id, value.as_ref()?)))
    }

    /// The nodes a measure is made of: its own first.
    pub fn nodes_of(&self, measure: &str) -> Vec<ItemId> {
        let found = self.point(measure);
        found
            .map(|(_, point, _)| vec![point.pick.item])
            .unwrap_or_default()
    }

    /// From now on the measure says this. `Err` says why this kind of server never would.
    pub fn set(&mut self, measure: &str, answer: &Answer) -> Result<(), String> {
        let before = self.values.clone();
        let set = self.try_set(measure, answer);
        if set.is_err() {
            self.values = before;
        }
        set
    }

    /// The server has another unit for this measure: what a gateway must notice.
    pub fn set_unit(&mut self, measure: &str, unit: Unit) -> Result<(), String> {
        let (_, point, _) = self
            .point(measure)
            .ok_or_else(|| format!("there is no measure {measure:?}"))?;
        let item = point
            .unit_at
            .ok_or_else(|| format!("the unit of {measure} is nowhere at the server"))?;
        let data = units::said(unit.shown()).ok_or("a unit without a name")?;
        self.values[item.0 as usize] = Some(NodeValue::of(data));
        Ok(())
    }

    /// The server says this of everything: `no communication`, `not ready`, or a code by name or number; `good` again.
    pub fn set_state(&mut self, because: &str) -> Result<(), String> {
        let code = if because == "good" {
            0
        } else {
            self.code_of(because)
                .ok_or_else(|| format!("no status says {because:?}"))?
        };
        for (item, value) in self.nodes.items.iter().zip(&mut self.values) {
            if item.role == crate::Role::Values
                && let Some(value) = value
            {
                value.status = code;
            }
        }
        Ok(())
    }

    fn point(&self, measure: &str) -> Option<(&Group, &Point, &Measure)> {
        self.nodes.groups.iter().find_map(|group| {
            let found = group.measures.iter().find(|known| known.name == measure)?;
            let point = group.points.iter().find(|point| point.span == found.span)?;
            Some((group, point, found))
        })
    }

    fn code_of(&self, because: &str) -> Option<u32> {
        let own = self.nodes.statuses.iter().find(|rule| rule.because == because);
        own.map(|rule| rule.code)
            .or_else(|| super::json::status(because).ok())
            .or_else(|| status::status_saying(because))
    }

    fn try_set(&mut self, measure: &str, answer: &Answer) -> Result<(), String> {
        let nodes = self.nodes.clone();
        let (group, point, found) = nodes
            .groups
            .iter()
            .find_map(|group| {
                let found = group.measures.iter().find(|known| known.name == measure)?;
                Some((
                    group,
                    group.points.iter().find(|point| point.span == found.span)?,
                    found,
                ))
            })
            .ok_or_else(|| format!("there is no measure {measure:?}"))?;
        let points = points_of(&nodes, group);
        let mut fields = Fields::default();
        for point in &points {
            if let Some(value) = &self.values[point.pick.item.0 as usize] {
                if let Ok(field) = field_of(&value.data, &point.pick, &nodes.structures) {
                    fields.put(&point.name, field);
                }
            } else {
                fields.put(&point.name, Field::Missing);
            }
        }
        let about = |doubt: &&crate::meaning::Doubt| doubt.about.iter().any(|name| name == measure);
        for doubt in group.doubts.iter().filter(about) {
            if doubt.when.holds(&fields) != Some(false) {
                doubt.when.make(&mut fields, false);
            }
        }
        let own = point.pick.item.0 as usize;
        self.values[own]
            .get_or_insert_with(|| NodeValue::of(NodeData::None))
            .status = 0;
        if let Some(value) = answer.value() {
            self.unmake(found, point, value, &mut fields)?;
        }
        if let Some(because) = answer.because() {
            let quality = answer.quality();
            let doubt = group
                .doubts
                .iter()
                .filter(about)
                .find(|doubt| doubt.quality == quality && doubt.because == because);
            match doubt {
                Some(doubt) => doubt.when.make(&mut fields, true),
                None => {
                    let code = self
                        .code_of(because)
                        .ok_or_else(|| format!("it never says {because:?}"))?;
                    self.values[own]
                        .get_or_insert_with(|| NodeValue::of(NodeData::None))
                        .status = code;
                }
            }
        }
        for point in &points {
            self.write(point, fields.get(&point.name))?;
        }
        self.says(measure, answer)
    }

    fn unmake(
        &mut self,
        measure: &Measure,
        point: &Point,
        value: &Value,
        fields: &mut Fields,
    ) -> Result<(), String> {
        if let (Value::Quantity(quantity), Some(UnitFrom::Words(words)), Some(item)) =
            (value, &measure.making.unit, point.unit_at)
        {
            if !words.iter().any(|(_, unit)| *unit == quantity.unit) {
                return Err(format!("it never shows {}", quantity.unit));
            }
            let said = units::said(quantity.unit.shown()).ok_or("a unit without a name")?;
            self.values[item.0 as usize] = Some(NodeValue::of(said));
        }
        match (value, measure.making.words.is_empty()) {
            (Value::Text(text), true) => {
                fields.put(&measure.making.from, Field::Text(text.clone().into_bytes()));
                Ok(())
            }
            _ => {
                let is = if is_float(point) { Is::Float64 } else { Is::Int64 };
                measure.making.unmake(value, Some(is), fields)
            }
        }
    }

    /// Puts a field back into its node.
    fn write(&mut self, point: &Point, field: Option<&Field>) -> Result<(), String> {
        let item = &self.nodes.items[point.pick.item.0 as usize];
        let value = &mut self.values[point.pick.item.0 as usize];
        let field = match field {
            Some(Field::Missing) => {
                *value = None;
                return Ok(());
            }
            Some(field) => field,
            None => return Ok(()),
        };
        let value = value.get_or_insert_with(|| NodeValue::of(zero(&item.expected, &self.nodes.structures)));
        if let Some(whole) = super::fields::taken_apart(&value.data, &self.nodes.structures) {
            value.data = whole;
        }
        let place = place_in(&mut value.data, &point.pick).ok_or("a structure the driver does not know")?;
        *place = NodeData::Scalar(scalar_of(field, point.pick.is).ok_or("out of range")?);
        Ok(())
    }

    /// Whether a gateway with this driver would hear exactly that.
    fn says(&self, measure: &str, wanted: &Answer) -> Result<(), String> {
        let mut hearing = NodeHearing::new(&self.driver).ok_or("this driver has no nodes")?;
        let mut heard = Vec::new();
        for (item, value) in self.nodes.items.iter().zip(&self.values) {
            if value.is_none() {
                heard.extend(hearing.missing(item.id, 0x8034_0000).readings);
            }
        }
        let delivery: Vec<(ItemId, NodeValue)> =
            self.values().map(|(item, value)| (item, value.clone())).collect();
        heard.extend(hearing.hear(&delivery).readings);
        match heard.iter().rev().find(|reading| *reading.measure == *measure) {
            Some(reading) if reading.answer == *wanted => Ok(()),
            Some(reading) => Err(format!("it would be heard as {}", reading.answer)),
            None => Err("nothing would be heard".to_owned()),
        }
    }

    /// Units and ranges as the driver expects them.
    fn units(&mut self) {
        let nodes = self.nodes.clone();
        for group in &nodes.groups {
            for point in &group.points {
                let measure = group.measures.iter().find(|measure| measure.span == point.span);
                let units = measure
                    .and_then(|measure| measure.making.unit.as_ref())
                    .map(UnitFrom::all);
                let unit = units.unwrap_or_default().first().copied();
                if let (Some(item), Some(data)) =
                    (point.unit_at, unit.and_then(|unit| units::said(unit.shown())))
                {
                    self.values[item.0 as usize] = Some(NodeValue::of(data));
                }
                if let Some((item, low, high)) = point.range_at {
                    let data = units::said(&format!("{low} to {high}"));
                    self.values[item.0 as usize] = data.map(NodeValue::of);
                }
            }
        }
    }

    fn as_sampled(&mut self) {
        let good = |sample: &&crate::Sample| {
            sample.gives.iter().all(|(_, words)| {
                words
                    .iter()
                    .all(|words| !words.starts_with("bad: ") && !words.contains(", uncertain: "))
            })
        };
        let texts = self
            .driver
            .samples
            .iter()
            .filter(good)
            .map(|sample| String::from_utf8_lossy(&sample.hear).into_owned());
        let texts: Vec<String> = texts.collect();
        // the first sample counts most, so it is put in last
        for text in texts.iter().rev() {
            let delivery = match read_json(text) {
                Ok(Json::Object(named)) => named,
                _ => continue,
            };
            for (name, json) in delivery {
                let Some(item) = self.nodes.items.iter().find(|item| item.names.contains(&name)) else {
                    continue;
                };
                let value = match &json {
                    Json::Text(text) => units::said(text).map(NodeValue::of),
                    json => node_value(json, &item.expected, &self.nodes.structures).ok(),
                };
                if let Some(value) = value {
                    let plain = NodeValue {
                        source_time: None,
                        server_time: None,
                        status: 0,
                        ..value
                    };
                    self.values[item.id.0 as usize] = Some(plain);
                }
            }
        }
    }
}

/// The points of a group and of the settings, which its sentences may name.
fn points_of<'n>(nodes: &'n Nodes, group: &'n Group) -> Vec<&'n Point> {
    let settings = nodes
        .groups
        .iter()
        .filter(|other| other.role == crate::driver::ReadRole::Settings);
    let mut points: Vec<&Point> = group.points.iter().collect();
    points.extend(
        settings
            .flat_map(|group| &group.points)
            .filter(|point| !points_contains(group, point)),
    );
    points
}

fn points_contains(group: &Group, point: &Point) -> bool {
    group.points.iter().any(|other| other.span == point.span)
}

fn travelling(data: &NodeData, is: &MemberIs, structures: &[Structure]) -> NodeData {
    match (data, is) {
        (NodeData::Array(items), MemberIs::Array(of)) => NodeData::Array(
            items
                .iter()
                .map(|item| travelling(item, of, structures))
                .collect(),
        ),
        (NodeData::Structure(_), MemberIs::Structure(at)) if at + 2 < structures.len() => {
            let mut body = Vec::new();
            let encoded = super::body::encode(data, is, structures, &mut body);
            let structure = &structures[*at];
            match (encoded, structure.namespaces.first()) {
                (Some(()), Some(namespace)) => NodeData::Encoded {
                    namespace: namespace.clone(),
                    identifier: structure.identifier.clone(),
                    body,
                },
                _ => NodeData::None,
            }
        }
        _ => data.clone(),
    }
}

/// Nothing, of the type that is expected.
fn zero(is: &MemberIs, structures: &[Structure]) -> NodeData {
    match is {
        MemberIs::One(is) => {
            NodeData::Scalar(scalar_of(&Field::Count(0), *is).unwrap_or(Scalar::Double(0.0)))
        }
        MemberIs::Structure(at) => {
            let members = structures
                .get(*at)
                .map(|structure| structure.members.as_slice())
                .unwrap_or_default();
            let fields = members
                .iter()
                .map(|member| (member.name.clone(), zero(&member.is, structures)));
            NodeData::Structure(fields.collect())
        }
        MemberIs::Variant => NodeData::None,
        MemberIs::Array(of) => NodeData::Array(vec![zero(of, structures); 4]),
    }
}

fn place_in<'d>(data: &'d mut NodeData, pick: &Pick) -> Option<&'d mut NodeData> {
    let mut data = data;
    if let Some(element) = pick.element {
        data = match data {
            NodeData::Array(items) => items.get_mut(element)?,
            _ => return None,
        };
    }
    for name in &pick.member {
        data = match data {
            NodeData::Structure(fields) => fields
                .iter_mut()
                .find(|(known, _)| known == name)
                .map(|(_, data)| data)?,
            NodeData::Array(items) => items.get_mut(name.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(data)
}

fn scalar_of(field: &Field, is: NodeIs) -> Option<Scalar> {
    let text = match field {
        Field::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Field::Count(count) => count.to_string(),
        Field::Float { text, .. } => text.clone(),
        Field::Flag(flag) => i32::from(*flag).to_string(),
        Field::Missing => return None,
    };
    Some(match is {
        NodeIs::Boolean => Scalar::Boolean(text != "0"),
        NodeIs::Int8 => Scalar::SByte(text.parse().ok()?),
        NodeIs::Uint8 => Scalar::Byte(text.parse().ok()?),
        NodeIs::Int16 => Scalar::Int16(text.parse().ok()?),
        NodeIs::Uint16 => Scalar::UInt16(text.parse().ok()?),
        NodeIs::Int32 => Scalar::Int32(text.parse().ok()?),
        NodeIs::Uint32 => Scalar::UInt32(text.parse().ok()?),
        NodeIs::Int64 => Scalar::Int64(text.parse().ok()?),
        NodeIs::Uint64 => Scalar::UInt64(text.parse().ok()?),
        NodeIs::Float32 => Scalar::Float(text.parse().ok()?),
        NodeIs::Float64 | NodeIs::Number => Scalar::Double(text.parse().ok()?),
        NodeIs::Text => Scalar::String(text),
        NodeIs::LocalText => Scalar::LocalizedText(text),
        NodeIs::Time => Scalar::DateTime(Stamp::read(&text).unwrap_or(Stamp(0))),
    })
}

fn is_float(point: &Point) -> bool {
    matches!(point.pick.is, NodeIs::Float32 | NodeIs::Float64 | NodeIs::Number)
}
