//! Our own certificate, made once, and the certificates that people trust: plain files in plain directories, so that
//! a plant's IT can look at them with its own tools. Nothing is ever accepted by itself.

use super::der::{chain, inside};
use crate::{
    flow::needs::{
        Files,
        server::{Certificate, Policy, Problem, ProblemKind, Trusted},
    },
    ports::files::SystemFiles,
};
use opcua::crypto::{CertificateStore, PrivateKey, X509};
use record::{Stamp, Trouble};
use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    pki_types::{CertificateDer, CertificateRevocationListDer, ServerName, UnixTime},
};
use sha2::{Digest, Sha256};
use std::{
    fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

const OWN: &str = "own/certs/steelyard.der";
const KEY: &str = "own/private/steelyard.pem";
const TRUSTED: &str = "trusted/certs";
const REVOKED: [&str; 2] = ["trusted/crl", "issuers/crl"];
const ISSUERS: &str = "issuers/certs";
const REJECTED: &str = "rejected/certs";
/// Strangers' certificates that are kept to be looked at; the next one replaces none of them.
const STRANGERS: usize = 64;
/// Days our own certificate lasts.
const DAYS: i64 = 5 * 365;

/// The directory of certificates.
#[derive(Debug, Clone)]
pub struct Pki(PathBuf);

/// Where a certificate lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    Own,
    Trusted,
    /// Only to complete chains; by itself it makes nothing trusted.
    Issuer,
    Rejected,
}

impl Kept {
    pub fn word(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Trusted => "trusted",
            Self::Issuer => "issuer",
            Self::Rejected => "rejected",
        }
    }
}

impl Pki {
    pub fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Every certificate that lies here, with its file.
    pub fn all(&self) -> io::Result<Vec<(Kept, Certificate, PathBuf)>> {
        let places = [
            (Kept::Own, "own/certs"),
            (Kept::Trusted, TRUSTED),
            (Kept::Issuer, ISSUERS),
            (Kept::Rejected, REJECTED),
        ];
        let mut all = Vec::new();
        for (kept, folder) in places {
            for (path, der) in self.certificates(folder)? {
                if let Some(known) = facts(&der) {
                    all.push((kept, known, path));
                }
            }
        }
        Ok(all)
    }

