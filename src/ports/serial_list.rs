//! Which serial ports this machine has, under the names that stay the same when adapters are plugged elsewhere.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// One port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// The name a configuration should use: by the adapter's serial number where it has one.
    pub path: PathBuf,
    /// What the system calls it at this moment: `/dev/ttyUSB0`.
    pub now: PathBuf,
    /// Whether `path` names the adapter itself. Else it names a socket of this machine, or only an order of plugging.
    pub stable: bool,
    /// What kind of adapter it is, where it says so.
    pub title: String,
}

/// Every port that has hardware behind it.
pub fn serial_ports() -> Vec<Port> {
    serial_ports_in(Path::new("/dev"), Path::new("/sys/class/tty"))
}

fn serial_ports_in(dev: &Path, class: &Path) -> Vec<Port> {
    let by_id = links(&dev.join("serial/by-id"));
    let by_path = links(&dev.join("serial/by-path"));
    let mut names: Vec<String> = fs::read_dir(class)
        .map(|found| {
            found
                .flatten()
                .filter_map(|one| one.file_name().into_string().ok())
                .collect()
        })
        .unwrap_or_default();
    names.sort();
    let mut ports = Vec::new();
    for name in names {
        let there = class.join(&name);
        let now = dev.join(&name);
        if !has_hardware(&there, &name) || !now.exists() {
            continue;
        }
        let real = fs::canonicalize(&now).unwrap_or_else(|_| now.clone());
        let of = |links: &[(PathBuf, PathBuf)]| {
            let mut found = links.iter().filter(|(_, to)| *to == real);
            found.next().map(|(path, _)| path.clone())
        };
        let id = of(&by_id).filter(|path| serial_number(&there).is_some() || names_a_number(path));
        ports.push(Port {
            // a port of the machine itself is always where it is
            stable: id.is_some() || name.starts_with("ttyS"),
            path: id.or_else(|| of(&by_path)).unwrap_or_else(|| now.clone()),
            title: title(&there),
            now,
        });
    }
    ports
}

/// Virtual consoles and the unused rows of the old serial driver have nothing behind them.
fn has_hardware(there: &Path, name: &str) -> bool {
    if !there.join("device").exists() {
        return false;
    }
    if name.starts_with("ttyS") {
        let kind = fs::read_to_string(there.join("type")).unwrap_or_default();
        return kind.trim() != "0";
    }
    true
}

fn links(folder: &Path) -> Vec<(PathBuf, PathBuf)> {
    let mut found: Vec<_> = fs::read_dir(folder)
        .map(|found| {
            found
                .flatten()
                .filter_map(|one| Some((one.path(), fs::canonicalize(one.path()).ok()?)))
                .collect()
        })
        .unwrap_or_default();
    found.sort();
    found
}

/// The adapter's own number, if it has one; two adapters without cannot be told apart.
fn serial_number(there: &Path) -> Option<String> {
    above(there, "serial").filter(|number| !number.is_empty())
}

/// udev puts the number last but the interface: `usb-FTDI_FT232R_A10K3Z7Q-if00-port0`.
fn names_a_number(by_id: &Path) -> bool {
    let name = by_id
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let stem = name.split("-if").next().unwrap_or_default();
    let last = stem.rsplit('_').next().unwrap_or_default();
    last.len() >= 5 && last.bytes().any(|byte| byte.is_ascii_digit())
}

fn title(there: &Path) -> String {
    let words = [above(there, "manufacturer"), above(there, "product")];
    words.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// What the adapter says, some steps above the port.
fn above(there: &Path, file: &str) -> Option<String> {
    let device = fs::canonicalize(there.join("device")).ok()?;
    device
        .ancestors()
        .take(4)
        .find_map(|step| fs::read_to_string(step.join(file)).ok())
        .map(|text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn an_adapter_without_a_number_is_named_by_its_path_and_not_called_stable() {
        let root = std::env::temp_dir().join(format!("steelyard-ports-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        let (dev, class) = (root.join("dev"), root.join("class"));
        for folder in ["serial/by-id", "serial/by-path"] {
            fs::create_dir_all(dev.join(folder)).unwrap();
        }
        for (name, number) in [
            ("ttyUSB0", Some("A10K3Z7Q")),
            ("ttyUSB1", None),
            ("ttyS4", None),
            ("tty1", None),
        ] {
            fs::write(dev.join(name), "").unwrap();
            fs::create_dir_all(class.join(name)).unwrap();
            if name == "tty1" {
                continue;
            }
            let device = root.join(format!("usb-{name}"));
            fs::create_dir_all(&device).unwrap();
            if let Some(number) = number {
                fs::write(device.join("serial"), number).unwrap();
                fs::write(device.join("product"), "FT232R USB UART").unwrap();
            }
            symlink(&device, class.join(name).join("device")).unwrap();
        }
        fs::write(class.join("ttyS4/type"), "0\n").unwrap();
        symlink(
            dev.join("ttyUSB0"),
            dev.join("serial/by-id/usb-FTDI_FT232R_A10K3Z7Q-if00-port0"),
        )
        .unwrap();
        symlink(
            dev.join("ttyUSB1"),
            dev.join("serial/by-id/usb-1a86_USB_Serial-if00-port0"),
        )
        .unwrap();
        symlink(
            dev.join("ttyUSB1"),
            dev.join("serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0"),
        )
        .unwrap();
        let ports = serial_ports_in(&dev, &class);
        let found: Vec<(String, bool)> = ports
            .iter()
            .map(|port| {
                (
                    port.path.file_name().unwrap().to_str().unwrap().to_owned(),
                    port.stable,
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                ("usb-FTDI_FT232R_A10K3Z7Q-if00-port0".to_owned(), true),
                ("pci-0000:00:14.0-usb-0:2:1.0-port0".to_owned(), false)
            ]
        );
        assert_eq!(ports[0].title, "FT232R USB UART");
        fs::remove_dir_all(&root).unwrap();
    }
}
