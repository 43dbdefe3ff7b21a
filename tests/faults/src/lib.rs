//! The rig that breaks things on purpose: lossy disks, cut wires, killed processes.
