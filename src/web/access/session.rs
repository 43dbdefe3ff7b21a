//! Whoever signed in, as a handler sees them.

use super::{doors::Visitor, refused};
use crate::{
    daemon::acts::{self, Asked, prove::Prove},
    flow::{
        access::Access,
        people::{Given, Method, Person, Proven},
        sessions::Held,
    },
    web::Web,
};
use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::request::Parts,
    response::Response,
};
use record::Trouble;
use serde::Serialize;
use std::convert::Infallible;

/// A person at a browser, proven and not locked. Roles are those of this moment.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) person: Person,
    /// The enrolled panel the person sits at; none at any other browser.
    pub(crate) panel: Option<String>,
    /// Where that panel stands.
    pub(crate) station: Option<String>,
    /// How the person was proven.
    pub(crate) method: Method,
    /// The panel that may write at this station.
    pub(crate) pen: Option<String>,
    /// The password is one that somebody else knows; nothing but changing it is possible.
    pub(crate) must_change: bool,
    form: String,
    from: String,
}

#[expect(
    dead_code,
    reason = "the act compares panel and station; screens that say so before it come next"
)]
impl Session {
    pub(super) fn of(person: Person, held: &Held, visitor: &Visitor, access: &Access) -> Self {
        let station = visitor.panel.as_ref().map(|panel| panel.station.clone());
        Self {
            panel: visitor.panel.as_ref().map(|panel| panel.name.clone()),
            pen: station
                .as_deref()
                .and_then(|station| access.panels.pen(station))
                .map(str::to_owned),
            station,
            method: held.method,
            must_change: held.method == Method::Password && access.people.must_change(&person.id),
            form: held.form.clone(),
            from: visitor.from.to_string(),
            person,
        }
    }

    /// What every form of this session carries back as `form`, and every script as `X-Form`.
    pub(crate) fn form(&self) -> &str {
        &self.form
    }

    /// The address of this browser.
    pub(crate) fn from(&self) -> &str {
        &self.from
    }

    /// The person, in one of these roles; any where none is named.
    pub(crate) fn signed_in(&self, roles: &[&str]) -> Result<&Person, Trouble> {
        if self.person.is_one_of(roles) {
            return Ok(&self.person);
        }
        Err(Trouble::new(
            "not-allowed",
            format!(
                "{} may not do this: it needs the role {}",
                self.person.name,
                roles.join(" or ")
            ),
        )
        .at(&self.person.id)
        .means("nothing was done; the try is an entry")
        .so("ask somebody who has the role, or have the role given with `steelyard user role`"))
    }

    /// The panel, which stands at this station.
    pub(crate) fn at_station(&self, station: &str) -> Result<&str, Trouble> {
        let (Some(panel), Some(here)) = (&self.panel, &self.station) else {
            return Err(not_a_panel());
        };
        if here != station {
            return Err(Trouble::new(
                "another-station",
                format!("this panel stands at {here}, not at {station}"),
            )
            .at(panel)
            .means("it may look there, and captures nothing")
            .so(format!("go to a panel at {station}")));
        }
        Ok(panel)
    }

    /// The panel, which stands at this station and has its pen.
    pub(crate) fn require_panel(&self, station: &str) -> Result<&str, Trouble> {
        let panel = self.at_station(station)?;
        match &self.pen {
            Some(pen) if pen == panel => Ok(panel),
            Some(pen) => Err(
                Trouble::new("pen-elsewhere", format!("{pen} has the pen of {station}"))
                    .at(panel)
                    .means("this panel looks on, and captures nothing")
                    .so("go on there, or take the pen here"),
            ),
            None => Err(
                Trouble::new("pen-elsewhere", format!("no panel has the pen of {station}"))
                    .at(panel)
                    .means("nothing is captured yet")
                    .so("take the pen here"),
            ),
        }
    }

    /// A request to the core in this person's name, from this panel.
    pub(crate) fn ask(&self, act: &str, what: &impl Serialize) -> Asked {
        Asked::to(act, what)
            .by(self.person.clone())
            .from(self.from.clone(), self.panel.clone())
    }
}

pub(super) fn not_a_panel() -> Trouble {
    Trouble::new("not-a-panel", "this browser is no enrolled panel")
        .means("it may look, and captures nothing")
        .so("go to the station's panel, or enrol this one with `steelyard panel add`")
}

impl Web {
    /// Proves a second person for one act, in one of these roles, without ending the first one's session.
    pub(crate) async fn second(
        &self,
        session: &Session,
        given: Given,
        roles: &[&str],
        what: &str,
    ) -> Result<Proven, Trouble> {
        self.proven(session, given, roles, what, Some(session.person.id.clone()))
            .await
    }

    /// Proves the person of this session once more, for a signature.
    pub(crate) async fn again(&self, session: &Session, given: Given, what: &str) -> Result<Proven, Trouble> {
        let proven = self.proven(session, given, &[], what, None).await?;
        if proven.person().id == session.person.id {
            return Ok(proven);
        }
        Err(Trouble::new(
            "another-person",
            format!(
                "{} is signed in here, not {}",
                session.person.name,
                proven.person().name
            ),
        )
        .means("nothing was signed")
        .so("sign in as the person who is to sign"))
    }

    async fn proven(
        &self,
        session: &Session,
        given: Given,
        roles: &[&str],
        what: &str,
        not: Option<String>,
    ) -> Result<Proven, Trouble> {
        let doors = self.doors()?;
        let prove = Prove {
            what: what.to_owned(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            not,
            given,
        };
        let asked =
            Asked::to(acts::prove::ACT.name, &prove).from(session.from.clone(), session.panel.clone());
        let answer = acts::act(asked, &doors.core).await?;
        Proven::from_json(&answer).ok_or_else(|| {
            Trouble::new(
                "request-not-understood",
                "the gateway's own answer cannot be read",
            )
            .means("nothing was done in anybody's name")
            .so("try again")
        })
    }
}

impl FromRequestParts<Web> for Session {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _web: &Web) -> Result<Self, Response> {
        let visitor = parts.extensions.get::<Visitor>();
        visitor
            .and_then(|visitor| visitor.session.clone())
            .ok_or_else(|| refused(&not_signed_in()))
    }
}

impl OptionalFromRequestParts<Web> for Session {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _web: &Web) -> Result<Option<Self>, Infallible> {
        let visitor = parts.extensions.get::<Visitor>();
        Ok(visitor.and_then(|visitor| visitor.session.clone()))
    }
}

impl FromRequestParts<Web> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _web: &Web) -> Result<Self, Response> {
        let visitor = parts.extensions.get::<Self>().cloned();
        visitor.ok_or_else(|| refused(&not_signed_in()))
    }
}

pub(super) fn not_signed_in() -> Trouble {
    Trouble::new("not-signed-in", "nobody is signed in at this browser")
        .means("nothing was done")
        .so("sign in, then do it again")
}
