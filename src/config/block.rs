//! Blocks of a TOML file with the place of every word, and every complaint about them at once.
//!
//! Not serde: a derived reader stops at the first mistake, and this file is answered as a whole.
//! Each key that is asked for is known from then on; what nobody asked for is refused.

use super::{near::nearest, sentence::Slip};
use driver::Complaint;
use std::{cell::RefCell, ops::Range};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// The file being read, and what was found wrong in it so far.
pub(super) struct Page<'a> {
    pub(super) file: &'a str,
    pub(super) text: &'a str,
    complaints: RefCell<Vec<Complaint>>,
    warnings: RefCell<Vec<Complaint>>,
}

/// One `[block]`: where its header stands and what is in it.
pub(super) struct Block<'a> {
    pub(super) page: &'a Page<'a>,
    /// As written: `[equipment.WT-3101]`.
    pub(super) title: String,
    pub(super) place: Range<usize>,
    table: &'a DeTable<'a>,
    /// Every key of this kind of block, in the order of the reference.
    keys: &'static [&'static str],
}

impl<'a> Page<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self {
            file,
            text,
            complaints: RefCell::default(),
            warnings: RefCell::default(),
        }
    }

    /// Begins a complaint about this file; hand it to [`Page::add`].
    pub(super) fn add(&self, complaint: Complaint) {
        self.complaints.borrow_mut().push(complaint.file(self.file));
    }

    /// For what a person should look at, though nothing is refused for it.
    pub(super) fn warn(&self, warning: Complaint) {
        self.warnings.borrow_mut().push(warning.file(self.file));
    }

    /// Complaints and warnings.
    pub(super) fn said(self) -> (Vec<Complaint>, Vec<Complaint>) {
        (self.complaints.into_inner(), self.warnings.into_inner())
    }

    /// A slip inside a string value: marks the word, where the string stands in the file as it is meant.
    pub(super) fn slip(&self, slip: Slip, value: &Spanned<String>) {
        let at = self.inside(value, &slip.at);
        self.add(Complaint::new(slip.name, slip.what).mark(at, "").help(slip.help));
    }

    /// The place of a part of a string value. With escapes inside, the whole value is marked.
    pub(super) fn inside(&self, value: &Spanned<String>, part: &Range<usize>) -> Range<usize> {
        let span = value.span();
        let written = self.text.get(span.clone()).unwrap_or("");
        let inner = written.get(1..written.len().saturating_sub(1)).unwrap_or("");
        if inner != value.get_ref() || inner.is_empty() || part.is_empty() {
            return span;
        }
        span.start + 1 + part.start..span.start + 1 + part.end
    }
}

