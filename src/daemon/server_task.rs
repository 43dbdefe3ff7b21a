//! Carries out what the state machine of one OPC UA server asks for: calls, hands on, waits, closes.
//!
//! One task owns one server and its one session from start to end; whichever way it ends, the session is closed.
//! It decides nothing; `flow::link::server` does.

use crate::flow::{
    link::{
        LinkOutput, Moment, Order,
        server::{self, Action, Event, ServerLink},
    },
    needs::{
        Clock,
        server::{Server, ServerAddress, Servers},
    },
};
use std::{sync::Arc, time::Duration};
use tokio::sync::{mpsc, watch};

/// What a server's task runs on.
pub struct ServerTask {
    pub clock: Arc<dyn Clock>,
    pub servers: Arc<dyn Servers>,
    pub address: ServerAddress,
    pub link: ServerLink,
    /// To those behind.
    pub output: mpsc::Sender<LinkOutput>,
    /// What people say while it works.
    pub orders: mpsc::UnboundedReceiver<Order>,
    /// Ends the task when it turns true or its sender is gone.
    pub stop: watch::Receiver<bool>,
}

impl ServerTask {
    /// Runs until told to stop, or until nobody takes the readings any more.
    pub async fn run(mut self) {
        let mut server = self.servers.server(&self.address);
        let mut event = Event::Tick;
        loop {
            let at = self.moment();
            let (link, actions) = server::next(self.link, at, event);
            self.link = link;
            let mut stop = self.stop.clone();
            let going_on = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => false,
                going_on = carry_out(&*self.servers, &self.address, &self.output, &mut server, actions) => going_on,
            };
            if !going_on {
                break;
            }
            let wait = self.link.wake().map(|at| at.saturating_sub(self.clock.elapsed()));
            event = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                Some(order) = self.orders.recv() => Event::Told(order),
                (number, answer) = server.next() => Event::Answered(number, answer),
                () = sleep(&*self.clock, wait) => Event::Tick,
            };
        }
        server.close().await;
    }

    fn moment(&self) -> Moment {
        Moment {
            elapsed: self.clock.elapsed(),
            now: self.clock.now(),
        }
    }
}

/// Whether somebody still listens.
async fn carry_out(
    servers: &dyn Servers,
    address: &ServerAddress,
    output: &mpsc::Sender<LinkOutput>,
    server: &mut Box<dyn Server>,
    actions: Vec<Action>,
) -> bool {
    for action in actions {
        match action {
            Action::Give(given) => {
                if output.send(given).await.is_err() {
                    return false;
                }
            }
            Action::Call(number, call) => server.call(number, call),
            Action::DropConnection => server.drop_connection(),
            Action::Renew => {
                let old = std::mem::replace(server, servers.server(address));
                old.close().await;
            }
        }
    }
    true
}

async fn sleep(clock: &dyn Clock, wait: Option<Duration>) {
    match wait {
        Some(wait) => clock.sleep(wait).await,
        None => std::future::pending().await,
    }
}
