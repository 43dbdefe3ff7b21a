//! `PUT /context/{unit}`: the unit's authority tells batch and step, and has its reply when that is captured.

use super::{Web, access::Visitor};
use crate::daemon::acts::{Asked, put_context::PutContext};
use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use record::Trouble;

/// The longest message that is looked at, and a little more, so that the refusal can say so.
pub(super) const LONGEST: usize = crate::flow::context::LONGEST + 1;

pub(super) async fn put(
    State(web): State<Web>,
    Path(unit): Path<String>,
    visitor: Visitor,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answered(ask(&web, unit, &visitor, &headers, &body).await)
}

async fn ask(
    web: &Web,
    unit: String,
    visitor: &Visitor,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<String, Trouble> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(str::to_owned);
    let put = PutContext {
        unit,
        // What is no text is no JSON, and is refused as such by its reader.
        body: String::from_utf8_lossy(body).into_owned(),
        token,
        from: visitor.from.to_string(),
    };
    web.act(Asked::to("put-context", &put)).await
}

fn answered(done: Result<String, Trouble>) -> Response {
    let (status, text) = match done {
        Ok(reply) => (status_of(&reply), reply),
        Err(trouble) => {
            let text = serde_json::json!({
                "answer": "refused",
                "because": trouble.name,
                "what": trouble.what,
                "where": trouble.place,
                "record": trouble.record,
                "do": trouble.action,
            });
            (status_named(trouble.name), text.to_string())
        }
    };
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}

fn status_of(reply: &str) -> StatusCode {
    let reply: serde_json::Value = serde_json::from_str(reply).unwrap_or_default();
    match reply["because"].as_str() {
        None => StatusCode::OK,
        Some(name) => status_named(name),
    }
}

fn status_named(name: &str) -> StatusCode {
    match name {
        "context-not-authorised" => StatusCode::UNAUTHORIZED,
        "context-not-its-authority" | "context-not-signed" => StatusCode::FORBIDDEN,
        "context-unknown-unit" => StatusCode::NOT_FOUND,
        "context-old" => StatusCode::CONFLICT,
        "context-too-large" => StatusCode::PAYLOAD_TOO_LARGE,
        "context-too-often" => StatusCode::TOO_MANY_REQUESTS,
        "context-not-understood" => StatusCode::BAD_REQUEST,
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}
