//! Values of nodes come in, readings go out. What one delivery holds is judged together: a flag that came with a
//! weight speaks about that weight, and a weight is never judged by a flag that has already changed beside it.

use super::{
    Group, Item, ItemId, Json, MemberIs, NodeData, NodeValue, Nodes, Pick, field_of, lost_values, node_value,
    read_json, status_meaning,
    units::{range_said, unit_said},
};
use crate::{
    driver::{Driver, Measure, ReadRole, Speaks},
    meaning::{Doubt, Field, Fields, UnitFrom, judge},
};
use record::{Answer, Failure, Quality, Stamp, Unit};
use std::{fmt::Write, sync::Arc};

/// One reading out of one or several nodes.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeReading {
    /// The point.
    pub measure: Arc<str>,
    /// In the record's words.
    pub answer: Answer,
    /// How it failed, if it failed.
    pub failure: Option<Failure>,
    /// The status code of the node the value is in, all 32 bits.
    pub status: u32,
    /// When the source made what is new in it.
    pub source_time: Option<Stamp>,
    /// When the server last knew it.
    pub server_time: Option<Stamp>,
    /// Every node it was made of, as it came: JSON, a sample's own form.
    pub raw: String,
}

/// What one delivery gave.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NodeHeard {
    /// In the order of their times.
    pub readings: Vec<NodeReading>,
    /// The serial number, when the delivery held one.
    pub identity: Option<String>,
    /// What it says about itself and how it is set, by name: what must not change unseen.
    pub says: Vec<(String, String)>,
    /// Nodes of which the server threw values away because nobody fetched them: a gap each.
    pub lost: Vec<ItemId>,
}

/// What is known of the nodes of one instrument, and what it means.
///
/// ```
/// use driver::nodes::{NodeData, NodeHearing, NodeValue, Scalar};
/// let text = r#"
/// format = 1
/// [driver]
/// name = "one-value"
/// edition = 1
/// title = "One value"
/// maker = "Example"
/// speaks = "opc-ua"
/// evidence = "draft"
/// [opc_ua]
/// namespaces = { plant = "urn:example:plant" }
/// [[nodes]]
/// points = [ { node = "plant;s=Temperature", measure = "temperature", is = "float64", unit = "°C" } ]
/// "#;
/// let driver = driver::Driver::parse(text, "one-value.toml").unwrap();
/// let mut hearing = NodeHearing::new(&driver).unwrap();
/// let item = hearing.nodes().items[0].id;
/// let heard = hearing.hear(&[(item, NodeValue::of(NodeData::Scalar(Scalar::Double(72.4))))]);
/// assert_eq!(heard.readings[0].answer.to_string(), "72.4 °C");
/// ```
#[derive(Debug, Clone)]
pub struct NodeHearing {
    nodes: Arc<Nodes>,
    judged: Arc<[Judged]>,
    told: Arc<[Told]>,
    /// Which measures need an item, and which statements are made from it.
    of_item: Arc<[(Vec<u32>, Vec<u32>)]>,
    known: Vec<Known>,
    /// The step in which an item last changed, and a measure was last judged.
    changed: Vec<u64>,
    judged_in: Vec<u64>,
    step: u64,
}

#[derive(Debug, Clone, PartialEq)]
enum Known {
    NotYet,
    /// The server does not have it, or will not give it.
    Missing(u32),
    Value(NodeValue),
}

/// One measure and everything it is judged by.
#[derive(Debug)]
struct Judged {
    name: Arc<str>,
    measure: Measure,
    doubts: Vec<Doubt>,
    /// What must come in the same delivery.
    together: Vec<ItemId>,
    /// Its own field first.
    needs: Vec<Need>,
    unit_at: Option<ItemId>,
    range_at: Option<(ItemId, f64, f64)>,
}

#[derive(Debug)]
struct Need {
    name: Arc<str>,
    pick: Pick,
    optional: bool,
}

/// Something the instrument says about itself.
#[derive(Debug)]
struct Told {
    name: Arc<str>,
    pick: Pick,
}

impl Judged {
    fn items(&self) -> impl Iterator<Item = ItemId> {
        let checks = [self.unit_at, self.range_at.map(|(item, ..)| item)];
        self.needs
            .iter()
            .map(|need| need.pick.item)
            .chain(checks.into_iter().flatten())
    }
}

