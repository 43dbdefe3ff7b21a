//! Compare the gateway's clock with one that a person trusts, where no time server is: an entry of both.

use super::{Act, Asked, Carry, Core};
use crate::{
    daemon::gateway::clocks::in_words,
    flow::{board::Urgency, local},
};
use record::{Draft, Stamp, Trouble};
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub(crate) const ACT: Act = Act {
    name: "clock-check",
    carry: Carry::Now(carry_out),
};

#[derive(Serialize, Deserialize)]
pub(crate) struct Check {
    /// What the clock a person trusts shows at this moment: `14:03:10`, or with its day.
    pub(crate) shows: String,
}

/// Reading a clock and pressing a key takes a person this long.
const BY_HAND: Duration = Duration::from_secs(2);

fn carry_out(core: &mut Core, asked: &Asked) -> Result<String, Trouble> {
    // the moment of the comparison is when it was asked, not when the person was proved
    let now = core.clock.now();
    let act: Check = asked.read()?;
    let zone = local::zone(&core.plant.gateway.zone);
    let reference = moment(&act.shows, now, &zone).map_err(|what| {
        Trouble::new("no-such-time", what)
            .means("nothing was compared and nothing was entered")
            .so("write what the clock shows: 14:03:10, or \"2026-11-20 14:03:10\"")
    })?;
    let person = core.person(asked, &["operator", "supervisor", "engineer"])?;
    let off = now.0 - reference.0;
    let draft = Draft::new("clock", now)
        .with("because", "checked")
        .data("before", reference)
        .data("after", now)
        .data("error_ms", off)
        .data("by", person.id.as_str());
    core.enter(draft)?;
    let may = core.plant.gateway.clock_may_differ_by + BY_HAND;
    core.state.calls.retain(|call| call.id != "clock-check-off");
    let words = in_words(Duration::from_millis(off.unsigned_abs()));
    let way = if off > 0 { "ahead" } else { "behind" };
    if off.unsigned_abs() <= may.as_millis() as u64 {
        return Ok(format!(
            "the clock is right, as far as a person can compare by hand: {words} {way}. The comparison is an entry"
        ));
    }
    let trouble = Trouble::new(
        "clock-check-off",
        format!("the clock is {words} {way}, compared by {}", person.name),
    )
    .means("order is certain; the times of entries are wrong by that much. The comparison is an entry")
    .so("set the clock of this machine, then compare again");
    core.call("clock-check-off".into(), Urgency::Doubt, &trouble, now);
    Ok(format!(
        "the clock is {words} {way}. The comparison is an entry; set the clock of this machine, then compare again"
    ))
}

/// What a clock shows: a time of the day nearest to now, or a whole moment.
fn moment(shows: &str, now: Stamp, zone: &jiff::tz::TimeZone) -> Result<Stamp, String> {
    let shows = shows.trim();
    if shows.contains('-') {
        return local::moment(shows, zone);
    }
    let nearest = [-1_i64, 0, 1].into_iter().filter_map(|days| {
        let day = local::day_of(now.plus_ms(days * 86_400_000), zone)?;
        local::moment(&format!("{day} {shows}"), zone).ok()
    });
    nearest
        .min_by_key(|at| (at.0 - now.0).abs())
        .ok_or_else(|| format!("{shows:?} is no time that a clock shows"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn what_a_clock_shows_is_the_nearest_such_time_also_across_midnight() {
        let zone = local::zone("Europe/Berlin");
        let at = |text: &str| local::moment(text, &zone).unwrap();
        let midnight = at("2026-11-20 23:59:58");
        assert_eq!(moment("00:00:03", midnight, &zone), Ok(at("2026-11-21 00:00:03")));
        assert_eq!(
            moment("23:59:50", at("2026-11-21 00:00:03"), &zone),
            Ok(at("2026-11-20 23:59:50"))
        );
        assert_eq!(moment(" 14:03 ", midnight, &zone), Ok(at("2026-11-20 14:03:00")));
        assert_eq!(
            moment("2026-11-20 14:03:10", midnight, &zone),
            Ok(at("2026-11-20 14:03:10"))
        );
        for wrong in ["", "noon", "25:00", "14.03", "2026-13-01 10:00"] {
            assert!(moment(wrong, midnight, &zone).is_err(), "{wrong}");
        }
    }
}
