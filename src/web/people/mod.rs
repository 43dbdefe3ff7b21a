//! People at the screens: who they are, what they may change about themselves, and what a supervisor does for them.

pub(crate) mod accounts;
pub(crate) mod enrol;
pub(crate) mod password;
pub(crate) mod sign;
pub(crate) mod sign_in;

use super::{
    marks::{self, Shape, icon, shape},
    page::Page,
    words::Say,
};
use maud::{Markup, html};
use record::Trouble;

/// The head of a page with nothing around it: whose gateway this is.
fn brand(page: &Page) -> Markup {
    html! {
        div class="brand big" {
            (icon(marks::SCALE)) (page.say(Say::Steelyard))
            span class="where" { (page.board.gateway) @if !page.board.plant.is_empty() { " · " (page.board.plant) } }
        }
    }
}

/// What went wrong, in words.
fn wrong(trouble: Option<&Trouble>) -> Markup {
    html! {
        @if let Some(trouble) = trouble {
            div class="wrong" role="alert" data-trouble=(trouble.name) {
                (shape(Shape::Triangle))
                div { b { (capital(&trouble.what)) "." } " " (capital(&trouble.action)) "." }
            }
        }
    }
}

/// Sentences begin with a capital letter on screens.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A path of these screens; anything else is the line.
fn path_of(text: &str) -> &str {
    let inside = text.starts_with('/') && !text.starts_with("//") && !text.contains(['\\', '\r', '\n', '"']);
    if inside && text.is_ascii() { text } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::path_of;

    #[test]
    fn nobody_is_sent_elsewhere_after_signing_in() {
        for (text, to) in [
            ("/", "/"),
            ("/batch?b=1", "/batch?b=1"),
            ("", "/"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("/a\r\nset-cookie: x=y", "/"),
        ] {
            assert_eq!(path_of(text), to, "{text:?}");
        }
    }
}
