//! `steelyard run` as a process, watched as a service manager would: readiness, exit code, and what it says to be
//! captured.

use crate::outcome::{Done, Stop, failed};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::{
    ffi::OsString,
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Write},
    os::unix::{net::UnixDatagram, net::UnixStream, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

/// How to start it.
#[derive(Debug, Clone)]
pub struct Launch {
    pub steelyard: PathBuf,
    pub config: PathBuf,
    /// Where everything it makes lies: its key and its ledger.
    pub state: PathBuf,
    pub ledger: PathBuf,
    pub log: PathBuf,
    /// Words before the program: `strace …`, `unshare …`.
    pub before: Vec<OsString>,
    pub environment: Vec<(OsString, OsString)>,
    pub ready_within: Duration,
}

/// A gateway at work; killed when dropped.
pub struct Gateway {
    child: Child,
    /// The gateway's own process, where something stands before it.
    pid: Pid,
    ledger: PathBuf,
    log: PathBuf,
    ear: UnixDatagram,
    ear_at: PathBuf,
    pub began: Instant,
    pub ready_after: Duration,
}

/// How it stands, as it says itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Status {
    pub captured: u64,
    pub receipted: u64,
    pub epoch: u64,
    pub capturing: bool,
    pub connected: bool,
    pub set_aside: u64,
}

static EARS: AtomicU64 = AtomicU64::new(0);

/// How a start went.
pub enum Started {
    Ready(Gateway),
    /// It ended before it was ready, with this exit code (none: by a signal).
    Ended(Option<i32>),
}

impl Launch {
    /// Starts it and waits until it is ready or has ended. Neither in time is a hang.
    pub fn start(&self) -> Done<Started> {
        let ear_at = std::env::temp_dir().join(format!(
            "sy-ear-{}-{}",
            std::process::id(),
            EARS.fetch_add(1, Ordering::Relaxed)
        ));
        let ear = UnixDatagram::bind(&ear_at)?;
        ear.set_nonblocking(true)?;
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut words = self.before.clone();
        words.push(self.steelyard.clone().into_os_string());
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .arg("run")
            .arg(&self.config)
            .env("NOTIFY_SOCKET", &ear_at)
            .env("WATCHDOG_USEC", "30000000")
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let began = Instant::now();
        let mut child = command.spawn()?;
        let Some(pid) = Pid::from_raw(child.id() as i32) else {
            return failed("a process without a number");
        };
        let mut said = [0; 4096];
        loop {
            if let Ok(length) = ear.recv(&mut said) {
                if said[..length].windows(7).any(|word| word == b"READY=1") {
                    break;
                }
            }
            if let Some(status) = child.try_wait()? {
                let _ = std::fs::remove_file(&ear_at);
                return Ok(Started::Ended(status.code()));
            }
            if began.elapsed() > self.ready_within {
                let _ = child.kill();
                let _ = child.wait();
                let _ = std::fs::remove_file(&ear_at);
                return failed(format!(
                    "not ready after {:?}:\n{}",
                    self.ready_within,
                    tail(&self.log)
                ));
            }
            thread::sleep(Duration::from_millis(2));
        }
        let ready_after = began.elapsed();
        Ok(Started::Ready(Gateway {
            pid: if self.before.is_empty() {
                pid
            } else {
                innermost(pid)
            },
            child,
            ledger: self.ledger.clone(),
            log: self.log.clone(),
            ear,
            ear_at,
            began,
            ready_after,
        }))
    }

