//! What a model tells of itself: inputs, outputs, states, functions, who made it.
//!
//! A program has typed values; a description says what they are to the user: an image and its colours, the shapes that an
//! input may have, text for people. Models in protobuf and compiled ones have a description; for plain MIL text one is made
//! of the functions.

mod agree;
mod derive;
mod flexible;
mod read;
mod write;

use crate::Element;
use std::collections::BTreeMap;
use std::fmt;

pub(crate) use agree::disagreements;
pub(crate) use derive::derived;
pub(crate) use flexible::{FLEXIBLE, attribute};

/// A model's description.
///
/// `inputs`, `outputs` and `states` are those of the default function.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Description {
    /// The inputs, in the order of the file.
    pub inputs: Vec<Feature>,
    /// The outputs, in the order of the file.
    pub outputs: Vec<Feature>,
    /// The states.
    pub states: Vec<Feature>,
    /// Every function, if the file describes functions; empty in models from before there were several.
    pub functions: Vec<FunctionDescription>,
    /// The function that is run if none is named; only where `functions` are described.
    pub default_function: Option<String>,
    /// Who made it, and what for.
    pub metadata: Metadata,
}

/// One function's inputs, outputs and states.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct FunctionDescription {
    /// The function's name.
    pub name: String,
    /// The inputs.
    pub inputs: Vec<Feature>,
    /// The outputs.
    pub outputs: Vec<Feature>,
    /// The states.
    pub states: Vec<Feature>,
}

/// An input, output or state.
#[derive(Clone, PartialEq, Debug)]
pub struct Feature {
    /// The name of the function's parameter or result.
    pub name: String,
    /// For people.
    pub description: String,
    /// Whether it may be left out.
    pub optional: bool,
    /// What it is.
    pub ty: FeatureType,
}

/// What a [`Feature`] is.
#[derive(Clone, PartialEq, Debug)]
pub enum FeatureType {
    /// A tensor.
    MultiArray {
        /// The element type; `None` if the file does not say, or says one that is not known.
        element: Option<Element>,
        /// The default shape. Empty if it is not said, as for outputs whose shape depends on the input.
        shape: Vec<u64>,
        /// The other shapes it may have.
        flexibility: Flexibility,
    },
    /// An image. The function gets it as a tensor `[1, channels, height, width]`.
    Image {
        /// Pixels in a row.
        width: u64,
        /// Rows.
        height: u64,
        /// What a pixel is.
        color: ColorSpace,
        /// The other sizes it may have; each as `[height, width]`.
        flexibility: Flexibility,
    },
    /// A value that is kept between runs.
    State {
        /// The element type; `None` if the file does not say.
        element: Option<Element>,
        /// The shape.
        shape: Vec<u64>,
    },
    /// Something that programs do not take: its name in Core ML.
    Other(&'static str),
}

/// Which shapes are taken besides the default one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Flexibility {
    /// None.
    #[default]
    Fixed,
    /// These.
    Enumerated(Vec<Vec<u64>>),
    /// For each dimension the least and the greatest size; `None` is no limit.
    Range(Vec<(u64, Option<u64>)>),
}

impl Flexibility {
    /// Whether a shape is taken by it; the default shape is not looked at.
    pub fn takes(&self, shape: &[u64]) -> bool {
        match self {
            Flexibility::Fixed => false,
            Flexibility::Enumerated(shapes) => shapes.iter().any(|s| s == shape),
            Flexibility::Range(dims) => {
                let within = |((low, high), n): (&(u64, Option<u64>), &u64)| n >= low && high.is_none_or(|h| *n <= h);
                dims.len() == shape.len() && dims.iter().zip(shape).all(within)
            }
        }
    }
}

/// What a pixel is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ColorSpace {
    /// One channel of 8 bits.
    Grayscale,
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
    /// One channel of halves.
    GrayscaleFloat16,
    /// The file does not say.
    Unknown,
}

/// Colour spaces by their numbers in messages.
const COLORS: [(ColorSpace, i32); 5] = [
    (ColorSpace::Unknown, 0),
    (ColorSpace::Grayscale, 10),
    (ColorSpace::Rgb, 20),
    (ColorSpace::Bgr, 30),
    (ColorSpace::GrayscaleFloat16, 40),
];

impl ColorSpace {
    /// How many numbers a pixel has for the function.
    pub const fn channels(self) -> u64 {
        match self {
            ColorSpace::Grayscale | ColorSpace::GrayscaleFloat16 => 1,
            ColorSpace::Rgb | ColorSpace::Bgr | ColorSpace::Unknown => 3,
        }
    }

    /// Core ML's name.
    pub const fn name(self) -> &'static str {
        match self {
            ColorSpace::Grayscale => "Grayscale",
            ColorSpace::Rgb => "RGB",
            ColorSpace::Bgr => "BGR",
            ColorSpace::GrayscaleFloat16 => "GrayscaleFloat16",
            ColorSpace::Unknown => "unknown",
        }
    }
}

impl fmt::Display for ColorSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Who made a model, and what for. Empty strings are what is not said.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Metadata {
    /// What it does.
    pub description: String,
    /// Its version.
    pub version: String,
    /// Who made it.
    pub author: String,
    /// Under which licence.
    pub license: String,
    /// What else was written into it, such as the versions of converters.
    pub user_defined: BTreeMap<String, String>,
}

impl Description {
    /// What is said of a function; `None` if there is none with this name. Where functions are not described one by one, all is
    /// about the only one.
    pub fn function(&self, name: &str) -> Option<FunctionDescription> {
        if !self.functions.is_empty() {
            return self.functions.iter().find(|f| f.name == name).cloned();
        }
        let (inputs, outputs, states) = (self.inputs.clone(), self.outputs.clone(), self.states.clone());
        Some(FunctionDescription { name: name.to_owned(), inputs, outputs, states })
    }
}
