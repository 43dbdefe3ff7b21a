//! The instrument's end of a line: hears, answers in time, and has a plug that can be pulled.

use super::stage::Stage;
use crate::{
    flow::needs::{Clock, Link},
    ports::{
        pty::Pty,
        tcp::{Listener, Tcp},
    },
};
use std::{
    io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
};

pub(super) type Shared = Arc<Mutex<Stage>>;

pub(super) fn on_pty(
    name: Option<PathBuf>,
    stage: Shared,
    clock: Arc<dyn Clock>,
    plugged: watch::Receiver<bool>,
) -> io::Result<(Arc<Mutex<PathBuf>>, JoinHandle<()>)> {
    let first = plug_in(name.as_ref())?;
    let path = Arc::new(Mutex::new(
        name.clone().unwrap_or_else(|| first.path().to_owned()),
    ));
    let shown = Arc::clone(&path);
    let task = tokio::spawn(async move {
        let mut open = Some(first);
        let mut plug = plugged.clone();
        loop {
            let Ok(pty) = open.take().map_or_else(|| plug_in(name.as_ref()), Ok) else {
                return;
            };
            let here = name.clone().unwrap_or_else(|| pty.path().to_owned());
            *shown.lock().unwrap_or_else(PoisonError::into_inner) = here;
            play(Box::new(pty), true, &stage, &*clock, &plugged).await;
            if let Some(name) = &name {
                Pty::forget(name);
            }
            if plug.wait_for(|in_| *in_).await.is_err() {
                return;
            }
        }
    });
    Ok((path, task))
}

fn plug_in(name: Option<&PathBuf>) -> io::Result<Pty> {
    let pty = Pty::open()?;
    if let Some(name) = name {
        pty.name(name)?;
    }
    Ok(pty)
}

pub(super) async fn on_tcp(
    address: &str,
    stage: Shared,
    clock: Arc<dyn Clock>,
    plugged: watch::Receiver<bool>,
) -> io::Result<(String, JoinHandle<()>)> {
    let first = Listener::open(address).await?;
    let address = first.address()?.to_string();
    let again = address.clone();
    let task = tokio::spawn(async move {
        let mut open = Some(first);
        let mut plug = plugged.clone();
        loop {
            let listener = match open.take() {
                Some(listener) => listener,
                None => match Listener::open(&again).await {
                    Ok(listener) => listener,
                    Err(_) => return,
                },
            };
            let mut talks = JoinSet::new();
            loop {
                tokio::select! {
                    Ok(connection) = listener.accept() => {
                        let (stage, clock, plugged) = (Arc::clone(&stage), Arc::clone(&clock), plugged.clone());
                        talks.spawn(async move { connected(connection, &stage, &*clock, &plugged).await });
                    }
                    () = pulled(&mut plug) => break,
                }
            }
            drop(listener);
            talks.shutdown().await;
            if plug.wait_for(|in_| *in_).await.is_err() {
                return;
            }
        }
    });
    Ok((address, task))
}

async fn connected(connection: Tcp, stage: &Shared, clock: &dyn Clock, plugged: &watch::Receiver<bool>) {
    play(Box::new(connection), false, stage, clock, plugged).await;
}

/// Answers until the line is gone or the plug is pulled. `patient` for a line that may have nobody at
/// its other end for a while.
async fn play(
    mut line: Box<dyn Link>,
    patient: bool,
    stage: &Shared,
    clock: &dyn Clock,
    plugged: &watch::Receiver<bool>,
) {
    let mut plug = plugged.clone();
    let mut heard = Vec::new();
    let mut due: Vec<(Duration, Vec<u8>)> = Vec::new();
    let mut speaks_at = clock.elapsed() + super::stage(stage).speaks_every();
    loop {
        let now = clock.elapsed();
        if now >= speaks_at {
            let said = super::stage(stage).speak(now);
            due.extend(said.into_iter().map(|(after, bytes)| (now + after, bytes)));
            speaks_at = now + super::stage(stage).speaks_every();
        }
        due.sort_by_key(|(at, _)| *at);
        while due.first().is_some_and(|(at, _)| *at <= now) {
            let (_, bytes) = due.remove(0);
            let sent = tokio::select! {
                sent = line.send(&bytes) => sent,
                () = pulled(&mut plug) => return,
            };
            if sent.is_err() && !patient {
                return;
            }
        }
        let next = due.first().map_or(speaks_at, |(at, _)| speaks_at.min(*at));
        tokio::select! {
            () = pulled(&mut plug) => return,
            count = line.receive(&mut heard) => match count {
                Ok(0) if patient => clock.sleep(NOBODY_THERE).await,
                Ok(0) | Err(_) => return,
                Ok(_) => {
                    let now = clock.elapsed();
                    let replies = super::stage(stage).hear(now, &mut heard);
                    due.extend(replies.into_iter().map(|(after, bytes)| (now + after, bytes)));
                }
            },
            () = clock.sleep(next.saturating_sub(now)) => {}
        }
    }
}

/// Waits until the plug is out; the end of its handle is the end of the plug.
async fn pulled(plug: &mut watch::Receiver<bool>) {
    let _ = plug.wait_for(|in_| !*in_).await;
}

/// How often a line without anybody at its other end is looked at again.
const NOBODY_THERE: Duration = Duration::from_millis(20);
