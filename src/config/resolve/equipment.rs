//! `[equipment.TAG]`: which driver speaks with it, over which link, and how often it is asked.

use super::{Known, gateway::host_port, names};
use crate::config::{
    block::Page,
    library::{Library, Speech, is_draft, line_of, speech},
    near::nearest,
    plant::{Capture, Equipment, Link, Pace},
    written::{self, LINKS},
};
use driver::{Complaint, Driver};
use std::{
    collections::BTreeMap,
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};
use toml::Spanned;

/// How often equipment is asked when nothing says more.
const EVERY: Duration = Duration::from_secs(1);
/// Where Modbus TCP is listened for, by its standard.
const MODBUS_PORT: u16 = 502;

/// Looks at each block by itself, then at what several of them share.
pub(super) fn known(page: &Page, written: &[written::Equipment], library: &Library) -> Vec<Known> {
    let known: Vec<Known> = written
        .iter()
        .map(|equipment| one(page, equipment, written, library))
        .collect();
    shared_lines(page, written, &known);
    same_instrument_twice(page, written);
    known
}

fn one(page: &Page, written: &written::Equipment, all: &[written::Equipment], library: &Library) -> Known {
    let tag = written.tag.get_ref().clone();
    names::check(page, "equipment", &written.tag);
    let found = written
        .driver
        .as_ref()
        .and_then(|name| driver_named(page, name, library));
    let link = link(page, written, all);
    if let Some(found) = found {
        edition(page, written, found.edition, found.file());
        if let [(key, place, _)] = written.links.as_slice() {
            fits(page, written, (key, place), speech(found), link.as_ref());
        }
    }
    if let (Some(flag), Some(found)) = (&written.record_with_draft, found)
        && *flag.get_ref()
    {
        draft(page, flag, &tag, found);
    }
    let allowed = found
        .map(|found| allowed(page, written, found))
        .unwrap_or_default();
    let may_record = written
        .record_with_draft
        .as_ref()
        .map_or(written.draft_mentioned, |flag| *flag.get_ref());
    Known {
        title: written
            .title
            .as_ref()
            .map_or_else(|| tag.clone(), |title| title.get_ref().clone()),
        driver_place: written
            .driver
            .as_ref()
            .map_or(written.place.clone(), Spanned::span),
        driver: found.map(|found| (found.name.clone(), found.points())),
        closed: found.map(|found| closed(found, &allowed)).unwrap_or_default(),
        shows_only: found.is_some_and(is_draft) && !may_record,
        every: written
            .every
            .as_ref()
            .map(|every| (*every.get_ref(), every.span())),
        line: written
            .line
            .as_ref()
            .map(|line| line.get_ref().clone())
            .or_else(|| found.map(line_of)),
        link,
        tag,
    }
}

/// Which commands may be sent; one that the driver does not have is refused, since nobody knows what was meant.
fn allowed(page: &Page, written: &written::Equipment, driver: &Driver) -> Vec<String> {
    let commands = driver.commands();
    let names: Vec<&str> = commands.iter().map(|command| command.name.as_str()).collect();
    let tag = written.tag.get_ref();
    let mut allowed: Vec<String> = Vec::new();
    for name in &written.allow {
        if names.contains(&name.get_ref().as_str()) {
            allowed.push(name.get_ref().clone());
            continue;
        }
        let meant = nearest(name.get_ref(), names.iter().copied());
        let meant = meant.map_or_else(String::new, |meant| format!("did you mean \"{meant}\"?\n"));
        let known = if names.is_empty() {
            "its driver only reads: take `allow` out".to_owned()
        } else {
            format!("its driver has: {}", names.join(", "))
        };
        page.add(
            Complaint::new(
                "no-such-command",
                format!("{tag} cannot be told {:?}", name.get_ref()),
            )
            .mark(name.span(), format!("not in the driver {}", driver.name))
            .why("only what a driver declares, with what proves it, is ever written to equipment")
            .help(format!("{meant}{known}")),
        );
    }
    if let (Some(first), false) = (written.allow.first(), allowed.is_empty()) {
        page.warn(
            Complaint::new(
                "may-write",
                format!("this gateway may write to {tag}: {}", allowed.join(", ")),
            )
            .mark(first.span(), "")
            .why("what is written can change the instrument; each time is an entry, with what became of it")
            .help("take `allow` out where reading is enough"),
        );
    }
    allowed
}

