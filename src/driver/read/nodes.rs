//! OPC UA: namespaces by URI, named starts, structures, and the nodes that are judged together.

use super::{
    making::{common, doubts, no_such, no_unit, says_unit, titled, unit_named},
    node_address::{Names, address, steps},
    registers::not_in_this_answer,
    text::{QUALITIES, measure_name, quality_with_reason},
};
use crate::{
    Complaint,
    conversation::Role,
    driver::{Measure, ReadRole, Then},
    meaning::{Making, UnitFrom},
    nodes::{
        Address, Asking, Deadband, Group, How, Item, ItemId, Member, MemberIs, Namespace, NodeIs, Nodes,
        Pick, Point, Start, StatusRule, Structure, Trigger,
    },
    pattern::is_name,
    tree::{At, Block, Desk},
};
use record::Quality;
use std::{ops::Range, time::Duration};
use toml::de::DeValue;

/// The namespace of the standard itself.
const STANDARD: &str = "http://opcfoundation.org/UA/";

pub(super) fn nodes(root: &Block<'_>) -> Option<Nodes> {
    let settings = root.block("opc_ua", "[opc_ua]");
    if settings.is_none() && !root.has("opc_ua") {
        root.missing("opc_ua");
    }
    let settings = settings?;
    let namespaces = namespaces(&settings);
    let usual = Usual {
        sampling: settings.time("sampling"),
        queue: settings.number::<u32>("queue", 1..10_001).map(|queue| queue.what),
    };
    let asking = asking(&settings);
    let statuses = statuses(&settings);
    settings.finish();
    let starts = starts(root, &namespaces);
    let structures = structures(root, &namespaces);
    let mut reader = Reader {
        names: Names {
            namespaces: &namespaces,
            starts: &starts,
        },
        structures: &structures,
        asking: &asking,
        usual,
        items: Vec::new(),
    };
    let blocks = root.blocks("nodes", "[[nodes]]");
    let groups: Vec<Group> = blocks.iter().map(|block| reader.group(block)).collect();
    let items = reader.items;
    check_groups(root.desk(), &groups);
    Some(Nodes {
        namespaces,
        starts,
        asking,
        items,
        structures,
        groups,
        statuses,
    })
}

struct Usual {
    sampling: Option<Duration>,
    queue: Option<u32>,
}

fn namespaces(settings: &Block<'_>) -> Vec<Namespace> {
    let Some(block) = settings.block("namespaces", "namespaces") else {
        return Vec::new();
    };
    let mut namespaces = Vec::new();
    for (alias, value, span) in block.names() {
        let uris: Option<Vec<String>> = match value {
            DeValue::String(uri) => Some(vec![uri.to_string()]),
            DeValue::Array(uris) => uris
                .iter()
                .map(|uri| uri.get_ref().as_str().map(str::to_owned))
                .collect(),
            _ => None,
        };
        match uris.filter(|uris| !uris.is_empty() && uris.iter().all(|uri| !uri.is_empty())) {
            Some(uris) => namespaces.push(Namespace {
                alias: alias.what,
                uris,
            }),
            None => settings.wrong_kind(&alias.what, "a URI, or a list of them", value, span),
        }
    }
    namespaces
}

fn asking(settings: &Block<'_>) -> Asking {
    let how = settings.word(
        "by",
        &[("subscription", How::Subscription), ("reading", How::Reading)],
    );
    let number = |key, range| settings.number::<u32>(key, range).map(|number| number.what);
    Asking {
        how: how.unwrap_or(How::Subscription),
        publish: settings.time("publish").unwrap_or(Duration::from_millis(500)),
        keep_alive: settings.time("keep_alive").unwrap_or(Duration::from_secs(5)),
        items_per_call: number("items_per_call", 1..100_001).unwrap_or(1000) as usize,
        items_per_subscription: number("items_per_subscription", 1..1_000_001).map(|items| items as usize),
        values_per_delivery: number("values_per_delivery", 0..1_000_001).unwrap_or_default(),
        clock_within: settings.time("clock_within").unwrap_or(Duration::from_secs(5)),
    }
}

