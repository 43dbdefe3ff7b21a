//! Delivery: carries out what the outbox asks for, over sessions that can be thrown away at any moment.
//!
//! Nothing of value lives here: pages are read from the ledger, receipts are synced before they count.

use super::{indexing::ToIndex, opening::RECEIPTS};
use crate::{
    flow::{
        ledger::{self, Place},
        needs::{Broker, Clock, Disk, DiskFile, FromBroker, Login, Message, Random, Session},
        outbox::{Action, Counts, Event, Outbox},
    },
    ports::index::Index,
};
use record::{KeySet, Role, Stamp, StoreWord, Trouble};
use std::{collections::HashMap, io, sync::Arc, time::Duration};
use tokio::sync::{mpsc, watch};

/// Pages read again from the index at once.
const AT_ONCE: u32 = 10_000;

/// To delivery.
#[derive(Debug)]
pub enum ToDelivery {
    /// A page was captured.
    Captured(Place),
    /// A page with an exception or an excursion was captured: it overtakes the backlog.
    Urgent(Place),
    /// Something for the broker that is not the record: status, a reply.
    Say(Message),
    /// End when everything is receipted or this much time has passed.
    Finish(Duration),
}

/// From delivery.
#[derive(Debug)]
pub enum FromDelivery {
    /// The record store had a page that was sealed then: what its clock says of ours.
    Stored {
        sealed: Stamp,
        stored: Stamp,
    },
    /// A message on a topic we asked for that is not the record store's word.
    Arrived {
        topic: String,
        payload: Vec<u8>,
    },
    Connected,
    Lost(Trouble),
    /// The record store refused a page; it is set aside.
    SetAside(Place, String),
    /// The record store holds another history.
    Fork(Place),
    /// No receipt for this page for so long.
    NoReceipt(u64, Duration),
    /// A word on the receipts topic that is not the record store's.
    NotTheStore(String),
    /// What is receipted could not be kept.
    Failed(Trouble),
}

/// What screens and status show.
#[derive(Debug, Clone, Default)]
pub struct DeliveryView {
    pub connected: bool,
    pub counts: Counts,
    pub pending_pages: usize,
    pub oldest: Option<Place>,
}

/// What delivery works with.
pub struct Delivery {
    pub broker: Arc<dyn Broker>,
    pub login: Login,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub disk: Arc<dyn Disk>,
    pub index: Index,
    pub marks: mpsc::UnboundedSender<ToIndex>,
    pub keys: KeySet,
    /// `steelyard/line-3`.
    pub topic: String,
    pub gateway: String,
    pub ledger: String,
    pub outbox: Outbox,
    pub input: mpsc::UnboundedReceiver<ToDelivery>,
    pub output: mpsc::UnboundedSender<FromDelivery>,
    pub view: watch::Sender<DeliveryView>,
}

struct Running {
    d: Delivery,
    session: Option<Box<dyn Session>>,
    /// Receipts that arrived and are not synced yet, by page.
    words: HashMap<u64, Vec<u8>>,
    keep: Vec<u64>,
    aside: Vec<u64>,
    receipts: Box<dyn DiskFile>,
    end: u64,
    segment: Option<(u64, Box<dyn DiskFile>)>,
    finish_by: Option<Duration>,
    /// In which second the core last heard what a receipt says of the clock.
    clock_told: Option<u64>,
    /// The channel from inside is closed.
    closed: bool,
    /// When time is to be told next, however much happens before.
    tick_at: Duration,
    /// Messages that are not the record, to be said again after a reconnect: by topic.
    retained: HashMap<String, Message>,
    counted: Counts,
}

const TICK: Duration = Duration::from_millis(50);
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(60));

impl Delivery {
    /// Runs until told to finish.
    pub async fn run(self) -> Result<(), Trouble> {
        let (receipts, end) = open_receipts(self.disk.as_ref()).map_err(|error| cannot_keep(&error))?;
        let counted = self.outbox.counts();
        let mut running = Running {
            d: self,
            session: None,
            words: HashMap::new(),
            keep: Vec::new(),
            aside: Vec::new(),
            receipts,
            end,
            segment: None,
            finish_by: None,
            clock_told: None,
            closed: false,
            tick_at: Duration::ZERO,
            retained: HashMap::new(),
            counted,
        };
        running.work().await
    }
}

