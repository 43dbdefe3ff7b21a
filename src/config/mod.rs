//! Floor 2: the files as written become the plant as meant, or every complaint at once.
//!
//! Pure: the texts come in, the plant comes out. Reading the files is the business of `ports`.

mod block;
#[cfg(test)]
mod cases;
mod library;
mod near;
pub mod plant;
mod render;
mod resolve;
pub mod sentence;
mod syntax;
mod written;

pub use render::{place, render, render_warning};
pub use written::KEYS;

use block::Page;
use driver::Complaint;
use library::Library;
use plant::{Plant, SourceFile};
use toml::de::DeTable;

/// The files a plant is read from, as texts.
#[derive(Debug, Clone)]
pub struct Source {
    /// As a person would name it in a message: `config/steelyard.toml`.
    pub name: String,
    pub text: String,
    /// The site's own drivers: file name (`tc200.toml`) and text. They add to and override the built-in ones.
    pub drivers: Vec<(String, String)>,
}

impl Source {
    /// The example plant that comes with the program.
    pub fn example() -> Self {
        Self { name: "config/steelyard.toml".into(), text: EXAMPLE.into(), drivers: Vec::new() }
    }

    /// The text of one of the files, by the name a complaint gives it.
    pub fn text_of(&self, file: &str) -> Option<&str> {
        if file == self.name {
            return Some(&self.text);
        }
        let driver = self.drivers.iter().find(|(name, _)| library::site_name(name) == file);
        driver.map(|(_, text)| text.as_str())
    }

    /// A complaint about one of these files in words.
    pub fn render(&self, complaint: &Complaint) -> String {
        render(complaint, self.text_of(&complaint.file))
    }
}

/// The example plant, word for word.
pub const EXAMPLE: &str = include_str!("../../config/steelyard.toml");

/// Reads a plant whole, or says everything that is wrong with its files.
pub fn read(source: Source) -> Result<Plant, Vec<Complaint>> {
    let library = Library::of(&source.drivers);
    let page = Page::new(&source.name, &source.text);
    let (table, slips) = DeTable::parse_recoverable(&source.text);
    if !slips.is_empty() {
        // what a broken line meant is a guess; complaints about guesses would bury the cause
        syntax::complain(&page, &slips);
        return Err(sorted(page.complaints()));
    }
    let written = written::take_apart(&page, table.get_ref());
    let meant = resolve::resolve(&page, &written, &library);
    let (used, mut complaints, warnings) = library.verdict(&written);
    complaints.extend(page.complaints());
    if !complaints.is_empty() {
        return Err(sorted(complaints));
    }
    let name = source.name.rsplit('/').next().unwrap_or(&source.name).to_owned();
    let configuration = SourceFile { name, text: source.text.clone(), edition: None };
    Ok(Plant {
        gateway: meant.gateway,
        record_store: meant.record_store,
        equipment: meant.equipment,
        units: meant.units,
        captures: meant.captures,
        web: meant.web,
        files: std::iter::once(configuration).chain(used).collect(),
        warnings,
    })
}

/// By file, then by place: as a person reads. The same words about the same place are one cause.
fn sorted(mut complaints: Vec<Complaint>) -> Vec<Complaint> {
    complaints.sort_by_key(|complaint| (complaint.file.clone(), complaint.marks.first().map_or(0, |(place, _)| place.start)));
    complaints.dedup();
    complaints
}
