//! Acts: what a person does on a running gateway. One file each in `acts/`, found by listing.
//!
//! An act comes through the control socket, which only the gateway's user may open, or from a screen whose session
//! has proved a person. It is an entry with who and why before it has effect, and its answer is given once its
//! last entry is captured: nobody is told that something was done which a power cut could still take back.

use super::gateway::{Core, Ears, Waiter};
use crate::flow::{
    needs::{Directory, Waiting},
    people::{Given, Method, Person, Proven, Spent, two_people},
};
use record::{Draft, Trouble};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc, oneshot};

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
    /// Somebody who has just proved it at the first one's panel, without ending that session.
    pub second: Option<Proven>,
    /// The enrolled panel it comes from.
    pub panel: Option<String>,
    /// The address it comes from; empty for the machine itself.
    pub from: String,
    /// Argon2id runs made already, away from the core.
    spent: Spent,
    /// Asked by this program itself, never through the control socket.
    inside: bool,
}

/// Where a second person's secret stands in a request.
#[derive(Deserialize)]
#[serde(untagged)]
enum Second {
    Password {
        second: String,
        second_secret: String,
    },
    Badge {
        second_badge: String,
        second_pin: String,
    },
}

impl From<Second> for Given {
    fn from(second: Second) -> Self {
        match second {
            Second::Password {
                second,
                second_secret,
            } => Self::Password {
                by: second,
                secret: second_secret,
            },
            Second::Badge {
                second_badge,
                second_pin,
            } => Self::Badge {
                badge: second_badge,
                pin: second_pin,
            },
        }
    }
}

/// Each Argon2id run takes 19 MiB: one at a time, however many ask.
static ONE_AT_A_TIME: Semaphore = Semaphore::const_new(1);

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
        Self::of(request.into(), true)
    }

    fn of(request: Value, inside: bool) -> Self {
        Self {
            request,
            person: None,
            second: None,
            panel: None,
            from: String::new(),
            spent: Spent::default(),
            inside,
        }
    }

    /// The same in the name of somebody whom a session has proved.
    #[must_use]
    pub fn by(mut self, person: Person) -> Self {
        self.person = Some(person);
        self
    }

    /// The same from this address, and from this panel where it is one.
    #[must_use]
    pub fn from(mut self, address: impl Into<String>, panel: Option<String>) -> Self {
        (self.from, self.panel) = (address.into(), panel);
        self
    }

    /// The same with a second person beside the first.
    #[must_use]
    pub fn with_second(mut self, second: Proven) -> Self {
        self.second = Some(second);
        self
    }

    /// Whether this program itself asks.
    pub(crate) fn is_inside(&self) -> bool {
        self.inside
    }

    /// What somebody gives to prove who they are, if anybody does.
    pub(crate) fn given(&self) -> Option<Given> {
        self.read().ok()
    }

    /// Whether a second person gives a proof with it.
    pub(crate) fn has_second(&self) -> bool {
        self.read::<Second>().is_ok()
    }

    /// From one line of the control socket.
    fn parse(line: &str) -> Result<Self, Trouble> {
        let request = serde_json::from_str::<Value>(line).map_err(|error| not_understood(&error))?;
        Ok(Self::of(request, false))
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
    let asked = spend(asked, core).await?;
    let (answer, wait) = oneshot::channel();
    core.send(Control { asked, answer }).await.map_err(|_| gone())?;
    wait.await.map_err(|_| gone())?
}

/// Makes the Argon2id runs an act will need, here, so that no reading waits for them.
async fn spend(mut asked: Asked, core: &mpsc::Sender<Control>) -> Result<Asked, Trouble> {
    if asked.name() == hash_for::ACT.name {
        return Ok(asked);
    }
    let second = asked.read::<Second>().ok().map(Given::from);
    for given in asked.given().into_iter().chain(second) {
        let question = Asked::to(hash_for::ACT.name, &given);
        let Some((secret, hash)) = Box::pin(act(question, core))
            .await
            .ok()
            .and_then(|answer| serde_json::from_str::<(String, String)>(&answer).ok())
        else {
            // the core finds out by itself
            continue;
        };
        let Ok(_turn) = ONE_AT_A_TIME.acquire().await else {
            continue;
        };
        if let Ok(spent) = tokio::task::spawn_blocking(move || Spent::spend(secret, hash)).await {
            asked.spent = asked.spent.and(spent);
        }
    }
    Ok(asked)
}

