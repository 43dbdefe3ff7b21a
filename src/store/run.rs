//! The record store at work: a session with the broker, a reader, a writer, and an eye on holes.
//!
//! ```text
//! broker ─▶ arrived ─▶ read (form, root) ─▶ judged and committed ─▶ receipts ─▶ broker
//! ```
//!
//! Every arrow is a bounded channel: when the database is slow, the broker is not taken from. Nothing in
//! here is worth keeping: what is lost on the way has no receipt, and comes again.

use super::{
    Database,
    act::{self, Made, Reply},
    holes::Asked,
    judge::{self, Arrived, Enrolment},
};
use crate::flow::needs::{Broker, Clock, FromBroker, Login, Message, PageStore, Random, Session};
use record::{Resend, Signer, Stamp, Trouble};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

/// Pages that wait to be read, and the most that are judged and committed together.
const WAITING: usize = 256;
const TOGETHER: usize = 128;
const TOGETHER_BYTES: usize = 8 << 20;
/// Words to gateways that wait for the broker; beyond it the oldest are dropped and asked for again.
const WORDS: usize = 8192;
/// How often it looks for holes.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// After a failure: at first, and at most.
const RETRY_FIRST: Duration = Duration::from_secs(1);
const RETRY_MOST: Duration = Duration::from_mins(1);

/// What a record store is told.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where pages are kept.
    pub database: Database,
    /// Who may deliver, and for which use.
    pub enrolment: Enrolment,
    /// The broker. Its subscriptions are added here.
    pub broker: Login,
    /// First part of all topics.
    pub topics: String,
    /// Name of a shared subscription, where several record stores take turns.
    pub share: Option<String>,
}

/// What it needs from outside.
#[derive(Clone)]
pub struct Needs {
    pub broker: Arc<dyn Broker>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    /// The receipt key.
    pub signer: Arc<dyn Signer>,
}

/// What it has done since it was started.
#[derive(Debug, Clone, Default)]
pub struct Status {
    /// Pages and entries stored, pages known, early, forked and refused.
    pub made: Made,
    /// Messages that came.
    pub arrived: u64,
    /// Receipts, refusals and requests handed to the broker.
    pub said: u64,
    /// Whether the broker has us.
    pub connected: bool,
    /// When the last page was stored.
    pub last_stored: Option<Stamp>,
    /// What is wrong now.
    pub trouble: Option<Trouble>,
    /// Pages missing between pages that are held.
    pub holes: u64,
}

/// A record store at work; it ends when this is dropped.
pub struct Running {
    status: watch::Receiver<Status>,
    pages: Arc<dyn PageStore>,
    tasks: JoinSet<()>,
}

impl Running {
    /// What it has done; changes as it goes on.
    pub fn status(&self) -> watch::Receiver<Status> {
        self.status.clone()
    }

    /// What it holds, for questions.
    pub fn pages(&self) -> Arc<dyn PageStore> {
        Arc::clone(&self.pages)
    }

    /// Works until told otherwise.
    pub async fn forever(mut self) {
        while self.tasks.join_next().await.is_some() {}
    }

