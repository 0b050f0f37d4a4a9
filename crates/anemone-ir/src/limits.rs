//! Limits of the Neural Engine as data: what is known, from where, how sure.
