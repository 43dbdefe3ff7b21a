//! The trust list of OPC UA, for people: what lies there, and what they say about it. A build without OPC UA has none.

use crate::flow::needs::server::Certificate;
use record::Trouble;
use std::path::{Path, PathBuf};

/// One certificate, where it lies, and in which role.
#[derive(Debug, Clone)]
pub struct Shown {
    /// `own`, `trusted`, `issuer`, `rejected`.
    pub role: &'static str,
    pub certificate: Certificate,
    pub file: PathBuf,
}

#[cfg(feature = "opcua")]
mod with {
    use super::{Certificate, Path, Shown, Trouble};
    use crate::ports::opcua::pki::{Kept, Pki};

    pub fn list(trust: &Path) -> Result<Vec<Shown>, Trouble> {
        let all = Pki::at(trust).all().map_err(|error| {
            Trouble::new("trust-list", format!("the trust list cannot be read: {error}"))
                .at(trust.display())
                .means("nothing was changed")
                .so("look at owner and mode of the directory")
        })?;
        let shown = |(kept, certificate, file): (Kept, Certificate, _)| Shown {
            role: kept.word(),
            certificate,
            file,
        };
        Ok(all.into_iter().map(shown).collect())
    }

    pub fn one(trust: &Path, fingerprint: &str) -> Result<Shown, Trouble> {
        let all = [Kept::Own, Kept::Trusted, Kept::Issuer, Kept::Rejected];
        let (kept, certificate, file) = Pki::at(trust).one(fingerprint, &all)?;
        Ok(Shown {
            role: kept.word(),
            certificate,
            file,
        })
    }

    pub fn accept(trust: &Path, fingerprint: &str) -> Result<Certificate, Trouble> {
        Pki::at(trust).accept(fingerprint)
    }

    pub fn remove(trust: &Path, fingerprint: &str) -> Result<Certificate, Trouble> {
        Pki::at(trust).remove(fingerprint)
    }

    /// Our own certificate, made where there is none yet.
    pub fn own(trust: &Path, application: &str) -> Result<(), Trouble> {
        Pki::at(trust)
            .make_sure(application)
            .map(|_| ())
            .map_err(|problem| {
                Trouble::new(
                    "own-certificate",
                    format!("our own certificate cannot be made: {}", problem.words),
                )
                .at(trust.display())
                .means("no OPC UA server with security can be reached")
                .so("look at owner and mode of the directory; it belongs to the user the gateway runs as")
            })
    }
}

#[cfg(not(feature = "opcua"))]
mod with {
    use super::{Certificate, Path, Shown, Trouble};

    pub fn list(_: &Path) -> Result<Vec<Shown>, Trouble> {
        Err(super::without_opcua())
    }

    pub fn one(_: &Path, _: &str) -> Result<Shown, Trouble> {
        Err(super::without_opcua())
    }

    pub fn accept(_: &Path, _: &str) -> Result<Certificate, Trouble> {
        Err(super::without_opcua())
    }

    pub fn remove(_: &Path, _: &str) -> Result<Certificate, Trouble> {
        Err(super::without_opcua())
    }

    pub fn own(_: &Path, _: &str) -> Result<(), Trouble> {
        Err(super::without_opcua())
    }
}

pub use with::{accept, list, one, own, remove};

/// What a build without OPC UA says.
pub fn without_opcua() -> Trouble {
    Trouble::new("without-opcua", "this build of steelyard cannot speak OPC UA")
        .at("built without the feature `opcua`")
        .means("equipment behind an OPC UA server is not read; everything else works")
        .so("install the package with OPC UA, or build with `--features opcua`")
}
