//! Two cookies: the session of a person, and the secret of an enrolled panel. Neither is seen by a script, sent to
//! another site, or sent unencrypted (a browser takes this machine's own address as good).

use axum::http::{HeaderMap, HeaderValue, header};

pub(crate) const SESSION: &str = "__Host-steelyard-session";
pub(crate) const PANEL: &str = "__Host-steelyard-panel";

/// A panel keeps its secret until it is revoked; browsers keep no cookie longer than 400 days unrenewed.
const PANEL_S: u32 = 400 * 86_400;

/// The value of a cookie that came with a request.
pub(crate) fn taken(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
        .map(str::to_owned)
}

/// Sets a cookie, or takes it away with an empty value.
pub(crate) fn set(name: &str, value: &str) -> HeaderValue {
    let lasting = match (name, value) {
        (_, "") => "; Max-Age=0".to_owned(),
        (PANEL, _) => format!("; Max-Age={PANEL_S}"),
        // a session goes with its browser
        _ => String::new(),
    };
    HeaderValue::try_from(format!(
        "{name}={value}; Path=/; Secure; HttpOnly; SameSite=Strict{lasting}"
    ))
    .unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("x__Host-steelyard-session=evil; language=de"),
        );
        assert_eq!(taken(&headers, SESSION), None);
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("__Host-steelyard-session=abc;__Host-steelyard-panel=p"),
        );
        assert_eq!(taken(&headers, SESSION).as_deref(), Some("abc"));
        assert_eq!(taken(&headers, PANEL).as_deref(), Some("p"));
    }

    #[test]
    fn no_script_and_no_other_site_gets_a_cookie() {
        for (name, value) in [(SESSION, "v"), (PANEL, "v"), (SESSION, "")] {
            let cookie = set(name, value);
            for part in ["Secure", "HttpOnly", "SameSite=Strict", "Path=/"] {
                assert!(cookie.to_str().unwrap().contains(part), "{name}: {part}");
            }
        }
    }
}
