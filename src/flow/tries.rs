//! How often somebody may try something: so many within a time, for each address or session.
//!
//! Pure: whoever asks says what time it is.

use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    time::Duration,
};

/// Counts tries by who makes them.
#[derive(Debug)]
pub struct Tries<K> {
    most: usize,
    within: Duration,
    seen: HashMap<K, VecDeque<Duration>>,
}

/// Whoever has not tried for a while is forgotten when there are more than this.
const KEYS: usize = 1024;

impl<K: Hash + Eq + Clone> Tries<K> {
    pub fn new(most: usize, within: Duration) -> Self {
        Self {
            most,
            within,
            seen: HashMap::new(),
        }
    }

    /// Whether one more is allowed now; it is counted when it is.
    pub fn allow(&mut self, key: &K, now: Duration) -> bool {
        let within = self.within;
        if self.seen.len() >= KEYS && !self.seen.contains_key(key) {
            self.seen.retain(|_, tries| {
                tries
                    .back()
                    .is_some_and(|last| now.saturating_sub(*last) < within)
            });
            if self.seen.len() >= KEYS {
                return false;
            }
        }
        let tries = self.seen.entry(key.clone()).or_default();
        while tries
            .front()
            .is_some_and(|first| now.saturating_sub(*first) >= within)
        {
            tries.pop_front();
        }
        if tries.len() >= self.most {
            return false;
        }
        tries.push_back(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_tries_a_minute_and_no_more_for_each_address() {
        let mut tries = Tries::new(5, Duration::from_secs(60));
        let at = Duration::from_secs;
        assert!((0..5).all(|second| tries.allow(&"10.0.0.5", at(second))));
        assert!(!tries.allow(&"10.0.0.5", at(59)));
        assert!(
            tries.allow(&"10.0.0.6", at(59)),
            "another address is not concerned"
        );
        assert!(tries.allow(&"10.0.0.5", at(60)), "the first try is a minute old");
        assert!(!tries.allow(&"10.0.0.5", at(60)));
    }

    #[test]
    fn many_addresses_at_once_take_no_more_memory() {
        let mut tries = Tries::new(1, Duration::from_secs(60));
        let allowed = (0..5000u32)
            .filter(|address| tries.allow(address, Duration::from_secs(1)))
            .count();
        assert_eq!(allowed, KEYS);
        assert!(
            tries.allow(&9999, Duration::from_secs(62)),
            "and are forgotten again"
        );
    }
}
