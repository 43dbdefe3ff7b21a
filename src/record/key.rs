//! Keys: who seals, who gives receipts. One key never does both.

use crate::{b64, hash::Hash, trouble::Trouble};
use ed25519_dalek::{
    Signature, Signer as _, SigningKey, VerifyingKey,
    pkcs8::{DecodePrivateKey, EncodePrivateKey, spki::der::pem::LineEnding},
};
use std::fmt;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Seals pages: the gateway.
    Page,
    /// Signs receipts: the record store.
    Receipt,
}

impl Role {
    /// The word in `keys.jwks`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Receipt => "receipt",
        }
    }
}

/// A public Ed25519 key with its RFC 7638 thumbprint.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    key: VerifyingKey,
    thumbprint: Hash,
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.thumbprint)
    }
}

impl PublicKey {
    /// From the 32 bytes of `x`; `None` when they are no point of the curve.
    pub fn from_x(x: &[u8; 32]) -> Option<Self> {
        let key = VerifyingKey::from_bytes(x).ok()?;
        let json = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, b64::encode(x));
        Some(Self {
            key,
            thumbprint: Hash::of(json.as_bytes()),
        })
    }

    /// From the text form of `x`.
    pub fn read_x(text: &[u8]) -> Option<Self> {
        Self::from_x(&b64::decode_32(text)?)
    }

    /// The text form of `x`.
    pub fn x(&self) -> String {
        b64::encode(self.key.as_bytes())
    }

    /// What people compare: the RFC 7638 thumbprint.
    pub fn thumbprint(&self) -> Hash {
        self.thumbprint
    }

    /// Whether these bytes were signed by this key; the strict rule, everywhere.
    pub fn verify(&self, bytes: &[u8], signature: &[u8; 64]) -> bool {
        self.key
            .verify_strict(bytes, &Signature::from_bytes(signature))
            .is_ok()
    }

    /// One JWK with its role, as it stands in `keys.jwks`.
    pub fn jwk(&self, role: Role) -> String {
        format!(
            r#"{{"kty":"OKP","crv":"Ed25519","x":"{}","kid":"{}","alg":"EdDSA","use":"sig","role":"{}"}}"#,
            self.x(),
            self.thumbprint,
            role.word()
        )
    }
}

/// Whatever can seal: a key in a file now, a TPM or HSM later.
pub trait Signer: Send + Sync {
    /// The public half.
    fn public(&self) -> &PublicKey;
    /// Signs bytes.
    fn sign(&self, bytes: &[u8]) -> Result<[u8; 64], Trouble>;
}

/// A private key in memory. It never prints itself.
pub struct SecretKey {
    key: SigningKey,
    public: PublicKey,
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.public.thumbprint)
    }
}

impl SecretKey {
    /// From 32 random bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        let verifying = key.verifying_key();
        let json = format!(
            r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#,
            b64::encode(verifying.as_bytes())
        );
        let public = PublicKey {
            key: verifying,
            thumbprint: Hash::of(json.as_bytes()),
        };
        Self { key, public }
    }

    /// From PKCS#8 in PEM.
    pub fn from_pem(pem: &str) -> Option<Self> {
        SigningKey::from_pkcs8_pem(pem)
            .ok()
            .map(|key| Self::from_seed(&key.to_bytes()))
    }

    /// PKCS#8 in PEM, for a file of mode 0600.
    pub fn to_pem(&self) -> Option<String> {
        self.key
            .to_pkcs8_pem(LineEnding::LF)
            .ok()
            .map(|pem| pem.as_str().to_owned())
    }
}

impl Signer for SecretKey {
    fn public(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, bytes: &[u8]) -> Result<[u8; 64], Trouble> {
        Ok(self.key.sign(bytes).to_bytes())
    }
}

/// The keys beside a ledger. They prove nothing by themselves: compare fingerprints.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeySet(Vec<(PublicKey, Role)>);

impl KeySet {
    /// Adds a key; refuses a key that is already there with another role.
    pub fn add(&mut self, key: PublicKey, role: Role) -> Result<(), Trouble> {
        match self
            .0
            .iter()
            .find(|(other, _)| other.thumbprint == key.thumbprint)
        {
            Some((_, known)) if *known == role => Ok(()),
            Some(_) => Err(unusable("one key must not both seal pages and sign receipts")),
            None => {
                self.0.push((key, role));
                Ok(())
            }
        }
    }

    /// The key with this thumbprint, if it has this role.
    pub fn find(&self, thumbprint: &Hash, role: Role) -> Option<&PublicKey> {
        self.0
            .iter()
            .find(|(key, known)| key.thumbprint == *thumbprint && *known == role)
            .map(|(key, _)| key)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&PublicKey, Role)> {
        self.0.iter().map(|(key, role)| (key, *role))
    }

    /// As a JWKS file.
    pub fn to_jwks(&self) -> String {
        let keys: Vec<String> = self
            .0
            .iter()
            .map(|(key, role)| format!("  {}", key.jwk(*role)))
            .collect();
        format!("{{\"keys\":[\n{}\n]}}\n", keys.join(",\n"))
    }

