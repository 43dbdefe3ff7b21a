//! The record store's own file, `store.toml`: where it keeps pages, who may deliver, and the broker.
//!
//! Read with the means of the gateway's file: every complaint at once, with its place.

use super::{
    block::{Block, Page},
    plant::Use,
    resolve::{gateway, names},
    sorted, syntax,
    written::{self, Key},
};
use driver::Complaint;
use std::{ops::Range, path::PathBuf};
mod database;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Every block with its keys, in the order of the reference.
pub const KEYS: &[(&str, &[&str])] = &[("", FILE), ("[store]", STORE), ("[gateway.NAME]", GATEWAY)];

const FILE: &[&str] = &["format", "store", "gateway"];
const STORE: &[&str] = &[
    "database",
    "database_password_file",
    "database_trust",
    "database_insecure_plaintext",
    "signing_key",
    "use",
    "broker",
    "insecure_plaintext",
    "mqtt",
    "user",
    "password_file",
    "trust",
    "certificate",
    "private_key",
    "topics",
    "client",
    "share",
];
const GATEWAY: &[&str] = &["key", "ledgers"];

/// A record store as a person described it. No file it names has been looked at yet.
#[derive(Debug, Clone)]
pub struct StoreFile {
    /// The database.
    pub database: DatabasePlace,
    /// The receipt key; made at the first start.
    pub signing_key: PathBuf,
    /// What its records are for.
    pub usage: Use,
    pub broker: String,
    pub mqtt_version_3: bool,
    pub user: Option<String>,
    pub password_file: Option<PathBuf>,
    pub trust: Option<PathBuf>,
    pub certificate: Option<PathBuf>,
    pub private_key: Option<PathBuf>,
    pub topics: String,
    /// Client id at the broker.
    pub client: String,
    /// Name of the shared subscription, where several record stores take turns.
    pub share: Option<String>,
    /// Who may deliver.
    pub gateways: Vec<EnrolledGateway>,
    /// What a person should look at, though nothing is refused for it.
    pub warnings: Vec<Complaint>,
}

/// Where pages are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabasePlace {
    /// One SQLite file on this machine.
    File(PathBuf),
    /// A PostgreSQL server.
    Server {
        /// `postgresql://USER@HOST/DATABASE`; never with a password.
        url: String,
        password_file: Option<PathBuf>,
        /// The authority of its certificate; without it the line is not encrypted.
        trust: Option<PathBuf>,
    },
}

/// `[gateway.line-3]`.
#[derive(Debug, Clone)]
pub struct EnrolledGateway {
    pub name: String,
    /// JWK or JWKS with the keys that count for it.
    pub key: PathBuf,
    /// Where `key` stands, for what only the machine can say about that file.
    pub key_place: Range<usize>,
    /// Its ledgers; empty: the first that is heard of.
    pub ledgers: Vec<String>,
}

/// Reads the file whole, or says everything that is wrong with it.
pub fn read(name: &str, text: &str) -> Result<StoreFile, Vec<Complaint>> {
    let page = Page::new(name, text);
    let (table, slips) = DeTable::parse_recoverable(text);
    if !slips.is_empty() {
        syntax::complain(&page, &slips);
        return Err(sorted(page.said().0));
    }
    let file = whole(&page, table.get_ref());
    let (complaints, warnings) = page.said();
    match file {
        Some(file) if complaints.is_empty() => Ok(StoreFile {
            warnings: sorted(warnings),
            ..file
        }),
        _ => Err(sorted(complaints)),
    }
}

fn whole<'a>(page: &'a Page<'a>, table: &'a DeTable<'a>) -> Option<StoreFile> {
    let file = Block::whole(page, table, FILE);
    written::format_edition(&file);
    let gateways: Vec<_> = file
        .blocks("gateway")
        .iter()
        .filter_map(|(name, value)| gateway(page, name, value))
        .collect();
    if file.blocks("gateway").is_empty() {
        page.add(
            Complaint::new("missing-block", "no gateway is enrolled")
                .why("whose key is not known here gets no receipt")
                .help("add [gateway.NAME] with key = \"/…/NAME.jwk\" for each gateway; compare the key's fingerprint with the gateway's"),
        );
    }
    let Some(value) = file.value("store") else {
        page.add(
            Complaint::new("missing-block", "the block [store] is missing")
                .help("add [store]: it says where pages are kept and which broker brings them"),
        );
        return None;
    };
    store(&Block::open(page, "[store]", value, STORE)?, gateways)
}