/// Points that can only be read after a command which is not allowed.
fn closed(driver: &Driver, allowed: &[String]) -> Vec<(String, String)> {
    let shut = driver
        .commands()
        .into_iter()
        .filter(|command| !allowed.contains(&command.name));
    shut.flat_map(|command| {
        command
            .opens
            .into_iter()
            .map(move |measure| (measure, command.name.clone()))
    })
    .collect()
}

/// Recording with a draft is allowed where it is said, and stays in sight until it is over.
fn draft(page: &Page, flag: &Spanned<bool>, tag: &str, driver: &Driver) {
    let warning = if is_draft(driver) {
        Complaint::new(
            "records-with-draft",
            format!("{tag} is recorded with a draft: {}", driver.name),
        )
        .why("every batch carries an exception for it")
        .help(format!(
            "compare ten readings with the display: steelyard try {tag} --accept"
        ))
    } else {
        let evidence = driver.evidence.word();
        Complaint::new(
            "draft-no-more",
            format!("the driver {} is no draft any more: {evidence}", driver.name),
        )
        .help("take `record_with_draft` out")
    };
    page.warn(warning.mark(flag.span(), ""));
}

/// The driver, or a complaint; a site driver that is itself broken has been complained of already.
fn driver_named<'a>(page: &Page, name: &Spanned<String>, library: &'a Library) -> Option<&'a Driver> {
    let found = library.get(name.get_ref());
    if found.is_none() && !library.is_broken(name.get_ref()) {
        let meant = nearest(name.get_ref(), library.names());
        let meant = meant.map_or_else(String::new, |meant| format!("did you mean \"{meant}\"?\n"));
        page.add(
            Complaint::new("no-such-driver", format!("there is no driver {:?}", name.get_ref()))
                .mark(name.span(), "")
                .help(format!("{meant}steelyard drivers lists those at hand\na driver of your own goes into drivers/ beside this file; steelyard drivers new begins one")),
        );
    }
    found
}

fn edition(page: &Page, written: &written::Equipment, in_hand: u32, file: &str) {
    let Some(edition) = &written.edition else { return };
    if *edition.get_ref() == i64::from(in_hand) {
        return;
    }
    page.add(
        Complaint::new(
            "edition-differs",
            format!("{} was qualified with edition {} of its driver; edition {in_hand} is in hand", written.tag.get_ref(), edition.get_ref()),
        )
        .mark(edition.span(), format!("{file} is edition {in_hand}"))
        .why("another edition may mean something else by the same bytes")
        .help(format!("look at what changed, qualify again, then write edition = {in_hand};\nor put the file of the old edition into drivers/ beside this file")),
    );
}

// ---------------------------------------------------------------- the link

fn link(page: &Page, written: &written::Equipment, all: &[written::Equipment]) -> Option<Link> {
    let [(key, place, value)] = written.links.as_slice() else {
        if let [(one, first, _), (other, second, _), ..] = written.links.as_slice() {
            let what = format!("{} is reached in two ways", written.tag.get_ref());
            let complaint = Complaint::new("two-links", what).mark(second.clone(), format!("by `{other}`"));
            page.add(
                complaint
                    .mark(first.clone(), format!("and by `{one}`"))
                    .help("keep the one that its cable is plugged into"),
            );
        } else {
            let what = format!("nothing says how {} is reached", written.tag.get_ref());
            let complaint = Complaint::new("no-link", what).mark(written.place.clone(), "");
            page.add(complaint.help(format!("add one of: {}", LINKS.join(", "))));
        }
        return None;
    };
    let serial = matches!(*key, "serial" | "modbus_rtu");
    if let Some(line) = written.line.as_ref().filter(|_| !serial) {
        let complaint = Complaint::new(
            "line-without-serial",
            "`line` sets a serial line, and this link has none",
        );
        page.add(
            complaint
                .mark(line.span(), "")
                .mark(place.clone(), "this link")
                .help("take `line` out; a serial server keeps its own settings"),
        );
    }
    let line = written.line.as_ref().map(|line| line.get_ref().clone());
    if *key != "opcua" {
        super::server::out_of_place(page, written);
    }
    match *key {
        "opcua" => super::server::server(page, written, all, value),
        "serial" => Some(Link::Serial {
            path: port(page, key, value),
            line,
        }),
        "modbus_rtu" => Some(Link::ModbusRtu {
            path: port(page, key, value),
            line,
        }),
        "tcp" => Some(Link::Tcp(address(page, key, value, None)?)),
        "modbus_rtu_tcp" => Some(Link::ModbusRtuTcp(address(page, key, value, None)?)),
        _ => Some(Link::ModbusTcp(address(page, key, value, Some(MODBUS_PORT))?)),
    }
}

