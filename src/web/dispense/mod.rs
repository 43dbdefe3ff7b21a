//! The dispensing station, for a touch panel, gloves and a scanner: one thing at a time, no scrolling, no menu.
//!
//! Draws a [`StationView`] and decides nothing: which acts are possible, whether Capture is open and why not, where the
//! pointer stands – all of that is said there, and checked again by the core when an act comes. One file per state.

mod act;
mod bar;
mod captured;
mod check;
mod clearance;
mod frame;
mod keep;
mod keys;
mod live;
mod menu;
pub(crate) mod routes;
mod side;
mod verify;
mod wait;
mod weigh;
mod words;

use super::{
    figures,
    page::Page,
    words::{Fill, Say, typeset},
};
use crate::flow::station::{StationView, view::Step};
use maud::{Markup, html};
use record::Stamp;
use serde_json::json;

/// Who looks at the station through this page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seat {
    /// The enrolled panel; `None` for every other browser, which looks only.
    pub(super) panel: Option<String>,
    /// Somebody is signed in here.
    pub(super) signed_in: bool,
    /// What a form has to carry so that no page from elsewhere can send it.
    pub(super) token: String,
    /// For a wall: no buttons, larger words.
    pub(super) wall: bool,
}

/// What this page shows instead of the station's step, while a person looks something up or gives a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Show {
    #[default]
    Step,
    /// What can be done when something is not as it should be.
    Problem,
    /// Typing a code for want of a scanner.
    Type,
    /// Why a weight outside its window is kept.
    Keep,
    /// Why it is not used.
    Reject,
    /// Why the label is printed again.
    Reprint,
    Hold,
    Abort,
    /// What is not right, in words.
    Tell,
    /// Another scale of this station.
    Scales,
}

impl Show {
    pub(super) const ALL: &[(&'static str, Self)] = &[
        ("problem", Self::Problem),
        ("type", Self::Type),
        ("keep", Self::Keep),
        ("reject", Self::Reject),
        ("reprint", Self::Reprint),
        ("hold", Self::Hold),
        ("abort", Self::Abort),
        ("tell", Self::Tell),
        ("scales", Self::Scales),
    ];

    pub(super) fn named(name: &str) -> Self {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map_or(Self::Step, |(_, show)| *show)
    }

    fn word(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, show)| *show == self)
            .map_or("", |(word, _)| word)
    }
}

/// What is needed to draw a station.
pub(super) struct Stand<'a> {
    pub(super) page: Page<'a>,
    pub(super) view: &'a StationView,
    pub(super) seat: &'a Seat,
    pub(super) show: Show,
}

impl Stand<'_> {
    fn say(&self, key: Say) -> String {
        self.page.say(key)
    }

    fn tell(&self, key: Say, fills: &[(&str, Fill)]) -> String {
        self.page.tell(key, fills)
    }

    /// A text the stream renews.
    fn live(&self, id: &str, text: &str) -> Markup {
        self.page.note(id, json!({ "id": id, "text": text }));
        html! { span id=(id) { (self.page.now(text)) } }
    }

    /// An attribute the stream renews. Every attribute of one element has its own call, and its own name in the stream.
    fn attr<'t>(&self, id: &str, name: &str, value: &'t str) -> &'t str {
        self.page.note(
            &format!("{id}@{name}"),
            json!({ "id": id, "set": { name: value } }),
        );
        self.page.now(value)
    }

    /// Whether this panel may act: it is enrolled, and works here.
    fn may_act(&self) -> bool {
        self.seat.signed_in && self.has_pen() && !self.seat.wall
    }

    fn has_pen(&self) -> bool {
        match (&self.seat.panel, &self.view.pen) {
            (Some(own), Some(pen)) => own == pen,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    fn can(&self, act: &str) -> bool {
        self.may_act() && self.view.can.contains(&act)
    }

    /// An amount with its unit, in the language's signs.
    fn amount(&self, digits: &str, unit: &str) -> String {
        let digits = self.page.tongue.amount(digits);
        if unit.is_empty() {
            digits
        } else {
            format!("{digits}\u{a0}{unit}")
        }
    }

    fn digits(&self, digits: &str) -> String {
        self.page.tongue.amount(digits)
    }

    /// `08:25`, with the day when it isn't today.
    fn moment(&self, ms: i64) -> String {
        self.page.moment(Stamp(ms))
    }

    /// `08:25:39`.
    fn second(&self, ms: i64) -> String {
        figures::clock(Stamp(ms), &figures::zone(&self.view.zone))
    }

    /// The address of this page, showing something else.
    fn address(&self, show: Show) -> String {
        let base = format!("/dispense/{}", path_part(&self.view.station));
        let mut pairs = Vec::new();
        if self.seat.wall {
            pairs.push("wall=1".to_owned());
        }
        if show != Show::Step {
            pairs.push(format!("show={}", show.word()));
        }
        if pairs.is_empty() {
            base
        } else {
            format!("{base}?{}", pairs.join("&"))
        }
    }

    /// What this page shows: a person's own look-up only while it makes sense.
    fn shown(&self) -> Show {
        let fits = match self.show {
            Show::Step => true,
            _ if !self.may_act() => false,
            Show::Problem | Show::Type => true,
            Show::Keep => self.can("keep"),
            Show::Reject => self.can("reject"),
            Show::Reprint => self.can("label"),
            Show::Hold => self.can("hold"),
            Show::Abort => self.can("abort"),
            Show::Tell => self.can("problem"),
            Show::Scales => self.can("scale"),
        };
        if fits { self.show } else { Show::Step }
    }

    /// What stands between the bar and the end of the page.
    fn body(&self) -> Markup {
        match self.shown() {
            Show::Step => self.step(),
            Show::Problem => menu::problem(self),
            Show::Type => keys::code(self),
            Show::Keep | Show::Reject | Show::Reprint | Show::Hold | Show::Abort | Show::Tell => {
                keep::reason(self, self.shown())
            }
            Show::Scales => menu::scales(self),
        }
    }

    fn step(&self) -> Markup {
        // Whoever was at work here has signed out or was locked out: the station waits, this panel asks who it is.
        if self.seat.panel.is_some() && !self.seat.signed_in && !self.seat.wall {
            return wait::badge(self);
        }
        if self.view.refused.is_some() && wait::is_refusal(self) {
            return wait::refused(self);
        }
        match self.view.step {
            Step::SignIn => wait::badge(self),
            Step::Clearance => clearance::questions(self),
            Step::ScaleCheck => check::scene(self),
            Step::Order | Step::Source | Step::Container => wait::scan(self),
            Step::Tare | Step::Fill | Step::Remainder => weigh::scene(self),
            Step::Reason => keep::reason(self, Show::Keep),
            Step::Verify => verify::scene(self),
            Step::Label | Step::Complete => captured::scene(self),
        }
    }
}

/// A sentence of the record in the typography of the screens.
fn theirs(text: &str) -> String {
    typeset(text)
}

/// A name as part of an address.
pub(super) fn path_part(name: &str) -> String {
    let mut out = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
