//! What master data says of one thing. Every member is read strictly: what is not understood is refused by name, and
//! what is missing is missing, never guessed.

use crate::flow::local::Until;
use record::Quantity;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The kinds of master data, each with its own topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Orders,
    Lots,
    Containers,
    CheckWeights,
    People,
}

impl Kind {
    pub const ALL: [Self; 5] = [
        Self::Orders,
        Self::Lots,
        Self::Containers,
        Self::CheckWeights,
        Self::People,
    ];

    /// The word in topics, addresses and entries.
    pub fn word(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Lots => "lots",
            Self::Containers => "containers",
            Self::CheckWeights => "check-weights",
            Self::People => "people",
        }
    }

    /// One of them, as people say it.
    pub fn one(self) -> &'static str {
        match self {
            Self::Orders => "order",
            Self::Lots => "lot",
            Self::Containers => "container",
            Self::CheckWeights => "check weight",
            Self::People => "person",
        }
    }

    /// By its word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

/// What one item says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    Order(Order),
    Lot(Lot),
    Container(Container),
    CheckWeight(CheckWeight),
    Person(Person),
}

/// An order: what is to be made, and what has to be weighed for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub product: String,
    /// The unit in which it is made, or the booth in which it is weighed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    pub lines: Vec<OrderLine>,
}

/// One material of an order. A weighing takes its batch from here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderLine {
    /// Its number or name within the order.
    pub line: String,
    pub batch: String,
    /// Code of the material.
    pub material: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// How much: `12.500 kg`.
    pub target: String,
    /// `± 0.5 %`, `± 50 g` or `-20 g to +50 g`.
    pub tolerance: String,
    /// The step that takes it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub step: String,
    /// The lot that is reserved for it, where one is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub lot: String,
}

/// A lot of a material.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lot {
    pub material: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub supplier: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub supplier_lot: String,
    pub status: LotStatus,
    /// The last day it may be used, or a moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Until>,
    /// Content of active substance: `98.7 %`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assay: Option<String>,
    /// Loss on drying: `0.42 %`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_on_drying: Option<String>,
    /// What is left of it by the plant's books.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<String>,
}

/// Whether a lot may be used. The decision is quality's, never ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LotStatus {
    Released,
    Quarantine,
    Blocked,
    Rejected,
}

impl LotStatus {
    pub fn word(self) -> &'static str {
        match self {
            Self::Released => "released",
            Self::Quarantine => "quarantine",
            Self::Blocked => "blocked",
            Self::Rejected => "rejected",
        }
    }
}

/// A container that is weighed into, or out of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Container {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// What it weighs empty: `3.250 kg`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tare: Option<String>,
    /// Until when its cleaning holds; without it, it is not clean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clean_until: Option<Until>,
    /// What is in it: material and lot; nothing where it is empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub holds_material: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub holds_lot: String,
}

/// A weight against which a scale is checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckWeight {
    /// What it weighs by its certificate: `10.0000 kg`.
    pub nominal: String,
    /// By how much the scale may differ from that: `0.005 kg`.
    pub may_differ_by: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub class: String,
    pub certificate: String,
    /// The last day its certificate holds.
    pub due: Until,
}

/// A person, as the plant knows them. Who may sign in here is a matter of `steelyard user`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    pub name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    pub status: PersonStatus,
}

/// Whether somebody still works here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PersonStatus {
    Active,
    Away,
    Left,
}

impl PersonStatus {
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Away => "away",
            Self::Left => "left",
        }
    }
}

impl Content {
    /// Reads the members of one item, all but its id and revision; says what is wrong with them.
    pub fn read(kind: Kind, members: Map<String, Value>) -> Result<Self, String> {
        fn of<T: for<'de> Deserialize<'de>>(members: Map<String, Value>) -> Result<T, String> {
            serde_json::from_value(Value::Object(members)).map_err(|problem| problem.to_string())
        }
        let content = match kind {
            Kind::Orders => Self::Order(of(members)?),
            Kind::Lots => Self::Lot(of(members)?),
            Kind::Containers => Self::Container(of(members)?),
            Kind::CheckWeights => Self::CheckWeight(of(members)?),
            Kind::People => Self::Person(of(members)?),
        };
        content.check()?;
        Ok(content)
    }

