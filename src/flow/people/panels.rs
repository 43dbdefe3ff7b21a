//! Enrolled panels: the browsers at which may be captured, told apart by a secret each of them got once.
//!
//! A panel is enrolled by a person on the machine, with a code that is typed at the panel and works once. Codes live in
//! memory for a quarter of an hour; panels, the pens of stations and who sat where are rebuilt from entries.

use record::{Draft, Hash, Line, Stamp, Trouble};
use std::{collections::BTreeMap, fmt};

/// A browser that was enrolled.
#[derive(Clone, PartialEq, Eq)]
pub struct Panel {
    pub name: String,
    /// Where it stands, as the configuration names it.
    pub station: String,
    pub enrolled: Option<Stamp>,
    /// Hash of its secret; none before it was enrolled and after it was revoked.
    token: Option<Hash>,
}

impl fmt::Debug for Panel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Panel({} at {})", self.name, self.station)
    }
}

/// What is needed to let a browser become a panel.
#[derive(Clone)]
pub struct NewPanel {
    pub name: String,
    pub station: String,
    /// What will be typed there, made from randomness.
    pub code: String,
    pub by: String,
    pub reason: String,
}

#[derive(Clone)]
struct Code {
    hash: Hash,
    panel: String,
    by: String,
    until: Stamp,
    tries: u32,
}

/// Every panel this gateway knows.
#[derive(Clone, Default)]
pub struct Panels {
    panels: BTreeMap<String, Panel>,
    codes: Vec<Code>,
    /// Station and the panel that may write there.
    pens: BTreeMap<String, String>,
    /// Panel and who sat there last and has not signed out.
    sitting: BTreeMap<String, String>,
    version: u64,
}

impl fmt::Debug for Panels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.panels.values()).finish()
    }
}

/// Letters of a code: none that are taken for one another.
pub const CODE_LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const CODE_MS: i64 = 15 * 60 * 1000;
const CODE_TRIES: u32 = 5;

impl Panels {
    /// Takes in one full line of the ledger.
    pub fn recall(&mut self, line: &Line<'_>) {
        match line.kind() {
            "panel" => self.recall_panel(line),
            "access" => self.recall_access(line),
            _ => {}
        }
    }

    fn recall_panel(&mut self, line: &Line<'_>) {
        let Some(name) = line.text("panel") else { return };
        self.version += 1;
        match line.raw("state") {
            Some("revoked") => self.forget(&name),
            Some("enrolled") => {
                let words = |member: &str| line.data_text(member).unwrap_or_default();
                let panel = Panel {
                    name: name.clone(),
                    station: words("station"),
                    enrolled: line.text("time").and_then(|time| Stamp::read(&time)),
                    token: Hash::read(words("token").as_bytes()),
                };
                self.panels.insert(name, panel);
            }
            Some("pen") => {
                if let Some(station) = line.data_text("station") {
                    self.pens.insert(station, name);
                }
            }
            _ => {}
        }
    }

    fn recall_access(&mut self, line: &Line<'_>) {
        let (Some(panel), Some(person)) = (line.data_text("panel"), line.data_text("person")) else {
            return;
        };
        match line.raw("because") {
            Some("signed-in" | "resumed" | "handed-over") => self.sits(&panel, &person),
            Some("signed-out" | "session-over") => self.left(&panel),
            _ => {}
        }
    }

    fn forget(&mut self, name: &str) {
        self.panels.remove(name);
        self.codes.retain(|code| code.panel != name);
        self.pens.retain(|_, panel| panel != name);
        self.sitting.remove(name);
    }

