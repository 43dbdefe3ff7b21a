//! From an open ledger to a working gateway: one task for each physical line, one for delivery, one for the index, the
//! sealer's thread, and the core that hears them all. Every channel has a length and a reason for it.

use super::{
    acts::Control,
    delivery::{self, Delivery, DeliveryView},
    gateway::{Core, Ears, State, Told, stations::Stations},
    indexing,
    link_set::LinkSet,
    opening::{Open, Outside},
    packing,
    proving::Proving,
    sealing::Sealer,
};
use crate::{
    config::plant::{Plant, RecordStore},
    flow::{
        accept::Accepted,
        access::{self, Access},
        board::Board,
        clock::BoundClock,
        ledger::{self, Place},
        line::{Figures, Line, LineEvent, books::Books},
        link::Standings,
        needs::{Broker, Clock, Disk, Links, Login, server::Servers},
        outbox::{Event, Outbox},
        people::{Panels, People},
        proof::Progress,
        seal::PageMaker,
        station::{Desk, Event as StationEvent},
    },
    ports::index::{Index, Kept},
};
use record::{Line as Entry, Trouble};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
};

/// A gateway at work.
pub struct Running {
    pub board: watch::Receiver<Arc<Board>>,
    /// What the dispensing stations show.
    pub stations: crate::flow::station::view::Watch,
    pub control: mpsc::Sender<Control>,
    /// Who may do what, for the screens.
    pub access: access::Watch,
    /// How delivery stands; the last word stays after a stop.
    pub delivery_view: watch::Receiver<DeliveryView>,
    stop: watch::Sender<bool>,
    core: JoinHandle<Result<(), Trouble>>,
    delivery: JoinHandle<Result<(), Trouble>>,
    to_delivery: mpsc::UnboundedSender<delivery::ToDelivery>,
    index: JoinHandle<()>,
    to_index: mpsc::UnboundedSender<indexing::ToIndex>,
}

/// What connects the gateway with the world.
pub struct World {
    pub outside: Outside,
    pub links: Arc<dyn Links>,
    pub servers: Arc<dyn Servers>,
    pub broker: Arc<dyn Broker>,
    /// Somebody who wants to hear what happens: the demo's terminal.
    pub told: Option<mpsc::UnboundedSender<Told>>,
}

/// Readings wait here while the core is busy: a few seconds of a busy line.
const READINGS: usize = 4096;
/// Lines wait here while a page is being made durable. Room is taken whole at the start, so it is part of what the
/// gateway weighs when idle: 65,536 places were 9 MiB.
const LINES: usize = 8_192;
/// Pending pages that delivery begins with.
const AT_FIRST: u32 = 2_000;

