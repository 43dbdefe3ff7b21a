//! Addresses of nodes as a driver writes them: by the short name of a namespace, never by an index, which is
//! only good until the server starts again.

use super::making::no_such;
use crate::{
    Complaint,
    nodes::{Address, Base, Namespace, NodeName, Start, Step},
    tree::{At, Block, Desk},
};

/// What addresses may refer to.
pub(super) struct Names<'n> {
    pub(super) namespaces: &'n [Namespace],
    pub(super) starts: &'n [Start],
}

/// `node = "plant;s=TIC1.PV"`, or `path = "scale / scales:CurrentWeight"`.
pub(super) fn address(block: &Block<'_>, names: &Names<'_>) -> Option<Address> {
    match (block.text("node"), block.text("path")) {
        (Some(node), None) => Some(Address {
            base: Base::Node(node_name(block.desk(), &node, names)?),
            path: Vec::new(),
        }),
        (None, Some(path)) => whole_path(block.desk(), &path, names),
        (None, None) if block.has("node") || block.has("path") => None,
        _ => {
            block.desk().complain(
                Complaint::new(
                    "node-or-path",
                    format!("{} is at a node or at a path", block.name),
                )
                .mark(block.span.clone(), "exactly one of `node` and `path`")
                .help("write `node = \"alias;s=…\"`, or `path = \"start / alias:Name\"`"),
            );
            None
        }
    }
}

fn whole_path(desk: &Desk<'_>, path: &At<String>, names: &Names<'_>) -> Option<Address> {
    let (first, rest) = path
        .what
        .split_once(" / ")
        .map_or((path.what.as_str(), None), |(first, rest)| (first, Some(rest)));
    let written = |what: &str| At {
        what: what.to_owned(),
        span: path.span.clone(),
    };
    let base = if names.starts.iter().any(|start| start.name == first) {
        Base::Start(first.to_owned())
    } else if first.contains('=') {
        Base::Node(node_name(desk, &written(first), names)?)
    } else {
        let known: Vec<&str> = names.starts.iter().map(|start| start.name.as_str()).collect();
        desk.complain(no_such("start", &written(first), &known));
        return None;
    };
    let path = match rest {
        Some(rest) => steps(desk, &written(rest), names)?,
        None => Vec::new(),
    };
    Some(Address { base, path })
}

/// `scales:CurrentWeight / EngineeringUnits`; a name without a short name before it is the standard's own.
pub(super) fn steps(desk: &Desk<'_>, path: &At<String>, names: &Names<'_>) -> Option<Vec<Step>> {
    let step = |text: &str| {
        let (namespace, name) = match text.split_once(':') {
            Some((alias, name)) => (Some(known_alias(desk, alias, path, names)?), name),
            None => (None, text),
        };
        if name.trim().is_empty() {
            desk.complain(
                Complaint::new("no-path", format!("{:?} has an empty step", path.what))
                    .mark(path.span.clone(), "a name is missing")
                    .help("write names with \" / \" between: `path = \"scale / scales:CurrentWeight\"`"),
            );
            return None;
        }
        Some(Step {
            namespace,
            name: name.to_owned(),
        })
    };
    path.what.split(" / ").map(step).collect()
}

fn known_alias(desk: &Desk<'_>, alias: &str, at: &At<String>, names: &Names<'_>) -> Option<String> {
    if names.namespaces.iter().any(|namespace| namespace.alias == alias) {
        return Some(alias.to_owned());
    }
    let known: Vec<&str> = names
        .namespaces
        .iter()
        .map(|namespace| namespace.alias.as_str())
        .collect();
    let written = At {
        what: alias.to_owned(),
        span: at.span.clone(),
    };
    desk.complain(no_such("namespace", &written, &known));
    None
}

pub(super) fn node_name(desk: &Desk<'_>, text: &At<String>, names: &Names<'_>) -> Option<NodeName> {
    if text.what.starts_with("ns=") || text.what.starts_with("nsu=") {
        desk.complain(
            Complaint::new(
                "bare-index",
                format!("{:?} does not name its namespace", text.what),
            )
            .mark(text.span.clone(), "an index or a URI here")
            .why("an index belongs to one start of one server; after the next start it may be another node's")
            .help("give the namespace a short name in `namespaces`, and write `node = \"alias;…\"`"),
        );
        return None;
    }
    let of_kind = |text: &str| ["i=", "s=", "g=", "b="].iter().any(|kind| text.starts_with(kind));
    let (namespace, identifier) = if of_kind(&text.what) {
        (None, text.what.as_str())
    } else {
        match text.what.split_once(';') {
            Some((alias, identifier)) if of_kind(identifier) => {
                (Some(known_alias(desk, alias, text, names)?), identifier)
            }
            _ => (None, ""),
        }
    };
    let sound = match identifier.split_at_checked(2) {
        Some(("i=", number)) => number.parse::<u32>().is_ok(),
        Some(("g=", guid)) => is_guid(guid),
        Some(("s=" | "b=", rest)) => !rest.is_empty(),
        _ => false,
    };
    if !sound {
        desk.complain(
            Complaint::new("no-node", format!("{:?} is no node id", text.what))
                .mark(text.span.clone(), "i=number, s=text, g=GUID or b=base64")
                .help("write for instance `node = \"plant;s=TIC1.PV\"`; what stands behind s= is taken to the letter"),
        );
        return None;
    }
    Some(NodeName {
        namespace,
        identifier: identifier.to_owned(),
    })
}

fn is_guid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [8, 4, 4, 4, 12]
        && parts
            .iter()
            .all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
