//! What a change of the configuration means, in sentences a person can sign for.
//!
//! Compares plants, not texts: moved lines and comments are no change of meaning, and are said to be none.

use super::{
    plant::{
        Capture, ContextPoints, Equipment, Gateway, Limits, Link, Master, Pace, Plant, RecordStore, Signing,
        Unit0, Web,
    },
    recipe::Recipe,
    sentence::{bytes, time},
};
use record::Quantity;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub part: Part,
    /// `TC-3105: asked every 1 s → 500 ms`.
    pub says: String,
    /// The equipment whose readings it touches.
    pub tags: BTreeSet<String>,
}

/// Which part of the plant changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Takes effect at the next start of the daemon.
    Gateway,
    RecordStore,
    Master,
    People,
    Web,
    /// One link is opened again, the others go on.
    Equipment,
    Unit,
    Capture,
    /// Batches that begin from now on.
    Recipe,
    /// The bytes of the files changed, and their meaning did not.
    Words,
}

/// Everything that differs, in the order of the file; nothing when the plants mean the same.
pub fn difference(old: &Plant, new: &Plant) -> Vec<Change> {
    let mut changes = Vec::new();
    let everything: Vec<String> = new.equipment.keys().cloned().collect();
    lines(
        &mut changes,
        Part::Gateway,
        "[gateway]",
        &gateway(&old.gateway),
        &gateway(&new.gateway),
        &everything,
    );
    let (before, after) = (record_store(&old.record_store), record_store(&new.record_store));
    lines(
        &mut changes,
        Part::RecordStore,
        "[record_store]",
        &before,
        &after,
        &[],
    );
    let (before, after) = (master(&old.master), master(&new.master));
    lines(&mut changes, Part::Master, "[master]", &before, &after, &[]);
    let signing = |plant: &Plant| {
        let Signing {
            performed,
            verified,
            acknowledged,
        } = plant.signing;
        vec![
            ("performed with", performed.says().to_owned()),
            ("verified with", verified.says().to_owned()),
            ("acknowledged with", acknowledged.says().to_owned()),
        ]
    };
    let (before, after) = (signing(old), signing(new));
    lines(&mut changes, Part::People, "[people]", &before, &after, &[]);
    lines(
        &mut changes,
        Part::Web,
        "[web]",
        &web(&old.web),
        &web(&new.web),
        &[],
    );
    let signal = |plant: &Plant| {
        let signal = plant.signal.as_ref();
        vec![
            (
                "listen",
                signal.map_or_else(|| "nowhere".into(), |signal| signal.listen.to_string()),
            ),
            (
                "units",
                signal.map_or_else(|| "none".into(), |signal| signal.units.join(", ")),
            ),
        ]
    };
    lines(
        &mut changes,
        Part::Web,
        "[signal]",
        &signal(old),
        &signal(new),
        &[],
    );
    equipment(&mut changes, old, new);
    units(&mut changes, old, new);
    captures(&mut changes, old, new);
    recipes(&mut changes, old, new);
    if changes.is_empty() && old.files != new.files {
        let says = "comments, order or blanks changed; what the plant does did not".to_owned();
        changes.push(Change {
            part: Part::Words,
            says,
            tags: BTreeSet::new(),
        });
    }
    changes
}

fn web(web: &Web) -> Vec<(&'static str, String)> {
    let file = |path: &Option<std::path::PathBuf>| {
        path.as_ref()
            .map_or_else(|| "made here".to_owned(), |path| path.display().to_string())
    };
    let shown = match web.show_without_sign_in {
        Some(true) => "to everyone",
        Some(false) => "to nobody",
        None => "on this machine alone",
    };
    vec![
        ("listen", web.listen.clone().unwrap_or_else(|| "nowhere".into())),
        ("certificate", file(&web.certificate)),
        ("private key", file(&web.private_key)),
        ("shown without signing in", shown.to_owned()),
        ("locked after", time(web.lock_after)),
        ("sessions at most", time(web.session_at_most)),
    ]
}

