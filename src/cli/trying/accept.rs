//! The side-by-side at the instrument: a person reads the display ten times, and each reading is put beside what was
//! captured at that moment. The captured value is shown only afterwards, so that nobody reads what they expect.

use super::{LISTEN, exchange::Exchange, reach, wire::Wire};
use crate::{
    cli::{NOT_RIGHT, acts, err, say},
    config::{Source, plant::Equipment},
    daemon::acts::{
        Asked,
        accept::{Accept, AcceptReply, ComparedPair, ROLES},
    },
    flow::{
        accept::{PAIRS, side_by_side},
        enter::Enter,
        needs::Clock,
        people::People,
    },
    ports::{clock::SystemClock, terminal::Keys},
};
use record::{Line, Trouble};
use serde_json::json;
use std::{collections::VecDeque, path::PathBuf, process::ExitCode, time::Duration};

/// How ten readings are compared.
#[derive(Debug, Clone, Default)]
pub(crate) struct Comparing {
    pub(crate) by: String,
    pub(crate) password_file: Option<PathBuf>,
    pub(crate) reason: String,
    /// Read off beforehand, for scripts: `weight=100.00 g`, or without the measure where there is one.
    pub(crate) readings: Vec<String>,
    pub(crate) json: bool,
}

/// Compares, and enters what came of it.
pub(crate) fn accept(
    source: &Source,
    equipment: &Equipment,
    comparing: &Comparing,
) -> Result<ExitCode, Trouble> {
    // two threads: opening a ledger waits for its sealer
    let runtime = crate::cli::life::runtime()?;
    let code = runtime.block_on(compare(source, equipment, comparing));
    // a thread that waits for keys must not hold up the end
    runtime.shutdown_background();
    code
}

async fn compare(source: &Source, equipment: &Equipment, comparing: &Comparing) -> Result<ExitCode, Trouble> {
    let (mut wire, through) = reach(Some(source), equipment).await?;
    let measures = measures(source, equipment);
    if !comparing.json {
        say(&format!(
            "{} with driver {} edition {}: {PAIRS} readings, {}",
            equipment.tag,
            equipment.driver.name,
            equipment.edition,
            if through {
                "each beside what the running gateway captures"
            } else {
                "each beside what its driver makes of the instrument's answer (no gateway runs)"
            }
        ));
    }
    let mut keys = if comparing.readings.is_empty() {
        Some(Keys::begin().ok_or_else(no_terminal)?)
    } else {
        None
    };
    let pairs = match &mut keys {
        Some(keys) => from_a_person(&mut wire, keys, equipment, &measures).await?,
        None => from_a_script(&mut wire, &comparing.readings, &measures).await?,
    };
    drop(wire);
    let secret = match &mut keys {
        Some(keys) if comparing.password_file.is_none() => keys
            .hidden(&format!("password of {}: ", comparing.by))
            .await
            .ok_or_else(given_up)?,
        _ => acts::secret(comparing.password_file.as_ref())?,
    };
    drop(keys);
    let act = Accept {
        by: comparing.by.clone(),
        secret,
        tag: equipment.tag.clone(),
        reason: comparing.reason.clone(),
        pairs,
    };
    let reply = if through {
        through_gateway(source, &act).await?
    } else {
        while_stopped(source, equipment, &act).await?
    };
    say(&if comparing.json {
        json!({ "tag": equipment.tag, "accepted": reply.accepted, "says": reply.text }).to_string()
    } else {
        reply.text.clone()
    });
    Ok(if reply.accepted {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_RIGHT)
    })
}

/// The measures that are captured; where none is, all.
fn measures(source: &Source, equipment: &Equipment) -> Vec<String> {
    let captured: Vec<String> = crate::config::read(source.clone()).map_or_else(
        |_| Vec::new(),
        |plant| {
            let points = plant.captures.iter().map(|capture| &capture.point);
            let mut names: Vec<String> = points
                .filter(|point| point.tag == equipment.tag)
                .map(|point| point.measure.clone())
                .collect();
            names.sort();
            names.dedup();
            names
        },
    );
    if captured.is_empty() {
        equipment
            .driver
            .points()
            .into_iter()
            .map(|point| point.measure)
            .collect()
    } else {
        captured
    }
}