    /// Starts it and kills it after this time, ready or not.
    pub fn killed_after(&self, after: Duration) -> Done<()> {
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let mut child = Command::new(&self.steelyard)
            .arg("run")
            .arg(&self.config)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        thread::sleep(after);
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Starts it; anything but readiness is a failure.
    pub fn ready(&self) -> Done<Gateway> {
        match self.start()? {
            Started::Ready(gateway) => Ok(gateway),
            Started::Ended(code) => failed(format!(
                "it ended before it was ready (exit code {code:?}):\n{}",
                tail(&self.log)
            )),
        }
    }
}

/// The youngest of the children's children: what `unshare`, `strace` and the like run.
fn innermost(mut pid: Pid) -> Pid {
    loop {
        let path = format!("/proc/{0}/task/{0}/children", pid.as_raw_nonzero());
        let children = std::fs::read_to_string(path).unwrap_or_default();
        let first = children
            .split_whitespace()
            .next()
            .and_then(|word| word.parse().ok());
        match first.and_then(Pid::from_raw) {
            Some(child) => pid = child,
            None => return pid,
        }
    }
}

/// The end of a log.
pub fn tail(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    String::from_utf8_lossy(&text[text.len().saturating_sub(1500)..]).into_owned()
}

impl Gateway {
    /// Asks through the control socket; none where nobody answers in time.
    pub fn ask(&self, request: &Value) -> Option<Value> {
        let mut stream = UnixStream::connect(self.ledger.join("control")).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        stream.write_all(format!("{request}\n").as_bytes()).ok()?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).ok()?;
        serde_json::from_str(&line).ok()
    }

    /// How it says it stands.
    pub fn status(&self) -> Option<Status> {
        let reply = self.ask(&serde_json::json!({ "do": "status" }))?;
        let status: Value = serde_json::from_str(reply.get("text")?.as_str()?).ok()?;
        let number = |name: &str| status.get(name).and_then(Value::as_u64).unwrap_or_default();
        let yes = |name: &str| status.get(name).and_then(Value::as_bool).unwrap_or_default();
        Some(Status {
            captured: number("captured"),
            receipted: number("receipted"),
            epoch: number("epoch"),
            capturing: yes("capturing"),
            connected: yes("broker_connected"),
            set_aside: number("set_aside_pages"),
        })
    }

    /// Waits until the status is as wanted.
    pub fn until(&self, seconds: u64, what: &str, wanted: impl Fn(&Status) -> bool) -> Done<Status> {
        let by = Instant::now() + Duration::from_secs(seconds);
        let mut last = None;
        while Instant::now() < by {
            last = self.status();
            if let Some(status) = last.filter(&wanted) {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(10));
        }
        failed(format!(
            "{what}: not within {seconds} s; it says {last:?}\n{}",
            tail(&self.log)
        ))
    }

    /// Its process.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Sends a signal to it.
    pub fn signal(&self, signal: Signal) {
        // holds because one that has ended needs none
        let _ = kill_process(self.pid, signal);
    }

    /// As a power cut would, for the process: no word to anybody.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.signal(Signal::KILL);
        // What stands before it may take a moment to see that it is gone; until then it holds the ledger.
        let path = format!("/proc/{}/stat", self.pid.as_raw_nonzero());
        let gone = |stat: String| stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z'));
        let by = Instant::now() + Duration::from_secs(5);
        while std::fs::read_to_string(&path).is_ok_and(|stat| !gone(stat)) && Instant::now() < by {
            thread::sleep(Duration::from_millis(1));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Stops it in order.
    pub fn stop(mut self, within: Duration) -> Done<()> {
        self.signal(Signal::TERM);
        match self.ended_within(within)? {
            Some(0) => Ok(()),
            code => failed(format!("it stopped with exit code {code:?}\n{}", tail(&self.log))),
        }
    }

    /// Waits for it to end by itself: its exit code, none for a signal. Still running after that time is a hang.
    pub fn ended_within(&mut self, within: Duration) -> Done<Option<i32>> {
        let by = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.code().or_else(|| status.signal().map(|signal| -signal)));
            }
            if Instant::now() > by {
                return Err(Stop::Failed(format!(
                    "it still runs after {within:?}\n{}",
                    tail(&self.log)
                )));
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Whether it runs still.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// What it said to the service manager since it was asked last.
    pub fn said(&self) -> Vec<String> {
        let (mut words, mut said) = (Vec::new(), [0; 4096]);
        while let Ok(length) = self.ear.recv(&mut said) {
            words.push(String::from_utf8_lossy(&said[..length]).into_owned());
        }
        words
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Memory it holds, in KiB.
    pub fn resident(&self) -> u64 {
        let path = format!("/proc/{}/status", self.pid.as_raw_nonzero());
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok())
            .unwrap_or_default()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.end();
        let _ = std::fs::remove_file(&self.ear_at);
    }
}

/// Makes an empty log.
pub fn fresh(log: &Path) -> Done<()> {
    File::create(log)?;
    Ok(())
}
