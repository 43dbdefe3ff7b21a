//! A byte stream over TCP: Modbus TCP, or a serial server.
//!
//! The read deadline of the link is the real guard; keep-alive and the user timeout only make sure that
//! a peer without power is noticed even while nobody asks.

use crate::flow::needs::{Link, Waiting};
use rustix::{
    io::Errno,
    net::{RecvFlags, recv, sockopt},
};
use std::{io, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// One open connection.
#[derive(Debug)]
pub struct Tcp(TcpStream);

impl Tcp {
    /// Connects, or gives up after [`CONNECT_WITHIN`].
    pub async fn open(address: &str) -> io::Result<Self> {
        let stream = timeout(CONNECT_WITHIN, TcpStream::connect(address))
            .await
            .map_err(|_| {
                let text = format!("{address} does not answer within {} s", CONNECT_WITHIN.as_secs());
                io::Error::new(io::ErrorKind::TimedOut, text)
            })??;
        Self::of(stream)
    }

    /// A connection somebody else made.
    pub fn of(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        sockopt::set_socket_keepalive(&stream, true)?;
        sockopt::set_tcp_keepidle(&stream, Duration::from_secs(10))?;
        sockopt::set_tcp_keepintvl(&stream, Duration::from_secs(5))?;
        sockopt::set_tcp_keepcnt(&stream, 3)?;
        sockopt::set_tcp_user_timeout(&stream, 20_000)?;
        Ok(Self(stream))
    }
}

impl Link for Tcp {
    fn send<'a>(&'a mut self, bytes: &'a [u8]) -> Waiting<'a, io::Result<()>> {
        Box::pin(self.0.write_all(bytes))
    }

    fn receive<'a>(&'a mut self, into: &'a mut Vec<u8>) -> Waiting<'a, io::Result<usize>> {
        Box::pin(self.0.read_buf(into))
    }

    fn discard(&mut self) -> io::Result<usize> {
        let mut scrap = [0; 1024];
        let mut thrown = 0;
        loop {
            match recv(&self.0, &mut scrap, RecvFlags::DONTWAIT) {
                // The end of the stream is for `receive` to say.
                Ok((0, _)) | Err(Errno::AGAIN) => return Ok(thrown),
                Ok((count, _)) => thrown += count,
                Err(Errno::INTR) => {}
                Err(problem) => return Err(problem.into()),
            }
        }
    }
}

/// Listens for such connections: the instrument's side, used by the simulator. Dropping it is pulling the plug.
#[derive(Debug)]
pub struct Listener(TcpListener);

impl Listener {
    /// Listens at `127.0.0.1:0` (any free port) or wherever is said.
    pub async fn open(address: &str) -> io::Result<Self> {
        Ok(Self(TcpListener::bind(address).await?))
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// The next connection.
    pub async fn accept(&self) -> io::Result<Tcp> {
        Tcp::of(self.0.accept().await?.0)
    }
}

const CONNECT_WITHIN: Duration = Duration::from_secs(3);
