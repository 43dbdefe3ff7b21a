//! A driver file as written: tables with places, every complaint collected, no key left unread.
//! It never stops at the first mistake, and it never accepts a key it does not know.

use crate::Complaint;
use std::{
    cell::{Cell, RefCell},
    ops::Range,
    time::Duration,
};
use toml::de::{DeTable, DeValue};

/// Something written, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct At<T> {
    pub(crate) what: T,
    pub(crate) span: Range<usize>,
}

/// Collects complaints about one file.
pub(crate) struct Desk<'a> {
    file: &'a str,
    text: &'a str,
    complaints: RefCell<Vec<Complaint>>,
}

impl<'a> Desk<'a> {
    pub(crate) fn new(file: &'a str, text: &'a str) -> Self {
        Self {
            file,
            text,
            complaints: RefCell::default(),
        }
    }

    pub(crate) fn complain(&self, complaint: Complaint) {
        self.complaints.borrow_mut().push(complaint.file(self.file));
    }

    pub(crate) fn source(&self, span: Range<usize>) -> &'a str {
        self.text.get(span).unwrap_or_default()
    }

    /// All of them in the order of the file; one cause gives one complaint.
    pub(crate) fn into_complaints(self) -> Vec<Complaint> {
        let mut complaints = self.complaints.into_inner();
        complaints.sort_by_key(place);
        for mistyped in complaints
            .clone()
            .iter()
            .filter(|complaint| complaint.name == "unknown-key")
        {
            // a key that is missing and stands there mistyped is one mistake; the mistyped place says more
            let same = |missing: &Complaint| {
                let (Some((of, _)), Some((at, _))) = (
                    missing.what.split_once(" has no "),
                    mistyped.what.split_once(" has no "),
                ) else {
                    return false;
                };
                let key = missing.what.rsplit(' ').next().unwrap_or_default();
                missing.name == "missing-key"
                    && of == at
                    && place(missing) <= place(mistyped)
                    && mistyped.help == format!("did you mean {key}?")
            };
            if let Some(at) = complaints.iter().rposition(same) {
                complaints.remove(at);
            }
        }
        complaints
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.complaints.borrow().is_empty()
    }
}

fn place(complaint: &Complaint) -> usize {
    complaint.marks.first().map_or(0, |(span, _)| span.start)
}

/// One table of the file.
pub(crate) struct Block<'a> {
    desk: &'a Desk<'a>,
    table: &'a DeTable<'a>,
    /// How a person names it: `[driver]`, `[measure.weight]`, "this point".
    pub(crate) name: String,
    pub(crate) span: Range<usize>,
    asked: RefCell<Vec<&'static str>>,
    open: Cell<bool>,
}

impl<'a> Block<'a> {
    pub(crate) fn new(
        desk: &'a Desk<'a>,
        table: &'a DeTable<'a>,
        name: impl Into<String>,
        span: Range<usize>,
    ) -> Self {
        Self {
            desk,
            table,
            name: name.into(),
            span,
            asked: RefCell::default(),
            open: Cell::new(false),
        }
    }

    fn value(&self, key: &'static str) -> Option<(&'a DeValue<'a>, Range<usize>)> {
        self.asked.borrow_mut().push(key);
        self.table.get(key).map(|value| (value.get_ref(), value.span()))
    }

    /// The whole text of the key's value, if it is there.
    pub(crate) fn text(&self, key: &'static str) -> Option<At<String>> {
        let (value, span) = self.value(key)?;
        if let Some(text) = value.as_str() {
            Some(At {
                what: text.to_owned(),
                span,
            })
        } else {
            self.wrong_kind(key, "a text in quotes", value, span);
            None
        }
    }

    pub(crate) fn whole(&self, key: &'static str) -> Option<At<i64>> {
        let (value, span) = self.value(key)?;
        if let Some(what) = integer(value) {
            Some(At { what, span })
        } else {
            self.wrong_kind(key, "a whole number", value, span);
            None
        }
    }

