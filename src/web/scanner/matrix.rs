//! A DataMatrix as a drawing: one path, black on white whatever the theme, with the quiet zone a reader needs.

use datamatrix::{DataMatrix, SymbolList};
use maud::{Markup, html};
use std::fmt::Write;

/// Modules of white around the symbol; the standard asks for one.
const QUIET: usize = 2;

/// The code as SVG; nothing where it is too long for any symbol.
pub(crate) fn plain(text: &str) -> Markup {
    DataMatrix::encode(text.as_bytes(), SymbolList::default().enforce_square())
        .map_or_else(|_| html! {}, |code| draw(&code, text))
}

/// A GS1 code: FNC1 first, group separators between its parts.
pub(crate) fn gs1(text: &str) -> Markup {
    DataMatrix::encode_gs1(text.as_bytes(), SymbolList::default().enforce_square())
        .map_or_else(|_| html! {}, |code| draw(&code, text))
}

fn draw(code: &DataMatrix, text: &str) -> Markup {
    let bitmap = code.bitmap();
    let (width, height) = (bitmap.width() + 2 * QUIET, bitmap.height() + 2 * QUIET);
    let mut path = String::new();
    for (x, y) in bitmap.pixels() {
        let _ = write!(path, "M{} {}h1v1h-1z", x + QUIET, y + QUIET);
    }
    let seen = text.replace('\u{1d}', "·");
    html! {
        svg class="matrix" viewBox=(format!("0 0 {width} {height}")) role="img" aria-label=(seen) shape-rendering="crispEdges" {
            rect width=(width) height=(height) fill="#fff" {}
            path d=(path) fill="#000" {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn what_is_drawn_reads_back_as_what_was_meant() {
        let text = "STEELYARD:CAPTURE";
        let svg = plain(text).into_string();
        let path = svg.split(" d=\"").nth(1).unwrap().split('"').next().unwrap();
        let width: usize = svg
            .split("viewBox=\"0 0 ")
            .nth(1)
            .unwrap()
            .split(' ')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        let inner = width - 2 * QUIET;
        let mut pixels = vec![false; inner * inner];
        for module in path.split('M').filter(|module| !module.is_empty()) {
            let mut places = module
                .split(['h', ' '])
                .take(2)
                .map(|n| n.parse::<usize>().unwrap() - QUIET);
            let (x, y) = (places.next().unwrap(), places.next().unwrap());
            pixels[y * inner + x] = true;
        }
        assert_eq!(DataMatrix::decode(&pixels, inner).unwrap(), text.as_bytes());
    }
}
