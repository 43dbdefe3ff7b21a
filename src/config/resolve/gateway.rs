//! `[gateway]`, `[record_store]` and `[web]`. Every default here has its paragraph in
//! `docs/manual/defaults.md`.

#![allow(
    clippy::ref_option,
    reason = "a key of the file is handed on as it stands there, with its place"
)]

use super::names;
use crate::config::{
    block::Page,
    plant::{Gateway, RecordStore, Use, Web, WhenOver},
    sentence::{bytes, time},
    written::{self, Key},
};
use driver::Complaint;
use std::{
    fmt::Display,
    net::{IpAddr, SocketAddr},
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::Duration,
};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// Where the screens listen when `[web]` does not say.
const LISTEN: &str = "127.0.0.1:8470";

pub(super) fn gateway(page: &Page, written: Option<&written::Gateway>) -> Gateway {
    // without the block, which is complained of once, the rest is still looked at
    let empty = written::Gateway::default();
    let written = written.unwrap_or(&empty);
    if let Some(name) = &written.name {
        names::check(page, "a gateway", name);
    }
    let ledger = written
        .ledger
        .as_ref()
        .map_or_else(PathBuf::new, |path| names::path(page, "ledger", path));
    let signing_key = match &written.signing_key {
        Some(path) => names::path(page, "signing_key", path),
        None => ledger.parent().unwrap_or(Path::new("/")).join("signing.key"),
    };
    let ledger_folder = ledger.parent().unwrap_or(Path::new("/")).to_owned();
    let page_size = within(
        page,
        "page_size",
        &written.page_size,
        32 * KIB..=1024 * KIB,
        96 * KIB,
        bytes,
    );
    let ms = Duration::from_millis;
    Gateway {
        name: text(&written.name),
        plant: text(&written.plant),
        usage: written
            .usage
            .as_ref()
            .map_or(Use::Production, |usage| *usage.get_ref()),
        zone: zone(page, &written.zone),
        ledger,
        signing_key,
        seal_within: within(
            page,
            "seal_within",
            &written.seal_within,
            ms(10)..=ms(60_000),
            ms(1000),
            time,
        ),
        page_bytes: page_size as usize,
        segment_bytes: within(
            page,
            "segment_size",
            &written.segment_size,
            4 * MIB..=GIB,
            64 * MIB,
            bytes,
        ),
        stop_capture_below: within(
            page,
            "stop_capture_below",
            &written.stop_capture_below,
            MIB..=u64::MAX,
            2 * GIB,
            bytes,
        ),
        clock_may_differ_by: within(
            page,
            "clock_may_differ_by",
            &written.clock_may_differ_by,
            ms(1)..=ms(60_000),
            ms(500),
            time,
        ),
        settle: within(
            page,
            "settle",
            &written.settle,
            ms(1)..=ms(600_000),
            ms(5000),
            time,
        ),
        recipes: written
            .recipes
            .as_ref()
            .map(|path| names::path(page, "recipes", path)),
        when_calibration_is_over: written
            .when_calibration_is_over
            .as_ref()
            .map_or(WhenOver::Exception, |over| *over.get_ref()),
        trust: written.trust.as_ref().map_or_else(
            || ledger_folder.join("pki"),
            |path| names::path(page, "trust", path),
        ),
        when_certificate_is_over: written
            .when_certificate_is_over
            .as_ref()
            .map_or(WhenOver::Exception, |over| *over.get_ref()),
        values_by_hand_by: written
            .values_by_hand_by
            .as_ref()
            .map_or_else(|| vec!["supervisor".to_owned()], |roles| roles.get_ref().clone()),
    }
}