fn store(block: &Block, gateways: Vec<EnrolledGateway>) -> Option<StoreFile> {
    let page = block.page;
    let path = |key: &str, path: &Key<String>| path.as_ref().map(|path| names::path(page, key, path));
    let database = database::read(block);
    let signing_key = path(
        "signing_key",
        &block.needed("signing_key", "\"/etc/steelyard/store.key\""),
    );
    block.require("use", "\"production\"");
    let uses =
        [Use::Production, Use::Qualification, Use::Training, Use::Demo].map(|usage| (usage.word(), usage));
    let usage = block.word("use", &uses);
    let broker = written::record_store(block);
    gateway::pair(
        page,
        ("user", &broker.user),
        ("password_file", &broker.password_file),
    );
    gateway::pair(
        page,
        ("certificate", &broker.certificate),
        ("private_key", &broker.private_key),
    );
    gateway::broker(page, &broker);
    let name_of = |key: &str| {
        let name = block.text(key)?;
        names::check(page, &format!("`{key}`"), &name);
        Some(name.get_ref().clone())
    };
    Some(StoreFile {
        topics: gateway::topics(page, &broker.topics),
        client: name_of("client").unwrap_or_else(|| "steelyard-store".into()),
        share: name_of("share"),
        password_file: path("password_file", &broker.password_file),
        trust: path("trust", &broker.trust),
        certificate: path("certificate", &broker.certificate),
        private_key: path("private_key", &broker.private_key),
        mqtt_version_3: broker.mqtt_version_3.is_some_and(|word| *word.get_ref()),
        user: broker.user.map(Spanned::into_inner),
        database: database?,
        signing_key: signing_key?,
        usage: *usage?.get_ref(),
        broker: broker.broker?.into_inner(),
        gateways,
        warnings: Vec::new(),
    })
}

fn gateway<'a>(
    page: &'a Page<'a>,
    name: &Spanned<String>,
    value: &'a Spanned<DeValue<'a>>,
) -> Option<EnrolledGateway> {
    names::check(page, "a gateway", name);
    let block = Block::open(
        page,
        format!("[gateway.{}]", written::quoted(name.get_ref())),
        value,
        GATEWAY,
    )?;
    let ledgers = ledgers(&block);
    let key = block.needed("key", "\"/etc/steelyard/gateways/line-3.jwk\"")?;
    Some(EnrolledGateway {
        name: name.get_ref().clone(),
        key: names::path(page, "key", &key),
        key_place: key.span(),
        ledgers,
    })
}

