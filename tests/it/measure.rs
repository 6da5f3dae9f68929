//! How exactly mistakes are pointed at: single mutations at known places, many of each kind, counted.

#[cfg(test)]
pub(crate) mod journal;
#[cfg(test)]
mod plan;
#[cfg(test)]
mod table;
