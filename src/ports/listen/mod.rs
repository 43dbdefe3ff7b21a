//! The one socket the screens are served on: unencrypted to this machine only, to others over TLS.

mod certificate;
mod stream;

pub use certificate::{Certificate, certificate_for};
pub use stream::{Listening, Stream};

use record::Trouble;
use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};
use tokio::net::TcpListener;

/// Binds `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080` or only a port; port 0 takes any that is free.
/// Returns the listener and the address it has got.
pub async fn loopback(address: &str) -> Result<(Listening, SocketAddr), Trouble> {
    let wanted = read(address)?;
    if !wanted.ip().is_loopback() {
        return Err(Trouble::new(
            "screens-loopback-only",
            "the screens can be served to this machine only without TLS",
        )
        .at(address)
        .means("nothing is served; capture is not concerned")
        .so(format!(
            "use 127.0.0.1:{0}; from another machine: ssh -L {0}:127.0.0.1:{0} GATEWAY",
            wanted.port()
        )));
    }
    let (listener, bound) = bind(wanted).await?;
    Ok((Listening::plain(listener), bound))
}

/// Binds an address that others reach, with this certificate.
pub async fn encrypted(address: &str, certificate: &Certificate) -> Result<(Listening, SocketAddr), Trouble> {
    let acceptor = certificate.acceptor()?;
    let (listener, bound) = bind(read(address)?).await?;
    Ok((Listening::tls(listener, acceptor), bound))
}

/// The same port on this machine alone.
pub fn here_only(address: &str) -> Result<String, Trouble> {
    Ok(format!("127.0.0.1:{}", read(address)?.port()))
}

/// Whether this address is this machine alone.
pub fn is_loopback(address: &str) -> bool {
    read(address).is_ok_and(|address| address.ip().is_loopback())
}

async fn bind(wanted: SocketAddr) -> Result<(TcpListener, SocketAddr), Trouble> {
    let listener = TcpListener::bind(wanted)
        .await
        .map_err(|problem| cannot_bind(wanted, &problem))?;
    let bound = listener
        .local_addr()
        .map_err(|problem| cannot_bind(wanted, &problem))?;
    Ok((listener, bound))
}

fn read(address: &str) -> Result<SocketAddr, Trouble> {
    let on_loopback = |port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    address
        .parse()
        .ok()
        .or_else(|| {
            address
                .strip_prefix("localhost:")
                .unwrap_or(address)
                .parse()
                .ok()
                .map(on_loopback)
        })
        .ok_or_else(|| {
            Trouble::new(
                "not-an-address",
                "this is no address the screens can be served on",
            )
            .at(address)
            .means("nothing is served; capture is not concerned")
            .so("write address and port, as 127.0.0.1:8080; port 0 takes any that is free")
        })
}

fn cannot_bind(address: SocketAddr, problem: &io::Error) -> Trouble {
    let means = "nothing is served; capture is not concerned";
    match problem.kind() {
        io::ErrorKind::AddrInUse => {
            Trouble::new("port-taken", "another program already listens on this port")
                .at(address)
                .means(means)
                .so("end it, or choose another port; port 0 takes any that is free")
        }
        io::ErrorKind::PermissionDenied => {
            Trouble::new("port-not-allowed", "this port needs rights we don't have")
                .at(address)
                .means(means)
                .so("choose a port above 1023")
        }
        _ => Trouble::new("cannot-listen", format!("cannot listen here: {problem}"))
            .at(address)
            .means(means)
            .so("choose another address; port 0 takes any port that is free"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[tokio::test]
    async fn any_free_port_can_be_asked_for_and_is_told() {
        for address in ["0", "127.0.0.1:0", "localhost:0"] {
            let (_listener, bound) = loopback(address).await.unwrap();
            assert!(bound.ip().is_loopback() && bound.port() > 0, "{address}");
        }
    }

    #[tokio::test]
    async fn the_screens_are_never_served_to_the_network() {
        for address in ["0.0.0.0:0", "[::]:0", "10.30.4.15:8080"] {
            let trouble = loopback(address).await.unwrap_err();
            assert_eq!(trouble.name, "screens-loopback-only", "{address}");
            assert!(!trouble.record.is_empty() && !trouble.action.is_empty());
        }
    }

    #[tokio::test]
    async fn a_taken_port_is_told_as_such() {
        let (_listener, bound) = loopback("0").await.unwrap();
        assert_eq!(loopback(&bound.to_string()).await.unwrap_err().name, "port-taken");
    }

    #[tokio::test]
    async fn what_is_no_address_is_refused() {
        for address in ["", "eighty", "127.0.0.1", "127.0.0.1:99999", "localhost"] {
            assert_eq!(
                loopback(address).await.unwrap_err().name,
                "not-an-address",
                "{address}"
            );
        }
    }
}
