//! `[station.NAME]`: a dispensing station with its scales, its checks, its printer and what it asks of people.

use super::{
    block::{Block, Page},
    plant::{PointName, Unit0},
    resolve::{Known, names, units::find_point},
    sentence::{self, Slip},
    written::{Key, quoted},
};
use driver::{Comes, Complaint};
use record::{Amount, Quantity, Unit};
use rust_decimal::Decimal;
use std::{ops::Range, time::Duration};
use toml::Spanned;

pub(super) const STATION: &[&str] = &[
    "title",
    "unit",
    "tare",
    "verification",
    "check_every",
    "clearance",
    "clearance_lasts",
    "keep_by",
    "override_by",
    "held_at_most",
    "remainder",
    "lot_code",
    "printer",
    "languages",
    "scale",
];
pub(super) const SCALE: &[&str] = &[
    "point",
    "gross",
    "device_tare",
    "divisions",
    "least",
    "check_weights",
    "stability",
];

/// A dispensing station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Station {
    pub name: String,
    pub title: String,
    /// `unit = "Booth 2"`: where its weighings belong.
    pub unit: String,
    /// `tare = "station"`: who computes net. Said once, never both.
    pub tare: Tare,
    /// `verification = "second_person"`: where neither recipe nor order says it.
    pub verification: super::recipe::Verification,
    /// `check_every = "24 h"`.
    pub check_every: Duration,
    /// `clearance = ["The booth is empty and clean"]`: the questions of line clearance.
    pub clearance: Vec<String>,
    /// `clearance_lasts = "12 h"`.
    pub clearance_lasts: Duration,
    /// `keep_by = "supervisor"`: who may keep a weight that is out of tolerance.
    pub keep_by: Vec<String>,
    /// `override_by = "supervisor"`: who may use what master data speaks against.
    pub override_by: Vec<String>,
    /// `held_at_most = "72 h"`.
    pub held_at_most: Duration,
    /// `remainder = "required"`: what is left in the source is weighed or declared empty before a line is complete.
    pub remainder: bool,
    /// `lot_code = "LOT-{lot}"`: how a plain code on a bag says its lot.
    pub lot_code: LotCode,
    /// `printer = "10.30.4.60:9100"`: a raw socket that takes ZPL. None: labels are shown on the screen, to be printed there.
    pub printer: Option<String>,
    /// `languages = ["en", "de"]`.
    pub languages: Vec<String>,
    pub scales: Vec<Scale>,
}

/// Who computes net.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tare {
    /// The scale: its tare is pressed, it shows net, and its tare is read back.
    Device,
    /// The station: the scale shows gross, and what it showed with the empty container is subtracted here.
    Station,
}

impl Tare {
    pub fn word(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::Station => "station",
        }
    }
}

/// One scale of a station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scale {
    /// `point = "WT-3101.weight"`: what its display shows.
    pub point: PointName,
    pub title: String,
    /// `gross = "WT-3101.gross"`, where it gives that as well.
    pub gross: Option<PointName>,
    /// `device_tare = "WT-3101.tare"`: read back with a capture, where the scale computes net.
    pub device_tare: Option<PointName>,
    /// `divisions = ["1 g up to 3 kg", "2 g up to 6.2 kg"]`: the step of its display, up to each load.
    pub divisions: Vec<Division>,
    /// `least = "0.100 kg"`: the smallest net weight it may weigh.
    pub least: Quantity,
    /// `check_weights = ["CW-07"]`, by their id in master data.
    pub check_weights: Vec<String>,
    /// `stability = "flag"`.
    pub stability: Stability,
    /// It speaks only when its print key is pressed.
    pub printed: bool,
}

/// A step of the display, up to a load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Division {
    pub step: Decimal,
    pub up_to: Decimal,
}

/// How a scale is known to be still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stability {
    /// It says so itself.
    Flag,
    /// It does not, and the plant allows to infer it.
    Inferred,
}

impl Scale {
    /// The unit of everything about it.
    pub fn unit(&self) -> Unit {
        self.least.unit
    }

    /// The most it weighs.
    pub fn most(&self) -> Decimal {
        self.divisions
            .last()
            .map_or(Decimal::ZERO, |division| division.up_to)
    }

    /// The step of its display at a load; the coarsest one beyond its range.
    pub fn division(&self, load: Decimal) -> Decimal {
        let load = load.abs();
        let found = self.divisions.iter().find(|division| load <= division.up_to);
        found
            .or(self.divisions.last())
            .map_or(Decimal::ONE, |division| division.step)
    }
}

/// How a plain code says a lot: what stands before and after it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LotCode {
    pub before: String,
    pub after: String,
}

