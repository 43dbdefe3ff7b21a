//! What a person does at a dispensing station. One act for everything, because everything is guarded alike: a person in
//! a role, at a panel; who signs has proved it again.

use super::{Act, Asked, Carry, Core};
use crate::flow::{
    people::Person,
    station::{self, Act as Does, Event},
};
use record::Trouble;
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "station",
    carry: Carry::Now(carry_out),
};

/// Who may weigh.
const WEIGHS: &[&str] = &["operator", "supervisor"];

/// A request: the station, what is done there, and who signs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AtStation {
    pub station: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub panel: String,
    #[serde(flatten)]
    pub act: Does,
}

/// Who asks signs with a secret.
#[derive(Deserialize)]
struct Signs {
    by: String,
    secret: String,
}

/// Another person signs.
#[derive(Deserialize)]
struct Second {
    second: String,
    second_secret: String,
}

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let what: AtStation = asked.read()?;
    let by = core.person(asked, WEIGHS)?;
    let signed = signed(core, asked, &by)?;
    let second = match asked.read::<Second>() {
        Ok(second) => Some(core.prove(&second.second, &second.second_secret, "station")?),
        Err(_) => None,
    };
    if let Does::Zero = what.act {
        return zero(core, &what, &by);
    }
    let name = what.station.clone();
    let event = Event::Act(Box::new(station::Asked {
        station: what.station,
        panel: what.panel,
        by,
        signed,
        second,
        act: what.act,
    }));
    let done = core.at_stations(event)?;
    core.show_stations(Some(&[name]));
    done.map(|done| done.text).map_err(|refusal| refusal.trouble)
}

/// Whether who asks has proved once more who they are.
fn signed(core: &mut Core, asked: &Asked, by: &Person) -> Result<bool, Trouble> {
    let Ok(signs) = asked.read::<Signs>() else {
        return Ok(false);
    };
    if asked.person.is_some() {
        let again = core.prove(&signs.by, &signs.secret, "station")?;
        return Ok(again.id == by.id);
    }
    Ok(true)
}

/// The scale's own zero: the station says whether it may be, the equipment's command does it.
fn zero(core: &mut Core, what: &AtStation, by: &Person) -> Result<String, Trouble> {
    let event = Event::Act(Box::new(station::Asked {
        station: what.station.clone(),
        panel: what.panel.clone(),
        by: by.clone(),
        signed: false,
        second: None,
        act: Does::Zero,
    }));
    let done = core.at_stations(event)?.map_err(|refusal| refusal.trouble)?;
    for action in done.actions {
        if let station::Action::Command { tag, command } = action {
            core.order((&tag, command), by, "at the station")?;
        }
    }
    Ok("the scale was told".to_owned())
}
