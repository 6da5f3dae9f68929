//! How exactly mistakes are pointed at: single mutations at known places, many of each kind, counted.

#[cfg(test)]
mod journal;
#[cfg(test)]
mod plan;
#[cfg(test)]
mod table;
