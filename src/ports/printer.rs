//! A label printer at a raw socket (port 9100). It says nothing back that could be relied on: what was taken whole is
//! printed as far as anybody can know, and the scan of the label is the proof.

use std::{io, time::Duration};
use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout};

/// A printer that does not take a label within this has none.
const WITHIN: Duration = Duration::from_secs(5);

/// Asks an answering printer whether paper or ribbon is out (`~HS`), then hands it the label. Printers that do not
/// answer are believed.
pub async fn print(address: &str, label: &[u8]) -> io::Result<()> {
    timeout(WITHIN, hand_over(address, label)).await.map_err(|_| {
        io::Error::new(
            io::ErrorKind::TimedOut,
            format!("{address} does not take the label"),
        )
    })?
}

async fn hand_over(address: &str, label: &[u8]) -> io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    if let Some(because) = status(&mut stream).await? {
        return Err(io::Error::other(because));
    }
    stream.write_all(label).await?;
    stream.shutdown().await
}

/// What hinders it, where it says so: the first line of the answer to `~HS` has the paper flag as its second field and
/// the pause flag as its third; the second line has the ribbon flag as its fourth.
async fn status(stream: &mut TcpStream) -> io::Result<Option<&'static str>> {
    use tokio::io::AsyncReadExt;
    stream.write_all(b"~HS").await?;
    let mut heard = Vec::new();
    let mut part = [0u8; 256];
    while heard.iter().filter(|byte| **byte == 3).count() < 3 && heard.len() < 1024 {
        match timeout(Duration::from_millis(400), stream.read(&mut part)).await {
            Ok(Ok(0)) | Err(_) => break,
            Ok(Ok(count)) => heard.extend_from_slice(&part[..count]),
            Ok(Err(error)) => return Err(error),
        }
    }
    Ok(hinders(&String::from_utf8_lossy(&heard)))
}

fn hinders(heard: &str) -> Option<&'static str> {
    let lines: Vec<Vec<&str>> = heard
        .split('\u{2}')
        .skip(1)
        .map(|line| {
            line.split('\u{3}')
                .next()
                .unwrap_or_default()
                .split(',')
                .collect()
        })
        .collect();
    let flag = |line: usize, field: usize| lines.get(line).and_then(|line| line.get(field)) == Some(&"1");
    if flag(0, 1) {
        Some("the printer has no paper")
    } else if flag(1, 3) {
        Some("the printer has no ribbon")
    } else if flag(1, 2) {
        Some("the head of the printer is open")
    } else if flag(0, 2) {
        Some("the printer is paused")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printer_without_paper_says_so() {
        let answer = |paper: u8, pause: u8, head: u8, ribbon: u8| {
            format!(
                "\u{2}030,{paper},{pause},1245,000,0,0,0,000,0,0,0\u{3}\r\n\u{2}000,0,{head},{ribbon},0,2,4,0,00000000,1,000\u{3}\r\n\u{2}1234,0\u{3}\r\n"
            )
        };
        assert_eq!(hinders(&answer(0, 0, 0, 0)), None);
        assert_eq!(hinders(&answer(1, 0, 0, 0)), Some("the printer has no paper"));
        assert_eq!(hinders(&answer(0, 1, 0, 0)), Some("the printer is paused"));
        assert_eq!(
            hinders(&answer(0, 0, 1, 0)),
            Some("the head of the printer is open")
        );
        assert_eq!(hinders(&answer(0, 0, 0, 1)), Some("the printer has no ribbon"));
        assert_eq!(hinders(""), None);
    }
}
