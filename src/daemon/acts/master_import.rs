//! Take master data from a file, or only show what it would change.

use super::{Act, Asked, Carry, Core};
use crate::{
    daemon::master::{Came, prepare},
    flow::master::{self, Kind, csv, shelf},
};
use record::Trouble;
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "master-import",
    carry: Carry::Now(carry_out),
};

#[derive(Serialize, Deserialize)]
pub(crate) struct MasterImport {
    pub(crate) kind: String,
    pub(crate) file: String,
    pub(crate) text: String,
    pub(crate) whole: bool,
    pub(crate) preview: bool,
    pub(crate) source: String,
    pub(crate) reason: String,
    pub(crate) by: String,
    pub(crate) secret: String,
}

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let what: MasterImport = asked.read()?;
    let kind = Kind::named(&what.kind).ok_or_else(|| {
        Trouble::new(
            "request-not-understood",
            format!("there is no master data {:?}", what.kind),
        )
    })?;
    let now = core.clock.now();
    let file = csv::File {
        kind,
        name: &what.file,
        text: &what.text,
        source: &what.source,
        whole: what.whole,
        now,
    };
    if what.preview {
        let known = core.master.borrow().clone();
        let (_, outcome) = known.take(&csv::read(&file, &known)?, now);
        return Ok(master::words::preview(&outcome));
    }
    let by = core.person(asked, &["supervisor", "engineer"])?;
    let came = Came::Imported {
        file: what.file.clone(),
        by: by.id,
        reason: what.reason.clone(),
    };
    let folder = core.disk.path().join(shelf::FOLDER);
    // A file a person takes in is small; a list of thousands takes a fraction of a second.
    let prepared = tokio::task::block_in_place(|| {
        let known = core.master.borrow().clone();
        prepare(&known, &csv::read(&file, &known)?, &folder, now)
    })?;
    let words = master::words::taken(&prepared.outcome);
    if prepared.outcome.again {
        return Ok(words);
    }
    core.master_take(prepared, &came)?;
    Ok(words)
}
