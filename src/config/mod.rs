//! Floor 2: the files as written become the plant as meant, or every complaint at once.
//!
//! Pure: the texts come in, the plant comes out. Reading the files is the business of `ports`.

mod block;
#[cfg(test)]
mod cases;
mod difference;
mod library;
mod near;
pub mod plant;
pub mod recipe;
mod render;
mod resolve;
pub mod rule;
pub mod sentence;
pub mod server;
pub mod station;
pub mod store_file;
mod syntax;
pub mod tolerance;
mod written;

pub use difference::{Change, Part, difference, limits_in_words};
pub use near::nearest;
pub use render::{place, render, render_warning};
pub use sentence::ROLES;
pub use written::KEYS;

use block::Page;
use driver::Complaint;
use library::Library;
use plant::{Plant, SourceFile};
use recipe::Recipe;
use toml::de::DeTable;

/// The files a plant is read from, as texts.
#[derive(Debug, Clone)]
pub struct Source {
    /// As a person would name it in a message: `config/steelyard.toml`.
    pub name: String,
    pub text: String,
    /// The site's own drivers: file name (`tc200.toml`) and text. They add to and override the built-in ones.
    pub drivers: Vec<(String, String)>,
    /// The recipes of its directory: file name (`hand-cream.toml`) and text.
    pub recipes: Vec<(String, String)>,
}

impl Source {
    /// Put together again from files under the names the record has for them, the configuration first.
    pub fn recorded(name: &str, files: Vec<(String, String)>) -> Option<Self> {
        let mut files = files.into_iter();
        let (_, text) = files.next()?;
        let (recipes, drivers): (Vec<_>, Vec<_>) = files.partition(|(name, _)| name.starts_with("recipes/"));
        let bare = |folder: &str, files: Vec<(String, String)>| -> Vec<(String, String)> {
            let files = files.into_iter();
            files
                .map(|(name, text)| (name.trim_start_matches(folder).to_owned(), text))
                .collect()
        };
        Some(Self {
            name: name.to_owned(),
            text,
            drivers: bare("drivers/", drivers),
            recipes: bare("recipes/", recipes),
        })
    }

    /// The example plant that comes with the program.
    pub fn example() -> Self {
        Self {
            name: "config/steelyard.toml".into(),
            text: EXAMPLE.into(),
            drivers: Vec::new(),
            recipes: vec![("hand-cream.toml".into(), EXAMPLE_RECIPE.into())],
        }
    }

    /// The text of one of the files, by the name a complaint gives it.
    pub fn text_of(&self, file: &str) -> Option<&str> {
        if file == self.name {
            return Some(&self.text);
        }
        let driver = self
            .drivers
            .iter()
            .find(|(name, _)| library::file_name(name) == file);
        let recipe = || self.recipes.iter().find(|(name, _)| recipe_name(name) == file);
        driver.or_else(recipe).map(|(_, text)| text.as_str())
    }

    /// A complaint about one of these files in words.
    pub fn render(&self, complaint: &Complaint) -> String {
        render(complaint, self.text_of(&complaint.file))
    }
}

/// The example plant, word for word.
pub const EXAMPLE: &str = include_str!("../../config/steelyard.toml");
/// The recipe of the example plant, word for word.
pub const EXAMPLE_RECIPE: &str = include_str!("../../config/recipes/hand-cream.toml");

/// A recipe's file as the record and the messages name it.
pub fn recipe_name(file: &str) -> String {
    format!("recipes/{file}")
}

/// The directory of recipes that a configuration names, even where the rest of it is not in order.
pub fn recipes_of(text: &str) -> Option<std::path::PathBuf> {
    let (table, _) = DeTable::parse_recoverable(text);
    let gateway = table.get_ref().get("gateway")?.get_ref().as_table()?;
    Some(gateway.get("recipes")?.get_ref().as_str()?.into())
}

