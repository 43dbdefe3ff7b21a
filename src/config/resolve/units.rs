//! `[unit.NAME]`: where batches run, and which point plays which role there.

use super::{Known, Role, context, names};
use crate::config::{
    block::Page,
    library,
    near::nearest,
    plant::{Authority, PointName, Unit0},
    written,
};
use driver::{Complaint, PointInfo};
use std::{collections::BTreeMap, ops::Range, time::Duration};
use toml::Spanned;

/// How often each point is captured while no step is known.
const WITHOUT_STEP: Duration = Duration::from_mins(1);

/// The roles of each unit, in the order of the file.
pub(super) fn roles(page: &Page, written: &[written::Unit], known: &[Known]) -> Vec<Vec<Role>> {
    let roles: Vec<Vec<Role>> = written.iter().map(|unit| of_unit(page, unit, known)).collect();
    alike(page, written);
    roles
}

fn of_unit(page: &Page, unit: &written::Unit, known: &[Known]) -> Vec<Role> {
    names::check(page, "a unit", &unit.name);
    let mut played: BTreeMap<PointName, (&str, Range<usize>)> = BTreeMap::new();
    let mut roles = Vec::new();
    for (name, point) in &unit.roles {
        names::check(page, "a role", name);
        let found = find_point(page, point, known);
        if let Some((point_name, _)) = &found
            && let Some((role, place)) = played.insert(point_name.clone(), (name.get_ref(), point.span()))
        {
            page.add(
                Complaint::new(
                    "point-with-two-roles",
                    format!("{point_name} plays two roles in {}", unit.name.get_ref()),
                )
                .mark(point.span(), format!("as {}", name.get_ref()))
                .mark(place, format!("as {role}"))
                .why("each of its readings would be entered twice")
                .help("keep one of the two roles"),
            );
        }
        roles.push(Role {
            name: name.get_ref().clone(),
            point: found,
        });
    }
    if unit.roles.is_empty() && unit.roles_place != unit.place {
        let what = format!(
            "{} has no roles: nothing would be recorded there",
            unit.name.get_ref()
        );
        let complaint = Complaint::new("no-roles", what).mark(unit.roles_place.clone(), "");
        page.add(complaint.help("add a line like product-temperature = \"TC-3105.temperature\""));
    }
    roles
}

/// `TAG.measure` → the point and its unit; complains of a tag, a measure or a draft.
pub(in crate::config) fn find_point(
    page: &Page,
    written: &Spanned<String>,
    known: &[Known],
) -> Option<(PointName, PointInfo)> {
    let known = tag_of(page, written, known)?;
    let (tag, measure) = written.get_ref().split_once('.')?;
    let (driver, points) = known.driver.as_ref()?;
    let part = tag.len() + 1..written.get_ref().len();
    let Some(info) = library::point(points, measure) else {
        let meant = nearest(measure, points.iter().map(|point| point.measure.as_str()));
        let meant = meant.map_or_else(String::new, |meant| format!("did you mean {tag}.{meant}?\n"));
        let all = points
            .iter()
            .map(|point| point.measure.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        page.add(
            Complaint::new("no-such-point", format!("{tag} has no point {measure:?}"))
                .mark(page.inside(written, &part), format!("not in the driver {driver}"))
                .help(format!("{meant}points of {tag}: {all}")),
        );
        return None;
    };
    if let Some((_, command)) = known.closed.iter().find(|(closed, _)| closed == measure) {
        page.add(
            Complaint::new("window-not-allowed", format!("{tag}.{measure} can only be read after {command:?}, which is not allowed"))
                .mark(written.span(), "recorded here")
                .mark(known.driver_place.clone(), format!("{driver} writes {command:?} before it reads this"))
                .why("nothing is written to equipment unless the configuration says so; without it there are no values")
                .help(format!("write allow = [\"{command}\"] in [equipment.{}], or record another point", written::quoted(tag))),
        );
    }
    if known.shows_only {
        page.add(
            Complaint::new("draft-driver", format!("the driver of {tag} is a draft, and its values are to be recorded"))
                .mark(written.span(), "recorded here")
                .mark(known.driver_place.clone(), format!("{driver} is a draft"))
                .why("nobody has shown yet that what a draft records is what the display shows")
                .help(format!("compare ten readings with the display: steelyard try {tag} --accept\nor record with a draft all the same: record_with_draft = true in [equipment.{}]; each batch then carries an exception", written::quoted(tag))),
        );
    }
    Some((
        PointName {
            tag: tag.to_owned(),
            measure: measure.to_owned(),
        },
        info.clone(),
    ))
}

/// The equipment a point names; complains where there is none.
pub(super) fn tag_of<'a>(page: &Page, written: &Spanned<String>, known: &'a [Known]) -> Option<&'a Known> {
    let Some((tag, _)) = written
        .get_ref()
        .split_once('.')
        .filter(|(tag, measure)| !tag.is_empty() && !measure.is_empty())
    else {
        let complaint = Complaint::new(
            "point-not-understood",
            format!("{:?} is no point", written.get_ref()),
        );
        page.add(
            complaint
                .mark(written.span(), "")
                .help("write the tag, a point, and what it measures: \"TC-3105.temperature\""),
        );
        return None;
    };
    let found = known.iter().find(|known| known.tag == tag);
    if found.is_none() {
        let meant = nearest(tag, known.iter().map(|known| known.tag.as_str()));
        let meant = meant.and_then(|meant| known.iter().find(|known| known.tag == meant));
        let meant = meant.map_or_else(String::new, |known| {
            let title = if known.title == known.tag {
                String::new()
            } else {
                format!(" ({})", known.title)
            };
            format!("did you mean {}{title}?\n", known.tag)
        });
        let all = known
            .iter()
            .map(|known| known.tag.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        let all = if all.is_empty() { "none".to_owned() } else { all };
        page.add(
            Complaint::new("no-such-equipment", format!("no equipment has the tag {tag:?}"))
                .mark(page.inside(written, &(0..tag.len())), "not in this file")
                .help(format!("{meant}equipment in this file: {all}")),
        );
    }
    found
}