/// A value between its bounds, or its default.
pub(super) fn within<T: PartialOrd + Copy, S: Display>(
    page: &Page,
    key: &str,
    written: &Key<T>,
    bounds: RangeInclusive<T>,
    default: T,
    show: impl Fn(T) -> S,
) -> T {
    let Some(value) = written else { return default };
    if !bounds.contains(value.get_ref()) {
        let (low, high) = (show(*bounds.start()), show(*bounds.end()));
        page.add(
            Complaint::new(
                "out-of-range",
                format!("`{key}` cannot be {}", show(*value.get_ref())),
            )
            .mark(value.span(), "")
            .help(format!(
                "write something from {low} to {high}; left out, it is {}",
                show(default)
            )),
        );
    }
    *value.get_ref()
}

fn text(written: &Key<String>) -> String {
    written
        .as_ref()
        .map_or_else(String::new, |text| text.get_ref().clone())
}

/// The zones that came with this program, so that a file is judged alike on every machine.
fn zone(page: &Page, written: &Key<String>) -> String {
    let Some(zone) = written else { return "UTC".into() };
    let zones = jiff::tz::TimeZoneDatabase::bundled();
    let name = zone.get_ref();
    if zones.get(name).is_err() {
        let names: Vec<String> = zones.available().map(|name| name.as_str().to_owned()).collect();
        let last = |name: &str| name.rsplit('/').next().unwrap_or(name).to_lowercase();
        let near = crate::config::near::nearest(name, names.iter().map(String::as_str));
        let near = near.or_else(|| {
            names
                .iter()
                .map(String::as_str)
                .find(|zone| last(zone) == last(name))
        });
        let near = near.map_or_else(String::new, |near| format!("did you mean \"{near}\"?\n"));
        page.add(
            Complaint::new("no-such-zone", format!("there is no time zone {name:?}"))
                .mark(zone.span(), "")
                .why("the zone stands in every seal and on every label")
                .help(format!(
                    "{near}write a name of the IANA time zone database, like \"Europe/Berlin\" or \"UTC\""
                )),
        );
    }
    name.clone()
}

// ---------------------------------------------------------------- [record_store]

pub(super) fn record_store(page: &Page, written: Option<&written::RecordStore>) -> RecordStore {
    let empty = written::RecordStore::default();
    let (written, there) = (written.unwrap_or(&empty), written.is_some());
    if let Some(word) = written.release_on_broker.as_ref().filter(|word| *word.get_ref()) {
        page.warn(
            Complaint::new("released-by-broker", "pages are released when the broker has them, not when they are stored")
                .mark(word.span(), "")
                .why("what a broker loses before the record store has it is lost there; a broker's word is no receipt")
                .help("write release_on = \"receipt\" and `key` as soon as the record store sends receipts"),
        );
    }
    let path = |key: &str, path: &Key<String>| path.as_ref().map(|path| names::path(page, key, path));
    let release_on_broker = written
        .release_on_broker
        .as_ref()
        .is_some_and(|word| *word.get_ref());
    if there && !release_on_broker && written.key.is_none() {
        page.add(
            Complaint::new("no-receipt-key", "receipts are awaited, but nobody's key is named to check them with")
                .mark(written.place.clone(), "`key` is missing here")
                .why("without the record store's key no receipt counts, and no page is ever released")
                .help("add a line like key = \"/etc/steelyard/record-store.jwk\"; steelyard store prints its key\nor, where the record store cannot send receipts: release_on = \"broker\""),
        );
    }
    pair(
        page,
        ("user", &written.user),
        ("password_file", &written.password_file),
    );
    pair(
        page,
        ("certificate", &written.certificate),
        ("private_key", &written.private_key),
    );
    broker(page, written);
    let window = match &written.window {
        Some(window) if !(1..=1024).contains(window.get_ref()) => {
            let complaint =
                Complaint::new("out-of-range", format!("`window` cannot be {}", window.get_ref()));
            page.add(
                complaint
                    .mark(window.span(), "")
                    .help("write a number from 1 to 1024; left out, it is 64"),
            );
            64
        }
        Some(window) => *window.get_ref() as usize,
        None => 64,
    };
    RecordStore {
        broker: text(&written.broker),
        insecure_plaintext: written
            .insecure_plaintext
            .as_ref()
            .is_some_and(|flag| *flag.get_ref()),
        mqtt_version_3: written
            .mqtt_version_3
            .as_ref()
            .is_some_and(|word| *word.get_ref()),
        user: written.user.as_ref().map(|user| user.get_ref().clone()),
        password_file: path("password_file", &written.password_file),
        trust: path("trust", &written.trust),
        certificate: path("certificate", &written.certificate),
        private_key: path("private_key", &written.private_key),
        topics: topics(page, &written.topics),
        key: path("key", &written.key),
        release_on_broker,
        window,
    }
}