impl LotCode {
    /// The lot in a code; None where the code is not of this form.
    pub fn lot<'a>(&self, code: &'a str) -> Option<&'a str> {
        let lot = code.strip_prefix(&self.before)?.strip_suffix(&self.after)?;
        (!lot.is_empty()).then_some(lot)
    }
}

// ---------------------------------------------------------------- as written

/// As it stands in the file.
pub(super) struct Written {
    name: Spanned<String>,
    place: Range<usize>,
    title: Key<String>,
    unit: Key<String>,
    tare: Key<Tare>,
    verification: Key<super::recipe::Verification>,
    check_every: Key<Duration>,
    clearance: Vec<Spanned<String>>,
    clearance_lasts: Key<Duration>,
    keep_by: Key<Vec<String>>,
    override_by: Key<Vec<String>>,
    held_at_most: Key<Duration>,
    remainder: Key<bool>,
    lot_code: Key<LotCode>,
    printer: Key<String>,
    languages: Vec<Spanned<String>>,
    scales: Vec<WrittenScale>,
}

struct WrittenScale {
    place: Range<usize>,
    point: Key<String>,
    gross: Key<String>,
    device_tare: Key<String>,
    divisions: Vec<(Unit, Division, Range<usize>)>,
    least: Key<Quantity>,
    check_weights: Vec<Spanned<String>>,
    stability: Key<Stability>,
}

pub(super) fn take_apart(page: &Page, file: &Block) -> Vec<Written> {
    let blocks = file.blocks("station").into_iter();
    blocks
        .filter_map(|(name, value)| {
            let title = format!("[station.{}]", quoted(name.get_ref()));
            Some(station(&Block::open(page, title, value, STATION)?, name))
        })
        .collect()
}

fn station(block: &Block, name: Spanned<String>) -> Written {
    use super::recipe::Verification::{Automated, SecondPerson};
    block.require("tare", "\"station\"");
    if !block.has("scale") {
        block.page.add(
            Complaint::new("missing-block", format!("{} has no scale", block.title))
                .mark(block.place.clone(), "")
                .help(format!(
                    "add a block [[station.{}.scale]]: it says which point weighs",
                    quoted(name.get_ref())
                )),
        );
    }
    let scales = block.list("scale").into_iter().filter_map(|value| {
        let title = format!("[[station.{}.scale]]", quoted(name.get_ref()));
        Some(scale(&Block::open(block.page, title, value, SCALE)?))
    });
    Written {
        place: block.place.clone(),
        title: block.text("title"),
        unit: block.needed("unit", "\"Booth 2\""),
        tare: block.word("tare", &[("device", Tare::Device), ("station", Tare::Station)]),
        verification: block.word(
            "verification",
            &[("second_person", SecondPerson), ("automated", Automated)],
        ),
        check_every: block.sentence("check_every", sentence::duration),
        clearance: block.texts("clearance", "[\"The booth is empty and clean\"]"),
        clearance_lasts: block.sentence("clearance_lasts", sentence::duration),
        keep_by: block.sentence("keep_by", sentence::roles),
        override_by: block.sentence("override_by", sentence::roles),
        held_at_most: block.sentence("held_at_most", sentence::duration),
        remainder: block.word("remainder", &[("required", true), ("optional", false)]),
        lot_code: block.sentence("lot_code", lot_code),
        printer: block.text("printer"),
        languages: block.texts("languages", "[\"en\", \"de\"]"),
        scales: scales.collect(),
        name,
    }
}

fn scale(block: &Block) -> WrittenScale {
    block.require("divisions", "[\"1 g up to 6.2 kg\"]");
    block.require("least", "\"0.100 kg\"");
    let mut divisions = Vec::new();
    for text in block.texts("divisions", "[\"1 g up to 6.2 kg\"]") {
        match division(text.get_ref()) {
            Ok((unit, division)) => divisions.push((unit, division, text.span())),
            Err(slip) => block.page.slip(slip, &text),
        }
    }
    WrittenScale {
        place: block.place.clone(),
        point: block.needed("point", "\"WT-3101.weight\""),
        gross: block.text("gross"),
        device_tare: block.text("device_tare"),
        divisions,
        least: block.sentence("least", super::recipe::amount),
        check_weights: block.texts("check_weights", "[\"CW-07\"]"),
        stability: block.word(
            "stability",
            &[("flag", Stability::Flag), ("inferred", Stability::Inferred)],
        ),
    }
}

const DIVISION_FORMS: &str = "write \"1 g up to 6.2 kg\": the step of the display, and up to which load";

