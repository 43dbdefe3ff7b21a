//! Compact JWS (RFC 7515) with Ed25519, over exact bytes: `header.payload.signature`. Nothing is ever
//! made canonical again; what was signed is what stands there.

use crate::{
    b64,
    flat::{self, Holds, Member, Refused, refuse},
    hash::Hash,
    key::{PublicKey, Signer},
    trouble::Trouble,
};

/// A JWS that is well formed. Nothing is proven until [`Jws::signed_by`] says so.
#[derive(Debug)]
pub(crate) struct Jws<'a> {
    signed: &'a [u8],
    signature: [u8; 64],
    /// The thumbprint the header names.
    pub(crate) kid: Hash,
    /// The payload's members, exactly those that were asked for.
    pub(crate) payload: Fields,
}

/// The members of one flat object.
#[derive(Debug)]
pub(crate) struct Fields {
    text: Vec<u8>,
    members: Vec<Member>,
}

impl Fields {
    /// Reads an object that has exactly these members.
    fn read(text: Vec<u8>, names: &[&str]) -> Result<Self, Refused> {
        flat::utf8(&text)?;
        let mut members = Vec::with_capacity(names.len());
        let end = flat::object(&text, 0, &mut members)?;
        if end != text.len() {
            return refuse("something stands after the object", end);
        }
        let known = members
            .iter()
            .all(|member| names.iter().any(|name| name.as_bytes() == member.name(&text)));
        if !known || members.len() != names.len() {
            return refuse("unknown or missing members in a signed object", 0);
        }
        Ok(Self { text, members })
    }

    fn member(&self, name: &str) -> Option<Member> {
        self.members
            .iter()
            .copied()
            .find(|member| member.name(&self.text) == name.as_bytes())
    }

    pub(crate) fn text(&self, name: &'static str) -> Result<String, Refused> {
        Ok(flat::unescape(self.raw(name)?))
    }

    pub(crate) fn raw(&self, name: &'static str) -> Result<&[u8], Refused> {
        match self.member(name) {
            Some(member) if member.holds == Holds::Text => Ok(member.value(&self.text)),
            _ => refuse("a member that must be a string is not", 0),
        }
    }

    pub(crate) fn number(&self, name: &'static str) -> Result<u64, Refused> {
        match self.member(name) {
            Some(Member {
                holds: Holds::Int(number),
                ..
            }) if number >= 0 => Ok(number as u64),
            _ => refuse("a member that must be a whole number is not", 0),
        }
    }

    pub(crate) fn hash(&self, name: &'static str) -> Result<Hash, Refused> {
        Hash::read(self.raw(name)?).map_or_else(|| refuse("a member that must be a hash is not", 0), Ok)
    }

    /// A hash, or empty where there is none yet.
    pub(crate) fn hash_or_none(&self, name: &'static str) -> Result<Option<Hash>, Refused> {
        if self.raw(name)?.is_empty() {
            Ok(None)
        } else {
            self.hash(name).map(Some)
        }
    }
}

impl<'a> Jws<'a> {
    /// Reads a JWS of this type whose payload has exactly these members.
    pub(crate) fn read(line: &'a [u8], typ: &str, names: &[&str]) -> Result<Self, Refused> {
        let mut dots = line
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'.')
            .map(|(at, _)| at);
        let (Some(first), Some(second), None) = (dots.next(), dots.next(), dots.next()) else {
            return refuse("a seal is header.payload.signature", 0);
        };
        let part = |bytes: &[u8], at: usize| {
            b64::decode(bytes).map_or_else(|| refuse("not canonical base64url", at), Ok)
        };
        let header = Fields::read(part(&line[..first], 0)?, &["alg", "kid", "typ"])?;
        if header.raw("alg")? != b"EdDSA" || header.raw("typ")? != typ.as_bytes() {
            return refuse("another algorithm or another type than expected", 0);
        }
        let payload = Fields::read(part(&line[first + 1..second], first + 1)?, names)?;
        let signature = part(&line[second + 1..], second + 1)?;
        let Ok(signature) = signature.try_into() else {
            return refuse("a signature has 64 bytes", second + 1);
        };
        Ok(Self {
            signed: &line[..second],
            signature,
            kid: header.hash("kid")?,
            payload,
        })
    }

    pub(crate) fn signed_by(&self, key: &PublicKey) -> bool {
        key.thumbprint() == self.kid && key.verify(self.signed, &self.signature)
    }
}

