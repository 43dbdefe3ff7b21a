//! The drivers at hand: those that came with the program, and a site's own, which add and override.

use super::{plant::SourceFile, written::Written};
use driver::{Complaint, Driver, Evidence, LineSettings, PointInfo, Speaks};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

/// Every driver by its name.
pub(super) struct Library {
    found: BTreeMap<String, Driver>,
    /// Site drivers with something wrong in them, by name. One that cannot even be read goes by its file.
    broken: BTreeMap<String, Vec<Complaint>>,
    /// What a site's draft has not proven yet.
    unproven: Vec<Complaint>,
}

/// Read once: a file that came with the program is the same all the time it runs.
static BUILTIN: LazyLock<Vec<Driver>> = LazyLock::new(|| {
    driver::builtin()
        .iter()
        .filter_map(|(file, text)| Driver::parse(text, &file_name(file)).ok())
        .collect()
});

/// What a driver speaks, as far as a link has to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speech {
    Modbus,
    Text,
    Nodes,
}

/// A driver as the record and the messages name it.
pub(super) fn file_name(file: &str) -> String {
    format!("drivers/{file}")
}

impl Library {
    /// A site's own file overrides the built-in one of the same name, broken or not: falling back
    /// to another meaning of the same bytes without a word would be the worst of the three.
    pub(super) fn of(site: &[(String, String)]) -> Self {
        let mut library = Self {
            found: BTreeMap::new(),
            broken: BTreeMap::new(),
            unproven: Vec::new(),
        };
        for driver in BUILTIN.iter() {
            library.found.insert(driver.name.clone(), driver.clone());
        }
        for (file, text) in site.iter().filter(|(file, _)| file.ends_with(".toml")) {
            library.add(file, text);
        }
        library
    }

    fn add(&mut self, file: &str, text: &str) {
        match Driver::parse(text, &file_name(file)) {
            Ok(driver) => {
                let (unproven, wrong): (Vec<_>, Vec<_>) = driver::lint(&driver)
                    .into_iter()
                    .partition(|complaint| may_wait(&driver, complaint));
                self.unproven.extend(unproven);
                if !wrong.is_empty() {
                    self.broken.insert(driver.name.clone(), wrong);
                }
                self.found.insert(driver.name.clone(), driver);
            }
            Err(complaints) => {
                let name = file.trim_end_matches(".toml").to_owned();
                self.found.remove(&name);
                self.broken.insert(name, complaints);
            }
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Driver> {
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
        let used: BTreeSet<&String> = written
            .equipment
            .iter()
            .filter_map(|equipment| Some(equipment.driver.as_ref()?.get_ref()))
            .collect();
        let (mut wrong, mut beside) = (Vec::new(), self.unproven);
        for (name, complaints) in self.broken {
            if used.contains(&name) {
                &mut wrong
            } else {
                &mut beside
            }
            .extend(complaints);
        }
        let in_use = self
            .found
            .into_values()
            .filter(|driver| used.contains(&driver.name));
        (in_use.map(|driver| file_of(&driver)).collect(), wrong, beside)
    }
}

/// A draft is still being written: it may lack samples, but those it has must agree.
fn may_wait(driver: &Driver, complaint: &Complaint) -> bool {
    is_draft(driver) && complaint.name.ends_with("-without-sample")
}

fn file_of(driver: &Driver) -> SourceFile {
    SourceFile {
        name: driver.file().to_owned(),
        text: driver.text().to_owned(),
        edition: Some(driver.edition),
    }
}

pub(super) fn is_draft(driver: &Driver) -> bool {
    driver.evidence == Evidence::Draft
}

/// What a driver speaks; `None` for a way this program has no link for yet.
pub(super) fn speech(driver: &Driver) -> Option<Speech> {
    match &driver.speaks {
        Speaks::Modbus(_) => Some(Speech::Modbus),
        Speaks::Text(_) => Some(Speech::Text),
        Speaks::Nodes(_) => Some(Speech::Nodes),
        _ => None,
    }
}

/// Line settings as the driver gives them, in the words of the key `line`.
pub(super) fn line_of(driver: &Driver) -> String {
    let LineSettings {
        speed,
        data_bits,
        parity,
        stop_bits,
        ..
    } = driver.line();
    format!("{speed} {data_bits}{parity}{stop_bits}")
}

pub(super) fn point<'a>(points: &'a [PointInfo], measure: &str) -> Option<&'a PointInfo> {
    points.iter().find(|point| point.measure == measure)
}
