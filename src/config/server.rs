//! How an OPC UA server is reached, how messages to it are protected, and who it is told we are. Said exactly, once
//! for each server; nothing is ever chosen in its place.

use std::{collections::BTreeMap, path::PathBuf};

/// An OPC UA server as the configuration names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OpcServer {
    /// `opcua = "opc.tcp://10.30.4.20:4840"`.
    pub url: String,
    /// `security = "Basic256Sha256, sign and encrypt"`.
    pub security: Security,
    /// `user` with `password_file`, `user_certificate` with `user_key`, or `anonymous = true`.
    pub identity: Identity,
    /// `starts = { scale = "nsu=urn:maker:scale;s=Scale1" }`: where the driver's paths begin in this plant.
    pub starts: BTreeMap<String, Start>,
}

/// A node by the URI of its namespace (none: the standard's own) and its identifier, as `s=Scale1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Start {
    pub namespace: Option<String>,
    pub identifier: String,
}

/// How messages are protected: exactly so, or not at all connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Security {
    pub policy: Policy,
    /// Encrypted, or signed only.
    pub encrypted: bool,
}

/// Security policies that are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Policy {
    None,
    Basic256Sha256,
    Aes128Sha256RsaOaep,
    Aes256Sha256RsaPss,
}

impl Policy {
    /// Every policy with the word of the configuration, which is the end of its URI too.
    pub const ALL: [(&'static str, Self); 4] = [
        ("None", Self::None),
        ("Basic256Sha256", Self::Basic256Sha256),
        ("Aes128_Sha256_RsaOaep", Self::Aes128Sha256RsaOaep),
        ("Aes256_Sha256_RsaPss", Self::Aes256Sha256RsaPss),
    ];

    pub fn word(self) -> &'static str {
        let known = Self::ALL.iter().find(|(_, policy)| *policy == self);
        known.map_or("None", |(word, _)| word)
    }

    pub fn read(word: &str) -> Option<Self> {
        let known = Self::ALL
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(word));
        known.map(|(_, policy)| *policy)
    }
}

impl Security {
    /// Nothing is protected.
    pub const NONE: Self = Self {
        policy: Policy::None,
        encrypted: false,
    };

    /// As the configuration has it: `Basic256Sha256, sign and encrypt`.
    pub fn words(self) -> String {
        match (self.policy, self.encrypted) {
            (Policy::None, _) => "none".into(),
            (policy, true) => format!("{}, sign and encrypt", policy.word()),
            (policy, false) => format!("{}, sign", policy.word()),
        }
    }

    /// Reads those words; a deprecated policy with its reason.
    pub fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("none") {
            return Ok(Self::NONE);
        }
        let known = "write \"Aes256_Sha256_RsaPss\", \"Aes128_Sha256_RsaOaep\" or \"Basic256Sha256\", then \", sign and encrypt\" or \", sign\"; steelyard find opcua shows what a server offers";
        let (policy, mode) = text.split_once(',').unwrap_or((text, ""));
        let policy = policy.trim();
        if ["Basic128Rsa15", "Basic256"]
            .iter()
            .any(|old| old.eq_ignore_ascii_case(policy))
        {
            return Err(format!(
                "{policy} is deprecated: it rests on SHA-1, which can be forged; {known}"
            ));
        }
        let policy = match Policy::read(policy) {
            Some(Policy::None) | None => return Err(known.to_owned()),
            Some(policy) => policy,
        };
        match mode.trim() {
            "sign and encrypt" => Ok(Self {
                policy,
                encrypted: true,
            }),
            "sign" => Ok(Self {
                policy,
                encrypted: false,
            }),
            _ => Err(known.to_owned()),
        }
    }
}

/// Who the server is told we are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Identity {
    /// Nobody in particular; only where it is written down.
    Anonymous,
    User {
        name: String,
        password_file: PathBuf,
    },
    Certificate {
        certificate: PathBuf,
        private_key: PathBuf,
    },
}

impl Identity {
    /// For people, without a secret.
    pub fn words(&self) -> String {
        match self {
            Self::Anonymous => "anonymous".into(),
            Self::User { name, .. } => format!("user {name}"),
            Self::Certificate { certificate, .. } => format!("certificate {}", certificate.display()),
        }
    }
}

impl std::fmt::Display for Start {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.namespace {
            Some(uri) => write!(f, "nsu={uri};{}", self.identifier),
            None => f.write_str(&self.identifier),
        }
    }
}

impl Start {
    /// Reads `nsu=urn:maker:scale;s=Scale1`, or `i=85` of the standard's own namespace.
    pub fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.starts_with("ns=") {
            return Err("a namespace by its number means another one after the next restart of the server; write its URI: nsu=urn:…;s=…".into());
        }
        let (namespace, identifier) = match text.strip_prefix("nsu=") {
            Some(rest) => match rest.split_once(';') {
                Some((uri, identifier)) if !uri.is_empty() => (Some(uri.to_owned()), identifier),
                _ => return Err(ASK.into()),
            },
            None => (None, text),
        };
        let right = match identifier.split_once('=') {
            Some(("i", number)) => number.parse::<u32>().is_ok(),
            Some(("s" | "g" | "b", rest)) => !rest.is_empty(),
            _ => false,
        };
        if !right {
            return Err(ASK.into());
        }
        Ok(Self {
            namespace,
            identifier: identifier.to_owned(),
        })
    }
}

const ASK: &str = "write a node by the URI of its namespace and its identifier: nsu=urn:maker:scale;s=Scale1";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn security_is_said_exactly_or_not_taken() {
        // written | understood
        let table = "
            Basic256Sha256, sign and encrypt       | Basic256Sha256, sign and encrypt
            Basic256Sha256, sign                   | Basic256Sha256, sign
            aes256_sha256_rsapss, sign and encrypt | Aes256_Sha256_RsaPss, sign and encrypt
            Aes128_Sha256_RsaOaep,sign             | Aes128_Sha256_RsaOaep, sign
            none                                   | none
            Basic256Sha256                         | -
            Basic256Sha256, encrypt                | -
            Basic256, sign and encrypt             | deprecated
            Basic128Rsa15, sign                    | deprecated
            None, sign                             | -
            best                                   | -";
        for row in table.lines().filter(|row| row.contains('|')) {
            let (written, right) = row.split_once('|').unwrap();
            let read = Security::read(written.trim());
            match right.trim() {
                "-" => assert!(read.is_err(), "{written}"),
                "deprecated" => assert!(read.unwrap_err().contains("SHA-1"), "{written}"),
                words => assert_eq!(read.unwrap().words(), words, "{written}"),
            }
        }
    }

    #[test]
    fn a_node_is_never_named_by_the_number_of_its_namespace() {
        let read = Start::read("nsu=urn:maker:scale;s=Halle;3").unwrap();
        assert_eq!(
            (read.namespace.as_deref(), read.identifier.as_str()),
            (Some("urn:maker:scale"), "s=Halle;3")
        );
        assert_eq!(Start::read("i=85").unwrap().namespace, None);
        assert!(Start::read("ns=4;s=Scale1").unwrap_err().contains("restart"));
        for wrong in ["", "Scale1", "nsu=;s=x", "nsu=urn:x", "i=x", "s="] {
            assert!(Start::read(wrong).is_err(), "{wrong}");
        }
    }
}
