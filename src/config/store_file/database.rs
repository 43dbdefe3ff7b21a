//! `database`: a file on this machine, or a PostgreSQL server.

use super::DatabasePlace;
use crate::config::{block::Block, resolve::names};
use driver::Complaint;
use toml::Spanned;

/// Reads the key and what belongs to it. Nothing is asked of any server.
pub(super) fn read(block: &Block) -> Option<DatabasePlace> {
    let page = block.page;
    let written = block.needed("database", "\"/var/lib/steelyard/store.sqlite\"")?;
    let secret = block.text("database_password_file");
    let trust = block.text("database_trust");
    let agreed = block
        .flag("database_insecure_plaintext")
        .is_some_and(|flag| *flag.get_ref());
    let path =
        |key: &str, path: &Option<Spanned<String>>| path.as_ref().map(|path| names::path(page, key, path));
    if !is_server(written.get_ref()) {
        for (key, there) in [("database_password_file", &secret), ("database_trust", &trust)] {
            if let Some(there) = there {
                page.add(
                    Complaint::new(
                        "half-a-pair",
                        format!("`{key}` is for a PostgreSQL server, and `database` names a file"),
                    )
                    .mark(there.span(), "stands alone")
                    .help("write database = \"postgresql://USER@HOST/DATABASE\", or take this line out"),
                );
            }
        }
        return Some(DatabasePlace::File(names::path(page, "database", &written)));
    }
    let url = written.get_ref();
    let Some(host) = host(url) else {
        page.add(
            Complaint::new("database-not-understood", "this is no address of a PostgreSQL database")
                .mark(written.span(), "")
                .help("write \"postgresql://steelyard@db.essen.example/steelyard\",\nor \"postgresql:///steelyard?host=/run/postgresql&user=steelyard\" for a server on this machine"),
        );
        return None;
    };
    if holds_secret(url) {
        page.add(
            Complaint::new("secret-in-file", "the database's address holds a password")
                .mark(written.span(), "")
                .why("this file is read by more people than the password is for")
                .help("write `database_password_file` on a line of its own"),
        );
    }
    if trust.is_none() && !is_here(&host) {
        let complaint = if agreed {
            Complaint::new(
                "database-in-plaintext",
                format!("everything goes to {host} unencrypted"),
            )
        } else {
            Complaint::new(
                "plaintext-database",
                format!("{host} is another machine, and the line to it is not encrypted"),
            )
        };
        let complaint = complaint
            .mark(written.span(), "everyone on the way can read the record")
            .why("pages are sealed and cannot be changed unseen, but they can be read and held back")
            .help("write `database_trust` with the authority of the server's certificate; or, where the network is known to be closed,\nadd database_insecure_plaintext = true");
        if agreed {
            page.warn(complaint);
        } else {
            page.add(complaint);
        }
    }
    Some(DatabasePlace::Server {
        url: url.clone(),
        password_file: path("database_password_file", &secret),
        trust: path("database_trust", &trust),
    })
}

fn is_server(text: &str) -> bool {
    text.starts_with("postgresql://") || text.starts_with("postgres://")
}

/// The machine of an address; a path is a socket on this one.
fn host(url: &str) -> Option<String> {
    let rest = url.split_once("://")?.1;
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, database) = place.split_once('/').unwrap_or((place, ""));
    let asked = query.split('&').find_map(|pair| pair.strip_prefix("host="));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next()?,
        None => host.rsplit_once(':').map_or(host, |(host, _)| host),
    };
    let host = asked.unwrap_or(host);
    (!database.is_empty() && !host.is_empty()).then(|| host.replace("%2F", "/").replace("%2f", "/"))
}

fn holds_secret(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    authority
        .rsplit_once('@')
        .is_some_and(|(user, _)| user.contains(':'))
        || rest.contains("password=")
}

fn is_here(host: &str) -> bool {
    host.starts_with('/')
        || host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}