/// Reads a plant whole, or says everything that is wrong with its files.
pub fn read(source: Source) -> Result<Plant, Vec<Complaint>> {
    let library = Library::of(&source.drivers);
    let page = Page::new(&source.name, &source.text);
    let (table, slips) = DeTable::parse_recoverable(&source.text);
    if !slips.is_empty() {
        // what a broken line meant is a guess; complaints about guesses would bury the cause
        syntax::complain(&page, &slips);
        return Err(sorted(page.said().0));
    }
    let written = written::take_apart(&page, table.get_ref());
    let (recipes, wrong) = read_recipes(&source.recipes);
    let meant = resolve::resolve(&page, &written, &library, &recipes);
    let (used, mut complaints, mut warnings) = library.verdict(&written);
    let (said, looked_at) = page.said();
    complaints.extend(said);
    complaints.extend(wrong);
    warnings.extend(looked_at);
    if !complaints.is_empty() {
        return Err(sorted(complaints));
    }
    let name = source.name.rsplit('/').next().unwrap_or(&source.name).to_owned();
    let configuration = SourceFile {
        name,
        text: source.text.clone(),
        edition: None,
    };
    let mut plant = Plant {
        gateway: meant.gateway,
        record_store: meant.record_store,
        equipment: meant.equipment,
        units: meant.units,
        captures: meant.captures,
        stations: meant.stations,
        master: meant.master,
        signing: meant.signing,
        web: meant.web,
        signal: meant.signal,
        files: std::iter::once(configuration)
            .chain(used)
            .chain(recipes.iter().map(file_of))
            .collect(),
        recipes,
        warnings: Vec::new(),
    };
    for recipe in &plant.recipes {
        let (wrong, beside) = recipe::against(recipe, &plant);
        complaints.extend(wrong);
        warnings.extend(beside);
    }
    if !complaints.is_empty() {
        return Err(sorted(complaints));
    }
    plant.warnings = sorted(warnings);
    Ok(plant)
}

/// Every recipe that can be read, and what is wrong with those that cannot.
fn read_recipes(files: &[(String, String)]) -> (Vec<Recipe>, Vec<Complaint>) {
    let (mut recipes, mut wrong) = (Vec::<Recipe>::new(), Vec::new());
    for (name, text) in files {
        match recipe::read(&recipe_name(name), text) {
            Ok(recipe) => {
                if let Some(before) = recipes.iter().find(|other| other.same_revision(&recipe)) {
                    let what = format!("{} rev {} is in two files", recipe.id, recipe.revision);
                    wrong.push(
                        Complaint::new("recipe-twice", what)
                            .file(&recipe.file)
                            .note(format!("the other file: {}", before.file))
                            .why("which of the two is meant would be a guess")
                            .help("keep one of them, or give the other its own revision"),
                    );
                }
                recipes.push(recipe);
            }
            Err(complaints) => wrong.extend(complaints),
        }
    }
    (recipes, wrong)
}

fn file_of(recipe: &Recipe) -> SourceFile {
    SourceFile {
        name: recipe.file.clone(),
        text: recipe.text.clone(),
        edition: None,
    }
}

/// The place of a key's value in a file, by its path of names: `["record_store", "key"]`. For what only
/// the machine can say about a file that is otherwise in order.
pub fn place_of(text: &str, names: &[&str]) -> Option<std::ops::Range<usize>> {
    let (table, _) = DeTable::parse_recoverable(text);
    let (last, blocks) = names.split_last()?;
    let mut table = table.get_ref();
    for name in blocks {
        table = table.get(*name)?.get_ref().as_table()?;
    }
    Some(table.get(*last)?.span())
}

