//! What the record store says, signed with its own key: a receipt, a refusal, a request to send again.
//! Each side holds the other's signature, like the two halves of a tally stick.

use crate::{
    flat::{Refused, refuse},
    hash::Hash,
    jws::{self, Jws, Payload},
    key::{PublicKey, Signer},
    stamp::Stamp,
    trouble::Trouble,
};

/// "I hold this page."
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The gateway's name.
    pub gateway: String,
    /// Id of the ledger.
    pub ledger: String,
    /// Epoch of the page.
    pub epoch: u64,
    /// Page number.
    pub page: u64,
    /// Hash of the page's seal line.
    pub seal: Hash,
    /// When the record store had it.
    pub stored: Stamp,
}

/// "I do not take this page, because."
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which page, and when.
    pub page: Receipt,
    /// Why, in words.
    pub because: String,
}

/// "Send again from this page on."
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resend {
    /// The gateway's name.
    pub gateway: String,
    /// Id of the ledger.
    pub ledger: String,
    /// Epoch.
    pub epoch: u64,
    /// First page wanted.
    pub from: u64,
    /// When it was asked.
    pub at: Stamp,
}

/// One word of the record store, checked in form and signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreWord {
    /// It holds a page.
    Receipt(Receipt),
    /// It refuses a page.
    Refusal(Refusal),
    /// It wants pages again.
    Resend(Resend),
}

const RECEIPT: &str = "steelyard-receipt";
const REFUSAL: &str = "steelyard-refusal";
const RESEND: &str = "steelyard-resend";

impl Receipt {
    fn payload(&self) -> Payload {
        Payload::new()
            .text("gateway", &self.gateway)
            .text("ledger", &self.ledger)
            .number("epoch", self.epoch)
            .number("page", self.page)
            .hash("seal", Some(self.seal))
            .text("stored", &self.stored.to_string())
    }

    /// The line, without line feed.
    pub fn write(&self, signer: &dyn Signer) -> Result<Vec<u8>, Trouble> {
        jws::write(RECEIPT, &self.payload().done(), signer)
    }

    fn of(jws: &Jws<'_>) -> Result<Self, Refused> {
        let said = &jws.payload;
        let stored = Stamp::read(&said.text("stored")?);
        Ok(Self {
            gateway: said.text("gateway")?,
            ledger: said.text("ledger")?,
            epoch: said.number("epoch")?,
            page: said.number("page")?,
            seal: said.hash("seal")?,
            stored: stored.map_or_else(|| refuse("a time is not in the form of the record", 0), Ok)?,
        })
    }
}

impl Refusal {
    /// The line, without line feed.
    pub fn write(&self, signer: &dyn Signer) -> Result<Vec<u8>, Trouble> {
        jws::write(
            REFUSAL,
            &self.page.payload().text("because", &self.because).done(),
            signer,
        )
    }
}

impl Resend {
    /// The line, without line feed.
    pub fn write(&self, signer: &dyn Signer) -> Result<Vec<u8>, Trouble> {
        let payload = Payload::new()
            .text("gateway", &self.gateway)
            .text("ledger", &self.ledger)
            .number("epoch", self.epoch)
            .number("from", self.from)
            .text("at", &self.at.to_string())
            .done();
        jws::write(RESEND, &payload, signer)
    }
}

impl StoreWord {
    /// Reads one word of the record store. `key_of` gives the key of role *receipt* with a thumbprint.
    pub fn read<'k>(line: &[u8], key_of: impl Fn(&Hash) -> Option<&'k PublicKey>) -> Result<Self, Refused> {
        let signed = |jws: &Jws<'_>| match key_of(&jws.kid) {
            None => refuse("signed by a key that is not known as a record store's", 0),
            Some(key) if jws.signed_by(key) => Ok(()),
            Some(_) => refuse("the signature does not hold", 0),
        };
        match jws::typ_of(line).as_deref() {
            Some(RECEIPT) => {
                let jws = Jws::read(
                    line,
                    RECEIPT,
                    &["gateway", "ledger", "epoch", "page", "seal", "stored"],
                )?;
                signed(&jws)?;
                Receipt::of(&jws).map(Self::Receipt)
            }
            Some(REFUSAL) => {
                let names = &["gateway", "ledger", "epoch", "page", "seal", "stored", "because"];
                let jws = Jws::read(line, REFUSAL, names)?;
                signed(&jws)?;
                let because = jws.payload.text("because")?;
                Ok(Self::Refusal(Refusal {
                    page: Receipt::of(&jws)?,
                    because,
                }))
            }
            Some(RESEND) => {
                let jws = Jws::read(line, RESEND, &["gateway", "ledger", "epoch", "from", "at"])?;
                signed(&jws)?;
                let said = &jws.payload;
                let at = Stamp::read(&said.text("at")?);
                Ok(Self::Resend(Resend {
                    gateway: said.text("gateway")?,
                    ledger: said.text("ledger")?,
                    epoch: said.number("epoch")?,
                    from: said.number("from")?,
                    at: at.map_or_else(|| refuse("a time is not in the form of the record", 0), Ok)?,
                }))
            }
            _ => refuse("neither receipt, refusal nor request to send again", 0),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::key::SecretKey;

    #[test]
    fn a_word_of_the_store_is_read_as_it_was_signed_and_by_nobody_else() {
        let (store, other) = (SecretKey::from_seed(&[3; 32]), SecretKey::from_seed(&[4; 32]));
        let receipt = Receipt {
            gateway: "line-3".into(),
            ledger: "abc".into(),
            epoch: 1,
            page: 7,
            seal: Hash::of(b"seal"),
            stored: Stamp(1000),
        };
        let refusal = Refusal {
            page: receipt.clone(),
            because: "batch unknown".into(),
        };
        let resend = Resend {
            gateway: "line-3".into(),
            ledger: "abc".into(),
            epoch: 1,
            from: 5,
            at: Stamp(2000),
        };
        let known = |kid: &Hash| (*kid == store.public().thumbprint()).then(|| store.public());
        for (line, word) in [
            (
                receipt.write(&store).unwrap(),
                StoreWord::Receipt(receipt.clone()),
            ),
            (refusal.write(&store).unwrap(), StoreWord::Refusal(refusal)),
            (resend.write(&store).unwrap(), StoreWord::Resend(resend)),
        ] {
            assert_eq!(StoreWord::read(&line, known).unwrap(), word);
            for bit in 0..line.len() * 8 {
                let mut changed = line.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert!(
                    StoreWord::read(&changed, known).is_err(),
                    "bit {bit} of {word:?} was flipped unseen"
                );
            }
        }
        assert!(StoreWord::read(&receipt.write(&other).unwrap(), known).is_err());
    }
}
