//! What other systems tell the gateway: context by a unit's authority, master data.

use crate::web::{
    access::{Route, Routes, Who},
    context, master,
};
use axum::routing::put;

pub(crate) const ROUTES: Routes = Routes(&[
    Route::new("PUT", "/context/{unit}", Who::Token, || put(context::put)).longest(context::LONGEST),
    Route::new("PUT", "/master/{kind}", Who::Here, || put(master::put)).longest(master::LONGEST),
]);
