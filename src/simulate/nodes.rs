//! Being an OPC UA server, from a driver: its nodes hold what is asked for, move by themselves, and have troubles on
//! request. What a server says of a value stands in its status; what it does to a client stands in [`NodeFault`].

use super::{Moving, stage};
use crate::{
    flow::needs::Clock,
    ports::opcua_play::{self, PlayedServer, ServerOptions},
};
use driver::{
    Driver,
    nodes::{ItemId, NodePlayer, NodeValue},
};
use record::Unit;
use std::{
    collections::VecDeque,
    io,
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::task::JoinHandle;

/// One trouble of a server, until it is cleared.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeFault {
    /// It takes connections and says nothing.
    Silent,
    /// It is not there.
    Unplugged,
    /// What is new stands in its nodes so much later.
    Late(Duration),
    /// The source's clock is so many milliseconds ahead, or behind.
    Clock(i64),
    /// The first measure that has a unit is suddenly in another.
    WrongUnit,
    /// The node of this measure is gone.
    Gone(String),
    /// It starts again: every session and every subscription is lost.
    Restart,
    /// It starts again, with so many namespaces of strangers before ours: the same nodes have other indexes.
    Strangers(usize),
}

/// The words there are, for help and for mistakes.
pub const NODE_FAULTS: &str =
    "silent, unplugged, \"late:800 ms\", \"clock:30 s\", wrong-unit, gone:MEASURE, restart, strangers:3";

impl FromStr for NodeFault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let no = || format!("{text:?} is no fault of a server; there are {NODE_FAULTS}");
        let (word, with) = text
            .split_once(':')
            .map_or((text, ""), |(word, with)| (word, with.trim()));
        let ms = || {
            let (number, unit) = with.split_once(' ')?;
            let scale = match unit {
                "ms" => 1,
                "s" => 1000,
                "min" => 60_000,
                _ => return None,
            };
            number.parse::<i64>().ok()?.checked_mul(scale)
        };
        Ok(match (word, with) {
            ("silent", "") => Self::Silent,
            ("unplugged", "") => Self::Unplugged,
            ("wrong-unit", "") => Self::WrongUnit,
            ("restart", "") => Self::Restart,
            ("late", _) => Self::Late(Duration::from_millis(
                u64::try_from(ms().ok_or_else(no)?).map_err(|_| no())?,
            )),
            ("clock", _) => Self::Clock(ms().ok_or_else(no)?),
            ("gone", measure) if !measure.is_empty() => Self::Gone(measure.to_owned()),
            ("strangers", number) => Self::Strangers(
                number
                    .parse()
                    .ok()
                    .filter(|number| *number < 1000)
                    .ok_or_else(no)?,
            ),
            _ => return Err(no()),
        })
    }
}

/// A server that is being played. Dropping the last handle ends it.
#[derive(Debug, Clone)]
pub struct PlayedNodes(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    driver: Driver,
    stage: Mutex<Stage>,
    clock: Arc<dyn Clock>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl std::fmt::Debug for dyn Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a clock")
    }
}

#[derive(Debug)]
struct Stage {
    player: NodePlayer,
    server: Option<PlayedServer>,
    /// Holds the place of a server that says nothing.
    mute: Option<JoinHandle<()>>,
    options: ServerOptions,
    moving: Vec<(Moving, Duration)>,
    /// What was put last, so that only changes are told.
    told: Vec<Option<NodeValue>>,
    /// What is to be put later.
    waiting: VecDeque<(Duration, Vec<(ItemId, NodeValue)>)>,
    late: Duration,
    ahead_ms: i64,
    gone: Vec<String>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        let task = self.task.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = task.take() {
            task.abort();
        }
    }
}

