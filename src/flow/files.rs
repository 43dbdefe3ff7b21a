//! Files in the ledger: contents as `file` entries, in parts that are sure to fit a line.

use super::enter::Enter;
use record::{Draft, Stamp};

const PART: usize = 30 * 1024;

/// Enters the contents of a file; of a batch where it is sealed with one.
pub fn enter_file(enter: &mut dyn Enter, name: &str, text: &str, batch: Option<&str>, time: Stamp) {
    let parts = parts(text, PART);
    for (at, part) in parts.iter().enumerate() {
        let mut draft = Draft::new("file", time);
        if let Some(batch) = batch {
            draft = draft.with("batch", batch);
        }
        let draft = draft
            .with("name", name)
            .with("part", at + 1)
            .with("of", parts.len());
        enter.enter(draft.data("text", *part));
    }
}

/// Text in parts whose escaped form is sure to fit a line, cut between characters.
fn parts(text: &str, most: usize) -> Vec<&str> {
    let (mut parts, mut begin, mut size) = (Vec::new(), 0, 0);
    for (at, letter) in text.char_indices() {
        let more = if (letter as u32) < 0x20 || letter == '"' || letter == '\\' {
            2
        } else {
            letter.len_utf8()
        };
        if size + more > most {
            parts.push(&text[begin..at]);
            (begin, size) = (at, 0);
        }
        size += more;
    }
    parts.push(&text[begin..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn parts_put_together_are_the_file() {
        let text = "° \"quoted\" and \\ more\n".repeat(50);
        for most in [7, 64, 1000] {
            let cut = parts(&text, most);
            assert_eq!(cut.concat(), text);
            assert!(cut.iter().all(|part| part.len() <= most));
        }
    }
}
