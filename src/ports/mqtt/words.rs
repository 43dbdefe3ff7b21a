//! What a person is told when the broker and we do not come together, or part.

use super::wire::Problem;
use crate::{
    flow::{
        clock::WRITTEN,
        needs::{Clock, Login},
    },
    ports::clock::SystemClock,
};
use record::Trouble;
use rumqttc::{self as three, TlsError, v5 as five};
use rustls::CertificateError;
use std::{io, path::Path};

/// What it means in every case: the pipe holds nothing.
const KEPT: &str = "nothing is lost: what has no receipt stays in the ledger and is sent again";

/// Connecting failed.
pub(super) fn connecting(problem: &Problem, login: &Login) -> Trouble {
    if let Some(reason) = refusal(problem) {
        let action = match reason.as_str() {
            "bad user name password" | "not authorized" | "bad authentication method" => {
                "check `user` and `password_file` (or the client certificate) against the broker's list of users"
            }
            "client identifier not valid" | "bad client id" => {
                "let the broker's administrator allow this client id"
            }
            "unsupported protocol version" | "refused protocol version" => {
                "the broker does not speak this MQTT version: write `mqtt = \"3.1.1\"`, or update the broker"
            }
            _ => "ask the broker's administrator; its log says more",
        };
        return Trouble::new(
            "broker-refused",
            format!("the broker refused us ({}): {reason}", login.client),
        )
        .at(&login.url)
        .means(KEPT)
        .so(action);
    }
    if let Some(why) = untrusted(problem) {
        let now = SystemClock::new().now();
        if now < WRITTEN {
            let (why, clock) = (
                why.replace(" (or this machine's clock is wrong)", ""),
                now.to_string(),
            );
            let what =
                format!("this machine's clock was never set, it shows {clock}: {why}, judged by that clock");
            return Trouble::new("broker-untrusted", what)
                .at(&login.url)
                .means(KEPT)
                .so("set the clock, or let a time server keep it; nothing else has to be changed");
        }
        return Trouble::new("broker-untrusted", format!("no secure link to the broker: {why}"))
            .at(&login.url)
            .means(KEPT)
            .so("check the broker's certificate (names, dates) and the `trust` file; never switch the check off");
    }
    Trouble::new(
        "broker-unreachable",
        format!("the broker is not reached: {}", plain(problem)),
    )
    .at(&login.url)
    .means(KEPT)
    .so("is the broker running, and is its address right? is the network up?")
}

/// A session ended by itself.
pub(super) fn lost(problem: &Problem, place: &str) -> Trouble {
    if let Some((bytes, most)) = too_large(problem) {
        return Trouble::new(
            "packet-too-large",
            format!("the broker takes packets up to {most} bytes; this one has {bytes}"),
        )
        .at(place)
        .means(KEPT)
        .so("raise the broker's largest packet (Mosquitto: max_packet_size), or seal smaller pages");
    }
    Trouble::new(
        "broker-lost",
        format!("the connection to the broker ended: {}", plain(problem)),
    )
    .at(place)
    .means(KEPT)
    .so("nothing, if it comes back by itself; otherwise look at the broker and the network")
}

/// No answer in time.
pub(super) fn silent(place: &str, what: &str) -> Trouble {
    Trouble::new("broker-silent", format!("the broker did not {what}"))
        .at(place)
        .means(KEPT)
        .so("is the broker overloaded, or does a firewall swallow the connection?")
}

/// A subscription was refused.
pub(super) fn subscription(login: &Login, index: usize, reason: &str) -> Trouble {
    let filter = login.subscribe.get(index).map_or("", String::as_str);
    Trouble::new(
        "subscription-refused",
        format!("the broker refused the subscription to {filter}: {reason}"),
    )
    .at(&login.url)
    .means(KEPT)
    .so(format!(
        "let the broker's administrator allow {} to read {filter}",
        login.client
    ))
}

/// A filter no broker would take.
pub(super) fn not_a_filter(login: &Login) -> Trouble {
    Trouble::new(
        "subscription-malformed",
        format!("this is no topic filter: {}", login.subscribe.join(", ")),
    )
    .at(&login.url)
    .means(KEPT)
    .so("`+` and `#` stand alone between slashes, `#` only at the end; correct `topics`")
}

/// The broker said no to one message.
pub(super) fn publish_refused(place: &str, reason: &str) -> Trouble {
    Trouble::new(
        "publish-refused",
        format!("the broker refused a message: {reason}"),
    )
    .at(place)
    .means(KEPT)
    .so("let the broker's administrator allow this client to write its own topics")
}