    /// The kind it is of.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Order(_) => Kind::Orders,
            Self::Lot(_) => Kind::Lots,
            Self::Container(_) => Kind::Containers,
            Self::CheckWeight(_) => Kind::CheckWeights,
            Self::Person(_) => Kind::People,
        }
    }

    /// In one spelling, members in the order of the reference page: what is compared and sealed.
    pub fn to_json(&self) -> String {
        let text = match self {
            Self::Order(order) => serde_json::to_string(order),
            Self::Lot(lot) => serde_json::to_string(lot),
            Self::Container(container) => serde_json::to_string(container),
            Self::CheckWeight(weight) => serde_json::to_string(weight),
            Self::Person(person) => serde_json::to_string(person),
        };
        // holds because texts, lists and maps with text keys can always be written
        text.unwrap_or_default()
    }

    /// What the form alone cannot say.
    fn check(&self) -> Result<(), String> {
        match self {
            Self::Order(order) => check_order(order),
            Self::Lot(lot) => {
                named("material", &lot.material)?;
                words(&[
                    ("title", &lot.title),
                    ("supplier", &lot.supplier),
                    ("supplier_lot", &lot.supplier_lot),
                ])?;
                share("assay", lot.assay.as_deref())?;
                share("loss_on_drying", lot.loss_on_drying.as_deref())?;
                lot.left
                    .as_deref()
                    .map_or(Ok(()), |left| mass("left", left).map(drop))
            }
            Self::Container(container) => {
                words(&[
                    ("title", &container.title),
                    ("holds_material", &container.holds_material),
                    ("holds_lot", &container.holds_lot),
                ])?;
                container
                    .tare
                    .as_deref()
                    .map_or(Ok(()), |tare| mass("tare", tare).map(drop))
            }
            Self::CheckWeight(weight) => {
                named("certificate", &weight.certificate)?;
                words(&[("class", &weight.class)])?;
                let (nominal, may) = (
                    mass("nominal", &weight.nominal)?,
                    mass("may_differ_by", &weight.may_differ_by)?,
                );
                if nominal.amount.number() <= Decimal::ZERO || may.amount.number() < Decimal::ZERO {
                    return Err(
                        "a check weight weighs more than nothing, and may differ by nothing or more"
                            .to_owned(),
                    );
                }
                Ok(())
            }
            Self::Person(person) => {
                named("name", &person.name)?;
                let known = crate::flow::people::ROLES;
                match person.roles.iter().find(|role| !known.contains(&role.as_str())) {
                    Some(role) => Err(format!("`roles` names {role:?}; roles are {}", known.join(", "))),
                    None => Ok(()),
                }
            }
        }
    }
}

fn check_order(order: &Order) -> Result<(), String> {
    words(&[("product", &order.product), ("unit", &order.unit)])?;
    if order.lines.is_empty() {
        return Err("`lines` is empty; an order has at least one".to_owned());
    }
    for (at, line) in order.lines.iter().enumerate() {
        let of = |problem: String| format!("line {:?}: {problem}", line.line);
        for (name, text) in [
            ("line", &line.line),
            ("batch", &line.batch),
            ("material", &line.material),
        ] {
            named(name, text).map_err(of)?;
        }
        words(&[("title", &line.title), ("step", &line.step), ("lot", &line.lot)]).map_err(of)?;
        let target = mass("target", &line.target).map_err(of)?;
        if target.amount.number() <= Decimal::ZERO {
            return Err(of(format!(
                "`target` is {}; it is more than nothing",
                line.target
            )));
        }
        Tolerance::read(&line.tolerance)
            .and_then(|tolerance| tolerance.around(&target))
            .map_err(|problem| of(format!("`tolerance`: {problem}")))?;
        if order.lines[..at].iter().any(|other| other.line == line.line) {
            return Err(of("it stands twice".to_owned()));
        }
    }
    Ok(())
}

/// By how much a weighing may miss its target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tolerance {
    below: Side,
    above: Side,
}

/// How far on one side.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Side {
    Share(Decimal),
    Amount(Quantity),
}

const TOLERANCES: &str = "write \"± 0.5 %\", \"± 50 g\" or \"-20 g to +50 g\"";

