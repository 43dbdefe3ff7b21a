//! The links: what a hundred instruments cost up to the reading, how punctual they are asked, what the dead cost
//! the living on one bus, and what a hundred thousand points weigh.

use super::{
    Figure,
    far::{FarEnd, Manner, floats},
};
use crate::{
    daemon::link_task::LinkTask,
    flow::{
        link::{Asked, Facts, Link, LinkOutput, Matching, Plan},
        needs::{Address, Clock, Files},
    },
    ports::{
        clock::{self, SystemClock},
        files::SystemFiles,
        links::SystemLinks,
    },
};
use driver::{Conversation, ConversationOptions, Driver, Transport};
use record::{Answer, Trouble};
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{mpsc, watch};

pub(super) async fn measure(length: Duration) -> Result<Vec<Figure>, Trouble> {
    let mut figures = a_hundred_instruments(length).await?;
    figures.extend(the_dead_and_the_living(length).await?);
    figures.push(a_hundred_thousand_points(length).await?);
    Ok(figures)
}

/// Lines at work on a thread of their own, and what they gave.
struct Lines {
    readings: Arc<AtomicU64>,
    good: Arc<Mutex<BTreeMap<String, u64>>>,
    over: Arc<AtomicBool>,
    cost: tokio::task::JoinHandle<Result<(Duration, u64), Trouble>>,
}

impl Lines {
    /// Starts them; what they cost is measured from `warm` on, until [`Lines::over`].
    fn start(plans: Vec<(Address, Plan)>, warm: Duration, by_tag: bool) -> Self {
        let (readings, good) = (Arc::new(AtomicU64::new(0)), Arc::default());
        let over = Arc::new(AtomicBool::new(false));
        let (output, from) = mpsc::channel(4096);
        tokio::spawn(count(from, Arc::clone(&readings), Arc::clone(&good), by_tag));
        let (stop, counted) = (Arc::clone(&over), Arc::clone(&readings));
        let cost = tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(super::not_measured)?;
            runtime.block_on(async {
                let clock = Arc::new(SystemClock::new());
                let (_told, stopped) = watch::channel(false);
                let mut orders = Vec::new();
                for (address, plan) in plans {
                    let (tell, told) = mpsc::unbounded_channel();
                    orders.push(tell);
                    let task = LinkTask {
                        clock: clock.clone(),
                        links: Arc::new(SystemLinks),
                        address,
                        link: Link::new(plan, clock.elapsed()),
                        output: output.clone(),
                        orders: told,
                        stop: stopped.clone(),
                    };
                    tokio::spawn(task.run());
                }
                clock.sleep(warm).await;
                let (before, had) = (clock::on_the_core(), counted.load(Ordering::Relaxed));
                while !stop.load(Ordering::Relaxed) {
                    clock.sleep(Duration::from_millis(50)).await;
                }
                let cost = clock::on_the_core().saturating_sub(before);
                Ok((cost, counted.load(Ordering::Relaxed) - had))
            })
        });
        Self {
            readings,
            good,
            over,
            cost,
        }
    }

    fn good(&self) -> BTreeMap<String, u64> {
        self.good.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends them: how long they had a core since they were warm, and how many readings they gave.
    async fn over(self) -> Result<(Duration, u64), Trouble> {
        self.over.store(true, Ordering::Relaxed);
        self.cost
            .await
            .unwrap_or_else(|_| Err(super::not_measured("a line ended before its end")))
    }
}

async fn count(
    mut from: mpsc::Receiver<LinkOutput>,
    readings: Arc<AtomicU64>,
    good: Arc<Mutex<BTreeMap<String, u64>>>,
    by_tag: bool,
) {
    while let Some(output) = from.recv().await {
        let LinkOutput::Reading(reading) = output else {
            continue;
        };
        if !matches!(reading.answer, Answer::Good(_)) {
            continue;
        }
        readings.fetch_add(1, Ordering::Relaxed);
        if by_tag {
            let mut good = good.lock().unwrap_or_else(PoisonError::into_inner);
            *good.entry(reading.point.tag).or_default() += 1;
        }
    }
}

