//! Marks and icons: every state has a shape and a word of its own, so that colour is never alone.

use maud::{Markup, html};

/// How loud something is. Grey is normal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it should be.
    Calm,
    /// Amber: look.
    Warn,
    /// Vermilion: act.
    Alarm,
    /// Violet: this can't be trusted.
    Data,
    /// Grey, and nothing is expected of it.
    Off,
}

impl Tone {
    /// The word the stylesheet and the live stream use.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Warn => "warn",
            Self::Alarm => "alarm",
            Self::Data => "data",
            Self::Off => "off",
        }
    }
}

/// The shape of a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Square with `!`: limit broken, refused, stopped.
    Square,
    /// Triangle with `!`: look.
    Triangle,
    /// Dashed ring with `?`: can't be trusted.
    Dashed,
    /// Ring with tick: as expected.
    Tick,
    /// Ring with dot: running.
    Dot,
    /// Ring with two bars: held.
    Bars,
    /// Ring: idle, waiting.
    Ring,
}

/// Draws a shape; the word beside it is the caller's.
pub(crate) fn shape(shape: Shape) -> Markup {
    let class = match shape {
        Shape::Square => "sh alarm",
        Shape::Triangle => "sh warn",
        Shape::Dashed => "sh data",
        Shape::Tick => "sh ok",
        Shape::Dot | Shape::Bars => "sh run",
        Shape::Ring => "sh todo",
    };
    html! {
        svg class=(class) viewBox="0 0 20 20" aria-hidden="true" {
            @match shape {
                Shape::Square => {
                    rect x="1" y="1" width="18" height="18" rx="2.5" {}
                    text class="gl" x="10" y="14.6" text-anchor="middle" { "!" }
                }
                Shape::Triangle => {
                    path d="M10 1.5 19 18H1z" stroke-linejoin="round" {}
                    text class="gl" x="10" y="16" text-anchor="middle" { "!" }
                }
                Shape::Dashed => {
                    circle cx="10" cy="10" r="8.2" {}
                    text class="gl" x="10" y="14" text-anchor="middle" { "?" }
                }
                Shape::Tick => {
                    circle cx="10" cy="10" r="8" {}
                    path d="M6 10.3l2.8 2.8L14 7.3" {}
                }
                Shape::Dot => {
                    circle cx="10" cy="10" r="7.5" {}
                    circle cx="10" cy="10" r="2" fill="currentColor" stroke="none" {}
                }
                Shape::Bars => {
                    circle cx="10" cy="10" r="7.5" {}
                    path d="M8 7v6M12 7v6" {}
                }
                Shape::Ring => circle cx="10" cy="10" r="7.5" {},
            }
        }
    }
}

/// An icon on the 24 px grid: lines only.
pub(crate) fn icon(path: &str) -> Markup {
    html! { svg class="ic" viewBox="0 0 24 24" aria-hidden="true" { path d=(path) {} } }
}

pub(crate) const PEN: &str = "M3 21l1-5L16.5 3.5l4 4L8 20zM13.5 6.5l4 4";
pub(crate) const SCALE: &str = "M12 3v18M7 21h10M4 7h16M12 5l-8 2-3 8h6L4 7m16 0-3 8h6l-3-8";
pub(crate) const SUN: &str = "M16.5 12a4.5 4.5 0 1 1-9 0 4.5 4.5 0 0 1 9 0M12 1.5v3M12 19.5v3M4.5 4.5l2 2M17.5 17.5l2 2M1.5 12h3M19.5 12h3M4.5 19.5l2-2M17.5 6.5l2-2";
pub(crate) const UNLINK: &str =
    "M8 12l-2.5 2.5a4 4 0 0 0 5.7 5.7L14 17.5M16 12l2.5-2.5a4 4 0 0 0-5.7-5.7L10 6.5M3 3l18 18";
pub(crate) const WAVE: &str = "M2 12h4l2.5-7 4 14 3-10 1.5 3h5";
pub(crate) const SEAL: &str =
    "M18.5 9.5a6.5 6.5 0 1 1-13 0 6.5 6.5 0 0 1 13 0M8.5 15.5 7 22l5-2.5L17 22l-1.5-6.5M9.3 9.6l2 2 3.4-3.8";
pub(crate) const DOWN: &str = "M12 3v12M7 10.5l5 5 5-5M4 20.5h16";
pub(crate) const FILE: &str = "M6 2.5h8l5 5v14H6zM14 2.5v5h5M9 13h7M9 17h7";
pub(crate) const TICK: &str = "M4 12.5l5.5 5.5L20 6.5";
pub(crate) const CROSS: &str = "M5 5l14 14M19 5 5 19";
pub(crate) const PAUSE: &str = "M8.5 5v14M15.5 5v14";
pub(crate) const ARROW_DOWN: &str = "M12 4v15M5.5 12.5 12 19l6.5-6.5";
pub(crate) const UP: &str = "M12 20V5M5.5 11.5 12 5l6.5 6.5";
pub(crate) const STILL: &str = "M3 17h18M6 17V9h12v8M12 9V5";
pub(crate) const ZERO: &str =
    "M17.5 12c0 4.7-2.5 8.5-5.5 8.5S6.5 16.7 6.5 12 9 3.5 12 3.5s5.5 3.8 5.5 8.5M8 18 16 6";
pub(crate) const WEIGHT: &str = "M4 20h16M6 20l1.5-11h9L18 20M9 9a3 3 0 0 1 6 0";
pub(crate) const OCTAGON: &str = "M8 2.5h8l5.5 5.5v8L16 21.5H8L2.5 16V8zM12 7v6M12 16.5v.2";
pub(crate) const PERSON: &str =
    "M16.2 8a4.2 4.2 0 1 1-8.4 0 4.2 4.2 0 0 1 8.4 0M3.5 21c.8-4.3 4.2-6.2 8.5-6.2s7.7 1.9 8.5 6.2";
pub(crate) const SCAN: &str = "M3 8V4h4M17 4h4v4M21 16v4h-4M7 20H3v-4M7 8v8M10 8v8M13 8v8M15 8v8M17.5 8v8";
pub(crate) const BACK: &str = "M20 12H5M11.5 5.5 5 12l6.5 6.5";
pub(crate) const PRINT: &str = "M7 8V3h10v5M7 17H3.5V8h17v9H17M7 14h10v7H7z";
pub(crate) const DELETE: &str = "M8 5h13v14H8l-6-7zM11.5 9.5l5 5M16.5 9.5l-5 5";
pub(crate) const CLOCK: &str = "M20.5 12a8.5 8.5 0 1 1-17 0 8.5 8.5 0 0 1 17 0M12 7v5l3.5 2";
pub(crate) const EYE: &str =
    "M2 12s3.6-6.5 10-6.5S22 12 22 12s-3.6 6.5-10 6.5S2 12 2 12M15 12a3 3 0 1 1-6 0 3 3 0 0 1 6 0";
pub(crate) const GLOBE: &str = "M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0M3 12h18M12 3c2.6 2.6 3.6 5.6 3.6 9s-1 6.4-3.6 9c-2.6-2.6-3.6-5.6-3.6-9s1-6.4 3.6-9";
pub(crate) const KEYBOARD: &str = "M2.5 6h19v12h-19zM6 10h.2M10 10h.2M14 10h.2M18 10h.2M7.5 14.5h9";
