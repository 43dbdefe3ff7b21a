//! How the record stands, as JSON.

use super::{Act, Asked, Carry, Core};
use record::Trouble;

pub(crate) const ACT: Act = Act {
    name: "status",
    carry: Carry::Look(look),
};

#[expect(
    clippy::unnecessary_wraps,
    reason = "every act may be refused; this one never is"
)]
fn look(core: &Core, _: &Asked) -> Result<String, Trouble> {
    let record = core.record_view();
    Ok(serde_json::json!({
        "captured": record.captured, "delivered": record.delivered, "receipted": record.receipted,
        "page": record.last_page, "epoch": record.epoch, "capturing": record.capturing,
        "broker_connected": record.broker_connected, "set_aside_pages": record.set_aside,
        "hours_left": record.hours_left, "room": record.room, "books": record.books,
        "checked_percent": record.proof.percent(), "checked_segments": record.proof.checked,
        "closed_segments": record.proof.all, "damaged_segments": record.proof.damaged,
    })
    .to_string())
}
