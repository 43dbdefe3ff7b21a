//! One session with an MQTT broker: a pipe that can be thrown away at any moment.
//!
//! Every `connect` makes a fresh client and a fresh event loop, asks for a clean start and ends with
//! the first error. Nothing of value ever lives in here: the ledger is the outbox, receipts release.
//! The event loop runs in a task of its own, so a slow consumer never keeps it from the network; what
//! arrives is acknowledged to the broker only when the consumer takes it, so the broker holds back.
//!
//! It must never connect again by itself, never keep a message over a session, and never call what the
//! broker acknowledged stored. Why it is built like this: `docs/decisions/0008-mqtt-client.md`.

use crate::flow::needs::{Broker, FromBroker, Login, Message, Session, Waiting};
use record::Trouble;
use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinHandle,
    time::{Instant, timeout},
};
use wire::{Arrival, Heard, Line, Wire};

mod address;
mod tls;
mod wire;
mod words;

pub use address::BrokerAddress;

/// How long the broker may take to accept us, and again to acknowledge our subscriptions.
const ACCEPT_WITHIN: Duration = Duration::from_secs(10);
/// A question to the broker at least this often; unanswered until the next one, the session is over.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// A network that takes no bytes for so long is gone, whatever TCP believes.
const STUCK_AFTER: Duration = Duration::from_secs(30);
/// A publish that is not acknowledged within this time ends the session: the ledger sends it again.
const ACKNOWLEDGE_WITHIN: Duration = Duration::from_secs(30);
/// Publishes on the way at once, and their bytes. More would only wait in the broker.
const WINDOW: usize = 128;
const WINDOW_BYTES: usize = 4 << 20;
/// Messages the broker may have on the way to us, and the bytes we hold for a consumer that lags.
const RECEIVE_WINDOW: u16 = 64;
const HELD_BYTES: usize = 96 << 20;

/// Brokers reached over TCP or TLS.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mqtt;

impl Broker for Mqtt {
    fn connect<'a>(&'a self, login: &'a Login) -> Waiting<'a, Result<Box<dyn Session>, Trouble>> {
        Box::pin(async move {
            let (mut line, wire) = wire::open(login)?;
            let place = login.url.clone();
            let arrived = handshake(&mut line, &wire, login).await?;
            Ok(Box::new(Pipe::start(line, wire, place, arrived)) as Box<dyn Session>)
        })
    }
}

/// Waits for CONNACK and SUBACK. What arrives meanwhile (retained messages) is kept in order.
async fn handshake(line: &mut Line, wire: &Wire, login: &Login) -> Result<Vec<Arrival>, Trouble> {
    let mut arrived = Vec::new();
    let accepted = async {
        loop {
            if matches!(
                line.next()
                    .await
                    .map_err(|problem| words::connecting(&problem, login))?,
                Heard::Accepted
            ) {
                return Ok(());
            }
        }
    };
    timeout(ACCEPT_WITHIN, accepted)
        .await
        .unwrap_or_else(|_| Err(words::silent(&login.url, "accept the connection")))?;
    if login.subscribe.is_empty() {
        return Ok(arrived);
    }
    if !wire.subscribe(&login.subscribe) {
        return Err(words::not_a_filter(login));
    }
    let subscribed = async {
        loop {
            match line
                .next()
                .await
                .map_err(|problem| words::lost(&problem, &login.url))?
            {
                Heard::Subscribed(None) => return Ok(()),
                Heard::Subscribed(Some((index, reason))) => {
                    return Err(words::subscription(login, index, &reason));
                }
                Heard::Arrived(arrival) => arrived.push(arrival),
                _ => {}
            }
        }
    };
    timeout(ACCEPT_WITHIN, subscribed)
        .await
        .unwrap_or_else(|_| Err(words::silent(&login.url, "acknowledge the subscriptions")))?;
    Ok(arrived)
}

/// What is on the way to the broker. The n-th publish the event loop reports as sent is the n-th that
/// was handed to it, because nothing else publishes; only there does a token meet its packet id.
#[derive(Default)]
struct Window {
    handed: VecDeque<OnTheWay>,
    sent: HashMap<u16, OnTheWay>,
    bytes: usize,
    over: bool,
}

#[derive(Clone, Copy)]
struct OnTheWay {
    token: u64,
    bytes: usize,
    since: Instant,
}

impl Window {
    fn takes(&self, bytes: usize) -> bool {
        let count = self.handed.len() + self.sent.len();
        !self.over && (count == 0 || (count < WINDOW && self.bytes + bytes <= WINDOW_BYTES))
    }

    fn sent(&mut self, packet: u16) {
        if let Some(message) = self.handed.pop_front() {
            self.sent.insert(packet, message);
        }
    }

    fn taken(&mut self, packet: u16) -> Option<u64> {
        let message = self.sent.remove(&packet)?;
        self.bytes -= message.bytes;
        Some(message.token)
    }

