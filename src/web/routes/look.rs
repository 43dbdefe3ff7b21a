//! What there is to look at beside the screens: their parts and streams, the same facts as JSON, the files of the pages.

use crate::web::{
    self,
    access::{Route, Routes, Who},
    language,
};
use axum::routing::get;

pub(crate) const ROUTES: Routes = Routes(&[
    Route::new("GET", "/part/{screen}", Who::Look, || get(web::part)),
    Route::new("GET", "/live", Who::Look, || get(web::line)),
    Route::new("GET", "/live/{screen}", Who::Look, || get(web::stream)),
    Route::new("GET", "/state.json", Who::Look, || get(web::state)),
    Route::new("GET", "/language", Who::Anyone, || get(language::choose)),
    Route::new("GET", "/static/{file}", Who::Anyone, || get(web::file)),
]);
