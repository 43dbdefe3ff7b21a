//! The GS1 DataMatrix of a label, as dots.

use crate::flow::gs1::Elements;
use datamatrix::{DataMatrix, SymbolList};
use std::fmt::Write;

/// A symbol with one dot for each module, dark is true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    pub width: usize,
    pub height: usize,
    dots: Vec<bool>,
}

/// The symbol of a code; None where it is longer than any symbol. FNC1 stands at its beginning, which makes it GS1; the
/// separator between elements is the character that GS1 allows in its place.
pub fn of(code: &Elements) -> Option<Symbol> {
    let squares = SymbolList::default().enforce_square();
    let made = DataMatrix::encode_gs1(code.carried().as_bytes(), squares).ok()?;
    let bitmap = made.bitmap();
    let (width, height) = (bitmap.width(), bitmap.height());
    Some(Symbol {
        width,
        height,
        dots: bitmap.bits().to_vec(),
    })
}

impl Symbol {
    pub fn dark(&self, x: usize, y: usize) -> bool {
        self.dots.get(y * self.width + x).copied().unwrap_or(false)
    }

    /// For a printer: bytes in a row, rows, and the dots in figures, each module so many dots wide.
    pub fn graphic(&self, module: usize) -> (usize, usize, String) {
        let bytes = (self.width * module).div_ceil(8);
        let mut hex = String::new();
        for y in 0..self.height * module {
            for byte in 0..bytes {
                let bits = (0..8).fold(0u8, |bits, bit| {
                    let x = byte * 8 + bit;
                    bits << 1 | u8::from(x < self.width * module && self.dark(x / module, y / module))
                });
                let _ = write!(hex, "{bits:02X}");
            }
        }
        (bytes, self.height * module, hex)
    }
}
