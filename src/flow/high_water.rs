//! How far the ledger once reached, beside the segments: two slots, written in turn. A chain cannot see that
//! its own end is missing; this can, and so can the last receipt.

use super::{
    needs::{Disk, DiskFile},
    seal::Head,
};
use record::Hash;
use std::io;

const FILE: &str = "high-water";
const SLOT: u64 = 4096;

/// The mark.
pub struct HighWater {
    file: Box<dyn DiskFile>,
    turn: u64,
    written: Option<(u64, u64, u64)>,
}

impl HighWater {
    /// Opens the mark, and says the highest (epoch, page, entry) it ever named.
    pub fn open(disk: &dyn Disk) -> io::Result<(Self, Option<(u64, u64, u64)>)> {
        if !disk.list()?.iter().any(|name| name == FILE) {
            let mut file = disk.create(FILE)?;
            file.write_at(&vec![b'\n'; 2 * SLOT as usize], 0)?;
            file.sync_all()?;
            disk.sync_dir()?;
            return Ok((
                Self {
                    file,
                    turn: 0,
                    written: None,
                },
                None,
            ));
        }
        let file = disk.open(FILE)?;
        let slots = [read(file.as_ref(), 0)?, read(file.as_ref(), 1)?];
        let highest = slots.iter().flatten().max().copied();
        // The slot that does not hold the highest is written next.
        let turn = u64::from(slots[0] == highest && highest.is_some());
        Ok((
            Self {
                file,
                turn,
                written: highest,
            },
            highest,
        ))
    }

    /// Writes the mark, durable, unless it stands there already.
    pub fn mark(&mut self, head: &Head) -> io::Result<()> {
        let mark = (head.epoch, head.page, head.seq);
        if self.written == Some(mark) {
            return Ok(());
        }
        let text = format!("{} {} {}", mark.0, mark.1, mark.2);
        let line = format!("{text} {}\n", Hash::of(text.as_bytes()));
        self.file.write_at(line.as_bytes(), self.turn * SLOT)?;
        self.file.sync_data()?;
        self.turn ^= 1;
        self.written = Some(mark);
        Ok(())
    }
}

fn read(file: &dyn DiskFile, slot: u64) -> io::Result<Option<(u64, u64, u64)>> {
    let mut bytes = vec![0; 256];
    let length = file.read_at(&mut bytes, slot * SLOT)?;
    let line = bytes[..length]
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let Some((text, hash)) = std::str::from_utf8(line)
        .ok()
        .and_then(|line| line.rsplit_once(' '))
    else {
        return Ok(None);
    };
    if Hash::read(hash.as_bytes()) != Some(Hash::of(text.as_bytes())) {
        return Ok(None);
    }
    let numbers: Vec<u64> = text.split(' ').filter_map(|number| number.parse().ok()).collect();
    Ok(if let [epoch, page, seq] = numbers[..] {
        Some((epoch, page, seq))
    } else {
        None
    })
}
