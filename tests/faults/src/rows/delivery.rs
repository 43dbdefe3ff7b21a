//! Rows 16 to 21: a broker that is away, dies with what it acknowledged, harms packets; a wire that is bent; receipts
//! that are lost, late, forged, replayed; pages and context that are poison.

use super::Row;
use crate::{
    bench::Bench,
    gateway::{Gateway, Launch},
    ledger::Held,
    mqtt::{Double, Plan, Told},
    outcome::{Done, Stop, Tally, failed},
    plant::{Controller, Setting},
    wire::{Bend, Wire},
};
use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

pub(super) const AWAY: Row = Row {
    number: 16,
    name: "the broker is away, and back",
    trials: [2, 20, 50],
    run: away,
};
pub(super) const FORGETS: Row = Row {
    number: 17,
    name: "the broker dies after its acknowledgement",
    trials: [20, 500, 2000],
    run: forgets,
};
pub(super) const PACKETS: Row = Row {
    number: 18,
    name: "packets dropped, doubled, delayed, reordered",
    trials: [100, 10_000, 100_000],
    run: packets,
};
pub(super) const WIRE: Row = Row {
    number: 19,
    name: "the wire cut in mid-packet, half open, one byte a second, slow",
    trials: [8, 100, 1000],
    run: wire,
};
pub(super) const RECEIPTS: Row = Row {
    number: 20,
    name: "receipts lost, late, forged, replayed",
    trials: [100, 5000, 50_000],
    run: receipts,
};
pub(super) const POISON: Row = Row {
    number: 21,
    name: "poison pages and poison context",
    trials: [20, 200, 1000],
    run: poison,
};

/// After the harm ends, everything must be receipted within this: an acknowledgement that never came is given up
/// after 30 s, and a page without receipt is sent again after 30 s.
const HEALED_WITHIN: u64 = 60;

/// A gateway, and the broker and record store it delivers to.
struct Pair {
    double: Double,
    launch: Launch,
    gateway: Gateway,
    controllers: Vec<Controller>,
}

fn pair(bench: &Bench, name: &str, number: u64, through: impl FnOnce(u16) -> Done<u16>) -> Done<Pair> {
    let place = bench.place(name)?;
    let double = Double::start(&bench.dice.for_trial(number))?;
    let key = place.join("store.jwks");
    double.write_key(&key)?;
    let port = through(double.port)?;
    let setting = Setting {
        broker: format!("mqtt://127.0.0.1:{port}"),
        ..Setting::alone(key)
    };
    let controllers = bench.controllers(2)?;
    let launch = bench.launch(&place, &setting, &controllers)?;
    let gateway = launch.ready()?;
    gateway.until(20, "the first receipts come", |status| status.receipted > 5)?;
    Ok(Pair {
        double,
        launch,
        gateway,
        controllers,
    })
}