impl Core {
    /// Has an act done that somebody asked for. What is wrong with a request never ends the gateway.
    pub(super) async fn control(&mut self, control: Control, ears: &mut Ears) -> Result<(), Trouble> {
        let Control { asked, answer } = control;
        self.state.spent = asked.spent.clone();
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
        self.state.spent = Spent::default();
        self.hand_on()?;
        self.show_access();
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
            // roles are those of this moment, not those of the sign-in
            Some(person) => match self.people.find(&person.id) {
                Some(person) => person.clone(),
                None => return Err(left(&person.id)),
            },
            None => {
                let proven = self.proven(&asked.read()?, asked.name(), &asked.from)?;
                self.not_initial(&proven)?;
                proven.person().clone()
            }
        };
        self.allowed(person, roles, asked)
    }

    /// The second person of an act, proven for it, in one of these roles, and not the first.
    pub(crate) fn second(
        &mut self,
        asked: &Asked,
        first: &Person,
        roles: &[&str],
    ) -> Result<Proven, Trouble> {
        let proven = match &asked.second {
            Some(proven) if self.people.find(&proven.person().id).is_none() => {
                return Err(left(&proven.person().id));
            }
            Some(proven) => proven.clone(),
            None => {
                let given = asked.read::<Second>()?;
                let proven = self.proven(&given.into(), asked.name(), &asked.from)?;
                self.not_initial(&proven)?;
                proven
            }
        };
        if let Err(same) = two_people(first, proven.person()) {
            self.refused_as("not-allowed", &proven.person().id, asked.name(), &asked.from)?;
            return Err(same);
        }
        let roles_now = self.people.find(&proven.person().id).cloned();
        self.allowed(roles_now.unwrap_or_else(|| proven.person().clone()), roles, asked)?;
        Ok(proven)
    }

    /// Proves somebody for one act beside an open session, in one of these roles and not the one named.
    pub(crate) fn for_one_act(
        &mut self,
        given: &Given,
        what: &str,
        asked: &Asked,
        roles: &[&str],
        not: Option<&str>,
    ) -> Result<Proven, Trouble> {
        let proven = self.proven(given, what, &asked.from)?;
        self.not_initial(&proven)?;
        if let Some(first) = not.and_then(|id| self.people.find(id)).cloned() {
            if let Err(same) = two_people(&first, proven.person()) {
                self.refused_as("not-allowed", &first.id, what, &asked.from)?;
                return Err(same);
            }
        }
        self.allowed(proven.person().clone(), roles, asked)?;
        Ok(proven)
    }

    /// Proves one person by id and password, as for a signature; a refused try is an entry.
    pub(super) fn prove(&mut self, by: &str, secret: &str, what: &str) -> Result<Person, Trouble> {
        let given = Given::Password {
            by: by.to_owned(),
            secret: secret.to_owned(),
        };
        let proven = self.proven(&given, what, "")?;
        self.not_initial(&proven)?;
        Ok(proven.person().clone())
    }

    /// Proves one person by whatever is given; a refused try is an entry, with the lock where it was one too many.
    pub(crate) fn proven(&mut self, given: &Given, what: &str, from: &str) -> Result<Proven, Trouble> {
        let (now, spent) = (self.clock.now(), self.state.spent.clone());
        let people = &mut self.people;
        // What was not made away from the core takes tens of milliseconds on purpose.
        let proven = tokio::task::block_in_place(|| people.prove_given(given, &spent, now));
        match proven {
            Ok(proven) => Ok(proven),
            Err(refused) => {
                for draft in refused.drafts(what, from) {
                    self.enter(draft)?;
                }
                Err(refused.trouble)
            }
        }
    }

    /// A password that somebody else knows proves nobody.
    fn not_initial(&mut self, proven: &Proven) -> Result<(), Trouble> {
        let id = &proven.person().id;
        if proven.method() != Method::Password || !self.people.must_change(id) {
            return Ok(());
        }
        Err(Trouble::new(
            "password-to-change",
            "this password was given by somebody else, who knows it",
        )
        .at(id)
        .means("nothing was done in anybody's name")
        .so("choose a password of your own first: sign in at a screen, or `steelyard user password`"))
    }

    fn allowed(&mut self, person: Person, roles: &[&str], asked: &Asked) -> Result<Person, Trouble> {
        if person.is_one_of(roles) {
            return Ok(person);
        }
        self.refused_as("not-allowed", &person.id, asked.name(), &asked.from)?;
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
        .so("ask somebody who has the role, or have the role given with `steelyard user role`"))
    }

    /// Enters that something was refused, and why.
    pub(crate) fn refused_as(
        &mut self,
        because: &'static str,
        person: &str,
        what: &str,
        from: &str,
    ) -> Result<(), Trouble> {
        let draft = Draft::new("access", self.clock.now())
            .with("state", "refused")
            .with("because", because);
        self.enter(draft.data("person", person).data("from", from).data("what", what))?;
        Ok(())
    }
}

fn left(id: &str) -> Trouble {
    Trouble::new("not-proven", "this account was revoked")
        .at(id)
        .means("nothing was done in anybody's name")
        .so("ask a supervisor")
}
