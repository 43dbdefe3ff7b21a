//! From `store.toml` to a record store: the keys it names are read, its own key is made where there is none.

use super::{Database, Enrolled, Enrolment, Options};
use crate::{
    config::store_file::{DatabasePlace, EnrolledGateway, StoreFile},
    flow::needs::{Files, Login, Random},
    ports::store_postgresql::Address,
};
use driver::Complaint;
use record::{BIGGEST_PAGE, KeySet, PublicKey, Role, SecretKey, Signer, Trouble};
use std::{collections::BTreeMap, io, path::Path};

/// What the record store is told, with the enrolled keys read; or everything that is wrong with them.
pub fn options(file: &StoreFile, name: &str, files: &dyn Files) -> Result<Options, Vec<Complaint>> {
    let (mut gateways, mut complaints) = (BTreeMap::new(), Vec::new());
    for gateway in &file.gateways {
        match keys(gateway, files) {
            Ok(keys) => {
                let ledgers = gateway.ledgers.clone();
                gateways.insert(gateway.name.clone(), Enrolled { keys, ledgers });
            }
            Err(why) => complaints.push(
                Complaint::new("gateway-key-unusable", format!("the key of {} cannot be used", gateway.name))
                    .file(name)
                    .mark(gateway.key_place.clone(), why)
                    .why("a gateway whose key is not known here gets no receipt")
                    .help("copy keys.jwks from beside the gateway's ledger, and compare the fingerprint with the one it shows"),
            ),
        }
    }
    if !complaints.is_empty() {
        return Err(complaints);
    }
    let database = database(&file.database, name, files).map_err(|complaint| vec![complaint])?;
    Ok(Options {
        database,
        enrolment: Enrolment {
            usage: file.usage.word().to_owned(),
            gateways,
        },
        broker: Login {
            url: file.broker.clone(),
            client: file.client.clone(),
            user: file.user.clone(),
            password_file: file.password_file.clone(),
            trust: file.trust.clone(),
            certificate: file.certificate.clone(),
            private_key: file.private_key.clone(),
            version_3: file.mqtt_version_3,
            will: None,
            subscribe: Vec::new(),
            largest: BIGGEST_PAGE,
        },
        topics: file.topics.clone(),
        share: file.share.clone(),
    })
}

/// Where pages are kept, with the password read.
fn database(place: &DatabasePlace, name: &str, files: &dyn Files) -> Result<Database, Complaint> {
    let (url, password_file, trust) = match place {
        DatabasePlace::File(path) => return Ok(Database::Sqlite(path.clone())),
        DatabasePlace::Server {
            url,
            password_file,
            trust,
        } => (url, password_file, trust),
    };
    let password = match password_file {
        None => None,
        Some(path) => Some(files.read_secret(path).map_err(|trouble| {
            Complaint::new("database-password-unusable", format!("the database's password cannot be used: {}", trouble.what))
                .file(name)
                .why("without it the server lets nobody in, and no page is taken")
                .help(format!(
                    "put the password into {}, mode 0600, and nothing else; a systemd credential stands below /run/credentials",
                    path.display()
                ))
        })?),
    };
    Ok(Database::Postgresql(Address {
        url: url.clone(),
        password,
        trust: trust.clone(),
    }))
}

/// The sealing keys in the file of one gateway. Keys for receipts in it belong to record stores.
fn keys(gateway: &EnrolledGateway, files: &dyn Files) -> Result<Vec<PublicKey>, String> {
    let text = files
        .read(&gateway.key)
        .map_err(|problem| format!("it cannot be read: {problem}"))?;
    let text = String::from_utf8(text).map_err(|_| "it is not text".to_owned())?;
    let set = KeySet::read(&text).map_err(|trouble| trouble.what)?;
    let keys: Vec<PublicKey> = set
        .iter()
        .filter(|(_, role)| *role == Role::Page)
        .map(|(key, _)| key.clone())
        .collect();
    if keys.is_empty() {
        return Err("there is no key in it that seals pages".into());
    }
    Ok(keys)
}

/// The receipt key, and whether it was made just now. Its public half stands beside it as a JWK, for the
/// gateways.
pub fn receipt_key(
    path: &Path,
    files: &dyn Files,
    random: &dyn Random,
) -> Result<(SecretKey, bool), Trouble> {
    let made = matches!(files.read(path), Err(problem) if problem.kind() == io::ErrorKind::NotFound);
    if made {
        let mut seed = [0; 32];
        random.fill(&mut seed)?;
        let pem = SecretKey::from_seed(&seed)
            .to_pem()
            .ok_or_else(|| unusable(path, "it cannot be written as PEM"))?;
        files
            .write_secret(path, pem.as_bytes())
            .map_err(|problem| unusable(path, &problem.to_string()))?;
    }
    let pem = files.read_secret(path)?;
    let key = std::str::from_utf8(&pem).ok().and_then(SecretKey::from_pem);
    let key = key.ok_or_else(|| unusable(path, "it is no Ed25519 key (PKCS#8, PEM)"))?;
    let public = path.with_extension("jwk");
    let jwk = format!("{}\n", key.public().jwk(Role::Receipt));
    if files.read(&public).ok().as_deref() != Some(jwk.as_bytes()) {
        files
            .write(&public, jwk.as_bytes())
            .map_err(|problem| unusable(&public, &problem.to_string()))?;
    }
    Ok((key, made))
}

fn unusable(path: &Path, why: &str) -> Trouble {
    Trouble::new(
        "receipt-key-unusable",
        format!("the receipt key cannot be used: {why}"),
    )
    .at(path.display())
    .means("no page is taken or receipted; the gateways keep theirs")
    .so("put the record store's key there, mode 0600; a new key has to be made known to every gateway")
}
