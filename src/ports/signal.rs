//! Serves the block that tells the line whether it is recorded: Modbus TCP, read only, to a few clients.

use record::Trouble;
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

/// Serves for good: what `answer` says to each question. A place that cannot be had is told once and tried again.
pub async fn serve(
    at: SocketAddr,
    answer: impl Fn(&[u8]) -> Vec<u8> + Clone + Send + 'static,
    say: impl Fn(Trouble),
) {
    let mut told = false;
    loop {
        match TcpListener::bind(at).await {
            Ok(listener) => {
                told = false;
                accept(&listener, &answer).await;
            }
            Err(error) if !told => {
                told = true;
                say(Trouble::new("signal-not-served", format!("the line cannot be told: {error}"))
                    .at(at)
                    .means("capture is not concerned; a controller that waits for the heartbeat sees none")
                    .so("see that [signal] listen is an address of this machine, and its port free; it is tried again by itself"));
            }
            Err(_) => {}
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn accept(listener: &TcpListener, answer: &(impl Fn(&[u8]) -> Vec<u8> + Clone + Send + 'static)) {
    let places = Arc::new(Semaphore::new(CLIENTS));
    loop {
        let Ok((client, _)) = listener.accept().await else {
            // out of descriptors, for instance: those who are connected go on
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            continue; // closed at once: as many as a line has are served already
        };
        let answer = answer.clone();
        tokio::spawn(async move {
            // holds because a client that fails only ends its own connection
            let _ = talk(client, answer).await;
            drop(place);
        });
    }
}

async fn talk(mut client: TcpStream, answer: impl Fn(&[u8]) -> Vec<u8>) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut head = [0; 7];
    loop {
        match tokio::time::timeout(IDLE, client.read_exact(&mut head)).await {
            Ok(read) => read?,
            Err(_) => return Ok(()),
        };
        let length = usize::from(u16::from_be_bytes([head[4], head[5]]));
        if head[2..4] != [0, 0] || !(2..=254).contains(&length) {
            return Ok(()); // no Modbus
        }
        let mut question = vec![0; length - 1];
        match tokio::time::timeout(IDLE, client.read_exact(&mut question)).await {
            Ok(read) => read?,
            Err(_) => return Ok(()),
        };
        let answered = answer(&question);
        let length = (answered.len() + 1) as u16;
        let mut frame = head.to_vec();
        frame[4..6].copy_from_slice(&length.to_be_bytes());
        frame.extend(answered);
        tokio::time::timeout(IDLE, client.write_all(&frame)).await??;
    }
}

/// Controllers, stack lights and a service tool.
const CLIENTS: usize = 8;
/// A client that asks nothing for this long has gone.
const IDLE: Duration = Duration::from_mins(1);
const AGAIN: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    async fn served() -> SocketAddr {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = free.local_addr().unwrap();
        drop(free);
        tokio::spawn(serve(
            at,
            |question: &[u8]| [question, b"!"].concat(),
            |trouble| panic!("{trouble}"),
        ));
        at
    }

    async fn client(at: SocketAddr) -> TcpStream {
        for _ in 0..100 {
            if let Ok(client) = TcpStream::connect(at).await {
                return client;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("nobody listens");
    }

    #[tokio::test]
    async fn questions_in_pieces_and_two_at_once_are_answered_in_order() {
        let mut client = client(served().await).await;
        client.write_all(&[0, 7, 0]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(30)).await;
        client
            .write_all(&[0, 0, 3, 9, 3, 1, 0, 8, 0, 0, 0, 2, 9, 4])
            .await
            .unwrap();
        let mut answers = [0; 10 + 9];
        client.read_exact(&mut answers).await.unwrap();
        assert_eq!(
            answers,
            [0, 7, 0, 0, 0, 4, 9, 3, 1, b'!', 0, 8, 0, 0, 0, 3, 9, 4, b'!']
        );
    }

    #[tokio::test]
    async fn what_is_no_modbus_and_a_client_too_many_are_closed() {
        let at = served().await;
        let mut stranger = client(at).await;
        stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        assert_eq!(stranger.read(&mut [0; 8]).await.unwrap_or(0), 0);
        let mut held = Vec::new();
        for _ in 0..CLIENTS {
            let mut one = client(at).await;
            one.write_all(&[0, 1, 0, 0, 0, 2, 1, 3]).await.unwrap();
            one.read_exact(&mut [0; 9]).await.unwrap();
            held.push(one);
        }
        let mut late = client(at).await;
        assert_eq!(late.read(&mut [0; 8]).await.unwrap_or(0), 0);
    }
}
