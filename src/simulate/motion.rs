//! How a simulated value moves by itself: the same seed gives the same afternoon.

use std::time::Duration;

/// The course of one value over time.
#[derive(Debug, Clone, PartialEq)]
pub enum Motion {
    /// Stays where it is.
    Steady(f64),
    /// Goes evenly from one value to another, and stays there.
    Ramp { from: f64, to: f64, over: Duration },
    /// Swings around a value, with noise on top.
    Wave {
        around: f64,
        swing: f64,
        period: Duration,
        noise: f64,
    },
    /// Approaches a value as a pan settles or a jacket heats: two thirds of the way in each `within`.
    Settle {
        from: f64,
        to: f64,
        within: Duration,
        noise: f64,
    },
}

impl Motion {
    /// The value so long after the motion began. Noise depends on `seed` and on the moment, nothing else.
    pub fn at(&self, time: Duration, seed: u64) -> f64 {
        let t = time.as_secs_f64();
        let share = |of: Duration| t / of.as_secs_f64().max(1e-9);
        match *self {
            Self::Steady(value) => value,
            Self::Ramp { from, to, over } => from + (to - from) * share(over).min(1.0),
            Self::Wave {
                around,
                swing,
                period,
                noise,
            } => around + swing * (share(period) * std::f64::consts::TAU).sin() + noise * chance(time, seed),
            Self::Settle {
                from,
                to,
                within,
                noise,
            } => {
                let left = (-share(within)).exp();
                to + (from - to) * left + noise * chance(time, seed)
            }
        }
    }
}

/// Between -1 and 1, near 0 more often than not; new every 100 ms.
fn chance(time: Duration, seed: u64) -> f64 {
    let tick = (time.as_millis() / 100) as u64;
    let mut dice = Dice::new(seed ^ tick.wrapping_mul(0xD134_2543_DE82_EF95));
    (dice.share() + dice.share() + dice.share()) / 1.5 - 1.0
}

/// A small seeded generator: for weather, never for keys.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits (splitmix64).
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound.max(1)
    }

    /// From 0 to below 1.
    pub fn share(&mut self) -> f64 {
        (self.roll() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_afternoon() {
        let wave = Motion::Wave {
            around: 72.0,
            swing: 1.5,
            period: Duration::from_mins(1),
            noise: 0.2,
        };
        let afternoon =
            |seed| -> Vec<f64> { (0..600).map(|s| wave.at(Duration::from_secs(s), seed)).collect() };
        assert_eq!(afternoon(1), afternoon(1));
        assert_ne!(afternoon(1), afternoon(2));
        assert!(afternoon(1).iter().all(|value| (70.2..=73.8).contains(value)));
    }

    #[test]
    fn a_pan_comes_to_rest_where_its_load_is() {
        let pan = Motion::Settle {
            from: 0.0,
            to: 100.0,
            within: Duration::from_millis(400),
            noise: 0.0,
        };
        assert!(pan.at(Duration::ZERO, 0).abs() < 1e-9);
        assert!((pan.at(Duration::from_secs(4), 0) - 100.0).abs() < 0.01);
    }
}
