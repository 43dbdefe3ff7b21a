//! The TCP connection below a secured channel: opened within a bound, kept alive, and read through a guard that
//! lets no frame through that is larger than was agreed. The library would wait for as many bytes as a header claims.

use opcua::{
    client::transport::{
        Connector, RequestRecv, SecureChannelState, StreamConnection, StreamConnector, StreamTransport,
        TransportConfiguration,
    },
    core::comms::tcp_codec::TcpCodec,
    types::{DecodingOptions, EndpointDescription, Error, StatusCode},
};
use rustix::net::sockopt;
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, ReadBuf, ReadHalf, WriteHalf, split},
    net::TcpStream,
    time::timeout,
};
use tokio_util::codec::FramedRead;

/// Bytes of one frame, either way.
pub(super) const FRAME: usize = 65_535;
/// Frames of one message.
pub(super) const FRAMES: usize = 32;
/// Bytes of one message.
pub(super) const MESSAGE: usize = 2 << 20;
/// Elements of one list.
pub(super) const LIST: usize = 32_768;
/// Bytes of one text.
pub(super) const TEXT: usize = 65_535;
/// Values within values.
pub(super) const DEEP: u64 = 10;
/// The first answer comes within this time, or there is no server.
const CONNECT_WITHIN: Duration = Duration::from_secs(3);

type Half = Guarded<ReadHalf<TcpStream>>;
type Opened = Result<StreamConnection<Half, WriteHalf<TcpStream>>, Error>;
pub(super) type Transport = StreamTransport<Half, WriteHalf<TcpStream>>;

/// Opens connections to one host and port.
pub(super) struct Wire {
    url: String,
}

/// Opens connections to the host and port of `url`.
pub(super) fn wire(url: &str) -> Wire {
    Wire { url: url.to_owned() }
}

impl Connector for Wire {
    type Transport = Transport;

    async fn connect(
        &self,
        channel: Arc<SecureChannelState>,
        outgoing: RequestRecv,
        config: TransportConfiguration,
    ) -> Result<Transport, Error> {
        let inner = StreamConnector::new(connect, self.url.clone());
        inner.connect(channel, outgoing, config).await
    }

    fn default_endpoint(&self) -> EndpointDescription {
        EndpointDescription::from(self.url.as_str())
    }
}

async fn connect(url: String, options: DecodingOptions) -> Opened {
    let (host, port) = host_and_port(&url).ok_or_else(|| {
        Error::new(
            StatusCode::BadTcpEndpointUrlInvalid,
            format!("{url} names no host"),
        )
    })?;
    let stream = timeout(CONNECT_WITHIN, TcpStream::connect((host.as_str(), port)))
        .await
        .map_err(|_| silent(format!("{host}:{port} does not answer within 3 s")))?
        .map_err(|error| silent(format!("{host}:{port}: {error}")))?;
    settle(&stream).map_err(|error| silent(format!("{host}:{port}: {error}")))?;
    let (read, write) = split(stream);
    let guarded = FramedRead::new(Guarded::new(read), TcpCodec::new(options));
    Ok(StreamConnection::new(guarded, write, url))
}

fn silent(words: String) -> Error {
    Error::new(StatusCode::BadNotConnected, words)
}

fn settle(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    sockopt::set_socket_keepalive(stream, true)?;
    sockopt::set_tcp_keepidle(stream, Duration::from_secs(10))?;
    sockopt::set_tcp_keepintvl(stream, Duration::from_secs(5))?;
    sockopt::set_tcp_keepcnt(stream, 3)?;
    sockopt::set_tcp_user_timeout(stream, 20_000)?;
    Ok(())
}

/// `opc.tcp://host:4840/path`: host and port.
pub fn host_and_port(url: &str) -> Option<(String, u16)> {
    let rest = url.strip_prefix("opc.tcp://")?;
    let place = rest.split('/').next()?;
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && !port.contains(']') => (host, port.parse().ok()?),
        _ => (place, 4840),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

/// The URL a server gives for itself, with the host we reach it by: servers often name one that only they know.
pub(super) fn reached_by(configured: &str, given: &str) -> String {
    let rest = given.strip_prefix("opc.tcp://").unwrap_or_default();
    let path = rest.split_once('/').map_or("", |(_, path)| path);
    let place = configured.strip_prefix("opc.tcp://").unwrap_or_default();
    let place = place.split('/').next().unwrap_or_default();
    if path.is_empty() {
        format!("opc.tcp://{place}")
    } else {
        format!("opc.tcp://{place}/{path}")
    }
}

/// Lets bytes through, and stops at a frame whose header claims more than was agreed.
pub(super) struct Guarded<R> {
    inner: R,
    header: [u8; 8],
    have: usize,
    left: usize,
}

impl<R> Guarded<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            header: [0; 8],
            have: 0,
            left: 0,
        }
    }

    fn look(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.left > 0 {
                let pass = self.left.min(bytes.len());
                self.left -= pass;
                bytes = &bytes[pass..];
                continue;
            }
            self.header[self.have] = bytes[0];
            self.have += 1;
            bytes = &bytes[1..];
            if self.have == self.header.len() {
                let [_, _, _, _, size @ ..] = self.header;
                let size = u32::from_le_bytes(size) as usize;
                if !(8..=FRAME).contains(&size) {
                    let words = format!("a frame claims {size} bytes, and at most {FRAME} were agreed");
                    return Err(io::Error::new(io::ErrorKind::InvalidData, words));
                }
                self.left = size - 8;
                self.have = 0;
            }
        }
        Ok(())
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Guarded<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        match Pin::new(&mut self.inner).poll_read(cx, buf) {
            Poll::Ready(Ok(())) => Poll::Ready(self.look(&buf.filled()[before..])),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_server_is_reached_by_the_host_that_is_written_down() {
        for (url, host, port) in [
            ("opc.tcp://10.30.4.20:4840", "10.30.4.20", 4840),
            ("opc.tcp://plc-3/UA/server", "plc-3", 4840),
            ("opc.tcp://[fe80::1]:48010/x", "fe80::1", 48010),
        ] {
            assert_eq!(host_and_port(url), Some((host.to_owned(), port)), "{url}");
        }
        for wrong in ["http://10.30.4.20", "opc.tcp://", "opc.tcp://host:port"] {
            assert_eq!(host_and_port(wrong), None, "{wrong}");
        }
        assert_eq!(
            reached_by(
                "opc.tcp://10.30.4.20:4840",
                "opc.tcp://DESKTOP-7:4840/freeopcua/server/"
            ),
            "opc.tcp://10.30.4.20:4840/freeopcua/server/"
        );
    }

    #[test]
    fn a_frame_that_claims_more_than_agreed_ends_the_connection_before_it_is_waited_for() {
        let mut guard = Guarded::new(());
        let frame = |size: u32| [b"MSGF".as_slice(), &size.to_le_bytes(), &[0; 8]].concat();
        // split anywhere
        for byte in frame(16).iter().chain(&frame(16)) {
            guard.look(std::slice::from_ref(byte)).unwrap();
        }
        for wrong in [0, 7, 65_536, u32::MAX] {
            assert!(Guarded::new(()).look(&frame(wrong)).is_err(), "{wrong}");
        }
    }
}