/// The type a JWS claims, before anything is checked; to tell words on one topic apart.
pub(crate) fn typ_of(line: &[u8]) -> Option<String> {
    let header = b64::decode(line.split(|byte| *byte == b'.').next()?)?;
    let fields = Fields::read(header, &["alg", "kid", "typ"]).ok()?;
    fields.text("typ").ok()
}

/// Writes a JWS: the payload as it is given, signed.
pub(crate) fn write(typ: &str, payload: &[u8], signer: &dyn Signer) -> Result<Vec<u8>, Trouble> {
    let mut header = b"{\"alg\":\"EdDSA\",\"kid\":\"".to_vec();
    header.extend_from_slice(&signer.public().thumbprint().text());
    header.extend_from_slice(b"\",\"typ\":");
    flat::quote(typ, &mut header);
    header.push(b'}');
    let mut line = Vec::with_capacity((header.len() + payload.len()) * 4 / 3 + 96);
    b64::encode_into(&header, &mut line);
    line.push(b'.');
    b64::encode_into(payload, &mut line);
    let signature = signer.sign(&line)?;
    line.push(b'.');
    b64::encode_into(&signature, &mut line);
    Ok(line)
}

/// Writes the members of a payload in the order given.
#[derive(Debug)]
pub(crate) struct Payload(Vec<u8>);

impl Payload {
    pub(crate) fn new() -> Self {
        Self(b"{".to_vec())
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        flat::quote(name, &mut self.0);
        self.0.push(b':');
    }

    pub(crate) fn text(mut self, name: &str, text: &str) -> Self {
        self.name(name);
        flat::quote(text, &mut self.0);
        self
    }

    pub(crate) fn number(mut self, name: &str, number: u64) -> Self {
        self.name(name);
        flat::number(number.min(flat::LARGEST as u64) as i64, &mut self.0);
        self
    }

    pub(crate) fn hash(self, name: &str, hash: Option<Hash>) -> Self {
        let text = hash.map(|hash| hash.to_string()).unwrap_or_default();
        self.text(name, &text)
    }

    pub(crate) fn done(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }
}

/// The payload of a compact JWS of this type, signed by exactly this key; or why it does not count. For
/// payloads that are not flat, such as context: their own reader judges what is in them.
pub fn signed_payload(line: &[u8], typ: &str, key: &PublicKey) -> Result<Vec<u8>, &'static str> {
    let form = "it is not header.payload.signature";
    let (signed, signature) = line
        .iter()
        .rposition(|byte| *byte == b'.')
        .map(|at| (&line[..at], &line[at + 1..]))
        .ok_or(form)?;
    let dot = signed.iter().position(|byte| *byte == b'.').ok_or(form)?;
    let header = b64::decode(&signed[..dot]).ok_or(form)?;
    let payload = b64::decode(&signed[dot + 1..]).ok_or(form)?;
    let signature = b64::decode(signature)
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(form)?;
    let other = "its header has not exactly alg, kid and typ";
    let header = Fields::read(header, &["alg", "kid", "typ"]).map_err(|_| other)?;
    let says = |name| header.raw(name).map_err(|_| other);
    if says("alg")? != b"EdDSA" || says("typ")? != typ.as_bytes() {
        return Err("it is of another type or another algorithm");
    }
    if says("kid")? != &key.thumbprint().text()[..] {
        return Err("it names another key");
    }
    if key.verify(signed, &signature) {
        Ok(payload)
    } else {
        Err("its signature does not hold")
    }
}