fn statuses(settings: &Block<'_>) -> Vec<StatusRule> {
    let blocks = settings.blocks("statuses", "this status");
    let rule = |block: &Block<'_>| {
        let code = block.need_text("code");
        let quality = block.word("quality", QUALITIES);
        let because = block.text("because");
        let number = crate::nodes::status_of(&code.what);
        if let (Err(wrong), true) = (&number, block.has("code")) {
            block.desk().complain(
                Complaint::new("no-status", wrong.clone())
                    .mark(code.span, "not a status code")
                    .help(
                        "write for instance `code = \"40910000\"` or `code = \"UncertainSubstituteValue\"`",
                    ),
            );
        }
        let then = if quality == Some(Quality::Good) && because.is_none() {
            Some(Then::Gives { doubt: None })
        } else {
            quality_with_reason(block, quality, because)
        };
        block.finish();
        let (quality, because) = match then? {
            Then::Gives { doubt: None } => (Quality::Good, String::new()),
            Then::Gives { doubt: Some(because) } => (Quality::Uncertain, because),
            Then::Bad(because) => (Quality::Bad, because),
            Then::MoreFollows => return None,
        };
        Some(StatusRule {
            code: number.ok()? & 0xFFFF_0000,
            quality,
            because,
        })
    };
    blocks.iter().filter_map(rule).collect()
}

fn starts(root: &Block<'_>, namespaces: &[Namespace]) -> Vec<Start> {
    let names = Names {
        namespaces,
        starts: &[],
    };
    let blocks = root.named_blocks("start");
    let start = |(name, block): &(At<String>, Block<'_>)| {
        if !is_name(&name.what) {
            measure_name(block.desk(), name);
        }
        let title = block
            .text("title")
            .map_or_else(|| titled(&name.what), |title| title.what);
        // where nothing is said, only the plant knows
        let somewhere = block.has("node") || block.has("path");
        let at = if somewhere {
            address(block, &names)
        } else {
            block.text("node").or(block.text("path")).and(None)
        };
        block.finish();
        Start {
            name: name.what.clone(),
            title,
            at,
        }
    };
    blocks.iter().map(start).collect()
}

/// The structures of the driver, and behind them those every server has.
fn structures(root: &Block<'_>, namespaces: &[Namespace]) -> Vec<Structure> {
    let blocks = root.named_blocks("structure");
    let mut names: Vec<String> = blocks.iter().map(|(name, _)| name.what.clone()).collect();
    names.extend(["EUInformation".to_owned(), "Range".to_owned()]);
    let mut all = Vec::new();
    for (name, block) in &blocks {
        let encoding = block.need_text("encoding");
        let (alias, identifier) = encoding.what.split_once(';').unwrap_or(("", &encoding.what));
        let namespace = namespaces.iter().find(|namespace| namespace.alias == alias);
        if block.has("encoding") && namespace.is_none() {
            let known: Vec<&str> = namespaces
                .iter()
                .map(|namespace| namespace.alias.as_str())
                .collect();
            let written = At {
                what: alias.to_owned(),
                span: encoding.span.clone(),
            };
            block.desk().complain(no_such("namespace", &written, &known));
        }
        let members = block.named_texts("members").into_iter().filter_map(|(name, is)| {
            Some(Member {
                name: name.what,
                is: member_is(block.desk(), &is, &names)?,
            })
        });
        let members: Vec<Member> = members.collect();
        if members.is_empty() && !block.has("members") {
            block.missing("members");
        }
        block.finish();
        all.push(Structure {
            name: name.what.clone(),
            namespaces: namespace
                .map(|namespace| namespace.uris.clone())
                .unwrap_or_default(),
            identifier: identifier.to_owned(),
            members,
        });
    }
    all.extend(standard_structures());
    all
}

fn standard_structures() -> [Structure; 2] {
    let of = |name: &str, identifier: &str, members: &[(&str, NodeIs)]| Structure {
        name: name.to_owned(),
        namespaces: vec![STANDARD.to_owned()],
        identifier: identifier.to_owned(),
        members: members
            .iter()
            .map(|(name, is)| Member {
                name: (*name).to_owned(),
                is: MemberIs::One(*is),
            })
            .collect(),
    };
    [
        of(
            "EUInformation",
            "i=889",
            &[
                ("NamespaceUri", NodeIs::Text),
                ("UnitId", NodeIs::Int32),
                ("DisplayName", NodeIs::LocalText),
                ("Description", NodeIs::LocalText),
            ],
        ),
        of(
            "Range",
            "i=886",
            &[("Low", NodeIs::Float64), ("High", NodeIs::Float64)],
        ),
    ]
}

