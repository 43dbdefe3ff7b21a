//! Files people own: configuration, keys, drivers, evidence. Never the ledger; that is `disk`.
//!
//! What is written here is whole or absent, and a secret that others can read is not used.

use crate::{config::Source, flow::needs::Files};
use record::Trouble;
use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// The file system of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemFiles;

impl Files for SystemFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }

    fn read_secret(&self, path: &Path) -> Result<Vec<u8>, Trouble> {
        let cannot = |problem: io::Error| unreadable(path, &problem);
        // one descriptor for the look and the reading, so that nobody changes the file in between
        let mut file = File::open(path).map_err(cannot)?;
        let about = file.metadata().map_err(cannot)?;
        if !about.is_file() {
            return Err(unreadable(
                path,
                &io::Error::new(io::ErrorKind::InvalidInput, "it is no file"),
            ));
        }
        let mode = about.mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(Trouble::new(
                "secret-readable",
                format!("others can read this secret (mode {mode:04o})"),
            )
            .at(path.display())
            .means("it is not used: what it protects could have been done by anybody on this machine")
            .so(format!(
                "chmod 600 {}\nand, where others may have read it, change the secret",
                path.display()
            )));
        }
        let mut secret = Vec::new();
        file.read_to_end(&mut secret).map_err(cannot)?;
        Ok(secret)
    }

    fn write_secret(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        if written.is_err() {
            // half a key is worse than none: the next start would take it for a whole one
            let _ = fs::remove_file(path);
        }
        written.and_then(|()| sync_directory(path))
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let beside = beside(path)?;
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o644)
            .open(&beside)?;
        let written = file
            .write_all(bytes)
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&beside, path));
        if written.is_err() {
            let _ = fs::remove_file(&beside);
        }
        written.and_then(|()| sync_directory(path))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(problem) if problem.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(problem) => return Err(problem),
        };
        let mut names = Vec::new();
        for entry in entries {
            names.extend(entry?.file_name().into_string().ok());
        }
        names.sort();
        Ok(names)
    }
}

/// The configuration and the site's drivers beside it, as texts for `config::read`.
pub fn configuration(files: &dyn Files, path: &Path) -> Result<Source, Trouble> {
    let drivers = path.parent().unwrap_or(Path::new("")).join("drivers");
    let names = files
        .list(&drivers)
        .map_err(|problem| no_configuration(&drivers, &problem.to_string()))?;
    let names = names.into_iter().filter(|name| name.ends_with(".toml"));
    let configuration = text(files, path)?;
    let recipes = match crate::config::recipes_of(&configuration) {
        Some(directory) => recipes(files, &directory)?,
        None => Vec::new(),
    };
    Ok(Source {
        name: path.display().to_string(),
        text: configuration,
        recipes,
        drivers: names
            .map(|name| text(files, &drivers.join(&name)).map(|text| (name, text)))
            .collect::<Result<_, _>>()?,
    })
}

/// Every recipe of a directory, by file name.
fn recipes(files: &dyn Files, directory: &Path) -> Result<Vec<(String, String)>, Trouble> {
    let names = files
        .list(directory)
        .map_err(|problem| no_configuration(directory, &problem.to_string()))?;
    let names = names.into_iter().filter(|name| name.ends_with(".toml"));
    names
        .map(|name| text(files, &directory.join(&name)).map(|text| (name, text)))
        .collect()
}

fn text(files: &dyn Files, path: &Path) -> Result<String, Trouble> {
    let bytes = files
        .read(path)
        .map_err(|problem| no_configuration(path, &problem.to_string()))?;
    String::from_utf8(bytes).map_err(|_| no_configuration(path, "it is not text in UTF-8"))
}

fn no_configuration(path: &Path, why: &str) -> Trouble {
    Trouble::new("no-configuration", format!("this file cannot be read: {why}"))
        .at(path.display())
        .means("nothing was changed; a gateway that runs goes on with the configuration it has accepted")
        .so("name the configuration: steelyard check /etc/steelyard/steelyard.toml")
}

/// Where a path leads, through links; itself where it leads nowhere.
pub fn real_path(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Makes a directory, and those above it; only its owner may look into it.
pub fn make_directory(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Copies a file under a name that does not exist yet, mode 0600, synced.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = File::open(from)?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)?;
    io::copy(&mut source, &mut file)?;
    file.sync_all()?;
    match to.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

/// Removes one file.
pub fn remove_file(path: &Path) -> io::Result<()> {
    fs::remove_file(path)
}

/// Removes a directory with everything in it. Only for what this process made itself a moment ago.
pub fn remove_directory(path: &Path) -> io::Result<()> {
    fs::remove_dir_all(path)
}

/// The name under which a file is written before it takes its own.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "this path names no file"))?;
    let mut other = OsString::from(".");
    other.push(name);
    other.push(".new");
    Ok(path.with_file_name(other))
}

fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

fn unreadable(path: &Path, problem: &io::Error) -> Trouble {
    Trouble::new(
        "secret-unreadable",
        format!("this secret cannot be read: {problem}"),
    )
    .at(path.display())
    .means("what it is for does not happen; nothing that was recorded is changed")
    .so("put the file there, owned by the user steelyard runs as, mode 0600")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use std::{env, os::unix::fs::PermissionsExt, process};

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = env::temp_dir().join(format!("steelyard-files-{name}-{}", process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_secret_that_others_can_read_is_not_used() {
        let folder = Folder::new("secret");
        let key = folder.0.join("line-3.key");
        SystemFiles.write_secret(&key, b"geheim").unwrap();
        assert_eq!(SystemFiles.read_secret(&key).unwrap(), b"geheim");
        for mode in [0o640, 0o604, 0o660, 0o777] {
            fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(
                SystemFiles.read_secret(&key).unwrap_err().name,
                "secret-readable",
                "{mode:o}"
            );
        }
    }

    #[test]
    fn a_secret_is_never_written_over() {
        let folder = Folder::new("twice");
        let key = folder.0.join("line-3.key");
        SystemFiles.write_secret(&key, b"first").unwrap();
        assert_eq!(
            SystemFiles.write_secret(&key, b"second").unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        assert_eq!(fs::read(&key).unwrap(), b"first");
        assert_eq!(fs::metadata(&key).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_file_is_written_whole_or_stays_as_it_was() {
        let folder = Folder::new("whole");
        let file = folder.0.join("keys.jwks");
        SystemFiles.write(&file, b"one").unwrap();
        SystemFiles.write(&file, b"two").unwrap();
        assert_eq!(SystemFiles.read(&file).unwrap(), b"two");
        assert_eq!(
            SystemFiles.list(&folder.0).unwrap(),
            ["keys.jwks"],
            "nothing is left beside it"
        );
        let taken = folder.0.join("taken");
        fs::create_dir(&taken).unwrap();
        assert!(SystemFiles.write(&taken, b"three").is_err());
        assert_eq!(SystemFiles.list(&folder.0).unwrap(), ["keys.jwks", "taken"]);
    }

    #[test]
    fn a_directory_that_is_not_there_holds_nothing() {
        let folder = Folder::new("absent");
        assert!(SystemFiles.list(&folder.0.join("drivers")).unwrap().is_empty());
        assert_eq!(
            SystemFiles.read_secret(&folder.0.join("none")).unwrap_err().name,
            "secret-unreadable"
        );
        assert_eq!(
            SystemFiles.read_secret(&folder.0).unwrap_err().name,
            "secret-unreadable"
        );
    }
}