    fn certificates(&self, folder: &str) -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
        let folder = self.0.join(folder);
        let mut found = Vec::new();
        for name in SystemFiles.list(&folder)? {
            let path = folder.join(name);
            let bytes = fs::read(&path)?;
            if let Some(der) = as_der(&bytes) {
                found.push((path, der));
            }
        }
        Ok(found)
    }

    /// Our own certificate and key; made at the first time, and the same ever after.
    pub(super) fn own(&self, application: &str) -> Result<(X509, PrivateKey), Problem> {
        let here = |words: String| Problem::new(ProblemKind::Here, words);
        let (cert, key) = (self.0.join(OWN), self.0.join(KEY));
        if !cert.exists() && !key.exists() {
            self.make_own(application).map_err(|error| {
                here(format!(
                    "our own certificate cannot be made in {}: {error}",
                    self.0.display()
                ))
            })?;
        }
        let secret = SystemFiles
            .read_secret(&key)
            .map_err(|trouble| here(format!("{} {}", trouble.what, key.display())))?;
        let key = PrivateKey::from_pem(&secret)
            .map_err(|_| here(format!("{} is no RSA key in PKCS#8", key.display())))?;
        let bytes = fs::read(&cert).map_err(|error| here(format!("{}: {error}", cert.display())))?;
        let der = as_der(&bytes).ok_or_else(|| here(format!("{} is no certificate", cert.display())))?;
        let x509 = X509::from_der(&der).map_err(|_| here(format!("{} is no certificate", cert.display())))?;
        Ok((x509, key))
    }

    /// Makes our own certificate where there is none. Says whether there was none.
    pub fn make_sure(&self, application: &str) -> Result<bool, Problem> {
        let before = self.0.join(OWN).exists();
        self.own(application).map(|_| !before)
    }

    fn make_own(&self, application: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        for folder in [
            "own/certs",
            "own/private",
            TRUSTED,
            REVOKED[0],
            REVOKED[1],
            ISSUERS,
            REJECTED,
        ] {
            let mode = if folder == "own/private" { 0o700 } else { 0o755 };
            fs::DirBuilder::new()
                .recursive(true)
                .mode(mode)
                .create(self.0.join(folder))?;
        }
        let key = PrivateKey::new(2048)?;
        let pkcs8 = key.to_der().map_err(|error| error.to_string())?;
        let pem = pem("PRIVATE KEY", pkcs8.as_bytes());
        let pair = rcgen::KeyPair::from_pkcs8_pem_and_sign_algo(&pem, &rcgen::PKCS_RSA_SHA256)?;
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "Steelyard");
        params
            .distinguished_name
            .push(rcgen::DnType::OrganizationName, application);
        params
            .subject_alt_names
            .push(rcgen::SanType::URI(application.try_into()?));
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        if let Ok(host) = host.as_str().try_into() {
            params.subject_alt_names.push(rcgen::SanType::DnsName(host));
        }
        params.is_ca = rcgen::IsCa::ExplicitNoCa;
        params.key_usages = vec![
            rcgen::KeyUsagePurpose::DigitalSignature,
            rcgen::KeyUsagePurpose::ContentCommitment,
            rcgen::KeyUsagePurpose::KeyEncipherment,
            rcgen::KeyUsagePurpose::DataEncipherment,
            rcgen::KeyUsagePurpose::KeyCertSign,
        ];
        params.extended_key_usages = vec![
            rcgen::ExtendedKeyUsagePurpose::ClientAuth,
            rcgen::ExtendedKeyUsagePurpose::ServerAuth,
        ];
        params.use_authority_key_identifier_extension = true;
        let today = jiff::Timestamp::now();
        let day = |days: i64| {
            let day = (today + jiff::SignedDuration::from_hours(24 * days)).to_zoned(jiff::tz::TimeZone::UTC);
            // holds because months and days of a calendar fit into a byte
            let small = |number: i8| u8::try_from(number).unwrap_or(1);
            rcgen::date_time_ymd(i32::from(day.year()), small(day.month()), small(day.day()))
        };
        params.not_before = day(-1);
        params.not_after = day(DAYS);
        let certificate = params.self_signed(&pair)?;
        SystemFiles.write_secret(&self.0.join(KEY), pem.as_bytes())?;
        SystemFiles.write(&self.0.join(OWN), certificate.der())?;
        Ok(())
    }

    /// The library's view of our own certificate. Its trust list is not used: it would be asked after the password
    /// had been sent, and it knows no authorities.
    pub(super) fn for_library(&self) -> CertificateStore {
        let (store, ..) = CertificateStore::new_with_x509_data(
            &self.0,
            false,
            Some(Path::new(OWN)),
            Some(Path::new(KEY)),
            None::<opcua::crypto::X509Data>,
        );
        store
    }

    /// Whether a server's certificate counts, and why. One that is unknown is kept to be looked at.
    pub(super) fn judge(
        &self,
        sent: &[u8],
        now: Stamp,
        wish: &Judging<'_>,
    ) -> Result<(Vec<u8>, Trusted), Problem> {
        let untrusted = |words: String, known: Option<Certificate>| Problem {
            certificate: known.map(Box::new),
            ..Problem::new(ProblemKind::Untrusted, words)
        };
        let chain = chain(sent);
        let Some((first, rest)) = chain.split_first() else {
            return Err(untrusted("the server shows no certificate".into(), None));
        };
        let Some(known) = facts(first) else {
            return Err(untrusted("the server's certificate cannot be read".into(), None));
        };
        if known.key_bits < 2048 || known.key_bits > 4096 {
            let words = format!(
                "its key has {} bits; {} takes 2048 to 4096",
                known.key_bits,
                wish.policy.word()
            );
            return Err(untrusted(words, Some(known)));
        }
        let names = inside(first);
        if !names.uris.iter().any(|uri| uri == wish.application) {
            let words = format!(
                "it was made for {}, and the server calls itself {}",
                names.uris.first().map_or("nobody", String::as_str),
                wish.application
            );
            return Err(untrusted(words, Some(known)));
        }
        let unreadable =
            |error: io::Error| Problem::new(ProblemKind::Here, format!("{}: {error}", self.0.display()));
        let trusted = self.certificates(TRUSTED).map_err(unreadable)?;
        if trusted.iter().any(|(_, der)| der == first) {
            return match (now < known.from, now > known.until) {
                (true, _) => Err(untrusted(
                    format!("it counts from {} on", known.from),
                    Some(known),
                )),
                (_, true) if !wish.over_goes_on => Err(untrusted(
                    format!("its last day was {}", known.until),
                    Some(known),
                )),
                (_, true) => Ok((first.to_vec(), Trusted::PinnedAndOver)),
                _ => Ok((first.to_vec(), Trusted::Pinned)),
            };
        }
        let authorities: Vec<&Vec<u8>> = trusted
            .iter()
            .map(|(_, der)| der)
            .filter(|der| inside(der).authority)
            .collect();
        if !authorities.is_empty() {
            match self.by_authority(first, rest, &authorities, &names.hosts, now, wish.host) {
                Ok(()) => return Ok((first.to_vec(), Trusted::ByAuthority)),
                Err(because) if because != "UnknownIssuer" => {
                    self.keep(first, &known);
                    return Err(untrusted(because, Some(known)));
                }
                Err(_) => {}
            }
        }
        self.keep(first, &known);
        Err(untrusted("nobody has accepted it".into(), Some(known)))
    }

    fn by_authority(
        &self,
        first: &[u8],
        rest: &[&[u8]],
        authorities: &[&Vec<u8>],
        hosts: &[String],
        now: Stamp,
        host: &str,
    ) -> Result<(), String> {
        if !hosts.iter().any(|known| known.eq_ignore_ascii_case(host)) {
            return Err(format!(
                "an authority signed it for {}, and not for {host}",
                hosts.join(", ")
            ));
        }
        let mut roots = RootCertStore::empty();
        for authority in authorities {
            roots
                .add(CertificateDer::from(authority.as_slice()))
                .map_err(|error| format!("a trusted authority cannot be read: {error}"))?;
        }
        let mut lists = Vec::new();
        for folder in REVOKED {
            let folder = self.0.join(folder);
            for name in SystemFiles.list(&folder).map_err(|error| error.to_string())? {
                let bytes = fs::read(folder.join(name)).map_err(|error| error.to_string())?;
                lists.push(CertificateRevocationListDer::from(bytes));
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        if !lists.is_empty() {
            builder = builder.with_crls(lists).allow_unknown_revocation_status();
        }
        let verifier = builder.build().map_err(|error| error.to_string())?;
        let issuers = self.certificates(ISSUERS).map_err(|error| error.to_string())?;
        let between: Vec<CertificateDer<'_>> = rest
            .iter()
            .copied()
            .chain(issuers.iter().map(|(_, der)| der.as_slice()))
            .map(CertificateDer::from)
            .collect();
        let name = ServerName::try_from(host).map_err(|error| error.to_string())?;
        let seconds = u64::try_from(now.0 / 1000).unwrap_or_default();
        let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        match verifier.verify_server_cert(&CertificateDer::from(first), &between, &name, &[], time) {
            Ok(_) => Ok(()),
            Err(rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer)) => {
                Err("UnknownIssuer".into())
            }
            Err(error) => Err(format!("an authority signed it, and yet: {error}")),
        }
    }

    /// Keeps a stranger's certificate, so that a person can look at it and accept it.
    fn keep(&self, der: &[u8], known: &Certificate) {
        let folder = self.0.join(REJECTED);
        let crowded = SystemFiles
            .list(&folder)
            .is_ok_and(|names| names.len() >= STRANGERS);
        let path = folder.join(format!("{}.der", known.fingerprint));
        if !crowded && !path.exists() {
            let _ = fs::create_dir_all(&folder);
            if let Err(error) = SystemFiles.write(&path, der) {
                tracing::warn!(%error, "a server's certificate could not be kept to be looked at");
            }
        }
    }

    /// Moves a certificate that was shown to us to the trusted ones.
    pub fn accept(&self, fingerprint: &str) -> Result<Certificate, Trouble> {
        let (_, known, path) = self.one(fingerprint, &[Kept::Rejected])?;
        let to = self.0.join(TRUSTED);
        fs::create_dir_all(&to)
            .and_then(|()| fs::rename(&path, to.join(format!("{}.der", known.fingerprint))))
            .map_err(|error| cannot(&path, &error))?;
        Ok(known)
    }

    /// Takes a certificate out of the trusted ones; it lies among the rejected ones from then on.
    pub fn remove(&self, fingerprint: &str) -> Result<Certificate, Trouble> {
        let (_, known, path) = self.one(fingerprint, &[Kept::Trusted])?;
        let to = self.0.join(REJECTED);
        fs::create_dir_all(&to)
            .and_then(|()| fs::rename(&path, to.join(format!("{}.der", known.fingerprint))))
            .map_err(|error| cannot(&path, &error))?;
        Ok(known)
    }

    /// The one certificate whose fingerprint begins so.
    pub fn one(&self, fingerprint: &str, among: &[Kept]) -> Result<(Kept, Certificate, PathBuf), Trouble> {
        let wanted: String = fingerprint.chars().filter(char::is_ascii_hexdigit).collect();
        let wanted = wanted.to_ascii_lowercase();
        let all = self.all().map_err(|error| cannot(&self.0, &error))?;
        let mut fit = all.into_iter().filter(|(kept, known, _)| {
            among.contains(kept) && wanted.len() >= 8 && known.fingerprint.starts_with(&wanted)
        });
        match (fit.next(), fit.next()) {
            (Some(one), None) => Ok(one),
            (Some(_), Some(_)) => Err(Trouble::new("no-such-certificate", format!("several fingerprints begin with {fingerprint}"))
                .at(self.0.display())
                .means("nothing was changed")
                .so("write more of it: steelyard trust list shows them whole")),
            (None, _) => Err(Trouble::new("no-such-certificate", format!("no certificate here has the fingerprint {fingerprint}"))
                .at(self.0.display())
                .means("nothing was changed")
                .so("steelyard trust list shows what there is; a server's certificate appears there once it has been asked; write at least 8 of its characters")),
        }
    }
}