fn port(page: &Page, key: &str, value: &Spanned<String>) -> PathBuf {
    let path = names::path(page, key, value);
    if let Some(warning) = unsteady(&path) {
        page.warn(warning.mark(value.span(), ""));
    }
    path
}

/// A name that may be another instrument tomorrow.
fn unsteady(path: &Path) -> Option<Complaint> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    let folder = path.parent()?;
    if folder == Path::new("/dev") && (name.starts_with("ttyUSB") || name.starts_with("ttyACM")) {
        return Some(
            Complaint::new("port-name-moves", format!("{name} is the adapter that was found first, whichever that is"))
                .why("after a restart its values may be those of another instrument")
                .help("write its name in /dev/serial/by-id; in /dev/serial/by-path where the adapter has no serial number"),
        );
    }
    if folder == Path::new("/dev/serial/by-id") && !has_number(&name) {
        return Some(
            Complaint::new(
                "adapter-without-number",
                "this adapter seems to have no serial number of its own",
            )
            .why("two such adapters have the same name, and either may get it")
            .help("name it by the socket it is plugged into: ls /dev/serial/by-path"),
        );
    }
    (folder == Path::new("/dev/serial/by-path")).then(|| {
        Complaint::new(
            "port-by-place",
            "this port is known by the socket its adapter is plugged into",
        )
        .why("what is plugged in there is believed to be this equipment")
        .help("label socket and cable; where the instrument can say who it is, write `serial_number`")
    })
}

/// `usb-MAKER_MODEL_NUMBER-if00-port0`: whether there is a number.
fn has_number(name: &str) -> bool {
    let adapter = name.split_once("-if").map_or(name, |(adapter, _)| adapter);
    let last = adapter.rsplit('_').next().unwrap_or_default();
    let plain = last.chars().all(|c| c.is_ascii_alphanumeric());
    !name.starts_with("usb-") || (plain && last.len() >= 4 && last.chars().any(|c| c.is_ascii_digit()))
}

fn address(page: &Page, key: &str, value: &Spanned<String>, port: Option<u16>) -> Option<String> {
    let Some((host, port)) = host_port(value.get_ref(), port).filter(|(_, port)| *port > 0) else {
        let example = if port.is_some() {
            "10.30.4.15:502"
        } else {
            "10.30.4.15:4001"
        };
        page.add(
            Complaint::new(
                "address-not-understood",
                format!("{:?} is no address to connect to", value.get_ref()),
            )
            .mark(value.span(), "")
            .help(format!("write host and port: {key} = \"{example}\"")),
        );
        return None;
    };
    Some(if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    })
}

/// Driver and link have to speak the same language, and a Modbus bus needs an address on it.
fn fits(
    page: &Page,
    written: &written::Equipment,
    (key, place): (&str, &Range<usize>),
    speech: Option<Speech>,
    link: Option<&Link>,
) {
    let modbus_link = matches!(key, "modbus_tcp" | "modbus_rtu" | "modbus_rtu_tcp");
    let fits = match speech {
        Some(Speech::Modbus) => modbus_link,
        Some(Speech::Text) => !modbus_link && key != "opcua",
        Some(Speech::Nodes) => key == "opcua",
        None => false,
    };
    if !fits {
        let (says, use_instead) = match speech {
            Some(Speech::Modbus) => (
                "speaks Modbus",
                "modbus_tcp, modbus_rtu, or modbus_rtu_tcp for a serial server",
            ),
            Some(Speech::Nodes) => ("speaks OPC UA", "opcua = \"opc.tcp://…\""),
            Some(Speech::Text) => ("speaks in characters", "serial, or tcp for a serial server"),
            None => ("speaks in a way that has no link yet", "another driver"),
        };
        let driver = written.driver.as_ref().map_or(place.clone(), Spanned::span);
        page.add(
            Complaint::new(
                "link-does-not-fit",
                format!(
                    "the driver of {} cannot speak over `{key}`",
                    written.tag.get_ref()
                ),
            )
            .mark(place.clone(), "this link")
            .mark(driver, format!("this driver {says}"))
            .help(format!("write {use_instead}, or name the right driver")),
        );
        return;
    }
    unit_id(
        page,
        written,
        modbus_link,
        matches!(link, Some(Link::ModbusRtu { .. } | Link::ModbusRtuTcp(_))),
    );
}