impl NodeHearing {
    /// Begins to listen; `None` for a driver that does not speak OPC UA.
    pub fn new(driver: &Driver) -> Option<Self> {
        let Speaks::Nodes(nodes) = &driver.speaks else {
            return None;
        };
        let judged: Vec<Judged> = nodes
            .groups
            .iter()
            .flat_map(|group| {
                group
                    .measures
                    .iter()
                    .filter_map(|measure| judged(nodes, group, measure))
            })
            .collect();
        let told: Vec<Told> = nodes
            .groups
            .iter()
            .filter(|group| group.role != ReadRole::Values)
            .flat_map(|group| &group.points)
            .map(|point| Told {
                name: point.name.clone(),
                pick: point.pick.clone(),
            })
            .collect();
        let mut of_item = vec![(Vec::new(), Vec::new()); nodes.items.len()];
        for (at, judged) in judged.iter().enumerate() {
            for item in judged.items() {
                let measures: &mut Vec<u32> = &mut of_item[item.0 as usize].0;
                if measures.last() != Some(&(at as u32)) {
                    measures.push(at as u32);
                }
            }
        }
        for (at, told) in told.iter().enumerate() {
            of_item[told.pick.item.0 as usize].1.push(at as u32);
        }
        Some(Self {
            known: vec![Known::NotYet; nodes.items.len()],
            changed: vec![0; nodes.items.len()],
            judged_in: vec![0; judged.len()],
            nodes: nodes.clone(),
            judged: judged.into(),
            told: told.into(),
            of_item: of_item.into(),
            step: 0,
        })
    }

    /// What is asked for.
    pub fn nodes(&self) -> &Nodes {
        &self.nodes
    }

    /// After a new session: nothing that was known holds any more.
    pub fn forget(&mut self) {
        self.known.fill(Known::NotYet);
    }

    /// Nodes of which neither a value nor a refusal has come yet.
    pub fn waiting(&self) -> impl Iterator<Item = &Item> {
        let known = self.nodes.items.iter().zip(&self.known);
        known
            .filter(|(_, known)| **known == Known::NotYet)
            .map(|(item, _)| item)
    }

    /// A node the server does not have or will not give: its own readings are bad with the reason, the others
    /// go on. Where the driver says that it may be missing, sentences about it see that.
    pub fn missing(&mut self, item: ItemId, status: u32) -> NodeHeard {
        let mut heard = NodeHeard::default();
        self.step += 1;
        if self.put(item, Known::Missing(status)) {
            self.settle(&[item], &mut heard);
        }
        heard
    }

    /// One delivery: a notification of a subscription, or the answer to one read.
    pub fn hear(&mut self, delivery: &[(ItemId, NodeValue)]) -> NodeHeard {
        let mut heard = NodeHeard::default();
        let mut from = 0;
        let order = self.in_time(delivery);
        let value = |at: usize| &delivery[order.as_ref().map_or(at, |order| order[at])];
        // a step ends where one node would be in it twice
        while from < delivery.len() {
            self.step += 1;
            let mut changed = Vec::new();
            while from < delivery.len() {
                let (item, value) = value(from);
                let place = item.0 as usize;
                if self.changed.get(place) == Some(&self.step) {
                    break;
                }
                from += 1;
                if lost_values(value.status) && !heard.lost.contains(item) {
                    heard.lost.push(*item);
                }
                if self.put(*item, Known::Value(value.clone())) {
                    changed.push(*item);
                }
            }
            self.settle(&changed, &mut heard);
        }
        heard
    }

    /// The order of the sources' times, where a node comes more than once and all have one; else as they came.
    fn in_time(&mut self, delivery: &[(ItemId, NodeValue)]) -> Option<Vec<usize>> {
        self.step += 1;
        let mut twice = false;
        for (item, _) in delivery {
            if let Some(step) = self.changed.get_mut(item.0 as usize) {
                twice |= *step == self.step;
                *step = self.step;
            }
        }
        let timed = delivery.iter().all(|(_, value)| value.source_time.is_some());
        (twice && timed).then(|| {
            let mut order: Vec<usize> = (0..delivery.len()).collect();
            order.sort_by_key(|at| delivery[*at].1.source_time);
            order
        })
    }

    fn put(&mut self, item: ItemId, known: Known) -> bool {
        let place = item.0 as usize;
        match self.known.get_mut(place) {
            Some(old) => {
                *old = known;
                self.changed[place] = self.step;
                true
            }
            None => false,
        }
    }