impl PlayedNodes {
    /// Begins to play; the port of `options` is taken, 0 for any free one.
    pub async fn start(
        driver: &Driver,
        mut options: ServerOptions,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        let player = NodePlayer::new(driver).ok_or_else(|| io::Error::other("this driver has no nodes"))?;
        let listener = opcua_play::listen(&options.host, options.port).await?;
        options.port = listener.local_addr()?.port();
        let server = opcua_play::start(&driver.name, player.nodes(), listener, &options)?;
        let stage = Stage {
            told: vec![None; player.nodes().items.len()],
            player,
            server: Some(server),
            mute: None,
            options,
            moving: Vec::new(),
            waiting: VecDeque::new(),
            late: Duration::ZERO,
            ahead_ms: 0,
            gone: Vec::new(),
        };
        let inner = Arc::new(Inner {
            driver: driver.clone(),
            stage: Mutex::new(stage),
            clock,
            task: Mutex::new(None),
        });
        let played = Self(Arc::clone(&inner));
        played.tick();
        let weak = Arc::downgrade(&inner);
        let task = tokio::spawn(async move {
            while let Some(inner) = weak.upgrade() {
                Self(Arc::clone(&inner)).tick();
                let pause = inner.clock.sleep(Duration::from_millis(50));
                drop(inner);
                pause.await;
            }
        });
        *inner.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
        Ok(played)
    }

    /// As a configuration names it.
    pub fn address(&self) -> String {
        let options = &self.stage().options;
        format!("opc.tcp://{}:{}", options.host, options.port)
    }

    /// From now on it says this, in the words of samples.
    pub fn set(&self, measure: &str, words: &str) -> Result<(), String> {
        let mut stage = self.stage();
        stage.moving.retain(|(moving, _)| moving.measure != measure);
        stage.player.set(measure, &stage::answer(words))
    }

    /// From now on this value moves by itself.
    pub fn moves(&self, moving: Moving) {
        let now = self.0.clock.elapsed();
        let mut stage = self.stage();
        stage.moving.retain(|(other, _)| other.measure != moving.measure);
        stage.moving.push((moving, now));
    }

    /// Every value has this reason: `no communication`, a code by name or number, `good` again.
    pub fn state(&self, because: &str) -> Result<(), String> {
        self.stage().player.set_state(because)
    }

    /// Something is wrong from now on.
    pub async fn fault(&self, fault: NodeFault) -> Result<(), String> {
        match fault {
            NodeFault::Late(by) => self.stage().late = by,
            NodeFault::Clock(ms) => self.stage().ahead_ms = ms,
            NodeFault::WrongUnit => self.another_unit()?,
            NodeFault::Gone(measure) => self.gone(&measure)?,
            NodeFault::Unplugged => self.end(),
            NodeFault::Silent => {
                self.end();
                self.stand_mute().await.map_err(|why| why.to_string())?;
            }
            NodeFault::Restart => {
                self.end();
                self.begin().await.map_err(|why| why.to_string())?;
            }
            NodeFault::Strangers(strangers) => {
                self.stage().options.strangers = strangers;
                self.end();
                self.begin().await.map_err(|why| why.to_string())?;
            }
        }
        Ok(())
    }

