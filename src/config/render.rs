//! Draws a complaint for a person: what, where with the place marked, why it matters, what to do.
//!
//! One renderer for all files people write (configuration, drivers, recipes). It only draws; it
//! never decides what is wrong. Readable without colour, aligned under any character.

use driver::Complaint;
use std::{collections::BTreeMap, fmt::Write, ops::Range};

/// Lines of the file shown per complaint: more would bury the one at fault.
const LINES_SHOWN: usize = 3;
/// Columns of a line shown; a longer line is cut around its mark.
const COLUMNS_SHOWN: usize = 110;
/// The complaint whose marked place is a secret.
const SECRET: &str = "secret-in-file";

/// The complaint in words. Without the text of the file the places are left out, their notes stay.
pub fn render(complaint: &Complaint, text: Option<&str>) -> String {
    draw("error", complaint, text)
}

/// The same for something a person should look at, though nothing is refused for it.
pub fn render_warning(warning: &Complaint, text: Option<&str>) -> String {
    draw("warning", warning, text)
}

/// Line and column of a byte offset, both from 1; columns count characters, as editors do.
pub fn place(text: &str, offset: usize) -> (usize, usize) {
    let offset = floor(text, offset);
    let before = &text[..offset];
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    (
        before.matches('\n').count() + 1,
        text[start..offset].chars().count() + 1,
    )
}

fn draw(kind: &str, complaint: &Complaint, text: Option<&str>) -> String {
    let marks = text.map_or_else(Vec::new, |text| located(complaint, text));
    let gutter = marks
        .iter()
        .take(LINES_SHOWN)
        .map(|mark| mark.line)
        .max()
        .unwrap_or(1)
        .to_string()
        .len()
        .max(2);
    let mut out = format!("{kind}[{}]: {}\n", complaint.name, complaint.what);
    if !complaint.file.is_empty() {
        let _ = write!(out, "{:gutter$}--> {}", "", complaint.file);
        if let Some(first) = marks.first() {
            let _ = write!(out, ":{}:{}", first.line, first.column);
        }
        out.push('\n');
    }
    let facts = notes(complaint, text.is_some());
    if let Some(text) = text.filter(|_| !marks.is_empty()) {
        snippet(&mut out, text, &marks, gutter, complaint.name == SECRET);
    }
    if !facts.is_empty() {
        let _ = writeln!(out, "{:gutter$} |", "");
        for fact in facts {
            let _ = writeln!(out, "{:gutter$} | {}", "", shown(&fact));
        }
    }
    if !marks.is_empty() || !complaint.notes.is_empty() {
        let _ = writeln!(out, "{:gutter$} |", "");
    }
    said(&mut out, "why", &complaint.why);
    said(&mut out, "do", &complaint.help);
    out
}

/// Facts in words; where the text is missing, what stood beside the marks joins them.
fn notes(complaint: &Complaint, text_at_hand: bool) -> Vec<String> {
    let beside = complaint
        .marks
        .iter()
        .filter(|(_, note)| !text_at_hand && !note.is_empty());
    beside
        .map(|(_, note)| note.clone())
        .chain(complaint.notes.iter().cloned())
        .collect()
}

fn said(out: &mut String, label: &str, words: &str) {
    for (number, line) in words.lines().enumerate() {
        let label = if number == 0 {
            format!("{label:>4}:")
        } else {
            "     ".to_owned()
        };
        let _ = writeln!(out, "{label} {}", shown(line));
    }
}

// ---------------------------------------------------------------- places

/// A mark with its line, its column, and what to underline in that line.
struct Mark<'a> {
    line: usize,
    column: usize,
    /// Byte range within the line.
    part: Range<usize>,
    note: &'a str,
    first: bool,
}

fn located<'a>(complaint: &'a Complaint, text: &str) -> Vec<Mark<'a>> {
    let marks = complaint.marks.iter().enumerate();
    marks
        .map(|(number, (span, note))| {
            let start = floor(text, span.start);
            let (line, column) = place(text, start);
            let line_start = text[..start].rfind('\n').map_or(0, |end| end + 1);
            let line_end = text[start..].find('\n').map_or(text.len(), |end| start + end);
            // a mark over several lines underlines the first: the eye goes where the trouble begins
            let end = floor(text, span.end).clamp(start, line_end);
            Mark {
                line,
                column,
                part: start - line_start..end - line_start,
                note,
                first: number == 0,
            }
        })
        .collect()
}

