//! What an OPC UA server offers: its endpoints with their security in plain words, what lies below its objects, live
//! values with types and units, and a driver and a configuration block for what somebody chose. It only reads.

mod paste;
mod tree;

use super::Progress;
use crate::{
    cli::{NOT_RIGHT, say},
    config::{
        self,
        server::{Identity, Security},
    },
    flow::{
        link::server::application,
        needs::server::{Call, Problem, ProblemKind, Reply, Server, ServerAddress, Servers},
    },
    ports::{
        clock::SystemClock,
        files::{SystemFiles, configuration},
        opcua::{Offered, SystemServers, offered},
    },
};
use record::Trouble;
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

/// What a person wants to know.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) url: String,
    pub(crate) security: Option<Security>,
    pub(crate) identity: Option<Identity>,
    /// Where to begin: `nsu=…;s=…`.
    pub(crate) from: Option<config::server::Start>,
    pub(crate) depth: usize,
    /// Nodes for the driver, as the tree names them.
    pub(crate) choose: Vec<String>,
    pub(crate) json: bool,
    pub(crate) config: PathBuf,
}

/// Looks, and says what is there.
pub(crate) fn find(wish: &Wish) -> Result<ExitCode, Trouble> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build();
    let runtime = runtime
        .map_err(|problem| Trouble::new("cannot-find", problem.to_string()).means("nothing was sent"))?;
    runtime.block_on(look(wish))
}

async fn look(wish: &Wish) -> Result<ExitCode, Trouble> {
    let progress = Progress::begin(wish.json);
    progress.says(&format!("asking {} what it offers", wish.url));
    let endpoints = offered(&wish.url)
        .await
        .map_err(|problem| trouble(wish, &problem))?;
    drop(progress);
    show_endpoints(wish, &endpoints);
    let Some(security) = wish.security else {
        if !wish.json {
            say(&how_to_go_on(wish, &endpoints));
        }
        return Ok(if endpoints.is_empty() {
            ExitCode::from(NOT_RIGHT)
        } else {
            ExitCode::SUCCESS
        });
    };
    let Some(identity) = wish.identity.clone() else {
        return Err(
            Trouble::new("cannot-find", "nobody says who we are to the server")
                .at(&wish.url)
                .means("no session was begun")
                .so("add --anonymous, or --user NAME with --password-file FILE"),
        );
    };
    let mut talk = Talk::new(wish, security, identity);
    let looked = talk.look(wish).await;
    talk.server.close().await;
    looked.map_err(|problem| trouble(wish, &problem))
}

/// A session, one call after the other.
pub(super) struct Talk {
    server: Box<dyn Server>,
    number: u64,
    uris: Vec<String>,
}

impl Talk {
    fn new(wish: &Wish, security: Security, identity: Identity) -> Self {
        let (pki, gateway) = trust_of(&wish.config);
        let servers = SystemServers {
            clock: Arc::new(SystemClock::new()),
        };
        let address = ServerAddress {
            url: wish.url.clone(),
            security,
            identity,
            pki,
            application: application(&gateway),
            over_goes_on: false,
        };
        Self {
            server: servers.server(&address),
            number: 0,
            uris: Vec::new(),
        }
    }

    pub(super) async fn ask(&mut self, call: Call) -> Result<Reply, Problem> {
        self.number += 1;
        self.server.call(self.number, call);
        loop {
            match self.server.next().await {
                (number, answer) if number == self.number => return answer,
                (0, Err(problem)) => return Err(problem),
                _ => {}
            }
        }
    }

    async fn look(&mut self, wish: &Wish) -> Result<ExitCode, Problem> {
        self.ask(Call::Open).await?;
        self.ask(Call::Begin { timeout_ms: 60_000 }).await?;
        if let Reply::Namespaces(uris) = self.ask(Call::Namespaces).await? {
            self.uris = uris;
        }
        let progress = Progress::begin(wish.json);
        let found = tree::walk(self, wish, &progress).await?;
        drop(progress);
        tree::show(&found, wish.json);
        if !wish.choose.is_empty() {
            let text = paste::driver_and_block(wish, &found);
            if wish.json {
                say(&json!({ "driver": text.driver, "configuration": text.block }).to_string());
            } else {
                say(&format!(
                    "\n# drivers/{}.toml\n{}\n# steelyard.toml\n{}",
                    text.name, text.driver, text.block
                ));
            }
        } else if !wish.json && !found.is_empty() {
            say(
                "\nA driver and a configuration block for some of them: --choose \"NODE\" (as shown above, several times if needed)",
            );
        }
        Ok(if found.is_empty() {
            ExitCode::from(NOT_RIGHT)
        } else {
            ExitCode::SUCCESS
        })
    }
}

