//! `steelyard check`: everything that can be known to be wrong before starting, all at once, with places.
//!
//! Reads and compares; asks no instrument, reaches no broker, changes nothing.

use crate::{
    cli::{Command, NOT_RIGHT, acts, say},
    config::{self, Source, plant::Plant},
    daemon::opening,
    flow::needs::{Clock, Files},
    ports::{
        clock::SystemClock,
        files::{SystemFiles, configuration},
    },
};
use clap::{Arg, ArgAction, ArgMatches};
use driver::Complaint;
use record::{KeySet, SecretKey, Trouble};
use serde_json::json;
use std::{
    io,
    path::{Path, PathBuf},
    process::ExitCode,
};

pub(crate) const COMMAND: Command = Command {
    name: "check",
    about: "Says everything that is wrong with a configuration, before anything is started",
    args,
    run,
    order: 20,
};

/// Where the package puts the configuration.
const CONFIG: &str = "/etc/steelyard/steelyard.toml";

fn args(command: clap::Command) -> clap::Command {
    command
        .arg(
            Arg::new("config")
                .value_name("CONFIG")
                .default_value(CONFIG)
                .help("The configuration; its drivers lie in drivers/ beside it"),
        )
        .arg(
            Arg::new("upgrade")
                .long("upgrade")
                .action(ArgAction::SetTrue)
                .help("Checks the configuration that runs, as its ledger has it, with this program: before the old one is stopped"),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("One object on one line, for a script"),
        )
        .after_help("Exit code: 0 it can be started, 1 something is wrong, 3 the file could not be read.")
}

fn run(matches: &ArgMatches) -> Result<ExitCode, Trouble> {
    let path = PathBuf::from(matches.get_one::<String>("config").map_or(CONFIG, String::as_str));
    let source = configuration(&SystemFiles, &path)?;
    let source = if matches.get_flag("upgrade") {
        accepted(source)?
    } else {
        source
    };
    let today = SystemClock::new()
        .now()
        .to_string()
        .chars()
        .take(10)
        .collect::<String>();
    let found = look(&source, &SystemFiles, &today);
    if matches.get_flag("json") {
        say(&as_json(&source, &found).to_string());
    } else {
        say(in_words(&source, &found).trim_end());
    }
    Ok(if found.complaints.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_RIGHT)
    })
}

/// The configuration that runs, where a ledger has accepted one: an upgrade starts on that, not on the file.
fn accepted(source: Source) -> Result<Source, Trouble> {
    let ledger = acts::ledger_of(&source)?;
    let mut accepted = opening::accepted_in(&ledger, &source.name)?;
    if let Some(accepted) = &mut accepted {
        accepted.name = format!("{} as accepted", accepted.name);
    }
    Ok(accepted.unwrap_or(source))
}

/// What was found: the plant, where the file describes one, and what is to be said about it.
struct Found {
    plant: Option<Plant>,
    complaints: Vec<Complaint>,
    warnings: Vec<Complaint>,
}

fn look(source: &Source, files: &dyn Files, today: &str) -> Found {
    match config::read(source.clone()) {
        Err(complaints) => Found {
            plant: None,
            complaints,
            warnings: Vec::new(),
        },
        Ok(plant) => {
            let machine = Machine { source, files };
            let complaints = machine.files_named(&plant);
            let mut warnings = plant.warnings.clone();
            warnings.extend(machine.ports_missing(&plant));
            warnings.extend(machine.calibrations(&plant, today));
            Found {
                plant: Some(plant),
                complaints,
                warnings,
            }
        }
    }
}

// ---------------------------------------------------------------- in words

fn in_words(source: &Source, found: &Found) -> String {
    let mut said = String::new();
    for complaint in &found.complaints {
        said.push_str(&source.render(complaint));
        said.push('\n');
    }
    for warning in &found.warnings {
        said.push_str(&config::render_warning(warning, source.text_of(&warning.file)));
        said.push('\n');
    }
    let wrong = found.complaints.len();
    said.push_str(&match &found.plant {
        Some(plant) if wrong == 0 => format!("{} is in order: {}\n", source.name, contents(plant)),
        Some(plant) => format!(
            "{} reads well ({}), but {} on this machine\n",
            source.name,
            contents(plant),
            things(wrong)
        ),
        None => format!(
            "{}: {}; a gateway would not start on it, and one that runs would not take it\n",
            source.name,
            things(wrong)
        ),
    });
    said
}