/// Two keys that mean nothing without each other.
pub(in crate::config) fn pair(page: &Page, one: (&str, &Key<String>), other: (&str, &Key<String>)) {
    let (((_, Some(there)), (missing, None)) | ((missing, None), (_, Some(there)))) = (one, other) else {
        return;
    };
    let complaint = Complaint::new(
        "half-a-pair",
        format!("`{}` and `{}` belong together", one.0, other.0),
    );
    page.add(
        complaint
            .mark(there.span(), "stands alone")
            .help(format!("add `{missing}`, or take this line out")),
    );
}

/// `mqtt://host:port` or `mqtts://host:port`; the name inside is checked, nothing is asked.
pub(in crate::config) fn broker(page: &Page, written: &written::RecordStore) {
    let Some(broker) = &written.broker else { return };
    let refuse = |what: &str| {
        page.add(
            Complaint::new("broker-not-understood", what)
                .mark(broker.span(), "")
                .help(
                    "write \"mqtts://HOST:8883\", or \"mqtt://127.0.0.1:1883\" for a broker on this machine",
                ),
        );
    };
    let Some((scheme, rest)) = broker.get_ref().split_once("://") else {
        return refuse("the broker's address does not say how it is spoken to");
    };
    if !matches!(scheme, "mqtt" | "mqtts") {
        return refuse("a broker is reached by mqtt:// or mqtts://");
    }
    if rest.contains('@') {
        page.add(
            Complaint::new(
                "secret-in-file",
                "the broker's address holds a user or a password",
            )
            .mark(broker.span(), "")
            .why("this file goes into the record, where everybody who reviews a batch can read it")
            .help("write `user` and `password_file` on lines of their own"),
        );
        return;
    }
    let Some((host, _)) = host_port(
        rest.trim_end_matches('/'),
        Some(if scheme == "mqtt" { 1883 } else { 8883 }),
    ) else {
        return refuse("this is no address of a broker");
    };
    let agreed = written
        .insecure_plaintext
        .as_ref()
        .is_some_and(|flag| *flag.get_ref());
    if scheme == "mqtt" && !is_here(&host) && agreed {
        page.warn(
            Complaint::new(
                "broker-in-plaintext",
                format!("everything goes to {host} unencrypted"),
            )
            .mark(broker.span(), "")
            .why("whoever is on the way can read the record; the seals still hold")
            .help("write mqtts:// and `trust` as soon as the broker can do it"),
        );
    }
    if scheme == "mqtt" && !is_here(&host) && !agreed {
        page.add(
            Complaint::new("plaintext-broker", format!("{host} is another machine, and mqtt:// is not encrypted"))
                .mark(broker.span(), "everyone on the way can read the record and the password")
                .why("pages are sealed and cannot be changed unseen, but they can be read and held back")
                .help("write mqtts:// and `trust`; or, where the network is known to be closed,\nadd insecure_plaintext = true: the record then says so"),
        );
    }
}

pub(in crate::config) fn topics(page: &Page, written: &Key<String>) -> String {
    let Some(topics) = written else {
        return "steelyard".into();
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ' ');
    let fine = topics
        .get_ref()
        .split('/')
        .all(|level| !level.is_empty() && level.chars().all(allowed));
    if !fine {
        page.add(
            Complaint::new("topic-not-allowed", format!("{:?} cannot begin a topic", topics.get_ref()))
                .mark(topics.span(), "")
                .help("write levels of letters, digits, hyphens and underscores, with / between them only: \"plant-1/steelyard\""),
        );
    }
    topics.get_ref().clone()
}