/// Certificates and name of the gateway here, if there is one; else of nobody, beside the user's own files.
fn trust_of(config: &Path) -> (PathBuf, String) {
    let plant = configuration(&SystemFiles, config)
        .ok()
        .and_then(|source| config::read(source).ok());
    match plant {
        Some(plant) => (plant.gateway.trust, plant.gateway.name),
        None => (PathBuf::from("pki"), "find".into()),
    }
}

fn show_endpoints(wish: &Wish, endpoints: &[Offered]) {
    for offered in endpoints {
        let logins: Vec<&str> = [
            (offered.anonymous, "anonymous"),
            (offered.user, "user name"),
            (offered.certificate, "certificate"),
        ]
        .into_iter()
        .filter_map(|(takes, word)| takes.then_some(word))
        .collect();
        let fingerprint = offered.shows.as_ref().map(|shown| shown.fingerprint.clone());
        if wish.json {
            let line = json!({
                "endpoint": offered.url, "security": offered.words, "usable": offered.security.is_ok(),
                "because": offered.security.as_ref().err(), "logins": logins, "fingerprint": fingerprint,
                "until": offered.shows.as_ref().map(|shown| shown.until.to_string()),
                "application": offered.application, "product": offered.product, "name": offered.name,
            });
            say(&line.to_string());
        }
    }
    if wish.json {
        return;
    }
    if let Some(first) = endpoints.first() {
        say(&format!("{}  {}", first.name, wish.url));
        say(&format!("  application  {}", first.application));
        say(&format!("  product      {}", first.product));
        if let Some(shown) = endpoints.iter().find_map(|offered| offered.shows.as_ref()) {
            say(&format!("  certificate  {} until {}", shown.subject, shown.until));
            say(&format!("  SHA-256      {}", shown.fingerprint));
            say(&format!(
                "  SHA-1        {}   (what servers show as thumbprint)",
                shown.thumbprint
            ));
        }
    }
    for offered in endpoints {
        let verdict = match &offered.security {
            Ok(security) if *security == Security::NONE => {
                "anybody on the network can read and change it".to_owned()
            }
            Ok(security) if security.encrypted => "nobody else can read or change it".to_owned(),
            Ok(_) => "nobody else can change it; everybody can read it".to_owned(),
            Err(because) => format!("not spoken here: {because}"),
        };
        let mut logins = Vec::new();
        if offered.anonymous {
            logins.push("anonymous");
        }
        if offered.user {
            logins.push("user name");
        }
        if offered.certificate {
            logins.push("certificate");
        }
        say(&format!(
            "  {:40} {verdict}; login: {}",
            offered.words,
            logins.join(", ")
        ));
    }
}

fn how_to_go_on(wish: &Wish, endpoints: &[Offered]) -> String {
    let strength = |offered: &&Offered| match &offered.security {
        Ok(security) if *security == Security::NONE => 1,
        Ok(security) if security.encrypted => 3,
        Ok(_) => 2,
        Err(_) => 0,
    };
    match endpoints
        .iter()
        .filter(|offered| offered.security.is_ok())
        .max_by_key(strength)
    {
        Some(best) => {
            let login = if best.anonymous && !best.user {
                "--anonymous"
            } else {
                "--user NAME --password-file FILE"
            };
            format!(
                "\nTo look inside: steelyard find opcua {} --security \"{}\" {login}",
                wish.url, best.words
            )
        }
        None => "\nNothing it offers is spoken here.".into(),
    }
}

fn trouble(wish: &Wish, problem: &Problem) -> Trouble {
    let what = if problem.status == 0 {
        problem.words.clone()
    } else {
        format!("{} ({:08X})", problem.words, problem.status)
    };
    let trouble = Trouble::new(
        "server-not-found",
        format!("{} cannot be looked at: {what}", wish.url),
    )
    .at(&wish.url)
    .means("nothing was changed, here or there");
    match (problem.kind, &problem.certificate) {
        (ProblemKind::Untrusted, Some(shown)) => trouble.so(format!(
            "compare {} with the fingerprint the server shows; if it is the same:   steelyard trust accept {}",
            shown.fingerprint,
            &shown.fingerprint[..shown.fingerprint.len().min(16)]
        )),
        (ProblemKind::Login, _) => trouble.so("correct name and password; it is not tried again by itself"),
        (ProblemKind::Silent | ProblemKind::Lost, _) => {
            trouble.so("is the server running, is its port open from here, is the address right?")
        }
        (ProblemKind::Here, _) => trouble.so("mend it on this machine, then ask again"),
        _ => trouble.so("does the server trust our certificate?   steelyard trust own"),
    }
}
