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
    #[serde(rename = "by")]
    _by: String,
    #[serde(rename = "secret")]
    _secret: String,
}

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let what: AtStation = asked.read()?;
    let by = core.person(asked, WEIGHS)?;
    let second = second(core, asked, &by)?;
    // From a session whoever works here proves it again with the act; through the control socket every act is proved.
    let again = second.as_ref().is_some_and(|second| second.id == by.id);
    let signed = again || asked.person.is_none() && asked.read::<Signs>().is_ok();
    let zero = matches!(what.act, Does::Zero);
    let panel = match (&asked.panel, asked.person.is_some()) {
        (Some(panel), _) => {
            let stands_at = core
                .panels
                .find(panel)
                .map(|panel| panel.station.clone())
                .unwrap_or_default();
            if stands_at != what.station {
                return Err(elsewhere(panel, &stands_at, &what.station));
            }
            panel.clone()
        }
        (None, true) => return Err(not_a_panel()),
        (None, false) => format!("machine {}", what.panel).trim().to_owned(),
    };
    let name = what.station.clone();
    let event = Event::Act(Box::new(station::Asked {
        station: what.station,
        panel,
        by: by.clone(),
        signed,
        second,
        act: what.act,
    }));
    let done = core.at_stations(event)?;
    core.show_stations(Some(&[name]));
    let done = done.map_err(|refusal| refusal.trouble)?;
    for action in &done.actions {
        if let (true, station::Action::Command { tag, command }) = (zero, action) {
            core.order((tag, command), &by, "at the station")?;
        }
    }
    Ok(done.text)
}

/// The person who signs beside the one who works here, proven; it may be the same one, who signs again. That a verifier
/// is another person is the station's to say, who keeps the try.
fn second(core: &mut Core, asked: &Asked, by: &Person) -> Result<Option<Person>, Trouble> {
    if let Some(proven) = &asked.second {
        return Ok(Some(proven.person().clone()));
    }
    if asked.has_second() {
        Ok(Some(core.second(asked, by, &[])?.person().clone()))
    } else {
        Ok(None)
    }
}

/// An enrolled panel is the panel of one station.
fn elsewhere(panel: &str, stands_at: &str, asked: &str) -> Trouble {
    Trouble::new(
        "another-station",
        format!("this panel stands at {stands_at}, not at {asked}"),
    )
    .at(panel)
    .means("it may look there, and captures nothing")
    .so(format!("go to a panel at {asked}"))
}

fn not_a_panel() -> Trouble {
    Trouble::new("not-a-panel", "this browser is no enrolled panel")
        .means("it may look, and captures nothing")
        .so("go to the station's panel, or enrol this one with `steelyard panel add`")
}
