//! `[[capture]]`: what becomes an entry, how often, and what it must be.

use super::{Known, Role, units::tag_of};
use crate::config::{
    block::Page,
    near::nearest,
    plant::{Capture, Limits, Pace, PointName, Unit0},
    sentence::{Band, Placed, time},
    written,
};
use driver::{Complaint, PointInfo};
use record::Quantity;
use rust_decimal::Decimal;
use std::{collections::BTreeMap, ops::Range, time::Duration};
use toml::Spanned;

/// Silence is an entry after this many paces, and never before this long.
const PACES_MISSING: u32 = 3;
const SHORTEST_MISSING: Duration = Duration::from_secs(3);
/// How often equipment is asked when neither it nor the capture says so.
const ASKED: Duration = Duration::from_secs(1);

pub(super) fn captures(
    page: &Page,
    written: &[written::Capture],
    units: &[Unit0],
    roles: &[Vec<Role>],
    known: &[Known],
) -> Vec<Capture> {
    let mut seen: BTreeMap<(String, String, Option<String>), Range<usize>> = BTreeMap::new();
    let mut captures = Vec::new();
    for capture in written {
        let limits = limits(page, capture);
        let found = whose(page, capture, units, roles, known);
        let Some((unit, role, point)) = found else {
            continue;
        };
        let during = capture.during.as_ref().map(|step| step.get_ref().clone());
        let place = capture.what.as_ref().map_or(capture.place.clone(), Spanned::span);
        let before = seen.insert(
            (unit.name.clone(), role.name.clone(), during.clone()),
            place.clone(),
        );
        if let Some(before) = before {
            twice(page, &unit.name, &role.name, during.as_deref(), place, before);
        }
        let Some((point, info)) = point else { continue };
        fits(page, capture, &point, &info);
        let asked = known
            .iter()
            .find(|known| known.tag == point.tag)
            .and_then(|known| known.every.as_ref());
        let pace = capture
            .pace
            .as_ref()
            .map_or(Pace::EveryReading, |pace| *pace.get_ref());
        captures.push(Capture {
            during,
            at: unit.name.clone(),
            role: role.name.clone(),
            unit: info.unit,
            missing_after: missing_after(page, capture, pace, &point.tag, asked),
            point,
            pace,
            limits,
        });
    }
    captures
}

type Whose<'a> = (&'a Unit0, &'a Role, Option<(PointName, PointInfo)>);

/// The unit, the role and its point. A role that was itself complained of has no point.
fn whose<'a>(
    page: &Page,
    capture: &written::Capture,
    units: &'a [Unit0],
    roles: &'a [Vec<Role>],
    known: &[Known],
) -> Option<Whose<'a>> {
    let (at, what) = (capture.at.as_ref()?, capture.what.as_ref()?);
    let Some(number) = units.iter().position(|unit| unit.name == *at.get_ref()) else {
        let names = || units.iter().map(|unit| unit.name.as_str());
        let meant = nearest(at.get_ref(), names())
            .map_or_else(String::new, |meant| format!("did you mean {meant:?}?\n"));
        let all = if units.is_empty() {
            "none".to_owned()
        } else {
            names().collect::<Vec<_>>().join(", ")
        };
        let complaint = Complaint::new("no-such-unit", format!("no unit has the name {:?}", at.get_ref()));
        page.add(
            complaint
                .mark(at.span(), "not in this file")
                .help(format!("{meant}units in this file: {all}")),
        );
        return None;
    };
    let (unit, roles) = (&units[number], &roles[number]);
    let role = if what.get_ref().contains('.') {
        role_of_point(page, what, unit, roles, known)?
    } else {
        role_named(page, what, unit, roles)?
    };
    Some((unit, role, role.point.clone()))
}

fn role_named<'a>(page: &Page, what: &Spanned<String>, unit: &Unit0, roles: &'a [Role]) -> Option<&'a Role> {
    let found = roles.iter().find(|role| role.name == *what.get_ref());
    if found.is_none() {
        let meant = nearest(what.get_ref(), roles.iter().map(|role| role.name.as_str()));
        let meant = meant.map_or_else(String::new, |meant| format!("did you mean {meant:?}?\n"));
        let complaint = Complaint::new(
            "no-such-role",
            format!("{} has no role {:?}", unit.name, what.get_ref()),
        );
        page.add(complaint.mark(what.span(), "").help(format!(
            "{meant}roles of {}: {}",
            unit.name,
            role_names(roles)
        )));
    }
    found
}

