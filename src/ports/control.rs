//! The socket through which a person on this machine reaches the running gateway: beside the ledger, open to the
//! gateway's user only. One line of JSON in, one line of JSON out.

use record::Trouble;
use std::{
    future::Future,
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
};

/// The longest request: a configuration with its drivers.
const LONGEST: u64 = 4 << 20;

/// Where the socket of a ledger is.
pub fn socket(ledger: &Path) -> PathBuf {
    ledger.join("control")
}

/// Listens; `answer` gets each request and gives the answer.
pub async fn listen<F, A>(ledger: PathBuf, answer: F) -> io::Result<()>
where
    F: Fn(String) -> A,
    A: Future<Output = String>,
{
    let path = socket(&ledger);
    if path.exists() {
        // The ledger is ours alone, so whoever made this socket is gone.
        std::fs::remove_file(&path)?;
    }
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    loop {
        let (stream, _) = listener.accept().await?;
        // One at a time: acts are rare, and their order matters. A caller that hangs up costs nothing.
        let _ = serve(stream, &answer).await;
    }
}

async fn serve<F, A>(stream: UnixStream, answer: &F) -> io::Result<()>
where
    F: Fn(String) -> A,
    A: Future<Output = String>,
{
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut reader = BufReader::new(read.take(LONGEST));
    let reading = reader.read_line(&mut line);
    let within = std::time::Duration::from_secs(5);
    tokio::time::timeout(within, reading)
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    let mut text = answer(line).await;
    text.push('\n');
    write.write_all(text.as_bytes()).await
}

/// Asks the gateway that holds this ledger; `None` when none runs.
pub async fn ask(ledger: &Path, request: &str) -> Result<Option<String>, Trouble> {
    let stream = match UnixStream::connect(socket(ledger)).await {
        Ok(stream) => stream,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(cannot(ledger, &error)),
    };
    let (read, mut write) = stream.into_split();
    write
        .write_all(format!("{request}\n").as_bytes())
        .await
        .map_err(|error| cannot(ledger, &error))?;
    let mut line = String::new();
    BufReader::new(read)
        .read_line(&mut line)
        .await
        .map_err(|error| cannot(ledger, &error))?;
    Ok(Some(line.trim_end().to_owned()))
}

fn cannot(ledger: &Path, error: &io::Error) -> Trouble {
    Trouble::new(
        "gateway-not-reached",
        format!("the running gateway cannot be asked: {error}"),
    )
    .at(socket(ledger).display())
    .means("nothing was changed")
    .so("do it as the gateway's user, for example with sudo -u steelyard")
}