/// `1 g up to 6.2 kg`.
fn division(text: &str) -> Result<(Unit, Division), Slip> {
    let no = |name, what: &str| Slip {
        name,
        what: what.to_owned(),
        at: 0..text.len(),
        help: DIVISION_FORMS.to_owned(),
    };
    let (step, up_to) = text
        .split_once(" up to ")
        .ok_or_else(|| no("sentence-unknown", "this is no division of a display"))?;
    let (step, up_to) = (super::recipe::amount(step)?, super::recipe::amount(up_to)?);
    let unit = up_to.unit;
    let inside = step.number_in(unit).filter(|_| unit.dimension() == "mass");
    let step = inside.ok_or_else(|| no("unit-of-something-else", "a division and a load are masses"))?;
    Ok((
        unit,
        Division {
            step,
            up_to: up_to.amount.number(),
        },
    ))
}

/// `LOT-{lot}`.
fn lot_code(text: &str) -> Result<LotCode, Slip> {
    match text.split_once("{lot}") {
        Some((before, after)) if !after.contains("{lot}") => Ok(LotCode {
            before: before.to_owned(),
            after: after.to_owned(),
        }),
        _ => Err(Slip {
            name: "sentence-unknown",
            what: "this does not say where the lot stands in the code".into(),
            at: 0..text.len(),
            help: "write {lot} once, with what stands before and after it: \"LOT-{lot}\"".into(),
        }),
    }
}

// ---------------------------------------------------------------- as meant

const CHECK_EVERY: Duration = Duration::from_secs(24 * 3600);
const CLEARANCE_LASTS: Duration = Duration::from_secs(12 * 3600);
const HELD_AT_MOST: Duration = Duration::from_secs(72 * 3600);
/// Slower, and no reading would be younger than a second when somebody presses Capture.
const SLOWEST: Duration = Duration::from_millis(500);
const LANGUAGES: &[&str] = &["en", "de", "es", "fr"];
const CLEARANCE: &[&str] = &[
    "The booth is empty and clean",
    "Nothing of the batch before is left here, and no labels",
    "The scale is clean, level and empty",
];

pub(super) fn resolve(page: &Page, written: &[Written], units: &[Unit0], known: &[Known]) -> Vec<Station> {
    written
        .iter()
        .filter_map(|station| meant(page, station, units, known))
        .collect()
}

#[expect(
    clippy::ref_option,
    reason = "a key is an option with its place, and is handed on as it stands"
)]
fn or<T: Clone>(key: &Key<T>, default: T) -> T {
    key.as_ref().map_or(default, |key| key.get_ref().clone())
}

fn meant(page: &Page, written: &Written, units: &[Unit0], known: &[Known]) -> Option<Station> {
    names::check(page, "a station", &written.name);
    let unit = written.unit.as_ref()?;
    if !units.iter().any(|known| known.name == *unit.get_ref()) {
        let all: Vec<&str> = units.iter().map(|unit| unit.name.as_str()).collect();
        page.add(
            Complaint::new("no-such-unit", format!("no unit is called {:?}", unit.get_ref()))
                .mark(unit.span(), "")
                .help(format!("units in this file: {}", all.join(", "))),
        );
    }
    for language in &written.languages {
        if !LANGUAGES.contains(&language.get_ref().as_str()) {
            page.add(
                Complaint::new(
                    "unknown-word",
                    format!("the screens do not speak {:?}", language.get_ref()),
                )
                .mark(language.span(), "")
                .help(format!("languages: {}", LANGUAGES.join(", "))),
            );
        }
    }
    let tare = or(&written.tare, Tare::Station);
    let scales: Vec<Scale> = written
        .scales
        .iter()
        .filter_map(|scale| of_scale(page, scale, tare, known))
        .collect();
    let text = |texts: &[Spanned<String>], default: &[&str]| -> Vec<String> {
        if texts.is_empty() {
            return default.iter().map(|text| (*text).to_owned()).collect();
        }
        texts.iter().map(|text| text.get_ref().clone()).collect()
    };
    let supervisor = || vec!["supervisor".to_owned()];
    if let Some(printer) = &written.printer
        && printer
            .get_ref()
            .rsplit_once(':')
            .is_none_or(|(host, port)| host.is_empty() || port.parse::<u16>().is_err())
    {
        page.add(
            Complaint::new("address-not-understood", "this is no address of a printer")
                .mark(printer.span(), "")
                .help("write host and port of its raw socket: printer = \"10.30.4.60:9100\""),
        );
    }
    let name = written.name.get_ref().clone();
    Some(Station {
        title: or(&written.title, name.clone()),
        name,
        unit: unit.get_ref().clone(),
        tare,
        verification: or(&written.verification, super::recipe::Verification::SecondPerson),
        check_every: or(&written.check_every, CHECK_EVERY),
        clearance: text(&written.clearance, CLEARANCE),
        clearance_lasts: or(&written.clearance_lasts, CLEARANCE_LASTS),
        keep_by: or(&written.keep_by, supervisor()),
        override_by: or(&written.override_by, supervisor()),
        held_at_most: or(&written.held_at_most, HELD_AT_MOST),
        remainder: or(&written.remainder, false),
        lot_code: or(&written.lot_code, LotCode::default()),
        printer: written.printer.as_ref().map(|printer| printer.get_ref().clone()),
        languages: text(&written.languages, &["en"]),
        scales,
    })
    .filter(|station| {
        if station.scales.is_empty() && !written.scales.is_empty() {
            return false;
        }
        let mut seen = Vec::new();
        for scale in &station.scales {
            if seen.contains(&&scale.point) {
                page.add(
                    Complaint::new("point-with-two-roles", format!("{} stands twice", scale.point))
                        .mark(written.place.clone(), "in this station")
                        .help("name each scale of a station once"),
                );
            }
            seen.push(&scale.point);
        }
        true
    })
}