impl Pair {
    /// Waits until so much harm is done, or for so long.
    fn harm(&self, bench: &Bench, count: u64, at_most: Duration) {
        let by = Instant::now() + at_most;
        while self.double.told(Told::count) < count && Instant::now() < by && bench.goes_on(0) {
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The harm is over: everything is receipted in time, and the record store holds what the ledger holds, once.
    fn heal(self, tally: &mut Tally) -> Done<Held> {
        self.double.plan(Plan::default());
        let begun = Instant::now();
        // Nothing new is said any more, so that every entry can be accounted for.
        self.controllers
            .iter()
            .for_each(|controller| controller.silent(true));
        thread::sleep(Duration::from_secs(1));
        let healed = self
            .gateway
            .until(HEALED_WITHIN, "everything is receipted or set aside", |status| {
                let (pages, entries) = self
                    .double
                    .told(|told| (told.refused.len() as u64, told.refused.values().sum::<u64>()));
                status.set_aside == pages && status.receipted + entries == status.captured
            });
        if let Err(Stop::Failed(why)) = healed {
            tally.hung += 1;
            tally.complain(why);
        }
        self.gateway.stop(Duration::from_secs(20))?;
        let held = Held::read(&self.launch.ledger)?;
        let stored: BTreeMap<(u64, u64), Vec<u8>> = self.double.told(|told| {
            let pages = told.pages.iter();
            pages
                .map(|((_, epoch, page), bytes)| ((*epoch, *page), bytes.clone()))
                .collect()
        });
        let refused = self.double.told(|told| told.refused.clone());
        for (place, bytes) in &held.pages {
            match stored.get(place) {
                Some(same) if same == bytes => {}
                Some(_) => tally.complain(format!("page {place:?} is another one at the record store")),
                None if refused.contains_key(place) => {}
                None => tally.lost += 1,
            }
        }
        tally.doubled += held.doubled();
        let foreign = stored
            .keys()
            .filter(|place| !held.pages.contains_key(place))
            .count();
        if foreign > 0 {
            tally.complain(format!(
                "the record store holds {foreign} pages that the ledger does not"
            ));
        }
        if !held.report.problems.is_empty() {
            tally.unverified += 1;
            tally.complain(held.problems());
        }
        self.double.told(|told| {
            for wrong in &told.wrong {
                tally.complain(wrong.clone());
            }
            for place in told.forks.keys() {
                tally.complain(format!("page {place:?} arrived with two contents"));
            }
            tally.struck = tally.struck.max(told.count());
            tally.note = format!(
                "{} pages, {} sent again, {} connections, healed after {} s; {:?}",
                held.pages.len(),
                told.again,
                told.connections,
                begun.elapsed().as_secs(),
                told.harmed
            );
        });
        Ok(held)
    }
}

/// Harms by this plan until enough was done; much of it by several pairs at once.
fn harmed(bench: &Bench, name: &str, plan: Plan) -> Done<Tally> {
    let pairs = if bench.trials < 200 { 1 } else { 4 };
    let share = bench.trials.div_ceil(pairs);
    let ends: Vec<Done<Tally>> = thread::scope(|scope| {
        let started: Vec<_> = (0..pairs)
            .map(|number| {
                scope.spawn(move || harmed_by_one(bench, &format!("{name}-{number}"), number, share, plan))
            })
            .collect();
        let ended = started.into_iter().map(thread::ScopedJoinHandle::join);
        ended
            .map(|end| end.unwrap_or_else(|_| failed("the rig fell over")))
            .collect()
    });
    let mut tally = Tally::default();
    for end in ends {
        tally.add(end?);
    }
    Ok(tally)
}

fn harmed_by_one(bench: &Bench, name: &str, number: u64, share: u64, plan: Plan) -> Done<Tally> {
    let pair = pair(bench, name, number, Ok)?;
    pair.double.plan(plan);
    pair.harm(bench, share, Duration::from_secs(20 + share * 2));
    let mut tally = Tally {
        trials: pair.double.told(Told::count),
        ..Tally::default()
    };
    pair.heal(&mut tally)?;
    Ok(tally)
}

fn forgets(bench: &mut Bench) -> Done<Tally> {
    let plan = Plan {
        forget: 60,
        ..Plan::default()
    };
    harmed(bench, "forgets", plan)
}

fn packets(bench: &mut Bench) -> Done<Tally> {
    let plan = Plan {
        drop: 10,
        double: 30,
        delay: 20,
        reorder: 40,
        cut: 3,
        ..Plan::default()
    };
    harmed(bench, "packets", plan)
}

fn receipts(bench: &mut Bench) -> Done<Tally> {
    let plan = Plan {
        receipt_lost: 60,
        receipt_late: 60,
        receipt_forged: 60,
        receipt_replayed: 100,
        ..Plan::default()
    };
    let mut tally = harmed(bench, "receipts", plan)?;
    // The negative control: a record store that gives receipts for what it does not keep must be found out.
    let lying = Plan {
        store_lies: 500,
        ..Plan::default()
    };
    // However short the time of the row is: without its control it has shown nothing.
    let pair = pair(bench, "control", 99, Ok)?;
    pair.double.plan(lying);
    let by = Instant::now() + Duration::from_secs(30);
    while pair.double.told(Told::count) < 5 && Instant::now() < by {
        thread::sleep(Duration::from_millis(20));
    }
    let mut control = Tally::default();
    pair.heal(&mut control)?;
    if control.lost == 0 {
        return failed("the negative control did not fail: a record store that lies was not found out");
    }
    tally.control = Some(format!(
        "a record store that keeps nothing of what it receipts: {} pages missing, as they must be",
        control.lost
    ));
    Ok(tally)
}

fn poison(bench: &mut Bench) -> Done<Tally> {
    let plan = Plan {
        refuse: 30,
        poison_context: 30,
        ..Plan::default()
    };
    harmed(bench, "poison", plan)
}

fn away(bench: &mut Bench) -> Done<Tally> {
    let pair = pair(bench, "away", 0, Ok)?;
    let (mut tally, mut live) = (Tally::default(), Duration::ZERO);
    while bench.goes_on(tally.trials) {
        let mut dice = bench.dice.for_trial(tally.trials);
        pair.double.down(true);
        let before = pair.gateway.until(5, "it answers", |_| true)?;
        thread::sleep(Duration::from_millis(dice.from_to(1000, 6000)));
        let during = pair.gateway.until(5, "it answers", |_| true)?;
        if during.captured <= before.captured {
            tally.complain("nothing was captured while the broker was away");
        }
        pair.double.down(false);
        let begun = Instant::now();
        pair.gateway.until(60, "what waited is receipted", |status| {
            status.receipted >= during.captured
        })?;
        live = live.max(begun.elapsed());
        tally.trials += 1;
        tally.struck += 1;
    }
    pair.heal(&mut tally)?;
    tally.note = format!("{}; caught up after at most {} ms", tally.note, live.as_millis());
    Ok(tally)
}

fn wire(bench: &mut Bench) -> Done<Tally> {
    let mut between = None;
    let pair = pair(bench, "wire", 0, |port| {
        let wire = Wire::to(port)?;
        let port = wire.port;
        between = Some(wire);
        Ok(port)
    })?;
    let Some(between) = between else {
        return failed("no wire");
    };
    let (mut tally, mut slowest) = (Tally::default(), Duration::ZERO);
    while bench.goes_on(tally.trials) {
        let mut dice = bench.dice.for_trial(tally.trials);
        // The slow kinds take half a minute each; most trials are cuts.
        let kind = if tally.trials < 4 {
            tally.trials
        } else {
            dice.below(24)
        };
        match kind {
            1 => between.bend(Bend::HalfOpen),
            2 => between.bend(Bend::Trickle),
            3 => between.bend(Bend::Slow(Duration::from_secs(5))),
            4 => between.bend(Bend::Away),
            _ => between.cut_after(&mut dice),
        }
        thread::sleep(Duration::from_millis(
            dice.from_to(200, if kind < 5 { 8000 } else { 800 }),
        ));
        let known = pair.gateway.until(5, "it answers", |_| true)?.captured;
        between.bend(Bend::Straight);
        if kind > 0 && kind < 4 {
            // Whoever was half open hears nothing; a new connection finds the path straight.
            between.cut();
        }
        let begun = Instant::now();
        let back = pair.gateway.until(HEALED_WITHIN, "delivery goes on", |status| {
            status.receipted >= known
        });
        if let Err(Stop::Failed(why)) = back {
            tally.hung += 1;
            tally.complain(format!("trial {}, kind {kind}: {why}", tally.trials));
        }
        slowest = slowest.max(begun.elapsed());
        tally.trials += 1;
        tally.struck += 1;
    }
    pair.heal(&mut tally)?;
    tally.note = format!("{}; slowest return {} ms", tally.note, slowest.as_millis());
    Ok(tally)
}
