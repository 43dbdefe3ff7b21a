//! Opens physical lines to equipment, by address.

use super::{serial::Serial, tcp::Tcp};
use crate::flow::needs::{Address, Link, Links, Waiting};
use std::io;

/// The real lines of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLinks;

impl Links for SystemLinks {
    fn open<'a>(&'a self, address: &'a Address) -> Waiting<'a, io::Result<Box<dyn Link>>> {
        Box::pin(async move {
            Ok(match address {
                Address::Serial(path, line) => Box::new(Serial::open(path, *line)?) as Box<dyn Link>,
                Address::Tcp(address) => Box::new(Tcp::open(address).await?),
            })
        })
    }
}
