//! Refusals as a script reads them, and the way to another page.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use record::Trouble;

/// A trouble in four parts, with the status it stands for.
pub(crate) fn refused(trouble: &Trouble) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    (status(trouble.name), json, words(trouble).to_string()).into_response()
}

/// The four parts of a trouble as JSON.
pub(crate) fn words(trouble: &Trouble) -> serde_json::Value {
    serde_json::json!({
        "answer": "refused",
        "because": trouble.name,
        "what": trouble.what,
        "where": trouble.place,
        "record": trouble.record,
        "do": trouble.action,
    })
}

pub(crate) fn status(name: &str) -> StatusCode {
    match name {
        "not-signed-in" | "not-proven" | "screen-locked" | "badge-over" => StatusCode::UNAUTHORIZED,
        "account-locked" | "too-often" => StatusCode::TOO_MANY_REQUESTS,
        "not-allowed" | "not-a-panel" | "another-station" | "pen-elsewhere" | "form-not-ours"
        | "same-person" | "another-person" | "password-to-change" | "badge-needs-panel"
        | "panel-code-wrong" | "method-too-weak" => StatusCode::FORBIDDEN,
        "ended" => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// Go there, by GET.
pub(crate) fn redirect(to: &str) -> Response {
    let to = HeaderValue::try_from(to).unwrap_or_else(|_| HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response()
}
