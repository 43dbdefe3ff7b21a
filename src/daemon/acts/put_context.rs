//! A context message over HTTP: the same message and the same reply as over the broker.

use super::{Act, Asked, Carry, Core};
use crate::{
    config::plant::Authority,
    flow::{
        line::{LineAction, LineEvent},
        needs::Files,
    },
    ports::files::SystemFiles,
};
use record::{Draft, Hash, Trouble};
use serde::{Deserialize, Serialize};
use std::{net::IpAddr, time::Duration};

pub(crate) const ACT: Act = Act {
    name: "put-context",
    carry: Carry::Now(carry_out),
};

/// What came in.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PutContext {
    pub(crate) unit: String,
    pub(crate) body: String,
    pub(crate) token: Option<String>,
    /// The address it came from.
    pub(crate) from: String,
}

/// More messages a second than any plant changes steps.
const A_SECOND: usize = 20;
/// The same refused try is entered again only after this time.
const REFUSED_AGAIN: Duration = Duration::from_mins(1);

/// The answer is the reply, recorded or refused; a trouble is what never reached the line.
fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let put: PutContext = asked.read()?;
    in_moderation(core, &put)?;
    authorised(core, &put)?;
    let event = LineEvent::Context {
        unit: put.unit.clone(),
        via: Authority::Http,
        bytes: put.body.into_bytes(),
        now: core.clock.now(),
    };
    let mut reply = String::new();
    for action in core.line.next(event, &mut core.recorder) {
        match action {
            LineAction::Reply { text, .. } => reply = text,
            LineAction::Say(trouble) => core.say(trouble),
        }
    }
    Ok(reply)
}

fn in_moderation(core: &mut Core, put: &PutContext) -> Result<(), Trouble> {
    let now = core.clock.elapsed();
    let puts = &mut core.state.context_puts;
    while puts
        .front()
        .is_some_and(|at| now.saturating_sub(*at) >= Duration::from_secs(1))
    {
        puts.pop_front();
    }
    if puts.len() >= A_SECOND {
        return Err(refused(
            "context-too-often",
            format!("more than {A_SECOND} messages came within a second"),
            &put.unit,
            "send one message at each change; the last one tells everything",
        ));
    }
    puts.push_back(now);
    Ok(())
}

/// Where a token is asked for, nothing else counts. A refused try is an entry.
fn authorised(core: &mut Core, put: &PutContext) -> Result<(), Trouble> {
    let unit = core.plant.units.iter().find(|unit| unit.name == put.unit);
    let Some(path) = unit.and_then(|unit| unit.context.token_file.clone()) else {
        // Without a token only this machine is believed.
        let here = put.from.parse::<IpAddr>().is_ok_and(|from| from.is_loopback());
        return if here {
            Ok(())
        } else {
            Err(not_from_here(&put.unit))
        };
    };
    let expected = SystemFiles.read_secret(&path)?;
    let given = put.token.as_deref().unwrap_or_default();
    // Hashes are compared, so that the time it takes says nothing about the token.
    if !expected.trim_ascii().is_empty() && Hash::of(expected.trim_ascii()) == Hash::of(given.as_bytes()) {
        return Ok(());
    }
    let now = core.clock.elapsed();
    let last = core.state.context_refused.get(&put.unit);
    if last.is_none_or(|last| now.saturating_sub(*last) >= REFUSED_AGAIN) {
        core.state.context_refused.insert(put.unit.clone(), now);
        let draft = Draft::new("access", core.clock.now())
            .with("state", "refused")
            .with("because", "refused");
        core.enter(
            draft
                .data("method", "token")
                .data("from", put.from.as_str())
                .data("what", format!("context of {}", put.unit)),
        )?;
    }
    Err(refused(
        "context-not-authorised",
        "the token is missing or is not the one of this unit".to_owned(),
        &put.unit,
        "send the token of `context_token_file` as Authorization: Bearer …",
    ))
}

fn not_from_here(unit: &str) -> Trouble {
    refused(
        "context-not-authorised",
        "context of this unit is taken from this machine only".to_owned(),
        unit,
        "name a `context_token_file` for this unit and send its token as Authorization: Bearer …",
    )
}

fn refused(name: &'static str, what: String, unit: &str, action: &str) -> Trouble {
    let trouble = match name {
        "context-too-often" => Trouble::new("context-too-often", what),
        _ => Trouble::new("context-not-authorised", what),
    };
    trouble
        .at(format!("context of unit {unit}"))
        .means("nothing was changed: readings stay bound to what was told last")
        .so(action)
}