/// What a server's certificate is held against.
pub(super) struct Judging<'w> {
    pub(super) policy: Policy,
    /// What the server calls itself.
    pub(super) application: &'w str,
    pub(super) host: &'w str,
    pub(super) over_goes_on: bool,
}

fn cannot(path: &Path, error: &io::Error) -> Trouble {
    Trouble::new("trust-list", format!("the trust list cannot be used: {error}"))
        .at(path.display())
        .means("nothing was changed")
        .so("look at owner and mode of the directory; it belongs to the user the gateway runs as")
}

/// What people compare.
pub(super) fn facts(der: &[u8]) -> Option<Certificate> {
    let x509 = X509::from_der(der).ok()?;
    let names = inside(der);
    Some(Certificate {
        fingerprint: hex(&Sha256::digest(der)),
        thumbprint: x509.thumbprint().as_hex_string().to_ascii_lowercase(),
        subject: x509.subject_name(),
        application_uri: names.uris.first().cloned(),
        hosts: names.hosts,
        from: Stamp(x509.not_before().ok()?.timestamp_millis()),
        until: Stamp(x509.not_after().ok()?.timestamp_millis()),
        key_bits: u32::try_from(x509.key_length().ok()?).ok()?,
        is_authority: names.authority,
    })
}

/// A file as DER, whichever of the two usual forms it has.
pub(super) fn as_der(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.first() == Some(&0x30) {
        return Some(bytes.to_vec());
    }
    X509::from_pem(bytes).ok()?.to_der().ok()
}

fn pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in base64(der).as_bytes().chunks(64) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

/// The standard's alphabet, padded.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let word =
            three.iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            if place <= three.len() {
                text.push(char::from(ALPHABET[(word >> (18 - 6 * place)) as usize & 63]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