fn member_is(desk: &Desk<'_>, written: &At<String>, structures: &[String]) -> Option<MemberIs> {
    if let Some(of) = written.what.strip_prefix("list of ") {
        let of = At {
            what: of.to_owned(),
            span: written.span.clone(),
        };
        return member_is(desk, &of, structures).map(|of| MemberIs::Array(Box::new(of)));
    }
    if written.what == "any" {
        return Some(MemberIs::Variant);
    }
    if let Some(at) = structures.iter().position(|name| *name == written.what) {
        return Some(MemberIs::Structure(at));
    }
    let found = NodeIs::words().iter().find(|(word, _)| *word == written.what);
    match found {
        // a number of any type has no width in a structure
        Some((_, is)) if *is != NodeIs::Number => Some(MemberIs::One(*is)),
        _ => {
            let mut known: Vec<&str> = NodeIs::words()
                .iter()
                .map(|(word, _)| *word)
                .filter(|word| *word != "number")
                .collect();
            known.extend(["any", "list of …"]);
            known.extend(structures.iter().map(String::as_str));
            desk.complain(no_such("type", written, &known));
            None
        }
    }
}

struct Reader<'r> {
    names: Names<'r>,
    structures: &'r [Structure],
    asking: &'r Asking,
    usual: Usual,
    items: Vec<Item>,
}

/// What all nodes of a block have in common.
struct Common {
    role: ReadRole,
    sampling: Duration,
    queue: u32,
    deadband: Option<Deadband>,
    trigger: Trigger,
}