impl Tolerance {
    /// Reads a tolerance as people write it.
    pub fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let both = text.strip_prefix('±').or_else(|| text.strip_prefix("+/-"));
        if let Some(both) = both {
            let side = side(both.trim())?;
            return Ok(Self {
                below: side.clone(),
                above: side,
            });
        }
        let (below, above) = text
            .split_once(" to ")
            .ok_or_else(|| format!("{text:?} is no tolerance; {TOLERANCES}"))?;
        let below = below.trim().strip_prefix('-');
        let above = above.trim().strip_prefix('+');
        match (below, above) {
            (Some(below), Some(above)) => Ok(Self {
                below: side(below.trim())?,
                above: side(above.trim())?,
            }),
            _ => Err(format!("{text:?} needs its signs; {TOLERANCES}")),
        }
    }

    /// The lowest and the highest amount that are still right, in the unit of the target, not yet rounded to the
    /// division of a scale.
    pub fn around(&self, target: &Quantity) -> Result<(Decimal, Decimal), String> {
        let number = target.amount.number();
        let far = |side: &Side| -> Result<Decimal, String> {
            match side {
                Side::Share(percent) => number
                    .checked_mul(*percent)
                    .and_then(|far| far.checked_div(Decimal::ONE_HUNDRED))
                    .ok_or_else(|| "it is too large to compute".to_owned()),
                Side::Amount(amount) => amount.number_in(target.unit).ok_or_else(|| {
                    format!(
                        "{} is {}, the target is {}",
                        amount.unit,
                        amount.unit.dimension(),
                        target.unit.dimension()
                    )
                }),
            }
        };
        let (below, above) = (far(&self.below)?, far(&self.above)?);
        match (number.checked_sub(below), number.checked_add(above)) {
            (Some(low), Some(high)) => Ok((low, high)),
            _ => Err("it is too large to compute".to_owned()),
        }
    }
}

fn side(text: &str) -> Result<Side, String> {
    let quantity =
        Quantity::read(text).ok_or_else(|| format!("{text:?} is no amount with its unit; {TOLERANCES}"))?;
    if quantity.amount.number() < Decimal::ZERO {
        return Err(format!("{text:?} is negative; {TOLERANCES}"));
    }
    if is_share(&quantity) {
        return Ok(Side::Share(quantity.amount.number()));
    }
    Ok(Side::Amount(quantity))
}

fn is_share(quantity: &Quantity) -> bool {
    quantity.unit.ucum() == "%"
}

/// A mass, or a volume, as digits with a unit.
fn mass(name: &str, text: &str) -> Result<Quantity, String> {
    let help = if text.contains(',') {
        "; decimals have a point"
    } else {
        ""
    };
    let quantity = Quantity::read(text).ok_or_else(|| {
        format!("`{name}` is no amount with its unit: {text:?}; \"12.500 kg\" would be one{help}")
    })?;
    match quantity.unit.dimension() {
        "mass" | "volume" | "count" => Ok(quantity),
        other => Err(format!(
            "`{name}` is {text:?}, a {other}; a mass, volume or count belongs here"
        )),
    }
}

/// A share of a hundred: `98.7 %`, up to 200 %, since an assay on dried substance may pass 100 %.
fn share(name: &str, text: Option<&str>) -> Result<(), String> {
    let Some(text) = text else { return Ok(()) };
    let help = if text.contains(',') {
        "; decimals have a point"
    } else {
        ""
    };
    let quantity = Quantity::read(text).filter(is_share);
    let quantity =
        quantity.ok_or_else(|| format!("`{name}` is no share: {text:?}; \"98.7 %\" would be one{help}"))?;
    let number = quantity.amount.number();
    if number < Decimal::ZERO || number > Decimal::from(200) {
        return Err(format!("`{name}` cannot be {text}"));
    }
    Ok(())
}

/// A text that has to say something.
pub(super) fn named(name: &str, text: &str) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err(format!("`{name}` is empty"));
    }
    words(&[(name, text)])
}

fn words(all: &[(&str, &str)]) -> Result<(), String> {
    for (name, text) in all {
        if text.chars().count() > 200 {
            return Err(format!("`{name}` is longer than 200 characters"));
        }
        if text.chars().any(char::is_control) {
            return Err(format!("`{name}` holds a control character"));
        }
        if *text != text.trim() {
            return Err(format!("`{name}` begins or ends with a blank: {text:?}"));
        }
    }
    Ok(())
}