// ---------------------------------------------------------------- [web]

pub(super) fn web(page: &Page, written: Option<&written::Web>) -> Web {
    let usual = Web::default();
    let Some(web) = written else {
        return usual;
    };
    pair(
        page,
        ("certificate", &web.certificate),
        ("private_key", &web.private_key),
    );
    let path = |key: &str, path: &Key<String>| path.as_ref().map(|path| names::path(page, key, path));
    let shift = Duration::from_secs(24 * 3600);
    Web {
        listen: Some(listen(page, &web.listen)),
        certificate: path("certificate", &web.certificate),
        private_key: path("private_key", &web.private_key),
        show_without_sign_in: web.show_without_sign_in.as_ref().map(|flag| *flag.get_ref()),
        lock_after: within(
            page,
            "lock_after",
            &web.lock_after,
            Duration::from_secs(60)..=Duration::from_secs(3600),
            usual.lock_after,
            time,
        ),
        session_at_most: within(
            page,
            "session_at_most",
            &web.session_at_most,
            Duration::from_secs(3600)..=shift,
            usual.session_at_most,
            time,
        ),
    }
}

fn listen(page: &Page, written: &Key<String>) -> String {
    let Some(listen) = written else {
        return LISTEN.into();
    };
    let address = listen.get_ref();
    // a name may mean another address tomorrow; whom the screens are open to stands in the file
    let understood = host_port(address, None)
        .is_some_and(|(host, _)| host == "localhost" || host.parse::<IpAddr>().is_ok());
    if !understood {
        page.add(
            Complaint::new(
                "address-not-understood",
                format!("{address:?} is no address to listen at"),
            )
            .mark(listen.span(), "")
            .help(format!(
                "write an address of this machine and a port: listen = \"{LISTEN}\", or \"0.0.0.0:8470\" for all of them"
            )),
        );
    }
    address.clone()
}

// ---------------------------------------------------------------- addresses

/// Host and port of `host:port` or `[v6]:port`; the default port where none is written.
pub(super) fn host_port(text: &str, default: Option<u16>) -> Option<(String, u16)> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some((address.ip().to_string(), address.port()));
    }
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some(address) = bare.filter(|bare| bare.parse::<IpAddr>().is_ok()) {
        return Some((address.to_owned(), default?));
    }
    let (host, port) = match text.split_once(':') {
        Some((host, port)) => (
            host,
            port.bytes()
                .all(|b| b.is_ascii_digit())
                .then(|| port.parse().ok())
                .flatten()?,
        ),
        None => (text, default?),
    };
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
    };
    (host.len() <= 253 && host.split('.').all(label)).then(|| (host.to_owned(), port))
}

fn is_here(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn addresses_are_taken_apart_strictly() {
        let cases = [
            ("10.30.4.15:502", Some(("10.30.4.15", 502))),
            ("10.30.4.15", Some(("10.30.4.15", 7))),
            ("[::1]:8470", Some(("::1", 8470))),
            ("[::1]", Some(("::1", 7))),
            ("ebr.essen.example:8883", Some(("ebr.essen.example", 8883))),
            ("localhost:0", Some(("localhost", 0))),
            ("host:", None),
            ("host:+1", None),
            ("host:99999", None),
            ("a b:1", None),
            ("a..b:1", None),
            (":1", None),
            ("", None),
            ("http://x:1", None),
        ];
        for (text, meant) in cases {
            let found = host_port(text, Some(7));
            assert_eq!(
                found.as_ref().map(|(host, port)| (host.as_str(), *port)),
                meant,
                "{text}"
            );
        }
    }

    #[test]
    fn this_machine_is_known_by_its_addresses() {
        assert!(
            ["127.0.0.1", "127.3.2.1", "::1", "localhost"]
                .into_iter()
                .all(is_here)
        );
        assert!(
            !["0.0.0.0", "::", "10.0.0.1", "localhost.example"]
                .into_iter()
                .any(is_here)
        );
    }
}
