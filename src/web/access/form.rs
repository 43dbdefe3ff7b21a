//! What a form brings: its fields, once each. The guard has looked at its `form` member already.

use crate::web::Web;
use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use std::collections::BTreeMap;

/// The fields of a form.
pub(crate) struct Form(BTreeMap<String, String>);

impl Form {
    /// A field; empty where there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub(crate) fn of(body: &[u8]) -> Option<Self> {
        let pairs: Vec<(String, String)> = serde_urlencoded_like(body)?;
        let mut fields = BTreeMap::new();
        for (name, value) in pairs {
            // a field twice is nobody's form
            if fields.insert(name, value).is_some() {
                return None;
            }
        }
        Some(Self(fields))
    }
}

/// `a=b&c=d` with `%XX` and `+`.
fn serde_urlencoded_like(body: &[u8]) -> Option<Vec<(String, String)>> {
    body.split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let cut = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let value = pair.get(cut + 1..).unwrap_or_default();
            Some((decoded(&pair[..cut])?, decoded(value)?))
        })
        .collect()
}

fn decoded(text: &[u8]) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || (*rest.next()? as char).to_digit(16);
                (digit()? * 16 + digit()?) as u8
            }
            byte => *byte,
        });
    }
    String::from_utf8(out).ok()
}

impl FromRequest<Web> for Form {
    type Rejection = Response;

    async fn from_request(request: Request, web: &Web) -> Result<Self, Response> {
        let body = Bytes::from_request(request, web)
            .await
            .map_err(IntoResponse::into_response)?;
        Self::of(&body).ok_or_else(|| StatusCode::BAD_REQUEST.into_response())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_form_is_read_as_browsers_write_it() {
        let form = Form::of("name=p-17&secret=gr%C3%BCn+%26+blau%2B&to=%2F".as_bytes()).unwrap();
        assert_eq!(
            (
                form.get("name"),
                form.get("secret"),
                form.get("to"),
                form.get("x")
            ),
            ("p-17", "grün & blau+", "/", "")
        );
    }

    #[test]
    fn a_field_twice_a_broken_escape_or_no_text_is_no_form() {
        for body in ["a=1&a=2", "a=%4", "a=%zz", "a=%ff"] {
            assert!(Form::of(body.as_bytes()).is_none(), "{body}");
        }
    }
}
