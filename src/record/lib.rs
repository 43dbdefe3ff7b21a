//! What is recorded, and how it is proven.
//!
//! Pure: no I/O, no clock, no runtime. An inspector can build a verifier from this crate alone.
//! `docs/reference/record.md` states the format; this crate is its first reader and only writer.

pub mod b64;
mod entry;
mod flat;
#[cfg(test)]
mod golden;
mod hash;
mod jws;
mod key;
mod kind;
mod line;
mod page;
mod quantity;
mod reading;
mod receipt;
mod seal;
mod stamp;
#[cfg(test)]
mod table;
mod trouble;
pub mod verify;

pub use entry::{Draft, Word, ranges, read_ranges};
pub use flat::{LARGEST, Refused};
pub use hash::{Hash, Tree};
pub use jws::signed_payload;
pub use key::{KeySet, PublicKey, Role, SecretKey, Signer};
pub use kind::Kind;
pub use line::{Form, Found, LONGEST, Line, Reader};
pub use page::{BIGGEST_PAGE, Mark, Page, Piece, Scanner, Taken, take};
pub use quantity::{Amount, Quantity, Unit};
pub use reading::{Answer, Failure, Quality, Value};
pub use receipt::{Receipt, Refusal, Resend, StoreWord};
pub use seal::{Seal, SealLine};
pub use stamp::Stamp;
pub use trouble::Trouble;
