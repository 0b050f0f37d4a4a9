//! Pictures as inputs.

use crate::support::{Folder, read_npy};
use anemone_ir::{Builder, DType, Dims, TensorType, args, check};
use anemone_mil::description::{ColorSpace, Description, Feature, FeatureType, Flexibility};
use anemone_mil::{Dialect, Form, ModelFile};
use image::{GrayImage, RgbImage, RgbaImage};

/// A model that gives its image back: 3 × 2 pixels.
fn write_model(folder: &Folder, name: &str, color: ColorSpace, dtype: DType) {
    let mut b = Builder::new();
    let shape = [1, color.channels() as usize, 2, 3];
    let x = b.input("picture", TensorType::new(dtype, Dims::new(&shape).unwrap()));
    let y = b.relu(args! { x: x });
    b.name(y, "y");
    b.output(y);
    let feature = |name: &str, ty| Feature { name: name.to_owned(), description: String::new(), optional: false, ty };
    let array = FeatureType::MultiArray {
        element: Some(if dtype == DType::Fp16 { anemone_mil::Element::Fp16 } else { anemone_mil::Element::Fp32 }),
        shape: shape.iter().map(|d| *d as u64).collect(),
        flexibility: Flexibility::Fixed,
    };
    let image = FeatureType::Image { width: 3, height: 2, color, flexibility: Flexibility::Fixed };
    let description = Description {
        inputs: vec![feature("picture", image)],
        outputs: vec![feature("y", array)],
        ..Description::default()
    };
    let file = ModelFile::of_program(&check(b.finish()).unwrap(), Dialect::V1_0, Some(description));
    file.save(&folder.path(name), Form::Package).unwrap();
}

/// Red, green and blue of six pixels.
fn pixels() -> Vec<u8> {
    (0..18).map(|i| i * 10).collect()
}

fn folder() -> Folder {
    let folder = Folder::new();
    write_model(&folder, "rgb.mlpackage", ColorSpace::Rgb, DType::Fp32);
    write_model(&folder, "bgr.mlpackage", ColorSpace::Bgr, DType::Fp16);
    write_model(&folder, "grey.mlpackage", ColorSpace::Grayscale, DType::Fp32);
    RgbImage::from_raw(3, 2, pixels()).unwrap().save(folder.path("colours.png")).unwrap();
    GrayImage::from_raw(3, 2, vec![0, 1, 2, 127, 254, 255]).unwrap().save(folder.path("grey.png")).unwrap();
    folder
}

#[test]
fn pixels_come_as_the_model_says() {
    let folder = folder();
    let plane = |first: u8| (0..6).map(move |i| f32::from(first + i * 3) * 10.0);
    let cases = [("rgb", [0, 1, 2]), ("bgr", [2, 1, 0])];
    for (model, order) in cases {
        folder.anemone(&format!("run {model}.mlpackage -i picture=colours.png -o out")).ok();
        let expected: Vec<f32> = order.into_iter().flat_map(plane).collect();
        assert_eq!(read_npy(&folder.read("out/y.npy")), ("(1, 3, 2, 3)".to_owned(), expected));
    }
    folder.anemone("run grey.mlpackage -i picture=grey.png -o out").ok();
    assert_eq!(read_npy(&folder.read("out/y.npy")).1, [0.0, 1.0, 2.0, 127.0, 254.0, 255.0]);
    // Also of one colour to the three.
    folder.anemone("run rgb.mlpackage -i picture=grey.png -o out").ok();
    assert_eq!(read_npy(&folder.read("out/y.npy")).1[6..12], [0.0, 1.0, 2.0, 127.0, 254.0, 255.0]);
}

#[test]
fn a_jpeg_is_a_picture_too() {
    let folder = folder();
    RgbImage::from_pixel(3, 2, image::Rgb([200, 100, 50])).save(folder.path("plain.JPG")).unwrap();
    folder.anemone("run rgb.mlpackage -i picture=plain.JPG -o out").ok();
    let y = read_npy(&folder.read("out/y.npy")).1;
    for (got, wanted) in y.chunks(6).zip([200.0, 100.0, 50.0]) {
        assert!(got.iter().all(|x| (x - wanted).abs() <= 3.0), "{y:?}");
    }
}

#[test]
fn pictures_that_do_not_fit() {
    let folder = folder();
    RgbImage::from_pixel(30, 20, image::Rgb([9, 8, 7])).save(folder.path("large.png")).unwrap();
    RgbaImage::from_pixel(3, 2, image::Rgba([9, 8, 7, 0])).save(folder.path("glass.png")).unwrap();
    folder.write("broken.png", b"\x89PNG\r\n\x1a\n and no more");
    folder.write("text.png", "nothing");
    let run = |picture: &str| folder.anemone(&format!("run rgb.mlpackage -i picture={picture}"));
    run("large.png").fails(1, &["is an image of 3 × 2, and large.png is one of 30 × 20", "--resize"]);
    run("broken.png").fails(1, &["broken.png is no picture that can be read"]);
    run("text.png").fails(1, &["text.png is no picture that can be read"]);
    run("none.png").fails(1, &["cannot read input `picture` from none.png"]);
    assert!(run("glass.png").ok().err.contains("partly transparent"));
    folder.anemone("run rgb.mlpackage").fails(1, &["add --input picture=FILE.png"]);
    folder.anemone("run rgb.mlpackage -i picture=large.png --resize -o out").ok();
    assert_eq!(read_npy(&folder.read("out/y.npy")).1[..7], [9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 8.0]);
    folder.write("small.mil", crate::support::SMALL);
    folder.anemone("run small.mil -i x=large.png -i z=ones").fails(1, &["input `x` is no image but fp16[1, 2, 1, 64]"]);
}
