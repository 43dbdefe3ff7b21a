//! People at the screens: signing in and out, a password of one's own, panels, accounts.

use crate::web::{
    access::{Route, Routes, Who},
    people::{accounts, enrol, password, sign, sign_in},
};
use axum::routing::{get, post};

const SUPERVISOR: &[&str] = &["supervisor"];

pub(crate) const ROUTES: Routes = Routes(&[
    Route::new("GET", "/sign-in", Who::Anyone, || get(sign_in::page)),
    Route::new("POST", "/sign-in", Who::Anyone, || post(sign_in::sign_in)),
    Route::new("POST", "/sign-out", Who::Anyone, || post(sign_in::sign_out)),
    Route::new("POST", "/lock", Who::Person(&[]), || post(sign_in::lock)),
    Route::new("POST", "/here", Who::Person(&[]), || post(sign_in::here)),
    Route::new("POST", "/pen", Who::Panel(&[]), || post(sign_in::pen)),
    Route::new("GET", "/password", Who::Anyone, || get(password::page)),
    Route::new("POST", "/password", Who::Anyone, || post(password::change)),
    Route::new("GET", "/enrol", Who::Anyone, || get(enrol::page)),
    Route::new("POST", "/enrol", Who::Anyone, || post(enrol::enrol)),
    Route::new("GET", "/sign", Who::Person(&[]), || get(sign::page)),
    Route::new("POST", "/sign", Who::Person(&[]), || post(sign::sign)),
    Route::new("GET", "/people", Who::Person(SUPERVISOR), || get(accounts::page)),
    Route::new("POST", "/people/unlock", Who::Person(SUPERVISOR), || {
        post(accounts::unlock)
    }),
    Route::new("POST", "/people/badge", Who::Person(SUPERVISOR), || {
        post(accounts::badge)
    }),
]);
