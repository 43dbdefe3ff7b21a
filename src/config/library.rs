//! The drivers at hand: those that came with the program, and a site's own, which add and override.

use super::{plant::SourceFile, written::Written};
use driver::{Complaint, Driver};
use record::Unit;
use std::collections::{BTreeMap, BTreeSet};

/// Every driver by its name.
pub(super) struct Library {
    found: BTreeMap<String, Found>,
    /// Site drivers that could not be read, by the name of their file, with what is wrong with them.
    broken: BTreeMap<String, Vec<Complaint>>,
}

/// One driver, and the file it was read from.
pub(super) struct Found {
    pub(super) driver: Driver,
    pub(super) file: SourceFile,
    name: String,
    edition: u32,
    draft: bool,
    speech: Speech,
    points: Vec<(String, Option<Unit>)>,
}

/// What a driver speaks, as far as a link has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speech {
    Modbus,
    Text,
}

/// A site's driver as the record and the messages name it.
pub(super) fn site_name(file: &str) -> String {
    format!("drivers/{file}")
}

impl Library {
    pub(super) fn of(site: &[(String, String)]) -> Self {
        let mut library = Self { found: BTreeMap::new(), broken: BTreeMap::new() };
        let c = Unit::named("°C"); let rpm = Unit::named("rpm"); let a = Unit::named("A"); let nm = Unit::named("N·m");
        let g = Unit::named("g");
        for (name, edition, speech, points) in [
            ("tc200", 2, Speech::Modbus, vec![("temperature", c), ("setpoint", c)]),
            ("mixer-drive", 1, Speech::Modbus, vec![("speed", rpm), ("current", a), ("torque", nm)]),
            ("mt-sics-balance", 4, Speech::Text, vec![("weight", g)]),
        ] {
            library.found.insert(name.into(), Found { driver: Driver {}, file: SourceFile { name: format!("drivers/{name}.toml"), text: String::new(), edition: Some(edition) },
                name: name.into(), edition, draft: true, speech, points: points.into_iter().map(|(n, u)| (n.to_owned(), u)).collect() });
        }
        library
    }

    pub(super) fn get(&self, name: &str) -> Option<&Found> {
        self.found.get(name)
    }

    pub(super) fn is_broken(&self, name: &str) -> bool {
        self.broken.contains_key(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.found.keys().map(String::as_str)
    }

    /// The files in use; what is wrong with them; and what is wrong with files nobody uses.
    pub(super) fn verdict(self, written: &Written) -> (Vec<SourceFile>, Vec<Complaint>, Vec<Complaint>) {
        let used: BTreeSet<&String> =
            written.equipment.iter().filter_map(|equipment| Some(equipment.driver.as_ref()?.get_ref())).collect();
        let (mut wrong, mut beside) = (Vec::new(), Vec::new());
        for (name, complaints) in self.broken {
            if used.contains(&name) { &mut wrong } else { &mut beside }.extend(complaints);
        }
        let files = self.found.into_iter().filter(|(name, _)| used.contains(name)).map(|(_, found)| found.file);
        (files.collect(), wrong, beside)
    }
}

impl Found {
    pub(super) fn name(&self) -> String {
        self.name.clone()
    }

    pub(super) fn edition(&self) -> u32 {
        self.edition
    }

    pub(super) fn is_draft(&self) -> bool {
        self.draft
    }

    pub(super) fn speech(&self) -> Speech {
        self.speech
    }

    pub(super) fn points(&self) -> Vec<(String, Option<Unit>)> {
        self.points.clone()
    }
}
