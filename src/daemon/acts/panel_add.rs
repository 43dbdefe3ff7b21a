//! Let a browser become a panel: a code that is typed there within a quarter of an hour.

use super::{Act, Asked, Carry, Core};
use crate::flow::people::NewPanel;
use record::Trouble;
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "panel-add",
    carry: Carry::Now(carry_out),
};

#[derive(Serialize, Deserialize)]
pub(crate) struct PanelAdd {
    pub(crate) name: String,
    pub(crate) station: String,
    /// Made from randomness by whoever asks on the machine.
    pub(crate) code: String,
    pub(crate) reason: String,
    pub(crate) by: String,
    pub(crate) secret: String,
}

/// Shorter codes could be found by trying.
const SHORTEST_CODE: usize = 8;

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let what: PanelAdd = asked.read()?;
    let by = core.person(asked, &["supervisor", "engineer"])?;
    let stations = core.plant.stations.iter().map(|station| station.name.as_str());
    let units = core.plant.units.iter().map(|unit| unit.name.as_str());
    let mut stations: Vec<&str> = stations.chain(units).collect();
    stations.dedup();
    if !stations.contains(&what.station.as_str()) {
        return Err(refused(
            &what.station,
            "there is no such station in the configuration",
            format!("name one of: {}", stations.join(", ")),
        ));
    }
    if what.code.len() < SHORTEST_CODE {
        return Err(refused(
            &what.name,
            "the code is too short",
            "leave the code to the command".to_owned(),
        ));
    }
    let new = NewPanel {
        name: what.name,
        station: what.station,
        code: what.code,
        by: by.id,
        reason: what.reason,
    };
    let draft = core.panels.add(&new, core.clock.now())?;
    core.enter(draft)?;
    Ok(format!(
        "{} at {} waits for its code for 15 minutes",
        new.name, new.station
    ))
}

fn refused(place: &str, what: &str, action: String) -> Trouble {
    Trouble::new("panel-refused", what)
        .at(place)
        .means("no panel was added and none was changed")
        .so(action)
}
