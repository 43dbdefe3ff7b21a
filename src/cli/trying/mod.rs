//! Asks one real instrument and shows bytes beside meaning. Nothing is recorded, and nothing is written to
//! equipment. A line that a gateway owns is never touched: the bench listens in on it instead.

mod accept;
mod at_place;
pub(super) mod decodings;
pub(super) mod exchange;
mod save;
mod scan;
mod show;
mod tally;
mod wire;

use crate::{
    cli::{NOT_RIGHT, err, owner, say},
    config::{
        Source,
        plant::{Equipment, Plant},
    },
    flow::needs::Clock,
    ports::{clock::SystemClock, terminal::Keys},
};
pub(super) use accept::{Comparing, accept};
pub(super) use at_place::bench_equipment;
use decodings::{Match, Registers};
use driver::{Evidence, Role, Speaks};
use exchange::Exchange;
use record::Trouble;
pub(super) use scan::Wanted;
use serde_json::json;
use std::{io::IsTerminal, path::PathBuf, process::ExitCode, time::Duration};
use tally::Tally;
use wire::Wire;

/// What a person wants to see.
#[derive(Debug, Clone, Default)]
pub(super) struct Wish {
    /// How often each question is asked; `None`: on a terminal until told to end, else three times.
    pub(super) times: Option<u32>,
    pub(super) json: bool,
    /// Every type and order of the registers.
    pub(super) orders: bool,
    /// What the display shows.
    pub(super) shows: Vec<String>,
    /// Registers beyond those of the driver.
    pub(super) registers: Vec<Wanted>,
    /// Nothing but these: there is no driver yet.
    pub(super) only_registers: bool,
    /// Save the first exchange with values as a sample with this sentence.
    pub(super) save: Option<String>,
    /// Where the configuration stands, and with it the site's drivers.
    pub(super) config: PathBuf,
}

/// One instrument on the bench.
struct Bench<'a> {
    equipment: &'a Equipment,
    wish: &'a Wish,
    tally: Tally,
    /// Exchanges of the settings, which samples need before theirs.
    settings: Vec<Exchange>,
    /// The last exchange with values.
    last: Option<Exchange>,
    /// The newest answer of each read.
    registers: Vec<Registers>,
}

/// Asks the instrument; where a gateway owns its line, listens in.
pub(super) fn ask(source: Option<&Source>, equipment: &Equipment, wish: &Wish) -> Result<ExitCode, Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime
        .map_err(|problem| Trouble::new("cannot-try", problem.to_string()).means("nothing was asked"))?;
    let code = runtime.block_on(talk(source, equipment, wish));
    // a thread that waits for keys must not hold up the end
    runtime.shutdown_background();
    code
}

/// Refuses a line that a gateway of this machine owns under a tag.
pub(super) fn not_held(source: &Source, plant: &Plant, equipment: &Equipment) -> Result<(), Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime
        .map_err(|problem| Trouble::new("cannot-try", problem.to_string()).means("nothing was asked"))?;
    let (address, plan) = crate::flow::link::Plan::of(equipment);
    match runtime.block_on(owner::holder(source, plant, &address))? {
        None => Ok(()),
        Some(tag) => Err(Trouble::new(
            "line-held",
            format!("a gateway runs and owns this line, as {tag}"),
        )
        .at(plan.name)
        .means("nothing was asked; capture goes on undisturbed")
        .so(format!(
            "steelyard try {tag}   listens in on what the gateway asks\nor stop the gateway first"
        ))),
    }
}

/// The way to one instrument, and whether a gateway is in between.
async fn reach(source: Option<&Source>, equipment: &Equipment) -> Result<(Wire, bool), Trouble> {
    if let Some(source) = source
        && owner::gateway_has(source, &equipment.tag).await?
        && let Some(wire) = Wire::gateway(source, equipment)
    {
        return Ok((wire, true));
    }
    Ok((Wire::own(equipment).await?, false))
}

async fn talk(source: Option<&Source>, equipment: &Equipment, wish: &Wish) -> Result<ExitCode, Trouble> {
    let (wire, through) = reach(source, equipment).await?;
    let mut wire = Some(wire);
    let mut bench = Bench {
        equipment,
        wish,
        tally: Tally::default(),
        settings: Vec::new(),
        last: None,
        registers: Vec::new(),
    };
    bench.head(through);
    for shown in &wish.shows {
        if rust_decimal::Decimal::from_str_exact(shown.trim().trim_start_matches('+')).is_err() {
            return Err(no_number(shown));
        }
    }
    let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    if let Some(wire) = wire.as_mut().filter(|_| !wish.only_registers) {
        let live = wish.times.is_none() && wish.shows.is_empty() && wish.save.is_none() && !wish.json;
        if terminal && live && wish.registers.is_empty() {
            bench.live(wire).await?;
        } else {
            bench.rounds(wire).await?;
        }
    }
    if !wish.registers.is_empty() {
        if through {
            return Err(Trouble::new(
                "line-held",
                format!(
                    "the gateway owns the line of {}, and asks only what the driver says",
                    equipment.tag
                ),
            )
            .means("nothing was asked beyond it; capture goes on")
            .so(
                "stop the gateway to ask for other registers, or add a [[read]] to the driver and apply it",
            ));
        }
        wire = None;
        bench.scan().await?;
    }
    let found = bench.end()?;
    if terminal && !wish.json && wish.shows.len() == 1 {
        bench.narrow(&mut wire, found).await?;
    }
    let fine = bench.tally.is_fine() || (bench.tally.is_empty() && !bench.registers.is_empty());
    Ok(if fine {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_RIGHT)
    })
}

