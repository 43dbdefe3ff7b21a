//! Chance that can be thrown again: one number replays a run as far as the machine allows.

/// A die with a seed.
#[derive(Debug, Clone)]
pub struct Dice(u64);

impl Dice {
    /// The die of this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number (splitmix64).
    #[expect(
        clippy::should_implement_trait,
        reason = "a seed has no end, and is no iterator"
    )]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit`; 0 where the limit is 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit.max(1)
    }

    /// A number from `low` to `high`, both included.
    pub fn from_to(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// Whether it falls so, `parts` times in `of`.
    pub fn falls(&mut self, parts: u64, of: u64) -> bool {
        self.below(of) < parts
    }

    /// Bytes of no meaning.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.next() as u8;
        }
    }

    /// A die of its own, so that one trial does not shift the next.
    #[must_use]
    pub fn for_trial(&self, trial: u64) -> Self {
        let mut own = Self(self.0 ^ trial.wrapping_mul(0xA24B_AED4_963E_E407));
        own.next();
        own
    }
}
