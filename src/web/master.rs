//! `PUT /master/{kind}`: orders, lots, containers, check weights and people, with the answer when they are captured.

use super::Web;
use crate::daemon::acts::{Asked, put_master::PutMaster};
use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};

/// The longest message that is looked at, and a little more, so that the refusal can say so.
pub(super) const LONGEST: usize = crate::flow::master::message::LONGEST + 1;

pub(super) async fn put(State(web): State<Web>, Path(kind): Path<String>, body: Bytes) -> Response {
    let put = PutMaster {
        kind,
        // What is no text is no JSON, and is refused as such by its reader.
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    let (status, text) = match web.act(Asked::to("put-master", &put)).await {
        Ok(reply) => (StatusCode::OK, reply),
        Err(trouble) => {
            let status = match trouble.name {
                "master-unknown-kind" => StatusCode::NOT_FOUND,
                "master-too-large" => StatusCode::PAYLOAD_TOO_LARGE,
                "master-not-understood" => StatusCode::BAD_REQUEST,
                _ => StatusCode::SERVICE_UNAVAILABLE,
            };
            let text = serde_json::json!({
                "answer": "refused", "because": trouble.name, "what": trouble.what, "where": trouble.place,
                "record": trouble.record, "do": trouble.action,
            });
            (status, text.to_string())
        }
    };
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}