/// Units of one kind follow the same recipes, so they have the same roles.
fn alike(page: &Page, written: &[written::Unit]) {
    let mut first: BTreeMap<&str, &written::Unit> = BTreeMap::new();
    for unit in written {
        let Some(kind) = &unit.kind else { continue };
        let model = *first.entry(kind.get_ref()).or_insert(unit);
        let missing = |has: &written::Unit, lacks: &written::Unit| {
            let lacks: Vec<&String> = lacks.roles.iter().map(|(role, _)| role.get_ref()).collect();
            let missing = has
                .roles
                .iter()
                .map(|(role, _)| role.get_ref())
                .filter(|role| !lacks.contains(role));
            missing.cloned().collect::<Vec<_>>()
        };
        let (lacks, more) = (missing(model, unit), missing(unit, model));
        if lacks.is_empty() && more.is_empty() {
            continue;
        }
        let (name, other) = (unit.name.get_ref(), model.name.get_ref());
        let mut facts = Vec::new();
        if !lacks.is_empty() {
            facts.push(format!("{name} lacks {}", lacks.join(", ")));
        }
        if !more.is_empty() {
            facts.push(format!("{other} lacks {}", more.join(", ")));
        }
        page.add(
            Complaint::new(
                "roles-differ",
                format!(
                    "{name} and {other} are both of kind {:?} and have different roles",
                    kind.get_ref()
                ),
            )
            .mark(unit.roles_place.clone(), facts.join("; "))
            .mark(model.roles_place.clone(), "compared with these")
            .why("a recipe names roles, and one recipe serves every unit of a kind")
            .help("give both the same roles, or call them different kinds"),
        );
    }
}

pub(super) fn units(
    page: &Page,
    written: &[written::Unit],
    roles: &[Vec<Role>],
    known: &[Known],
) -> Vec<Unit0> {
    let all = written.iter().zip(roles).map(|(unit, roles)| {
        let name = unit.name.get_ref().clone();
        Unit0 {
            title: unit
                .title
                .as_ref()
                .map_or_else(|| name.clone(), |title| title.get_ref().clone()),
            name,
            kind: unit
                .kind
                .as_ref()
                .map_or_else(String::new, |kind| kind.get_ref().clone()),
            authority: unit
                .authority
                .as_ref()
                .map_or(Authority::Mqtt, |authority| *authority.get_ref()),
            context: context::way(page, unit, known),
            lease: unit.lease.as_ref().map(|lease| *lease.get_ref()),
            roles: roles
                .iter()
                .filter_map(|role| Some((role.name.clone(), role.point.clone()?.0)))
                .collect(),
            without_step: unit
                .without_step
                .as_ref()
                .map_or(WITHOUT_STEP, |time| *time.get_ref()),
        }
    });
    all.collect()
}