    fn settle(&mut self, changed: &[ItemId], heard: &mut NodeHeard) {
        let (judged, of_item) = (self.judged.clone(), self.of_item.clone());
        for item in changed {
            let (measures, told) = &of_item[item.0 as usize];
            for at in told {
                self.tell(&self.told[*at as usize], heard);
            }
            for at in measures {
                if std::mem::replace(&mut self.judged_in[*at as usize], self.step) != self.step {
                    heard.readings.extend(self.reading(&judged[*at as usize]));
                }
            }
        }
    }

    fn known(&self, item: ItemId) -> &Known {
        &self.known[item.0 as usize]
    }

    fn tell(&self, told: &Told, heard: &mut NodeHeard) {
        let Known::Value(value) = self.known(told.pick.item) else {
            return;
        };
        if status_meaning(value.status).quality == Quality::Bad {
            return;
        }
        if let Ok(field) = field_of(&value.data, &told.pick, &self.nodes.structures) {
            let said = crate::conversation::in_words(&field);
            if &*told.name == "serial_number" {
                heard.identity = Some(said.clone());
            }
            heard.says.push((told.name.to_string(), said));
        }
    }

    /// The reading of one measure; `None` while a node it needs has not been heard of.
    fn reading(&self, judged: &Judged) -> Option<NodeReading> {
        if judged.items().any(|item| *self.known(item) == Known::NotYet) {
            return None;
        }
        let own = judged.needs.first()?;
        let mut fields = Fields::newer(judged.needs.len() + 1);
        let mut bad: Option<String> = None;
        let mut uncertain: Option<String> = None;
        let mut failure = None;
        for (place, need) in judged.needs.iter().enumerate() {
            match self.known(need.pick.item) {
                // of a measure itself nothing is left; of what judges it, sentences may say what that means
                Known::Missing(_) if need.optional && place > 0 => fields.push(&need.name, Field::Missing),
                Known::Missing(status) => {
                    let meaning = status_meaning(*status);
                    bad.get_or_insert(meaning.because);
                    failure = failure.or(meaning.failure);
                }
                Known::Value(value) => {
                    let (quality, because, how) = self.meaning(value.status);
                    match quality {
                        Quality::Bad => {
                            bad.get_or_insert(because);
                            failure = failure.or(how);
                            continue;
                        }
                        Quality::Uncertain => {
                            uncertain.get_or_insert(because);
                        }
                        Quality::Good => {}
                    }
                    match field_of(&value.data, &need.pick, &self.nodes.structures) {
                        Ok(field) => fields.push(&need.name, field),
                        Err(because) => {
                            bad.get_or_insert(because);
                            failure = failure.or(Some(Failure::Unexpected));
                        }
                    }
                }
                Known::NotYet => return None,
            }
        }
        if let Some((item, low, high)) = judged.range_at {
            uncertain = uncertain.or(self.another_range(item, low, high));
        }
        if let Some(item) = judged.unit_at {
            match self.unit_of(item, judged, &mut fields) {
                Ok(doubt) => uncertain = uncertain.or(doubt),
                Err(because) => {
                    bad.get_or_insert(because);
                }
            }
        }
        if judged.together.iter().any(|item| self.is_older(*item)) {
            uncertain.get_or_insert_with(|| "not of one moment".to_owned());
        }
        let answer = match bad {
            Some(because) => Answer::Bad(because),
            None => {
                let made = judged.measure.making.make(&fields);
                let answer = judge(&judged.measure.name, made, &judged.doubts, &fields);
                match (answer, uncertain) {
                    (Answer::Good(value), Some(because)) => Answer::Uncertain(value, because),
                    (answer, _) => answer,
                }
            }
        };
        if answer.because() == Some("unexpected") {
            failure = failure.or(Some(Failure::Unexpected));
        }
        let (source_time, server_time) = self.times(judged);
        Some(NodeReading {
            measure: judged.name.clone(),
            failure: failure.filter(|_| answer.quality() == Quality::Bad),
            answer,
            status: match self.known(own.pick.item) {
                Known::Value(value) => value.status,
                Known::Missing(status) => *status,
                Known::NotYet => 0,
            },
            source_time,
            server_time,
            raw: self.raw(judged),
        })
    }

