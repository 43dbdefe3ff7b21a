//! What this machine is called, which boot this is, and what the service manager is told.

use record::Hash;
use std::fs;

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

/// Tells the service manager that the gateway is ready. Without one nothing happens.
pub fn ready(status: &str) {
    // holds because without a service manager there is nobody to tell
    let _ = sd_notify::notify(&[
        sd_notify::NotifyState::Ready,
        sd_notify::NotifyState::Status(status),
    ]);
}

/// Tells the service manager that the pipeline moved. Call it from progress, never from a timer alone.
pub fn alive() {
    // holds because without a service manager there is nobody to tell
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]);
}

/// Tells the service manager that the gateway is stopping.
pub fn stopping() {
    // holds because without a service manager there is nobody to tell
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
}