fn asked(driver: &Driver, unit: u8, transport: Transport, every: Duration, name: String) -> Asked {
    let options = ConversationOptions {
        unit_id: unit,
        transport,
    };
    Asked {
        tag: name,
        conversation: Conversation::new(driver, options),
        unit: Some(unit),
        every,
        known: Facts::new(),
        doubt: None,
        out_of_service: false,
        measures: driver.points().into_iter().map(|point| point.measure).collect(),
        talks: false,
    }
}

fn plan(name: String, matching: Matching, equipment: Vec<Asked>, seed: u64) -> Plan {
    Plan {
        name,
        matching,
        speed: None,
        equipment,
        lent: false,
        seed,
    }
}

const AT_ONCE: Manner = Manner {
    rtu: false,
    takes: Duration::ZERO,
    dead: 0,
};
const SECOND: Duration = Duration::from_secs(1);

/// One connection each, a hundred floats each, once a second.
async fn a_hundred_instruments(length: Duration) -> Result<Vec<Figure>, Trouble> {
    let driver = floats(100)?;
    let far = FarEnd::open(AT_ONCE).await?;
    let lines = (0..100).map(|place: u64| {
        let one = asked(&driver, 1, Transport::ModbusTcp, SECOND, format!("T-{place}"));
        let plan = plan(format!("line {place}"), Matching::Number, vec![one], place + 1);
        (Address::Tcp(far.address.clone()), plan)
    });
    let clock = SystemClock::new();
    let warm = Duration::from_secs(2);
    let lines = Lines::start(lines.collect(), warm, false);
    clock.sleep(warm).await;
    let begun = clock.elapsed();
    clock.sleep(length).await;
    let took = clock.elapsed().saturating_sub(begun);
    let (cost, readings) = lines.over().await?;
    let mut off: Vec<f64> = Vec::new();
    for times in far.seen.lock().unwrap_or_else(PoisonError::into_inner).iter() {
        // the first two may still be of the start
        let pairs = times.get(1..).unwrap_or_default().windows(2);
        off.extend(pairs.map(|pair| (pair[1].as_secs_f64() - pair[0].as_secs_f64() - 1.0).abs() * 1000.0));
    }
    off.sort_by(f64::total_cmp);
    let jitter = |share: f64| {
        let at = (off.len() as f64 * share) as usize;
        off.get(at.min(off.len().saturating_sub(1)))
            .copied()
            .unwrap_or(f64::NAN)
    };
    let share = cost.as_secs_f64() / took.as_secs_f64() * 100.0;
    let rate = super::per_second(readings, took);
    Ok(vec![
        Figure {
            name: "links",
            value: share,
            unit: "% of a core",
            target: Some(15.0),
            at_most: true,
            said: format!("100 Modbus instruments, 100 floats each, every second: {rate:.0} readings/s"),
            conditions: vec![("readings_per_second", rate), ("seconds", took.as_secs_f64())],
        },
        Figure {
            name: "links",
            value: jitter(0.99),
            unit: "ms jitter p99",
            target: Some(10.0),
            at_most: true,
            said: format!(
                "between two questions to one instrument, at 1 s over 100; half within {:.2} ms, the worst {:.1} ms",
                jitter(0.5),
                jitter(1.0)
            ),
            conditions: vec![
                ("intervals", off.len() as f64),
                ("p50", jitter(0.5)),
                ("worst", jitter(1.0)),
            ],
        },
    ])
}