    /// The maker's meaning of a code, or the table's.
    fn meaning(&self, status: u32) -> (Quality, String, Option<Failure>) {
        if status == 0 {
            return (Quality::Good, String::new(), None);
        }
        let own = self
            .nodes
            .statuses
            .iter()
            .find(|rule| rule.code == status & 0xFFFF_0000);
        match own {
            Some(rule) => {
                let failure = (rule.quality == Quality::Bad).then_some(Failure::Refused);
                (rule.quality, rule.because.clone(), failure)
            }
            None => {
                let meaning = status_meaning(status);
                (meaning.quality, meaning.because, meaning.failure)
            }
        }
    }

    fn is_older(&self, item: ItemId) -> bool {
        let missing = matches!(self.known(item), Known::Missing(_));
        !missing && self.changed[item.0 as usize] != self.step
    }

    fn sound(&self, item: ItemId) -> Option<&NodeData> {
        match self.known(item) {
            Known::Value(value) if self.meaning(value.status).0 != Quality::Bad => Some(&value.data),
            _ => None,
        }
    }

    #[expect(
        clippy::float_cmp,
        reason = "bounds are compared as they are written, not as they are measured"
    )]
    fn another_range(&self, item: ItemId, low: f64, high: f64) -> Option<String> {
        let said = self.sound(item).and_then(|data| {
            let data = super::fields::taken_apart(data, &self.nodes.structures)?;
            range_said(&data)
        });
        match said {
            None => Some("range not checked".to_owned()),
            Some((l, h)) if l == low && h <= high && h >= high => None,
            Some(_) => Some("another range".to_owned()),
        }
    }

    /// The unit the server names: checked where the driver knows it, taken where the driver lists several.
    fn unit_of(&self, item: ItemId, judged: &Judged, fields: &mut Fields) -> Result<Option<String>, String> {
        let said: Option<Unit> = self.sound(item).and_then(|data| {
            let data = super::fields::taken_apart(data, &self.nodes.structures)?;
            unit_said(&data)
        });
        match (&judged.measure.making.unit, said, self.sound(item).is_some()) {
            (Some(UnitFrom::Fixed(unit)), Some(said), _) if *unit == said => Ok(None),
            (Some(UnitFrom::Fixed(_)), _, true) => Ok(Some("another unit".to_owned())),
            (Some(UnitFrom::Fixed(_)), _, false) => Ok(Some("unit not checked".to_owned())),
            (Some(UnitFrom::Words(words)), Some(said), _) if words.iter().any(|(_, unit)| *unit == said) => {
                fields.put("unit", Field::Text(said.ucum().as_bytes().to_vec()));
                Ok(None)
            }
            _ => Err("unknown unit".to_owned()),
        }
    }

    /// The time of what is new: the value's own, where it is new, else the newest of what changed beside it.
    fn times(&self, judged: &Judged) -> (Option<Stamp>, Option<Stamp>) {
        let new = |item: ItemId| match self.known(item) {
            Known::Value(value) if self.changed[item.0 as usize] == self.step => Some(value),
            _ => None,
        };
        if let Some(value) = judged.needs.first().and_then(|own| new(own.pick.item)) {
            return (value.source_time, value.server_time);
        }
        let values = || judged.items().filter_map(new);
        (
            values().filter_map(|value| value.source_time).max(),
            values().filter_map(|value| value.server_time).max(),
        )
    }

    fn raw(&self, judged: &Judged) -> String {
        let mut raw = String::with_capacity(128 * judged.needs.len());
        let mut seen: Vec<ItemId> = Vec::with_capacity(judged.needs.len() + 2);
        raw.push('{');
        for item in judged.items() {
            if seen.contains(&item) {
                continue;
            }
            if !seen.is_empty() {
                raw.push(',');
            }
            seen.push(item);
            let names = &self.nodes.items[item.0 as usize].names;
            super::value::quoted(names.first().map_or("", String::as_str), &mut raw);
            raw.push(':');
            match self.known(item) {
                Known::Value(value) => value.write_raw(&mut raw),
                Known::Missing(status) => {
                    let _ = write!(raw, "{{\"missing\":\"{status:08X}\"}}"); // writing into a string never fails
                }
                Known::NotYet => raw.push_str("null"),
            }
        }
        raw.push('}');
        raw
    }
}