fn of_scale(page: &Page, written: &WrittenScale, tare: Tare, known: &[Known]) -> Option<Scale> {
    let text = written.point.as_ref()?;
    let (point, info) = find_point(page, text, known)?;
    let beside = |key: &Key<String>| Some(find_point(page, key.as_ref()?, known)?.0);
    let (gross, device_tare) = (beside(&written.gross), beside(&written.device_tare));
    if tare == Tare::Device && written.device_tare.is_none() && written.gross.is_none() {
        page.add(
            Complaint::new("tare-not-read-back", "this scale computes net, and nothing reads its tare back")
                .mark(text.span(), "")
                .why("a net weight counts only with the tare it was computed with")
                .help("name the point that gives it: device_tare = \"WT-3101.tare\" (or gross = …), or let the station compute net: tare = \"station\""),
        );
    }
    let unit = written.divisions.first().map(|(unit, ..)| *unit);
    let mut divisions: Vec<Division> = Vec::new();
    for (own, division, place) in &written.divisions {
        let wrong = if Some(*own) != unit {
            Some("the units of a scale's divisions differ")
        } else if divisions
            .last()
            .is_some_and(|before| before.up_to >= division.up_to || before.step > division.step)
        {
            Some("divisions go from the finest to the coarsest")
        } else {
            None
        };
        if let Some(wrong) = wrong {
            page.add(
                Complaint::new("divisions-out-of-order", wrong)
                    .mark(place.clone(), "")
                    .help("write them in one unit, as on the type plate: [\"1 g up to 3 kg\", \"2 g up to 6.2 kg\"]"),
            );
        }
        divisions.push(division.clone());
    }
    let unit = unit?;
    let least = written.least.as_ref()?;
    let Some(number) = least.get_ref().number_in(unit) else {
        page.add(
            Complaint::new("unit-of-something-else", "the smallest weight is a mass")
                .mark(least.span(), "")
                .help("write for instance least = \"0.100 kg\""),
        );
        return None;
    };
    if !info.units.is_empty() && !info.units.contains(&unit) || info.unit.is_some_and(|own| own != unit) {
        page.add(
            Complaint::new("unit-never-shown", format!("{point} never comes in {unit}"))
                .mark(written.place.clone(), "")
                .why("a weight in another unit than this is refused, so nothing could be captured")
                .help("write the divisions in the unit the display is set to"),
        );
    }
    let known = known.iter().find(|known| known.tag == point.tag)?;
    if let Some((every, place)) = &known.every
        && *every > SLOWEST
        && info.comes == Comes::WhenAsked
    {
        page.add(
            Complaint::new(
                "scale-too-slow",
                format!("{} is asked every {}", point.tag, sentence::time(*every)),
            )
            .mark(place.clone(), "")
            .mark(written.place.clone(), "weighs here")
            .why("a weight is captured only from a reading younger than 1 s that was held still for 0.8 s")
            .help("ask it more often, for instance every = \"100 ms\""),
        );
    }
    let seen = |texts: &[Spanned<String>]| texts.iter().map(|text| text.get_ref().clone()).collect();
    Some(Scale {
        title: known.title.clone(),
        printed: info.comes == Comes::WhenPrinted,
        point,
        gross,
        device_tare,
        divisions,
        least: Quantity {
            amount: Amount::of(number),
            unit,
        },
        check_weights: seen(&written.check_weights),
        stability: or(&written.stability, Stability::Flag),
    })
}
