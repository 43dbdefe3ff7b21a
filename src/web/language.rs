//! `GET /language`: choose the language of this browser's screens. Kept in a cookie of the browser, nowhere else: the
//! record has its own words whatever a screen is read in.

use super::{
    Web, page,
    words::{Say, TONGUES, Tongue},
};
use axum::{
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::html;
use serde::Deserialize;

#[derive(Deserialize)]
pub(super) struct Wish {
    /// Where to go back to: a path of these screens.
    #[serde(default)]
    to: String,
    /// The language wished for; without it the languages are offered.
    #[serde(default)]
    code: String,
}

/// A year: a panel keeps its language.
const KEEPS_S: u32 = 31_536_000;

pub(super) async fn choose(State(web): State<Web>, Query(wish): Query<Wish>, headers: HeaderMap) -> Response {
    let to = if is_path(&wish.to) { wish.to.as_str() } else { "/" };
    match Tongue::named(&wish.code).filter(|_| !wish.code.is_empty()) {
        Some(tongue) => chosen(tongue, to),
        None => web.page(&headers, |page| {
            page::aside(
                page,
                Say::LanguageOfScreens,
                &html! {
                    div class="empty" {
                        h1 { (page.say(Say::LanguageOfScreens)) }
                        p { (page.say(Say::LanguageMeans)) }
                        form class="tongues" action="/language" method="get" {
                            input type="hidden" name="to" value=(to);
                            @for tongue in TONGUES {
                                button class="btn" name="code" value=(tongue.code) lang=(tongue.code)
                                    aria-current=[(tongue.code == page.tongue.code).then_some("true")] { (tongue.name) }
                            }
                        }
                    }
                },
            )
        }),
    }
}

fn chosen(tongue: &Tongue, to: &str) -> Response {
    let cookie = format!(
        "language={}; Path=/; Max-Age={KEEPS_S}; SameSite=Lax",
        tongue.code
    );
    let (Ok(cookie), Ok(to)) = (HeaderValue::try_from(cookie), HeaderValue::try_from(to)) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    (
        StatusCode::SEE_OTHER,
        [(header::SET_COOKIE, cookie), (header::LOCATION, to)],
    )
        .into_response()
}

/// A path on this gateway, and nothing that leads elsewhere (`//host`, `/\host`).
fn is_path(text: &str) -> bool {
    text.starts_with('/')
        && !text[1..].starts_with(['/', '\\'])
        && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::is_path;

    #[test]
    fn choosing_a_language_never_leads_to_another_host() {
        for path in ["/", "/dispense/D1", "/dispense/D1?x=1"] {
            assert!(is_path(path), "{path}");
        }
        for other in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\r\nb",
            "/ä",
        ] {
            assert!(!is_path(other), "{other}");
        }
    }
}