fn judged(nodes: &Nodes, group: &Group, measure: &Measure) -> Option<Judged> {
    let own = group.points.iter().find(|point| point.span == measure.span)?;
    let doubts: Vec<Doubt> = group
        .doubts
        .iter()
        .filter(|doubt| doubt.about.contains(&measure.name))
        .cloned()
        .collect();
    let mut names: Vec<&str> = vec![&own.name];
    let asked = doubts.iter().flat_map(|doubt| {
        doubt
            .when
            .fields()
            .chain(crate::meaning::named_in(&doubt.because))
    });
    for name in measure.making.fields().into_iter().chain(asked) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let settings = nodes
        .groups
        .iter()
        .filter(|other| other.role == ReadRole::Settings);
    let needs = names.iter().filter_map(|name| {
        let mut points = group
            .points
            .iter()
            .chain(settings.clone().flat_map(|group| &group.points));
        let point = points.find(|point| *point.name == **name)?;
        Some(Need {
            name: point.name.clone(),
            pick: point.pick.clone(),
            optional: point.optional,
        })
    });
    Some(Judged {
        name: own.name.clone(),
        needs: needs.collect(),
        measure: measure.clone(),
        doubts,
        together: if group.together {
            group.points.iter().map(|point| point.pick.item).collect()
        } else {
            Vec::new()
        },
        unit_at: own.unit_at,
        range_at: own.range_at,
    })
}

/// What a sample's JSON gives: one delivery, or a list of them.
pub(crate) fn sample_readings(driver: &Driver, hear: &str) -> Result<Vec<(String, String)>, String> {
    let mut hearing = NodeHearing::new(driver).ok_or("this driver does not speak OPC UA")?;
    let deliveries = match read_json(hear)? {
        Json::List(deliveries) => deliveries,
        one => vec![one],
    };
    let mut gave = Vec::new();
    let mut first = true;
    for delivery in deliveries {
        let Json::Object(named) = delivery else {
            return Err("a delivery is written as { \"point\": { \"value\": … }, … }".to_owned());
        };
        let mut values: Vec<(ItemId, NodeValue)> = Vec::new();
        let mut heard = Vec::new();
        for (name, json) in &named {
            let of = |item: &&Item| item.names.contains(name);
            let item = hearing
                .nodes
                .items
                .iter()
                .find(of)
                .ok_or_else(|| nobody(&hearing.nodes, name))?
                .clone();
            match json {
                Json::Object(fields) if fields.iter().any(|(name, _)| name == "missing") => {
                    let status = match fields.as_slice() {
                        [(_, Json::Text(code))] => super::json::status(code)?,
                        _ => return Err(format!("{name}: `missing` stands alone, with a status code")),
                    };
                    heard.push(hearing.missing(item.id, status));
                }
                Json::List(several) => {
                    for one in several {
                        values.push((item.id, value_of(one, &item, &hearing.nodes, name)?));
                    }
                }
                one => values.push((item.id, value_of(one, &item, &hearing.nodes, name)?)),
            }
        }
        if std::mem::take(&mut first) {
            // a server of this kind may lack what the driver calls optional
            let absent: Vec<ItemId> = hearing
                .nodes
                .items
                .iter()
                .filter(|item| item.optional)
                .map(|item| item.id)
                .collect();
            for id in absent
                .into_iter()
                .filter(|id| values.iter().all(|(other, _)| other != id))
            {
                if *hearing.known(id) == Known::NotYet {
                    heard.push(hearing.missing(id, 0x8034_0000));
                }
            }
        }
        heard.push(hearing.hear(&values));
        for heard in heard {
            let readings = heard.readings.into_iter();
            gave.extend(readings.map(|reading| (reading.measure.to_string(), reading.answer.to_string())));
            gave.extend(heard.says);
        }
    }
    Ok(gave)
}

fn value_of(json: &Json, item: &Item, nodes: &Nodes, name: &str) -> Result<NodeValue, String> {
    let expected: &MemberIs = &item.expected;
    if let Json::Text(text) = json {
        let said = super::units::said(text).filter(|_| matches!(item.expected, MemberIs::Structure(_)));
        return said
            .map(NodeValue::of)
            .ok_or_else(|| format!("{name}: {text:?} is neither a unit nor a range"));
    }
    node_value(json, expected, &nodes.structures).map_err(|wrong| format!("{name}: {wrong}"))
}

fn nobody(nodes: &Nodes, name: &str) -> String {
    let names: Vec<&str> = nodes
        .items
        .iter()
        .flat_map(|item| &item.names)
        .map(String::as_str)
        .collect();
    format!(
        "no node of this driver is called {name:?}; known: {}",
        names.join(", ")
    )
}
