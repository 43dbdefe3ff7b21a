//! What this machine is called, which boot this is, and what the service manager is told.

use record::{Hash, Trouble};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{
    fs,
    sync::{
        OnceLock,
        mpsc::{SyncSender, sync_channel},
    },
    thread,
};

/// The machine's name.
pub fn host() -> String {
    let name = rustix::system::uname();
    name.nodename().to_string_lossy().into_owned()
}

/// An id of this boot of the machine: eight letters, the same until the next boot.
pub fn boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    Hash::of(id.as_bytes()).to_string().chars().take(8).collect()
}

/// Fewer open files than these are not enough for a ledger, an index, a broker and a line: what lacks one in the middle
/// of the work cannot say so in words any more.
const FILES: u64 = 64;

/// Takes as many open files as this process may have, and refuses where they are too few.
pub fn room_for_files() -> Result<(), Trouble> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    // holds because where more is not granted, what there is counts
    let _ = setrlimit(Resource::Nofile, raised);
    match getrlimit(Resource::Nofile).current {
        Some(files) if files < FILES => Err(Trouble::new(
            "too-few-files",
            format!("this process may have only {files} files open"),
        )
        .means("nothing was started and nothing was changed")
        .so("raise the limit: LimitNOFILE in the unit, or ulimit -n, to 1024 or more")),
        _ => Ok(()),
    }
}

/// What the service manager is told.
enum Word {
    Ready(String),
    Alive,
    Progress(String),
    Stopping,
}

/// Says it from a thread of its own: a service manager that does not read must never hold up a capture.
fn tell(word: Word) {
    static TELLER: OnceLock<Option<SyncSender<Word>>> = OnceLock::new();
    let teller = TELLER.get_or_init(|| {
        std::env::var_os("NOTIFY_SOCKET")?;
        let (teller, words) = sync_channel::<Word>(8);
        let thread = thread::Builder::new().name("notify".into());
        thread
            .spawn(move || words.into_iter().for_each(|word| say(&word)))
            .ok()?;
        Some(teller)
    });
    if let Some(teller) = teller {
        // holds because a word that finds no room is one nobody reads
        let _ = teller.try_send(word);
    }
}

fn say(word: &Word) {
    use sd_notify::NotifyState;
    // holds because without a service manager there is nobody to tell
    let _ = match word {
        Word::Ready(status) => sd_notify::notify(&[NotifyState::Ready, NotifyState::Status(status)]),
        Word::Alive => sd_notify::notify(&[NotifyState::Watchdog]),
        // A start that has much to read is given the time for it.
        Word::Progress(status) => sd_notify::notify(&[
            NotifyState::Status(status),
            NotifyState::ExtendTimeoutUsec(30_000_000),
            NotifyState::Watchdog,
        ]),
        Word::Stopping => sd_notify::notify(&[NotifyState::Stopping]),
    };
}

/// Tells the service manager that the gateway is ready. Without one nothing happens.
pub fn ready(status: &str) {
    tell(Word::Ready(status.to_owned()));
}

/// Tells the service manager that the pipeline moved. Call it from progress, never from a timer alone.
pub fn alive() {
    tell(Word::Alive);
}

/// Tells the service manager what takes so long, and that it goes on.
pub fn progress(status: &str) {
    tell(Word::Progress(status.to_owned()));
}

/// Tells the service manager that the gateway is stopping.
pub fn stopping() {
    tell(Word::Stopping);
}