/// Starts everything.
pub async fn start(mut open: Open, world: World) -> Result<Running, Trouble> {
    let bound = Arc::new(BoundClock::new(world.outside.clock.clone()));
    let clock: Arc<dyn Clock> = bound.clone();
    let plant = open.plant.clone();
    delivery::receipts_into_index(&open.index, open.disk.as_ref(), &open.keys).await?;

    let (to_sealer, from_core) = std::sync::mpsc::sync_channel(LINES);
    let (sealer_out, from_sealer) = mpsc::unbounded_channel();
    let maker = PageMaker::new(
        open.identity.clone(),
        open.signer.clone(),
        open.head,
        plant.gateway.seal_within,
        plant.gateway.page_bytes,
    );
    let sealer = Sealer {
        maker,
        writer: open.writer,
        high_water: open.high_water,
        clock: clock.clone(),
        input: from_core,
        output: sealer_out,
    };
    sealer.start().map_err(|error| {
        Trouble::new("no-thread", format!("the sealer's thread cannot start: {error}"))
            .means("nothing is captured")
            .so("look at the limits of the service (TasksMax, memory)")
    })?;

    let (to_index, index_in) = mpsc::unbounded_channel();
    let index = tokio::spawn(indexing::follow(
        open.index.clone(),
        Some(open.disk.clone()),
        index_in,
    ));

    let topic = format!("{}/{}", plant.record_store.topics, plant.gateway.name);
    let (to_delivery, delivery_in) = mpsc::unbounded_channel();
    let (delivery_out, from_delivery) = mpsc::unbounded_channel();
    let counts = open.index.counts().await?;
    let (view_out, view) = watch::channel(DeliveryView {
        counts,
        ..DeliveryView::default()
    });
    let mut outbox = Outbox::new(
        plant.record_store.window,
        plant.record_store.release_on_broker,
        counts,
    );
    // The rest is read while the gateway is at work already.
    let pending = open.index.pending(0, AT_FIRST).await?;
    if pending.len() == AT_FIRST as usize {
        outbox.has_more();
    }
    for place in pending {
        outbox.next(Event::Captured(place), clock.elapsed());
    }
    let delivery = Delivery {
        broker: world.broker,
        login: login(&plant.record_store, &plant.gateway.name, &topic),
        clock: clock.clone(),
        random: world.outside.random.clone(),
        disk: open.disk.clone(),
        marks: to_index.clone(),
        index: open.index.clone(),
        keys: open.keys.clone(),
        topic: topic.clone(),
        gateway: plant.gateway.name.clone(),
        ledger: open.identity.ledger.clone(),
        outbox,
        input: delivery_in,
        output: delivery_out,
        view: view_out,
    };
    let delivery = tokio::spawn(delivery.run());

    let mut line = recalled(&plant, &open.kept, &open.index, open.disk.as_ref()).await?;
    let mut people = People::default();
    let mut panels = Panels::default();
    let mut accepted = Accepted::default();
    for kept in &open.kept {
        if let Ok(entry) = Entry::read(&kept.line) {
            people.recall(&entry);
            panels.recall(&entry);
            accepted.recall(&entry);
        }
    }
    line.rests_on_drafts(accepted.drafts(&plant));

    let folder = open.disk.path().join(crate::flow::master::shelf::FOLDER);
    let recalled = super::master::recall(&open.kept, &folder);
    let (master, master_view) = watch::channel(Arc::new(recalled.store));
    let (to_master, master_in) = mpsc::unbounded_channel();
    let (master_out, master_ready) = mpsc::channel(1);
    tokio::spawn(super::master::keep(
        master_in,
        master_out,
        master_view,
        folder,
        clock.clone(),
    ));

    let (readings_out, readings) = mpsc::channel(READINGS);
    let mut standings = Standings::default();
    for kept in &open.kept {
        if let Ok(entry) = Entry::read(&kept.line) {
            standings.recall(&entry);
        }
    }
    let mut links = LinkSet::new(
        clock.clone(),
        world.links,
        world.servers,
        readings_out,
        open.index.clone(),
    );
    links.change(&plant, &standings);

    let mut desk = Desk::new(&plant);
    for kept in &open.kept {
        if let Ok(entry) = Entry::read(&kept.line) {
            desk.recall(&entry);
        }
    }
    let (views_out, stations) = watch::channel(Arc::default());
    let (printed_out, printed) = mpsc::unbounded_channel();

    let (stop, stopped) = watch::channel(false);
    let (control, asked) = mpsc::channel(16);
    let (access_out, access) = watch::channel(Arc::new(Access::default()));
    let (board_out, board) = watch::channel(Arc::new(Board::default()));
    let state = State {
        captured: open.head.seq,
        never_given: open.index.never_given(open.head.seq).await?,
        last_page: open.head.page,
        epoch: open.head.epoch,
        master_held: recalled.held,
        standings,
        accepted,
        books: super::gateway::books_from(open.index.tallies().await?),
        ..State::default()
    };
    let (progress, proof) = watch::channel(Progress::default());
    let (found, damaged) = mpsc::channel(16);
    let proving = Proving {
        disk: open.disk.clone(),
        keys: open.keys.clone(),
        clock: clock.clone(),
        progress,
        found,
        stop: stopped.clone(),
    };
    let own = std::mem::take(&mut open.own);
    let troubles = std::mem::take(&mut open.troubles);
    let was_off = open.was_off;
    let mut core = Core {
        clock: clock.clone(),
        bound,
        disk: open.disk,
        plant,
        line,
        recorder: open.recorder,
        people,
        panels,
        access: access_out,
        master,
        to_master,
        sealer: to_sealer,
        index: to_index.clone(),
        delivery: to_delivery.clone(),
        view: view.clone(),
        board: board_out,
        told: world.told,
        topic,
        links,
        stations: Stations {
            desk,
            zone: crate::flow::local::zone(&open.plant.gateway.zone),
            views: views_out,
            printed: printed_out,
        },
        proof,
        state,
    };
    let ledger = core.disk.clone();
    core.recorder.look_back(Box::new(move |since, each| {
        // Reading a night back takes a second or two; the runtime's other tasks go on meanwhile.
        let read = tokio::task::block_in_place(|| ledger::since(ledger.as_ref(), since, each));
        if let Err(error) = read {
            tracing::error!(%error, "entries could not be read back; they keep the binding they have");
        }
    }));
    core.hand_on()?;
    for (entered, kind, time) in own {
        if matches!(
            kind,
            "start" | "stop" | "clock" | "configuration" | "key" | "epoch"
        ) {
            core.event(LineEvent::GatewayEntry {
                seq: entered.seq,
                leaf: entered.leaf,
                kind: kind.into(),
                time,
            })?;
        }
    }
    core.clock_starts(was_off.map(|(from, _)| from))?;
    core.declare_all()?;
    core.at_stations(StationEvent::Started)?.ok();
    core.show_stations(None);
    if let Some((from, why)) = was_off {
        let because = if why == "power-loss" {
            "power-loss"
        } else {
            "stopped"
        };
        // a clock that was set back meanwhile makes the time between nothing, and never less
        let until = clock.now();
        core.event(LineEvent::WasOff {
            from: from.min(until),
            until,
            because,
        })?;
    }
    core.master_damaged(recalled.drafts, recalled.troubles)?;
    for trouble in troubles {
        core.alarm(trouble);
    }
    core.show(clock.now());
    let ears = Ears {
        links: readings,
        sealer: from_sealer,
        delivery: from_delivery,
        control: asked,
        master: master_ready,
        printed,
        damaged,
        stop: stopped,
    };
    tokio::spawn(proving.run());
    tokio::spawn(packing::pack(
        core.links.index.clone(),
        core.disk.clone(),
        clock.clone(),
        ears.stop.clone(),
    ));
    let core = tokio::spawn(core.run(ears));
    Ok(Running {
        board,
        stations,
        control,
        access,
        delivery_view: view,
        stop,
        core,
        delivery,
        to_delivery,
        index,
        to_index,
    })
}

