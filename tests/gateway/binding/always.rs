//! What holds for every history and every lateness.
