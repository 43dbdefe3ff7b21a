//! Connections as the web server takes them: plain, or with the handshake of TLS behind them.
//!
//! A handshake is made beside the others, so that somebody who connects and says nothing holds up nobody.

use axum::serve::Listener;
use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
    task::JoinHandle,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// Whatever listens for browsers.
pub enum Listening {
    Plain(TcpListener),
    Tls {
        ready: mpsc::Receiver<(Stream, SocketAddr)>,
        at: io::Result<SocketAddr>,
        accepting: JoinHandle<()>,
    },
}

/// One connection.
pub enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Handshakes at once; more wait in the system's own queue.
const HANDSHAKES: usize = 32;
/// A handshake that takes longer is none.
const WITHIN: Duration = Duration::from_secs(10);

impl Listening {
    pub(super) fn plain(listener: TcpListener) -> Self {
        Self::Plain(listener)
    }

    pub(super) fn tls(mut listener: TcpListener, acceptor: TlsAcceptor) -> Self {
        let at = listener.local_addr();
        let (into, ready) = mpsc::channel(HANDSHAKES);
        let places = Arc::new(Semaphore::new(HANDSHAKES));
        let accepting = tokio::spawn(async move {
            loop {
                let Ok(place) = places.clone().acquire_owned().await else {
                    return;
                };
                let (stream, from) = Listener::accept(&mut listener).await;
                let (acceptor, into) = (acceptor.clone(), into.clone());
                tokio::spawn(async move {
                    let shaken = tokio::time::timeout(WITHIN, acceptor.accept(stream)).await;
                    if let Ok(Ok(stream)) = shaken {
                        // holds because a server that has gone takes no connections
                        let _ = into.send((Stream::Tls(Box::new(stream)), from)).await;
                    }
                    drop(place);
                });
            }
        });
        Self::Tls { ready, at, accepting }
    }
}

impl std::fmt::Debug for Listening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Listening(plain)",
            Self::Tls { .. } => "Listening(tls)",
        })
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Self::Tls { accepting, .. } = self {
            accepting.abort();
        }
    }
}

impl Listener for Listening {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Stream, SocketAddr) {
        match self {
            Self::Plain(listener) => {
                let (stream, from) = Listener::accept(listener).await;
                (Stream::Plain(stream), from)
            }
            Self::Tls { ready, .. } => match ready.recv().await {
                Some(found) => found,
                // the task that accepts never ends by itself
                None => std::future::pending().await,
            },
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Plain(listener) => listener.local_addr(),
            Self::Tls { at, .. } => match at {
                Ok(at) => Ok(*at),
                Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
            },
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, into),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_read(context, into),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(context),
        }
    }
}