fn role_of_point<'a>(
    page: &Page,
    what: &Spanned<String>,
    unit: &Unit0,
    roles: &'a [Role],
    known: &[Known],
) -> Option<&'a Role> {
    tag_of(page, what, known)?;
    let plays = |role: &&Role| {
        role.point
            .as_ref()
            .is_some_and(|(point, _)| point.to_string() == *what.get_ref())
    };
    let found = roles.iter().find(plays);
    // with a role that is itself complained of, this may be the one that was meant
    if found.is_none() && roles.iter().all(|role| role.point.is_some()) {
        let complaint = Complaint::new(
            "point-without-role",
            format!("{} plays no role in {}", what.get_ref(), unit.name),
        );
        page.add(
            complaint
                .mark(what.span(), "")
                .why("limits and recipes speak of roles, so that one recipe serves every unit of a kind")
                .help(format!(
                    "add a role to [unit.{}.roles], or name one of: {}",
                    written::quoted(&unit.name),
                    role_names(roles)
                )),
        );
    }
    found
}

fn role_names(roles: &[Role]) -> String {
    if roles.is_empty() {
        "none".to_owned()
    } else {
        roles
            .iter()
            .map(|role| role.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    }
}

fn twice(
    page: &Page,
    unit: &str,
    role: &str,
    during: Option<&str>,
    place: Range<usize>,
    before: Range<usize>,
) {
    let step = during.map_or_else(|| "any step".to_owned(), |step| format!("{step:?}"));
    page.add(
        Complaint::new(
            "captured-twice",
            format!("{role} at {unit} is captured twice during {step}"),
        )
        .mark(place, "again here")
        .mark(before, "first here")
        .why("every reading would be entered twice, and be judged by two sets of limits")
        .help("keep one of the two blocks"),
    );
}

// ---------------------------------------------------------------- limits

pub(in crate::config) fn limits(page: &Page, capture: &written::Capture) -> Option<Limits> {
    if let (None, Some(warn)) = (&capture.must_be_text, &capture.warn_outside) {
        page.add(
            Complaint::new(
                "warning-without-limits",
                "a warning band without limits to warn of",
            )
            .mark(warn.span(), "")
            .help("add `must_be`, or take `warn_outside` out"),
        );
    }
    let band = capture.must_be.as_ref()?.get_ref();
    let warn = capture.warn_outside.as_ref().map(Spanned::get_ref);
    if let Some(warn) = warn {
        inside(page, capture, band, warn);
    }
    let quantity = |placed: &Option<Placed>| placed.as_ref().map(|placed| placed.quantity.clone());
    Some(Limits {
        low: quantity(&band.low),
        high: quantity(&band.high),
        warn_low: warn.and_then(|warn| quantity(&warn.low)),
        warn_high: warn.and_then(|warn| quantity(&warn.high)),
    })
}

/// The warning band lies inside the limits; otherwise the limit breaks before anybody is warned.
fn inside(page: &Page, capture: &written::Capture, band: &Band, warn: &Band) {
    let (Some(must_text), Some(warn_text)) = (&capture.must_be_text, &capture.warn_outside_text) else {
        return;
    };
    if warn.unit.dimension() != band.unit.dimension() {
        page.add(
            Complaint::new(
                "unit-of-something-else",
                "limits and warning band measure different things",
            )
            .mark(page.inside(warn_text, &warn.unit_at), warn.unit.dimension())
            .mark(page.inside(must_text, &band.unit_at), band.unit.dimension())
            .help("write both in the unit of the point"),
        );
        return;
    }
    let sides = [
        ("lower", &warn.low, &band.low, "below", "raise"),
        ("upper", &warn.high, &band.high, "above", "lower"),
    ];
    for (side, warn_side, limit, beyond, change) in sides {
        let (Some(warn_side), Some(limit)) = (warn_side, limit) else {
            continue;
        };
        let Some(by) = beyond_by(&warn_side.quantity, &limit.quantity, side == "lower") else {
            continue;
        };
        let (warned, limited) = (&warn_side.quantity, &limit.quantity);
        let until = if side == "lower" { "more" } else { "less" };
        let other = if side == "lower" { "lower" } else { "raise" };
        page.add(
            Complaint::new(
                "warning-outside-limits",
                "the warning band reaches beyond the limits",
            )
            .mark(
                page.inside(warn_text, &warn_side.at),
                format!("{by} {} {beyond} the {side} limit", warned.unit),
            )
            .mark(page.inside(must_text, &limit.at), format!("the {side} limit"))
            .why(format!(
                "at {} the limit would be broken without a warning before it",
                between(warned, limited)
            ))
            .help(format!(
                "{change} {warned} to {limited} or {until}, or {other} `must_be`"
            )),
        );
    }
}

/// How far a warning limit lies outside its limit, in the warning's unit; `None` when inside.
fn beyond_by(warned: &Quantity, limited: &Quantity, lower: bool) -> Option<Decimal> {
    let limit = limited.number_in(warned.unit)?;
    let by = if lower {
        limit - warned.amount.number()
    } else {
        warned.amount.number() - limit
    };
    (by > Decimal::ZERO)
        .then(|| by.round_dp(6).normalize())
        .map(|by| with_scale(by, warned.amount.number().scale()))
}

fn with_scale(mut number: Decimal, scale: u32) -> Decimal {
    if number.scale() < scale {
        number.rescale(scale);
    }
    number
}

/// A value in the middle of the unwarned strip.
fn between(warned: &Quantity, limited: &Quantity) -> String {
    let limit = limited.number_in(warned.unit).unwrap_or(limited.amount.number());
    let middle = ((limit + warned.amount.number()) / Decimal::TWO)
        .round_dp(6)
        .normalize();
    format!(
        "{} {}",
        with_scale(middle, warned.amount.number().scale()),
        warned.unit
    )
}

/// Limits are in a unit that the point can be compared with.
fn fits(page: &Page, capture: &written::Capture, point: &PointName, info: &PointInfo) {
    let (Some(band), Some(text)) = (&capture.must_be, &capture.must_be_text) else {
        return;
    };
    let limits_in = band.get_ref().unit;
    let Some(first) = info.units.first() else {
        let complaint = Complaint::new(
            "limits-on-words",
            format!("{point} gives words, and its limits are numbers"),
        );
        page.add(
            complaint
                .mark(text.span(), "")
                .help("take `must_be` out; a word is entered whenever it changes with every = \"change\""),
        );
        return;
    };
    if info
        .units
        .iter()
        .any(|unit| unit.dimension() == limits_in.dimension())
    {
        return;
    }
    let units = info
        .units
        .iter()
        .map(|unit| unit.shown())
        .collect::<Vec<_>>()
        .join(", ");
    page.add(
        Complaint::new(
            "unit-of-something-else",
            format!("{point} is measured in {units}; its limits are in {limits_in}"),
        )
        .mark(
            page.inside(text, &band.get_ref().unit_at),
            format!(
                "a unit of {}, not of {}",
                limits_in.dimension(),
                first.dimension()
            ),
        )
        .why("no reading could be judged by these limits")
        .help(format!(
            "write the limits in {units}, or in another unit of {}",
            first.dimension()
        )),
    );
}

// ---------------------------------------------------------------- silence

fn missing_after(
    page: &Page,
    capture: &written::Capture,
    pace: Pace,
    tag: &str,
    asked: Option<&(Duration, Range<usize>)>,
) -> Duration {
    let asked_every = asked.map(|(every, _)| *every);
    let every = match pace {
        Pace::Every(every) => every,
        Pace::EveryReading | Pace::OnChange | Pace::OnDemand => asked_every.unwrap_or(ASKED),
    };
    if let (Pace::Every(every), Some((asked, place)), Some(written)) = (pace, asked, &capture.pace)
        && every < *asked
    {
        page.add(
            Complaint::new(
                "asked-too-seldom",
                format!(
                    "{tag} is asked every {}, and is to be captured every {}",
                    time(*asked),
                    time(every)
                ),
            )
            .mark(written.span(), "captured more often")
            .mark(place.clone(), "than it is asked")
            .why("intervals would hold no reading at all, and each would be a gap")
            .help(format!(
                "ask {tag} at least every {}, or capture every {} or slower",
                time(every),
                time(*asked)
            )),
        );
    }
    let Some(written) = &capture.missing_after else {
        return (every * PACES_MISSING).max(SHORTEST_MISSING);
    };
    if *written.get_ref() < every {
        let mut complaint = Complaint::new(
            "missing-before-due",
            "silence would be entered before the next reading is even due",
        )
        .mark(written.span(), format!("shorter than {}", time(every)));
        if let (Pace::Every(_), Some(pace)) = (pace, &capture.pace) {
            complaint = complaint.mark(pace.span(), "the pace");
        } else if let Some((_, place)) = asked {
            complaint = complaint.mark(place.clone(), "how often it is asked");
        }
        page.add(
            complaint
                .why("every interval would be a gap in the record, though the instrument answers")
                .help(format!(
                    "write {} or more; three times the pace rides over two lost answers",
                    time(every)
                )),
        );
    }
    *written.get_ref()
}
