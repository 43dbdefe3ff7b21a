//! TLS to the broker: our provider, the plant's trust, and our certificate where one is asked for.
//!
//! There is no way to skip the check of the broker's certificate.

use crate::{
    flow::needs::{Files, Login},
    ports::files::SystemFiles,
};
use record::Trouble;
use rumqttc::{TlsConfiguration, Transport};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{fs, path::Path, sync::Arc};

/// The encrypted transport for this login.
pub(super) fn transport(login: &Login) -> Result<Transport, Trouble> {
    let Some(trust) = &login.trust else {
        return Err(Trouble::new(
            "broker-trust",
            "the broker is to be reached over TLS, and nothing says whom to trust",
        )
        .at(&login.url)
        .means("the broker is not reached; nothing is lost, what is captured stays in the ledger")
        .so(
            "name the file with the plant's CA certificate (PEM): `trust = \"/etc/steelyard/plant-ca.pem\"`",
        ));
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(trust)? {
        roots
            .add(certificate)
            .map_err(|problem| unusable(trust, &problem.to_string()))?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|problem| unusable(trust, &problem.to_string()))?
        .with_root_certificates(roots);
    let config = match (&login.certificate, &login.private_key) {
        (Some(certificate), Some(key)) => {
            let chain = certificates(certificate)?;
            let pem = SystemFiles.read_secret(key)?;
            let private = PrivateKeyDer::from_pem_slice(&pem)
                .map_err(|_| unusable(key, "it holds no private key (PEM)"))?;
            builder
                .with_client_auth_cert(chain, private)
                .map_err(|problem| unusable(certificate, &problem.to_string()))?
        }
        (None, None) => builder.with_no_client_auth(),
        _ => {
            return Err(Trouble::new(
                "broker-certificate",
                "a client certificate needs both its chain and its private key",
            )
            .at(&login.url)
            .means("the broker is not reached; nothing is lost, what is captured stays in the ledger")
            .so("write both `certificate` and `private_key`, or neither"));
        }
    };
    Ok(Transport::tls_with_config(TlsConfiguration::Rustls(Arc::new(
        config,
    ))))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Trouble> {
    let pem = fs::read(path).map_err(|problem| unusable(path, &problem.to_string()))?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(unusable(path, "it holds no certificate (PEM)")),
    }
}

fn unusable(path: &Path, why: &str) -> Trouble {
    Trouble::new(
        "broker-credentials",
        format!("a file for the broker's login cannot be used: {why}"),
    )
    .at(path.display())
    .means("the broker is not reached; nothing is lost, what is captured stays in the ledger")
    .so("put the right file there, readable for the user steelyard runs as")
}
