//! For a label printer: ZPL, at 8 dots a millimetre, on labels of 100 × 60 mm. The symbol goes as a picture: what is
//! printed is exactly what was made here, on every printer that speaks ZPL.

use super::{Label, symbol};
use std::fmt::Write;

const WIDTH: usize = 800;
const HEIGHT: usize = 480;
/// Dots for one module of the symbol: half a millimetre and more, for any scanner.
const MODULE: usize = 5;

/// The label as a printer takes it.
pub fn write(label: &Label) -> String {
    let mut zpl = format!("^XA^CI28^PW{WIDTH}^LL{HEIGHT}^LH0,0\n");
    let mut text = |x: usize, y: usize, size: usize, words: &str| {
        if !words.is_empty() {
            let _ = writeln!(zpl, "^FO{x},{y}^A0N,{size},{size}^FH_^FD{}^FS", plain(words));
        }
    };
    let mut y = 20;
    let mark = label.mark();
    if !mark.is_empty() {
        text(24, y, 40, &mark);
        y += 50;
    }
    text(24, y, 44, &label.title);
    text(24, y + 52, 26, &label.material);
    text(24, y + 90, 64, &label.net);
    let mut row = y + 172;
    for (name, words) in label.rows() {
        text(24, row, 22, name);
        text(150, row, 26, &words);
        row += 32;
    }
    if let Some(picture) = symbol::of(&label.code) {
        let (bytes, rows, hex) = picture.graphic(MODULE);
        let (x, size) = (WIDTH - bytes * 8 - 24, bytes * rows);
        let _ = writeln!(zpl, "^FO{x},{}^GFA,{size},{size},{bytes},{hex}^FS", y + 60);
    }
    if !mark.is_empty() {
        // Bars from edge to edge: no label of a training is taken for another one, however it is torn.
        for at in [4, HEIGHT - 12] {
            let _ = writeln!(zpl, "^FO0,{at}^GB{WIDTH},8,8^FS");
        }
    }
    zpl.push_str("^XZ\n");
    zpl
}

/// Text without what ZPL takes for a command; an underscore begins a byte in figures.
fn plain(words: &str) -> String {
    let mut out = String::new();
    for c in words.chars() {
        match c {
            '^' | '~' | '_' => {
                let _ = write!(out, "_{:02X}", c as u32);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{super::tests::label, *};

    #[test]
    fn nothing_on_a_label_is_taken_for_a_command() {
        let mut label = label("production");
        label.title = "A^XZ~HS_B".into();
        let zpl = write(&label);
        assert!(zpl.contains("A_5EXZ_7EHS_5FB"), "{zpl}");
        assert_eq!(zpl.matches("^XZ").count(), 1);
        assert!(zpl.starts_with("^XA") && zpl.ends_with("^XZ\n"));
    }

    #[test]
    fn a_label_of_a_training_looks_otherwise_and_says_so() {
        let zpl = write(&label("training"));
        assert!(zpl.contains("TRAINING"), "{zpl}");
        assert!(zpl.contains("^GB800"));
        assert!(!write(&label("production")).contains("^GB800"));
    }

    #[test]
    fn a_second_print_says_that_it_is_one() {
        let mut label = label("production");
        label.number = 3;
        assert!(write(&label).contains("PRINT 3"));
    }
}
