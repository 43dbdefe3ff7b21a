//! Lines that are no TOML, in our words where the parser's are jargon.

use super::block::Page;
use driver::Complaint;
use std::ops::Range;

pub(super) fn complain(page: &Page, slips: &[toml::de::Error]) {
    let mut header_twice = false;
    for slip in slips {
        let place = slip.span().unwrap_or(0..0);
        let header = is_header(line_at(page.text, place.start));
        if !slip.message().starts_with("duplicate key") {
            page.add(unreadable(page.text, slip.message(), place));
        } else if header || !header_twice {
            page.add(twice(page.text, place));
            // the keys under a header given twice clash as well; the header is the cause
            header_twice = header;
        }
    }
}

fn unreadable(text: &str, message: &str, place: Range<usize>) -> Complaint {
    let quote = text
        .get(..place.start)
        .and_then(|before| before.rfind(['\'', '"']));
    let (what, help) = if message.starts_with("string values must be quoted") {
        (
            "this text has no quotes around it".to_owned(),
            "put it in quotes: key = \"value\"",
        )
    } else if message.starts_with("invalid basic string") || message.starts_with("invalid literal string") {
        (
            "this text has no closing quote".to_owned(),
            "close the quote at the end of the text",
        )
    } else {
        (
            format!("this line cannot be read: {message}"),
            "write key = \"value\"; texts stand in quotes, blocks begin with [name]",
        )
    };
    let place = if place.is_empty() {
        quote.map_or(place.clone(), |quote| quote..place.end)
    } else {
        place
    };
    Complaint::new("not-toml", what).mark(place, "").help(help)
}

fn twice(text: &str, place: Range<usize>) -> Complaint {
    let name = text.get(place.clone()).unwrap_or("");
    let complaint = Complaint::new("given-twice", format!("{name} is given twice"))
        .mark(place.clone(), "the second time");
    let complaint = match first(text, name, place.start) {
        Some(first) => complaint.mark(first, "the first time"),
        None => complaint,
    };
    complaint.help("keep one of the two")
}

/// Where the same header, or the same key of the same block, stood before.
fn first(text: &str, name: &str, at: usize) -> Option<Range<usize>> {
    let line = line_at(text, at);
    let header = is_header(line);
    let begins = line.as_ptr() as usize - text.as_ptr() as usize;
    let mut end = begins;
    for before in text[..begins].split_inclusive('\n').rev() {
        end -= before.len();
        let same = if header {
            before.trim() == line.trim()
        } else {
            key_of(before) == Some(name)
        };
        if same {
            let start = end + before.find(name)?;
            return Some(start..start + name.len());
        }
        if !header && is_header(before) {
            return None;
        }
    }
    None
}

fn key_of(line: &str) -> Option<&str> {
    line.split_once('=').map(|(key, _)| key.trim())
}

fn is_header(line: &str) -> bool {
    line.trim_start().starts_with('[')
}

fn line_at(text: &str, at: usize) -> &str {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let end = text[at..].find('\n').map_or(text.len(), |end| at + end);
    &text[start..end]
}