/// A list of texts, where the key is there.
fn ledgers(block: &Block) -> Vec<String> {
    let Some(value) = block.value("ledgers") else {
        return Vec::new();
    };
    let texts = value.get_ref().as_array().and_then(|list| {
        let texts: Option<Vec<String>> = list
            .iter()
            .map(|id| id.get_ref().as_str().map(str::to_owned))
            .collect();
        texts.filter(|texts| !texts.is_empty() && texts.iter().all(|text| !text.is_empty()))
    });
    texts.unwrap_or_else(|| {
        block.page.add(
            Complaint::new("wrong-kind", "`ledgers` is a list of ledger ids")
                .mark(value.span(), "")
                .help("write ledgers = [\"…\", \"…\"]; `steelyard store CONFIG --status` shows the ids that were heard of"),
        );
        Vec::new()
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use crate::config::render;

    const GOOD: &str = "format = 1

[store]
database    = \"/var/lib/steelyard/store.sqlite\"
signing_key = \"/etc/steelyard/store.key\"
use         = \"production\"
broker      = \"mqtts://ebr.essen.example:8883\"
trust       = \"/etc/steelyard/plant-ca.pem\"

[gateway.line-3]
key = \"/etc/steelyard/gateways/line-3.jwk\"

[gateway.\"Booth 2\"]
key     = \"/etc/steelyard/gateways/booth-2.jwk\"
ledgers = [\"Uq0n\", \"Zx81\"]
";

    #[test]
    fn a_record_store_is_described_in_a_few_lines() {
        let store = read("store.toml", GOOD).unwrap();
        assert_eq!(
            (store.usage, store.topics.as_str(), store.client.as_str()),
            (Use::Production, "steelyard", "steelyard-store")
        );
        let gateways: Vec<_> = store
            .gateways
            .iter()
            .map(|one| (one.name.as_str(), one.ledgers.len()))
            .collect();
        assert_eq!(gateways, [("line-3", 0), ("Booth 2", 2)]);
        assert!(store.warnings.is_empty());
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let text = GOOD
            .replace(
                "use         = \"production\"\n",
                "use = \"prod\"\nreceipts = true\n",
            )
            .replace("mqtts://ebr.essen.example:8883", "mqtt://ebr.essen.example")
            .replace("/etc/steelyard/gateways/line-3.jwk", "line-3.jwk")
            .replace("[\"Uq0n\", \"Zx81\"]", "\"Uq0n\"");
        let names: Vec<_> = read("store.toml", &text)
            .unwrap_err()
            .iter()
            .map(|complaint| complaint.name)
            .collect();
        assert_eq!(
            names,
            [
                "unknown-word",
                "unknown-key",
                "plaintext-broker",
                "path-not-absolute",
                "wrong-kind"
            ]
        );
        let nothing: Vec<_> = read("store.toml", "format = 1\n")
            .unwrap_err()
            .iter()
            .map(|complaint| complaint.what.clone())
            .collect();
        assert_eq!(
            nothing,
            ["no gateway is enrolled", "the block [store] is missing"]
        );
    }

    #[test]
    fn a_plant_names_a_server_and_never_its_password() {
        let with = |lines: &str| GOOD.replace("database    = \"/var/lib/steelyard/store.sqlite\"", lines);
        let said = |lines: &str| -> Vec<&'static str> {
            match read("store.toml", &with(lines)) {
                Ok(store) => store.warnings.iter().map(|warning| warning.name).collect(),
                Err(complaints) => complaints.iter().map(|complaint| complaint.name).collect(),
            }
        };
        assert_eq!(
            read("store.toml", &with("database = \"postgresql://steelyard@db.essen.example/steelyard\"\ndatabase_trust = \"/etc/ca.pem\"\ndatabase_password_file = \"/etc/db.password\""))
                .unwrap()
                .database,
            DatabasePlace::Server {
                url: "postgresql://steelyard@db.essen.example/steelyard".into(),
                password_file: Some("/etc/db.password".into()),
                trust: Some("/etc/ca.pem".into()),
            }
        );
        for here in [
            "postgresql:///steelyard?host=/run/postgresql&user=steelyard",
            "postgresql://steelyard@%2Frun%2Fpostgresql/steelyard",
            "postgresql://steelyard@127.0.0.1:5433/steelyard",
            "postgres://steelyard@[::1]/steelyard",
        ] {
            assert_eq!(said(&format!("database = \"{here}\"")), [""; 0], "{here}");
        }
        for (lines, expected) in [
            (
                "database = \"postgresql://steelyard@db/steelyard\"",
                "plaintext-database",
            ),
            (
                "database = \"postgresql://steelyard@db/steelyard\"\ndatabase_insecure_plaintext = true",
                "database-in-plaintext",
            ),
            (
                "database = \"postgresql://steelyard:geheim@localhost/steelyard\"",
                "secret-in-file",
            ),
            (
                "database = \"postgresql:///steelyard?host=/run&password=geheim\"",
                "secret-in-file",
            ),
            (
                "database = \"postgresql://db.essen.example\"",
                "database-not-understood",
            ),
            (
                "database = \"/var/lib/store.sqlite\"\ndatabase_trust = \"/etc/ca.pem\"",
                "half-a-pair",
            ),
        ] {
            assert_eq!(said(lines), [expected], "{lines}");
        }
    }

    #[test]
    fn a_key_that_is_not_understood_is_refused_in_words() {
        let text = GOOD.replace("trust ", "truts ");
        let complaints = read("store.toml", &text).unwrap_err();
        assert_eq!(
            render(&complaints[0], Some(&text)),
            "error[unknown-key]: [store] has no key `truts`
  --> store.toml:8:1
   |
 8 | truts       = \"/etc/steelyard/plant-ca.pem\"
   | ^^^^^ not a key of this block
   |
 why: a key that is not understood would be believed to do something
  do: did you mean `trust`?
      keys of [store]: database, database_password_file, database_trust, database_insecure_plaintext, signing_key, use, broker, insecure_plaintext, mqtt, user, password_file, trust, certificate, private_key, topics, client, share
"
        );
    }
}