    /// A whole number within bounds.
    pub(crate) fn number<T: TryFrom<i64>>(&self, key: &'static str, range: Range<i64>) -> Option<At<T>> {
        let At { what, span } = self.whole(key)?;
        let fits = range.contains(&what).then(|| T::try_from(what).ok()).flatten();
        if fits.is_none() {
            self.desk.complain(
                Complaint::new("number-out-of-range", format!("`{key}` cannot be {what}"))
                    .mark(span.clone(), format!("{} to {}", range.start, range.end - 1))
                    .help(format!(
                        "write a number from {} to {}",
                        range.start,
                        range.end - 1
                    )),
            );
        }
        fits.map(|what| At { what, span })
    }

    /// A span of time: `300 ms`, `5 s`, `2 min`.
    pub(crate) fn time(&self, key: &'static str) -> Option<Duration> {
        let At { what, span } = self.text(key)?;
        let time = duration(&what);
        if time.is_none() {
            self.desk.complain(
                Complaint::new("no-time", format!("{what:?} is no span of time"))
                    .mark(span, "a number and ms, s, min or h")
                    .help(format!("write for instance `{key} = \"300 ms\"`")),
            );
        }
        time
    }

    /// A pace: `5 per second`, `2 per minute`, `once per 5 min`; answered as the least time between two.
    pub(crate) fn pace(&self, key: &'static str) -> Option<Duration> {
        let At { what, span } = self.text(key)?;
        let pace = pace(&what);
        if pace.is_none() {
            self.desk.complain(
                Complaint::new("no-pace", format!("{what:?} is no pace"))
                    .mark(span, "a count per second, minute or hour")
                    .help(format!(
                        "write for instance `{key} = \"5 per second\"` or \"once per 5 min\""
                    )),
            );
        }
        pace
    }

    /// Text that must be there.
    pub(crate) fn need_text(&self, key: &'static str) -> At<String> {
        let found = self.text(key);
        if found.is_none() && !self.table.contains_key(key) {
            self.missing(key);
        }
        found.unwrap_or(At {
            what: String::new(),
            span: self.span.clone(),
        })
    }

    /// Whether something holds.
    pub(crate) fn flag(&self, key: &'static str) -> Option<bool> {
        match self.value(key)? {
            (DeValue::Boolean(flag), _) => Some(*flag),
            (value, span) => {
                self.wrong_kind(key, "true or false", value, span);
                None
            }
        }
    }

    /// One of a few words.
    pub(crate) fn word<T: Clone>(&self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        let At { what, span } = self.text(key)?;
        let found = words
            .iter()
            .find(|(word, _)| *word == what)
            .map(|(_, meaning)| meaning.clone());
        if found.is_none() {
            let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.desk.complain(
                Complaint::new("no-such-word", format!("`{key}` cannot be {what:?}"))
                    .mark(span, format!("one of: {}", all.join(", ")))
                    .help(closest(&what, &all).map_or_else(
                        || format!("write one of: {}", all.join(", ")),
                        |near| format!("did you mean {near:?}?"),
                    )),
            );
        }
        found
    }

