//! A process of this very program, to be killed without warning: what a drill does to itself.

use std::{
    env,
    io::{self, BufRead, BufReader},
    path::Path,
    process::{self, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

/// A running child, killed when it is dropped.
pub struct Child {
    process: process::Child,
    lines: Receiver<String>,
}

impl Child {
    /// Starts this program again with these words.
    pub fn of_this_program(words: &[&str], place: &Path) -> io::Result<Self> {
        let mut process = Command::new(env::current_exe()?)
            .args(words)
            .arg(place)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let (to, lines) = channel();
        if let Some(output) = process.stdout.take() {
            thread::Builder::new().name("child".into()).spawn(move || {
                for line in BufReader::new(output).lines() {
                    let Ok(line) = line else { return };
                    if to.send(line).is_err() {
                        return;
                    }
                }
            })?;
        }
        Ok(Self { process, lines })
    }

    /// The next line it prints; none when it printed nothing for so long, or ended.
    pub fn line(&self, within: Duration) -> Option<String> {
        self.lines.recv_timeout(within).ok()
    }

    /// Kills it as a power cut would: it is told nothing. Returns what it had printed and nobody had read.
    pub fn kill(mut self) -> io::Result<Vec<String>> {
        self.process.kill()?;
        self.process.wait()?;
        let mut rest = Vec::new();
        // The reader ends with the pipe, so this ends too.
        while let Ok(line) = self.lines.recv() {
            rest.push(line);
        }
        Ok(rest)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // holds because one that has ended already needs no killing
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
