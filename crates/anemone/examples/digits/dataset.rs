//! What train.py has written: the network's weights, and the images that it has not been trained on.

use crate::network::PIXELS;
use safetensors::{Dtype, SafeTensors};
use std::error::Error;

/// The file, in the program: the example needs nothing from its surroundings.
const FILE: &[u8] = include_bytes!("digits.safetensors");

/// A fully connected layer.
pub(crate) struct Layer {
    /// `[out, in]`, row-major.
    pub(crate) weights: Vec<f32>,
    /// `[out]`
    pub(crate) bias: Vec<f32>,
}

/// A handwritten digit.
pub(crate) struct Image {
    /// From 0, paper, to 16, ink.
    pub(crate) pixels: [u8; PIXELS],
    /// Which digit it is.
    pub(crate) truth: u8,
}

/// Everything in the file.
pub(crate) struct Dataset {
    pub(crate) layers: Vec<Layer>,
    pub(crate) images: Vec<Image>,
}

impl Dataset {
    pub(crate) fn load() -> Result<Dataset, Box<dyn Error>> {
        let file = SafeTensors::deserialize(FILE)?;
        let layer = |index| {
            let weights = f32s(&file, &format!("layer{index}.weights"))?;
            Ok::<_, Box<dyn Error>>(Layer { weights, bias: f32s(&file, &format!("layer{index}.bias"))? })
        };
        let (pixels, _) = bytes(&file, "images", Dtype::U8)?.as_chunks::<PIXELS>();
        let images = pixels.iter().zip(bytes(&file, "labels", Dtype::U8)?);
        Ok(Dataset {
            layers: (0..3).map(layer).collect::<Result<_, _>>()?,
            images: images.map(|(pixels, truth)| Image { pixels: *pixels, truth: *truth }).collect(),
        })
    }

    pub(crate) fn parameters(&self) -> usize {
        self.layers.iter().map(|l| l.weights.len() + l.bias.len()).sum()
    }
}

fn bytes<'a>(file: &SafeTensors<'a>, name: &str, dtype: Dtype) -> Result<&'a [u8], Box<dyn Error>> {
    let tensor = file.tensor(name)?;
    if tensor.dtype() != dtype {
        return Err(format!("`{name}` is {:?}, {dtype:?} is wanted", tensor.dtype()).into());
    }
    Ok(tensor.data())
}

fn f32s(file: &SafeTensors<'_>, name: &str) -> Result<Vec<f32>, Box<dyn Error>> {
    let (words, _) = bytes(file, name, Dtype::F32)?.as_chunks::<4>();
    Ok(words.iter().map(|w| f32::from_le_bytes(*w)).collect())
}