    /// Ends it and waits until nothing of it is left. What was not committed never was.
    pub async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

/// Opens the database and begins to work.
pub async fn start(options: Options, needs: Needs) -> Result<Running, Trouble> {
    let pages = options.database.open(&options.enrolment.usage).await?;
    start_on(pages, options, needs).await
}

/// Begins to work on a database that is open.
pub async fn start_on(pages: Arc<dyn PageStore>, options: Options, needs: Needs) -> Result<Running, Trouble> {
    let (status_in, status) = watch::channel(Status::default());
    let (to_reader, arrived) = mpsc::channel(WAITING);
    let (to_writer, read) = mpsc::channel(1);
    let (to_broker, words) = mpsc::channel(WORDS);
    let desk = Desk {
        pages: Arc::clone(&pages),
        enrolment: Arc::new(options.enrolment.clone()),
        needs,
        status: Arc::new(status_in),
        to_broker,
    };
    let (made, replies) = act::reconsider(
        &*pages,
        &desk.enrolment,
        &*desk.needs.signer,
        desk.needs.clock.now(),
    )
    .await?;
    desk.told(made, replies);
    let mut tasks = JoinSet::new();
    tasks.spawn(desk.clone().line(options, to_reader, words));
    tasks.spawn(reader(arrived, to_writer));
    tasks.spawn(desk.clone().writer(read));
    tasks.spawn(desk.holes());
    Ok(Running { status, pages, tasks })
}

/// A message as it came: whose topic, and the bytes.
type Parcel = (String, Vec<u8>);

/// What all tasks share.
#[derive(Clone)]
struct Desk {
    pages: Arc<dyn PageStore>,
    enrolment: Arc<Enrolment>,
    needs: Needs,
    status: Arc<watch::Sender<Status>>,
    to_broker: mpsc::Sender<Reply>,
}

/// Reads what has arrived, all that waits together, away from the tasks that must not be kept waiting.
async fn reader(mut arrived: mpsc::Receiver<Parcel>, to_writer: mpsc::Sender<Vec<Arrived>>) {
    while let Some(first) = arrived.recv().await {
        let mut bytes = first.1.len();
        let mut together = vec![first];
        while together.len() < TOGETHER && bytes < TOGETHER_BYTES {
            let Ok(parcel) = arrived.try_recv() else { break };
            bytes += parcel.1.len();
            together.push(parcel);
        }
        let open = move || {
            together
                .into_iter()
                .map(|(gateway, bytes)| judge::open(&gateway, bytes))
                .collect()
        };
        let Ok(read) = tokio::task::spawn_blocking(open).await else {
            continue;
        };
        if to_writer.send(read).await.is_err() {
            return;
        }
    }
}

impl Desk {
    async fn writer(self, mut read: mpsc::Receiver<Vec<Arrived>>) {
        let mut retry = RETRY_FIRST;
        while let Some(arrived) = read.recv().await {
            let now = self.needs.clock.now();
            match act::take(&*self.pages, &self.enrolment, &*self.needs.signer, arrived, now).await {
                Ok((made, replies)) => {
                    retry = RETRY_FIRST;
                    self.told(made, replies);
                }
                Err(trouble) => {
                    self.in_trouble(trouble);
                    self.needs.clock.sleep(retry).await;
                    retry = (retry * 2).min(RETRY_MOST);
                }
            }
        }
    }

    fn told(&self, made: Made, replies: Vec<Reply>) {
        if made.forks + made.refused > 0 {
            tracing::warn!(
                forks = made.forks,
                refused = made.refused,
                record = "these pages are set aside here and not receipted",
                do = "steelyard store CONFIG --status",
                "pages were not taken"
            );
        }
        let now = self.needs.clock.now();
        self.status.send_modify(|status| {
            status.made.add(made);
            status.last_stored = if made.pages > 0 {
                Some(now)
            } else {
                status.last_stored
            };
            if status.connected {
                status.trouble = None;
            }
        });
        for reply in replies {
            // a word that finds no room is asked for again with the page
            let _ = self.to_broker.try_send(reply);
        }
    }

    fn in_trouble(&self, trouble: Trouble) {
        let news = self.status.borrow().trouble.as_ref() != Some(&trouble);
        if news {
            tracing::warn!(name = trouble.name, at = %trouble.place, record = %trouble.record, do = %trouble.action, "{}", trouble.what);
            self.status.send_modify(|status| status.trouble = Some(trouble));
        }
    }

    /// Looks for pages that are missing, and asks for them.
    async fn holes(self) {
        let (mut asked, mut at_start, mut connected, mut seen) = (Asked::default(), true, false, None);
        loop {
            let (pages, is_connected) = {
                let status = self.status.borrow();
                (status.made.pages, status.connected)
            };
            if is_connected && !connected {
                asked.afresh();
            }
            connected = is_connected;
            let unchanged = seen == Some(pages) && self.status.borrow().holes == 0;
            if connected
                && !unchanged
                && let Ok(holes) = self.pages.holes().await
            {
                seen = Some(pages);
                let missing = holes.iter().map(|hole| hole.to + 1 - hole.from.page).sum();
                self.status
                    .send_if_modified(|status| std::mem::replace(&mut status.holes, missing) != missing);
                for from in asked.next(&holes, self.needs.clock.elapsed(), at_start) {
                    self.ask_again(from);
                }
                at_start = false;
            }
            let pause = if at_start {
                Duration::from_millis(200)
            } else {
                LOOK_EVERY
            };
            self.needs.clock.sleep(pause).await;
        }
    }

    fn ask_again(&self, from: crate::flow::needs::PageId) {
        let resend = Resend {
            gateway: from.gateway.clone(),
            ledger: from.ledger,
            epoch: from.epoch,
            from: from.page,
            at: self.needs.clock.now(),
        };
        if let Ok(line) = resend.write(&*self.needs.signer) {
            let _ = self.to_broker.try_send((from.gateway, line));
        }
    }

