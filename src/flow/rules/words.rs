//! The state of a rule as words of one line, and spans of time as people say them.

use record::Stamp;
use std::{fmt::Write, str::FromStr};

/// `key=value` words.
#[derive(Debug, Default)]
pub(super) struct Words {
    pub(super) text: String,
}

impl Words {
    pub(super) fn put(&mut self, key: &str, value: impl std::fmt::Display) {
        let blank = if self.text.is_empty() { "" } else { " " };
        // holds because writing to a String never fails
        let _ = write!(self.text, "{blank}{key}={value}");
    }

    pub(super) fn put_time(&mut self, key: &str, time: Option<Stamp>) {
        if let Some(time) = time {
            self.put(key, time);
        }
    }

    pub(super) fn word(&self, key: &str) -> Option<&str> {
        self.text
            .split(' ')
            .find_map(|word| word.split_once('=').filter(|(name, _)| *name == key))
            .map(|(_, value)| value)
    }

    pub(super) fn get<T: FromStr>(&self, key: &str) -> Option<T> {
        self.word(key)?.parse().ok()
    }

    pub(super) fn time(&self, key: &str) -> Option<Stamp> {
        Stamp::read(self.word(key)?)
    }
}

/// A span of time as a person says it: `7 min 20 s`, `24 h`, `0.5 s`.
pub fn span(ms: i64) -> String {
    let ms = ms.max(0);
    let (hours, minutes, seconds, rest) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000);
    let mut parts = Vec::new();
    if hours > 0 {
        parts.push(format!("{hours} h"));
    }
    if minutes > 0 {
        parts.push(format!("{minutes} min"));
    }
    if rest > 0 && hours == 0 && minutes == 0 {
        let text = format!("{seconds}.{rest:03}");
        parts.push(format!("{} s", text.trim_end_matches('0')));
    } else if seconds > 0 || parts.is_empty() {
        parts.push(format!("{seconds} s"));
    }
    parts.join(" ")
}

/// A configured time in milliseconds.
pub(super) fn ms(time: std::time::Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
