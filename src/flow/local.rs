//! Dates as people in the plant mean them: "until 31 March" is the end of that day where the plant stands, in summer
//! time or not.

use jiff::{
    civil::Date,
    tz::{TimeZone, TimeZoneDatabase},
};
use record::Stamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The plant's time zone, by its IANA name, from the zones that came with this program; UTC where there is no such
/// zone (the configuration refuses one).
pub fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).unwrap_or(TimeZone::UTC)
}

/// The first moment after a day: until then it lasts.
pub fn end_of_day(day: Date, zone: &TimeZone) -> Stamp {
    let next = day.tomorrow().unwrap_or(day);
    let start = next
        .to_zoned(zone.clone())
        .map(|start| start.timestamp().as_millisecond());
    start.map_or(Stamp(i64::MAX / 2), Stamp)
}

/// The day in the plant at a moment.
pub fn day_of(at: Stamp, zone: &TimeZone) -> Option<Date> {
    let at = jiff::Timestamp::from_millisecond(at.0).ok()?;
    Some(at.to_zoned(zone.clone()).date())
}

/// A moment as the plant's clock shows it: `2026-11-20 10:15`.
pub fn shown(at: Stamp, zone: &TimeZone) -> String {
    let Ok(at) = jiff::Timestamp::from_millisecond(at.0) else {
        return String::new();
    };
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// A moment as a person writes it: with its offset, or as the plant's clock shows it, `2026-11-20 10:15`. In the night
/// in which the clock is put back an hour comes twice, and in the other one an hour does not come; neither is guessed.
pub fn moment(text: &str, zone: &TimeZone) -> Result<Stamp, String> {
    let text = text.trim();
    if let Some(at) = Stamp::read(text) {
        return Ok(at);
    }
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Ok(Stamp(at.as_millisecond()));
    }
    let shown = text.replacen(' ', "T", 1);
    let local = shown
        .parse::<jiff::civil::DateTime>()
        .ok()
        .filter(|_| shown.contains('T'));
    let Some(local) = local else {
        return Err(format!(
            "{text:?} is no moment; write it as the plant's clock shows it, \"2026-11-20 10:15\", or with its offset"
        ));
    };
    let at = zone.to_ambiguous_timestamp(local);
    if at.is_ambiguous() {
        return Err(format!(
            "{text:?} comes twice or never in that night, because the clocks change; write it with its offset, \
             \"2026-10-25T02:30:00+02:00\""
        ));
    }
    at.unambiguous()
        .map(|at| Stamp(at.as_millisecond()))
        .map_err(|problem| problem.to_string())
}

/// A last day, or a moment, as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Until {
    Day(Date),
    Moment(Stamp),
}

impl Until {
    /// `2027-03-31`, or a moment with its offset.
    pub fn read(text: &str) -> Option<Self> {
        let is_day = text.len() == 10;
        if is_day {
            return text.parse().ok().map(Self::Day);
        }
        Stamp::read(text).map(Self::Moment).or_else(|| {
            let at: jiff::Timestamp = text.parse().ok()?;
            Some(Self::Moment(Stamp(at.as_millisecond())))
        })
    }

    /// The first moment that is too late.
    pub fn ends(&self, zone: &TimeZone) -> Stamp {
        match self {
            Self::Day(day) => end_of_day(*day, zone),
            Self::Moment(at) => *at,
        }
    }

    /// Whether it is over.
    pub fn is_over(&self, now: Stamp, zone: &TimeZone) -> bool {
        now >= self.ends(zone)
    }

    /// Whole days that are left: 0 on the last day itself, negative when it is over.
    pub fn days_left(&self, now: Stamp, zone: &TimeZone) -> Option<i32> {
        let last = match self {
            Self::Day(day) => *day,
            Self::Moment(at) => day_of(at.plus_ms(-1), zone)?,
        };
        let today = day_of(now, zone)?;
        let left = today.until((jiff::Unit::Day, last)).ok()?.get_days();
        // On the day of a moment that has passed it is over, though the day is not.
        if left >= 0 && self.is_over(now, zone) {
            return Some(-1);
        }
        Some(left)
    }
}

impl std::fmt::Display for Until {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Day(day) => write!(f, "{day}"),
            Self::Moment(at) => write!(f, "{at}"),
        }
    }
}