impl Running {
    /// Whether the core has ended by itself, which it never does in order.
    pub fn has_ended(&self) -> bool {
        self.core.is_finished()
    }

    /// Waits for the core to end by itself: only when something must not go on.
    pub async fn ended(&mut self) -> Trouble {
        match (&mut self.core).await {
            Ok(Err(trouble)) => trouble,
            Ok(Ok(())) => Trouble::new("ended", "the gateway ended"),
            Err(error) => Trouble::new("fault", format!("a fault of the gateway ended it: {error}"))
                .means("what was captured is untouched")
                .so("it is started again by the service manager; keep the log and report it"),
        }
    }

    /// Stops in order; waits up to `within` for receipts.
    pub async fn stop(self, within: Duration) -> Result<(), Trouble> {
        // holds because a core that ended needs no telling
        let _ = self.stop.send(true);
        let core = match self.core.await {
            Ok(result) => result,
            Err(error) => Err(Trouble::new(
                "fault",
                format!("a fault of the gateway ended it: {error}"),
            )),
        };
        // holds because delivery that ended has said why
        let _ = self.to_delivery.send(delivery::ToDelivery::Finish(within));
        drop(self.to_delivery);
        let delivery = self.delivery.await.unwrap_or(Ok(()));
        drop(self.to_index);
        // holds because an index that ended is made again at the next start
        let _ = self.index.await;
        core.and(delivery)
    }
}

fn login(store: &RecordStore, gateway: &str, topic: &str) -> Login {
    let gone = serde_json::json!({ "alive": false, "gateway": gateway });
    Login {
        url: store.broker.clone(),
        client: format!("steelyard-{gateway}"),
        user: store.user.clone(),
        password_file: store.password_file.clone(),
        trust: store.trust.clone(),
        certificate: store.certificate.clone(),
        private_key: store.private_key.clone(),
        version_3: store.mqtt_version_3,
        will: Some((format!("{topic}/status"), gone.to_string().into_bytes())),
        subscribe: vec![
            format!("{topic}/receipts"),
            format!("{topic}/context/+"),
            format!("{topic}/master/+"),
        ],
        // The longest message of master data; a page is shorter.
        largest: 9 << 20,
    }
}

/// Readings that a start takes into memory, for context that comes late; older ones are read back when it comes.
const REMEMBERED: u64 = 20_000;

