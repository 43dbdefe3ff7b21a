//! The dispensing stations, the command cards, and setting up a scanner.

use crate::web::{
    access::{Route, Routes, Who},
    dispense::routes,
    scanner,
};
use axum::routing::{get, post};

pub(crate) const ROUTES: Routes = Routes(&[
    Route::new("GET", "/dispense", Who::Look, || get(routes::all)),
    Route::new("GET", "/dispense/{station}", Who::Look, || get(routes::whole)),
    Route::new("GET", "/dispense/{station}/part", Who::Look, || get(routes::part)),
    Route::new("GET", "/dispense/{station}/live", Who::Look, || {
        get(routes::stream)
    }),
    Route::new("POST", "/dispense/{station}/act", Who::Panel(&[]), || {
        post(routes::act)
    }),
    Route::new("GET", "/cards", Who::Look, || get(scanner::cards)),
    Route::new("GET", "/scanner", Who::Look, || get(scanner::set_up)),
    Route::new("POST", "/scanner", Who::Look, || post(scanner::judge)),
]);
