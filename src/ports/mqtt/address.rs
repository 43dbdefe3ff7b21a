//! Where a broker is: `mqtt://host:1883` or `mqtts://host:8883`, and nothing else in it.

use record::Trouble;

/// A broker's address as people write it, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerAddress {
    /// Host name or address.
    pub host: String,
    /// Port; 1883 or 8883 where none is written.
    pub port: u16,
    /// Whether the link is encrypted and the broker proves who it is.
    pub tls: bool,
}

impl BrokerAddress {
    /// Reads the address. Secrets in it are refused: they would stand in logs.
    pub fn read(url: &str) -> Result<Self, Trouble> {
        let wrong = |why: &str| {
            Trouble::new(
                "broker-address",
                format!("{why}: {}", url.split('@').next_back().unwrap_or_default()),
            )
            .means("the broker is not reached; nothing is lost, what is captured stays in the ledger")
            .so("write `mqtts://host:8883` (or `mqtt://host:1883` on a network you trust) and nothing else")
        };
        let (tls, rest) = match url.split_once("://") {
            Some(("mqtt", rest)) => (false, rest),
            Some(("mqtts", rest)) => (true, rest),
            _ => {
                return Err(wrong(
                    "the broker's address does not begin with mqtt:// or mqtts://",
                ));
            }
        };
        if rest.contains('@') {
            return Err(wrong("the broker's address holds a user or a password")
                .so("take them out of the address: write `user` and `password_file`"));
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        // a colon inside brackets belongs to an IPv6 address
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (rest, None),
        };
        let ok = |c: char| c.is_ascii_alphanumeric() || ".-_:[]%".contains(c);
        if host.is_empty() || !host.chars().all(ok) || (host.contains(':') && !host.starts_with('[')) {
            return Err(wrong("the broker's address names no host"));
        }
        let port = match port {
            None => {
                if tls {
                    8883
                } else {
                    1883
                }
            }
            Some(port) => port
                .parse()
                .ok()
                .filter(|port| *port != 0)
                .ok_or_else(|| wrong("the broker's port is no port"))?,
        };
        Ok(Self {
            host: host.to_owned(),
            port,
            tls,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn an_address_is_a_scheme_a_host_and_a_port() {
        for (url, host, port, tls) in [
            ("mqtt://10.30.4.2", "10.30.4.2", 1883, false),
            ("mqtts://ebr.essen.example", "ebr.essen.example", 8883, true),
            ("mqtt://localhost:11883/", "localhost", 11883, false),
            ("mqtt://[::1]:1884", "[::1]", 1884, false),
            ("mqtt://[fe80::1%eth0]", "[fe80::1%eth0]", 1883, false),
        ] {
            let read = BrokerAddress::read(url).unwrap();
            assert_eq!(
                (read.host.as_str(), read.port, read.tls),
                (host, port, tls),
                "{url}"
            );
        }
    }

    #[test]
    fn anything_else_in_an_address_is_refused_and_no_secret_is_repeated() {
        for url in [
            "",
            "broker",
            "http://broker",
            "mqtt://",
            "mqtt://:1883",
            "mqtt://h:0",
            "mqtt://h:99999",
            "mqtt://h/x",
            "mqtt://::1",
        ] {
            assert!(BrokerAddress::read(url).is_err(), "{url}");
        }
        let told = BrokerAddress::read("mqtt://ada:lovelace@broker")
            .unwrap_err()
            .to_string();
        assert!(!told.contains("lovelace"), "{told}");
    }
}
