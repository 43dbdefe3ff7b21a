//! The certificate of the screens: the plant's own, or one made once, whose fingerprint a person compares.

use crate::{flow::needs::Files, ports::files::SystemFiles};
use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use record::{Stamp, Trouble};
use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use sha2::{Digest, Sha256};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio_rustls::TlsAcceptor;

/// A certificate chain with its key.
pub struct Certificate {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    place: PathBuf,
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certificate({})", self.place.display())
    }
}

/// A certificate of our own is good for so many years; browsers are shown its fingerprint, not its age.
const YEARS: i32 = 5;

/// The certificate in these files; where neither exists and they are our own, one is made for these names.
pub fn certificate_for(
    (certificate, key): (&Path, &Path),
    make: Option<&[String]>,
    now: Stamp,
) -> Result<Certificate, Trouble> {
    if let Some(names) = make.filter(|_| !certificate.exists() && !key.exists()) {
        made(certificate, key, names, now)?;
    }
    let pem = fs::read(certificate).map_err(|problem| unusable(certificate, &problem.to_string()))?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let chain = match chain {
        Ok(chain) if !chain.is_empty() => chain,
        _ => return Err(unusable(certificate, "it holds no certificate (PEM)")),
    };
    let secret = SystemFiles.read_secret(key)?;
    let secret =
        PrivateKeyDer::from_pem_slice(&secret).map_err(|_| unusable(key, "it holds no private key (PEM)"))?;
    Ok(Certificate {
        chain,
        key: secret,
        place: certificate.to_owned(),
    })
}

impl Certificate {
    /// SHA-256 of the certificate, as browsers show it: `A1:B2:…`.
    pub fn fingerprint(&self) -> String {
        let hash = Sha256::digest(self.chain.first().map_or(&[][..], |first| first.as_ref()));
        let pairs: Vec<String> = hash.iter().map(|byte| format!("{byte:02X}")).collect();
        pairs.join(":")
    }

    /// Until when it is good.
    pub fn until(&self) -> Option<Stamp> {
        not_after(self.chain.first()?)
    }

    pub(super) fn acceptor(&self) -> Result<TlsAcceptor, Trouble> {
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|problem| unusable(&self.place, &problem.to_string()))?
            .with_no_client_auth()
            .with_single_cert(self.chain.clone(), self.key.clone_key())
            .map_err(|problem| unusable(&self.place, &problem.to_string()))?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

fn made(certificate: &Path, key: &Path, names: &[String], now: Stamp) -> Result<(), Trouble> {
    let cannot = |why: &dyn std::fmt::Display| unusable(certificate, &format!("it cannot be made: {why}"));
    let mut params = CertificateParams::new(names.to_vec()).map_err(|why| cannot(&why))?;
    let today = jiff::Timestamp::from_millisecond(now.0)
        .map_err(|why| cannot(&why))?
        .to_zoned(jiff::tz::TimeZone::UTC);
    let (year, month) = (i32::from(today.year()), today.month() as u8);
    // a box whose clock is a day behind is still believed
    params.not_before = date_time_ymd(year - 1, month, 1);
    params.not_after = date_time_ymd(year + YEARS, month, 1);
    params.distinguished_name.push(
        DnType::CommonName,
        names.first().map_or("steelyard", String::as_str),
    );
    let pair = KeyPair::generate().map_err(|why| cannot(&why))?;
    let signed = params.self_signed(&pair).map_err(|why| cannot(&why))?;
    SystemFiles
        .write_secret(key, pair.serialize_pem().as_bytes())
        .map_err(|why| cannot(&why))?;
    SystemFiles
        .write_secret(certificate, signed.pem().as_bytes())
        .map_err(|why| cannot(&why))
}

/// `notAfter` of a certificate: the second time of the fifth or fourth member of what is signed (RFC 5280, 4.1).
fn not_after(certificate: &[u8]) -> Option<Stamp> {
    let (_, whole, _) = member(certificate)?;
    let (_, mut rest, _) = member(whole)?;
    let (tag, _, after) = member(rest)?;
    if tag == 0xa0 {
        rest = after; // the version
    }
    for _ in ["serial number", "signature algorithm", "issuer"] {
        rest = member(rest)?.2;
    }
    let (_, validity, _) = member(rest)?;
    let (_, _, after) = member(validity)?;
    let (tag, time, _) = member(after)?;
    moment(tag, std::str::from_utf8(time).ok()?)
}

/// One member of DER: its tag, what is in it, and what follows.
fn member(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (usize::from(first), rest)
    } else {
        let count = usize::from(first & 0x7f);
        if !(1..=4).contains(&count) || rest.len() < count {
            return None;
        }
        let (digits, rest) = rest.split_at(count);
        let length = digits
            .iter()
            .fold(0, |length, byte| length << 8 | usize::from(*byte));
        (length, rest)
    };
    (rest.len() >= length).then(|| {
        let (inside, after) = rest.split_at(length);
        (tag, inside, after)
    })
}

/// `UTCTime` (two digits of a year before 2050) or `GeneralizedTime`.
fn moment(tag: u8, text: &str) -> Option<Stamp> {
    let text = text.strip_suffix('Z')?;
    let (year, rest) = match tag {
        0x17 => {
            let short: u32 = text.get(..2)?.parse().ok()?;
            (
                if short < 50 { 2000 + short } else { 1900 + short },
                text.get(2..)?,
            )
        }
        0x18 => (text.get(..4)?.parse().ok()?, text.get(4..)?),
        _ => return None,
    };
    let two = |at: usize| rest.get(at..at + 2);
    Stamp::read(&format!(
        "{year:04}-{}-{}T{}:{}:{}.000Z",
        two(0)?,
        two(2)?,
        two(4)?,
        two(6)?,
        two(8)?
    ))
}

fn unusable(path: &Path, why: &str) -> Trouble {
    Trouble::new(
        "web-certificate",
        format!("the certificate of the screens cannot be used: {why}"),
    )
    .at(path.display())
    .means("the screens are served to this machine only; capture is not concerned")
    .so("put the right files there as `certificate` and `private_key` of [web], the key with mode 0600; without both one is made")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_certificate_is_made_once_and_says_until_when_it_is_good() {
        let dir = std::env::temp_dir().join(format!("steelyard-certificate-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let (certificate, key) = (dir.join("web.pem"), dir.join("web.key"));
        let names = ["line-3".to_owned(), "10.30.4.20".to_owned()];
        let now = Stamp::read("2026-11-20T10:15:03.120Z").unwrap();
        let first = certificate_for((&certificate, &key), Some(&names), now).unwrap();
        assert_eq!(first.until().unwrap().to_string(), "2031-11-01T00:00:00.000Z");
        assert_eq!(first.fingerprint().len(), 95);
        assert!(first.acceptor().is_ok());
        let again = certificate_for((&certificate, &key), Some(&names), now).unwrap();
        assert_eq!(again.fingerprint(), first.fingerprint());
        assert!(!format!("{first:?}").contains("PRIVATE"));

        fs::remove_file(&key).unwrap();
        let trouble = certificate_for((&certificate, &key), Some(&names), now).unwrap_err();
        assert!(
            !trouble.action.is_empty(),
            "half of a pair is never replaced: {trouble}"
        );
        fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn what_is_no_certificate_has_no_end() {
        for bytes in [
            &b""[..],
            b"\x30",
            b"\x30\x84\xff\xff\xff\xff",
            b"\x30\x03\x02\x01\x05",
            b"hello",
        ] {
            assert_eq!(not_after(bytes), None);
        }
    }
}