    fn overdue(&self) -> bool {
        self.sent
            .values()
            .chain(&self.handed)
            .any(|message| message.since.elapsed() > ACKNOWLEDGE_WITHIN)
    }
}

/// Shared between the consumer's side and the task that runs the event loop.
#[derive(Default)]
struct Shared {
    window: Mutex<Window>,
    held: AtomicUsize,
}

impl Shared {
    fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Event {
    Arrived(Arrival),
    Taken(u64, bool),
    Gone(Trouble),
}

struct Pipe {
    wire: Wire,
    shared: Arc<Shared>,
    events: UnboundedReceiver<Event>,
    task: JoinHandle<()>,
    place: String,
}

impl Pipe {
    fn start(line: Line, wire: Wire, place: String, arrived: Vec<Arrival>) -> Self {
        let shared = Arc::new(Shared::default());
        let (to_consumer, events) = unbounded_channel();
        let mut pump = Pump {
            line,
            shared: Arc::clone(&shared),
            to_consumer,
            place: place.clone(),
        };
        for arrival in arrived {
            pump.hand_on(arrival);
        }
        let task = tokio::spawn(async move {
            let end = pump.run().await;
            pump.shared.window().over = true;
            // a consumer that has gone needs no farewell
            let _ = pump.to_consumer.send(Event::Gone(end));
        });
        Self {
            wire,
            shared,
            events,
            task,
            place,
        }
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Session for Pipe {
    fn publish(&mut self, message: Message) -> Result<(), Message> {
        let mut window = self.shared.window();
        let bytes = message.payload.len();
        if !window.takes(bytes) {
            return Err(message);
        }
        let token = message.token;
        self.wire.publish(message)?;
        window.bytes += bytes;
        window.handed.push_back(OnTheWay {
            token,
            bytes,
            since: Instant::now(),
        });
        Ok(())
    }

    fn next(&mut self) -> Waiting<'_, FromBroker> {
        Box::pin(async move {
            loop {
                match self.events.recv().await {
                    Some(Event::Arrived(arrival)) => {
                        self.shared
                            .held
                            .fetch_sub(arrival.payload_len(), Ordering::Relaxed);
                        self.wire.acknowledge(&arrival);
                        let (topic, payload, retained) = arrival.into_parts();
                        return FromBroker::Arrived(topic, payload, retained);
                    }
                    Some(Event::Taken(0, _)) => {}
                    Some(Event::Taken(token, anyone)) => return FromBroker::Taken(token, anyone),
                    Some(Event::Gone(trouble)) => return FromBroker::Gone(trouble),
                    None => return FromBroker::Gone(words::over(&self.place)),
                }
            }
        })
    }

    fn close(mut self: Box<Self>) -> Waiting<'static, ()> {
        Box::pin(async move {
            if self.wire.goodbye() {
                // whether the broker heard it or not, the session ends here
                let _ = timeout(Duration::from_secs(3), &mut self.task).await;
            }
        })
    }
}

/// The task's side. Owns the event loop; ends with the first trouble.
struct Pump {
    line: Line,
    shared: Arc<Shared>,
    to_consumer: UnboundedSender<Event>,
    place: String,
}

impl Pump {
    async fn run(&mut self) -> Trouble {
        loop {
            let heard = match timeout(STUCK_AFTER, self.line.next()).await {
                Ok(Ok(heard)) => heard,
                Ok(Err(problem)) => return words::lost(&problem, &self.place),
                Err(_) => return words::silent(&self.place, "take or give anything for 30 s"),
            };
            match heard {
                Heard::Sent(packet) => self.shared.window().sent(packet),
                Heard::Taken(packet, Ok(anyone)) => {
                    let token = self.shared.window().taken(packet);
                    if let Some(token) = token {
                        self.tell(Event::Taken(token, anyone));
                    }
                }
                Heard::Taken(_, Err(reason)) => return words::publish_refused(&self.place, &reason),
                Heard::Arrived(arrival) => {
                    if !self.hand_on(arrival) {
                        return words::lagging(&self.place);
                    }
                }
                Heard::Asked if self.shared.window().overdue() => {
                    return words::silent(&self.place, "acknowledge a message for 30 s");
                }
                Heard::Closed => return words::over(&self.place),
                Heard::Asked | Heard::Accepted | Heard::Subscribed(_) | Heard::Other => {}
            }
        }
    }

    fn hand_on(&mut self, arrival: Arrival) -> bool {
        let bytes = arrival.payload_len();
        let held = self.shared.held.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.tell(Event::Arrived(arrival));
        held <= HELD_BYTES
    }

    fn tell(&self, event: Event) {
        // the consumer may have gone already; then the task is about to be ended
        let _ = self.to_consumer.send(event);
    }
}
