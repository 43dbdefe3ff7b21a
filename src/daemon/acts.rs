//! Acts: what a person does on a running gateway. One file each in `acts/`, found by listing.
//!
//! An act comes through the control socket, which only the gateway's user may open, or from a screen whose session
//! has proved a person. It is an entry with who and why before it has effect, and its answer is given once its
//! last entry is captured: nobody is told that something was done which a power cut could still take back.

use super::gateway::{Core, Ears, Waiter};
use crate::flow::{needs::Waiting, people::Person};
use record::{Draft, Trouble};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

include!(concat!(env!("OUT_DIR"), "/acts.rs"));

/// One act.
pub(crate) struct Act {
    /// Its word in the member `do` of a request.
    pub(crate) name: &'static str,
    pub(crate) carry: Carry,
}

/// How an act is carried out. What it gives back is told to whoever asked; a trouble means that nothing was done.
pub(crate) enum Carry {
    /// Only looks, and is answered at once.
    Look(fn(&Core, &Asked) -> Result<String, Trouble>),
    /// Enters what is to be entered; answered when that is captured.
    Now(fn(&mut Core, &Asked) -> Result<String, Trouble>),
    /// Has equipment do something, and says by which number that is known; answered when its outcome is captured.
    Ordered(fn(&mut Core, &Asked) -> Result<u64, Trouble>),
    /// The same for what must wait in between.
    Longer(for<'a> fn(&'a mut Core, &'a mut Ears, Asked) -> Waiting<'a, Result<String, Trouble>>),
}

/// A request as the core hears it, and where its answer goes.
pub struct Control {
    pub asked: Asked,
    pub answer: oneshot::Sender<Result<String, Trouble>>,
}

/// What is asked, and in whose name where the caller has proved that already.
#[derive(Debug, Clone)]
pub struct Asked {
    request: Value,
    /// A person whom a screen's session has proved. Never taken from the request itself.
    pub person: Option<Person>,
}

/// Who acts, as every request says it that is not from a screen.
#[derive(Deserialize)]
struct Who {
    by: String,
    secret: String,
}

/// One answer through the control socket.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Reply {
    pub done: bool,
    /// What was done, or the trouble in four parts.
    pub text: String,
}

impl Asked {
    /// A request for the act `name` with what that act's file says it needs.
    pub fn to(name: &str, what: &impl Serialize) -> Self {
        let mut request = match serde_json::to_value(what) {
            Ok(Value::Object(members)) => members,
            _ => serde_json::Map::new(),
        };
        request.insert("do".into(), name.into());
        Self {
            request: request.into(),
            person: None,
        }
    }

    /// From one line of the control socket.
    fn parse(line: &str) -> Result<Self, Trouble> {
        let request = serde_json::from_str::<Value>(line).map_err(|error| not_understood(&error))?;
        Ok(Self {
            request,
            person: None,
        })
    }

    /// The line for the control socket.
    pub fn line(&self) -> String {
        self.request.to_string()
    }

    fn name(&self) -> &str {
        self.request.get("do").and_then(Value::as_str).unwrap_or_default()
    }

    /// The members, as the act reads them. `do` and who acts need not be among them.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Trouble> {
        serde_json::from_value(self.request.clone()).map_err(|error| not_understood(&error))
    }
}

fn not_understood(error: &dyn std::fmt::Display) -> Trouble {
    Trouble::new(
        "request-not-understood",
        format!("this is no request the gateway knows: {error}"),
    )
    .means("nothing was done and nothing was changed")
    .so("use the steelyard command of the same version as the gateway that runs")
}

/// Answers one line of the control socket.
pub async fn answer(line: String, core: &mpsc::Sender<Control>) -> String {
    let done = match Asked::parse(&line) {
        Ok(asked) => act(asked, core).await,
        Err(trouble) => Err(trouble),
    };
    let reply = match done {
        Ok(text) => Reply { done: true, text },
        Err(trouble) => Reply {
            done: false,
            text: trouble.to_string(),
        },
    };
    serde_json::to_string(&reply).unwrap_or_default()
}

