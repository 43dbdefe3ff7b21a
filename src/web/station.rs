//! A dispensing station for its panel: what it shows as JSON and as a stream, and what is done there.

use super::Web;
use crate::{
    daemon::acts::{self, Asked},
    flow::station::view::{StationView, Watch},
};
use axum::{
    body::{Body, Bytes},
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures_core::Stream;
use record::Trouble;
use serde_json::{Map, Value};
use std::{
    convert::Infallible,
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
};