impl Reader<'_> {
    fn group(&mut self, block: &Block<'_>) -> Group {
        let roles = [
            ("values", ReadRole::Values),
            ("settings", ReadRole::Settings),
            ("identity", ReadRole::Identity),
        ];
        let role = block.word("holds", &roles).unwrap_or(ReadRole::Values);
        let together = block.flag("together").unwrap_or(false);
        let sampling = block
            .time("sampling")
            .or(self.usual.sampling)
            .unwrap_or(self.asking.publish);
        let queue = block
            .number::<u32>("queue", 1..10_001)
            .map(|queue| queue.what)
            .or(self.usual.queue);
        let common_of = Common {
            role,
            sampling,
            queue: queue.unwrap_or_else(|| fitting_queue(self.asking.publish, sampling)),
            deadband: deadband(block),
            // nodes that must come together come even when only one of them has changed
            trigger: if together {
                Trigger::Timestamp
            } else {
                Trigger::Value
            },
        };
        let mut points = Vec::new();
        let mut measures = Vec::new();
        for point in block.blocks("points", "this node") {
            if let Some((point, measure)) = self.point(&point, &common_of) {
                points.push(point);
                measures.extend(measure);
            }
            point.finish();
        }
        if points.is_empty() && !block.has("points") {
            block.missing("points");
        }
        let mut doubts = doubts(block, None);
        doubts.iter_mut().for_each(|doubt| doubt.when.in_characters());
        block.finish();
        Group {
            role,
            together,
            points,
            measures,
            doubts,
            span: block.span.clone(),
        }
    }

    fn point(&mut self, block: &Block<'_>, common_of: &Common) -> Option<(Point, Option<Measure>)> {
        let (name, is_measure) = match (block.text("measure"), block.text("field")) {
            (Some(measure), None) => (measure, true),
            (None, Some(field)) => (field, false),
            _ => {
                block.desk().complain(
                    Complaint::new("measure-or-field", "a point is either a measure or a field")
                        .mark(block.span.clone(), "exactly one of `measure` and `field`")
                        .help("`measure` is a value people see; `field` helps to judge another"),
                );
                return None;
            }
        };
        if (is_measure || !is_name(&name.what)) && name.what != "serial_number" {
            measure_name(block.desk(), &name);
        }
        let is = block.word("is", NodeIs::words());
        if is.is_none() && !block.has("is") {
            block.missing("is");
        }
        let at = address(block, &self.names);
        let range = block.text("elements").map(|range| range.what);
        let element = block
            .number::<usize>("element", 0..100_000)
            .map(|element| element.what);
        let (member, structure) = self.member(block);
        let optional = block.flag("optional").unwrap_or(false);
        let _ = block.text("manual");
        let mut making = Making::new(&name.what);
        common(block, &mut making);
        making.words.iter_mut().for_each(|(when, _)| when.in_characters());
        let units: Vec<_> = block
            .texts("units")
            .iter()
            .filter_map(|text| unit_named(block.desk(), text))
            .collect();
        if !units.is_empty() {
            let words = units
                .into_iter()
                .map(|unit| (unit.ucum().as_bytes().to_vec(), unit));
            making.unit = Some(UnitFrom::Words(words.collect()));
        }
        let title = block
            .text("title")
            .map_or_else(|| titled(&name.what), |title| title.what);
        let unit_at = block.text("unit_at");
        if block.has("units") && unit_at.is_none() {
            block.desk().complain(
                Complaint::new(
                    "no-unit",
                    format!("nothing says in which of its units {} is", name.what),
                )
                .mark(name.span.clone(), "`units` without `unit_at`")
                .why("a number without a unit cannot be entered")
                .help("add `unit_at = \"EngineeringUnits\"`, or one `unit`"),
            );
        }
        let goes = eu_range(block);
        let range_at = block.text("range_at").unwrap_or_else(|| At {
            what: "EURange".to_owned(),
            span: block.span.clone(),
        });
        let (is, at) = (is?, at?);
        let words = matches!(is, NodeIs::Text | NodeIs::LocalText | NodeIs::Time);
        let has_meaning = says_unit(block) || words;
        if is_measure && !has_meaning {
            no_unit(block.desk(), &name.what, name.span.clone());
        }
        let expected = match (&structure, element) {
            (Some(at), None) => MemberIs::Structure(*at),
            (Some(at), Some(_)) => MemberIs::Array(Box::new(MemberIs::Structure(*at))),
            (None, Some(_)) => MemberIs::Array(Box::new(MemberIs::One(is))),
            (None, None) => MemberIs::One(is),
        };
        let item = self.item(&at, range, &name.what, optional, expected, common_of);
        let beside = |reader: &mut Self, written: &At<String>, what: &str, structure: usize| {
            let mut at = at.clone();
            at.path.extend(steps(block.desk(), written, &reader.names)?);
            let settings = Common {
                role: ReadRole::Settings,
                sampling: Duration::from_secs(5),
                queue: 1,
                deadband: None,
                trigger: Trigger::Value,
            };
            let name = format!("{what} of {}", name.what);
            Some(reader.item(&at, None, &name, true, MemberIs::Structure(structure), &settings))
        };
        let (eu, range) = (self.structures.len() - 2, self.structures.len() - 1);
        let unit_at = unit_at.and_then(|written| beside(self, &written, "unit", eu));
        let range_at =
            goes.and_then(|(low, high)| Some((beside(self, &range_at, "range", range)?, low, high)));
        let point = Point {
            name: name.what.as_str().into(),
            pick: Pick {
                item,
                element,
                member,
                is,
            },
            optional,
            unit_at,
            range_at,
            span: name.span.clone(),
        };
        let measure = (is_measure && has_meaning).then_some(Measure {
            name: name.what,
            title,
            making,
            span: name.span,
        });
        Some((point, measure))
    }

    /// `member = "Gross"` of `of = "WeightType"`.
    fn member(&self, block: &Block<'_>) -> (Vec<String>, Option<usize>) {
        let path = block.text("member");
        let of = block.text("of");
        let structure = of.as_ref().and_then(|of| {
            let found = self
                .structures
                .iter()
                .position(|structure| structure.name == of.what);
            if found.is_none() {
                let known: Vec<&str> = self
                    .structures
                    .iter()
                    .map(|structure| structure.name.as_str())
                    .collect();
                block.desk().complain(no_such("structure", of, &known));
            }
            found
        });
        let Some(path) = path else {
            return (Vec::new(), structure);
        };
        if of.is_none() {
            block.missing("of");
        }
        let members: Vec<String> = path.what.split('.').map(str::to_owned).collect();
        if let (Some(at), Some(first)) = (structure, members.first()) {
            let known: Vec<&str> = self.structures[at]
                .members
                .iter()
                .map(|member| member.name.as_str())
                .collect();
            if !known.contains(&first.as_str()) {
                let written = At {
                    what: first.clone(),
                    span: path.span,
                };
                block.desk().complain(no_such("member", &written, &known));
            }
        }
        (members, structure)
    }

    /// The item of this address; one node is asked for once, whatever is made of it.
    fn item(
        &mut self,
        at: &Address,
        range: Option<String>,
        name: &str,
        optional: bool,
        expected: MemberIs,
        common: &Common,
    ) -> ItemId {
        let role = match common.role {
            ReadRole::Values => Role::Values,
            ReadRole::Settings => Role::Settings,
            ReadRole::Identity => Role::Identity,
        };
        if let Some(item) = self
            .items
            .iter_mut()
            .find(|item| item.at == *at && item.range == range)
        {
            item.names.push(name.to_owned());
            item.optional &= optional;
            item.sampling = item.sampling.min(common.sampling);
            item.queue = item.queue.max(common.queue);
            if role == Role::Values {
                item.role = role;
            }
            return item.id;
        }
        let id = ItemId(self.items.len() as u32);
        self.items.push(Item {
            id,
            at: at.clone(),
            range,
            role,
            sampling: common.sampling,
            queue: common.queue,
            deadband: common.deadband,
            trigger: common.trigger,
            optional,
            names: vec![name.to_owned()],
            expected,
        });
        id
    }
}

