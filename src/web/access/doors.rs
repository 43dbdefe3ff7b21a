//! What the guard needs: people and panels as the core tells them, sessions, and how often somebody may try.

use super::{
    cookie::{PANEL, SESSION, taken},
    session::Session,
};
use crate::{
    daemon::acts::{self, Asked, Control, sign_out::SignOut},
    flow::{
        access::{self, Access},
        needs::{Clock, Random},
        people::Panel,
        sessions::{Held, Lasting, Sessions, Standing},
        tries::Tries,
    },
};
use axum::http::HeaderMap;
use record::{Trouble, b64};
use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::mpsc;

/// What connects the screens with the gateway, and how they are guarded.
pub struct Gate {
    pub core: mpsc::Sender<Control>,
    pub access: access::Watch,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub lasting: Lasting,
    /// Whether screens show without signing in.
    pub open: bool,
    /// What a person compares at the first visit; none without TLS.
    pub fingerprint: Option<String>,
}

/// Everything the guard keeps in mind.
pub(crate) struct Doors {
    pub(crate) core: mpsc::Sender<Control>,
    access: access::Watch,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    pub(crate) open: bool,
    pub(crate) fingerprint: Option<String>,
    sessions: Mutex<Sessions>,
    signing_in: Mutex<Tries<IpAddr>>,
    asking: Mutex<Tries<String>>,
    refusing: Mutex<Tries<String>>,
}

/// Whoever asks: which browser, which person.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    pub(crate) from: IpAddr,
    pub(crate) panel: Option<Panel>,
    pub(crate) session: Option<Session>,
    /// Who has to prove again, because the screen is locked.
    pub(crate) locked: Option<String>,
}

const A_MINUTE: Duration = Duration::from_mins(1);
const SIGN_INS: usize = 5;
const ASKED_A_SECOND: usize = 50;

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Doors {
    pub(crate) fn new(gate: Gate) -> Self {
        Self {
            core: gate.core,
            access: gate.access,
            clock: gate.clock,
            random: gate.random,
            open: gate.open,
            fingerprint: gate.fingerprint,
            sessions: Mutex::new(Sessions::new(gate.lasting)),
            signing_in: Mutex::new(Tries::new(SIGN_INS, A_MINUTE)),
            asking: Mutex::new(Tries::new(ASKED_A_SECOND, Duration::from_secs(1))),
            refusing: Mutex::new(Tries::new(1, A_MINUTE)),
        }
    }

    /// People and panels as they are now.
    pub(crate) fn access(&self) -> Arc<Access> {
        self.access.borrow().clone()
    }

    pub(crate) fn now(&self) -> record::Stamp {
        self.clock.now()
    }

    pub(crate) fn lasting(&self) -> Lasting {
        locked(&self.sessions).lasting()
    }

    /// A secret nobody can guess: 256 random bits.
    pub(crate) fn secret(&self) -> Result<String, Trouble> {
        let mut bytes = [0; 32];
        self.random.fill(&mut bytes)?;
        Ok(b64::encode(&bytes))
    }

    /// Sixteen random bytes for a hash.
    pub(crate) fn salt(&self) -> Result<String, Trouble> {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes)?;
        Ok(b64::encode(&bytes))
    }

    /// Who asks. A session whose person or panel is no more is no session.
    pub(crate) async fn visitor(&self, headers: &HeaderMap, from: IpAddr, used: bool) -> Visitor {
        let access = self.access();
        let panel = taken(headers, PANEL).and_then(|token| access.panels.of_token(&token).cloned());
        let mut visitor = Visitor {
            from,
            panel,
            session: None,
            locked: None,
        };
        let Some(cookie) = taken(headers, SESSION) else {
            return visitor;
        };
        let standing = locked(&self.sessions).look(&cookie, used, self.clock.elapsed());
        let (held, open) = match standing {
            Standing::None => return visitor,
            Standing::Over(held) => {
                self.over(&held, from).await;
                return visitor;
            }
            Standing::Locked(held) => (held, false),
            Standing::Open(held) => (held, true),
        };
        let same_panel = held.panel.as_deref() == visitor.panel.as_ref().map(|panel| panel.name.as_str());
        let person = access.people.find(&held.person).cloned();
        match person.filter(|_| same_panel) {
            None => drop(locked(&self.sessions).end(&cookie)),
            Some(person) if open => {
                visitor.session = Some(Session::of(person, &held, &visitor, &access));
            }
            Some(_) => visitor.locked = Some(held.person),
        }
        visitor
    }

    /// Begins a session; the cookie for it.
    pub(crate) fn begin(
        &self,
        person: &str,
        method: crate::flow::people::Method,
        panel: Option<&str>,
    ) -> Result<String, Trouble> {
        let (cookie, form) = (self.secret()?, self.secret()?);
        locked(&self.sessions).begin(&cookie, form, (person, method), panel, self.clock.elapsed());
        Ok(cookie)
    }

    /// Ends the session of this browser.
    pub(crate) fn end(&self, headers: &HeaderMap) -> Option<Held> {
        taken(headers, SESSION).and_then(|cookie| locked(&self.sessions).end(&cookie))
    }

    /// Ends every session of a person.
    pub(crate) fn end_all_of(&self, person: &str) {
        locked(&self.sessions).end_all_of(person);
    }

    /// Locks the screen of this browser.
    pub(crate) fn lock(&self, headers: &HeaderMap) {
        if let Some(cookie) = taken(headers, SESSION) {
            locked(&self.sessions).lock(&cookie);
        }
    }

    /// Whether somebody may try to sign in now: five times a minute from one address.
    pub(crate) fn may_sign_in(&self, from: IpAddr) -> bool {
        locked(&self.signing_in).allow(&from, self.clock.elapsed())
    }

    /// Whether one more request is answered: fifty a second for a session, or for an address without one.
    pub(crate) fn may_ask(&self, visitor: &Visitor) -> bool {
        let key = match &visitor.session {
            Some(session) => session.form().to_owned(),
            None => visitor.from.to_string(),
        };
        locked(&self.asking).allow(&key, self.clock.elapsed())
    }

    /// Enters that somebody was refused; the same refusal once a minute.
    pub(crate) async fn refused(&self, visitor: &Visitor, because: &str, what: &str) {
        let person = visitor.session.as_ref().map_or("", |session| &session.person.id);
        let key = format!("{person} {} {because} {what}", visitor.from);
        if !locked(&self.refusing).allow(&key, self.clock.elapsed()) {
            return;
        }
        let refuse = acts::refuse::Refuse {
            person: person.to_owned(),
            because: because.to_owned(),
            what: what.to_owned(),
        };
        let asked = Asked::to(acts::refuse::ACT.name, &refuse).from(visitor.from.to_string(), None);
        if let Err(trouble) = acts::act(asked, &self.core).await {
            tracing::warn!(name = trouble.name, "{trouble}");
        }
    }

    async fn over(&self, held: &Held, from: IpAddr) {
        let what = SignOut {
            person: held.person.clone(),
            over: true,
        };
        let asked = Asked::to(acts::sign_out::ACT.name, &what).from(from.to_string(), held.panel.clone());
        if let Err(trouble) = acts::act(asked, &self.core).await {
            tracing::warn!(name = trouble.name, "{trouble}");
        }
    }
}
