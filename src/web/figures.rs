//! Times and spans as people read them, in the plant's own zone.
//!
//! Never judges: what is old or late is decided where the figures come from.

use super::words::{NO_BREAK, Say, Tongue};
use jiff::{Timestamp, Zoned, tz::TimeZone};
use record::Stamp;

/// The plant's time zone; UTC when its name says nothing to this machine.
pub(crate) fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// `10:42:18`; with `UTC` behind it when the plant's zone is not known.
pub(crate) fn clock(stamp: Stamp, zone: &TimeZone) -> String {
    let Some(local) = local(stamp, zone) else {
        return String::new();
    };
    let time = format!("{:02}:{:02}:{:02}", local.hour(), local.minute(), local.second());
    if *zone == TimeZone::UTC {
        format!("{time}{NO_BREAK}UTC")
    } else {
        time
    }
}

/// `18 Nov 2026 10:43:05 CET`: as it stands beside a signature.
pub(crate) fn zoned(stamp: Stamp, zone: &TimeZone, tongue: &Tongue) -> String {
    let Some(then) = local(stamp, zone) else {
        return String::new();
    };
    let month = usize::try_from(then.month() - 1)
        .ok()
        .and_then(|at| tongue.months.get(at))
        .copied()
        .unwrap_or("");
    format!(
        "{}{NO_BREAK}{month}{NO_BREAK}{} {:02}:{:02}:{:02}{NO_BREAK}{}",
        then.day(),
        then.year(),
        then.hour(),
        then.minute(),
        then.second(),
        then.strftime("%Z")
    )
}

/// `10:42`, or `19 Nov 10:42` when it isn't today.
pub(crate) fn moment(stamp: Stamp, now: Stamp, zone: &TimeZone, tongue: &Tongue) -> String {
    let (Some(then), Some(today)) = (local(stamp, zone), local(now, zone)) else {
        return String::new();
    };
    let time = format!("{:02}:{:02}", then.hour(), then.minute());
    if then.date() == today.date() {
        return time;
    }
    let month = usize::try_from(then.month() - 1)
        .ok()
        .and_then(|at| tongue.months.get(at))
        .copied()
        .unwrap_or("");
    format!("{}{NO_BREAK}{month} {time}", then.day())
}

/// How long, with two units at most: `0.4 s`, `38 s`, `7 min 12 s`, `2 h 10 min`, `38 days`.
pub(crate) fn span(ms: i64, tongue: &Tongue) -> String {
    let ms = ms.max(0).unsigned_abs();
    let (s, min, h) = (ms / 1000, ms / 60_000, ms / 3_600_000);
    let two = |big: u64, name: &str, small: u64, below: &str| {
        let big = format!("{big}{NO_BREAK}{name}");
        if small == 0 {
            big
        } else {
            format!("{big} {small}{NO_BREAK}{below}")
        }
    };
    match () {
        () if ms < 10_000 => format!("{s}{}{}{NO_BREAK}s", tongue.decimal, ms % 1000 / 100),
        () if s < 60 => format!("{s}{NO_BREAK}s"),
        () if min < 60 => two(min, "min", s % 60, "s"),
        () if h < 48 => two(h, "h", min % 60, "min"),
        () => room(h as f64, tongue),
    }
}

/// The same without the smaller unit, for sentences: `7 min`.
pub(crate) fn about(ms: i64, tongue: &Tongue) -> String {
    let ms = ms.max(0);
    match ms {
        ..60_000 => format!("{}{NO_BREAK}s", ms / 1000),
        60_000..3_600_000 => format!("{}{NO_BREAK}min", ms / 60_000),
        3_600_000..172_800_000 => format!("{}{NO_BREAK}h", ms / 3_600_000),
        _ => room((ms / 3_600_000) as f64, tongue),
    }
}

/// `7:12`, `2:10:05`.
pub(crate) fn stopwatch(ms: i64) -> String {
    let s = ms.max(0) / 1000;
    if s < 3600 {
        format!("{}:{:02}", s / 60, s % 60)
    } else {
        format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
    }
}

/// Room in hours as people plan with it, never more than there is: `5 h`, `38 days`, `3 years`.
pub(crate) fn room(hours: f64, tongue: &Tongue) -> String {
    let hours = hours.max(0.0) as u64;
    let unit = |key, count: u64| {
        tongue
            .tell(key, &[("count", count.into())])
            .replace(' ', "\u{a0}")
    };
    match hours {
        0..48 => format!("{hours}{NO_BREAK}h"),
        48..17_520 => unit(Say::Days, hours / 24),
        _ => unit(Say::Years, hours / 8760),
    }
}

/// A bound on the clock's error: `2 ms`, `0.4 s`.
pub(crate) fn error(ms: u32, tongue: &Tongue) -> String {
    if ms < 100 {
        format!("{}{NO_BREAK}ms", ms.max(1))
    } else {
        span(i64::from(ms).saturating_add(99), tongue) // rounded up: a bound must stay one
    }
}

fn local(stamp: Stamp, zone: &TimeZone) -> Option<Zoned> {
    Some(Timestamp::from_millisecond(stamp.0).ok()?.to_zoned(zone.clone()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::web::words::ENGLISH;

    fn plain(text: String) -> String {
        text.replace(NO_BREAK, " ")
    }

    #[test]
    fn a_span_is_told_in_the_two_units_people_use() {
        for (ms, told, about_so) in [
            (400, "0.4 s", "0 s"),
            (38_000, "38 s", "38 s"),
            (432_000, "7 min 12 s", "7 min"),
            (7_800_000, "2 h 10 min", "2 h"),
            (3_283_200_000, "38 days", "38 days"),
            (-5, "0.0 s", "0 s"),
        ] {
            assert_eq!(plain(span(ms, &ENGLISH)), told);
            assert_eq!(plain(about(ms, &ENGLISH)), about_so);
        }
        assert_eq!(stopwatch(432_000), "7:12");
        assert_eq!(stopwatch(7_805_000), "2:10:05");
    }

    #[test]
    fn room_is_never_told_larger_than_it_is() {
        for (hours, told) in [
            (5.9, "5 h"),
            (47.9, "47 h"),
            (49.0, "2 days"),
            (912.0, "38 days"),
            (20_000.0, "2 years"),
        ] {
            assert_eq!(plain(room(hours, &ENGLISH)), told);
        }
    }

    #[test]
    fn a_bound_on_the_clock_is_rounded_up() {
        assert_eq!(plain(error(0, &ENGLISH)), "1 ms");
        assert_eq!(plain(error(412, &ENGLISH)), "0.5 s");
    }

    #[test]
    fn times_stand_in_the_zone_of_the_plant_and_say_so_when_they_cannot() {
        let stamp = Stamp::read("2026-11-20T09:42:18.000Z").unwrap();
        let essen = zone("Europe/Berlin");
        assert_eq!(clock(stamp, &essen), "10:42:18");
        assert_eq!(plain(clock(stamp, &zone("Nowhere/At-All"))), "09:42:18 UTC");
        assert_eq!(moment(stamp, stamp, &essen, &ENGLISH), "10:42");
        assert_eq!(
            plain(moment(stamp.plus_ms(-86_400_000), stamp, &essen, &ENGLISH)),
            "19 Nov 10:42"
        );
    }
}