fn unit_id(page: &Page, written: &written::Equipment, modbus: bool, bus: bool) {
    match &written.unit_id {
        Some(id) if !modbus => {
            let complaint = Complaint::new(
                "unit-id-without-modbus",
                "`unit_id` is an address on Modbus, and this link is none",
            );
            page.add(complaint.mark(id.span(), "").help("take `unit_id` out"));
        }
        Some(id) if !(if bus { 1..=247 } else { 0..=255 }).contains(id.get_ref()) => {
            let range = if bus { "1 to 247" } else { "0 to 255" };
            let complaint = Complaint::new("out-of-range", format!("`unit_id` cannot be {}", id.get_ref()));
            page.add(
                complaint
                    .mark(id.span(), "")
                    .help(format!("write the number set at the instrument, {range}")),
            );
        }
        None if bus => {
            let what = format!(
                "{} needs the key `unit_id`: several instruments share a bus",
                written.tag.get_ref()
            );
            let complaint = Complaint::new("missing-key", what).mark(written.place.clone(), "");
            page.add(complaint.help("add a line like unit_id = 1: the address set at the instrument"));
        }
        _ => {}
    }
}

/// The unit id that counts: Modbus TCP answers at 1 unless told otherwise.
fn unit_id_of(written: &written::Equipment, link: &Link) -> Option<u8> {
    let written = written
        .unit_id
        .as_ref()
        .and_then(|id| u8::try_from(*id.get_ref()).ok());
    match link {
        Link::ModbusTcp(_) | Link::ModbusRtu { .. } | Link::ModbusRtuTcp(_) => Some(written.unwrap_or(1)),
        Link::Serial { .. } | Link::Tcp(_) | Link::OpcUa(_) => None,
    }
}

// ---------------------------------------------------------------- what equipment shares

/// The wire itself, without its settings.
fn wire(link: &Link) -> String {
    match link {
        Link::Serial { path, .. } | Link::ModbusRtu { path, .. } => path.display().to_string(),
        Link::Tcp(address) | Link::ModbusTcp(address) | Link::ModbusRtuTcp(address) => address.clone(),
        Link::OpcUa(server) => server.url.clone(),
    }
}

fn place_of(written: &written::Equipment) -> Range<usize> {
    written
        .links
        .first()
        .map_or(written.place.clone(), |(_, _, value)| value.span())
}

/// One wire has one language and one setting, and each address on it belongs to one instrument.
fn shared_lines(page: &Page, written: &[written::Equipment], known: &[Known]) {
    for (number, after) in known.iter().enumerate() {
        for before in 0..number {
            let (Some(link), Some(other)) = (&after.link, &known[before].link) else {
                continue;
            };
            if wire(link) == wire(other)
                && clash(
                    page,
                    (&written[number], after, link),
                    (&written[before], &known[before], other),
                )
            {
                break;
            }
        }
    }
}

type Placed<'a> = (&'a written::Equipment, &'a Known, &'a Link);

/// Whether two instruments on one wire disturb each other; complains of the later one.
fn clash(page: &Page, (after, one, link): Placed, (before, two, other): Placed) -> bool {
    let (tag, tag_before) = (after.tag.get_ref(), before.tag.get_ref());
    let both = |complaint: Complaint, note: &str, note_before: &str| {
        complaint
            .mark(place_of(after), note)
            .mark(place_of(before), note_before)
    };
    let complaint = match (link, other) {
        // many instruments stand behind one server
        (Link::OpcUa(_), Link::OpcUa(_)) => return false,
        (Link::ModbusRtu { .. }, Link::ModbusRtu { .. })
        | (Link::ModbusTcp(_), Link::ModbusTcp(_))
        | (Link::ModbusRtuTcp(_), Link::ModbusRtuTcp(_)) => {
            if one.line != two.line && matches!(link, Link::ModbusRtu { .. }) {
                both(
                    Complaint::new(
                        "line-settings-differ",
                        format!("{tag} and {tag_before} share a line and set it differently"),
                    ),
                    &settings_in_words(after, one),
                    &settings_in_words(before, two),
                )
                .help("write the same `line` for both: one line has one speed and one frame")
            } else if unit_id_of(after, link) == unit_id_of(before, other) {
                let id = unit_id_of(after, link).unwrap_or(1);
                both(
                    Complaint::new("address-taken", format!("{tag} has the address of {tag_before}")),
                    &format!("unit id {id}"),
                    &format!("unit id {id} as well"),
                )
                .why("one instrument's values would be recorded under two tags")
                .help("write the `unit_id` that is set at each instrument")
            } else {
                return false;
            }
        }
        _ => both(
            Complaint::new("address-taken", format!("{tag} is where {tag_before} is already")),
            "this place is taken",
            &format!("by {tag_before}"),
        )
        .why("one instrument's values would be recorded under two tags")
        .help(format!(
            "write where {tag} is really connected; steelyard find serial shows the ports"
        )),
    };
    page.add(complaint);
    true
}

