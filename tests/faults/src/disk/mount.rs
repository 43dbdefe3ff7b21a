//! The model under a running program, through FUSE. The kernel keeps its page cache over it, as over any disk.

use super::{
    Cut, Fault, Image, Store, Strike, Trap,
    store::{EIO, Errno, Kind, ROOT},
};
use crate::{
    outcome::{Done, Stop, skipped},
    seed::Dice,
};
use fuser::{
    BackgroundSession, BsdFileFlags, Config, FileAttr, FileHandle, FileType, Filesystem, FopenFlags,
    Generation, INodeNo, LockOwner, MountOption, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData,
    ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request, TimeOrNow,
    WriteFlags,
};
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A disk under a directory; unmounted when dropped.
pub struct Disk {
    store: Arc<Mutex<Store>>,
    session: Option<BackgroundSession>,
    at: PathBuf,
}

/// Whether this machine lets us mount; the reason where it does not.
pub fn mountable() -> Done<()> {
    if !Path::new("/dev/fuse").exists() {
        return skipped("no /dev/fuse here: the disk with a volatile cache cannot be mounted");
    }
    if !rustix::process::geteuid().is_root()
        && which("fusermount3").is_none()
        && which("fusermount").is_none()
    {
        return skipped("not root, and no fusermount3 (Debian: fuse3): the disk cannot be mounted");
    }
    Ok(())
}

/// Where a program is, on this machine.
pub(crate) fn which(program: &str) -> Option<PathBuf> {
    let paths = std::env::var_os("PATH")?;
    std::env::split_paths(&paths)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

impl Disk {
    /// Mounts an empty disk.
    pub fn empty(at: &Path, dice: Dice) -> Done<Self> {
        Self::mount(at, Store::new(dice))
    }

    /// Mounts a disk that holds what a power cut left.
    pub fn holding(at: &Path, image: &Image, dice: Dice) -> Done<Self> {
        Self::mount(at, Store::holding(image, dice))
    }

    fn mount(at: &Path, store: Store) -> Done<Self> {
        mountable()?;
        if std::fs::metadata(at).is_err_and(|error| error.kind() == std::io::ErrorKind::NotConnected) {
            // A rig that was killed left its mount behind.
            let _ = std::process::Command::new("umount").arg("-l").arg(at).status();
        }
        std::fs::create_dir_all(at)?;
        let store = Arc::new(Mutex::new(store));
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("lossy".into()), MountOption::NoAtime];
        match fuser::spawn_mount(Mounted(Arc::clone(&store)), at, &config) {
            Ok(session) => Ok(Self {
                store,
                session: Some(session),
                at: at.to_owned(),
            }),
            Err(error) => Err(Stop::Skipped(format!(
                "a FUSE disk cannot be mounted here: {error}"
            ))),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it is.
    pub fn at(&self) -> &Path {
        &self.at
    }

    /// What a power cut now would leave.
    pub fn image(&self, dice: &mut Dice, cut: Cut) -> Image {
        self.lock().image(dice, cut)
    }

    /// Syncs say yes and do nothing from now on.
    pub fn lie(&self) {
        self.lock().lies = true;
    }

    /// A call fails.
    pub fn fail(&self, fault: Fault) {
        self.lock().fail(fault);
    }

    /// The faults that came true.
    pub fn strikes(&self) -> Vec<Strike> {
        self.lock().strikes.clone()
    }

    /// The disk is gone, or back.
    pub fn gone(&self, gone: bool) {
        self.lock().gone = gone;
    }

    /// From now on so many bytes are free.
    pub fn leave_room(&self, free: u64) {
        let mut store = self.lock();
        store.room = store.used() + free;
    }

    /// An image will be taken when this trap closes.
    pub fn set_trap(&self, trap: Trap) {
        self.lock().set_trap(trap);
    }

    /// What the trap took.
    pub fn trapped(&self) -> Option<Image> {
        self.lock().trapped.take()
    }

    /// Changing calls so far.
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.gone(false);
        if let Some(session) = self.session.take() {
            // Whoever still holds a file here was killed a moment ago; the kernel needs a while to notice.
            drop(session);
        }
    }
}

struct Mounted(Arc<Mutex<Store>>);

/// Nobody but the program changes this disk, so the kernel may remember.
const TTL: Duration = Duration::from_secs(3600);

impl Mounted {
    fn lock(&self) -> MutexGuard<'_, Store> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The disk, unless it is gone.
    fn there(&self) -> Result<MutexGuard<'_, Store>, Errno> {
        let store = self.lock();
        if store.gone { Err(EIO) } else { Ok(store) }
    }
}

fn no(error: Errno) -> fuser::Errno {
    fuser::Errno::from_i32(error.0)
}

fn about(store: &Store, id: u64) -> Result<FileAttr, Errno> {
    let node = store.nodes.get(&id).ok_or(super::store::ENOENT)?;
    let size = node.live.len() as u64;
    Ok(FileAttr {
        ino: INodeNo(id),
        size,
        blocks: size.div_ceil(512),
        atime: UNIX_EPOCH,
        mtime: UNIX_EPOCH,
        ctime: UNIX_EPOCH,
        crtime: UNIX_EPOCH,
        kind: match node.kind {
            Kind::File => FileType::RegularFile,
            Kind::Directory => FileType::Directory,
            Kind::Socket => FileType::Socket,
        },
        perm: node.mode,
        nlink: 1,
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
        rdev: 0,
        blksize: 4096,
        flags: 0,
    })
}