/// The nearest place at or before `offset` where a character begins.
fn floor(text: &str, offset: usize) -> usize {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

// ---------------------------------------------------------------- the snippet

fn snippet(out: &mut String, text: &str, marks: &[Mark], gutter: usize, hide: bool) {
    let mut lines: BTreeMap<usize, Vec<&Mark>> = BTreeMap::new();
    let mut left_out = Vec::new();
    for mark in marks {
        if lines.len() < LINES_SHOWN || lines.contains_key(&mark.line) {
            lines.entry(mark.line).or_default().push(mark);
        } else {
            left_out.push(mark.line.to_string());
        }
    }
    let _ = writeln!(out, "{:gutter$} |", "");
    let mut last = None;
    for (number, mut marks) in lines {
        if last.is_some_and(|last| number > last + 1) {
            let _ = writeln!(out, "{:.<gutter$}", "");
        }
        last = Some(number);
        marks.sort_by_key(|mark| mark.part.start);
        let whole = text
            .split('\n')
            .nth(number - 1)
            .unwrap_or("")
            .trim_end_matches('\r');
        let masked;
        let whole = if hide {
            masked = mask(whole, &marks);
            &masked
        } else {
            whole
        };
        let (line, cut) = window(whole, marks.first().map_or(0, |mark| mark.part.start));
        let _ = writeln!(out, "{number:>gutter$} | {}", line.trim_end());
        for mark in marks {
            let before = width(whole.get(..mark.part.start).unwrap_or(whole)).saturating_sub(cut);
            let long = width(whole.get(mark.part.clone()).unwrap_or("")).max(1);
            let long = long.min(COLUMNS_SHOWN.saturating_sub(before).max(1));
            let under = if mark.first { "^" } else { "-" }.repeat(long);
            let row = format!("{:gutter$} | {:before$}{under} {}", "", "", shown(mark.note));
            let _ = writeln!(out, "{}", row.trim_end());
        }
    }
    if !left_out.is_empty() {
        let _ = writeln!(out, "{:gutter$} | also in line {}", "", left_out.join(", "));
    }
}

/// Stars in place of what is marked: a message may end in a log, and a secret must not.
fn mask(line: &str, marks: &[&Mark]) -> String {
    let hidden = |at: usize| marks.iter().any(|mark| mark.part.contains(&at));
    // one byte for one byte, so that every mark still stands where it stood
    line.char_indices()
        .map(|(at, c)| {
            if hidden(at) {
                "*".repeat(c.len_utf8())
            } else {
                c.to_string()
            }
        })
        .collect()
}

/// A line as shown, and how many columns were cut from its left.
fn window(line: &str, mark: usize) -> (String, usize) {
    let line_width = width(line);
    let mark = width(line.get(..mark).unwrap_or(""));
    let cut = if line_width > COLUMNS_SHOWN && mark > COLUMNS_SHOWN * 2 / 3 {
        mark - COLUMNS_SHOWN / 3
    } else {
        0
    };
    let mut column = 0;
    let mut out = String::new();
    for c in line.chars() {
        let wide = columns(c);
        if column >= cut && column + wide <= cut + COLUMNS_SHOWN {
            push_shown(&mut out, c);
        } else if column < cut && column + wide > cut {
            // half of a wide character was cut away: a blank keeps the columns
            out.push_str(&" ".repeat(column + wide - cut));
        }
        column += wide;
    }
    (out, cut)
}

/// Text without anything that would move the cursor of a terminal.
fn shown(text: &str) -> String {
    let mut out = String::new();
    text.chars().for_each(|c| push_shown(&mut out, c));
    out
}

fn push_shown(out: &mut String, c: char) {
    match c {
        '\t' => out.push_str("    "),
        c if c.is_control() => out.push('\u{fffd}'),
        c => out.push(c),
    }
}

fn width(text: &str) -> usize {
    text.chars().map(columns).sum()
}

/// Columns of a character on a terminal: two for East Asian wide ones and pictures, none for
/// combining marks. Enough for tags, comments and units; not a typesetter.
fn columns(c: char) -> usize {
    match c as u32 {
        0x09 => 4,
        0x0300..=0x036f | 0x200b..=0x200f | 0x20d0..=0x20ff | 0xfe00..=0xfe0f | 0xfeff => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test that cannot go on should stop
    use super::*;

    fn at(text: &str, part: &str) -> Range<usize> {
        let start = text
            .find(part)
            .unwrap_or_else(|| panic!("{part:?} is not in the text"));
        start..start + part.len()
    }

    #[test]
    fn a_contradiction_shows_both_lines_and_what_to_do() {
        let text = format!(
            "{}must_be       = \"70.0 to 75.0 °C\"\nwarn_outside  = \"69.0 to 74.0 °C\"\n",
            "\n".repeat(50)
        );
        let complaint = Complaint::new(
            "warning-outside-limits",
            "the warning band reaches beyond the limits",
        )
        .file("config/steelyard.toml")
        .mark(at(&text, "69.0"), "1.0 °C below the lower limit")
        .mark(at(&text, "70.0"), "the lower limit")
        .why("at 69.5 °C the limit would be broken without a warning before it")
        .help("raise 69.0 °C to 70.0 °C or more, or lower `must_be`");
        assert_eq!(
            render(&complaint, Some(&text)),
            "\
error[warning-outside-limits]: the warning band reaches beyond the limits
  --> config/steelyard.toml:52:18
   |
51 | must_be       = \"70.0 to 75.0 °C\"
   |                  ---- the lower limit
52 | warn_outside  = \"69.0 to 74.0 °C\"
   |                  ^^^^ 1.0 °C below the lower limit
   |
 why: at 69.5 °C the limit would be broken without a warning before it
  do: raise 69.0 °C to 70.0 °C or more, or lower `must_be`
"
        );
    }

    #[test]
    fn facts_that_are_no_place_stand_under_the_snippet() {
        let text = "\n".repeat(46) + "[[sample]]\n";
        let complaint = Complaint::new(
            "sample-disagrees",
            "this driver does not give what its sample promises",
        )
        .file("drivers/tc200.toml")
        .mark(at(&text, "[[sample]]"), "")
        .note("promised  temperature = -5.0 °C")
        .note("gives     temperature = 6548.6 °C")
        .help("correct the sample\nnothing is recorded until the two agree");
        assert_eq!(
            render(&complaint, Some(&text)),
            "\
error[sample-disagrees]: this driver does not give what its sample promises
  --> drivers/tc200.toml:47:1
   |
47 | [[sample]]
   | ^^^^^^^^^^
   |
   | promised  temperature = -5.0 °C
   | gives     temperature = 6548.6 °C
   |
  do: correct the sample
      nothing is recorded until the two agree
"
        );
    }

    #[test]
    fn a_complaint_without_its_text_still_says_everything_it_knows() {
        let complaint = Complaint::new("no-such-zone", "there is no such zone")
            .file("a.toml")
            .mark(3..5, "here")
            .help("x");
        assert_eq!(
            render(&complaint, None),
            "error[no-such-zone]: there is no such zone\n  --> a.toml\n   |\n   | here\n  do: x\n"
        );
    }

    /// The column of the caret, and the character it stands under.
    fn under(text: &str, part: &str) -> (usize, String) {
        let complaint = Complaint::new("x", "x").file("f").mark(at(text, part), "");
        let drawn = render(&complaint, Some(text));
        let rows: Vec<&str> = drawn.lines().filter(|row| row.contains(" | ")).collect();
        let caret = rows[1].find('^').unwrap();
        let mut column = 0;
        for c in rows[0].chars() {
            if column == caret {
                return (caret, c.to_string());
            }
            column += columns(c);
        }
        (caret, String::new())
    }

    #[test]
    fn carets_stand_under_the_right_character_in_every_script() {
        let cases = [
            ("title = \"Rührwerk °C\" x", "x"),
            ("\ttitle = 1", "title"),
            ("# 温度 temperature", "temperature"),
            ("# e\u{301} accent", "accent"),
            ("a = 1 # 😀 smile", "smile"),
        ];
        for (text, part) in cases {
            let (column, found) = under(text, part);
            assert_eq!(
                found,
                part.chars().next().unwrap().to_string(),
                "{text:?} at {column}"
            );
        }
    }

    #[test]
    fn a_line_as_long_as_a_letter_is_cut_around_its_mark() {
        let text = format!("a = \"{}\" zz {}", "é".repeat(500), "y".repeat(500));
        let (_, found) = under(&text, "zz");
        assert_eq!(found, "z");
        let complaint = Complaint::new("x", "x").file("f").mark(at(&text, "zz"), "here");
        assert!(
            render(&complaint, Some(&text))
                .lines()
                .all(|line| line.chars().count() < 130)
        );
    }

    #[test]
    fn more_than_three_places_are_named_not_drawn() {
        let text = "a\nb\nc\nd\ne\n";
        let mut complaint = Complaint::new("x", "x").file("f");
        for part in ["a", "b", "c", "d", "e"] {
            complaint = complaint.mark(at(text, part), "");
        }
        let drawn = render(&complaint, Some(text));
        assert!(drawn.contains(" | also in line 4, 5\n"), "{drawn}");
        assert!(!drawn.contains(" 4 | d"), "{drawn}");
    }

    #[test]
    fn nothing_in_a_file_can_move_the_cursor() {
        let text = "a = \"\u{1b}[2J\u{7}\"";
        let complaint = Complaint::new("x", "x")
            .file("f")
            .mark(0..text.len(), "\u{1b}[31m");
        assert!(!render(&complaint, Some(text)).contains('\u{1b}'));
    }

    #[test]
    fn a_secret_is_pointed_at_and_not_shown() {
        let text = "broker = \"mqtts://line3:geheim@ebr\"";
        let complaint = Complaint::new("secret-in-file", "x")
            .file("f")
            .mark(at(text, "\"mqtts://line3:geheim@ebr\""), "");
        let drawn = render(&complaint, Some(text));
        assert!(
            drawn.contains("1 | broker = ****") && !drawn.contains("geheim"),
            "{drawn}"
        );
    }

    #[test]
    fn no_offset_is_out_of_reach() {
        for text in ["", "°", "a\r\nb", "\n\n"] {
            for start in 0..6 {
                for end in 0..6 {
                    #[allow(clippy::reversed_empty_ranges)]
                    let complaint = Complaint::new("x", "x").file("f").mark(start..end, "n");
                    assert!(
                        render(&complaint, Some(text)).contains("--> f:"),
                        "{text:?} {start}..{end}"
                    );
                }
            }
        }
    }
}
