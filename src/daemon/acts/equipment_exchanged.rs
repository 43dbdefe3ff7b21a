//! Declare that an instrument was exchanged: its serial number, read off its plate, and until when it is calibrated.

use super::{Act, Asked, Carry, Core};
use crate::{
    daemon::gateway::equipment::reason_of,
    flow::link::{
        Facts, Order, SERIAL_NUMBER,
        standing::{entry, in_words},
    },
};
use record::{Draft, Trouble};
use serde::{Deserialize, Serialize};

pub(crate) const ACT: Act = Act {
    name: "equipment-exchanged",
    carry: Carry::Now(carry_out),
};

#[derive(Serialize, Deserialize)]
pub(crate) struct Exchanged {
    pub(crate) equipment: String,
    pub(crate) serial_number: String,
    /// A plant-local date: `2027-03-31`.
    pub(crate) calibrated_till: String,
    pub(crate) reason: String,
}

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    let act: Exchanged = asked.read()?;
    core.has_equipment(&act.equipment)?;
    let reason = reason_of(&act.reason)?;
    let date: jiff::civil::Date = act.calibrated_till.parse().map_err(|_| {
        Trouble::new("no-date", format!("{:?} is no date", act.calibrated_till))
            .means("nothing was done and nothing was entered")
            .so("write the day until which it is calibrated: 2027-03-31")
    })?;
    let number = act.serial_number.trim();
    if number.is_empty() {
        return Err(Trouble::new("no-serial-number", "no serial number is given")
            .means("nothing was done and nothing was entered")
            .so("read it off the type plate"));
    }
    let person = core.person(asked, &["supervisor"])?;
    let (tag, now) = (act.equipment.as_str(), core.clock.now());
    let known = Facts::from([(SERIAL_NUMBER.to_owned(), number.to_owned())]);
    let draft = entry(tag, "known", "exchanged", now)
        .data("by", person.id.as_str())
        .data("reason", reason)
        .data("serial_number", number)
        .data("found", in_words(&known))
        .data("configured", core.configured(tag).unwrap_or_default());
    core.stands(draft)?;
    let calibration = Draft::new("calibration", now)
        .with("equipment", tag)
        .with("state", "declared")
        .with("until", date.to_string());
    core.enter(
        calibration
            .data("by", person.id.as_str())
            .data("note", format!("declared with the exchange to {number}")),
    )?;
    core.stands_anew(
        tag,
        Order::Known {
            tag: tag.to_owned(),
            known,
        },
    );
    Ok(format!("{tag} is {number} from now on, calibrated till {date}"))
}
