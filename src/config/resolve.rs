//! From the file as written to the plant as meant, one file per block.
//!
//! Each part complains on its own page and still hands on something whole, so that one mistake
//! never hides the next. What comes out counts only when nobody complained.

pub(super) mod captures;
mod context;
mod equipment;
pub(super) mod gateway;
mod master;
pub(super) mod names;
mod ranges;
mod server;
mod signal;
pub(super) mod units;

use super::{
    block::Page,
    library::Library,
    plant::{Capture, Equipment, Gateway, Link, Master, PointName, RecordStore, Signal, Signing, Unit0, Web},
    recipe::Recipe,
    written::Written,
};
use ::driver::PointInfo;
use std::{collections::BTreeMap, ops::Range, time::Duration};

/// Everything but the files.
pub(super) struct Meant {
    pub(super) gateway: Gateway,
    pub(super) record_store: RecordStore,
    pub(super) equipment: BTreeMap<String, Equipment>,
    pub(super) units: Vec<Unit0>,
    pub(super) captures: Vec<Capture>,
    pub(super) stations: Vec<super::station::Station>,
    pub(super) master: Master,
    pub(super) signing: Signing,
    pub(super) web: Web,
    pub(super) signal: Option<Signal>,
}

/// What is known about equipment while the rest is resolved; also about equipment that is itself
/// complained of, so that nobody complains a second time about what refers to it.
pub(super) struct Known {
    pub(super) tag: String,
    pub(super) title: String,
    pub(super) driver_place: Range<usize>,
    /// Its driver's name and points; `None` where the driver is not understood.
    pub(super) driver: Option<(String, Vec<PointInfo>)>,
    /// Measures that need a command which is not allowed, and which.
    pub(super) closed: Vec<(String, String)>,
    /// Its driver is a draft and nobody has said that it may record.
    pub(super) shows_only: bool,
    pub(super) link: Option<Link>,
    /// How often it is asked, where the file says so, and where.
    pub(super) every: Option<(Duration, Range<usize>)>,
    /// The settings its line really has, from the file or from its driver.
    pub(super) line: Option<String>,
}

/// A role of a unit; `point` is `None` where it was complained of.
pub(super) struct Role {
    pub(super) name: String,
    pub(super) point: Option<(PointName, PointInfo)>,
}

pub(super) fn resolve(page: &Page, written: &Written, library: &Library, recipes: &[Recipe]) -> Meant {
    let gateway = gateway::gateway(page, written.gateway.as_ref());
    let record_store = gateway::record_store(page, written.record_store.as_ref());
    let master = master::master(page, written.master.as_ref());
    let signing = master::signing(written.people.as_ref());
    let web = gateway::web(page, written.web.as_ref());
    let signal = signal::signal(page, written.signal.as_ref(), &written.units);
    let known = equipment::known(page, &written.equipment, library);
    let roles = units::roles(page, &written.units, &known);
    let units = units::units(page, &written.units, &roles, &known);
    let captures = captures::captures(page, &written.captures, &units, &roles, &known);
    // what recipes ask for sets the pace of equipment as well
    let asked = units.iter().flat_map(|unit| {
        let recipes = recipes.iter();
        recipes.flat_map(|recipe| recipe.captures_in(unit, &BTreeMap::new()))
    });
    let asked: Vec<Capture> = captures.iter().cloned().chain(asked).collect();
    let equipment = equipment::equipment(page, &written.equipment, &known, &asked, library);
    let stations = super::station::resolve(page, &written.stations, &units, &known);
    Meant {
        gateway,
        record_store,
        equipment,
        units,
        captures,
        stations,
        master,
        signing,
        web,
        signal,
    }
}