/// Our own consumer does not keep up.
pub(super) fn lagging(place: &str) -> Trouble {
    Trouble::new(
        "reader-lags",
        "messages arrive faster than they are taken here; the connection is ended on purpose",
    )
    .at(place)
    .means(KEPT)
    .so("look at the disk and the load of this machine")
}

/// Used after its end.
pub(super) fn over(place: &str) -> Trouble {
    Trouble::new("broker-closed", "the session with the broker was closed")
        .at(place)
        .means(KEPT)
        .so("nothing")
}

/// A password file that is no text.
pub(super) fn password(path: &Path) -> Trouble {
    Trouble::new("broker-credentials", "the password file is not text (UTF-8)")
        .at(path.display())
        .means(KEPT)
        .so("put the password there as one line of text")
}

/// `BadUserNamePassword` as people say it.
pub(super) fn spaced(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

fn refusal(problem: &Problem) -> Option<String> {
    match problem {
        Problem::Five(five::ConnectionError::ConnectionRefused(code)) => Some(spaced(&format!("{code:?}"))),
        Problem::Three(three::ConnectionError::ConnectionRefused(code)) => Some(spaced(&format!("{code:?}"))),
        _ => None,
    }
}

fn too_large(problem: &Problem) -> Option<(usize, usize)> {
    match problem {
        Problem::Five(five::ConnectionError::MqttState(
            five::StateError::OutgoingPacketTooLarge { pkt_size, max }
            | five::StateError::Deserialization(five::mqttbytes::Error::OutgoingPacketTooLarge {
                pkt_size,
                max,
            }),
        )) => Some((*pkt_size as usize, *max as usize)),
        Problem::Three(three::ConnectionError::MqttState(three::StateError::Deserialization(
            three::Error::OutgoingPacketTooLarge { pkt_size, max },
        ))) => Some((*pkt_size, *max)),
        _ => None,
    }
}

fn untrusted(problem: &Problem) -> Option<String> {
    let (Problem::Five(five::ConnectionError::Tls(error))
    | Problem::Three(three::ConnectionError::Tls(error))) = problem
    else {
        return None;
    };
    let inner = match error {
        TlsError::Io(problem) => problem.get_ref()?.downcast_ref::<rustls::Error>()?,
        TlsError::TLS(problem) => problem,
        TlsError::DNSName(_) => return Some("its address is no name a certificate can hold".into()),
        other => return Some(other.to_string()),
    };
    Some(match inner {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "the broker's certificate is signed by nobody in the trust file".into()
        }
        rustls::Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "the broker's certificate has expired (or this machine's clock is wrong)".into(),
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        ) => "the broker's certificate is not valid yet (or this machine's clock is wrong)".into(),
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "the broker's certificate is for another name than its address".into(),
        other => other.to_string(),
    })
}

fn plain(problem: &Problem) -> String {
    let io = match problem {
        Problem::Five(
            five::ConnectionError::Io(io) | five::ConnectionError::MqttState(five::StateError::Io(io)),
        )
        | Problem::Three(
            three::ConnectionError::Io(io) | three::ConnectionError::MqttState(three::StateError::Io(io)),
        ) => Some(io),
        Problem::Five(five::ConnectionError::MqttState(five::StateError::ConnectionAborted))
        | Problem::Three(three::ConnectionError::MqttState(three::StateError::ConnectionAborted)) => {
            return "closed by the other side".into();
        }
        Problem::Five(five::ConnectionError::MqttState(five::StateError::AwaitPingResp))
        | Problem::Three(three::ConnectionError::MqttState(three::StateError::AwaitPingResp)) => {
            return "a question was not answered within 10 s".into();
        }
        Problem::Five(five::ConnectionError::Timeout(_))
        | Problem::Three(three::ConnectionError::FlushTimeout) => {
            return "no answer within 10 s".into();
        }
        Problem::Five(five::ConnectionError::MqttState(five::StateError::ServerDisconnect {
            reason_code,
            reason_string,
        })) => {
            let said = reason_string
                .as_deref()
                .map(|text| format!(" ({text})"))
                .unwrap_or_default();
            return format!("the broker said {}{said}", spaced(&format!("{reason_code:?}")));
        }
        _ => None,
    };
    match (io, problem) {
        (Some(io), _) => match io.kind() {
            io::ErrorKind::ConnectionRefused => "nobody listens there".into(),
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::UnexpectedEof => "closed by the other side".into(),
            io::ErrorKind::TimedOut => "no answer".into(),
            _ => io.to_string(),
        },
        (None, Problem::Five(problem)) => problem.to_string(),
        (None, Problem::Three(problem)) => problem.to_string(),
    }
}