impl<'a> Block<'a> {
    /// Opens a block and refuses every key it does not have.
    pub(super) fn open(
        page: &'a Page<'a>,
        title: impl Into<String>,
        value: &'a Spanned<DeValue<'a>>,
        keys: &'static [&'static str],
    ) -> Option<Self> {
        let title = title.into();
        let DeValue::Table(table) = value.get_ref() else {
            let what = format!("{} is a block, this is {}", bare(&title), kind(value.get_ref()));
            page.add(
                Complaint::new("not-a-block", what)
                    .mark(value.span(), "")
                    .help(format!(
                        "write {title} on a line of its own, and its keys below it"
                    )),
            );
            return None;
        };
        let block = Self {
            page,
            title,
            place: value.span(),
            table,
            keys,
        };
        block.refuse_unknown();
        Some(block)
    }

    /// The file itself, as the outermost block.
    pub(super) fn whole(page: &'a Page<'a>, table: &'a DeTable<'a>, keys: &'static [&'static str]) -> Self {
        let block = Self {
            page,
            title: "this file".into(),
            place: 0..0,
            table,
            keys,
        };
        block.refuse_unknown();
        block
    }

    fn refuse_unknown(&self) {
        for key in self
            .table
            .keys()
            .filter(|key| !self.keys.contains(&key.get_ref().as_ref()))
        {
            let name = key.get_ref().as_ref();
            let meant = nearest(name, self.keys.iter().copied());
            let meant = meant.map_or_else(String::new, |meant| format!("did you mean `{meant}`?\n"));
            let what = format!("{} has no key `{name}`", self.title);
            let help = format!("{meant}keys of {}: {}", self.title, self.keys.join(", "));
            self.page.add(
                Complaint::new("unknown-key", what)
                    .mark(key.span(), "not a key of this block")
                    .why("a key that is not understood would be believed to do something")
                    .help(help),
            );
        }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The place of a key's name.
    pub(super) fn key_place(&self, key: &str) -> Range<usize> {
        let found = self.table.keys().find(|name| name.get_ref() == key);
        found.map_or_else(|| self.place.clone(), Spanned::span)
    }

    pub(super) fn value(&self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table.get(key)
    }

    /// The blocks under a key, `[unit.…]`, in the order of the file: name and what it holds.
    pub(super) fn blocks(&self, key: &str) -> Vec<(Spanned<String>, &'a Spanned<DeValue<'a>>)> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let DeValue::Table(table) = value.get_ref() else {
            let what = format!(
                "`{key}` holds blocks with names, this is {}",
                kind(value.get_ref())
            );
            let help = format!("write [{key}.NAME] on a line of its own, and its keys below it");
            self.page.add(
                Complaint::new("not-a-block", what)
                    .mark(value.span(), "")
                    .help(help),
            );
            return Vec::new();
        };
        in_order(table)
    }

    /// The blocks of a list, `[[capture]]`.
    pub(super) fn list(&self, key: &str) -> Vec<&'a Spanned<DeValue<'a>>> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let DeValue::Array(list) = value.get_ref() else {
            let what = format!("[[{key}]] is a list of blocks, this is {}", kind(value.get_ref()));
            let help = format!("write [[{key}]] with two brackets on each side, once for each {key}");
            self.page.add(
                Complaint::new("not-a-block", what)
                    .mark(value.span(), "")
                    .help(help),
            );
            return Vec::new();
        };
        list.iter().collect()
    }

    /// A text, where the key is there. An empty one is refused: it says nothing and looks like something.
    pub(super) fn text(&self, key: &str) -> Option<Spanned<String>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::String(text) if !text.trim().is_empty() => {
                Some(Spanned::new(value.span(), text.to_string()))
            }
            DeValue::String(_) => {
                let complaint = Complaint::new("empty-text", format!("`{key}` says nothing"));
                self.page.add(
                    complaint
                        .mark(value.span(), "")
                        .help("write a text between the quotes, or leave the key out"),
                );
                None
            }
            _ => self.wrong_kind(key, value, "a text in quotes"),
        }
    }

    /// A text that has to be there.
    /// A list of texts, where the key is there.
    pub(super) fn texts(&self, key: &str, example: &str) -> Vec<Spanned<String>> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let wrong = || {
            Complaint::new("wrong-kind", format!("`{key}` is a list of texts"))
                .help(format!("write for instance {key} = {example}"))
        };
        let DeValue::Array(list) = value.get_ref() else {
            self.page.add(wrong().mark(value.span(), ""));
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in list {
            match item.get_ref() {
                DeValue::String(text) => texts.push(Spanned::new(item.span(), text.to_string())),
                _ => self.page.add(wrong().mark(item.span(), "")),
            }
        }
        texts
    }

    pub(super) fn needed(&self, key: &'static str, example: &str) -> Option<Spanned<String>> {
        self.require(key, example);
        self.text(key)
    }

    /// Complains where the key is missing.
    pub(super) fn require(&self, key: &'static str, example: &str) {
        if !self.has(key) {
            let complaint = Complaint::new("missing-key", format!("{} needs the key `{key}`", self.title));
            self.page.add(
                complaint
                    .mark(self.place.clone(), "")
                    .help(format!("add a line like {key} = {example}")),
            );
        }
    }

    pub(super) fn flag(&self, key: &str) -> Option<Spanned<bool>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Boolean(flag) => Some(Spanned::new(value.span(), *flag)),
            _ => self.wrong_kind(key, value, "true or false, without quotes"),
        }
    }

    /// A whole number.
    pub(super) fn count(&self, key: &str) -> Option<Spanned<i64>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Integer(count) => {
                let number = i64::from_str_radix(count.as_str(), count.radix()).ok();
                let number = number.or_else(|| self.wrong_kind(key, value, "a whole number"))?;
                Some(Spanned::new(value.span(), number))
            }
            _ => self.wrong_kind(key, value, "a whole number, without quotes"),
        }
    }

    /// A date, kept as written.
    pub(super) fn date(&self, key: &str) -> Option<Spanned<String>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Datetime(date) if date.time.is_none() && date.offset.is_none() => {
                Some(Spanned::new(value.span(), date.to_string()))
            }
            _ => self.wrong_kind(key, value, "a date without quotes, like 2027-03-31"),
        }
    }

    /// A text that is read as a sentence.
    pub(super) fn sentence<T>(
        &self,
        key: &str,
        read: impl Fn(&str) -> Result<T, Slip>,
    ) -> Option<Spanned<T>> {
        let text = self.number_alone(key, &read).then(|| self.text(key)).flatten()?;
        match read(text.get_ref()) {
            Ok(meaning) => Some(Spanned::new(text.span(), meaning)),
            Err(slip) => {
                self.page.slip(slip, &text);
                None
            }
        }
    }

    /// Refuses a bare number where a sentence belongs, in the sentence's own words; true where it is none.
    fn number_alone<T>(&self, key: &str, read: &impl Fn(&str) -> Result<T, Slip>) -> bool {
        let Some(value) = self.value(key) else { return true };
        let (DeValue::Integer(_) | DeValue::Float(_)) = value.get_ref() else {
            return true;
        };
        let written = self.page.text.get(value.span()).unwrap_or("");
        let help = read(written).err().map_or_else(String::new, |slip| slip.help);
        let complaint = Complaint::new(
            "number-without-unit",
            format!("`{key}` needs a unit with its number"),
        );
        self.page.add(complaint.mark(value.span(), "").help(help));
        false
    }

    /// One word of a few.
    pub(super) fn word<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Option<Spanned<T>> {
        let text = self.text(key)?;
        if let Some((_, meaning)) = words.iter().find(|(word, _)| word == text.get_ref()) {
            return Some(Spanned::new(text.span(), *meaning));
        }
        let meant = nearest(text.get_ref(), words.iter().map(|(word, _)| *word));
        let meant = meant.map_or_else(String::new, |meant| format!("did you mean \"{meant}\"?\n"));
        let all = words
            .iter()
            .map(|(word, _)| format!("\"{word}\""))
            .collect::<Vec<_>>()
            .join(", ");
        let what = format!("`{key}` cannot be \"{}\"", text.get_ref());
        let complaint = Complaint::new("unknown-word", what).mark(text.span(), "");
        self.page
            .add(complaint.help(format!("{meant}`{key}` is one of {all}")));
        None
    }

    fn wrong_kind<T>(&self, key: &str, value: &Spanned<DeValue>, wanted: &str) -> Option<T> {
        let what = format!("`{key}` is {wanted}; this is {}", kind(value.get_ref()));
        self.page.add(
            Complaint::new("wrong-kind", what)
                .mark(value.span(), "")
                .help(format!("write {wanted}")),
        );
        None
    }
}

/// Names and values in the order of the file; the parser sorts them by name.
fn in_order<'a>(table: &'a DeTable<'a>) -> Vec<(Spanned<String>, &'a Spanned<DeValue<'a>>)> {
    let mut all: Vec<_> = table
        .iter()
        .map(|(name, value)| (Spanned::new(name.span(), name.get_ref().to_string()), value))
        .collect();
    all.sort_by_key(|(name, _)| name.span().start);
    all
}

fn bare(title: &str) -> &str {
    title.trim_matches(['[', ']'])
}

fn kind(value: &DeValue) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a block",
    }
}
