//! Inputs from pictures.

use super::Binding;
use crate::context::Context;
use crate::elements::Elements;
use crate::failure::Problem;
use anemone_ir::TensorType;
use anemone_mil::description::{ColorSpace, Feature, FeatureType};
use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageDecoder, ImageReader, Limits};
use std::path::Path;

/// The most memory that a picture may take.
const MOST: u64 = 1 << 30;

/// Whether a file's name says that it is a picture.
pub(super) fn is_named_so(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
    matches!(extension.as_deref(), Some("png" | "jpg" | "jpeg"))
}

/// Whether the model says that an input is an image.
pub(super) fn is_image(features: &[Feature], name: &str) -> bool {
    colours(features, name).is_some()
}

fn colours(features: &[Feature], name: &str) -> Option<ColorSpace> {
    let feature = features.iter().find(|f| f.name == name)?;
    if let FeatureType::Image { color, .. } = feature.ty { Some(color) } else { None }
}

/// The pixels of a picture as the function gets them: planes of numbers from 0 to 255, in the order of colours that the model
/// says.
pub(super) fn read(
    name: &str,
    ty: &TensorType,
    path: &Path,
    how: Binding<'_>,
    cx: &Context,
) -> Result<Elements, Problem> {
    let Some(colours) = colours(how.features, name) else {
        let message = format!("input `{name}` is no image but {ty}: {} cannot be given for it", path.display());
        let hint =
            "the model's description says which inputs are images; MIL text has none. Make a .npy file of the picture";
        return Err(Problem::new("input-type", message).hint(hint));
    };
    let [1, channels, height, width] = ty.dims[..] else {
        let message =
            format!("input `{name}` is {ty}, which is no image: its dimensions are 1, colours, height and width");
        return Err(Problem::new("input-type", message));
    };
    if channels as u64 != colours.channels() {
        let message = format!("input `{name}` is {ty}, and an image in {colours} has {} colours", colours.channels());
        return Err(Problem::new("input-type", message));
    }
    let picture = picture(name, path, (width, height), how.resize)?;
    if picture.color().has_alpha() {
        cx.warn(&format!("input `{name}`: {} is partly transparent, which is not looked at", path.display()));
    }
    let planes = planes(&picture, colours);
    let numbers = planes.iter().map(|pixel| f64::from(*pixel));
    Elements::from_f64(ty.dtype, planes.len(), numbers)
        .map_err(|message| Problem::new("input-type", format!("input `{name}` is {ty}: {message}")))
}

/// A picture of a size, which it must have unless it may be resized.
fn picture(name: &str, path: &Path, wanted: (usize, usize), resize: bool) -> Result<DynamicImage, Problem> {
    let io = |e: std::io::Error| Problem::io(&format!("read input `{name}` from"), path, &e);
    let broken = |e: image::ImageError| {
        Problem::new("image", format!("input `{name}`: {} is no picture that can be read: {e}", path.display()))
    };
    let mut reader = ImageReader::open(path).map_err(io)?.with_guessed_format().map_err(io)?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST);
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(broken)?;
    // Before the pixels are read: nobody waits for those of a picture of another size.
    let (width, height) = decoder.dimensions();
    let fits = (width as usize, height as usize) == wanted;
    let (wide, high) = wanted;
    if !fits && !resize {
        let message = format!(
            "input `{name}` is an image of {wide} × {high}, and {} is one of {width} × {height} (width × height)",
            path.display()
        );
        let hint = format!("make the picture {wide} × {high}, or have it resized with --resize; or see --shape");
        return Err(Problem::new("image-size", message).hint(hint));
    }
    let picture = DynamicImage::from_decoder(decoder).map_err(broken)?;
    if fits {
        return Ok(picture);
    }
    // Dimensions of tensors are far below what does not fit.
    let (wide, high) = (u32::try_from(wide).unwrap_or(u32::MAX), u32::try_from(high).unwrap_or(u32::MAX));
    Ok(picture.resize_exact(wide, high, FilterType::Triangle))
}

/// The pixels, plane by plane.
fn planes(picture: &DynamicImage, colours: ColorSpace) -> Vec<u8> {
    let order: &[usize] = match colours {
        ColorSpace::Grayscale | ColorSpace::GrayscaleFloat16 => {
            return imageops::grayscale(&picture.to_rgb8()).into_raw();
        }
        ColorSpace::Bgr => &[2, 1, 0],
        ColorSpace::Rgb | ColorSpace::Unknown => &[0, 1, 2],
    };
    let pixels = picture.to_rgb8();
    order.iter().flat_map(|colour| pixels.pixels().map(|pixel| pixel.0[*colour])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::RgbImage;

    #[test]
    fn colours_are_in_the_order_of_the_model() {
        let picture = DynamicImage::from(RgbImage::from_raw(2, 1, vec![10, 20, 30, 40, 50, 60]).unwrap());
        assert_eq!(planes(&picture, ColorSpace::Rgb), [10, 40, 20, 50, 30, 60]);
        assert_eq!(planes(&picture, ColorSpace::Bgr), [30, 60, 20, 50, 10, 40]);
        let grey = DynamicImage::from(RgbImage::from_raw(2, 1, vec![7, 7, 7, 255, 255, 255]).unwrap());
        assert_eq!(planes(&grey, ColorSpace::Grayscale), [7, 255]);
    }
}