impl Running {
    async fn work(&mut self) -> Result<(), Trouble> {
        let mut back_off = BACK_OFF.0;
        let mut next_try = Duration::ZERO;
        let mut said_why = String::new();
        loop {
            if self.done() {
                return self.goodbye().await;
            }
            self.refill().await?;
            if self.session.is_none() && self.d.clock.elapsed() >= next_try {
                match self.connect().await {
                    Ok(()) => {
                        back_off = BACK_OFF.0;
                        said_why.clear();
                        self.tell(FromDelivery::Connected);
                        self.step(Event::Connected).await?;
                    }
                    Err(trouble) => {
                        if trouble.what != said_why {
                            said_why.clone_from(&trouble.what);
                            self.tell(FromDelivery::Lost(trouble));
                        }
                        next_try = self.d.clock.elapsed() + self.jittered(back_off);
                        back_off = (back_off * 2).min(BACK_OFF.1);
                    }
                }
            }
            self.wait().await?;
            self.show();
        }
    }

    /// One thing that happens: a word from inside, from the broker, or time.
    async fn wait(&mut self) -> Result<(), Trouble> {
        let now = self.d.clock.elapsed();
        if now >= self.tick_at {
            // also when something happens all the time: a page without receipt is sent again, receipts are synced
            self.tick_at = now + TICK;
            self.flush().await?;
            self.step(Event::Tick).await?;
        }
        let tick = self
            .d
            .clock
            .sleep(self.tick_at.saturating_sub(now).max(Duration::from_millis(1)));
        let happened = {
            let session = self.session.as_mut();
            let from_broker = async {
                match session {
                    Some(session) => session.next().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                word = self.d.input.recv(), if !self.closed => Happened::Inside(word),
                word = from_broker => Happened::Broker(word),
                () = tick => Happened::Tick,
            }
        };
        match happened {
            Happened::Inside(word) => self.inside(word).await,
            Happened::Broker(word) => self.from_broker(word).await,
            Happened::Tick => Ok(()),
        }
    }

    async fn inside(&mut self, word: Option<ToDelivery>) -> Result<(), Trouble> {
        match word {
            Some(ToDelivery::Captured(place)) => self.step(Event::Live(place)).await,
            Some(ToDelivery::Urgent(place)) => self.step(Event::Urgent(place)).await,
            Some(ToDelivery::Say(message)) => {
                self.say(message);
                Ok(())
            }
            Some(ToDelivery::Finish(within)) => {
                self.finish_by = Some(self.d.clock.elapsed() + within);
                Ok(())
            }
            None => {
                // Nobody speaks any more; what the broker still says counts until the end.
                self.closed = true;
                self.finish_by.get_or_insert(self.d.clock.elapsed());
                Ok(())
            }
        }
    }

    async fn from_broker(&mut self, word: FromBroker) -> Result<(), Trouble> {
        match word {
            FromBroker::Taken(0, _) => Ok(()),
            FromBroker::Taken(page, heard) => self.step(Event::Taken(page, heard)).await,
            FromBroker::Gone(trouble) => {
                self.session = None;
                self.tell(FromDelivery::Lost(trouble));
                self.step(Event::Lost).await
            }
            FromBroker::Arrived(topic, payload, _) if topic == format!("{}/receipts", self.d.topic) => {
                self.store_says(payload).await
            }
            FromBroker::Arrived(topic, payload, _) => {
                self.tell(FromDelivery::Arrived { topic, payload });
                Ok(())
            }
        }
    }

    /// A word on the receipts topic: only the record store's, about this ledger, counts.
    async fn store_says(&mut self, line: Vec<u8>) -> Result<(), Trouble> {
        let read = StoreWord::read(&line, |kid| self.d.keys.find(kid, Role::Receipt));
        let word = match read {
            Ok(word) => word,
            Err(refused) => {
                self.tell(FromDelivery::NotTheStore(refused.to_string()));
                return Ok(());
            }
        };
        let (gateway, ledger) = match &word {
            StoreWord::Receipt(receipt) => (&receipt.gateway, &receipt.ledger),
            StoreWord::Refusal(refusal) => (&refusal.page.gateway, &refusal.page.ledger),
            StoreWord::Resend(resend) => (&resend.gateway, &resend.ledger),
        };
        if *gateway != self.d.gateway || *ledger != self.d.ledger {
            self.tell(FromDelivery::NotTheStore("it is about another ledger".into()));
            return Ok(());
        }
        if let StoreWord::Receipt(receipt) = &word {
            let oldest = self.d.outbox.oldest().filter(|place| place.page == receipt.page);
            if let Some(place) = oldest {
                self.clock_is_told(place.sealed, receipt.stored);
            }
            self.words.insert(receipt.page, line);
        }
        self.step(Event::Said(word)).await
    }

    /// What a receipt says of our clock, once a second.
    fn clock_is_told(&mut self, sealed: Stamp, stored: Stamp) {
        let second = self.d.clock.elapsed().as_secs();
        if self.clock_told.replace(second) != Some(second) {
            self.tell(FromDelivery::Stored { sealed, stored });
        }
    }

    async fn step(&mut self, event: Event) -> Result<(), Trouble> {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            for action in self.d.outbox.next(event, self.d.clock.elapsed()) {
                match action {
                    Action::Publish(place) => {
                        let took = self.publish(place)?;
                        events.push(Event::Handed(place.page, took));
                    }
                    Action::Keep(page) => self.keep.push(page),
                    Action::SetAside(place, because) => {
                        self.aside.push(place.page);
                        self.tell(FromDelivery::SetAside(place, because));
                    }
                    Action::Fork(place) => self.tell(FromDelivery::Fork(place)),
                    Action::NoReceipt { page, since } => self.tell(FromDelivery::NoReceipt(page, since)),
                }
            }
        }
        if self.keep.len() >= MANY {
            self.flush().await?;
        }
        Ok(())
    }

