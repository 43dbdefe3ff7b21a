//! A serial port: opened by its stable path, by us alone, with its settings read back.
//!
//! An adapter that was pulled out answers every read with nothing, at once and again and again; that is
//! reported as `Ok(0)`, and whoever owns the link closes it, so that no loop ever spins on it.

use crate::flow::needs::{Handshake, Line, Link, Waiting};
use rustix::io::Errno;
use std::{fs, io, path::Path};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_serial::{
    ClearBuffer, DataBits, ErrorKind, FlowControl, Parity, SerialPort, SerialPortBuilder, SerialStream,
    StopBits,
};

/// One open serial port.
#[derive(Debug)]
pub struct Serial(SerialStream);

impl Serial {
    /// Opens the port exclusively (TIOCEXCL and flock, since root is not held back by the first).
    pub fn open(path: &Path, line: Line) -> io::Result<Self> {
        let port = SerialStream::open(&settings(path, line)?).map_err(|problem| in_words(path, problem))?;
        applied(path, &port, line)?;
        // What came before the settings held may be damaged.
        port.clear(ClearBuffer::Input)?;
        Ok(Self(port))
    }
}

impl Link for Serial {
    fn send<'a>(&'a mut self, bytes: &'a [u8]) -> Waiting<'a, io::Result<()>> {
        Box::pin(self.0.write_all(bytes))
    }

    fn receive<'a>(&'a mut self, into: &'a mut Vec<u8>) -> Waiting<'a, io::Result<usize>> {
        Box::pin(async move {
            match self.0.read_buf(into).await {
                Err(problem) if unplugged(&problem) => Ok(0),
                other => other,
            }
        })
    }

    fn discard(&mut self) -> io::Result<usize> {
        let mut scrap = [0; 1024];
        let mut thrown = 0;
        loop {
            match self.0.try_read(&mut scrap) {
                // The end is for `receive` to say.
                Ok(0) => return Ok(thrown),
                Ok(count) => thrown += count,
                Err(problem) if problem.kind() == io::ErrorKind::WouldBlock => return Ok(thrown),
                Err(problem) if problem.kind() == io::ErrorKind::Interrupted => {}
                Err(problem) if unplugged(&problem) => return Ok(thrown),
                Err(problem) => return Err(problem),
            }
        }
    }
}

fn unplugged(problem: &io::Error) -> bool {
    [Errno::IO, Errno::NXIO, Errno::NODEV]
        .iter()
        .any(|errno| problem.raw_os_error() == Some(errno.raw_os_error()))
}

fn settings(path: &Path, line: Line) -> io::Result<SerialPortBuilder> {
    let refuse = |what: String| io::Error::new(io::ErrorKind::InvalidInput, what);
    let path = path
        .to_str()
        .ok_or_else(|| refuse(format!("{} is not a path in UTF-8", path.display())))?;
    Ok(tokio_serial::new(path, line.speed)
        .data_bits(match line.data_bits {
            7 => DataBits::Seven,
            8 => DataBits::Eight,
            other => return Err(refuse(format!("{other} data bits are neither 7 nor 8"))),
        })
        .parity(match line.parity {
            'N' => Parity::None,
            'E' => Parity::Even,
            'O' => Parity::Odd,
            other => return Err(refuse(format!("parity {other} is none of N, E and O"))),
        })
        .stop_bits(match line.stop_bits {
            1 => StopBits::One,
            2 => StopBits::Two,
            other => return Err(refuse(format!("{other} stop bits are neither 1 nor 2"))),
        })
        .flow_control(match line.handshake {
            Handshake::None => FlowControl::None,
            Handshake::XonXoff => FlowControl::Software,
            Handshake::RtsCts => FlowControl::Hardware,
        }))
}

/// An adapter that cannot do 7E1 often takes the setting without a word and sends 8N1: digits would be
/// damaged in a way that looks like digits. So the settings are read back.
fn applied(path: &Path, port: &SerialStream, line: Line) -> io::Result<()> {
    if fs::canonicalize(path).is_ok_and(|real| real.starts_with("/dev/pts")) {
        return Ok(()); // a pseudo terminal has no wire and ignores all of them
    }
    let now = (
        port.baud_rate()?,
        port.data_bits()?,
        port.parity()?,
        port.stop_bits()?,
    );
    let bits = if line.data_bits == 7 {
        DataBits::Seven
    } else {
        DataBits::Eight
    };
    let parity = match line.parity {
        'E' => Parity::Even,
        'O' => Parity::Odd,
        _ => Parity::None,
    };
    let stop = if line.stop_bits == 2 {
        StopBits::Two
    } else {
        StopBits::One
    };
    // Speeds are divided from a crystal; what is read back may be off by a little.
    if now.0.abs_diff(line.speed) <= line.speed / 50 && (now.1, now.2, now.3) == (bits, parity, stop) {
        return Ok(());
    }
    let text = format!(
        "{} does not keep {} {}{}{}: it says {} {:?} {:?} {:?}",
        path.display(),
        line.speed,
        line.data_bits,
        line.parity,
        line.stop_bits,
        now.0,
        now.1,
        now.2,
        now.3
    );
    Err(io::Error::new(io::ErrorKind::Unsupported, text))
}

fn in_words(path: &Path, problem: tokio_serial::Error) -> io::Error {
    let shown = path.display();
    match problem.kind {
        ErrorKind::NoDevice => {
            let by = holder(path).map_or_else(
                || "another program".to_owned(),
                |who| format!("another program ({who})"),
            );
            io::Error::new(
                io::ErrorKind::ResourceBusy,
                format!("{shown} is held by {by}; close it there"),
            )
        }
        ErrorKind::Io(io::ErrorKind::NotFound) => io::Error::new(
            io::ErrorKind::NotFound,
            format!("{shown} is not there; is the adapter plugged in?"),
        ),
        ErrorKind::Io(io::ErrorKind::PermissionDenied) => io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("{shown} may not be opened by us; the service user belongs into the group `dialout`"),
        ),
        ErrorKind::Io(kind) => io::Error::new(kind, format!("{shown}: {problem}")),
        _ => io::Error::other(format!("{shown}: {problem}")),
    }
}

/// Who has the port open, as far as we may look.
fn holder(path: &Path) -> Option<String> {
    let port = fs::canonicalize(path).ok()?;
    for process in fs::read_dir("/proc").ok()?.flatten() {
        let Ok(open) = fs::read_dir(process.path().join("fd")) else {
            continue;
        };
        if open
            .flatten()
            .any(|fd| fs::read_link(fd.path()).is_ok_and(|to| to == port))
        {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(format!(
                "{}, process {}",
                name.trim(),
                process.file_name().display()
            ));
        }
    }
    None
}
