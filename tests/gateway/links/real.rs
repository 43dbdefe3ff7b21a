//! The ports themselves: real pseudo terminals and real TCP on loopback, with played instruments.

use super::line::{ms, plan};
use driver::{Driver, Transport};
use record::Answer;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use steelyard::{
    daemon::link_task::LinkTask,
    flow::{
        link::{Change, Link, LinkOutput, Order},
        needs::{Address, Clock, Handshake, Line, Links, Sync, Waiting},
    },
    ports::{clock::SystemClock, links::SystemLinks},
    simulate::{Fault, Instrument, On, Options},
};
use tokio::sync::{mpsc, watch};

/// The real clock, and how often it was looked at: a loop without a pause shows here.
#[derive(Default)]
struct Counted(SystemClock, AtomicU64);

impl Clock for Counted {
    fn now(&self) -> record::Stamp {
        self.0.now()
    }
    fn elapsed(&self) -> Duration {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.elapsed()
    }
    fn sync(&self) -> (Sync, u32) {
        self.0.sync()
    }
    fn sleep(&self, time: Duration) -> Waiting<'static, ()> {
        self.0.sleep(time)
    }
}

struct Running {
    output: mpsc::Receiver<LinkOutput>,
    looked: Arc<Counted>,
    _stop: watch::Sender<bool>,
    orders: mpsc::UnboundedSender<Order>,
}

impl Running {
    fn start(instrument: &Instrument, text: &str, transport: Transport, tags: &[&str]) -> Self {
        let clock = Arc::new(Counted::default());
        let link = Link::new(plan(text, transport, tags, ms(100)), clock.elapsed());
        let (output, from) = mpsc::channel(64);
        let (stop, stopped) = watch::channel(false);
        let (orders, told) = mpsc::unbounded_channel();
        let task = LinkTask {
            clock: Arc::clone(&clock) as Arc<dyn Clock>,
            links: Arc::new(SystemLinks),
            address: instrument.reached_at(),
            link,
            output,
            orders: told,
            stop: stopped,
        };
        tokio::spawn(task.run());
        Self {
            output: from,
            looked: clock,
            _stop: stop,
            orders,
        }
    }

    /// Waits for an answer of this point in these words.
    async fn says(&mut self, point: &str, words: &str) {
        let mut heard = Vec::new();
        let all = async {
            while let Some(output) = self.output.recv().await {
                if let LinkOutput::Reading(reading) = output
                    && reading.point.to_string() == point
                {
                    if reading.answer.to_string() == words {
                        return;
                    }
                    heard.push(reading.answer.to_string());
                }
            }
        };
        let done = tokio::time::timeout(Duration::from_secs(8), all).await;
        heard.dedup();
        assert!(done.is_ok(), "{point} never says {words:?}, but {heard:?}");
    }

    async fn told(&mut self, wanted: fn(&Change) -> bool) -> Change {
        let all = async {
            while let Some(output) = self.output.recv().await {
                if let LinkOutput::News(news) = output
                    && wanted(&news.change)
                {
                    return news.change;
                }
            }
            panic!("the line ended")
        };
        tokio::time::timeout(Duration::from_secs(8), all)
            .await
            .expect("nothing was told")
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new())
}