    /// Reads a page where it lies and hands it to the pipe.
    fn publish(&mut self, place: Place) -> Result<bool, Trouble> {
        let Some(session) = self.session.as_mut() else {
            return Ok(false);
        };
        let payload = read_page(self.d.disk.as_ref(), &mut self.segment, &place).map_err(|error| {
            Trouble::new(
                "page-unreadable",
                format!("page {} cannot be read for delivery: {error}", place.page),
            )
            .at(self
                .d
                .disk
                .path()
                .join(ledger::segment_name(place.segment))
                .display())
            .means("it is not delivered; it is not lost as long as the disk holds it")
            .so("look at the disk; the gateway ends, starts again and reads what is there")
        })?;
        let message = Message {
            topic: format!("{}/pages", self.d.topic),
            payload,
            retain: false,
            content_type: Some("application/x-steelyard-page"),
            properties: vec![
                ("gateway", self.d.gateway.clone()),
                ("ledger", self.d.ledger.clone()),
                ("epoch", place.epoch.to_string()),
                ("page", place.page.to_string()),
            ],
            token: place.page,
        };
        Ok(session.publish(message).is_ok())
    }

    /// Says something that is not the record. What is retained is said again after a reconnect.
    fn say(&mut self, message: Message) {
        if message.retain {
            self.retained.insert(message.topic.clone(), message.clone());
        }
        if let Some(session) = self.session.as_mut() {
            // holds because what is retained comes again, and a reply nobody could take is asked for again
            let _ = session.publish(message);
        }
    }

    async fn connect(&mut self) -> Result<(), Trouble> {
        let mut session = self.d.broker.connect(&self.d.login).await?;
        for message in self.retained.values() {
            // holds because a fresh pipe has room for the few retained words
            let _ = session.publish(message.clone());
        }
        self.session = Some(session);
        Ok(())
    }

    /// Receipts that arrived are appended and synced; only then does anything count as receipted.
    async fn flush(&mut self) -> Result<(), Trouble> {
        if !self.keep.is_empty() {
            let mut bytes = Vec::new();
            for page in &self.keep {
                if let Some(word) = self.words.get(page) {
                    bytes.extend_from_slice(word);
                    bytes.push(b'\n');
                }
            }
            if !bytes.is_empty() {
                let written = self
                    .receipts
                    .write_at(&bytes, self.end)
                    .and_then(|()| self.receipts.sync_data());
                if written
                    .as_ref()
                    .is_err_and(|error| error.kind() == io::ErrorKind::StorageFull)
                {
                    // Nothing was appended that counts: it is written again at the same place when there is room.
                    return Ok(());
                }
                written.map_err(|error| cannot_keep(&error))?;
                self.end += bytes.len() as u64;
            }
            for page in &self.keep {
                self.words.remove(page);
            }
            self.mark(1);
        }
        if !self.aside.is_empty() {
            self.mark(2);
        }
        self.counted = self.d.outbox.counts();
        Ok(())
    }

