//! A wire between two programs that can be bent: it delays, trickles, cuts in the middle of a packet, and stays open
//! with nobody at its end.

use crate::{outcome::Done, seed::Dice};
use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// How the wire is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bend {
    Straight,
    /// Every piece arrives so much later.
    Slow(Duration),
    /// One byte a second.
    Trickle,
    /// Open, and nothing goes through: neither side hears of it.
    HalfOpen,
    /// Nobody answers a new connection; it is taken and closed.
    Away,
}

struct Shared {
    bend: Bend,
    open: Vec<TcpStream>,
    /// After so many bytes more, in either direction, the connection is cut.
    cut_after: Option<u64>,
}

/// The wire; it ends with the process.
#[derive(Clone)]
pub struct Wire {
    pub port: u16,
    shared: Arc<Mutex<Shared>>,
    pub carried: Arc<AtomicU64>,
    to: u16,
}

impl Wire {
    /// From a port of its own to this one.
    pub fn to(port: u16) -> Done<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let wire = Self {
            port: listener.local_addr()?.port(),
            shared: Arc::new(Mutex::new(Shared {
                bend: Bend::Straight,
                open: Vec::new(),
                cut_after: None,
            })),
            carried: Arc::default(),
            to: port,
        };
        let own = wire.clone();
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                if own.lock().bend == Bend::Away {
                    continue;
                }
                let Ok(far) = TcpStream::connect(("127.0.0.1", own.to)) else {
                    continue;
                };
                for stream in [&near, &far] {
                    let _ = stream.set_nodelay(true);
                    own.lock().open.extend(stream.try_clone());
                }
                if let (Ok(a), Ok(b)) = (near.try_clone(), far.try_clone()) {
                    let (one, two) = (own.clone(), own.clone());
                    thread::spawn(move || one.carry(near, far));
                    thread::spawn(move || two.carry(b, a));
                }
            }
        });
        Ok(wire)
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The wire is like this from now on.
    pub fn bend(&self, bend: Bend) {
        self.lock().bend = bend;
    }

    /// Cuts every connection.
    pub fn cut(&self) {
        for stream in self.lock().open.drain(..) {
            // holds because what is closed already needs no cut
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Cuts every connection after so many bytes more: in the middle of whatever is under way.
    pub fn cut_after(&self, dice: &mut Dice) {
        self.lock().cut_after = Some(dice.from_to(1, 3000));
    }

    fn carry(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut bytes = [0; 16 * 1024];
        while let Ok(length) = from.read(&mut bytes) {
            if length == 0 {
                break;
            }
            if !self.pass(&bytes[..length], &mut to) {
                break;
            }
            self.carried.fetch_add(length as u64, Ordering::Relaxed);
        }
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    }

    /// Hands on a piece, as the wire is; `false` when the connection is cut here.
    fn pass(&self, mut bytes: &[u8], to: &mut TcpStream) -> bool {
        let cut = {
            let mut shared = self.lock();
            match shared.cut_after {
                Some(left) if left <= bytes.len() as u64 => {
                    shared.cut_after = None;
                    Some(left as usize)
                }
                Some(left) => {
                    shared.cut_after = Some(left - bytes.len() as u64);
                    None
                }
                None => None,
            }
        };
        if let Some(upto) = cut {
            let _ = to.write_all(&bytes[..upto]);
            self.cut();
            return false;
        }
        while !bytes.is_empty() {
            let bend = self.lock().bend;
            let sent = match bend {
                Bend::Straight => to.write_all(bytes).map(|()| bytes.len()),
                Bend::Slow(late) => {
                    thread::sleep(late);
                    to.write_all(bytes).map(|()| bytes.len())
                }
                Bend::Trickle => {
                    thread::sleep(Duration::from_secs(1));
                    to.write_all(&bytes[..1]).map(|()| 1)
                }
                // What was swallowed never arrives; the connection stays.
                Bend::HalfOpen | Bend::Away => Ok(bytes.len()),
            };
            match sent {
                Ok(count) => bytes = &bytes[count..],
                Err(_) => return false,
            }
        }
        true
    }
}
