//! One binary for everything that needs the gateway; one file per chapter.
mod mqtt;