/// Limits as they are written: `70.0 to 75.0 °C`, with the warning band where there is one.
pub fn limits_in_words(limits: &Limits) -> String {
    let band = band(limits.low.as_ref(), limits.high.as_ref());
    match (&limits.warn_low, &limits.warn_high) {
        (None, None) => band,
        (low, high) => format!(
            "{band}, warned outside {}",
            self::band(low.as_ref(), high.as_ref())
        ),
    }
}

fn band(low: Option<&Quantity>, high: Option<&Quantity>) -> String {
    match (low, high) {
        (Some(low), Some(high)) => format!("{} to {high}", low.amount),
        (Some(low), None) => format!("at least {low}"),
        (None, Some(high)) => format!("at most {high}"),
        (None, None) => "none".to_owned(),
    }
}

/// A key and what it says, for people.
type Line = (&'static str, String);

/// Lines whose values differ; both sides list the same keys in the same order.
fn lines(changes: &mut Vec<Change>, part: Part, whose: &str, old: &[Line], new: &[Line], tags: &[String]) {
    for ((key, before), (_, after)) in old.iter().zip(new).filter(|(old, new)| old != new) {
        let tags = tags.iter().cloned().collect();
        changes.push(Change {
            part,
            says: format!("{whose}: {key} {before} → {after}"),
            tags,
        });
    }
}

fn path(path: &Path) -> String {
    path.display().to_string()
}

fn maybe<T>(value: Option<&T>, show: impl Fn(&T) -> String) -> String {
    value.map_or_else(|| "none".to_owned(), show)
}

fn gateway(gateway: &Gateway) -> Vec<Line> {
    vec![
        ("name", gateway.name.clone()),
        ("plant", gateway.plant.clone()),
        ("use", gateway.usage.word().to_owned()),
        ("zone", gateway.zone.clone()),
        ("ledger", path(&gateway.ledger)),
        ("signing_key", path(&gateway.signing_key)),
        ("seal_within", time(gateway.seal_within)),
        ("page_size", bytes(gateway.page_bytes as u64)),
        ("segment_size", bytes(gateway.segment_bytes)),
        ("stop_capture_below", bytes(gateway.stop_capture_below)),
        ("clock_may_differ_by", time(gateway.clock_may_differ_by)),
        ("settle", time(gateway.settle)),
        ("recipes", maybe(gateway.recipes.as_ref(), |folder| path(folder))),
        (
            "when_calibration_is_over",
            gateway.when_calibration_is_over.word().to_owned(),
        ),
        ("trust", path(&gateway.trust)),
        (
            "when_certificate_is_over",
            gateway.when_certificate_is_over.word().to_owned(),
        ),
        ("values_by_hand_by", gateway.values_by_hand_by.join(" or ")),
    ]
}

fn master(master: &Master) -> Vec<Line> {
    let old = |age| format!("{} old", time(age));
    vec![
        ("orders_may_be", old(master.orders)),
        ("lots_may_be", old(master.lots)),
        ("containers_may_be", old(master.containers)),
        ("check_weights_may_be", old(master.check_weights)),
        ("people_may_be", old(master.people)),
    ]
}

fn record_store(store: &RecordStore) -> Vec<Line> {
    let file = |value: &Option<std::path::PathBuf>| maybe(value.as_ref(), |file| path(file));
    vec![
        ("broker", store.broker.clone()),
        ("insecure_plaintext", store.insecure_plaintext.to_string()),
        (
            "mqtt",
            if store.mqtt_version_3 { "3.1.1" } else { "5" }.to_owned(),
        ),
        ("user", maybe(store.user.as_ref(), String::clone)),
        ("password_file", file(&store.password_file)),
        ("trust", file(&store.trust)),
        ("certificate", file(&store.certificate)),
        ("private_key", file(&store.private_key)),
        ("topics", store.topics.clone()),
        ("key", file(&store.key)),
        (
            "release_on",
            if store.release_on_broker {
                "broker"
            } else {
                "receipt"
            }
            .to_owned(),
        ),
        ("window", store.window.to_string()),
    ]
}

fn link(link: &Link) -> String {
    let line = |line: &Option<String>| {
        line.as_ref()
            .map_or_else(String::new, |line| format!(" ({line})"))
    };
    match link {
        Link::Serial { path, line: settings } => format!("serial {}{}", path.display(), line(settings)),
        Link::Tcp(address) => format!("tcp {address}"),
        Link::ModbusTcp(address) => format!("modbus_tcp {address}"),
        Link::ModbusRtuTcp(address) => format!("modbus_rtu_tcp {address}"),
        Link::ModbusRtu { path, line: settings } => {
            format!("modbus_rtu {}{}", path.display(), line(settings))
        }
        Link::OpcUa(server) => {
            let starts = server
                .starts
                .iter()
                .map(|(name, start)| format!(", {name} at {start}"));
            format!(
                "opcua {}, {}, {}{}",
                server.url,
                server.security.words(),
                server.identity.words(),
                starts.collect::<String>()
            )
        }
    }
}

fn of_equipment(equipment: &Equipment) -> Vec<Line> {
    vec![
        ("title", equipment.title.clone()),
        (
            "driver",
            format!("{} edition {}", equipment.driver.name, equipment.edition),
        ),
        ("link", link(&equipment.link)),
        ("unit_id", maybe(equipment.unit_id.as_ref(), u8::to_string)),
        (
            "serial_number",
            maybe(equipment.serial_number.as_ref(), String::clone),
        ),
        (
            "calibrated_till",
            maybe(equipment.calibrated_till.as_ref(), String::clone),
        ),
        ("asked every", time(equipment.every)),
        ("record_with_draft", equipment.record_with_draft.to_string()),
        (
            "range",
            by_measure(&equipment.ranges, |range| {
                band(range.low.as_ref(), range.high.as_ref())
            }),
        ),
        ("division", by_measure(&equipment.divisions, Quantity::to_string)),
        ("allow", equipment.allow.join(", ")),
    ]
}

fn by_measure<T>(all: &BTreeMap<String, T>, show: impl Fn(&T) -> String) -> String {
    let all: Vec<String> = all
        .iter()
        .map(|(measure, value)| format!("{measure} {}", show(value)))
        .collect();
    if all.is_empty() {
        "none".to_owned()
    } else {
        all.join(", ")
    }
}

/// Recipes by id and revision; one that changed under the same revision is said as that.
fn recipes(changes: &mut Vec<Change>, old: &Plant, new: &Plant) {
    let mut say = |says: String| {
        changes.push(Change {
            part: Part::Recipe,
            says,
            tags: BTreeSet::new(),
        });
    };
    let named = |recipe: &Recipe| format!("recipe {} rev {}", recipe.id, recipe.revision);
    for gone in old
        .recipes
        .iter()
        .filter(|gone| !new.recipes.iter().any(|other| other.same_revision(gone)))
    {
        say(format!(
            "{} is removed; batches that run under it go on",
            named(gone)
        ));
    }
    for after in &new.recipes {
        match old.recipes.iter().find(|other| other.same_revision(after)) {
            None => say(format!("{} is added ({})", named(after), after.product)),
            Some(before) if before.text != after.text => say(format!(
                "{}: its file changed, and its revision did not; an approval of the old file does not count for it",
                named(after)
            )),
            Some(_) => {}
        }
    }
}

fn equipment(changes: &mut Vec<Change>, old: &Plant, new: &Plant) {
    let mut say = |tag: &str, says: String| {
        changes.push(Change {
            part: Part::Equipment,
            says,
            tags: BTreeSet::from([tag.to_owned()]),
        });
    };
    for (tag, gone) in old
        .equipment
        .iter()
        .filter(|(tag, _)| !new.equipment.contains_key(*tag))
    {
        say(
            tag,
            format!(
                "{tag} ({}) is removed: nothing of it is recorded any more",
                gone.title
            ),
        );
    }
    for (tag, after) in &new.equipment {
        let Some(before) = old.equipment.get(tag) else {
            let driver = format!("{} edition {}", after.driver.name, after.edition);
            say(
                tag,
                format!(
                    "{tag} ({}) is added: driver {driver}, {}",
                    after.title,
                    link(&after.link)
                ),
            );
            continue;
        };
        for ((key, was), (_, is)) in of_equipment(before).into_iter().zip(of_equipment(after)) {
            if was != is {
                say(tag, format!("{tag}: {key} {was} → {is}"));
            }
        }
        let same_edition = before.edition == after.edition && before.driver.name == after.driver.name;
        if same_edition && before.driver.sha256() != after.driver.sha256() {
            let name = &after.driver.name;
            say(
                tag,
                format!(
                    "{tag}: the file of its driver {name} changed, and its edition {} did not",
                    after.edition
                ),
            );
        }
    }
}

fn of_unit(unit: &Unit0) -> Vec<Line> {
    vec![
        ("title", unit.title.clone()),
        ("kind", unit.kind.clone()),
        ("authority", unit.authority.word().to_owned()),
        ("context_key", maybe(unit.context.key.as_ref(), Clone::clone)),
        (
            "context_token_file",
            maybe(unit.context.token_file.as_ref(), |path| {
                path.display().to_string()
            }),
        ),
        ("context", maybe(unit.context.points.as_ref(), of_points)),
        ("lease", maybe(unit.lease.as_ref(), |lease| time(*lease))),
        ("without_step", time(unit.without_step)),
    ]
}

fn of_points(points: &ContextPoints) -> String {
    let names: Vec<String> = points.all().map(ToString::to_string).collect();
    let steps: Vec<String> = points
        .steps
        .iter()
        .map(|(shown, step)| format!("{shown} = {step}"))
        .collect();
    let states: Vec<String> = points
        .states
        .iter()
        .map(|(shown, meant)| format!("{shown} = {meant:?}").to_lowercase())
        .collect();
    format!(
        "{} ({}; {})",
        names.join(", "),
        steps.join(", "),
        states.join(", ")
    )
}

fn units(changes: &mut Vec<Change>, old: &Plant, new: &Plant) {
    let tags = |unit: &Unit0| {
        unit.roles
            .iter()
            .map(|(_, point)| point.tag.clone())
            .collect::<BTreeSet<_>>()
    };
    let named = |plant: &'_ Plant, name: &str| plant.units.iter().position(|unit| unit.name == name);
    for gone in old.units.iter().filter(|unit| named(new, &unit.name).is_none()) {
        let says = format!(
            "unit {} is removed: no batch is followed there any more",
            gone.name
        );
        changes.push(Change {
            part: Part::Unit,
            says,
            tags: tags(gone),
        });
    }
    for after in &new.units {
        let Some(before) = named(old, &after.name).map(|number| &old.units[number]) else {
            let roles = after
                .roles
                .iter()
                .map(|(role, point)| format!("{role} = {point}"))
                .collect::<Vec<_>>();
            let says = format!(
                "unit {} is added: kind {}, {}",
                after.name,
                after.kind,
                roles.join(", ")
            );
            changes.push(Change {
                part: Part::Unit,
                says,
                tags: tags(after),
            });
            continue;
        };
        let touched: Vec<String> = tags(after).into_iter().collect();
        lines(
            changes,
            Part::Unit,
            &format!("unit {}", after.name),
            &of_unit(before),
            &of_unit(after),
            &touched,
        );
        roles(changes, before, after);
    }
}

fn roles(changes: &mut Vec<Change>, before: &Unit0, after: &Unit0) {
    let point = |unit: &Unit0, role: &str| {
        unit.roles
            .iter()
            .find(|(name, _)| name == role)
            .map(|(_, point)| point.clone())
    };
    let mut names: Vec<&String> = before
        .roles
        .iter()
        .chain(&after.roles)
        .map(|(role, _)| role)
        .collect();
    names.sort();
    names.dedup();
    for role in names {
        let (was, is) = (point(before, role), point(after, role));
        if was == is {
            continue;
        }
        let tags = was.iter().chain(&is).map(|point| point.tag.clone()).collect();
        let show = |point: Option<_>| maybe(point.as_ref(), ToString::to_string);
        let says = format!("unit {}: role {role} {} → {}", after.name, show(was), show(is));
        changes.push(Change {
            part: Part::Unit,
            says,
            tags,
        });
    }
}

fn pace(pace: Pace) -> String {
    match pace {
        Pace::EveryReading => "every reading".into(),
        Pace::Every(every) => format!("every {}", time(every)),
        Pace::OnChange => "every change".into(),
        Pace::OnDemand => "when asked".into(),
    }
}

fn of_capture(capture: &Capture) -> Vec<Line> {
    vec![
        ("point", capture.point.to_string()),
        ("captured", pace(capture.pace)),
        ("limits", maybe(capture.limits.as_ref(), limits_in_words)),
        ("missing_after", time(capture.missing_after)),
    ]
}

fn whose(capture: &Capture) -> String {
    let during = capture
        .during
        .as_ref()
        .map_or_else(|| "any step".to_owned(), |step| format!("\"{step}\""));
    format!("{} at {} during {during}", capture.role, capture.at)
}

fn captures(changes: &mut Vec<Change>, old: &Plant, new: &Plant) {
    let same = |one: &Capture, other: &Capture| {
        (&one.at, &one.role, &one.during) == (&other.at, &other.role, &other.during)
    };
    for gone in old
        .captures
        .iter()
        .filter(|gone| !new.captures.iter().any(|capture| same(capture, gone)))
    {
        let says = format!("{} is captured no more", whose(gone));
        changes.push(Change {
            part: Part::Capture,
            says,
            tags: BTreeSet::from([gone.point.tag.clone()]),
        });
    }
    for after in &new.captures {
        let Some(before) = old.captures.iter().find(|before| same(before, after)) else {
            let limits = maybe(after.limits.as_ref(), limits_in_words);
            let says = format!(
                "{} is captured from now on: {}, limits {limits}",
                whose(after),
                pace(after.pace)
            );
            changes.push(Change {
                part: Part::Capture,
                says,
                tags: BTreeSet::from([after.point.tag.clone()]),
            });
            continue;
        };
        let tags = [before.point.tag.clone(), after.point.tag.clone()];
        lines(
            changes,
            Part::Capture,
            &whose(after),
            &of_capture(before),
            &of_capture(after),
            &tags,
        );
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::config::{Source, read};

    fn plant(with: &[(&str, &str)]) -> Plant {
        let mut source = Source::example();
        source.recipes.clear();
        for (before, after) in with {
            assert!(source.text.contains(before), "{before}");
            source.text = source.text.replacen(before, after, 1);
        }
        read(source.clone()).unwrap_or_else(|complaints| panic!("{}", source.render(&complaints[0])))
    }

    fn said(with: &[(&str, &str)]) -> Vec<String> {
        difference(&plant(&[]), &plant(with))
            .into_iter()
            .map(|change| change.says)
            .collect()
    }

    #[test]
    fn a_plant_does_not_differ_from_itself() {
        assert_eq!(difference(&plant(&[]), &plant(&[])), []);
    }

    #[test]
    fn a_change_of_limits_is_said_with_both() {
        let changes = difference(
            &plant(&[]),
            &plant(&[("\"70.0 to 75.0 °C\"", "\"70.0 to 76.0 °C\"")]),
        );
        assert_eq!(changes.len(), 1);
        assert_eq!(
            changes[0].says,
            "product-temperature at MX-3 during \"emulsify\": limits 70.0 to 75.0 °C, warned outside 71.0 to 74.0 °C \
             → 70.0 to 76.0 °C, warned outside 71.0 to 74.0 °C"
        );
        assert_eq!(changes[0].tags, BTreeSet::from(["TC-3105".to_owned()]));
    }

    #[test]
    fn every_part_of_the_plant_is_compared() {
        let cases = [
            (
                "name                = \"line-3\"",
                "name                = \"line-4\"",
                "[gateway]: name line-3 → line-4",
            ),
            (
                "\"2 GiB free\"",
                "\"4 GiB free\"",
                "[gateway]: stop_capture_below 2 GiB → 4 GiB",
            ),
            (
                ":8883",
                ":8884",
                "[record_store]: broker mqtts://ebr.essen.example:8883 → mqtts://ebr.essen.example:8884",
            ),
            (
                "127.0.0.1:8470",
                "127.0.0.1:80",
                "[web]: listen 127.0.0.1:8470 → 127.0.0.1:80",
            ),
            (
                "10.30.4.17:502",
                "10.30.4.18:502",
                "SC-3107: link modbus_tcp 10.30.4.17:502 → modbus_tcp 10.30.4.18:502",
            ),
            (
                "2027-03-31",
                "2028-03-31",
                "WT-3101: calibrated_till 2027-03-31 → 2028-03-31",
            ),
            ("\"5 min\"", "\"10 min\"", "unit MX-3: lease 5 min → 10 min"),
            (
                "\"TC-3105.temperature\"",
                "\"TC-3105.output\"",
                "unit MX-3: role product-temperature TC-3105.temperature → TC-3105.output",
            ),
            (
                "every         = \"change\"",
                "every         = \"reading\"",
                "net-weight at Booth 2 during \"weigh\": captured every change → every reading",
            ),
            (
                "# Line 3",
                "# Line three",
                "comments, order or blanks changed; what the plant does did not",
            ),
        ];
        for (before, after, expected) in cases {
            let mut with = vec![(before, after)];
            if after == "\"TC-3105.output\"" {
                // the output is a percentage: the limits in °C would be refused
                with.extend([
                    ("\"15.0 to 30.0 °C\"", "\"0 to 99 %\""),
                    ("\"at most 80.0 °C\"", "\"at most 99 %\""),
                ]);
                with.extend([
                    ("\"at most 78.0 °C\"", "\"at most 98 %\""),
                    ("\"70.0 to 75.0 °C\"", "\"0 to 99 %\""),
                ]);
                with.extend([
                    ("\"71.0 to 74.0 °C\"", "\"0 to 98 %\""),
                    ("\"at least 20.0 °C\"", "\"at least 0 %\""),
                ]);
                with.push(("\"at least 22.0 °C\"", "\"at least 1 %\""));
            }
            let said = said(&with);
            assert!(said.iter().any(|says| says == expected), "{expected}\n{said:#?}");
        }
    }

    #[test]
    fn a_recipe_that_changed_under_its_revision_is_named() {
        let before = read(Source::example()).unwrap();
        let mut source = Source::example();
        source.recipes[0].1 = source.recipes[0].1.replace("at most 80.0", "at most 82.0");
        let after = read(source.clone()).unwrap();
        let changes = difference(&before, &after);
        assert_eq!(changes.len(), 1);
        assert_eq!(
            changes[0].says,
            "recipe hand-cream rev 7: its file changed, and its revision did not; an approval of the old file \
             does not count for it"
        );
        source.recipes.clear();
        let gone = difference(&before, &read(source).unwrap());
        assert_eq!(
            gone[0].says,
            "recipe hand-cream rev 7 is removed; batches that run under it go on"
        );
    }

    #[test]
    fn what_comes_and_what_goes_is_named() {
        let added = "[equipment.TC-3106]\ndriver = \"tc200\"\nedition = 2\nmodbus_tcp = \"10.30.4.16\"\n\n[unit.MX-3]\n";
        assert_eq!(
            said(&[("[unit.MX-3]\n", added)]),
            ["TC-3106 (TC-3106) is added: driver tc200 edition 2, modbus_tcp 10.30.4.16:502"]
        );
        let back = difference(&plant(&[("[unit.MX-3]\n", added)]), &plant(&[]));
        assert_eq!(
            back[0].says,
            "TC-3106 (TC-3106) is removed: nothing of it is recorded any more"
        );
        let renamed = said(&[("during        = \"weigh\"", "during        = \"weigh-again\"")]);
        assert_eq!(
            renamed,
            [
                "net-weight at Booth 2 during \"weigh\" is captured no more",
                "net-weight at Booth 2 during \"weigh-again\" is captured from now on: every change, limits none",
            ]
        );
    }
}