fn entry(reply: ReplyEntry, found: Result<FileAttr, Errno>) {
    match found {
        Ok(attr) => reply.entry(&TTL, &attr, Generation(0)),
        Err(error) => reply.error(no(error)),
    }
}

fn plain(reply: ReplyEmpty, done: Result<(), Errno>) {
    match done {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(no(error)),
    }
}

/// The part of a mode that says what a file is: inode(7).
const FORMAT: u32 = 0o170_000;
/// The format of a socket.
const SOCKET: u32 = 0o140_000;

impl Filesystem for Mounted {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let found = self.there().and_then(|store| {
            let id = store.find(parent.0, name).ok_or(super::store::ENOENT)?;
            about(&store, id)
        });
        entry(reply, found);
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.there().and_then(|store| about(&store, ino.0)) {
            Ok(attr) => reply.attr(&TTL, &attr),
            Err(error) => reply.error(no(error)),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let done = self.there().and_then(|mut store| {
            if let Some(size) = size {
                store.resize(ino.0, size as usize)?;
            }
            if let (Some(mode), Some(node)) = (mode, store.nodes.get_mut(&ino.0)) {
                node.mode = (mode & 0o7777) as u16;
            }
            about(&store, ino.0)
        });
        match done {
            Ok(attr) => reply.attr(&TTL, &attr),
            Err(error) => reply.error(no(error)),
        }
    }

    fn mknod(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _: u32,
        reply: ReplyEntry,
    ) {
        let kind = if mode & FORMAT == SOCKET {
            Kind::Socket
        } else {
            Kind::File
        };
        let made = self.there().and_then(|mut store| {
            let id = store.make(parent.0, name, kind, (mode & !umask & 0o7777) as u16)?;
            about(&store, id)
        });
        entry(reply, made);
    }

    fn mkdir(&self, _: &Request, parent: INodeNo, name: &OsStr, mode: u32, umask: u32, reply: ReplyEntry) {
        let made = self.there().and_then(|mut store| {
            let id = store.make(parent.0, name, Kind::Directory, (mode & !umask & 0o7777) as u16)?;
            about(&store, id)
        });
        entry(reply, made);
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        plain(reply, self.lock().remove(parent.0, name, false));
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        plain(reply, self.lock().remove(parent.0, name, true));
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let keep = flags.contains(RenameFlags::RENAME_NOREPLACE);
        let done = self.lock().rename((parent.0, name), (newparent.0, newname), keep);
        plain(reply, done);
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        match self.there() {
            // The page cache stays, as over a disk: after a failed sync a program reads what it wrote, not what is.
            Ok(_) => reply.opened(FileHandle(0), FopenFlags::FOPEN_KEEP_CACHE),
            Err(error) => reply.error(no(error)),
        }
    }

    fn create(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        let made = self.there().and_then(|mut store| {
            let id = store.make(parent.0, name, Kind::File, (mode & !umask & 0o7777) as u16)?;
            about(&store, id)
        });
        match made {
            Ok(attr) => reply.created(
                &TTL,
                &attr,
                Generation(0),
                FileHandle(0),
                FopenFlags::FOPEN_KEEP_CACHE,
            ),
            Err(error) => reply.error(no(error)),
        }
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.there() {
            Ok(store) => {
                let bytes = store.nodes.get(&ino.0).map_or(&[][..], |node| &node.live);
                let begin = (offset as usize).min(bytes.len());
                let end = (begin + size as usize).min(bytes.len());
                reply.data(&bytes[begin..end]);
            }
            Err(error) => reply.error(no(error)),
        }
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.lock().write(ino.0, offset as usize, data) {
            Ok(count) => reply.written(count as u32),
            Err(error) => reply.error(no(error)),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        plain(reply, self.lock().sync(ino.0));
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        plain(reply, self.lock().sync_directory(ino.0));
    }

    fn readdir(&self, _: &Request, ino: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let store = match self.there() {
            Ok(store) => store,
            Err(error) => return reply.error(no(error)),
        };
        let mut list = vec![
            (ino.0, FileType::Directory, OsStr::new(".").to_owned()),
            (ROOT, FileType::Directory, OsStr::new("..").to_owned()),
        ];
        let names = store.nodes.get(&ino.0).map(|node| &node.names);
        for (name, id) in names.into_iter().flatten() {
            let kind = match store.nodes.get(id).map(|node| node.kind) {
                Some(Kind::Directory) => FileType::Directory,
                Some(Kind::Socket) => FileType::Socket,
                _ => FileType::RegularFile,
            };
            list.push((*id, kind, name.clone()));
        }
        for (at, (id, kind, name)) in list.into_iter().enumerate().skip(offset as usize) {
            if reply.add(INodeNo(id), at as u64 + 1, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        match self.there() {
            Ok(store) => {
                let (all, free) = (store.room / 4096, store.room.saturating_sub(store.used()) / 4096);
                reply.statfs(all, free, free, 1 << 20, 1 << 20, 4096, 255, 4096);
            }
            Err(error) => reply.error(no(error)),
        }
    }
}
