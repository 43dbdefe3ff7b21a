//! The sealer's thread: one writer of one ledger. While one page is being made durable, the next collects.
//!
//! Nothing is captured before its page is written and synced. When a write or sync fails, the thread ends and
//! says so; nothing is tried again on the same descriptor.

use crate::flow::{
    enter::Numbered,
    high_water::HighWater,
    ledger::{Place, Writer},
    needs::Clock,
    seal::PageMaker,
};
use record::{Signer, Trouble};
use std::{
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, TryRecvError},
    },
    thread,
    time::Duration,
};
use tokio::sync::mpsc::UnboundedSender;

/// To the sealer.
pub enum ToSealer {
    /// The next line.
    Line(Numbered),
    /// The key that takes over after the old key's last page.
    HandOver(Arc<dyn Signer>),
    /// Seal what waits, and end.
    Stop,
}

/// From the sealer.
#[derive(Debug)]
pub enum FromSealer {
    /// A page is durable: everything on it is captured.
    Captured(Place, Vec<Numbered>),
    /// It ended in order.
    Ended,
    /// It cannot go on. The process must end and start again.
    Failed(Trouble),
}

/// What the sealer works with.
pub struct Sealer {
    pub maker: PageMaker,
    pub writer: Writer,
    pub high_water: HighWater,
    pub clock: Arc<dyn Clock>,
    pub input: Receiver<ToSealer>,
    /// Without bound, because whoever listens must never make the sealer wait; it is drained at every turn.
    pub output: UnboundedSender<FromSealer>,
}

/// How often the high-water mark is written.
const MARK_EVERY: Duration = Duration::from_secs(1);

impl Sealer {
    /// Starts the thread.
    pub fn start(self) -> std::io::Result<thread::JoinHandle<()>> {
        thread::Builder::new()
            .name("sealer".into())
            .spawn(move || self.run())
    }

    fn run(mut self) {
        let word = match self.work() {
            Ok(()) => FromSealer::Ended,
            Err(trouble) => FromSealer::Failed(trouble),
        };
        // holds because when nobody listens any more there is nobody to tell
        let _ = self.output.send(word);
    }

    fn work(&mut self) -> Result<(), Trouble> {
        let mut marked = self.clock.elapsed();
        self.writer.make_ahead()?;
        loop {
            let now = self.clock.elapsed();
            let wait = self.maker.due_in(now).unwrap_or(MARK_EVERY);
            let stop = !wait.is_zero() && self.receive(wait)? || self.collect()?;
            let now = self.clock.elapsed();
            while stop && self.maker.waiting() > 0
                || self.maker.due_in(now).is_some_and(|wait| wait.is_zero())
            {
                self.seal()?;
                if self.collect()? {
                    return self.end();
                }
            }
            if stop {
                return self.end();
            }
            if now.saturating_sub(marked) >= MARK_EVERY {
                self.mark()?;
                self.writer.make_ahead()?;
                marked = now;
            }
        }
    }

    fn end(&mut self) -> Result<(), Trouble> {
        while self.maker.waiting() > 0 {
            self.seal()?;
        }
        self.mark()
    }

    fn seal(&mut self) -> Result<(), Trouble> {
        let (sync, error) = self.clock.sync();
        let made = self
            .maker
            .make(self.clock.now(), (sync.word(), error), self.clock.elapsed())?;
        let Some(page) = made else { return Ok(()) };
        if page.lines.first().is_some_and(|line| line.kind == "epoch") {
            self.writer.begin_segment();
        }
        let place = self.writer.append(&page)?;
        // holds because when nobody listens any more the page is on disk all the same
        let _ = self.output.send(FromSealer::Captured(place, page.lines));
        Ok(())
    }

    fn mark(&mut self) -> Result<(), Trouble> {
        let head = self.maker.head();
        self.high_water.mark(&head).map_err(|error| {
            Trouble::new(
                "disk-write-failed",
                format!("the high-water mark could not be made durable: {error}"),
            )
            .means("what was captured before is untouched")
            .so("look at the disk; the gateway ends, starts again and reads back what is there")
        })
    }

    /// Waits for a line; says whether to stop.
    fn receive(&mut self, wait: Duration) -> Result<bool, Trouble> {
        match self.input.recv_timeout(wait) {
            Ok(word) => self.take(word),
            Err(RecvTimeoutError::Timeout) => Ok(false),
            Err(RecvTimeoutError::Disconnected) => Ok(true),
        }
    }

    /// Takes what waits in the channel, up to a full page; says whether to stop.
    fn collect(&mut self) -> Result<bool, Trouble> {
        while !self.maker.is_full() {
            match self.input.try_recv() {
                Ok(word) => {
                    if self.take(word)? {
                        return Ok(true);
                    }
                }
                Err(TryRecvError::Empty) => return Ok(false),
                Err(TryRecvError::Disconnected) => return Ok(true),
            }
        }
        Ok(false)
    }

    fn take(&mut self, word: ToSealer) -> Result<bool, Trouble> {
        match word {
            ToSealer::Line(line) => self.maker.add(line, self.clock.elapsed()).map(|()| false),
            ToSealer::HandOver(signer) => {
                self.maker.hand_over_to(signer);
                Ok(false)
            }
            ToSealer::Stop => Ok(true),
        }
    }
}