fn things(wrong: usize) -> String {
    if wrong == 1 {
        "one thing is wrong".into()
    } else {
        format!("{wrong} things are wrong")
    }
}

fn contents(plant: &Plant) -> String {
    let count =
        |number: usize, one: &str, many: &str| format!("{number} {}", if number == 1 { one } else { many });
    let drivers = drivers(plant)
        .map(|(name, edition)| format!("{name} edition {edition}"))
        .collect::<Vec<_>>();
    let counts = [
        count(plant.units.len(), "unit", "units"),
        count(plant.equipment.len(), "equipment", "equipment"),
        count(plant.captures.len(), "capture", "captures"),
    ];
    let drivers = if drivers.is_empty() {
        "no drivers".to_owned()
    } else {
        format!("drivers {}", drivers.join(", "))
    };
    format!("{}; {drivers}", counts.join(", "))
}

fn drivers(plant: &Plant) -> impl Iterator<Item = (&str, u32)> {
    plant.files.iter().filter_map(|file| {
        let name = file.name.rsplit('/').next().unwrap_or(&file.name);
        Some((name.strip_suffix(".toml").unwrap_or(name), file.edition?))
    })
}

// ---------------------------------------------------------------- for a script

fn as_json(source: &Source, found: &Found) -> serde_json::Value {
    let one = |complaint: &Complaint| {
        let text = source.text_of(&complaint.file);
        let marks: Vec<_> = complaint
            .marks
            .iter()
            .map(|(place, note)| {
                let (line, column) = text.map_or((0, 0), |text| config::place(text, place.start));
                json!({ "line": line, "column": column, "note": note })
            })
            .collect();
        json!({
            "name": complaint.name, "what": complaint.what, "file": complaint.file,
            "places": marks, "notes": complaint.notes, "why": complaint.why, "do": complaint.help,
        })
    };
    let plant = found.plant.as_ref();
    let drivers = plant.map_or_else(Vec::new, |plant| {
        drivers(plant)
            .map(|(name, edition)| json!({ "name": name, "edition": edition }))
            .collect()
    });
    json!({
        "in_order": found.complaints.is_empty(),
        "complaints": found.complaints.iter().map(one).collect::<Vec<_>>(),
        "warnings": found.warnings.iter().map(one).collect::<Vec<_>>(),
        "units": plant.map(|plant| plant.units.len()),
        "equipment": plant.map(|plant| plant.equipment.len()),
        "captures": plant.map(|plant| plant.captures.len()),
        "drivers": drivers,
    })
}

// ---------------------------------------------------------------- what only this machine knows

struct Machine<'a> {
    source: &'a Source,
    files: &'a dyn Files,
}