impl Bench<'_> {
    fn head(&self, through: bool) {
        if self.wish.json || self.wish.only_registers {
            return;
        }
        let Equipment {
            tag,
            title,
            driver,
            edition,
            ..
        } = self.equipment;
        let at = crate::flow::link::Plan::of(self.equipment).1.name;
        say(&format!(
            "{tag} ({title}) at {at}, driver {} edition {edition}",
            driver.name
        ));
        if through {
            say(
                "a gateway runs and owns this line: listening in on what it asks; capture goes on undisturbed",
            );
        }
    }

    /// So many rounds, then the end.
    async fn rounds(&mut self, wire: &mut Wire) -> Result<(), Trouble> {
        let clock = SystemClock::new();
        let until = clock.elapsed() + LISTEN;
        let times = self.wish.times.unwrap_or(3);
        if wire.only_hears() && !self.wish.json {
            say(&format!(
                "it is not asked, it speaks by itself: listening for {} s",
                LISTEN.as_secs()
            ));
        }
        let mut round = 0;
        while if wire.only_hears() {
            clock.elapsed() < until
        } else {
            round < times
        } {
            let heard = wire.round(if wire.only_hears() {
                until.saturating_sub(clock.elapsed())
            } else {
                LISTEN
            });
            for exchange in heard.await? {
                self.take(exchange);
            }
            round += 1;
        }
        if let Some(says) = &self.wish.save {
            self.save(says)?;
        }
        Ok(())
    }

    /// Until a person has seen enough; one key saves what was heard last.
    async fn live(&mut self, wire: &mut Wire) -> Result<(), Trouble> {
        let Some(mut keys) = Keys::begin() else {
            return self.rounds(wire).await;
        };
        say("keys: s saves the last exchange as a sample · o all types and orders · space holds · q ends");
        let mut held = false;
        loop {
            let next = async {
                if held {
                    std::future::pending::<()>().await;
                }
                let heard = wire.round(LISTEN).await;
                SystemClock::new().sleep(CALM).await;
                heard
            };
            tokio::select! {
                heard = next => for exchange in heard? {
                    self.take(exchange);
                },
                key = keys.next() => match key {
                    Some(b's') => {
                        let day = SystemClock::new().now().to_string();
                        let says = self.last.as_ref().map(|last| save::sentence(last, &day[..10]));
                        if let Err(trouble) = self.save(&says.unwrap_or_default()) {
                            err(&trouble.to_string());
                        }
                    }
                    Some(b'o') => self.orders(),
                    Some(b' ') => {
                        held = !held;
                        say(if held { "held; space goes on" } else { "going on" });
                    }
                    Some(b'q' | 3 | 4 | 27) | None => return Ok(()),
                    Some(_) => {}
                },
            }
        }
    }

    fn take(&mut self, exchange: Exchange) {
        self.tally.count(self.equipment, &exchange);
        if self.wish.json {
            say(&show::exchange_json(&exchange).to_string());
        } else {
            say(&show::exchange(&exchange));
        }
        if let Some(read) = exchange.registers() {
            let first = self.keep(read.clone());
            let draft = self.equipment.driver.evidence == Evidence::Draft && read.values.len() <= FEW;
            if first
                && !self.wish.json
                && (self.wish.orders || (draft && self.wish.shows.is_empty() && self.wish.times.is_none()))
            {
                say(&show::registers(&read));
            }
        }
        match exchange.role {
            Role::Settings => self.settings.push(exchange),
            Role::Values => self.last = Some(exchange),
            Role::Identity | Role::Start | Role::Command => {}
        }
    }

    /// Keeps the newest answer of each read; says whether it is the first.
    fn keep(&mut self, read: Registers) -> bool {
        let same = |known: &&mut Registers| known.table == read.table && known.first == read.first;
        match self.registers.iter_mut().find(same) {
            Some(known) => {
                *known = read;
                false
            }
            None => {
                self.registers.push(read);
                true
            }
        }
    }

    fn orders(&self) {
        if self.registers.is_empty() {
            say("there are no registers: this instrument speaks in lines");
        }
        for read in &self.registers {
            say(&show::registers(read));
        }
    }

    fn save(&self, says: &str) -> Result<(), Trouble> {
        let Some(last) = &self.last else {
            return Err(Trouble::new("sample-not-saved", "nothing was heard yet")
                .means("the driver is unchanged")
                .so("wait for an answer, then save it"));
        };
        let done = save::save(self.equipment, &self.settings, last, says, &self.wish.config)?;
        say(&if self.wish.json {
            json!({ "saved": done }).to_string()
        } else {
            done
        });
        Ok(())
    }

    /// Registers the driver does not read.
    async fn scan(&mut self) -> Result<(), Trouble> {
        let found = scan::registers(self.equipment, &self.wish.registers).await?;
        for read in found {
            if self.wish.json {
                say(&json!({"table": read.table, "first": read.first, "registers": read.values}).to_string());
            } else if self.wish.orders || self.wish.shows.is_empty() {
                say(&show::registers(&read));
            }
            self.keep(read);
        }
        Ok(())
    }

    /// What gives the display's digits, and the sum of it all.
    fn end(&mut self) -> Result<Vec<Match>, Trouble> {
        let mut found = Vec::new();
        for shown in &self.wish.shows {
            found = self.shown(shown)?;
        }
        if !self.tally.is_empty() {
            say(&if self.wish.json {
                self.tally.json(self.equipment).to_string()
            } else {
                self.tally.shown(self.equipment)
            });
        }
        Ok(found)
    }

    fn shown(&self, shown: &str) -> Result<Vec<Match>, Trouble> {
        if !matches!(self.equipment.driver.speaks, Speaks::Modbus(_)) {
            let gives = self
                .last
                .iter()
                .flat_map(|last| &last.heard)
                .flat_map(|heard| &heard.answers);
            for (measure, answer) in gives {
                let same = answer.to_string().split([' ', ',']).next() == Some(shown.trim());
                let word = if same { "gives" } else { "does not give" };
                say(&format!("{measure} {word} {shown}"));
            }
            return Ok(Vec::new());
        }
        let mut found: Vec<(Match, u16)> = Vec::new();
        for read in &self.registers {
            let matches = read.showing(shown).ok_or_else(|| no_number(shown))?;
            found.extend(matches.into_iter().map(|one| (one, read.first)));
        }
        found.sort_by_key(|(one, _)| one.far);
        if self.wish.json {
            for (one, _) in &found {
                say(&show::match_json(one).to_string());
            }
        } else {
            say(&show::matches(shown, &found));
        }
        Ok(found.into_iter().map(|(one, _)| one).collect())
    }

    /// Asks again while the display shows something else, until one decoding is left.
    async fn narrow(&mut self, wire: &mut Option<Wire>, mut found: Vec<Match>) -> Result<(), Trouble> {
        let Some(mut keys) = Keys::begin() else {
            return Ok(());
        };
        while found.len() > 1 {
            let shown = keys.line("the display shows now (Enter ends): ").await;
            let Some(shown) = shown.filter(|line| !line.is_empty()) else {
                return Ok(());
            };
            self.registers.clear();
            if let Some(wire) = wire {
                for read in wire.round(LISTEN).await?.iter().filter_map(Exchange::registers) {
                    self.keep(read);
                }
            }
            if !self.wish.registers.is_empty() {
                *wire = None;
                for read in scan::registers(self.equipment, &self.wish.registers).await? {
                    self.keep(read);
                }
            }
            let left: Vec<Match> = found
                .iter()
                .filter(|one| one.still(&self.registers, &shown))
                .cloned()
                .collect();
            if left.is_empty() {
                say("none of them gives that; the list stays as it was. Did the display change meanwhile?");
                continue;
            }
            found = left;
            let first = |one: &Match| {
                let here = self
                    .registers
                    .iter()
                    .filter(|read| read.first <= one.decoding.register);
                here.map(|read| read.first).max().unwrap_or_default()
            };
            let both: Vec<(Match, u16)> = found.iter().map(|one| (one.clone(), first(one))).collect();
            say(&show::matches(&format!("both, now {shown},"), &both));
        }
        Ok(())
    }
}

fn no_number(shown: &str) -> Trouble {
    Trouble::new(
        "no-number-shown",
        format!("{shown:?} is no number a display shows"),
    )
    .means("nothing was compared")
    .so("give its digits without the unit: --shows 12.34")
}

/// How long one that speaks by itself is listened to.
const LISTEN: Duration = Duration::from_secs(5);
/// Between two rounds while a person reads along.
const CALM: Duration = Duration::from_secs(1);
/// So many registers in every order still fit on a screen.
const FEW: usize = 4;
