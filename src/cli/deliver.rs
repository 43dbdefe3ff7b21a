//! `steelyard ledger deliver`: what an old disk still has and the record store does not.
//!
//! Streams the ledger, publishes what has no receipt, a window at a time and in order, and keeps the receipts beside it.
//! It must never touch a page, and never count as delivered what has no receipt.

use crate::{
    config::plant::Plant,
    daemon::opening::{RECEIPTS, receipt_keys},
    evidence::Folder,
    flow::needs::{Broker, Clock, Disk, DiskFile, FromBroker, Login, Message, Session},
    ports::{clock::SystemClock, disk::Directory, files::SystemFiles, mqtt::Mqtt},
};
use record::{Hash, KeySet, Role, StoreWord, Trouble};
use std::{
    collections::{BTreeMap, HashSet},
    path::Path,
    sync::Arc,
    time::Duration,
};
use tokio::sync::mpsc;

/// Pages under way at once.
const WINDOW: usize = 64;
/// A page without receipt is sent again after this time.
const AGAIN: Duration = Duration::from_secs(30);
/// Between two tries to reach the broker.
const RETRY: Duration = Duration::from_secs(2);

/// What came of it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Delivered {
    /// Pages and entries receipted now.
    pub pages: u64,
    pub entries: u64,
    /// Pages that had a receipt before.
    pub before: u64,
    /// Pages the record store refused, with its reasons.
    pub refused: Vec<(u64, String)>,
    /// Whether the receipts stand beside the ledger now.
    pub kept: bool,
}

/// A page on its way.
struct Sent {
    epoch: u64,
    page: u64,
    seal: Hash,
    entries: u64,
    ledger: String,
    bytes: Vec<u8>,
    /// When it was handed to the broker; not yet in this session.
    at: Option<Duration>,
}

/// Delivers what has no receipt. Gives up when no word came for `patience`.
pub(super) async fn deliver(plant: &Plant, at: &Path, patience: Duration) -> Result<Delivered, Trouble> {
    let mut keys = KeySet::default();
    for key in receipt_keys(plant, &SystemFiles)? {
        keys.add(key, Role::Receipt)?;
    }
    if keys.iter().next().is_none() {
        return Err(Trouble::new(
            "no-receipt-key",
            "the configuration names no key of the record store",
        )
        .at(at.display())
        .means("nothing was sent: without it no receipt could be told from a forged one")
        .so("write `key` into [record_store]"));
    }
    // A disk that may be written keeps its receipts; one that may not is read all the same.
    let (disk, writable) = match Directory::take(at) {
        Ok(disk) => (disk, true),
        Err(trouble) if trouble.name == "ledger-in-use" => return Err(trouble),
        Err(_) => (Directory::look(at)?, false),
    };
    let mut receipted = HashSet::new();
    Folder::open(&disk)?.each_receipt(|line, _| {
        if let Ok(StoreWord::Receipt(receipt)) = StoreWord::read(line, |kid| keys.find(kid, Role::Receipt)) {
            receipted.insert((receipt.epoch, receipt.page, receipt.seal));
        }
    })?;
    let kept = writable.then(|| Kept::open(&disk)).transpose()?;
    let before = receipted.len() as u64;
    let (to_here, pages) = mpsc::channel(WINDOW);
    let reading = tokio::task::spawn_blocking({
        let at = at.to_owned();
        move || read(&at, &receipted, &to_here)
    });
    let topic = format!("{}/{}", plant.record_store.topics, plant.gateway.name);
    let store = &plant.record_store;
    let mut delivery = Delivery {
        login: Login {
            user: store.user.clone(),
            password_file: store.password_file.clone(),
            trust: store.trust.clone(),
            certificate: store.certificate.clone(),
            private_key: store.private_key.clone(),
            version_3: store.mqtt_version_3,
            ..Login::plain(
                &store.broker,
                &format!("steelyard-{}-deliver", plant.gateway.name),
                vec![format!("{topic}/receipts")],
            )
        },
        topic,
        gateway: plant.gateway.name.clone(),
        keys,
        clock: Arc::new(SystemClock::new()),
        pages,
        under_way: BTreeMap::new(),
        kept,
        done: Delivered {
            before,
            kept: writable,
            ..Delivered::default()
        },
        patience,
    };
    delivery.all().await?;
    reading.await.map_err(|_| ended())??;
    Ok(delivery.done)
}

