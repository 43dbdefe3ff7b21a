//! A broker and a record store in one, at the level of packets: it drops, doubles, delays and reorders packets of
//! each type, forgets what it acknowledged, and loses, delays, forges and replays receipts. MQTT 5 and 3.1.1.

use crate::{outcome::Done, seed::Dice};
use record::{Hash, KeySet, Page, Receipt, Refusal, Role, SecretKey, Signer, Stamp};
use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, Instant},
};

/// What is done to packets and words, each in so many of a thousand.
#[derive(Debug, Clone, Copy, Default)]
pub struct Plan {
    /// Packets of every type in both directions.
    pub drop: u64,
    pub double: u64,
    pub delay: u64,
    pub reorder: u64,
    /// The connection is cut instead of handling the packet.
    pub cut: u64,
    /// A page is acknowledged and then forgotten, with the connection.
    pub forget: u64,
    /// Receipts.
    pub receipt_lost: u64,
    pub receipt_late: u64,
    pub receipt_forged: u64,
    pub receipt_replayed: u64,
    /// The negative control: pages that are receipted and not kept.
    pub store_lies: u64,
    /// Pages the record store refuses for good.
    pub refuse: u64,
    /// A context message that nobody can understand, after a page.
    pub poison_context: u64,
}

/// What was done and what is held.
#[derive(Debug, Default)]
pub struct Told {
    /// Pages by ledger, epoch, number.
    pub pages: BTreeMap<(String, u64, u64), Vec<u8>>,
    /// Pages that were refused, and how many entries are on them.
    pub refused: BTreeMap<(u64, u64), u64>,
    /// Packets and words that were harmed, by what was done.
    pub harmed: BTreeMap<&'static str, u64>,
    /// Pages that came with another content under a number that is taken.
    pub forks: BTreeMap<(u64, u64), u64>,
    pub connections: u64,
    pub again: u64,
    pub wrong: Vec<String>,
}

impl Told {
    fn note(&mut self, what: &'static str) {
        *self.harmed.entry(what).or_default() += 1;
    }

    /// How many packets and words were harmed.
    pub fn count(&self) -> u64 {
        self.harmed.values().sum()
    }
}

struct Shared {
    plan: Plan,
    told: Told,
    dice: Dice,
    /// The last receipts, to be replayed.
    old: Vec<Vec<u8>>,
    streams: Vec<TcpStream>,
}

/// The double; it ends with the process.
#[derive(Clone)]
pub struct Double {
    pub port: u16,
    shared: Arc<Mutex<Shared>>,
    key: Arc<SecretKey>,
    other: Arc<SecretKey>,
    down: Arc<AtomicBool>,
}

