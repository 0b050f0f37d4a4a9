//! The generations of the Neural Engine, and how a text is written for each.

use crate::types::Opset;
use std::fmt;

/// A generation of the Neural Engine, by the architecture string that its driver gives.
///
/// ```
/// use anemone_ir::ane::Generation;
/// assert_eq!(Generation::of_architecture("h15g"), Some(Generation::H15));
/// assert_eq!(Generation::from_name("m3"), Some(Generation::H15));
/// assert_eq!(Generation::H15.to_string(), "M3 (h15)");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Generation {
    /// M1 and A14. Also what a text is written for when nobody says: the form that all take, and the strictest rules.
    #[default]
    H13,
    /// M2 and A15.
    H14,
    /// M3 and A16.
    H15,
    /// M4 and A17 Pro.
    H16,
    /// M5, and for now what is newer.
    H17,
}

/// How a text is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Form {
    /// Whether scalars are spelled as tensors of rank 0 and the text is a `program(1.0)`, rather than a `program(1.3)`.
    pub verbose: bool,
    /// The operation set that functions are written in.
    pub opset: Opset,
    /// Whether each constant has a weight file of its own, rather than all one.
    pub file_per_constant: bool,
}

impl Generation {
    /// Every generation, the oldest first.
    pub const ALL: [Generation; 5] =
        [Generation::H13, Generation::H14, Generation::H15, Generation::H16, Generation::H17];

    /// The generation of an architecture string, such as `h15g`; what is newer than the newest known counts as that one.
    /// `None` for engines before `h13`, whose compiler takes no MIL ("MIL is only supported for H13+"; ANEForge), and for what
    /// is no such string.
    pub fn of_architecture(architecture: &str) -> Option<Generation> {
        let rest = architecture.strip_prefix(['h', 'H'])?;
        let letters = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let number: u32 = rest[..rest.len() - letters.len()].parse().ok()?;
        let valid = letters.len() <= 1 && letters.chars().all(|c| c.is_ascii_alphabetic());
        let at = usize::try_from(number.checked_sub(13)?).ok()?;
        valid.then(|| Generation::ALL[at.min(Generation::ALL.len() - 1)])
    }

    /// The generation of a chip (`m1`) or of an architecture string, in any case.
    pub fn from_name(name: &str) -> Option<Generation> {
        let chip = Generation::ALL.into_iter().find(|g| g.chip().eq_ignore_ascii_case(name));
        chip.or_else(|| Generation::of_architecture(name))
    }

    /// The Mac's chip: `M1`.
    pub const fn chip(self) -> &'static str {
        match self {
            Generation::H13 => "M1",
            Generation::H14 => "M2",
            Generation::H15 => "M3",
            Generation::H16 => "M4",
            Generation::H17 => "M5",
        }
    }

    /// The architecture, without the letter for the size of the chip: `h13`.
    pub const fn architecture(self) -> &'static str {
        match self {
            Generation::H13 => "h13",
            Generation::H14 => "h14",
            Generation::H15 => "h15",
            Generation::H16 => "h16",
            Generation::H17 => "h17",
        }
    }

    /// How a text is written for it.
    ///
    /// M1 and M2 took `string("x")` and its like from nobody who tried, but `tensor<string, []>("x")` in a `program(1.0)` of
    /// ios16 (maderix/ANE #6, an M1 Pro). Newer ones take `program(1.3)` of ios18, which every project writes for them
    /// (siliconswarm, maderix, Orion, ane-infer: M3 to M5). M1 Pro and M1 Max refused one weight file for several constants and
    /// took one for each (maderix).
    pub const fn form(self) -> Form {
        match self {
            Generation::H13 => Form { verbose: true, opset: Opset::Ios16, file_per_constant: true },
            Generation::H14 => Form { verbose: true, opset: Opset::Ios16, file_per_constant: false },
            Generation::H15 | Generation::H16 | Generation::H17 => {
                Form { verbose: false, opset: Opset::Ios18, file_per_constant: false }
            }
        }
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.chip(), self.architecture())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn architectures_and_chips_are_recognised() {
        for generation in Generation::ALL {
            assert_eq!(Generation::from_name(generation.chip()), Some(generation));
            assert_eq!(Generation::from_name(&generation.chip().to_lowercase()), Some(generation));
            assert_eq!(Generation::of_architecture(generation.architecture()), Some(generation));
            assert_eq!(Generation::of_architecture(&format!("{}g", generation.architecture())), Some(generation));
        }
        assert_eq!(Generation::of_architecture("h19s"), Some(Generation::H17));
        for no in ["", "h", "h12", "h13xx", "m1", "13", "h13-", "h99999999999"] {
            assert_eq!(Generation::of_architecture(no), None, "{no}");
        }
        assert_eq!(Generation::from_name("m9"), None);
    }
}