impl Machine<'_> {
    /// Files the configuration names: there, readable, what they should be, and secret where they hold a secret.
    fn files_named(&self, plant: &Plant) -> Vec<Complaint> {
        let store = &plant.record_store;
        let place = |key| ["record_store", key];
        let found = [
            self.signing_key(&plant.gateway.signing_key),
            store.key.as_ref().and_then(|path| self.receipt_keys(path)),
            store
                .trust
                .as_ref()
                .and_then(|path| self.certificates(path, &place("trust"))),
            store
                .certificate
                .as_ref()
                .and_then(|path| self.certificates(path, &place("certificate"))),
            store
                .private_key
                .as_ref()
                .and_then(|path| self.secret(path, &place("private_key")).err()),
            store
                .password_file
                .as_ref()
                .and_then(|path| self.secret(path, &place("password_file")).err()),
        ];
        found.into_iter().flatten().collect()
    }

    /// Made at first start where it is absent; where it is there, it has to be a key, and secret.
    fn signing_key(&self, path: &Path) -> Option<Complaint> {
        let names = ["gateway", "signing_key"];
        if matches!(self.files.read(path), Err(problem) if problem.kind() == io::ErrorKind::NotFound) {
            return None;
        }
        let key = match self.secret(path, &names) {
            Ok(key) => key,
            Err(complaint) => return Some(complaint),
        };
        let fine = std::str::from_utf8(&key).is_ok_and(|pem| SecretKey::from_pem(pem).is_some());
        (!fine).then(|| {
            self.unusable(
                path,
                &names,
                "it holds no Ed25519 key (PKCS#8 in PEM)",
                "let the gateway make its key: move this file away",
            )
        })
    }

    fn receipt_keys(&self, path: &Path) -> Option<Complaint> {
        let names = ["record_store", "key"];
        let text = match self.text(path, &names) {
            Ok(text) => text,
            Err(complaint) => return Some(complaint),
        };
        let help = "fetch the record store's public key again: steelyard store prints it";
        match KeySet::read(text.trim()) {
            Ok(keys) if keys.iter().any(|(_, role)| role == record::Role::Receipt) => None,
            Ok(_) => Some(self.unusable(path, &names, "none of its keys is for receipts", help)),
            Err(trouble) => Some(self.unusable(path, &names, &trouble.what, help)),
        }
    }

    fn certificates(&self, path: &Path, names: &[&str]) -> Option<Complaint> {
        match self.text(path, names) {
            Ok(text) if text.contains("-----BEGIN CERTIFICATE-----") => None,
            Ok(_) => Some(self.unusable(
                path,
                names,
                "it holds no certificate (PEM)",
                "put the certificate there, as the plant's authority gave it",
            )),
            Err(complaint) => Some(complaint),
        }
    }

    fn text(&self, path: &Path, names: &[&str]) -> Result<String, Complaint> {
        let bytes = self.files.read(path).map_err(|problem| {
            self.unusable(
                path,
                names,
                &problem.to_string(),
                "put the file there, or correct the path",
            )
        })?;
        String::from_utf8(bytes)
            .map_err(|_| self.unusable(path, names, "it is not text", "put the right file there"))
    }

    fn secret(&self, path: &Path, names: &[&str]) -> Result<Vec<u8>, Complaint> {
        self.files.read_secret(path).map_err(|trouble| {
            let complaint = Complaint::new(trouble.name, trouble.what).note(path.display().to_string());
            self.mark(complaint, names)
                .why(trouble.record)
                .help(trouble.action)
        })
    }

    fn unusable(&self, path: &Path, names: &[&str], why: &str, help: &str) -> Complaint {
        let complaint = Complaint::new(
            "file-unusable",
            format!("a file this configuration names cannot be used: {why}"),
        );
        self.mark(complaint.note(path.display().to_string()), names)
            .help(help)
    }

    /// Serial ports that are not there now: perhaps unplugged, perhaps misspelled.
    fn ports_missing(&self, plant: &Plant) -> Vec<Complaint> {
        let mut found = Vec::new();
        for equipment in plant.equipment.values() {
            let (config::plant::Link::Serial { path, .. } | config::plant::Link::ModbusRtu { path, .. }) =
                &equipment.link
            else {
                continue;
            };
            let name = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default();
            let beside = self
                .files
                .list(path.parent().unwrap_or(Path::new("/")))
                .unwrap_or_default();
            if beside.contains(&name) {
                continue;
            }
            let key = if matches!(equipment.link, config::plant::Link::Serial { .. }) {
                "serial"
            } else {
                "modbus_rtu"
            };
            let meant = config::nearest(&name, beside.iter().map(String::as_str));
            let meant = meant.map_or_else(String::new, |meant| format!("did you mean {meant}?\n"));
            let complaint = Complaint::new(
                "port-not-there",
                format!("the port of {} is not there now", equipment.tag),
            )
            .why("until it is plugged in, its readings are gaps")
            .help(format!(
                "{meant}plug it in; ls /dev/serial/by-id shows what is there"
            ));
            found.push(self.mark(complaint, &["equipment", &equipment.tag, key]));
        }
        found
    }

    fn calibrations(&self, plant: &Plant, today: &str) -> Vec<Complaint> {
        let mut found = Vec::new();
        for equipment in plant.equipment.values() {
            let Some(till) = equipment
                .calibrated_till
                .as_ref()
                .filter(|till| till.as_str() < today)
            else {
                continue;
            };
            let complaint = Complaint::new(
                "calibration-over",
                format!("the calibration of {} ended on {till}", equipment.tag),
            )
            .why("its readings are entered with the mark that they are out of calibration")
            .help("calibrate it, then write the new date");
            found.push(self.mark(complaint, &["equipment", &equipment.tag, "calibrated_till"]));
        }
        found
    }

    fn mark(&self, complaint: Complaint, names: &[&str]) -> Complaint {
        let complaint = complaint.file(self.source.name.clone());
        match config::place_of(&self.source.text, names) {
            Some(place) => complaint.mark(place, ""),
            None => complaint,
        }
    }
}
