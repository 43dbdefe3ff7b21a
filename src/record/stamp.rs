//! A moment in UTC with milliseconds, in the one form the record writes.

use std::fmt;

/// Milliseconds since 1970-01-01T00:00:00Z. Shown as `2026-11-20T10:15:03.120Z`, always 24 characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Stamp(pub i64);

impl Stamp {
    /// Reads the one form; anything else is `None`.
    ///
    /// ```
    /// use record::Stamp;
    /// let stamp = Stamp::read("2026-11-20T10:15:03.120Z").unwrap();
    /// assert_eq!(stamp.to_string(), "2026-11-20T10:15:03.120Z");
    /// assert_eq!(Stamp::read("2026-02-30T10:15:03.120Z"), None);
    /// ```
    pub fn read(text: &str) -> Option<Self> {
        let b = text.as_bytes();
        if b.len() != 24 || b[23] != b'Z' {
            return None;
        }
        for (place, mark) in [
            (4, b'-'),
            (7, b'-'),
            (10, b'T'),
            (13, b':'),
            (16, b':'),
            (19, b'.'),
        ] {
            if b[place] != mark {
                return None;
            }
        }
        let number = |from: usize, to: usize| -> Option<i64> {
            b[from..to].iter().try_fold(0, |sum, c| {
                c.is_ascii_digit().then(|| sum * 10 + i64::from(c - b'0'))
            })
        };
        let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
        let (hour, minute, second, milli) =
            (number(11, 13)?, number(14, 16)?, number(17, 19)?, number(20, 23)?);
        if hour > 23 || minute > 59 || second > 59 {
            return None;
        }
        let days = days_from_civil(year, month, day);
        if civil_from_days(days) != (year, month, day) {
            return None;
        }
        Some(Self(
            (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + milli,
        ))
    }

    /// This moment moved by so many milliseconds.
    #[must_use]
    pub fn plus_ms(self, ms: i64) -> Self {
        Self(self.0 + ms)
    }

    /// Milliseconds from `earlier` to this moment.
    pub fn ms_since(self, earlier: Self) -> i64 {
        self.0 - earlier.0
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, ms) = (self.0.div_euclid(86_400_000), self.0.rem_euclid(86_400_000));
        let (year, month, day) = civil_from_days(days);
        let mut out = *b"0000-00-00T00:00:00.000Z";
        let mut put = |from: usize, len: usize, mut number: i64| {
            for at in (from..from + len).rev() {
                out[at] = b'0' + (number % 10) as u8;
                number /= 10;
            }
        };
        put(0, 4, year.clamp(0, 9999));
        put(5, 2, month);
        put(8, 2, day);
        put(11, 2, ms / 3_600_000);
        put(14, 2, ms / 60_000 % 60);
        put(17, 2, ms / 1000 % 60);
        put(20, 3, ms % 1000);
        f.write_str(std::str::from_utf8(&out).unwrap_or_default())
    }
}

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date of a day since 1970-01-01.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days - era * 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_and_read_alike() {
        for text in [
            "1970-01-01T00:00:00.000Z",
            "2000-02-29T23:59:59.999Z",
            "2026-11-20T10:15:03.120Z",
        ] {
            assert_eq!(Stamp::read(text).map(|s| s.to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn only_the_one_form_is_read() {
        for text in [
            "2026-11-20 10:15:03.120Z",
            "2026-11-20T10:15:03Z",
            "2026-11-20T10:15:60.000Z",
            "2026-13-20T10:15:03.120Z",
            "2026-11-31T10:15:03.120Z",
            "2026-11-20T10:15:03.120+",
            "",
        ] {
            assert_eq!(Stamp::read(text), None, "{text}");
        }
    }
}