    /// Reads a JWKS, or a single JWK. Every key must be an Ed25519 key with its own thumbprint and a role.
    pub fn read(text: &str) -> Result<Self, Trouble> {
        let mut set = Self::default();
        for jwk in jwk::read(text).ok_or_else(|| unusable("this is no set of keys in JSON"))? {
            let get = |name: &str| {
                jwk.iter()
                    .find(|(other, _)| other == name)
                    .map(|(_, value)| value.as_str())
            };
            if get("kty") != Some("OKP") || get("crv") != Some("Ed25519") {
                return Err(unusable("a key is not an Ed25519 key (kty OKP, crv Ed25519)"));
            }
            let key = get("x")
                .and_then(|x| PublicKey::read_x(x.as_bytes()))
                .ok_or_else(|| unusable("a key's x is not 32 bytes of a curve point in base64url"))?;
            if get("kid") != Some(key.thumbprint.to_string().as_str()) {
                return Err(unusable("a key's kid is not the thumbprint of its x"));
            }
            let role = match get("role") {
                Some("page") => Role::Page,
                Some("receipt") => Role::Receipt,
                _ => return Err(unusable("a key's role is neither page nor receipt")),
            };
            if set.0.iter().any(|(other, _)| *other == key) {
                return Err(unusable("a key stands twice"));
            }
            set.add(key, role)?;
        }
        if set.0.is_empty() {
            return Err(unusable("there is no key in it"));
        }
        Ok(set)
    }
}

fn unusable(why: &str) -> Trouble {
    Trouble::new("keys-unusable", format!("the keys cannot be used: {why}"))
        .means("nothing sealed or receipted under these keys can be checked")
        .so("fetch keys.jwks again from the gateway or the enrolment sheet")
}

/// Just enough JSON for a JWKS: objects and lists of strings, with blanks between tokens.
mod jwk {
    type Jwk = Vec<(String, String)>;

    pub(super) fn read(text: &str) -> Option<Vec<Jwk>> {
        let mut input = Input(text.as_bytes());
        let keys = input.top()?;
        input.blank();
        input.0.is_empty().then_some(keys)
    }

    struct Input<'a>(&'a [u8]);

    impl Input<'_> {
        fn blank(&mut self) {
            while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.0 {
                self.0 = rest;
            }
        }

        fn eat(&mut self, byte: u8) -> Option<()> {
            self.blank();
            self.0 = self.0.strip_prefix(&[byte])?;
            Some(())
        }

        fn next_is(&mut self, byte: u8) -> bool {
            self.blank();
            self.0.first() == Some(&byte)
        }

        /// `{"keys":[…]}`, or one key.
        fn top(&mut self) -> Option<Vec<Jwk>> {
            let whole = self.0;
            self.eat(b'{')?;
            if self.string()? != "keys" {
                self.0 = whole;
                return Some(vec![self.object()?]);
            }
            self.eat(b':')?;
            self.eat(b'[')?;
            let mut keys = vec![self.object()?];
            while self.next_is(b',') {
                self.eat(b',')?;
                keys.push(self.object()?);
            }
            self.eat(b']')?;
            self.eat(b'}')?;
            Some(keys)
        }

        fn object(&mut self) -> Option<Jwk> {
            let mut members: Jwk = Vec::new();
            self.eat(b'{')?;
            loop {
                let name = self.string()?;
                self.eat(b':')?;
                let value = self.string()?;
                if members.iter().any(|(other, _)| *other == name) {
                    return None;
                }
                members.push((name, value));
                if self.next_is(b'}') {
                    self.eat(b'}')?;
                    return Some(members);
                }
                self.eat(b',')?;
            }
        }

        /// A string of printable ASCII without escapes: all that a JWK needs.
        fn string(&mut self) -> Option<String> {
            self.eat(b'"')?;
            let end = self.0.iter().position(|byte| *byte == b'"')?;
            let text = &self.0[..end];
            if !text
                .iter()
                .all(|byte| (0x20..0x7f).contains(byte) && *byte != b'\\')
            {
                return None;
            }
            self.0 = &self.0[end + 1..];
            String::from_utf8(text.to_vec()).ok()
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_set_of_keys_is_read_as_it_is_written() {
        let (one, two) = (SecretKey::from_seed(&[1; 32]), SecretKey::from_seed(&[2; 32]));
        let mut set = KeySet::default();
        set.add(one.public().clone(), Role::Page).unwrap();
        set.add(two.public().clone(), Role::Receipt).unwrap();
        assert_eq!(KeySet::read(&set.to_jwks()).unwrap(), set);
        assert_eq!(
            KeySet::read(&one.public().jwk(Role::Page))
                .unwrap()
                .iter()
                .count(),
            1
        );
        assert!(
            set.find(&one.public().thumbprint(), Role::Receipt).is_none(),
            "a page key gives no receipts"
        );
    }

    #[test]
    fn one_key_never_has_both_roles() {
        let key = SecretKey::from_seed(&[1; 32]);
        let mut set = KeySet::default();
        set.add(key.public().clone(), Role::Page).unwrap();
        assert!(set.add(key.public().clone(), Role::Receipt).is_err());
        let both = format!(
            "{{\"keys\":[{},{}]}}",
            key.public().jwk(Role::Page),
            key.public().jwk(Role::Receipt)
        );
        assert!(KeySet::read(&both).is_err());
    }

    #[test]
    fn a_key_survives_its_file() {
        let key = SecretKey::from_seed(&[7; 32]);
        let again = SecretKey::from_pem(&key.to_pem().unwrap()).unwrap();
        assert_eq!(again.public(), key.public());
        assert!(
            !format!("{key:?}").contains("0707"),
            "a private key must never print itself"
        );
    }
}
