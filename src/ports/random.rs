//! Randomness of the operating system, for salts, ids and jitter.

use crate::flow::needs::Random;
use record::Trouble;

/// The kernel's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), Trouble> {
        getrandom::fill(bytes).map_err(|problem| {
            Trouble::new(
                "no-randomness",
                format!("the operating system gives no random numbers: {problem}"),
            )
            .means("nothing can be entered, because every entry needs a fresh salt")
            .so("restart the machine; if it happens again, look at the kernel's log")
        })
    }
}