    /// Keeps a session with the broker, for ever.
    async fn line(self, options: Options, to_reader: mpsc::Sender<Parcel>, mut words: mpsc::Receiver<Reply>) {
        let pages = format!("{}/+/pages", options.topics);
        let login = Login {
            subscribe: vec![
                options
                    .share
                    .as_ref()
                    .map_or(pages.clone(), |name| format!("$share/{name}/{pages}")),
            ],
            ..options.broker.clone()
        };
        let (mut waiting, mut retry) = (VecDeque::new(), RETRY_FIRST);
        loop {
            match self.needs.broker.connect(&login).await {
                Ok(session) => {
                    let begun = self.needs.clock.elapsed();
                    self.status.send_modify(|status| {
                        status.connected = true;
                        status.trouble = None;
                    });
                    tracing::info!(broker = %login.url, "the record store takes pages");
                    let end = self
                        .session(session, &options.topics, &to_reader, &mut words, &mut waiting)
                        .await;
                    self.status.send_modify(|status| status.connected = false);
                    if self.needs.clock.elapsed().saturating_sub(begun) > RETRY_MOST {
                        retry = RETRY_FIRST;
                    }
                    self.in_trouble(end);
                }
                Err(trouble) => self.in_trouble(trouble),
            }
            self.needs.clock.sleep(self.jittered(retry)).await;
            retry = (retry * 2).min(RETRY_MOST);
        }
    }

    /// Between half and the whole of it, so that many do not come back at once.
    fn jittered(&self, wait: Duration) -> Duration {
        let mut chance = [0; 2];
        // without randomness everybody waits the same: no harm done
        let _ = self.needs.random.fill(&mut chance);
        wait / 2 + wait / 2 * u32::from(u16::from_be_bytes(chance)) / u32::from(u16::MAX)
    }

    /// One session until it ends. Takes a message only when there is room for it.
    async fn session(
        &self,
        mut session: Box<dyn Session>,
        topics: &str,
        to_reader: &mpsc::Sender<Parcel>,
        words: &mut mpsc::Receiver<Reply>,
        waiting: &mut VecDeque<Reply>,
    ) -> Trouble {
        loop {
            self.say(&mut session, topics, waiting);
            let room = to_reader.capacity() > 0;
            tokio::select! {
                event = session.next(), if room => match event {
                    FromBroker::Arrived(topic, bytes, _) => {
                        self.status.send_modify(|status| status.arrived += 1);
                        // holds because there was room, and nobody else fills it
                        let _ = to_reader.try_send((gateway_of(&topic, topics), bytes));
                    }
                    FromBroker::Taken(..) => {}
                    FromBroker::Gone(trouble) => return trouble,
                },
                Some(reply) = words.recv(), if waiting.len() < WORDS => waiting.push_back(reply),
                () = self.needs.clock.sleep(Duration::from_millis(5)), if !room || !waiting.is_empty() => {}
            }
        }
    }

    /// Hands over as many words as the pipe takes.
    fn say(&self, session: &mut Box<dyn Session>, topics: &str, waiting: &mut VecDeque<Reply>) {
        let mut said = 0;
        while let Some((gateway, line)) = waiting.pop_front() {
            if !is_name(&gateway) {
                continue;
            }
            let message = Message {
                topic: format!("{topics}/{gateway}/receipts"),
                payload: line,
                content_type: Some("application/jose"),
                token: 1,
                ..Message::default()
            };
            if let Err(back) = session.publish(message) {
                waiting.push_front((gateway, back.payload));
                break;
            }
            said += 1;
        }
        if said > 0 {
            self.status.send_modify(|status| status.said += said);
        }
    }
}

/// A name that may stand in a topic as it is.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || " -_".contains(c))
}

fn gateway_of(topic: &str, topics: &str) -> String {
    topic
        .strip_prefix(topics)
        .and_then(|rest| rest.strip_prefix('/'))
        .and_then(|rest| rest.strip_suffix("/pages"))
        .unwrap_or(topic)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_is_known_by_its_topic() {
        assert_eq!(gateway_of("steelyard/line-3/pages", "steelyard"), "line-3");
        assert_eq!(gateway_of("plant/essen/line 3/pages", "plant/essen"), "line 3");
    }

    #[test]
    fn no_name_leads_into_another_topic() {
        for name in ["line-3", "Booth 2", "Süd_1"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "a/b", "+", "#", "$SYS", "a\0b", "a\nb"] {
            assert!(!is_name(name), "{name}");
        }
    }
}