    /// The index learns it behind the pages themselves.
    fn mark(&mut self, state: u8) {
        let pages = std::mem::take(if state == 1 {
            &mut self.keep
        } else {
            &mut self.aside
        });
        // holds because an index that ended is made again at the next start, from the receipts
        let _ = self.d.marks.send(ToIndex::Mark(pages, state));
    }

    /// More pages from the index, when memory held only a part of what is pending.
    async fn refill(&mut self) -> Result<(), Trouble> {
        let Some(above) = self.d.outbox.wants_more() else {
            return Ok(());
        };
        let places = self.d.index.pending(above, AT_ONCE).await?;
        self.d.outbox.has_all();
        let all = places.len() < AT_ONCE as usize;
        for place in places {
            self.step(Event::Captured(place)).await?;
        }
        if !all {
            self.d.outbox.has_more();
        }
        Ok(())
    }

    fn done(&self) -> bool {
        let all = self.d.outbox.pending() == 0 && self.d.input.is_empty() && self.keep.is_empty();
        self.finish_by
            .is_some_and(|by| all || self.d.clock.elapsed() >= by)
    }

    async fn goodbye(&mut self) -> Result<(), Trouble> {
        self.flush().await?;
        self.show();
        if let Some(session) = self.session.take() {
            session.close().await;
        }
        Ok(())
    }

    fn show(&self) {
        let view = DeliveryView {
            connected: self.session.is_some(),
            counts: self.counted,
            pending_pages: self.d.outbox.pending(),
            oldest: self.d.outbox.oldest(),
        };
        self.d.view.send_replace(view);
    }

    fn tell(&self, word: FromDelivery) {
        // holds because when nobody listens any more the gateway is ending
        let _ = self.d.output.send(word);
    }

    /// Half to one and a half of the time, so that sixty gateways do not come back at once.
    fn jittered(&self, time: Duration) -> Duration {
        let mut byte = [128];
        // holds because without randomness the middle is as good
        let _ = self.d.random.fill(&mut byte);
        time / 2 + time * u32::from(byte[0]) / 255
    }
}

enum Happened {
    Inside(Option<ToDelivery>),
    Broker(FromBroker),
    Tick,
}

const MANY: usize = 256;

fn read_page(
    disk: &dyn Disk,
    open: &mut Option<(u64, Box<dyn DiskFile>)>,
    place: &Place,
) -> io::Result<Vec<u8>> {
    if open.as_ref().is_none_or(|(number, _)| *number != place.segment) {
        *open = Some((
            place.segment,
            disk.open_read(&ledger::segment_name(place.segment))?,
        ));
    }
    let mut bytes = vec![0; place.length as usize];
    if let Some((_, file)) = open {
        let length = file.read_at(&mut bytes, place.offset)?;
        bytes.truncate(length);
    }
    Ok(bytes)
}

/// Opens the receipts for appending. A last line that was cut off by a power cut is no receipt; it is left out of a
/// copy, and comes again.
fn open_receipts(disk: &dyn Disk) -> io::Result<(Box<dyn DiskFile>, u64)> {
    if !disk.list()?.iter().any(|name| name == RECEIPTS) {
        let mut file = disk.create(RECEIPTS)?;
        file.sync_all()?;
        disk.sync_dir()?;
        return Ok((file, 0));
    }
    let file = disk.open(RECEIPTS)?;
    let length = file.len()?;
    let from = length.saturating_sub(TAIL);
    let mut tail = vec![0; (length - from) as usize];
    let mut read = 0;
    while read < tail.len() {
        match file.read_at(&mut tail[read..], from + read as u64)? {
            0 => break,
            more => read += more,
        }
    }
    // what lies before the first line feed began before what is looked at
    let begin = if from == 0 {
        0
    } else {
        tail.iter()
            .position(|byte| *byte == b'\n')
            .map_or(tail.len(), |at| at + 1)
    };
    let sound = sound_lines(&tail[begin..]);
    if sound.len() == tail.len() - begin {
        return Ok((file, length));
    }
    let mut bytes = disk.read(RECEIPTS)?;
    bytes.truncate(from as usize + begin);
    bytes.extend(sound);
    let temporary = "receipts.mending";
    if disk.list()?.iter().any(|name| name == temporary) {
        disk.remove(temporary)?;
    }
    let mut file = disk.create(temporary)?;
    file.write_at(&bytes, 0)?;
    file.sync_all()?;
    disk.rename(temporary, RECEIPTS)?;
    disk.sync_dir()?;
    Ok((file, bytes.len() as u64))
}