/// Has one act done by the core that runs.
pub async fn act(asked: Asked, core: &mpsc::Sender<Control>) -> Result<String, Trouble> {
    let gone = || {
        Trouble::new("ended", "the gateway is ending")
            .means("nothing was changed")
            .so("try again when it runs")
    };
    let (answer, wait) = oneshot::channel();
    core.send(Control { asked, answer }).await.map_err(|_| gone())?;
    wait.await.map_err(|_| gone())?
}

impl Core {
    /// Has an act done that somebody asked for. What is wrong with a request never ends the gateway.
    pub(super) async fn control(&mut self, control: Control, ears: &mut Ears) -> Result<(), Trouble> {
        let Control { asked, answer } = control;
        let Some(act) = ALL.iter().find(|act| act.name == asked.name()) else {
            let trouble = not_understood(&format_args!("nothing is called \"{}\"", asked.name()));
            // holds because who asked may have gone
            let _ = answer.send(Err(trouble));
            return Ok(());
        };
        let done = match act.carry {
            Carry::Look(look) => {
                // holds because who asked may have gone
                let _ = answer.send(look(self, &asked));
                return Ok(());
            }
            Carry::Now(carry_out) => carry_out(self, &asked),
            Carry::Ordered(order) => {
                match order(self, &asked) {
                    Ok(number) => self.when_done(number, answer),
                    // holds because who asked may have gone
                    Err(trouble) => drop(answer.send(Err(trouble))),
                }
                return self.hand_on();
            }
            Carry::Longer(carry_out) => carry_out(self, ears, asked).await,
        };
        self.hand_on()?;
        match done {
            Ok(text) => {
                let last = self.recorder.next() - 1;
                self.when_captured(last, Waiter::Answer(answer, Ok(text)));
            }
            // holds because who asked may have gone
            Err(trouble) => drop(answer.send(Err(trouble))),
        }
        Ok(())
    }

    /// Whether a unit of this line has, or had of late, a batch of this name.
    pub(super) fn knows_batch(&self, batch: &str) -> bool {
        self.line.knows_batch(batch)
    }

    /// Who asks, proven, in one of these roles; any role where none is named. A refused try is an entry.
    pub(super) fn person(&mut self, asked: &Asked, roles: &[&str]) -> Result<Person, Trouble> {
        let person = match &asked.person {
            Some(person) => person.clone(),
            None => {
                let Who { by, secret } = asked.read()?;
                self.prove(&by, &secret, asked.name())?
            }
        };
        if roles.is_empty() || person.roles.iter().any(|role| roles.contains(&role.as_str())) {
            return Ok(person);
        }
        self.refused(&person.id, asked.name())?;
        Err(Trouble::new(
            "not-allowed",
            format!(
                "{} may not do this: it needs the role {}",
                person.name,
                roles.join(" or ")
            ),
        )
        .at(&person.id)
        .means("nothing was done; the try is an entry")
        .so("ask somebody who has the role, or have the role given with `steelyard user add`"))
    }

    /// Proves one person by id and secret, as for a signature; a refused try is an entry.
    pub(super) fn prove(&mut self, by: &str, secret: &str, what: &str) -> Result<Person, Trouble> {
        let now = self.clock.now();
        let people = &mut self.people;
        // Proving takes tens of milliseconds on purpose.
        let proven = tokio::task::block_in_place(|| people.prove(by, secret, now));
        if proven.is_err() {
            self.refused(by, what)?;
        }
        proven
    }

    pub(super) fn refused(&mut self, person: &str, what: &str) -> Result<(), Trouble> {
        let draft = Draft::new("access", self.clock.now())
            .with("state", "refused")
            .with("because", "refused");
        self.enter(draft.data("person", person).data("what", what))?;
        Ok(())
    }
}
