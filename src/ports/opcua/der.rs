//! The few things of a certificate that the library does not tell: for whom it was made, and whether it may sign
//! others. Reads bytes from strangers: never beyond their end, never deeper than it has to.

/// Names in a certificate, and whether it is an authority's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Inside {
    pub(super) uris: Vec<String>,
    pub(super) hosts: Vec<String>,
    pub(super) authority: bool,
}

const ALTERNATIVE_NAMES: &[u8] = &[0x06, 0x03, 0x55, 0x1D, 0x11];
const BASIC_CONSTRAINTS: &[u8] = &[0x06, 0x03, 0x55, 0x1D, 0x13];

/// What stands in the extensions of a certificate.
pub(super) fn inside(certificate: &[u8]) -> Inside {
    let mut inside = Inside::default();
    if let Some(names) = extension(certificate, ALTERNATIVE_NAMES) {
        let mut rest = names;
        while let Some((tag, value, after)) = element(rest) {
            rest = after;
            let text = || String::from_utf8_lossy(value).into_owned();
            match (tag, value.len()) {
                (0x86, _) => inside.uris.push(text()),
                (0x82, _) => inside.hosts.push(text()),
                (0x87, 4) => inside
                    .hosts
                    .push(std::net::Ipv4Addr::new(value[0], value[1], value[2], value[3]).to_string()),
                (0x87, 16) => {
                    if let Ok(bytes) = <[u8; 16]>::try_from(value) {
                        inside.hosts.push(std::net::Ipv6Addr::from(bytes).to_string());
                    }
                }
                _ => {}
            }
        }
    }
    if let Some(constraints) = extension(certificate, BASIC_CONSTRAINTS) {
        inside.authority = matches!(element(constraints), Some((0x01, [flag], _)) if *flag != 0);
    }
    inside
}

/// The inside of the sequence in an extension's octets.
fn extension<'c>(certificate: &'c [u8], oid: &[u8]) -> Option<&'c [u8]> {
    let at = certificate.windows(oid.len()).position(|window| window == oid)?;
    let mut rest = &certificate[at + oid.len()..];
    if let Some((0x01, _, after)) = element(rest) {
        rest = after; // critical
    }
    let (0x04, octets, _) = element(rest)? else {
        return None;
    };
    match element(octets)? {
        (0x30, sequence, _) => Some(sequence),
        _ => None,
    }
}

/// Tag, value, and what follows.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match *first {
        short @ 0..=0x7F => (usize::from(short), rest),
        long @ 0x81..=0x83 => {
            let count = usize::from(long & 0x7F);
            let (digits, rest) = rest.split_at_checked(count)?;
            (
                digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)),
                rest,
            )
        }
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(length)?;
    Some((*tag, value, rest))
}

/// The certificates of a chain, one behind the other: the server's own first.
pub(super) fn chain(bytes: &[u8]) -> Vec<&[u8]> {
    let mut all = Vec::new();
    let mut rest = bytes;
    while let Some((0x30, _, after)) = element(rest) {
        all.push(&rest[..rest.len() - after.len()]);
        rest = after;
        if all.len() == 8 {
            break;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, SanType};

    fn made(authority: bool) -> Vec<u8> {
        let mut params = CertificateParams::new(["plc-3".to_owned(), "10.30.4.20".to_owned()]).unwrap();
        params
            .subject_alt_names
            .push(SanType::URI("urn:plc:3".try_into().unwrap()));
        if authority {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        params
            .self_signed(&KeyPair::generate().unwrap())
            .unwrap()
            .der()
            .to_vec()
    }

    #[test]
    fn a_certificate_says_for_whom_it_was_made_and_whether_it_signs_others() {
        let plain = inside(&made(false));
        assert_eq!(plain.uris, ["urn:plc:3"]);
        assert_eq!(plain.hosts, ["plc-3", "10.30.4.20"]);
        assert!(!plain.authority && inside(&made(true)).authority);
    }

    #[test]
    fn a_damaged_certificate_says_nothing_and_breaks_nothing() {
        let whole = made(true);
        for cut in 0..whole.len() {
            inside(&whole[..cut]);
            chain(&whole[..cut]);
            let mut flipped = whole.clone();
            flipped[cut] ^= 0xFF;
            inside(&flipped);
            chain(&flipped);
        }
    }

    #[test]
    fn a_chain_is_taken_apart_the_servers_own_first() {
        let (server, authority) = (made(false), made(true));
        let both = [server.clone(), authority.clone()].concat();
        assert_eq!(chain(&both), [&server[..], &authority[..]]);
    }
}