/// More than is ever appended with one sync.
const TAIL: u64 = 1 << 20;

/// A power cut leaves of an append what it likes: half a line, zeros, or garbage with line feeds in it. What cannot be
/// a receipt by its letters is none; the page it was for counts as not receipted and is sent again.
fn sound_lines(tail: &[u8]) -> Vec<u8> {
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let sound = |line: &&[u8]| {
        let signed = line.strip_suffix(b"\n").unwrap_or_default();
        signed.iter().all(letter) && signed.iter().filter(|byte| **byte == b'.').count() == 2
    };
    tail.split_inclusive(|byte| *byte == b'\n')
        .filter(sound)
        .flatten()
        .copied()
        .collect()
}

fn cannot_keep(error: &io::Error) -> Trouble {
    Trouble::new(
        "receipts-not-kept",
        format!("a receipt could not be made durable: {error}"),
    )
    .at(RECEIPTS)
    .means("the page counts as not receipted and is sent again; nothing is lost")
    .so("look at the disk; the gateway ends, starts again and reads what is there")
}

/// Brings the index up to the receipts file: a receipt that was synced but not marked is marked.
pub async fn receipts_into_index(index: &Index, disk: &dyn Disk, keys: &KeySet) -> Result<(), Trouble> {
    let read: u64 = index
        .note("receipts-read")
        .await?
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    let Ok(file) = disk.open_read(RECEIPTS) else {
        return Ok(());
    };
    // The last stretch is read again: marks are written after the receipts, never before.
    let from = read.saturating_sub(1 << 20);
    let unreadable = |error: io::Error| ledger::unreadable(disk, &error);
    let length = file.len().map_err(unreadable)?;
    let mut tail = vec![0; length.saturating_sub(from) as usize];
    let got = file.read_at(&mut tail, from).map_err(unreadable)?;
    tail.truncate(got);
    let skip = if from == 0 {
        0
    } else {
        tail.iter()
            .position(|byte| *byte == b'\n')
            .map_or(tail.len(), |at| at + 1)
    };
    let mut pages = Vec::new();
    for line in tail[skip..]
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        if let Ok(StoreWord::Receipt(receipt)) = StoreWord::read(line, |kid| keys.find(kid, Role::Receipt)) {
            pages.push(receipt.page);
        }
    }
    for part in pages.chunks(1000) {
        index.mark(part, 1).await?;
    }
    index.set("receipts-read", &length.to_string()).await
}

#[cfg(test)]
mod tests {
    use super::sound_lines;

    #[test]
    fn of_receipts_that_a_power_cut_tore_only_whole_lines_stay() {
        let whole = b"eyJh.eyJn.c2ln\neyJh.eyJo.c2lo\n";
        assert_eq!(sound_lines(whole), whole);
        let torn: [&[u8]; 5] = [
            b"eyJh.eyJ",
            b"\0\0\0\0",
            b"ey\x07\n\xFFJh.e\nyJ",
            b"\n",
            b"eyJh.eyJp\n",
        ];
        for torn in torn {
            let mut tail = whole.to_vec();
            tail.extend(torn);
            assert_eq!(sound_lines(&tail), whole, "{torn:?}");
            tail.extend(b"\neyJh.eyJq.c2lq\n");
            let mended = sound_lines(&tail);
            assert!(
                mended.starts_with(whole) && mended.ends_with(b"\neyJh.eyJq.c2lq\n"),
                "{torn:?}"
            );
        }
    }
}
