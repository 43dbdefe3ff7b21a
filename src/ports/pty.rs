//! Pseudo terminals: the instrument's end of a serial line that has no wire.
//!
//! Used by the simulator only. The far end looks like a serial port to whoever opens it.

use crate::flow::needs::{Link, Waiting};
use rustix::{
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    io::Errno,
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{OptionalActions, tcgetattr, tcsetattr},
};
use std::{
    ffi::OsString,
    fs, io,
    os::{fd::OwnedFd, unix::ffi::OsStringExt},
    path::{Path, PathBuf},
};
use tokio::io::unix::AsyncFd;

/// The near end of a pseudo terminal. Dropping it is pulling the plug.
#[derive(Debug)]
pub struct Pty {
    near: AsyncFd<OwnedFd>,
    far: PathBuf,
}

impl Pty {
    /// Makes a pair; the far end is raw, so that nothing is echoed before anyone opens it.
    pub fn open() -> io::Result<Self> {
        let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&near)?;
        unlockpt(&near)?;
        let far = PathBuf::from(OsString::from_vec(ptsname(&near, Vec::new())?.into_bytes()));
        let mut line = tcgetattr(&near)?;
        line.make_raw();
        tcsetattr(&near, OptionalActions::Now, &line)?;
        let flags = fcntl_getfl(&near)?;
        fcntl_setfl(&near, flags | OFlags::NONBLOCK)?;
        Ok(Self {
            near: watched(near)?,
            far,
        })
    }

    /// Where the far end is.
    pub fn path(&self) -> &Path {
        &self.far
    }

    /// Gives the far end a name that stays the same after unplugging, as udev does for adapters.
    pub fn name(&self, name: &Path) -> io::Result<()> {
        let fresh = name.with_extension("new");
        match fs::remove_file(&fresh) {
            Err(problem) if problem.kind() != io::ErrorKind::NotFound => return Err(problem),
            _ => {}
        }
        std::os::unix::fs::symlink(&self.far, &fresh)?;
        fs::rename(&fresh, name)
    }

    /// Takes such a name away again.
    pub fn forget(name: &Path) {
        // One that is not there, or that is not ours to take away, is no trouble here: the far end is gone.
        let _ = fs::remove_file(name);
    }
}

impl Link for Pty {
    fn send<'a>(&'a mut self, mut bytes: &'a [u8]) -> Waiting<'a, io::Result<()>> {
        Box::pin(async move {
            while !bytes.is_empty() {
                let mut ready = self.near.writable().await?;
                match rustix::io::write(self.near.get_ref(), bytes) {
                    Ok(count) => bytes = &bytes[count..],
                    Err(Errno::AGAIN) => ready.clear_ready(),
                    Err(Errno::INTR) => {}
                    Err(problem) => return Err(problem.into()),
                }
            }
            Ok(())
        })
    }

    /// `Ok(0)` while nobody has the far end open.
    fn receive<'a>(&'a mut self, into: &'a mut Vec<u8>) -> Waiting<'a, io::Result<usize>> {
        Box::pin(async move {
            let mut chunk = [0; 1024];
            loop {
                let mut ready = self.near.readable().await?;
                match rustix::io::read(self.near.get_ref(), &mut chunk) {
                    Ok(count) => {
                        into.extend_from_slice(&chunk[..count]);
                        return Ok(count);
                    }
                    // Once somebody closed the far end, the runtime holds it for closed for ever and would
                    // never wait again, though somebody else has opened it since: it is watched anew.
                    Err(Errno::AGAIN) if ready.ready().is_read_closed() => {
                        let same = self.near.get_ref().try_clone()?;
                        self.near = watched(same)?;
                    }
                    Err(Errno::AGAIN) => ready.clear_ready(),
                    Err(Errno::INTR) => {}
                    Err(Errno::IO) => return Ok(0),
                    Err(problem) => return Err(problem.into()),
                }
            }
        })
    }

    fn discard(&mut self) -> io::Result<usize> {
        let mut scrap = [0; 1024];
        let mut thrown = 0;
        loop {
            match rustix::io::read(self.near.get_ref(), &mut scrap) {
                Ok(0) | Err(Errno::AGAIN | Errno::IO) => return Ok(thrown),
                Ok(count) => thrown += count,
                Err(Errno::INTR) => {}
                Err(problem) => return Err(problem.into()),
            }
        }
    }
}

#[expect(
    deprecated,
    reason = "its doubt is about types that close their descriptor early; an OwnedFd never does"
)]
fn watched(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::new(fd)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::{
        fs::OpenOptions,
        time::{Duration, Instant},
    };

    /// What this thread has used of the processor.
    fn busy() -> Duration {
        let used = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Duration::new(used.tv_sec as u64, used.tv_nsec as u32)
    }

    #[tokio::test]
    async fn a_far_end_that_was_closed_and_opened_again_is_waited_for_in_peace() {
        let mut pty = Pty::open().unwrap();
        let far = pty.path().to_owned();
        let open = || OpenOptions::new().read(true).write(true).open(&far).unwrap();
        let mut into = Vec::new();
        drop(open());
        assert_eq!(pty.receive(&mut into).await.unwrap(), 0, "nobody is there");
        let _far = open();
        let (before, begun) = (busy(), Instant::now());
        let wait = tokio::time::timeout(Duration::from_millis(400), async {
            pty.receive(&mut into).await.unwrap();
        });
        assert!(wait.await.is_err(), "nothing came");
        let (used, passed) = (busy().checked_sub(before).unwrap(), begun.elapsed());
        assert!(used * 4 < passed, "{used:?} of {passed:?} were spent on waiting");
    }
}
