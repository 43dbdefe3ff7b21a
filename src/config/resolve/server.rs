//! `opcua` of `[equipment.TAG]`, and what belongs to it: security and login, said once for each server.

use super::names;
use crate::config::{
    block::Page,
    plant::Link,
    server::{Identity, OpcServer, Security, Start},
    written,
};
use driver::Complaint;
use std::collections::BTreeMap;
use toml::Spanned;

/// The server of one equipment; what it does not say itself, another equipment of the same server says.
pub(super) fn server(
    page: &Page,
    written: &written::Equipment,
    all: &[written::Equipment],
    url: &Spanned<String>,
) -> Option<Link> {
    let address = address(page, url)?;
    if !cfg!(feature = "opcua") {
        page.add(
            Complaint::new("without-opcua", "this build of steelyard cannot speak OPC UA")
                .mark(url.span(), "this server")
                .why("nothing of it would be recorded")
                .help("install the package with OPC UA, or build with `--features opcua`"),
        );
        return None;
    }
    let same = |other: &&written::Equipment| {
        let links = other.links.iter();
        links
            .clone()
            .any(|(key, _, at)| *key == "opcua" && plain(at.get_ref()) == address)
    };
    let shared: Vec<&written::Equipment> = all.iter().filter(same).collect();
    let security = shared.iter().find_map(|other| other.security.as_ref());
    let Some(said) = security else {
        page.add(
            Complaint::new(
                "missing-key",
                format!("nothing says how messages to {address} are protected"),
            )
            .mark(url.span(), "this server")
            .help(format!(
                "add a line like security = \"Basic256Sha256, sign and encrypt\"; steelyard find opcua {address} shows what it offers"
            )),
        );
        return None;
    };
    differs(page, written.security.as_ref(), said, "security");
    let security = *said.get_ref();
    if security == Security::NONE && written.security.is_some() {
        page.warn(
            Complaint::new(
                "unsecured-server",
                format!("nothing protects what {address} says"),
            )
            .mark(said.span(), "")
            .why("whoever is on this network can put other values in its place, and nobody would see it")
            .help("set the server up for Basic256Sha256 or better, and write that here"),
        );
    }
    let named = shared.iter().find(|other| has_identity(other));
    let Some(named) = named else {
        page.add(
            Complaint::new("missing-key", format!("nothing says who we are to {address}"))
                .mark(url.span(), "this server")
                .help("add `user` with `password_file`, or `user_certificate` with `user_key`; or anonymous = true where the server asks for no name"),
        );
        return None;
    };
    let identity = identity(page, named, named.tag.get_ref() == written.tag.get_ref())?;
    if security == Security::NONE && matches!(identity, Identity::User { .. }) && has_identity(written) {
        page.warn(
            Complaint::new(
                "password-unprotected",
                format!("a password goes to {address} over an unprotected connection"),
            )
            .mark(url.span(), "")
            .why("it is sent only where the server takes it encrypted by itself; else the link stays closed")
            .help("write another `security`"),
        );
    }
    Some(Link::OpcUa(Box::new(OpcServer {
        url: address,
        security,
        identity,
        starts: starts(&written.starts),
    })))
}

fn plain(url: &str) -> String {
    url.trim().trim_end_matches('/').to_owned()
}

fn address(page: &Page, url: &Spanned<String>) -> Option<String> {
    let text = plain(url.get_ref());
    let place = text
        .strip_prefix("opc.tcp://")
        .and_then(|rest| rest.split('/').next());
    if place
        .is_some_and(|place| super::gateway::host_port(place, Some(4840)).is_some_and(|(_, port)| port > 0))
    {
        return Some(text);
    }
    page.add(
        Complaint::new(
            "address-not-understood",
            format!("{:?} is no address of a server", url.get_ref()),
        )
        .mark(url.span(), "")
        .help("write it as the server does: opcua = \"opc.tcp://10.30.4.20:4840\""),
    );
    None
}

fn has_identity(written: &written::Equipment) -> bool {
    written.user.is_some()
        || written.user_certificate.is_some()
        || written.anonymous.as_ref().is_some_and(|flag| *flag.get_ref())
}

fn identity(page: &Page, written: &written::Equipment, complain: bool) -> Option<Identity> {
    let anonymous = written.anonymous.as_ref().filter(|flag| *flag.get_ref());
    let ways = [
        written.user.is_some(),
        written.user_certificate.is_some(),
        anonymous.is_some(),
    ];
    let wrong = |name: &'static str, what: &str, help: &str| {
        if complain {
            page.add(
                Complaint::new(name, what.to_owned())
                    .mark(written.place.clone(), "")
                    .help(help.to_owned()),
            );
        }
        None
    };
    if ways.iter().filter(|way| **way).count() > 1 {
        return wrong(
            "two-logins",
            "a server is told two things about who we are",
            "keep one of `user`, `user_certificate` and `anonymous`",
        );
    }
    let path = |key: &'static str, value: &Spanned<String>| names::path(page, key, value);
    if let Some(user) = &written.user {
        let Some(file) = &written.password_file else {
            return wrong(
                "missing-key",
                "a user without a password",
                "add password_file = \"/etc/steelyard/opcua.password\", a file of mode 0600",
            );
        };
        return Some(Identity::User {
            name: user.get_ref().clone(),
            password_file: path("password_file", file),
        });
    }
    if let Some(certificate) = &written.user_certificate {
        let Some(key) = &written.user_key else {
            return wrong(
                "missing-key",
                "a certificate of a user without its key",
                "add user_key = \"/etc/steelyard/opcua-user.pem\", a file of mode 0600",
            );
        };
        return Some(Identity::Certificate {
            certificate: path("user_certificate", certificate),
            private_key: path("user_key", key),
        });
    }
    Some(Identity::Anonymous)
}

fn differs(page: &Page, own: Option<&Spanned<Security>>, said: &Spanned<Security>, key: &str) {
    let Some(own) = own.filter(|own| own.get_ref() != said.get_ref()) else {
        return;
    };
    page.add(
        Complaint::new(
            "server-settings-differ",
            format!("one server has two kinds of `{key}`"),
        )
        .mark(own.span(), "here")
        .mark(said.span(), "and here")
        .why("equipment behind one server shares one session with it")
        .help("write it once, at the first equipment of this server"),
    );
}

fn starts(written: &[(Spanned<String>, Spanned<Start>)]) -> BTreeMap<String, Start> {
    let pair =
        |(name, start): &(Spanned<String>, Spanned<Start>)| (name.get_ref().clone(), start.get_ref().clone());
    written.iter().map(pair).collect()
}

/// Keys of a server that stand at equipment which has none.
pub(super) fn out_of_place(page: &Page, written: &written::Equipment) {
    let keys = [
        ("security", written.security.as_ref().map(Spanned::span)),
        ("user", written.user.as_ref().map(Spanned::span)),
        ("password_file", written.password_file.as_ref().map(Spanned::span)),
        (
            "user_certificate",
            written.user_certificate.as_ref().map(Spanned::span),
        ),
        ("user_key", written.user_key.as_ref().map(Spanned::span)),
        ("anonymous", written.anonymous.as_ref().map(Spanned::span)),
        ("starts", written.starts.first().map(|(name, _)| name.span())),
    ];
    for (key, place) in keys {
        if let Some(place) = place {
            page.add(
                Complaint::new(
                    "key-without-server",
                    format!("`{key}` belongs to `opcua`, and this link is none"),
                )
                .mark(place, "")
                .help(format!("take `{key}` out, or write opcua = \"opc.tcp://…\"")),
            );
        }
    }
}
