//! Floor 2: the files as written become the plant as meant, or every complaint at once.

pub mod plant;