    pub(crate) fn missing(&self, key: &'static str) {
        self.desk.complain(
            Complaint::new("missing-key", format!("{} has no `{key}`", self.name))
                .mark(self.span.clone(), format!("`{key}` is missing here"))
                .help(format!(
                    "add `{key} = …`; docs/reference/driver.md says what it means"
                )),
        );
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    pub(crate) fn is_table(&self, key: &str) -> bool {
        self.table
            .get(key)
            .is_some_and(|value| value.get_ref().is_table())
    }

    /// The table under a key.
    pub(crate) fn block(&self, key: &'static str, name: impl Into<String>) -> Option<Block<'a>> {
        let (value, span) = self.value(key)?;
        if let Some(table) = value.as_table() {
            Some(Block::new(self.desk, table, name, span))
        } else {
            self.wrong_kind(key, "a table", value, span);
            None
        }
    }

    /// A list of tables: `[[read]]`, or `points = [ {…}, {…} ]`.
    pub(crate) fn blocks(&self, key: &'static str, name: &str) -> Vec<Block<'a>> {
        let Some((value, span)) = self.value(key) else {
            return Vec::new();
        };
        let Some(array) = value.as_array() else {
            self.wrong_kind(key, "a list of tables", value, span);
            return Vec::new();
        };
        let mut blocks = Vec::new();
        for item in array {
            match item.get_ref().as_table() {
                Some(table) => blocks.push(Block::new(self.desk, table, name, item.span())),
                None => self.wrong_kind(key, "a list of tables", item.get_ref(), item.span()),
            }
        }
        blocks
    }

    /// Texts: one, or a list of them.
    pub(crate) fn texts(&self, key: &'static str) -> Vec<At<String>> {
        let Some((value, span)) = self.value(key) else {
            return Vec::new();
        };
        match value {
            DeValue::String(text) => vec![At {
                what: text.to_string(),
                span,
            }],
            DeValue::Array(array) => {
                let mut texts = Vec::new();
                for item in array {
                    match item.get_ref().as_str() {
                        Some(text) => texts.push(At {
                            what: text.to_owned(),
                            span: item.span(),
                        }),
                        None => self.wrong_kind(key, "a list of texts", item.get_ref(), item.span()),
                    }
                }
                texts
            }
            other => {
                self.wrong_kind(key, "a text or a list of texts", other, span);
                Vec::new()
            }
        }
    }

    /// Whole numbers in a list.
    pub(crate) fn numbers(&self, key: &'static str) -> Vec<At<i64>> {
        let Some((value, span)) = self.value(key) else {
            return Vec::new();
        };
        let Some(array) = value.as_array() else {
            self.wrong_kind(key, "a list of whole numbers", value, span);
            return Vec::new();
        };
        let mut numbers = Vec::new();
        for item in array {
            match integer(item.get_ref()) {
                Some(what) => numbers.push(At {
                    what,
                    span: item.span(),
                }),
                None => self.wrong_kind(key, "a list of whole numbers", item.get_ref(), item.span()),
            }
        }
        numbers
    }

    /// Names the driver chooses itself, each with a text: `{ G = "g", K = "kg" }`.
    pub(crate) fn named_texts(&self, key: &'static str) -> Vec<(At<String>, At<String>)> {
        let Some(block) = self.block(key, key) else {
            return Vec::new();
        };
        block
            .names()
            .into_iter()
            .filter_map(|(name, value, span)| {
                if let Some(text) = value.as_str() {
                    Some((
                        name,
                        At {
                            what: text.to_owned(),
                            span,
                        },
                    ))
                } else {
                    block.wrong_kind(&name.what, "a text in quotes", value, span);
                    None
                }
            })
            .collect()
    }

    /// Names the driver chooses itself, each with a whole number.
    pub(crate) fn named_numbers(&self, key: &'static str) -> Vec<(At<String>, At<i64>)> {
        let Some(block) = self.block(key, key) else {
            return Vec::new();
        };
        block
            .names()
            .into_iter()
            .filter_map(|(name, value, span)| {
                if let Some(number) = integer(value) {
                    Some((name, At { what: number, span }))
                } else {
                    block.wrong_kind(&name.what, "a whole number", value, span);
                    None
                }
            })
            .collect()
    }

    /// Every name with its value, in the order written; the block is then read whole.
    pub(crate) fn names(&self) -> Vec<(At<String>, &'a DeValue<'a>, Range<usize>)> {
        self.open.set(true);
        let mut names: Vec<_> = self
            .table
            .iter()
            .map(|(key, value)| {
                (
                    At {
                        what: key.get_ref().to_string(),
                        span: key.span(),
                    },
                    value.get_ref(),
                    value.span(),
                )
            })
            .collect();
        names.sort_by_key(|(name, _, _)| name.span.start);
        names
    }

    /// The tables under names the driver chooses itself: `[measure.weight]`.
    pub(crate) fn named_blocks(&self, key: &'static str) -> Vec<(At<String>, Block<'a>)> {
        let Some(block) = self.block(key, key) else {
            return Vec::new();
        };
        block
            .names()
            .into_iter()
            .filter_map(|(name, value, span)| {
                if let Some(table) = value.as_table() {
                    let title = format!("[{key}.{}]", name.what);
                    let span = span.start.min(name.span.start)..span.end;
                    Some((name, Block::new(self.desk, table, title, span)))
                } else {
                    block.wrong_kind(&name.what, "a table", value, span);
                    None
                }
            })
            .collect()
    }

    pub(crate) fn wrong_kind(&self, key: &str, wanted: &str, found: &DeValue<'_>, span: Range<usize>) {
        self.desk.complain(
            Complaint::new("wrong-kind", format!("`{key}` must be {wanted}"))
                .mark(span, format!("this is {}", kind_in_words(found)))
                .help(format!("write {wanted}")),
        );
    }

    /// Says which keys nobody asked for. Call it when the block has been read.
    pub(crate) fn finish(&self) {
        if self.open.get() {
            return;
        }
        let asked = self.asked.borrow();
        #[cfg(test)]
        watched::add(&self.name, &asked);
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            if asked.contains(&name) {
                continue;
            }
            let mut all: Vec<&str> = asked.clone();
            all.sort_unstable();
            all.dedup();
            self.desk.complain(
                Complaint::new("unknown-key", format!("{} has no key `{name}`", self.name))
                    .mark(key.span(), "not known here")
                    .why("a key that is not understood could change the meaning of a value")
                    .help(closest(name, &all).map_or_else(
                        || format!("known here: {}", all.join(", ")),
                        |near| format!("did you mean `{near}`?"),
                    )),
            );
        }
    }

    pub(crate) fn desk(&self) -> &'a Desk<'a> {
        self.desk
    }
}

pub(crate) fn integer(value: &DeValue<'_>) -> Option<i64> {
    let number = value.as_integer()?;
    i64::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok()
}

fn kind_in_words(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// `300 ms`, `5 s`, `2 min`, `1 h`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.split_once(' ')?;
    let number: u64 = number.parse().ok()?;
    let ms = match unit {
        "ms" => number,
        "s" => number.checked_mul(1000)?,
        "min" => number.checked_mul(60_000)?,
        "h" => number.checked_mul(3_600_000)?,
        _ => return None,
    };
    Some(Duration::from_millis(ms))
}

fn pace(text: &str) -> Option<Duration> {
    let (count, per) = text.split_once(" per ")?;
    if count == "once" {
        return match per {
            "second" => duration("1 s"),
            "minute" => duration("1 min"),
            "hour" => duration("1 h"),
            other => duration(other),
        };
    }
    let count: u32 = count.parse().ok().filter(|count| *count > 0)?;
    let whole = match per {
        "second" => Duration::from_secs(1),
        "minute" => Duration::from_mins(1),
        "hour" => Duration::from_hours(1),
        _ => return None,
    };
    Some(whole / count)
}

/// The word most like the one written, when it is like it at all.
pub(crate) fn closest<'w>(written: &str, words: &[&'w str]) -> Option<&'w str> {
    words
        .iter()
        .map(|word| (distance(written, word), *word))
        .filter(|(distance, word)| *distance * 3 <= word.chars().count().max(3))
        .min()
        .map(|(_, word)| word)
}

/// How many letters must change to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let here = row[j + 1];
            row[j + 1] = (before + usize::from(x != *y)).min(here + 1).min(row[j] + 1);
            before = here;
        }
    }
    row[b.len()]
}

/// Which keys the reader asked for in which block, so that the schema can be held against it.
#[cfg(test)]
pub(crate) mod watched {
    use std::cell::RefCell;

    thread_local! {
        static ASKED: RefCell<Option<Vec<(String, Vec<&'static str>)>>> = const { RefCell::new(None) };
    }

    pub(crate) fn start() {
        ASKED.with(|asked| *asked.borrow_mut() = Some(Vec::new()));
    }

    pub(super) fn add(block: &str, keys: &[&'static str]) {
        ASKED.with(|asked| {
            if let Some(all) = asked.borrow_mut().as_mut() {
                all.push((block.to_owned(), keys.to_vec()));
            }
        });
    }

    pub(crate) fn take() -> Vec<(String, Vec<&'static str>)> {
        ASKED.with(|asked| asked.borrow_mut().take()).unwrap_or_default()
    }
}