fn built_in(name: &str) -> (&'static str, Driver) {
    let file = format!("{name}.toml");
    let (file, text) = driver::builtin()
        .iter()
        .find(|(known, _)| *known == file)
        .unwrap();
    (text, Driver::parse(text, file).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_balance_on_a_serial_line_survives_its_plug() {
    let (text, balance) = built_in("mt-sics-balance");
    let port = std::env::temp_dir().join(format!("steelyard-{}-balance", std::process::id()));
    let played = Instrument::start(&balance, On::Pty(Some(port.clone())), Options::default(), clock())
        .await
        .unwrap();
    let mut running = Running::start(&played, text, Transport::Serial, &["WT-1"]);
    played.set("weight", "100.00 g").unwrap();
    running.says("WT-1.weight", "100.00 g").await;
    played.set("weight", "99.87 g, uncertain: not settled").unwrap();
    running
        .says("WT-1.weight", "99.87 g, uncertain: not settled")
        .await;

    played.fault(Fault::Unplugged);
    running.says("WT-1.weight", "bad: silent").await;
    running
        .told(|change| matches!(change, Change::CannotOpen { .. }))
        .await;
    let looked = running.looked.1.load(Ordering::Relaxed);
    tokio::time::sleep(ms(1500)).await;
    let looks = running.looked.1.load(Ordering::Relaxed) - looked;
    assert!(
        looks < 100,
        "{looks} looks at the clock in 1.5 s: a loop without a pause"
    );

    played.set("weight", "12.50 g").unwrap();
    played.clear();
    let back = clock().elapsed();
    running.says("WT-1.weight", "12.50 g").await;
    assert!(clock().elapsed().saturating_sub(back) <= Duration::from_millis(5500));
    drop(played);
    let _ = std::fs::remove_file(port);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_is_taken_is_refused_in_words() {
    let (_, balance) = built_in("mt-sics-balance");
    let played = Instrument::start(&balance, On::Pty(None), Options::default(), clock())
        .await
        .unwrap();
    let address = played.reached_at();
    let first = SystemLinks.open(&address).await.unwrap();
    let second = SystemLinks.open(&address).await.err().unwrap();
    assert_eq!(second.kind(), std::io::ErrorKind::ResourceBusy);
    assert!(
        second.to_string().contains("is held by another program"),
        "{second}"
    );
    drop(first);
    SystemLinks.open(&address).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_port_that_is_not_there_is_named() {
    let line = Line {
        speed: 9600,
        data_bits: 8,
        parity: 'N',
        stop_bits: 1,
        handshake: Handshake::None,
    };
    let missing = Address::Serial("/dev/serial/by-id/usb-nowhere".into(), line);
    let problem = SystemLinks.open(&missing).await.err().unwrap();
    assert_eq!(
        problem.to_string(),
        "/dev/serial/by-id/usb-nowhere is not there; is the adapter plugged in?"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_controllers_behind_one_connection_fail_each_for_itself() {
    let (text, controller) = built_in("tc200");
    for (on, transport) in [
        (On::Tcp("127.0.0.1:0".into()), Transport::ModbusTcp),
        (On::Pty(None), Transport::ModbusRtu),
    ] {
        let cast: Vec<_> = (1..=3)
            .map(|unit_id| {
                (
                    &controller,
                    Options {
                        unit_id,
                        ..Options::default()
                    },
                )
            })
            .collect();
        let all = Instrument::start_all(&cast, on, clock()).await.unwrap();
        let mut running = Running::start(&all[0], text, transport, &["A", "B", "C"]);
        all[1].set("temperature", "71.3 °C").unwrap();
        running.says("B.temperature", "71.3 °C").await;
        for (fault, words) in [
            (Fault::Silent, "bad: silent"),
            (Fault::Exception(6), "bad: refused, busy"),
            (Fault::Late(ms(450)), "bad: silent"),
            (Fault::Split, "71.3 °C"),
        ] {
            all[1].fault(fault);
            running.says("B.temperature", words).await;
            running.says("A.temperature", "72.4 °C").await;
            all[1].clear();
            running.says("B.temperature", "71.3 °C").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_fault_on_request_ever_gives_a_wrong_value() {
    let (text, controller) = built_in("tc200");
    let faults = [
        Fault::Garbage,
        Fault::Split,
        Fault::Glued,
        Fault::Late(ms(500)),
        Fault::WrongUnit,
        Fault::Exception(2),
        Fault::Silent,
    ];
    let played = Instrument::start(&controller, On::Pty(None), Options::default(), clock())
        .await
        .unwrap();
    let mut running = Running::start(&played, text, Transport::ModbusRtu, &["A"]);
    played.set("temperature", "71.3 °C").unwrap();
    running.says("A.temperature", "71.3 °C").await;
    for fault in faults {
        played.fault(fault);
        let until = clock().elapsed() + ms(1200);
        while clock().elapsed() < until {
            let Ok(Some(output)) = tokio::time::timeout(ms(300), running.output.recv()).await else {
                continue;
            };
            if let LinkOutput::Reading(reading) = output
                && reading.point.measure == "temperature"
            {
                assert!(
                    matches!(&reading.answer, Answer::Bad(_)) || reading.answer.to_string() == "71.3 °C",
                    "{fault}: {}",
                    reading.answer
                );
            }
        }
        played.clear();
    }
}