    /// All is well again.
    pub async fn clear(&self) -> Result<(), String> {
        let again = {
            let mut stage = self.stage();
            stage.late = Duration::ZERO;
            stage.ahead_ms = 0;
            let gone = !std::mem::take(&mut stage.gone).is_empty();
            stage.player = NodePlayer::new(&self.0.driver).ok_or("this driver has no nodes")?;
            gone || stage.server.is_none()
        };
        if again {
            self.end();
            self.begin().await.map_err(|why| why.to_string())?;
        }
        Ok(())
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.0.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn another_unit(&self) -> Result<(), String> {
        let mut stage = self.stage();
        for point in self.0.driver.points() {
            let Some(unit) = point.units.first() else { continue };
            let other = Unit::all().find(|other| other.dimension() == unit.dimension() && other != unit);
            if other.is_some_and(|other| stage.player.set_unit(&point.measure, other).is_ok()) {
                return Ok(());
            }
        }
        Err("no unit of this driver stands at the server".to_owned())
    }

    fn gone(&self, measure: &str) -> Result<(), String> {
        let mut stage = self.stage();
        let items = stage.player.nodes_of(measure);
        if items.is_empty() {
            return Err(format!("there is no measure {measure:?}"));
        }
        stage.gone.push(measure.to_owned());
        if let Some(server) = &mut stage.server {
            items.into_iter().for_each(|item| server.remove(item));
        }
        Ok(())
    }

    /// The server ends; whoever was connected is cut off.
    fn end(&self) {
        let mut stage = self.stage();
        stage.server = None;
        if let Some(mute) = stage.mute.take() {
            mute.abort();
        }
        stage.told.fill(None);
    }

    async fn listener(&self) -> io::Result<opcua_play::Listening> {
        let place = {
            let options = &self.stage().options;
            (options.host.clone(), options.port)
        };
        // the server before it may need a moment to let go of its port
        for _ in 0..50 {
            match opcua_play::listen(&place.0, place.1).await {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    self.0.clock.sleep(Duration::from_millis(100)).await;
                }
                other => return other,
            }
        }
        opcua_play::listen(&place.0, place.1).await
    }

    async fn begin(&self) -> io::Result<()> {
        let listener = self.listener().await?;
        let (nodes, options) = {
            let stage = self.stage();
            (stage.player.nodes().clone(), stage.options.clone())
        };
        let server = opcua_play::start(&self.0.driver.name, &nodes, listener, &options)?;
        {
            let mut stage = self.stage();
            stage.server = Some(server);
            stage.told.fill(None);
            let gone: Vec<ItemId> = stage
                .gone
                .iter()
                .flat_map(|measure| stage.player.nodes_of(measure))
                .collect();
            if let Some(server) = &mut stage.server {
                gone.into_iter().for_each(|item| server.remove(item));
            }
        }
        self.tick();
        Ok(())
    }

    /// Takes connections, keeps them, says nothing.
    async fn stand_mute(&self) -> io::Result<()> {
        let listener = self.listener().await?;
        let mute = tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((connection, _)) = listener.accept().await {
                if held.len() < 64 {
                    held.push(connection);
                }
            }
        });
        self.stage().mute = Some(mute);
        Ok(())
    }

    /// What has changed is put into its nodes.
    fn tick(&self) {
        let (now, wall) = (self.0.clock.elapsed(), self.0.clock.now());
        let mut stage = self.stage();
        let stage = &mut *stage;
        for (moving, since) in &stage.moving {
            if let Some(answer) = moving.answer(now.saturating_sub(*since), 1) {
                // a value its driver never shows stays as it was
                let _ = stage.player.set(&moving.measure, &answer);
            }
        }
        if stage.server.is_none() {
            return;
        }
        let source = wall.plus_ms(stage.ahead_ms);
        let mut changed = Vec::new();
        let items: Vec<ItemId> = stage.player.nodes().items.iter().map(|item| item.id).collect();
        for item in items {
            let Some(value) = stage.player.sent(item) else {
                continue;
            };
            let told = &mut stage.told[item.0 as usize];
            if told.as_ref() != Some(&value) {
                *told = Some(value.clone());
                changed.push((
                    item,
                    NodeValue {
                        source_time: Some(source),
                        ..value
                    },
                ));
            }
        }
        if !changed.is_empty() {
            stage.waiting.push_back((now + stage.late, changed));
        }
        while stage.waiting.front().is_some_and(|(due, _)| *due <= now) {
            let Some((_, values)) = stage.waiting.pop_front() else {
                break;
            };
            if let Some(server) = &stage.server
                && let Err(why) = server.put(&values, wall)
            {
                tracing::warn!(%why, "a value could not be put into its node");
            }
        }
    }
}