/// Every page without receipt, in the order of the ledger.
fn read(at: &Path, receipted: &HashSet<(u64, u64, Hash)>, to: &mpsc::Sender<Sent>) -> Result<(), Trouble> {
    let disk = Directory::look(at)?;
    Folder::open(&disk)?.each_page(|page| {
        let seal = page.seal().seal();
        let hash = page.seal().hash();
        if receipted.contains(&(seal.epoch, seal.page, hash)) {
            return;
        }
        let sent = Sent {
            epoch: seal.epoch,
            page: seal.page,
            seal: hash,
            entries: seal.count,
            ledger: seal.ledger.clone(),
            bytes: page.bytes().to_vec(),
            at: None,
        };
        // holds because whoever stopped listening says himself why
        let _ = to.blocking_send(sent);
    })
}

struct Delivery {
    login: Login,
    topic: String,
    gateway: String,
    keys: KeySet,
    clock: Arc<dyn Clock>,
    pages: mpsc::Receiver<Sent>,
    /// By their place in the order of the ledger.
    under_way: BTreeMap<(u64, u64), Sent>,
    kept: Option<Kept>,
    done: Delivered,
    patience: Duration,
}

impl Delivery {
    async fn all(&mut self) -> Result<(), Trouble> {
        let mut session: Option<Box<dyn Session>> = None;
        let (mut heard, mut more) = (self.clock.elapsed(), true);
        loop {
            if !more && self.under_way.is_empty() {
                if let Some(session) = session {
                    session.close().await;
                }
                return Ok(());
            }
            let now = self.clock.elapsed();
            if now.saturating_sub(heard) > self.patience {
                return Err(self.silent());
            }
            let Some(open) = session.as_mut() else {
                match Mqtt.connect(&self.login).await {
                    Ok(made) => {
                        session = Some(made);
                        self.under_way.values_mut().for_each(|sent| sent.at = None);
                    }
                    Err(trouble) if now.saturating_sub(heard) + RETRY > self.patience => return Err(trouble),
                    Err(_) => self.clock.sleep(RETRY).await,
                }
                continue;
            };
            self.publish(open, now);
            let room = more && self.under_way.len() < WINDOW;
            tokio::select! {
                word = open.next() => match word {
                    FromBroker::Arrived(_, line, _) => {
                        if self.said(&line)? {
                            heard = self.clock.elapsed();
                        }
                    }
                    FromBroker::Taken(..) => {}
                    FromBroker::Gone(_) => session = None,
                },
                sent = self.pages.recv(), if room => match sent {
                    Some(sent) => drop(self.under_way.insert((sent.epoch, sent.page), sent)),
                    None => more = false,
                },
                () = self.clock.sleep(Duration::from_millis(100)) => {}
            }
        }
    }

    /// In order; what the pipe does not take comes next time.
    fn publish(&mut self, session: &mut Box<dyn Session>, now: Duration) {
        for sent in self.under_way.values_mut() {
            if sent.at.is_some_and(|at| now.saturating_sub(at) < AGAIN) {
                continue;
            }
            let message = Message {
                topic: format!("{}/pages", self.topic),
                payload: sent.bytes.clone(),
                content_type: Some("application/x-steelyard-page"),
                properties: vec![
                    ("gateway", self.gateway.clone()),
                    ("ledger", sent.ledger.clone()),
                    ("epoch", sent.epoch.to_string()),
                    ("page", sent.page.to_string()),
                ],
                token: sent.page,
                ..Message::default()
            };
            if session.publish(message).is_err() {
                return;
            }
            sent.at = Some(now);
        }
    }