impl Serialize for Until {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Until {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::read(&text).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "{text:?} is no day and no moment with its offset; 2027-03-31 or 2027-03-31T14:00:00+02:00 would be"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn until_a_day_means_the_end_of_it_where_the_plant_stands() {
        // The nights in which the clocks change lie at the end of one of these days, and at the start of another.
        for (day, place, ends) in [
            ("2027-03-27", "Europe/Berlin", "2027-03-27T23:00:00.000Z"),
            ("2027-03-28", "Europe/Berlin", "2027-03-28T22:00:00.000Z"),
            ("2027-03-31", "Europe/Berlin", "2027-03-31T22:00:00.000Z"),
            ("2027-10-30", "Europe/Berlin", "2027-10-30T22:00:00.000Z"),
            ("2027-10-31", "Europe/Berlin", "2027-10-31T23:00:00.000Z"),
            ("2027-03-31", "UTC", "2027-04-01T00:00:00.000Z"),
            ("2027-03-31", "Pacific/Auckland", "2027-03-31T11:00:00.000Z"),
            ("2027-03-13", "America/New_York", "2027-03-14T05:00:00.000Z"),
            ("2027-03-14", "America/New_York", "2027-03-15T04:00:00.000Z"),
            // Midnight itself is left out there: the day begins at one o'clock.
            ("2024-09-07", "America/Santiago", "2024-09-08T04:00:00.000Z"),
        ] {
            let until = Until::read(day).unwrap();
            let zone = zone(place);
            assert_eq!(until.ends(&zone).to_string(), ends, "{day} {place}");
            assert!(!until.is_over(until.ends(&zone).plus_ms(-1), &zone));
            assert!(until.is_over(until.ends(&zone), &zone));
        }
    }

    #[test]
    fn a_moment_is_read_as_the_plants_clock_shows_it_and_never_guessed() {
        let zone = zone("Europe/Berlin");
        for (text, read) in [
            ("2026-11-20 10:15", "2026-11-20T09:15:00.000Z"),
            ("2026-07-20 10:15:30", "2026-07-20T08:15:30.000Z"),
            ("2026-11-20T10:15:00+02:00", "2026-11-20T08:15:00.000Z"),
            ("2026-10-25 01:59", "2026-10-24T23:59:00.000Z"),
            ("2026-10-25 03:00", "2026-10-25T02:00:00.000Z"),
        ] {
            assert_eq!(moment(text, &zone).unwrap().to_string(), read, "{text}");
        }
        for (text, says) in [
            ("2026-10-25 02:30", "comes twice or never"),
            ("2026-03-29 02:30", "comes twice or never"),
            ("10:15", "is no moment"),
            ("2026-11-20", "is no moment"),
            ("20.11.2026 10:15", "is no moment"),
        ] {
            assert!(moment(text, &zone).unwrap_err().contains(says), "{text}");
        }
    }

    #[test]
    fn days_are_counted_by_the_plants_calendar() {
        let zone = zone("Europe/Berlin");
        for (until, now, left) in [
            ("2027-03-31", "2027-03-31T21:59:59.999Z", 0),
            ("2027-03-31", "2027-03-31T22:00:00.000Z", -1),
            ("2027-03-31", "2027-03-30T22:00:00.000Z", 0),
            ("2027-03-31", "2027-03-30T21:59:59.000Z", 1),
            ("2027-03-31", "2027-03-01T12:00:00.000Z", 30),
            ("2027-03-31", "2027-03-01T12:00:00.000Z", 30),
            ("2027-03-31T10:00:00.000Z", "2027-03-31T09:00:00.000Z", 0),
            ("2027-03-31T10:00:00.000Z", "2027-03-31T11:00:00.000Z", -1),
        ] {
            let until = Until::read(until).unwrap();
            let now = Stamp::read(now).unwrap();
            assert_eq!(until.days_left(now, &zone), Some(left), "{until} at {now}");
        }
    }

    #[test]
    fn a_local_time_is_no_moment_and_no_day_is_guessed() {
        for text in [
            "31.03.2027",
            "2027-3-31",
            "2027-02-29",
            "2027-03-31T10:00:00",
            "tomorrow",
            "",
        ] {
            assert_eq!(Until::read(text), None, "{text}");
        }
    }
}