impl Double {
    /// Listens on a port of its own.
    pub fn start(dice: &Dice) -> Done<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let double = Self {
            port: listener.local_addr()?.port(),
            shared: Arc::new(Mutex::new(Shared {
                plan: Plan::default(),
                told: Told::default(),
                dice: dice.for_trial(17),
                old: Vec::new(),
                streams: Vec::new(),
            })),
            key: Arc::new(SecretKey::from_seed(&[41; 32])),
            other: Arc::new(SecretKey::from_seed(&[42; 32])),
            down: Arc::default(),
        };
        let own = double.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if own.down.load(Ordering::Relaxed) {
                    continue;
                }
                let own = own.clone();
                // holds because a connection that breaks is made again by whoever asks
                thread::spawn(move || drop(own.serve(stream)));
            }
        });
        Ok(double)
    }

    /// Writes the public key whose receipts count.
    pub fn write_key(&self, path: &Path) -> Done<()> {
        let mut keys = KeySet::default();
        keys.add(self.key.public().clone(), Role::Receipt)?;
        std::fs::write(path, keys.to_jwks())?;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is done from now on.
    pub fn plan(&self, plan: Plan) {
        self.lock().plan = plan;
    }

    /// Looks at what was done and is held.
    pub fn told<T>(&self, look: impl FnOnce(&Told) -> T) -> T {
        look(&self.lock().told)
    }

    /// The broker is away, or back; whoever was connected is not.
    pub fn down(&self, down: bool) {
        self.down.store(down, Ordering::Relaxed);
        for stream in self.lock().streams.drain(..) {
            // holds because one that is closed already needs no closing
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        {
            let mut shared = self.lock();
            shared.told.connections += 1;
            shared.streams.push(stream.try_clone()?);
        }
        let (out, words) = channel();
        let writer = stream.try_clone()?;
        thread::spawn(move || write_all(&writer, &words));
        let mut session = Session {
            double: self,
            out,
            five: true,
            next: 1,
        };
        while let Some(packet) = read_packet(&mut stream)? {
            let times = {
                let mut shared = self.lock();
                let Shared { plan, dice, told, .. } = &mut *shared;
                let fate = fate(plan, dice, told);
                match fate {
                    Fate::Cut => break,
                    Fate::Drop => 0,
                    Fate::Double => 2,
                    _ => 1,
                }
            };
            for _ in 0..times {
                if !session.take(&packet) {
                    let _ = stream.shutdown(Shutdown::Both);
                    return Ok(());
                }
            }
        }
        let _ = stream.shutdown(Shutdown::Both);
        Ok(())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Whole,
    Drop,
    Double,
    Delay,
    Reorder,
    Cut,
}

fn fate(plan: &Plan, dice: &mut Dice, told: &mut Told) -> Fate {
    let throw = dice.below(1000);
    let mut upto = 0;
    for (share, fate, word) in [
        (plan.drop, Fate::Drop, "dropped"),
        (plan.double, Fate::Double, "doubled"),
        (plan.delay, Fate::Delay, "delayed"),
        (plan.reorder, Fate::Reorder, "reordered"),
        (plan.cut, Fate::Cut, "cut"),
    ] {
        upto += share;
        if throw < upto {
            told.note(word);
            return fate;
        }
    }
    Fate::Whole
}

/// One packet: its first byte and its body.
struct Packet {
    head: u8,
    body: Vec<u8>,
}

fn read_packet(stream: &mut TcpStream) -> io::Result<Option<Packet>> {
    let mut head = [0];
    if stream.read(&mut head)? == 0 {
        return Ok(None);
    }
    let (mut length, mut shift) = (0_usize, 0);
    loop {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        length |= usize::from(byte[0] & 127) << shift;
        shift += 7;
        if byte[0] & 128 == 0 {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(Some(Packet { head: head[0], body }))
}

/// A length as MQTT writes it.
fn varint(mut length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let byte = (length & 127) as u8;
        length >>= 7;
        if length == 0 {
            bytes.push(byte);
            return bytes;
        }
        bytes.push(byte | 128);
    }
}

fn packet(head: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![head];
    bytes.extend(varint(body.len()));
    bytes.extend(body);
    bytes
}

/// A varint at this place, and where it ends.
fn read_varint(body: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let (mut value, mut shift) = (0, 0);
    loop {
        let byte = *body.get(at)?;
        at += 1;
        value |= usize::from(byte & 127) << shift;
        shift += 7;
        if byte & 128 == 0 {
            return Some((value, at));
        }
    }
}

/// Writes what is due, in the order of the times at which it is due.
fn write_all(mut stream: &TcpStream, words: &Receiver<(Duration, Vec<u8>)>) {
    let mut waiting: Vec<(Instant, Vec<u8>)> = Vec::new();
    loop {
        waiting.sort_by_key(|(due, _)| *due);
        let now = Instant::now();
        let ready = waiting.iter().take_while(|(due, _)| *due <= now).count();
        for (_, bytes) in waiting.drain(..ready) {
            if stream.write_all(&bytes).is_err() {
                return;
            }
        }
        let wait = waiting.first().map_or(Duration::from_secs(1), |(due, _)| {
            due.saturating_duration_since(now)
        });
        match words.recv_timeout(wait) {
            Ok((after, bytes)) => waiting.push((Instant::now() + after, bytes)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) if waiting.is_empty() => return,
            Err(RecvTimeoutError::Disconnected) => thread::sleep(Duration::from_millis(1)),
        }
    }
}

struct Session<'d> {
    double: &'d Double,
    out: Sender<(Duration, Vec<u8>)>,
    five: bool,
    next: u16,
}

impl Session<'_> {
    /// Sends a packet, or does to it what the plan says.
    fn send(&self, bytes: Vec<u8>) {
        let (fate, late) = {
            let mut shared = self.double.lock();
            let Shared { plan, dice, told, .. } = &mut *shared;
            (
                fate(plan, dice, told),
                Duration::from_millis(dice.from_to(100, 3000)),
            )
        };
        let after = match fate {
            Fate::Drop | Fate::Cut => return,
            Fate::Delay => late,
            Fate::Reorder => late / 10,
            Fate::Double => {
                // holds because a reader that has gone needs no packet
                let _ = self.out.send((Duration::ZERO, bytes.clone()));
                Duration::ZERO
            }
            Fate::Whole => Duration::ZERO,
        };
        let _ = self.out.send((after, bytes));
    }

    /// Takes a packet; `false` ends the connection.
    fn take(&mut self, packet: &Packet) -> bool {
        match packet.head >> 4 {
            1 => self.connect(&packet.body),
            3 => return self.publish(packet),
            8 => self.subscribe(&packet.body),
            12 => self.send(vec![0xD0, 0]),
            14 => return false,
            _ => {}
        }
        true
    }

    fn connect(&mut self, body: &[u8]) {
        self.five = body.get(6) == Some(&5);
        let body: &[u8] = if self.five { &[0, 0, 0] } else { &[0, 0] };
        self.send(packet(0x20, body));
    }

    fn subscribe(&self, body: &[u8]) {
        let (Some(id), mut at) = (body.get(..2), 2) else {
            return;
        };
        if self.five {
            let Some((length, end)) = read_varint(body, at) else {
                return;
            };
            at = end + length;
        }
        let mut answer = id.to_vec();
        if self.five {
            answer.push(0);
        }
        while let Some(length) = body.get(at..at + 2) {
            at += 3 + usize::from(u16::from_be_bytes([length[0], length[1]]));
            answer.push(1);
        }
        self.send(packet(0x90, &answer));
    }

    fn publish(&mut self, whole: &Packet) -> bool {
        let body = &whole.body;
        let Some(length) = body.get(..2) else { return false };
        let mut at = 2 + usize::from(u16::from_be_bytes([length[0], length[1]]));
        let topic = String::from_utf8_lossy(body.get(2..at).unwrap_or_default()).into_owned();
        let mut id = None;
        if whole.head >> 1 & 3 > 0 {
            id = body.get(at..at + 2).map(<[u8]>::to_vec);
            at += 2;
        }
        if self.five {
            let Some((length, end)) = read_varint(body, at) else {
                return false;
            };
            at = end + length;
        }
        let payload = body.get(at..).unwrap_or_default();
        let forgotten = topic.ends_with("/pages") && {
            let mut shared = self.double.lock();
            let Shared { plan, dice, told, .. } = &mut *shared;
            let forgotten = dice.falls(plan.forget, 1000);
            if forgotten {
                told.note("acknowledged and forgotten");
            }
            forgotten
        };
        if let Some(id) = id {
            self.send(packet(0x40, &id));
        }
        if forgotten {
            // The acknowledgement leaves; then the broker dies with all it had.
            thread::sleep(Duration::from_millis(5));
            return false;
        }
        if let Some(gateway) = topic.strip_suffix("/pages") {
            for (topic, word) in self.store(gateway, payload) {
                self.say(&topic, &word);
            }
        }
        true
    }

    /// A message for the gateway, at least once.
    fn say(&mut self, topic: &str, payload: &[u8]) {
        let mut body = (topic.len() as u16).to_be_bytes().to_vec();
        body.extend(topic.as_bytes());
        body.extend(self.next.to_be_bytes());
        self.next = self.next.wrapping_add(1).max(1);
        if self.five {
            body.push(0);
        }
        body.extend(payload);
        self.send(packet(0x32, &body));
    }

    /// The record store's part: keeps a page once, and says so – or does to its word what the plan says.
    fn store(&self, gateway: &str, bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
        let receipts = format!("{gateway}/receipts");
        let double = self.double;
        let mut shared = double.lock();
        let Shared {
            plan,
            dice,
            told,
            old,
            ..
        } = &mut *shared;
        let Ok(page) = Page::read(bytes) else {
            told.wrong
                .push(format!("{} bytes that are no page arrived", bytes.len()));
            return Vec::new();
        };
        let seal = page.seal().seal();
        let mut words = Vec::new();
        let receipt = Receipt {
            gateway: seal.gateway.clone(),
            ledger: seal.ledger.clone(),
            epoch: seal.epoch,
            page: seal.page,
            seal: page.seal().hash(),
            stored: Stamp(1_800_000_000_000),
        };
        let mut throw = |share: u64, told: &mut Told, word| {
            let falls = dice.falls(share, 1000);
            if falls {
                told.note(word);
            }
            falls
        };
        let place = (seal.epoch, seal.page);
        let refuse =
            told.refused.contains_key(&place) || seal.page > 3 && throw(plan.refuse, told, "page refused");
        if refuse {
            told.refused.insert(place, page.leaves().len() as u64);
            let refusal = Refusal {
                page: receipt,
                because: "the batch is not known here".into(),
            };
            let word = refusal.write(&*double.key).unwrap_or_default();
            return vec![(receipts, word)];
        }
        if throw(plan.receipt_forged, told, "receipt forged") {
            // The page is not kept: who believes one of these words has lost it.
            let stranger = receipt.write(&*double.other).unwrap_or_default();
            let mut changed = receipt.write(&*double.key).unwrap_or_default();
            let middle = changed.len() / 2;
            if let Some(byte) = changed.get_mut(middle) {
                *byte = if *byte == b'A' { b'B' } else { b'A' };
            }
            let another = Receipt {
                seal: Hash::of(b"another page"),
                ledger: "another".into(),
                ..receipt
            };
            let another = another.write(&*double.key).unwrap_or_default();
            words.extend([stranger, changed, another].map(|word| (receipts.clone(), word)));
            return words;
        }
        let key = (seal.ledger.clone(), seal.epoch, seal.page);
        let kept_not =
            !told.pages.contains_key(&key) && throw(plan.store_lies, told, "receipted and not kept");
        match told.pages.get(&key) {
            Some(held) if held == bytes => told.again += 1,
            Some(_) => {
                // As the record store does it: both are known, this one is never receipted.
                *told.forks.entry(place).or_default() += 1;
                let refusal = Refusal {
                    page: receipt,
                    because: format!("page {place:?} is held here with another seal"),
                };
                return vec![(receipts, refusal.write(&*double.key).unwrap_or_default())];
            }
            None if kept_not => {}
            None => {
                told.pages.insert(key, bytes.to_vec());
            }
        }
        let word = receipt.write(&*double.key).unwrap_or_default();
        if throw(plan.receipt_replayed, told, "receipt replayed") {
            words.extend(old.iter().map(|word| (receipts.clone(), word.clone())));
        }
        if throw(plan.poison_context, told, "context poisoned") {
            for poison in [&b"\xff\xfe{"[..], b"{}", b"[1,2", &[b'['; 4000]] {
                words.push((format!("{gateway}/context/MX-1"), poison.to_vec()));
            }
        }
        if throw(plan.receipt_lost, told, "receipt lost") {
            return words;
        }
        if throw(plan.receipt_late, told, "receipt late") {
            let (out, five) = (self.out.clone(), self.five);
            let late = later(&receipts, &word, five);
            let _ = out.send((Duration::from_secs(4), late));
            return words;
        }
        old.push(word.clone());
        if old.len() > 8 {
            old.remove(0);
        }
        words.push((receipts, word));
        words
    }
}

/// A message at most once, for a time when nobody counts packets any more.
fn later(topic: &str, payload: &[u8], five: bool) -> Vec<u8> {
    let mut body = (topic.len() as u16).to_be_bytes().to_vec();
    body.extend(topic.as_bytes());
    if five {
        body.push(0);
    }
    body.extend(payload);
    packet(0x30, &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_written_as_the_standard_has_it() {
        for (length, bytes) in [
            (0, vec![0]),
            (127, vec![127]),
            (128, vec![128, 1]),
            (16_384, vec![128, 128, 1]),
        ] {
            assert_eq!(varint(length), bytes);
            assert_eq!(read_varint(&bytes, 0), Some((length, bytes.len())));
        }
    }
}