/// Twice as many as can come between two deliveries: one delivery may be late.
fn fitting_queue(publish: Duration, sampling: Duration) -> u32 {
    let between = publish.as_millis().div_ceil(sampling.as_millis().max(1)) as u32;
    between.clamp(1, 5000) * 2
}

fn deadband(block: &Block<'_>) -> Option<Deadband> {
    let text = block.text("deadband")?;
    let (number, percent) = match text.what.strip_suffix('%') {
        Some(number) => (number.trim(), true),
        None => (text.what.as_str(), false),
    };
    let number = number
        .parse::<f64>()
        .ok()
        .filter(|number| number.is_finite() && *number >= 0.0);
    if number.is_none() {
        block.desk().complain(
            Complaint::new("no-number", format!("{:?} is no deadband", text.what))
                .mark(text.span, "a number, or a number and %")
                .help("write for instance `deadband = \"0.5\"` or `deadband = \"1 %\"`; best leave it out"),
        );
    }
    number.map(|number| {
        if percent {
            Deadband::Percent(number)
        } else {
            Deadband::Absolute(number)
        }
    })
}

/// `range = "0 to 500"`: what the server's EURange must say.
fn eu_range(block: &Block<'_>) -> Option<(f64, f64)> {
    let text = block.text("range")?;
    let ends = text.what.split_once(" to ");
    let number = |text: &str| {
        let plain = record::Amount::read(text.trim())?;
        plain.as_str().parse::<f64>().ok()
    };
    let range = ends
        .and_then(|(low, high)| Some((number(low)?, number(high)?)))
        .filter(|(low, high)| low < high);
    if range.is_none() {
        block.desk().complain(
            Complaint::new("no-range", format!("{:?} is no range", text.what))
                .mark(text.span, "two numbers with \" to \" between")
                .help("write for instance `range = \"0 to 500\"`, in the unit of the value"),
        );
    }
    range
}

fn check_groups(desk: &Desk<'_>, groups: &[Group]) {
    let mut seen: Vec<(&str, Range<usize>)> = Vec::new();
    for point in groups.iter().flat_map(|group| &group.points) {
        if let Some((_, first)) = seen.iter().find(|(name, _)| **name == *point.name) {
            desk.complain(
                Complaint::new("name-twice", format!("{} is there twice", point.name))
                    .mark(point.span.clone(), "again here")
                    .mark(first.clone(), "first here")
                    .help("give each its own name"),
            );
        }
        seen.push((&point.name, point.span.clone()));
    }
    let settings: Vec<&str> = groups
        .iter()
        .filter(|group| group.role == ReadRole::Settings)
        .flat_map(|group| group.points.iter().map(|point| &*point.name))
        .collect();
    for group in groups {
        let mut fields: Vec<&str> = group.points.iter().map(|point| &*point.name).collect();
        fields.extend(&settings);
        let measures: Vec<&str> = group
            .measures
            .iter()
            .map(|measure| measure.name.as_str())
            .collect();
        for doubt in &group.doubts {
            for about in doubt
                .about
                .iter()
                .filter(|about| !measures.contains(&about.as_str()))
            {
                let written = At {
                    what: about.clone(),
                    span: doubt.span.clone(),
                };
                desk.complain(no_such("measure", &written, &measures));
            }
            let named = doubt
                .when
                .fields()
                .chain(crate::meaning::named_in(&doubt.because));
            for field in named.filter(|field| !fields.contains(field)) {
                desk.complain(not_in_this_answer(field, doubt.span.clone(), &fields));
            }
        }
        for measure in &group.measures {
            for field in measure
                .making
                .fields()
                .into_iter()
                .filter(|field| !fields.contains(field))
            {
                desk.complain(not_in_this_answer(field, measure.span.clone(), &fields));
            }
        }
        if group.together && group.points.len() < 2 {
            desk.complain(
                Complaint::new(
                    "together-alone",
                    "one node alone cannot come together with anything",
                )
                .mark(group.span.clone(), "`together` with one node")
                .help("leave `together` out, or put the nodes it belongs to into the same [[nodes]]"),
            );
        }
    }
}
