//! What is recorded, and how it is proven. No I/O, no clock, no runtime.

mod quantity;
mod reading;
mod stamp;
mod trouble;

pub use quantity::{Amount, Quantity, Unit};
pub use reading::{Answer, Failure, Quality, Value};
pub use stamp::Stamp;
pub use trouble::Trouble;