    /// Panels in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Panel> {
        self.panels.values()
    }

    /// The panel of this name.
    pub fn find(&self, name: &str) -> Option<&Panel> {
        self.panels.get(name)
    }

    /// The panel whose secret this is.
    pub fn of_token(&self, token: &str) -> Option<&Panel> {
        let hash = Hash::of(token.as_bytes());
        self.panels.values().find(|panel| panel.token == Some(hash))
    }

    /// The panel that may write at a station.
    pub fn pen(&self, station: &str) -> Option<&str> {
        self.pens.get(station).map(String::as_str)
    }

    /// Who sat at a panel last and has not signed out.
    pub fn sitting(&self, panel: &str) -> Option<&str> {
        self.sitting.get(panel).map(String::as_str)
    }

    /// Rises with every change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Lets a browser become this panel with a code; the entry that says so.
    pub fn add(&mut self, new: &NewPanel, now: Stamp) -> Result<Draft, Trouble> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ' ');
        if new.name.is_empty()
            || new.name.len() > 64
            || !new.name.chars().all(plain)
            || new.name.trim() != new.name
        {
            return Err(refused(
                &new.name,
                "a panel's name holds letters, digits, blanks, - and _ only",
                "use a name that stands on the panel itself, such as booth-2-left",
            ));
        }
        if let Some(known) = self
            .panels
            .get(&new.name)
            .filter(|known| known.station != new.station)
        {
            return Err(refused(
                &new.name,
                &format!("a panel of this name stands at {}", known.station),
                "choose another name, or revoke that panel first with `steelyard panel revoke`",
            ));
        }
        self.codes
            .retain(|code| code.panel != new.name && now.ms_since(code.until) < 0);
        self.codes.push(Code {
            hash: Hash::of(written_out(&new.code).as_bytes()),
            panel: new.name.clone(),
            by: new.by.clone(),
            until: now.plus_ms(CODE_MS),
            tries: 0,
        });
        // the station is kept until the browser comes; a panel enrolled already keeps working until then
        self.panels.entry(new.name.clone()).or_insert_with(|| Panel {
            name: new.name.clone(),
            station: new.station.clone(),
            enrolled: None,
            token: None,
        });
        self.version += 1;
        Ok(Draft::new("panel", now)
            .with("panel", new.name.as_str())
            .with("state", "awaited")
            .data("station", new.station.as_str())
            .data("by", new.by.as_str())
            .data("reason", new.reason.as_str()))
    }

    /// Makes the browser that shows this code a panel, with the secret it will be known by; the entry that says so.
    /// An older browser of the same name is a panel no longer.
    pub fn enrol(
        &mut self,
        code: &str,
        token: &str,
        from: &str,
        now: Stamp,
    ) -> Result<(Panel, Draft), Trouble> {
        let hash = Hash::of(written_out(code).as_bytes());
        let wrong = || {
            Trouble::new("panel-code-wrong", "this code enrols no panel")
                .means("this browser may look, and captures nothing; the try is an entry")
                .so("type the code of `steelyard panel add` within 15 minutes; after five wrong ones it is void")
        };
        self.codes
            .retain(|code| now.ms_since(code.until) < 0 && code.tries < CODE_TRIES);
        let Some(at) = self.codes.iter().position(|code| code.hash == hash) else {
            self.codes.iter_mut().for_each(|code| code.tries += 1);
            return Err(wrong());
        };
        let code = self.codes.remove(at);
        let Some(panel) = self.panels.get_mut(&code.panel) else {
            return Err(wrong());
        };
        let token = Hash::of(token.as_bytes());
        (panel.token, panel.enrolled) = (Some(token), Some(now));
        self.version += 1;
        let draft = Draft::new("panel", now)
            .with("panel", panel.name.as_str())
            .with("state", "enrolled")
            .data("station", panel.station.as_str())
            .data("token", token.to_string())
            .data("by", code.by)
            .data("from", from);
        Ok((panel.clone(), draft))
    }

    /// Takes a panel's secret from it; the entry that says so.
    pub fn revoke(&mut self, name: &str, by: &str, reason: &str, now: Stamp) -> Result<Draft, Trouble> {
        if !self.panels.contains_key(name) {
            return Err(refused(
                name,
                "there is no panel of this name",
                "look with `steelyard panel list`",
            ));
        }
        self.forget(name);
        self.version += 1;
        Ok(Draft::new("panel", now)
            .with("panel", name)
            .with("state", "revoked")
            .data("by", by)
            .data("reason", reason))
    }

    /// Gives the pen of a station to one of its panels; the entry that says so, or none where it has it.
    pub fn take_pen(&mut self, name: &str, by: &str, now: Stamp) -> Result<Option<Draft>, Trouble> {
        let Some(panel) = self.panels.get(name) else {
            return Err(refused(
                name,
                "there is no panel of this name",
                "look with `steelyard panel list`",
            ));
        };
        let station = panel.station.clone();
        if self.pen(&station) == Some(name) {
            return Ok(None);
        }
        let before = self.pens.insert(station.clone(), name.to_owned());
        self.version += 1;
        Ok(Some(
            Draft::new("panel", now)
                .with("panel", name)
                .with("state", "pen")
                .data("station", station)
                .data("by", by)
                .data("before", before.unwrap_or_default()),
        ))
    }

    /// Somebody sits down at a panel.
    pub fn sits(&mut self, panel: &str, person: &str) {
        self.version += 1;
        self.sitting.insert(panel.to_owned(), person.to_owned());
    }

    /// Whoever sat at a panel has signed out.
    pub fn left(&mut self, panel: &str) {
        self.version += 1;
        self.sitting.remove(panel);
    }
}

/// A code as it is meant, however it was typed: without blanks and hyphens, in capitals.
fn written_out(code: &str) -> String {
    code.chars()
        .filter(|c| !matches!(c, ' ' | '-'))
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

fn refused(panel: &str, what: &str, action: &str) -> Trouble {
    Trouble::new("panel-refused", what)
        .at(panel)
        .means("no panel was added and none was changed")
        .so(action)
}