/// The answers of one measure among what was heard.
fn of(round: &[Exchange], measure: &str) -> Vec<ComparedPair> {
    let heard = |exchange: &Exchange| {
        let answers = exchange
            .answer()
            .map(|heard| heard.answers.clone())
            .unwrap_or_default();
        let mine = answers.into_iter().filter(|(known, _)| known == measure);
        mine.map(|(_, answer)| ComparedPair {
            measure: measure.to_owned(),
            shown: String::new(),
            captured: answer.to_string(),
            time: exchange.time.0,
            raw: exchange.raw.clone(),
        })
        .collect::<Vec<_>>()
    };
    round.iter().flat_map(heard).collect()
}

/// One reading after the other, at the person's own pace.
async fn from_a_person(
    wire: &mut Wire,
    keys: &mut Keys,
    equipment: &Equipment,
    measures: &[String],
) -> Result<Vec<ComparedPair>, Trouble> {
    say(
        "Type what the display shows, with its unit where it shows one, at the moment you read it; then Enter.",
    );
    say(
        "Change the load or the temperature in between: ten times the same value prove one value. Escape gives up.",
    );
    let mut pairs: Vec<ComparedPair> = Vec::new();
    while pairs.len() < PAIRS {
        let measure = &measures[pairs.len() % measures.len()];
        let mut heard: VecDeque<ComparedPair> = VecDeque::new();
        let prompt = format!(
            "{:2} of {PAIRS}  {}.{measure} shows: ",
            pairs.len() + 1,
            equipment.tag
        );
        let mut line = std::pin::pin!(keys.line(&prompt));
        let shown = loop {
            tokio::select! {
                shown = &mut line => break shown.ok_or_else(given_up)?,
                round = wire.round(LISTEN) => {
                    heard.extend(of(&round?, measure));
                    while heard.len() > RECENT {
                        heard.pop_front();
                    }
                    SystemClock::new().sleep(Duration::from_millis(100)).await;
                }
            }
        };
        if shown.is_empty() {
            continue;
        }
        while heard.is_empty() {
            let round = wire.round(LISTEN).await?;
            heard.extend(of(&round, measure));
        }
        let pair = closest(heard, &shown);
        let agrees = pair.meant().agrees();
        say(&format!(
            "          captured {}: {}",
            pair.captured,
            if agrees { "agrees" } else { "DIFFERS" }
        ));
        pairs.push(pair);
    }
    Ok(pairs)
}

/// Between reading a moving display and pressing Enter some readings go by: one of the last few that agrees, else the
/// newest.
fn closest(heard: VecDeque<ComparedPair>, shown: &str) -> ComparedPair {
    let with = |mut pair: ComparedPair| {
        shown.clone_into(&mut pair.shown);
        pair
    };
    let mut newest_first = heard.into_iter().rev().map(with).collect::<Vec<_>>();
    let at = newest_first
        .iter()
        .position(|pair| pair.meant().agrees())
        .unwrap_or(0);
    newest_first.swap_remove(at)
}

/// What was read off beforehand or comes from another program: each beside the next answer.
async fn from_a_script(
    wire: &mut Wire,
    readings: &[String],
    measures: &[String],
) -> Result<Vec<ComparedPair>, Trouble> {
    let mut pairs: Vec<ComparedPair> = Vec::new();
    for (place, reading) in readings.iter().enumerate() {
        let (measure, shown) = match reading.split_once('=') {
            Some((measure, shown)) => (measure.trim().to_owned(), shown.trim()),
            None => (measures[place % measures.len()].clone(), reading.trim()),
        };
        let after = pairs.last().map_or(0, |last| last.time);
        let clock = SystemClock::new();
        let until = clock.elapsed() + PATIENCE;
        let pair = loop {
            let round = wire.round(LISTEN).await?;
            let mut fresh = of(&round, &measure);
            fresh.retain(|pair| pair.time > after || pair.measure != measure);
            if !fresh.is_empty() {
                break closest(fresh.into(), shown);
            }
            if clock.elapsed() >= until {
                return Err(Trouble::new("nothing-to-compare", format!("{measure} gave no new answer"))
                    .means("nothing was entered")
                    .so("is the instrument there? steelyard try TAG   shows it; is the measure written as in its driver?"));
            }
        };
        pairs.push(pair);
    }
    Ok(pairs)
}

