//! The few files beside the pages: compiled in, compressed once, told apart by their hash.

use axum::{
    body::Bytes,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha256};
use std::{io::Write, sync::LazyLock};

struct Asset {
    name: &'static str,
    media: &'static str,
    plain: &'static [u8],
    packed: Bytes,
    tag: HeaderValue,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    [
        (
            "steelyard.css",
            "text/css; charset=utf-8",
            include_bytes!("static/steelyard.css").as_slice(),
        ),
        (
            "still.css",
            "text/css; charset=utf-8",
            include_bytes!("static/still.css").as_slice(),
        ),
        (
            "steelyard.js",
            "text/javascript; charset=utf-8",
            include_bytes!("static/steelyard.js").as_slice(),
        ),
        (
            "people.css",
            "text/css; charset=utf-8",
            include_bytes!("static/people.css").as_slice(),
        ),
        (
            "people.js",
            "text/javascript; charset=utf-8",
            include_bytes!("static/people.js").as_slice(),
        ),
        (
            "station.css",
            "text/css; charset=utf-8",
            include_bytes!("static/station.css").as_slice(),
        ),
        (
            "station.js",
            "text/javascript; charset=utf-8",
            include_bytes!("static/station.js").as_slice(),
        ),
        (
            "mark.svg",
            "image/svg+xml",
            include_bytes!("static/mark.svg").as_slice(),
        ),
    ]
    .into_iter()
    .map(|(name, media, plain)| Asset {
        name,
        media,
        plain,
        packed: packed(plain),
        tag: tag(plain),
    })
    .collect()
});

/// The file of that name, or 304 when the browser has it, or `None`.
pub(crate) fn answer(name: &str, headers: &HeaderMap) -> Option<Response> {
    let asset = ASSETS.iter().find(|asset| asset.name == name)?;
    let says = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
            .unwrap_or_default()
    };
    let common = [
        (header::ETAG, asset.tag.clone()),
        // Asked again each time, answered with 304: an upgraded gateway never runs an old script.
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::VARY, HeaderValue::from_static("accept-encoding")),
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.media)),
    ];
    let tag = asset.tag.to_str().unwrap_or_default();
    if says(header::IF_NONE_MATCH)
        .split(',')
        .any(|known| known.trim().trim_start_matches("W/") == tag)
    {
        return Some((StatusCode::NOT_MODIFIED, common).into_response());
    }
    if says(header::ACCEPT_ENCODING)
        .split(',')
        .any(|kind| kind.trim() == "gzip")
    {
        let gzip = [(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"))];
        return Some((common, gzip, asset.packed.clone()).into_response());
    }
    Some((common, Bytes::from_static(asset.plain)).into_response())
}

fn packed(plain: &[u8]) -> Bytes {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    // Writing into memory cannot fail; an empty answer would show at once.
    let _ = gzip.write_all(plain);
    gzip.finish().unwrap_or_default().into()
}

fn tag(plain: &[u8]) -> HeaderValue {
    let hash = Sha256::digest(plain);
    let text = hash
        .iter()
        .take(12)
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    HeaderValue::try_from(format!("\"{text}\"")).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}
