//! One server: its channel, its one session, and the calls under way. Each call is a task of its own that runs to
//! its end; dropping one in the middle would put the library's numbering out of step.

use super::{
    calls::Asker,
    identity::{self, Session},
    open::{self, Loop},
    pki::Pki,
    problem,
};
use crate::flow::needs::{
    Clock, Waiting,
    server::{Call, Policy, Problem, ProblemKind, Reply, Server, ServerAddress, Servers},
};
use opcua::{
    client::{AsyncSecureChannel, transport::TransportPollResult},
    crypto::{PrivateKey, X509},
    types::EndpointDescription,
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::AbortHandle,
    time::timeout,
};

/// The real servers of the plant.
#[derive(Clone)]
pub struct SystemServers {
    pub clock: Arc<dyn Clock>,
}

impl Servers for SystemServers {
    fn server(&self, address: &ServerAddress) -> Box<dyn Server> {
        let (answers, next) = unbounded_channel();
        Box::new(One {
            shared: Arc::new(Shared {
                address: address.clone(),
                clock: self.clock.clone(),
                now: Mutex::default(),
            }),
            answers,
            next,
        })
    }
}

type Answer = (u64, Result<Reply, Problem>);

struct One {
    shared: Arc<Shared>,
    /// As many as calls are under way: `flow` keeps that small.
    answers: UnboundedSender<Answer>,
    next: UnboundedReceiver<Answer>,
}

struct Shared {
    address: ServerAddress,
    clock: Arc<dyn Clock>,
    now: Mutex<Now>,
}

/// What is open now. Written by the calls that open and close, read by the others.
#[derive(Default)]
struct Now {
    channel: Option<Arc<AsyncSecureChannel>>,
    endpoint: Option<EndpointDescription>,
    session: Option<Session>,
    uris: Arc<[String]>,
    polling: Option<AbortHandle>,
}

impl Server for One {
    fn call(&mut self, number: u64, call: Call) {
        let (shared, answers) = (self.shared.clone(), self.answers.clone());
        tokio::spawn(async move {
            let answer: Result<Reply, Problem> = shared.call(call, &answers).await;
            // holds because nobody waits for the answers of a link that ended
            let _ = answers.send((number, answer));
        });
    }

    fn next(&mut self) -> Waiting<'_, Answer> {
        Box::pin(async {
            match self.next.recv().await {
                Some(answer) => answer,
                // holds because this side keeps a sender of its own
                None => std::future::pending().await,
            }
        })
    }

    fn drop_connection(&mut self) {
        self.shared.drop_connection();
    }

    fn close(self: Box<Self>) -> Waiting<'static, ()> {
        let shared = self.shared.clone();
        Box::pin(async move {
            let (channel, session) = {
                let mut now = shared.now();
                (now.channel.clone(), now.session.take())
            };
            if let Some(channel) = channel {
                let goodbye = async {
                    if let Some(session) = session {
                        identity::close(&channel, &session).await;
                    }
                    channel.close_channel().await;
                    // the last bytes leave while the loop still turns
                    tokio::time::sleep(Duration::from_millis(50)).await;
                };
                let _ = timeout(Duration::from_secs(2), goodbye).await;
            }
            shared.drop_connection();
        })
    }
}

/// The number of an answer to nothing: the connection itself.
pub(super) const CONNECTION: u64 = 0;

impl Shared {
    fn now(&self) -> std::sync::MutexGuard<'_, Now> {
        // a call that panicked leaves nothing half written: each field is replaced whole
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drop_connection(&self) {
        let mut now = self.now();
        now.channel = None;
        if let Some(polling) = now.polling.take() {
            polling.abort();
        }
    }

    async fn call(&self, call: Call, answers: &UnboundedSender<Answer>) -> Result<Reply, Problem> {
        match call {
            Call::Open => self.open(answers.clone()).await,
            Call::TakeUp => self.take_up().await,
            Call::Begin { timeout_ms } => self.begin(timeout_ms).await,
            other => {
                let (channel, session, uris) = {
                    let now = self.now();
                    (now.channel.clone(), now.session.clone(), now.uris.clone())
                };
                let (Some(channel), Some(session)) = (channel, session) else {
                    return Err(Problem::new(ProblemKind::Lost, "there is no session"));
                };
                let asker = Asker {
                    channel: &channel,
                    token: session.token,
                    uris: &uris,
                };
                let reply = asker.ask(other).await?;
                if let Reply::Namespaces(uris) = &reply {
                    self.now().uris = uris.clone().into();
                }
                Ok(reply)
            }
        }
    }

    async fn open(&self, answers: UnboundedSender<Answer>) -> Result<Reply, Problem> {
        self.drop_connection();
        let opened = open::open(&self.address, &*self.clock).await?;
        let polling = tokio::spawn(poll(opened.poll, answers)).abort_handle();
        let mut now = self.now();
        now.channel = Some(opened.channel);
        now.endpoint = Some(opened.endpoint);
        now.polling = Some(polling);
        Ok(Reply::Opened(opened.greeting))
    }

    async fn take_up(&self) -> Result<Reply, Problem> {
        let session = self.now().session.clone();
        let Some(mut session) = session else {
            return Err(Problem::new(ProblemKind::Refused, "there was no session before"));
        };
        let (channel, endpoint, own) = self.opened()?;
        identity::activate(&channel, &endpoint, &self.address, own.as_ref(), &mut session).await?;
        self.now().session = Some(session);
        Ok(Reply::TakenUp)
    }

    async fn begin(&self, timeout_ms: u32) -> Result<Reply, Problem> {
        let (channel, endpoint, own) = self.opened()?;
        self.now().session = None;
        let (mut session, timeout_ms) =
            identity::create(&channel, &endpoint, &self.address, own.as_ref(), timeout_ms).await?;
        let activated =
            identity::activate(&channel, &endpoint, &self.address, own.as_ref(), &mut session).await;
        if let Err(problem) = activated {
            // a session that nobody uses would take another gateway's place until it times out
            identity::close(&channel, &session).await;
            return Err(problem);
        }
        self.now().session = Some(session);
        Ok(Reply::Begun { timeout_ms })
    }

    #[allow(clippy::type_complexity)]
    fn opened(
        &self,
    ) -> Result<
        (
            Arc<AsyncSecureChannel>,
            EndpointDescription,
            Option<(X509, PrivateKey)>,
        ),
        Problem,
    > {
        let (channel, endpoint) = {
            let now = self.now();
            (now.channel.clone(), now.endpoint.clone())
        };
        let (Some(channel), Some(endpoint)) = (channel, endpoint) else {
            return Err(Problem::new(ProblemKind::Lost, "there is no channel"));
        };
        let own = match self.address.security.policy {
            Policy::None => None,
            _ => Some(Pki::at(&self.address.pki).own(&self.address.application)?),
        };
        Ok((channel, endpoint, own))
    }
}

/// Turns the connection's loop until it ends, and says so.
async fn poll(mut turning: Loop, answers: UnboundedSender<Answer>) {
    loop {
        if let TransportPollResult::Closed(status) = turning.poll().await {
            let problem = Problem {
                kind: ProblemKind::Lost,
                ..problem::refused(status)
            };
            // holds because nobody waits for the news of a link that ended
            let _ = answers.send((CONNECTION, Err(problem)));
            return;
        }
    }
}
