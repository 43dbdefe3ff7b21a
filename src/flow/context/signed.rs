//! Context that is signed: the message as the payload of a compact JWS, checked with the key the
//! configuration names. Where a key is named, nothing else counts.

use super::refusal;
use record::{PublicKey, Trouble, signed_payload};

/// The type in the header of the JWS.
pub const TYPE: &str = "steelyard-context";

/// The message inside, or why it does not count.
pub fn open(unit: &str, key: &PublicKey, bytes: &[u8]) -> Result<Vec<u8>, Trouble> {
    let line = bytes.trim_ascii();
    if line.first() == Some(&b'{') {
        return Err(refusal(
            "context-not-signed",
            "this message is not signed, and this unit takes signed ones only".to_owned(),
            unit,
            "sign it as docs/reference/context.md shows, with the key that `context_key` names",
        ));
    }
    signed_payload(line, TYPE, key).map_err(|why| {
        refusal(
            "context-not-signed",
            format!("this message is not signed by the key of its source: {why}"),
            unit,
            "sign it with the key that `context_key` names; if the source has a new key, apply a configuration that names it",
        )
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use record::{SecretKey, Signer, b64};

    fn jws(key: &SecretKey, typ: &str, payload: &str) -> String {
        let kid = key.public().thumbprint();
        let header = format!(r#"{{"alg":"EdDSA","kid":"{kid}","typ":"{typ}"}}"#);
        let signed = format!(
            "{}.{}",
            b64::encode(header.as_bytes()),
            b64::encode(payload.as_bytes())
        );
        let signature = key.sign(signed.as_bytes()).unwrap();
        format!("{signed}.{}", b64::encode(&signature))
    }

    #[test]
    fn only_what_the_source_signed_counts() {
        let (mes, thief) = (SecretKey::from_seed(&[1; 32]), SecretKey::from_seed(&[2; 32]));
        let message = r#"{"number":1}"#;
        let open = |text: &str| open("MX-3", mes.public(), text.as_bytes());
        assert_eq!(open(&jws(&mes, TYPE, message)).unwrap(), message.as_bytes());
        let whole = jws(&mes, TYPE, message);
        let (signed, signature) = whole.rsplit_once('.').unwrap();
        let other = jws(&mes, TYPE, r#"{"number":2}"#);
        let swapped = format!("{}.{signature}", other.rsplit_once('.').unwrap().0);
        let cases = [
            (message.to_owned(), "is not signed"),
            (jws(&thief, TYPE, message), "another key"),
            (jws(&mes, "steelyard-page", message), "another type"),
            (signed.to_owned(), "header.payload"),
            (swapped, "does not hold"),
            (String::new(), "header.payload"),
        ];
        for (text, why) in cases {
            let trouble = open(&text).unwrap_err();
            assert_eq!(trouble.name, "context-not-signed");
            assert!(trouble.what.contains(why), "{text} gives {}", trouble.what);
        }
    }
}
