//! SHA-256, and the Merkle tree of RFC 9162.

use crate::b64;
use sha2::{Digest, Sha256};
use std::fmt;

/// A SHA-256 value, shown in base64url.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The hash of bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Reads the canonical text form.
    pub fn read(text: &[u8]) -> Option<Self> {
        b64::decode_32(text).map(Self)
    }

    /// An inner node of the tree: `SHA-256(0x01 ‖ left ‖ right)`.
    pub fn node(left: &Self, right: &Self) -> Self {
        let mut bytes = [1; 65];
        bytes[1..33].copy_from_slice(&left.0);
        bytes[33..].copy_from_slice(&right.0);
        Self::of(&bytes)
    }

    /// The leaf of a line: `SHA-256(0x00 ‖ withheld form)`, the form given as what stands before the value of
    /// `data`, and the hash that stands for it.
    pub(crate) fn leaf(before: &[u8], data: &[u8; 43]) -> Self {
        let mut after = *b"\"...........................................\"}";
        after[1..44].copy_from_slice(data);
        let mut hasher = Sha256::new();
        hasher.update([0]);
        hasher.update(before);
        hasher.update(after);
        Self(hasher.finalize().into())
    }

    /// The text form as 43 bytes.
    pub fn text(&self) -> [u8; 43] {
        b64::encode_32(&self.0)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A Merkle tree that only grows, kept as its frontier: one hash per set bit of its size.
/// `root` is the Merkle tree hash of RFC 9162, so any library of that layout finds the same.
///
/// ```
/// use record::{Hash, Tree};
/// let (a, b, c) = (Hash::of(b"a"), Hash::of(b"b"), Hash::of(b"c"));
/// let tree: Tree = [a, b, c].into_iter().collect();
/// assert_eq!(tree.root(), Hash::node(&Hash::node(&a, &b), &c));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    size: u64,
    frontier: Vec<Hash>,
}

impl Tree {
    /// Adds a leaf at the end.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        let mut size = self.size;
        while size & 1 == 1 {
            // holds because a set bit of the size stands for one hash of the frontier
            let Some(left) = self.frontier.pop() else { break };
            hash = Hash::node(&left, &hash);
            size >>= 1;
        }
        self.frontier.push(hash);
        self.size += 1;
    }

    /// How many leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root; of no leaves it is the hash of nothing.
    pub fn root(&self) -> Hash {
        let mut hashes = self.frontier.iter().rev();
        let Some(last) = hashes.next() else {
            return Hash::of(b"");
        };
        hashes.fold(*last, |right, left| Hash::node(left, &right))
    }

    /// The frontier, for an index that wants to go on from here.
    pub fn frontier(&self) -> &[Hash] {
        &self.frontier
    }

    /// A tree that goes on from a kept frontier; `None` when the two do not fit.
    pub fn resume(size: u64, frontier: Vec<Hash>) -> Option<Self> {
        (size.count_ones() as usize == frontier.len()).then_some(Self { size, frontier })
    }
}

impl FromIterator<Hash> for Tree {
    fn from_iter<I: IntoIterator<Item = Hash>>(leaves: I) -> Self {
        let mut tree = Self::default();
        leaves.into_iter().for_each(|leaf| tree.push(leaf));
        tree
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition of RFC 9162, word for word.
    fn defined(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash::of(b""),
            [one] => *one,
            many => {
                let half = many.len().next_power_of_two() / 2;
                Hash::node(&defined(&many[..half]), &defined(&many[half..]))
            }
        }
    }

    #[test]
    fn the_growing_tree_has_the_root_of_the_definition() {
        let leaves: Vec<Hash> = (0..200_u32).map(|i| Hash::of(&i.to_be_bytes())).collect();
        for size in 0..leaves.len() {
            let tree: Tree = leaves[..size].iter().copied().collect();
            assert_eq!(tree.root(), defined(&leaves[..size]), "{size} leaves");
            let resumed = Tree::resume(tree.size(), tree.frontier().to_vec());
            assert_eq!(resumed, Some(tree));
        }
    }
}
