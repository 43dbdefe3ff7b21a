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

pub(crate) const SCALE: &str = "M12 3v18M7 21h10M4 7h16M12 5l-8 2-3 8h6L4 7m16 0-3 8h6l-3-8";
pub(crate) const SUN: &str = "M16.5 12a4.5 4.5 0 1 1-9 0 4.5 4.5 0 0 1 9 0M12 1.5v3M12 19.5v3M4.5 4.5l2 2M17.5 17.5l2 2M1.5 12h3M19.5 12h3M4.5 19.5l2-2M17.5 6.5l2-2";
pub(crate) const UNLINK: &str =
    "M8 12l-2.5 2.5a4 4 0 0 0 5.7 5.7L14 17.5M16 12l2.5-2.5a4 4 0 0 0-5.7-5.7L10 6.5M3 3l18 18";
pub(crate) const WAVE: &str = "M2 12h4l2.5-7 4 14 3-10 1.5 3h5";
pub(crate) const SEAL: &str =
    "M18.5 9.5a6.5 6.5 0 1 1-13 0 6.5 6.5 0 0 1 13 0M8.5 15.5 7 22l5-2.5L17 22l-1.5-6.5M9.3 9.6l2 2 3.4-3.8";
pub(crate) const DOWN: &str = "M12 3v12M7 10.5l5 5 5-5M4 20.5h16";
pub(crate) const FILE: &str = "M6 2.5h8l5 5v14H6zM14 2.5v5h5M9 13h7M9 17h7";