/// By file, then by place: as a person reads. The same words about the same place are one cause.
fn sorted(mut complaints: Vec<Complaint>) -> Vec<Complaint> {
    complaints.sort_by_key(|complaint| {
        (
            complaint.file.clone(),
            complaint.marks.first().map_or(0, |(place, _)| place.start),
        )
    });
    complaints.dedup();
    complaints
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::{plant::*, *};
    use std::{path::PathBuf, time::Duration};

    fn accepted(source: &Source) -> Plant {
        read(source.clone()).unwrap_or_else(|complaints| {
            panic!(
                "{}",
                complaints
                    .iter()
                    .map(|complaint| source.render(complaint))
                    .collect::<String>()
            )
        })
    }

    /// The smallest plant: everything else is a default.
    const SMALL: &str = r#"
format = 1
[gateway]
name   = "line-3"
plant  = "Essen"
ledger = "/var/lib/steelyard/line-3.ledger"
[record_store]
broker = "mqtts://ebr.essen.example"
key    = "/etc/steelyard/record-store.jwk"
[equipment.TC-3105]
driver            = "tc200"
edition           = 2
modbus_tcp        = "10.30.4.15"
record_with_draft = true
[unit.MX-3]
kind  = "mixer"
roles = { product-temperature = "TC-3105.temperature" }
[[capture]]
at    = "MX-3"
what  = "TC-3105.temperature"
every = "5 s"
"#;

    fn small(with: &[(&str, &str)]) -> Source {
        let mut text = SMALL.to_owned();
        for (before, after) in with {
            assert!(text.contains(before), "{before}");
            text = text.replacen(before, after, 1);
        }
        Source {
            name: "/etc/steelyard/steelyard.toml".into(),
            text,
            drivers: Vec::new(),
            recipes: Vec::new(),
        }
    }

    #[test]
    fn the_example_plant_is_accepted_whole() {
        let plant = accepted(&Source::example());
        assert_eq!(
            (plant.units.len(), plant.equipment.len(), plant.captures.len()),
            (2, 3, 9)
        );
        let emulsify = plant
            .captures
            .iter()
            .find(|capture| capture.during.as_deref() == Some("emulsify"))
            .unwrap();
        let limits = emulsify.limits.as_ref().unwrap();
        assert_eq!(limits.low.as_ref().unwrap().to_string(), "70.0 °C");
        assert_eq!(limits.warn_high.as_ref().unwrap().to_string(), "74.0 °C");
        assert_eq!(
            (emulsify.pace, emulsify.missing_after),
            (Pace::Every(Duration::from_secs(5)), Duration::from_secs(15))
        );
        assert_eq!(
            plant.equipment["WT-3101"].calibrated_till.as_deref(),
            Some("2027-03-31")
        );
        assert_eq!(plant.files[0].text, EXAMPLE);
        let drivers: Vec<_> = plant.files[1..4]
            .iter()
            .map(|file| (file.name.as_str(), file.edition.is_some()))
            .collect();
        assert_eq!(
            drivers,
            [
                ("drivers/mixer-drive.toml", true),
                ("drivers/mt-sics-balance.toml", true),
                ("drivers/tc200.toml", true)
            ]
        );
        assert_eq!(plant.files[4].name, "recipes/hand-cream.toml");
        assert_eq!(plant.recipes[0].text, EXAMPLE_RECIPE);
    }

    #[test]
    fn what_is_not_written_has_the_value_of_the_manual() {
        let plant = accepted(&small(&[]));
        let gateway = &plant.gateway;
        assert_eq!((gateway.usage, gateway.zone.as_str()), (Use::Production, "UTC"));
        assert_eq!(
            gateway.signing_key,
            PathBuf::from("/var/lib/steelyard/signing.key")
        );
        assert_eq!(
            (
                gateway.page_bytes,
                gateway.segment_bytes,
                gateway.stop_capture_below
            ),
            (96 << 10, 64 << 20, 2 << 30)
        );
        assert_eq!(gateway.seal_within, Duration::from_secs(1));
        assert_eq!(gateway.clock_may_differ_by, Duration::from_millis(500));
        assert_eq!(gateway.settle, Duration::from_secs(5));
        let store = &plant.record_store;
        assert_eq!((store.topics.as_str(), store.window), ("steelyard", 64));
        assert!(!store.release_on_broker && !store.insecure_plaintext && !store.mqtt_version_3);
        let equipment = &plant.equipment["TC-3105"];
        assert_eq!(equipment.link, Link::ModbusTcp("10.30.4.15:502".into()));
        assert_eq!(
            (equipment.unit_id, equipment.title.as_str()),
            (Some(1), "TC-3105")
        );
        let unit = &plant.units[0];
        assert_eq!(
            (unit.title.as_str(), unit.lease, unit.without_step),
            ("MX-3", None, Duration::from_secs(60))
        );
        assert_eq!(
            (
                plant.captures[0].role.as_str(),
                plant.captures[0].during.as_deref()
            ),
            ("product-temperature", None)
        );
        assert_eq!(plant.web.listen, None);
    }

    #[test]
    fn equipment_is_asked_as_often_as_its_fastest_capture() {
        let every = |with: &[(&str, &str)]| accepted(&small(with)).equipment["TC-3105"].every;
        assert_eq!(every(&[]), Duration::from_secs(5));
        assert_eq!(every(&[("\"5 s\"", "\"change\"")]), Duration::from_secs(1));
        assert_eq!(
            every(&[("edition ", "every = \"500 ms\"\nedition ")]),
            Duration::from_millis(500)
        );
    }

    #[test]
    fn silence_is_an_entry_after_three_paces_and_at_least_three_seconds() {
        let missing = |pace: &str| accepted(&small(&[("\"5 s\"", pace)])).captures[0].missing_after;
        assert_eq!(missing("\"5 s\""), Duration::from_secs(15));
        assert_eq!(missing("\"500 ms\""), Duration::from_secs(3));
        assert_eq!(missing("\"reading\""), Duration::from_secs(3));
    }

    #[test]
    fn units_and_captures_stand_in_the_order_of_the_file() {
        let plant = accepted(&small(&[(
            "[[capture]]",
            "[unit.A-1]\nkind = \"tank\"\nroles = { zulu = \"TC-3105.setpoint\", alpha = \"TC-3105.output\" }\n[[capture]]",
        )]));
        assert_eq!(
            plant
                .units
                .iter()
                .map(|unit| unit.name.as_str())
                .collect::<Vec<_>>(),
            ["MX-3", "A-1"]
        );
        let roles: Vec<_> = plant.units[1]
            .roles
            .iter()
            .map(|(role, point)| format!("{role}={point}"))
            .collect();
        assert_eq!(roles, ["zulu=TC-3105.setpoint", "alpha=TC-3105.output"]);
    }

    #[test]
    fn a_sites_own_driver_overrides_the_one_that_came_with_the_program() {
        let (_, text) = driver::builtin()
            .iter()
            .find(|(file, _)| *file == "tc200.toml")
            .unwrap();
        let own = text.replacen("edition  = 2", "edition  = 3", 1);
        let mut source = small(&[("edition           = 2", "edition           = 3")]);
        source.drivers.push(("tc200.toml".into(), own.clone()));
        let plant = accepted(&source);
        assert_eq!(plant.equipment["TC-3105"].edition, 3);
        assert_eq!(
            plant.files[1],
            SourceFile {
                name: "drivers/tc200.toml".into(),
                text: own,
                edition: Some(3)
            }
        );
    }

    #[test]
    fn a_broken_driver_is_refused_where_it_is_used_and_only_mentioned_where_it_is_not() {
        let mut source = small(&[]);
        source
            .drivers
            .push(("half-done.toml".into(), "format = 1\n".into()));
        assert!(!accepted(&source).warnings.is_empty());
        source.drivers.push(("tc200.toml".into(), "format = 1\n".into()));
        let complaints = read(source).unwrap_err();
        assert!(
            complaints
                .iter()
                .all(|complaint| complaint.file == "drivers/tc200.toml"),
            "{complaints:?}"
        );
    }

    #[test]
    fn a_driver_whose_samples_disagree_records_nothing() {
        let (_, text) = driver::builtin()
            .iter()
            .find(|(file, _)| *file == "tc200.toml")
            .unwrap();
        let mut source = small(&[]);
        source.drivers.push((
            "tc200.toml".into(),
            text.replacen("\"72.4 °C\"", "\"72.5 °C\"", 1),
        ));
        let complaints = read(source.clone()).unwrap_err();
        assert_eq!(
            complaints
                .iter()
                .map(|complaint| complaint.name)
                .collect::<Vec<_>>(),
            ["sample-disagrees"]
        );
        assert!(source.render(&complaints[0]).contains("--> drivers/tc200.toml:"));
    }

    #[test]
    fn what_somebody_should_look_at_is_said_though_nothing_is_refused() {
        let warned = |with: &[(&str, &str)]| {
            accepted(&small(with))
                .warnings
                .iter()
                .map(|warning| warning.name)
                .collect::<Vec<_>>()
        };
        assert_eq!(warned(&[]), ["records-with-draft"]);
        let plain = [(
            "\"mqtts://ebr.essen.example\"",
            "\"mqtt://ebr.essen.example\"\ninsecure_plaintext = true",
        )];
        assert_eq!(warned(&plain), ["broker-in-plaintext", "records-with-draft"]);
        let released = [(
            "key    = \"/etc/steelyard/record-store.jwk\"",
            "release_on = \"broker\"",
        )];
        assert_eq!(warned(&released), ["released-by-broker", "records-with-draft"]);
    }

    #[test]
    fn no_file_makes_the_reader_fall_over() {
        // every prefix of the example, and every line of it left out: answered, never a panic
        for (end, _) in EXAMPLE.char_indices().step_by(97) {
            let source = Source {
                text: EXAMPLE[..end].into(),
                ..Source::example()
            };
            if let Err(complaints) = read(source.clone()) {
                complaints
                    .iter()
                    .for_each(|complaint| drop(source.render(complaint)));
            }
        }
        let lines: Vec<&str> = EXAMPLE.lines().collect();
        for missing in 0..lines.len() {
            let text = lines
                .iter()
                .enumerate()
                .filter(|(number, _)| *number != missing)
                .map(|(_, line)| *line);
            let source = Source {
                text: text.collect::<Vec<_>>().join("\n"),
                ..Source::example()
            };
            if let Err(complaints) = read(source.clone()) {
                complaints
                    .iter()
                    .for_each(|complaint| drop(source.render(complaint)));
            }
        }
    }
}
