//! Master data over HTTP: the same message and the same answer as over the broker.

use super::{Act, Asked, Carry, Core};
use crate::{
    daemon::master::{Came, prepare},
    flow::master::{Kind, message, shelf},
};
use record::Trouble;
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "put-master",
    carry: Carry::Now(carry_out),
};

#[derive(Serialize, Deserialize)]
pub(crate) struct PutMaster {
    pub(crate) kind: String,
    pub(crate) body: String,
}

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let put: PutMaster = asked.read()?;
    let Some(kind) = Kind::named(&put.kind) else {
        let known = Kind::ALL.map(Kind::word).join(", ");
        return Err(Trouble::new(
            "master-unknown-kind",
            format!("there is no master data {:?}", put.kind),
        )
        .at("PUT /master")
        .means("nothing was taken from it: what is known stays, and grows older")
        .so(format!("kinds: {known}")));
    };
    let (now, folder) = (core.clock.now(), core.disk.path().join(shelf::FOLDER));
    let prepared = tokio::task::block_in_place(|| {
        let known = core.master.borrow().clone();
        message::read(kind, put.body.as_bytes()).and_then(|message| prepare(&known, &message, &folder, now))
    });
    match prepared {
        Ok(prepared) => core.master_take(prepared, &Came::Told),
        Err(trouble) => {
            core.master_refused(kind, trouble.name, 1, &trouble.what)?;
            Err(trouble)
        }
    }
}