async fn through_gateway(source: &Source, act: &Accept) -> Result<AcceptReply, Trouble> {
    let reply = acts::ask(source, &Asked::to("accept", act)).await?;
    let Some(reply) = reply else {
        return Err(Trouble::new("gateway-not-running", "the gateway ended meanwhile")
            .means("nothing was entered")
            .so("start it and compare again"));
    };
    if !reply.done {
        err(&reply.text);
        return Err(Trouble::new("not-accepted", "the comparison was not entered").so("see above"));
    }
    serde_json::from_str(&reply.text).map_err(|_| {
        Trouble::new(
            "gateway-not-reached",
            "the running gateway gave no answer that can be read",
        )
        .means("whether it was entered is not known here; the ledger says it")
        .so("look with `steelyard ledger show --kind acceptance`")
    })
}

/// On the ledger itself, as the gateway would.
async fn while_stopped(source: &Source, equipment: &Equipment, act: &Accept) -> Result<AcceptReply, Trouble> {
    acts::while_stopped(source.clone(), |open| {
        let mut people = People::default();
        for kept in &open.kept {
            if let Ok(entry) = Line::read(&kept.line) {
                people.recall(&entry);
            }
        }
        let person = people.prove(&act.by, &act.secret, open.now)?;
        if !person.roles.iter().any(|role| ROLES.contains(&role.as_str())) {
            return Err(Trouble::new(
                "not-allowed",
                format!(
                    "{} may not do this: it needs the role {}",
                    person.name,
                    ROLES.join(" or ")
                ),
            )
            .means("nothing was entered")
            .so("ask somebody who has the role"));
        }
        let known = open.plant.equipment.get(&act.tag);
        let same = known.is_some_and(|known| known.driver.sha256() == equipment.driver.sha256());
        if !same {
            return Err(Trouble::new(
                "configuration-differs",
                format!(
                    "{} or its driver is not as in the configuration that runs",
                    act.tag
                ),
            )
            .means("nothing was entered; what would be accepted is not what records")
            .so("steelyard apply, then compare again"));
        }
        let pairs: Vec<_> = act.pairs.iter().map(ComparedPair::meant).collect();
        let outcome = side_by_side(equipment, &pairs, &person.id)?;
        let first = open.recorder.next();
        for draft in &outcome.comparisons {
            open.recorder.enter(draft.clone());
        }
        let seqs = (first, open.recorder.next() - 1);
        let acceptance = outcome.acceptance(equipment, seqs, (&person.id, &act.reason), open.now);
        open.recorder.enter(acceptance);
        Ok(AcceptReply {
            accepted: outcome.accepted,
            text: format!(
                "{}\nentries {first} to {}",
                outcome.in_words(equipment),
                open.recorder.next() - 1
            ),
        })
    })
    .await
}

fn given_up() -> Trouble {
    Trouble::new("not-compared", "the comparison was given up")
        .means("nothing was entered; the equipment rests on what it rested on")
        .so("begin again when there is time for ten readings")
}

fn no_terminal() -> Trouble {
    Trouble::new(
        "not-compared",
        "there is nobody to read the display: this is no terminal",
    )
    .means("nothing was entered")
    .so("give what was read off: --reading \"weight=100.00 g\" ten times, or --readings FILE, one a line")
}

/// So many of the last answers may be the one a person read.
const RECENT: usize = 6;
/// How long a script waits for the next answer.
const PATIENCE: Duration = Duration::from_secs(60);
