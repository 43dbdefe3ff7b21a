//! Where a row works: its own directory, its own die, the built program, and a way to start gateways.

use crate::{
    disk::Image,
    gateway::Launch,
    ledger::Held,
    outcome::{Done, Tally, failed},
    plant::{Controller, Setting},
    seed::Dice,
};
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// What a row is given.
pub struct Bench {
    pub steelyard: PathBuf,
    pub root: PathBuf,
    pub work: PathBuf,
    pub dice: Dice,
    /// How many trials this row is to make.
    pub trials: u64,
    /// Times are held to the figures of the table only with a program built for release.
    pub release: bool,
    /// The row ends in order when this has passed, and says so.
    pub until: Option<Instant>,
}

impl Bench {
    /// Whether there is time for another trial.
    pub fn goes_on(&self, trial: u64) -> bool {
        trial < self.trials && self.until.is_none_or(|until| Instant::now() < until)
    }

    /// An empty directory of this name.
    pub fn place(&self, name: &str) -> Done<PathBuf> {
        let place = self.work.join(name);
        let _ = fs::remove_dir_all(&place);
        fs::create_dir_all(&place)?;
        Ok(place)
    }

    /// A key whose receipts would count, when nobody gives any.
    pub fn stranger(&self) -> PathBuf {
        self.root.join("tests/golden/ledger-1/keys.jwks")
    }

    /// Controllers for one plant.
    pub fn controllers(&self, count: usize) -> Done<Vec<Controller>> {
        (0..count).map(|_| Controller::start()).collect()
    }

    /// A gateway that captures flat out from these controllers, with no broker to be reached.
    pub fn alone(&self, place: &Path, controllers: &[Controller]) -> Done<Launch> {
        self.launch(place, &Setting::alone(self.stranger()), controllers)
    }

    /// A gateway with this setting.
    pub fn launch(&self, place: &Path, setting: &Setting, controllers: &[Controller]) -> Done<Launch> {
        Ok(Launch {
            steelyard: self.steelyard.clone(),
            config: setting.write(place, controllers)?,
            state: place.join("state"),
            ledger: place.join("state/ledger"),
            log: place.join("gateway.log"),
            before: Vec::new(),
            environment: Vec::new(),
            ready_within: Duration::from_secs(20),
        })
    }

    /// A time that the table states, with patience where the program was not built for release.
    pub fn limit(&self, stated: Duration) -> Duration {
        if self.release { stated } else { stated * 4 }
    }
}

/// Compares a ledger with what was said to be captured; the findings go into the tally.
pub fn compare(tally: &mut Tally, what: &str, ledger: &Path, captured: u64) -> Done<Held> {
    let held = Held::read(ledger)?;
    let (missing, doubled) = (held.missing(captured), held.doubled());
    tally.lost += missing;
    tally.doubled += doubled;
    if missing + doubled > 0 {
        tally.complain(format!(
            "{what}: {missing} of {captured} missing, {doubled} doubled"
        ));
    }
    if !held.report.problems.is_empty() {
        tally.unverified += 1;
        tally.complain(format!("{what}: {}", held.problems()));
    }
    if held.report.epochs.len() > 1 {
        tally.complain(format!("{what}: a new epoch began: {:?}", held.report.epochs));
    }
    Ok(held)
}

/// Starts the gateway on what a power cut left, at the place its configuration names; looks whether all is there.
pub fn look_at_image(
    launch: &Launch,
    image: &Image,
    known: u64,
    what: &str,
    limit: Duration,
) -> Done<(Tally, Duration)> {
    let mut tally = Tally {
        trials: 1,
        struck: 1,
        ..Tally::default()
    };
    put(image, &launch.state)?;
    let gateway = match launch.ready() {
        Ok(gateway) => gateway,
        Err(crate::outcome::Stop::Failed(why)) => {
            tally.lost += known;
            tally.complain(format!("{what}: it does not start: {why}"));
            return Ok((tally, Duration::ZERO));
        }
        Err(stop) => return Err(stop),
    };
    let ready_after = gateway.ready_after;
    if ready_after > limit {
        tally.complain(format!("{what}: ready only after {ready_after:?}"));
    }
    let says = gateway.until(10, "what was captured is known", |status| status.captured > 0);
    let says = says.map_or(0, |status| status.captured);
    gateway.kill();
    if says < known {
        tally.complain(format!(
            "{what}: {known} were said to be captured, now it says {says}"
        ));
    }
    compare(&mut tally, what, &launch.ledger, known)?;
    Ok((tally, ready_after))
}

/// Makes this path a plain directory that holds the image.
pub fn put(image: &Image, at: &Path) -> Done<()> {
    clear(at)?;
    image.write(at)?;
    Ok(())
}

/// Makes this path a link to a directory elsewhere: a mounted disk, for a program that names only this one.
pub fn link(at: &Path, to: &Path) -> Done<()> {
    clear(at)?;
    std::os::unix::fs::symlink(to, at)?;
    Ok(())
}

/// Takes away whatever is at this path, never what a link leads to.
pub fn clear(at: &Path) -> Done<()> {
    match fs::symlink_metadata(at) {
        Err(_) => {}
        Ok(about) if about.is_dir() => fs::remove_dir_all(at)?,
        Ok(_) => fs::remove_file(at)?,
    }
    if fs::symlink_metadata(at).is_ok() {
        return failed(format!("{} cannot be cleared", at.display()));
    }
    Ok(())
}
