//! A label as a picture (PNG) and as a page (PDF), for a screen or an office printer.

use super::{Label, symbol};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref};

const WIDTH: usize = 800;
const HEIGHT: usize = 480;
const MODULE: usize = 6;
/// Points for one dot: 100 mm wide.
const WIDE: f32 = 283.46;
const HIGH: f32 = 170.08;

/// Dots in grey, white is 255.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    pub width: usize,
    pub height: usize,
    pub dots: Vec<u8>,
}

/// Draws a label.
pub fn draw(label: &Label) -> Picture {
    let mut picture = Picture {
        width: WIDTH,
        height: HEIGHT,
        dots: vec![255; WIDTH * HEIGHT],
    };
    let mut y = 20;
    let mark = label.mark();
    if !mark.is_empty() {
        picture.text(24, y, RasterHeight::Size32, FontWeight::Bold, &mark);
        picture.bar(4);
        picture.bar(HEIGHT - 12);
        y += 44;
    }
    picture.text(24, y, RasterHeight::Size32, FontWeight::Bold, &label.title);
    picture.text(
        24,
        y + 42,
        RasterHeight::Size24,
        FontWeight::Regular,
        &label.material,
    );
    picture.text(24, y + 84, RasterHeight::Size32, FontWeight::Bold, &label.net);
    let mut row = y + 136;
    for (name, words) in label.rows() {
        picture.text(24, row, RasterHeight::Size16, FontWeight::Regular, name);
        picture.text(140, row - 4, RasterHeight::Size24, FontWeight::Regular, &words);
        row += 32;
    }
    if let Some(symbol) = symbol::of(&label.code) {
        let (left, top) = (WIDTH - symbol.width * MODULE - 32, y + 52);
        for at in 0..symbol.height * MODULE {
            for across in 0..symbol.width * MODULE {
                if symbol.dark(across / MODULE, at / MODULE) {
                    picture.dot(left + across, top + at, 0);
                }
            }
        }
    }
    picture
}

impl Picture {
    fn dot(&mut self, x: usize, y: usize, grey: u8) {
        if x < self.width && y < self.height {
            self.dots[y * self.width + x] = grey;
        }
    }

    fn bar(&mut self, top: usize) {
        for y in top..top + 8 {
            for x in 0..self.width {
                self.dot(x, y, 0);
            }
        }
    }

    /// One line, cut where the symbol begins.
    fn text(&mut self, x: usize, y: usize, size: RasterHeight, weight: FontWeight, words: &str) {
        let wide = get_raster_width(weight, size);
        let room = (self.width - 260 - x) / wide;
        for (at, c) in words.chars().take(room).enumerate() {
            let drawn = get_raster(c, weight, size).or_else(|| get_raster('?', weight, size));
            let Some(drawn) = drawn else { continue };
            for (down, row) in drawn.rows().enumerate() {
                for (across, ink) in row.iter().enumerate() {
                    if *ink > 0 {
                        self.dot(x + at * wide + across, y + down, 255 - ink);
                    }
                }
            }
        }
    }

    /// As PNG.
    pub fn png(&self) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().ok()?;
        writer.write_image_data(&self.dots).ok()?;
        writer.finish().ok()?;
        Some(out)
    }

    /// As a page of the size of the label.
    pub fn pdf(&self) -> Vec<u8> {
        let [catalog, pages, page, image, content] = [1, 2, 3, 4, 5].map(Ref::new);
        let mut pdf = Pdf::new();
        pdf.catalog(catalog).pages(pages);
        pdf.pages(pages).kids([page]).count(1);
        let mut one = pdf.page(page);
        one.media_box(Rect::new(0.0, 0.0, WIDE, HIGH))
            .parent(pages)
            .contents(content);
        one.resources().x_objects().pair(Name(b"L"), image);
        one.finish();
        let packed = packed(&self.dots);
        let mut drawn = pdf.image_xobject(image, &packed);
        drawn.filter(Filter::FlateDecode);
        drawn.width(self.width as i32).height(self.height as i32);
        drawn.color_space().device_gray();
        drawn.bits_per_component(8);
        drawn.finish();
        let mut words = Content::new();
        words
            .transform([WIDE, 0.0, 0.0, HIGH, 0.0, 0.0])
            .x_object(Name(b"L"));
        pdf.stream(content, &words.finish());
        pdf.finish()
    }
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    // holds because writing to memory does not fail
    let _ = packer.write_all(bytes);
    packer.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::{super::tests::label, *};

    #[test]
    fn a_label_is_a_picture_and_a_page() {
        let picture = draw(&label("production"));
        let png = picture.png().unwrap();
        assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
        assert!(picture.pdf().starts_with(b"%PDF-"));
        assert_ne!(draw(&label("training")), picture, "they look different");
    }
}
