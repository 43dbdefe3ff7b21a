//! A value by hand: read off a display, or carried over from paper.

use super::{Act, Asked, Carry, Core};
use crate::{
    config::plant::{Plant, PointName},
    flow::{
        line::{
            LineEvent,
            by_hand::{ByHand, State, read_value},
        },
        local,
    },
};
use record::{Stamp, Trouble, Unit};
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "enter",
    carry: Carry::Now(carry_out),
};

#[derive(Serialize, Deserialize)]
pub(crate) struct Enter {
    /// `TAG.measure`, or a role.
    pub(crate) what: String,
    pub(crate) unit: Option<String>,
    pub(crate) value: String,
    /// As the plant's clock showed it, or with its offset.
    pub(crate) at: String,
    pub(crate) paper: String,
    pub(crate) reason: String,
    pub(crate) corrects: Option<u64>,
    pub(crate) by: String,
    pub(crate) secret: String,
    pub(crate) second: Option<String>,
    pub(crate) second_secret: Option<String>,
}

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let what: Enter = asked.read()?;
    let roles = core.plant.gateway.values_by_hand_by.clone();
    let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
    let by = core.person(asked, &roles)?;
    let (unit, role, point) = place(&core.plant, &what.what, what.unit.as_deref())?;
    let value = read_value(&what.value, &units(&core.plant, &point), &what.what)?;
    let now = core.clock.now();
    let time = moment(&what.at, &core.plant, &what.what, now)?;
    if let Some(seq) = what.corrects {
        correctable(core, seq)?;
    }
    let second = match (&what.second, &what.second_secret) {
        (Some(second), Some(secret)) => Some(another(core, (second, secret), &by.id)?),
        _ => None,
    };
    let verified = second.is_some();
    let seq = core.recorder.next();
    core.event(LineEvent::ByHand(ByHand {
        unit,
        role,
        point,
        value,
        time,
        paper: what.paper,
        by: by.id,
        reason: what.reason,
        second,
        corrects: what.corrects,
        now,
    }))?;
    Ok(if verified {
        format!("entry {seq}: entered by hand and verified")
    } else {
        format!(
            "entry {seq}: entered by hand; it counts once another person has verified it (steelyard enter --verify {seq})"
        )
    })
}

pub(super) fn refused(what: impl Into<String>, at: &str, action: impl Into<String>) -> Trouble {
    Trouble::new("value-refused", what)
        .at(at)
        .means("nothing was entered")
        .so(action)
}

/// Unit, role and point of what a person named.
fn place(plant: &Plant, what: &str, unit: Option<&str>) -> Result<(String, String, PointName), Trouble> {
    let mut found = Vec::new();
    for known in plant
        .units
        .iter()
        .filter(|known| unit.is_none_or(|unit| unit == known.name))
    {
        for (role, point) in &known.roles {
            if role == what || point.to_string() == what {
                found.push((known.name.clone(), role.clone(), point.clone()));
            }
        }
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(refused(
            format!("nothing here is called {what:?}"),
            unit.unwrap_or("this gateway"),
            "name a role of a unit, or a point as TAG.measure; `steelyard check` lists them",
        )),
        _ => {
            let units: Vec<String> = found.into_iter().map(|(unit, ..)| unit).collect();
            Err(refused(
                format!("{what:?} is in several units"),
                &units.join(", "),
                "say which with --unit",
            ))
        }
    }
}

/// The units a point comes in.
fn units(plant: &Plant, point: &PointName) -> Vec<Unit> {
    let Some(equipment) = plant.equipment.get(&point.tag) else {
        return Vec::new();
    };
    let found = equipment
        .driver
        .points()
        .into_iter()
        .find(|info| info.measure == point.measure);
    found.map_or_else(Vec::new, |info| match info.unit {
        Some(unit) => vec![unit],
        None => info.units,
    })
}

/// A moment that has been.
pub(super) fn moment(text: &str, plant: &Plant, at: &str, now: Stamp) -> Result<Stamp, Trouble> {
    let zone = local::zone(&plant.gateway.zone);
    let time =
        local::moment(text, &zone).map_err(|what| refused(what, at, "give the time at which it was read"))?;
    if time > now {
        return Err(refused(
            format!("{text} has not come yet"),
            at,
            "give the time at which it was read, by the plant's clock",
        ));
    }
    Ok(time)
}

/// Another person, who may verify.
pub(super) fn another(
    core: &mut Core,
    (second, secret): (&str, &str),
    first: &str,
) -> Result<String, Trouble> {
    if second == first {
        return Err(refused(
            "the second person is the first one",
            second,
            "another person compares the value with where it came from",
        ));
    }
    let person = core.prove(second, secret, "enter")?;
    if person
        .roles
        .iter()
        .any(|role| matches!(role.as_str(), "verifier" | "supervisor" | "reviewer"))
    {
        return Ok(person.id);
    }
    core.refused_as("not-allowed", &person.id, "enter", "")?;
    Err(Trouble::new(
        "not-allowed",
        format!(
            "{} may not verify: it needs the role verifier, supervisor or reviewer",
            person.name
        ),
    )
    .at(&person.id)
    .means("nothing was entered; the try is an entry")
    .so("ask somebody who has one of them"))
}

fn correctable(core: &Core, seq: u64) -> Result<(), Trouble> {
    if seq == 0 || seq >= core.recorder.next() {
        return Err(refused(
            format!("there is no entry {seq} yet"),
            "--corrects",
            "look for it with `steelyard ledger show`",
        ));
    }
    match core.line.hand(seq) {
        Some(hand) if hand.state == State::Corrected => Err(refused(
            format!("entry {seq} was corrected already"),
            "--corrects",
            "correct the entry that took its place",
        )),
        _ => Ok(()),
    }
}
