//! Somebody signs in at a browser, goes on after a lock, or takes over a panel from another.

use super::{Act, Asked, Carry, Core};
use crate::flow::people::{Method, Proven};
use record::{Draft, Trouble};
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "sign-in",
    carry: Carry::Now(carry_out),
};

/// What a screen is told of whoever signed in.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SignedIn {
    pub(crate) person: String,
    pub(crate) method: String,
    /// Who had the panel before, where it was handed over.
    pub(crate) before: Option<String>,
    /// The password is one that somebody else knows.
    pub(crate) must_change: bool,
}

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let given = asked.read()?;
    let proven = core.proven(&given, "sign-in", &asked.from)?;
    if asked.panel.is_none() && proven.method() != Method::Password {
        // A badge is for a place somebody has to stand at.
        core.refused_as("not-enrolled", &proven.person().id, "sign-in", &asked.from)?;
        return Err(badge_needs_panel());
    }
    let before = entered(core, asked, &proven)?;
    let signed_in = SignedIn {
        person: proven.person().id.clone(),
        method: proven.method().word().to_owned(),
        before,
        must_change: proven.method() == Method::Password && core.people.must_change(&proven.person().id),
    };
    Ok(serde_json::to_string(&signed_in).unwrap_or_default())
}

/// The entry, and whoever had the panel before.
fn entered(core: &mut Core, asked: &Asked, proven: &Proven) -> Result<Option<String>, Trouble> {
    let (now, person) = (core.clock.now(), &proven.person().id);
    let sat = asked
        .panel
        .as_deref()
        .and_then(|panel| core.panels.sitting(panel));
    let before = sat.filter(|sat| sat != person).map(str::to_owned);
    let because = match (sat, &before) {
        (None, _) => "signed-in",
        (Some(_), None) => "resumed",
        (Some(_), Some(_)) => "handed-over",
    };
    let mut draft = Draft::new("access", now)
        .with("state", "granted")
        .with("because", because)
        .data("person", person.as_str())
        .data("method", proven.method().word())
        .data("from", asked.from.as_str());
    if let Some(panel) = &asked.panel {
        draft = draft.data("panel", panel.as_str());
    }
    if let Some(before) = &before {
        draft = draft.data("before", before.as_str());
    }
    core.enter(draft)?;
    if let Some(panel) = &asked.panel {
        core.panels.sits(panel, person);
        let station = core.panels.find(panel).map(|panel| panel.station.clone());
        // the first panel of a station has the pen until another asks for it
        if station.is_some_and(|station| core.panels.pen(&station).is_none())
            && let Some(draft) = core.panels.take_pen(panel, person, now)?
        {
            core.enter(draft)?;
        }
    }
    Ok(before)
}

fn badge_needs_panel() -> Trouble {
    Trouble::new("badge-needs-panel", "a badge opens enrolled panels only")
        .means("nothing was done; the try is an entry")
        .so("sign in with user name and password, or enrol this browser with `steelyard panel add`")
}
