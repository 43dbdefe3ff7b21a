//! Carries out what one line's state machine asks for: opens, sends, listens, waits, hands on.
//!
//! One task owns one physical line from start to end. It decides nothing; `flow::link` does. What it
//! hands on goes through a channel with a length: if those behind it are slow, the line waits, and the
//! slots it misses meanwhile are counted.

use crate::flow::{
    link::{self, Action, Event, Link, LinkOutput, Moment, Order},
    needs::{self, Address, Clock, Links},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::{mpsc, watch};

/// What a line runs on.
pub struct LinkTask {
    pub clock: Arc<dyn Clock>,
    pub links: Arc<dyn Links>,
    pub address: Address,
    pub link: Link,
    /// To those behind: a few seconds of a busy line.
    pub output: mpsc::Sender<LinkOutput>,
    /// What people say while the line works.
    pub orders: mpsc::UnboundedReceiver<Order>,
    /// Ends the task when it turns true or its sender is gone.
    pub stop: watch::Receiver<bool>,
}

impl LinkTask {
    /// Runs until told to stop, or until nobody takes the readings any more.
    pub async fn run(self) {
        let mut stop = self.stop.clone();
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => {}
            () = self.work() => {}
        }
    }

    async fn work(mut self) {
        let mut open: Option<Box<dyn needs::Link>> = None;
        let mut event = Event::Tick;
        loop {
            let at = self.moment();
            let (link, actions) = link::next(self.link, at, event);
            self.link = link;
            event = match carry_out(
                &*self.links,
                &*self.clock,
                &self.address,
                &self.output,
                &mut open,
                actions,
            )
            .await
            {
                Done::Event(event) => event,
                Done::NobodyListens => return,
                Done::Nothing => {
                    let wake = self.link.wake();
                    let wait = wake.map(|at| at.saturating_sub(self.clock.elapsed()));
                    tokio::select! {
                        biased;
                        Some(order) = self.orders.recv() => Event::Told(order),
                        event = listen(&mut open) => event,
                        () = sleep(&*self.clock, wait) => Event::Tick,
                    }
                }
            };
        }
    }

    fn moment(&self) -> Moment {
        Moment {
            elapsed: self.clock.elapsed(),
            now: self.clock.now(),
        }
    }
}

enum Done {
    /// Something followed at once.
    Event(Event),
    Nothing,
    NobodyListens,
}

async fn carry_out(
    links: &dyn Links,
    clock: &dyn Clock,
    address: &Address,
    output: &mpsc::Sender<LinkOutput>,
    open: &mut Option<Box<dyn needs::Link>>,
    actions: Vec<Action>,
) -> Done {
    let mut done = Done::Nothing;
    for action in actions {
        match action {
            Action::Give(given) => {
                if output.send(given).await.is_err() {
                    return Done::NobodyListens;
                }
            }
            Action::Close => *open = None,
            Action::Open => {
                done = Done::Event(match links.open(address).await {
                    Ok(line) => {
                        *open = Some(line);
                        Event::Opened
                    }
                    Err(problem) => Event::OpenFailed(problem.to_string()),
                });
            }
            Action::Send { bytes, drain } => done = Done::Event(send(clock, open, &bytes, drain).await),
        }
    }
    done
}

async fn send(
    clock: &dyn Clock,
    open: &mut Option<Box<dyn needs::Link>>,
    bytes: &[u8],
    drain: bool,
) -> Event {
    let Some(line) = open else {
        return Event::Unplugged("the line was closed".into());
    };
    if drain {
        match line.discard() {
            Ok(0) => {}
            // What it was, nobody needs to know: it was not asked for, and it is gone.
            Ok(count) => return Event::NotQuiet(vec![0; count]),
            Err(problem) => return Event::Unplugged(problem.to_string()),
        }
    }
    tokio::select! {
        sent = line.send(bytes) => match sent {
            Ok(()) => Event::Sent,
            Err(problem) => Event::Unplugged(problem.to_string()),
        },
        () = clock.sleep(SEND_WITHIN) => Event::Unplugged(format!("nothing can be sent since {} s", SEND_WITHIN.as_secs())),
    }
}

async fn listen(open: &mut Option<Box<dyn needs::Link>>) -> Event {
    let Some(line) = open else {
        return std::future::pending().await;
    };
    let mut bytes = Vec::new();
    match line.receive(&mut bytes).await {
        Ok(0) => Event::Unplugged("the far end is gone".into()),
        Ok(_) => Event::Heard(bytes),
        Err(problem) => Event::Unplugged(problem.to_string()),
    }
}

async fn sleep(clock: &dyn Clock, wait: Option<Duration>) {
    match wait {
        Some(wait) => clock.sleep(wait).await,
        None => std::future::pending().await,
    }
}

/// A wire that takes nothing for this long (flow control, a full window) is no wire.
const SEND_WITHIN: Duration = Duration::from_secs(2);