    /// A word of the record store; whether it was about a page under way. A running gateway of this name hears it too,
    /// and what it hears is none of ours.
    fn said(&mut self, line: &[u8]) -> Result<bool, Trouble> {
        let Ok(word) = StoreWord::read(line, |kid| self.keys.find(kid, Role::Receipt)) else {
            return Ok(false);
        };
        let (receipt, because) = match word {
            StoreWord::Receipt(receipt) => (receipt, None),
            StoreWord::Refusal(refusal) => (refusal.page, Some(refusal.because)),
            StoreWord::Resend(_) => return Ok(false),
        };
        let place = (receipt.epoch, receipt.page);
        let ours = self
            .under_way
            .get(&place)
            .is_some_and(|sent| sent.seal == receipt.seal && sent.ledger == receipt.ledger);
        if !ours {
            return Ok(false);
        }
        if because.is_none()
            && let Some(kept) = &mut self.kept
        {
            kept.add(line)?;
        }
        let Some(sent) = self.under_way.remove(&place) else {
            return Ok(false);
        };
        match because {
            Some(because) => self.done.refused.push((sent.page, because)),
            None => {
                self.done.pages += 1;
                self.done.entries += sent.entries;
            }
        }
        Ok(true)
    }

    fn silent(&self) -> Trouble {
        Trouble::new(
            "no-receipts",
            format!(
                "no receipt came for {} s; {} pages wait for one, {} were receipted",
                self.patience.as_secs(),
                self.under_way.len(),
                self.done.pages
            ),
        )
        .at(&self.login.url)
        .means("what was receipted is delivered; the rest stays on this disk and can be delivered again at any time")
        .so("is the record store running, and is this gateway's key enrolled there? then do it again")
    }
}

/// The receipts beside the old ledger, synced one by one: this is no hot path.
struct Kept {
    file: Box<dyn DiskFile>,
    end: u64,
}

impl Kept {
    fn open(disk: &dyn Disk) -> Result<Self, Trouble> {
        let there = disk
            .list()
            .is_ok_and(|names| names.iter().any(|name| name == RECEIPTS));
        let file = if there {
            disk.open(RECEIPTS)
        } else {
            disk.create(RECEIPTS)
        };
        let opened = file.and_then(|file| Ok((file.len()?, file)));
        opened
            .map(|(end, file)| Self { file, end })
            .map_err(|error| not_kept(&error))
    }

    fn add(&mut self, line: &[u8]) -> Result<(), Trouble> {
        // a line that was cut off by a power cut ends here, and is no receipt
        let mut bytes = vec![b'\n'; usize::from(self.unended())];
        bytes.extend_from_slice(line);
        bytes.push(b'\n');
        let written = self
            .file
            .write_at(&bytes, self.end)
            .and_then(|()| self.file.sync_data());
        written.map_err(|error| not_kept(&error))?;
        self.end += bytes.len() as u64;
        Ok(())
    }

    fn unended(&self) -> bool {
        let mut last = [b'\n'];
        self.end > 0 && self.file.read_at(&mut last, self.end - 1).is_ok() && last[0] != b'\n'
    }
}

fn not_kept(error: &std::io::Error) -> Trouble {
    Trouble::new(
        "receipts-not-kept",
        format!("a receipt could not be made durable: {error}"),
    )
    .at(RECEIPTS)
    .means("the page counts as not receipted and is sent again; nothing is lost")
    .so("look at the disk, or copy it to one that can be written")
}

fn ended() -> Trouble {
    Trouble::new("deliver-ended", "reading the old ledger ended before its end")
        .means("what was receipted is delivered; the rest stays on this disk")
        .so("do it again; if it happens again, run `steelyard verify` on it")
}
