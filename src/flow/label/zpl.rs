//! For a label printer: ZPL.

use super::Label;

pub fn write(_label: &Label) -> String {
    String::new()
}