fn settings_in_words(written: &written::Equipment, known: &Known) -> String {
    let line = known.line.as_deref().unwrap_or("unknown");
    if written.line.is_some() {
        format!("line = \"{line}\"")
    } else {
        format!("\"{line}\", from its driver")
    }
}

/// A serial number belongs to one instrument.
fn same_instrument_twice(page: &Page, written: &[written::Equipment]) {
    let mut seen: BTreeMap<&str, &written::Equipment> = BTreeMap::new();
    for after in written {
        let Some(number) = &after.serial_number else {
            continue;
        };
        if let Some(before) = seen.insert(number.get_ref(), after) {
            let what = format!(
                "{} and {} are said to be the same instrument",
                after.tag.get_ref(),
                before.tag.get_ref()
            );
            let place = before
                .serial_number
                .as_ref()
                .map_or(before.place.clone(), Spanned::span);
            page.add(
                Complaint::new("serial-number-twice", what)
                    .mark(number.span(), format!("of {}", after.tag.get_ref()))
                    .mark(place, format!("of {}", before.tag.get_ref()))
                    .why("a swapped instrument is recognised by its serial number")
                    .help("read both off their type plates"),
            );
        }
    }
}

// ---------------------------------------------------------------- as meant

/// Equipment as meant; asked as often as its fastest capture needs, unless the file says otherwise.
pub(super) fn equipment(
    page: &Page,
    written: &[written::Equipment],
    known: &[Known],
    captures: &[Capture],
    library: &Library,
) -> BTreeMap<String, Equipment> {
    let mut all = BTreeMap::new();
    for (written, known) in written.iter().zip(known) {
        let found = written
            .driver
            .as_ref()
            .and_then(|name| library.get(name.get_ref()));
        let (Some(found), Some(link)) = (found, &known.link) else {
            continue;
        };
        let text = |key: &written::Key<String>| key.as_ref().map(|text| text.get_ref().clone());
        let equipment = Equipment {
            tag: known.tag.clone(),
            title: known.title.clone(),
            driver: found.clone(),
            edition: found.edition,
            link: link.clone(),
            unit_id: unit_id_of(written, link),
            serial_number: text(&written.serial_number),
            calibrated_till: text(&written.calibrated_till),
            every: known
                .every
                .as_ref()
                .map_or_else(|| fastest(&known.tag, captures), |(every, _)| *every),
            record_with_draft: written
                .record_with_draft
                .as_ref()
                .is_some_and(|flag| *flag.get_ref()),
            ranges: super::ranges::ranges(page, written, known),
            divisions: super::ranges::divisions(page, written, known),
            allow: written.allow.iter().map(|name| name.get_ref().clone()).collect(),
        };
        all.insert(known.tag.clone(), equipment);
    }
    all
}

fn fastest(tag: &str, captures: &[Capture]) -> Duration {
    let paces = captures
        .iter()
        .filter(|capture| capture.point.tag == tag)
        .map(|capture| match capture.pace {
            Pace::Every(time) => time,
            Pace::EveryReading | Pace::OnChange | Pace::OnDemand => EVERY,
        });
    paces.min().unwrap_or(EVERY)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_port_that_may_be_another_instrument_tomorrow_is_warned_of() {
        // path | warning
        let table = "
            /dev/ttyUSB0                                                              | port-name-moves
            /dev/serial/by-id/usb-1a86_USB2.0-Serial-if00-port0                       | adapter-without-number
            /dev/serial/by-id/usb-Prolific_Technology_Inc._USB-Serial_Controller-if00 | adapter-without-number
            /dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0                    | port-by-place
            /dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A50285BI-if00-port0            | -
            /dev/ttyS0                                                                | -";
        for row in table.lines().filter(|row| row.contains('|')) {
            let (path, name) = row.split_once('|').unwrap();
            let said = unsteady(Path::new(path.trim())).map_or("-", |warning| warning.name);
            assert_eq!(said, name.trim(), "{path}");
        }
    }
}