/// Thirty-two units on one bus; eight are dead, and one of the living is asked four times a second.
async fn the_dead_and_the_living(length: Duration) -> Result<Vec<Figure>, Trouble> {
    let alone = bus(0, length).await?;
    let beside = bus(8, length).await?;
    let rate = |good: &BTreeMap<String, f64>| {
        good.iter()
            .filter(|(tag, _)| *tag != CRITICAL)
            .map(|(_, rate)| rate)
            .sum::<f64>()
    };
    let kept = rate(&beside) / rate(&alone).max(1e-9) * 100.0;
    let critical = beside.get(CRITICAL).copied().unwrap_or_default() / 4.0 * 100.0;
    Ok(vec![
        Figure {
            name: "links",
            value: kept.min(100.0),
            unit: "% of their rate",
            target: Some(95.0),
            at_most: false,
            said: "23 living units beside 8 dead ones on one RTU bus, against the same bus with all alive"
                .into(),
            conditions: vec![
                ("alone_per_second", rate(&alone)),
                ("beside_per_second", rate(&beside)),
            ],
        },
        Figure {
            name: "links",
            value: critical.min(100.0),
            unit: "% of its slots",
            target: Some(99.0),
            at_most: false,
            said: "a step-critical unit on that bus, asked every 250 ms".into(),
            conditions: vec![("seconds", length.as_secs_f64())],
        },
    ])
}

const CRITICAL: &str = "U-32";

/// Readings a second of units 9 to 32, by tag, once the dead are known to be dead.
async fn bus(dead: u8, length: Duration) -> Result<BTreeMap<String, f64>, Trouble> {
    let driver = floats(2)?;
    let far = FarEnd::open(Manner {
        rtu: true,
        takes: Duration::from_millis(8),
        dead,
    })
    .await?;
    let units = (1..=32_u8).map(|unit| {
        let every = if unit == 32 { SECOND / 4 } else { SECOND * 3 };
        asked(&driver, unit, Transport::ModbusRtu, every, format!("U-{unit:02}"))
    });
    let plan = plan("the bus".into(), Matching::Address, units.collect(), 1);
    let clock = SystemClock::new();
    let lines = Lines::start(
        vec![(Address::Tcp(far.address.clone()), plan)],
        Duration::ZERO,
        true,
    );
    clock.sleep(Duration::from_secs(12)).await;
    let (before, begun) = (lines.good(), clock.elapsed());
    // whole rounds, so that each unit has had as many slots as the other
    let rounds = (length.as_secs() / 3).max(2) as u32;
    clock.sleep(SECOND * 3 * rounds).await;
    let took = clock.elapsed().saturating_sub(begun).as_secs_f64();
    let after = lines.good();
    lines.over().await?;
    let living = after.into_iter().filter(|(tag, _)| tag.as_str() > "U-08");
    Ok(living
        .map(|(tag, count)| {
            let had = before.get(&tag).copied().unwrap_or_default();
            // two values come with every answer
            (tag, (count - had) as f64 / 2.0 / took)
        })
        .collect())
}

/// A hundred connections, ten units behind each, a hundred points each, asked every ten seconds.
async fn a_hundred_thousand_points(length: Duration) -> Result<Figure, Trouble> {
    let before = resident();
    let driver = floats(100)?;
    let far = FarEnd::open(AT_ONCE).await?;
    let lines = (0..100).map(|place: u64| {
        let units = (1..=10_u8).map(|unit| {
            asked(
                &driver,
                unit,
                Transport::ModbusTcp,
                SECOND * 10,
                format!("T-{place}-{unit}"),
            )
        });
        let plan = plan(
            format!("line {place}"),
            Matching::Number,
            units.collect(),
            place + 1,
        );
        (Address::Tcp(far.address.clone()), plan)
    });
    let lines = Lines::start(lines.collect(), Duration::ZERO, false);
    SystemClock::new().sleep(length.max(SECOND * 12)).await;
    let (weighs, readings) = (resident(), lines.readings.load(Ordering::Relaxed));
    lines.over().await?;
    Ok(Figure {
        name: "links",
        value: weighs,
        unit: "MiB resident",
        target: Some(150.0),
        at_most: true,
        said: format!(
            "the whole process, with 1,000 instruments of 100 points at work up to the reading, far ends included; {before:.0} MiB before"
        ),
        conditions: vec![("before", before), ("readings", readings as f64)],
    })
}

/// What this process weighs, in MiB.
fn resident() -> f64 {
    let text = SystemFiles
        .read(Path::new("/proc/self/statm"))
        .unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok());
    pages.unwrap_or(f64::NAN) * 4096.0 / f64::from(1 << 20)
}
