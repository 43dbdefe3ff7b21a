//! Serving the screens: to this machine alone until others can sign in, to others over TLS only.

use crate::{
    config::plant::{Plant, Web},
    daemon::{opening::Outside, start::Running},
    flow::sessions::Lasting,
    ports::listen::{self, Certificate, Listening, certificate_for},
    web::{self, Gate},
};
use record::Trouble;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};
use tokio::task::JoinHandle;

/// Where and how.
pub(super) struct Screens {
    pub(super) address: String,
    /// Beside the signing key: `web.pem` and `web.key`, where the plant names no files of its own.
    pub(super) own: PathBuf,
    pub(super) gateway: String,
    pub(super) settings: Web,
}

impl Screens {
    /// Serves them until the task is ended; the address they have got.
    pub(super) async fn serve(
        self,
        running: &Running,
        outside: &Outside,
    ) -> Result<(SocketAddr, JoinHandle<()>), Trouble> {
        let here = listen::is_loopback(&self.address);
        let (listener, at, fingerprint) = if here {
            let (listener, at) = listen::loopback(&self.address).await?;
            (listener, at, None)
        } else {
            self.to_others(running, outside).await?
        };
        let (board, core, access) = (
            running.board.clone(),
            running.control.clone(),
            running.access.clone(),
        );
        let gate = Gate {
            core,
            access,
            clock: outside.clock.clone(),
            random: outside.random.clone(),
            lasting: Lasting {
                lock_after: self.settings.lock_after,
                at_most: self.settings.session_at_most,
            },
            open: self.settings.show_without_sign_in.unwrap_or(here),
            fingerprint,
        };
        let stations = running.stations.clone();
        let task = tokio::spawn(async move {
            if let Err(error) = web::serve_with(listener, board, stations, gate).await {
                tracing::error!(%error, "the web page ended; capture goes on");
            }
        });
        Ok((at, task))
    }

    async fn to_others(
        &self,
        running: &Running,
        outside: &Outside,
    ) -> Result<(Listening, SocketAddr, Option<String>), Trouble> {
        if running.access.borrow().people.is_empty() {
            let here = listen::here_only(&self.address)?;
            tracing::warn!(
                name = "nobody-to-sign-in",
                "nobody is known here yet: the screens are served to this machine only, at {here}; add the first person with `steelyard user add`, then start again"
            );
            let (listener, at) = listen::loopback(&here).await?;
            return Ok((listener, at, None));
        }
        let certificate = self.certificate(outside)?;
        let fingerprint = certificate.fingerprint();
        tracing::info!(fingerprint, "the screens' certificate, SHA-256");
        let (listener, at) = listen::encrypted(&self.address, &certificate).await?;
        Ok((listener, at, Some(fingerprint)))
    }

    fn certificate(&self, outside: &Outside) -> Result<Certificate, Trouble> {
        let now = outside.clock.now();
        if let (Some(certificate), Some(key)) = (&self.settings.certificate, &self.settings.private_key) {
            return certificate_for((certificate, key), None, now);
        }
        let names = names(&self.gateway, &self.address);
        own(&self.own, &names, now)
    }
}

/// The certificate the screens of this plant show, where it lies there already.
pub(super) fn certificate_of(plant: &Plant) -> Option<Certificate> {
    let own = plant.gateway.signing_key.with_file_name("web");
    let (own, key) = (own.with_extension("pem"), own.with_extension("key"));
    let files = (
        plant.web.certificate.as_ref().unwrap_or(&own),
        plant.web.private_key.as_ref().unwrap_or(&key),
    );
    certificate_for((files.0, files.1), None, record::Stamp(0)).ok()
}

/// The certificate that is made once.
fn own(own: &Path, names: &[String], now: record::Stamp) -> Result<Certificate, Trouble> {
    let (certificate, key) = (own.with_extension("pem"), own.with_extension("key"));
    certificate_for((&certificate, &key), Some(names), now)
}

/// What browsers may call this gateway: its host, the address it listens at, this machine's own names.
fn names(gateway: &str, address: &str) -> Vec<String> {
    let host = crate::ports::machine::host();
    let at = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let at = at.trim_start_matches('[').trim_end_matches(']');
    let mut names: Vec<String> = Vec::new();
    for name in [host.as_str(), gateway, at, "localhost", "127.0.0.1"] {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':');
        let any = name == "0.0.0.0" || name == "::";
        if !name.is_empty() && !any && name.chars().all(plain) && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}