/// A line with what it knew: what was told, what still stands in open batches, the figures of every run, and the last
/// readings. What is read does not grow with the ledger. Where figures are missing – the index was made again – every
/// page from the first of the oldest open batch is read instead.
pub(super) async fn recalled(
    plant: &Plant,
    kept: &[Kept],
    index: &Index,
    disk: &dyn Disk,
) -> Result<Line, Trouble> {
    if let Some(figures) = figures(index).await? {
        let mut line = Line::new(plant);
        if recall_near(&mut line, kept, &figures, index, disk).await? {
            return Ok(line);
        }
    }
    let mut line = Line::new(plant);
    recall_all(&mut line, kept, index, disk).await?;
    Ok(line)
}

/// What was told about every unit, closed batches too: the last context message will be told again.
fn recall_told(line: &mut Line, kept: &[Kept]) {
    const TOLD: &[&str] = &["file", "signature", "batch", "step", "allocation", "calibration"];
    for kept in kept.iter().filter(|kept| TOLD.contains(&kept.kind.as_str())) {
        if let Ok(entry) = Entry::read(&kept.line) {
            line.recall(&entry);
        }
    }
}

async fn figures(index: &Index) -> Result<Option<Figures>, Trouble> {
    let text = index.note(indexing::FIGURES).await?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// With the figures as they stood; false when what followed them cannot be counted without reading more.
async fn recall_near(
    line: &mut Line,
    kept: &[Kept],
    figures: &Figures,
    index: &Index,
    disk: &dyn Disk,
) -> Result<bool, Trouble> {
    let Some(last) = index.last().await? else {
        return Ok(false);
    };
    let end = last.first + last.count;
    let from = end.saturating_sub(REMEMBERED).min(figures.seq + 1);
    let open = first_open(&index.standing_before(from).await?);
    let Some(first) = index.page_of(from.min(open.unwrap_or(from))).await? else {
        return Ok(false);
    };
    recall_told(line, kept);
    for kept in index.standing_before(first.first).await? {
        if let Ok(entry) = Entry::read(&kept.line) {
            line.recall_standing(&entry);
        }
    }
    line.forgot_before(first.sealed);
    let mut waiting = true;
    let mut whole = true;
    pages_from(disk, &first, |entry| {
        if waiting && entry.seq() > figures.seq {
            line.put_figures(figures);
            waiting = false;
        }
        whole &= waiting || !figures.are_changed_by(entry);
        line.recall(entry);
    })?;
    if waiting {
        line.put_figures(figures);
    }
    Ok(whole)
}

/// The first excursion that is still open: how far it came is in the readings since.
fn first_open(standing: &[Kept]) -> Option<u64> {
    let mut open = BTreeSet::new();
    for kept in standing.iter().filter(|kept| kept.kind == "excursion") {
        let Ok(entry) = Entry::read(&kept.line) else {
            continue;
        };
        match (entry.raw("state"), entry.int("opened")) {
            (Some("open"), _) => _ = open.insert(entry.seq()),
            (_, Some(opened)) => _ = open.remove(&(opened.max(0) as u64)),
            _ => {}
        }
    }
    open.into_iter().next()
}

/// Every entry from the first page of the oldest batch that may still be open.
async fn recall_all(line: &mut Line, kept: &[Kept], index: &Index, disk: &dyn Disk) -> Result<(), Trouble> {
    recall_told(line, kept);
    let Some(from) = index.first_page_of_open_batches().await? else {
        if let Some(last) = index.last().await? {
            line.forgot_before(last.sealed);
        }
        return Ok(());
    };
    line.forgot_before(from.sealed);
    let mut books = Books::default();
    pages_from(disk, &from, |entry| {
        if !books.are_full() {
            books.take(line, entry);
        }
        line.recall(entry);
    })?;
    line.count_by(&books);
    Ok(())
}

/// Every entry of a page and those behind it.
fn pages_from(disk: &dyn Disk, from: &Place, mut each: impl FnMut(&Entry<'_>)) -> Result<(), Trouble> {
    let unreadable = |error: std::io::Error| ledger::unreadable(disk, &error);
    for (number, compressed) in ledger::segments(disk).map_err(unreadable)? {
        if number < from.segment {
            continue;
        }
        let name = ledger::file_name(number, compressed);
        let offset = if number == from.segment { from.offset } else { 0 };
        ledger::read_segment_from(disk, &name, offset, |_, piece| {
            let Ok(page) = piece else { return };
            if page.seal().seal().page >= from.page {
                page.entries().for_each(|entry| each(&entry));
            }
        })
        .map_err(unreadable)?;
    }
    Ok(())
}
