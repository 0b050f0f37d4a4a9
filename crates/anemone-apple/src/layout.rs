//! Where the elements of a port lie in its surface.
//!
//! The framework tells the strides of every port of a loaded program, and they are the only truth: rows begin on 64 bytes,
//! so that a dense copy is wrong whenever the width is no multiple of them, and planes may be padded too.

use std::fmt;
use std::ops::Range;

/// Bytes on which rows begin where the framework does not say: what has been measured on M4 and M5.
pub const ROW_ALIGN: usize = 64;

/// The type of a port's elements.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum ElementType {
    Float16,
    Float32,
    Int8,
    UInt8,
    Int16,
    UInt16,
    Int32,
    UInt32,
    /// One byte each, 0 or 1.
    Bool,
}

impl ElementType {
    const ALL: [ElementType; 9] = [
        ElementType::Float16,
        ElementType::Float32,
        ElementType::Int8,
        ElementType::UInt8,
        ElementType::Int16,
        ElementType::UInt16,
        ElementType::Int32,
        ElementType::UInt32,
        ElementType::Bool,
    ];

    /// The type that the framework's attribute `Type` names, such as `Float16`. Open sources show few of the names, so
    /// upper and lower case are not told apart.
    pub fn named(name: &str) -> Option<ElementType> {
        ElementType::ALL.into_iter().find(|e| e.name().eq_ignore_ascii_case(name))
    }

    /// The framework's name.
    pub fn name(self) -> &'static str {
        match self {
            ElementType::Float16 => "Float16",
            ElementType::Float32 => "Float32",
            ElementType::Int8 => "Int8",
            ElementType::UInt8 => "UInt8",
            ElementType::Int16 => "Int16",
            ElementType::UInt16 => "UInt16",
            ElementType::Int32 => "Int32",
            ElementType::UInt32 => "UInt32",
            ElementType::Bool => "Bool",
        }
    }

    /// Bytes of an element.
    pub fn size(self) -> usize {
        match self {
            ElementType::Int8 | ElementType::UInt8 | ElementType::Bool => 1,
            ElementType::Float16 | ElementType::Int16 | ElementType::UInt16 => 2,
            ElementType::Float32 | ElementType::Int32 | ElementType::UInt32 => 4,
        }
    }
}

impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The strides of a port, in bytes, as far as the framework tells them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Strides {
    /// `BatchStride`: from sample to sample.
    pub batch: Option<usize>,
    /// `DepthStride`: from slice to slice of a sample.
    pub depth: Option<usize>,
    /// `PlaneStride`: from channel to channel.
    pub plane: Option<usize>,
    /// `RowStride`: from row to row.
    pub row: Option<usize>,
}

/// Why a layout cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the messages say it")]
pub enum LayoutError {
    #[error("a port of {dims:?} (batches, channels, depth, height, width) has no elements: its {} is 0", empty(*dims))]
    Empty { dims: [usize; 5] },
    #[error("a port of {dims:?} {element} (batches, channels, depth, height, width) is larger than an address can say")]
    TooLarge { dims: [usize; 5], element: ElementType },
    #[error("elements are interleaved by {0}; only 1, which is not at all, is known how to be read")]
    Interleaved(usize),
    #[error("the {axis} stride is {stride} bytes, but what it steps over takes {least}")]
    Overlap { axis: &'static str, stride: usize, least: usize },
    #[error("the last row ends at byte {end}, but batch stride times batches gives {bytes} bytes")]
    Outside { end: usize, bytes: usize },
    #[error("the surface has {found} bytes, the port's layout takes {wanted}")]
    Surface { found: usize, wanted: usize },
    #[error("the tensor has {found} bytes, {rows} rows of {row} bytes at a stride of {stride} take {wanted}")]
    Tensor { found: usize, rows: usize, row: usize, stride: usize, wanted: usize },
}

/// The first axis of no elements.
fn empty(dims: [usize; 5]) -> &'static str {
    let names = ["number of batches", "number of channels", "depth", "height", "width"];
    dims.iter().zip(names).find(|(dim, _)| **dim == 0).map_or("size", |(_, name)| name)
}

/// The layout of a port: element `(b, c, d, h, w)` lies at `b * batch_stride + c * plane_stride + d * depth_stride +
/// h * row_stride + w * size`.
///
/// Every layout has been checked: it has elements, no two of them overlap, and all lie within [`Layout::bytes`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    element: ElementType,
    /// Batches, channels, depth, height, width.
    dims: [usize; 5],
    batch_stride: usize,
    depth_stride: usize,
    plane_stride: usize,
    row_stride: usize,
}

impl Layout {
    /// The layout of a port that the framework describes; what it does not tell is as dense as rows on
    /// [`ROW_ALIGN`] bytes allow, with channels within a slice and slices within a sample.
    ///
    /// `dims` are batches, channels, depth, height, width.
    ///
    /// # Errors
    /// There are no elements, they overlap, they are interleaved, or the layout is larger than memory.
    pub fn new(
        element: ElementType,
        dims: [usize; 5],
        strides: Strides,
        interleave: usize,
    ) -> Result<Layout, LayoutError> {
        let [batches, channels, depth, height, width] = dims;
        if dims.contains(&0) {
            return Err(LayoutError::Empty { dims });
        }
        if interleave != 1 {
            return Err(LayoutError::Interleaved(interleave));
        }
        let too_large = LayoutError::TooLarge { dims, element };
        let stride = |told: Option<usize>, count: usize, of: usize| told.or_else(|| count.checked_mul(of));
        let row_bytes = width.checked_mul(element.size()).and_then(|n| n.checked_next_multiple_of(ROW_ALIGN));
        let make = || {
            let row_stride = strides.row.or(row_bytes)?;
            let plane_stride = stride(strides.plane, height, row_stride)?;
            let depth_stride = stride(strides.depth, channels, plane_stride)?;
            let batch_stride = stride(strides.batch, depth, depth_stride)?;
            Some(Layout { element, dims, batch_stride, depth_stride, plane_stride, row_stride })
        };
        make().ok_or_else(|| too_large.clone())?.checked(batches, &too_large)
    }

    /// As [`Layout::new`], with nothing told.
    ///
    /// # Errors
    /// There are no elements, or more than memory has addresses.
    pub fn dense_rows(element: ElementType, dims: [usize; 5]) -> Result<Layout, LayoutError> {
        Layout::new(element, dims, Strides::default(), 1)
    }

    /// Rows must not overlap, in whatever order the axes are nested, and lie within the surface.
    fn checked(self, batches: usize, too_large: &LayoutError) -> Result<Layout, LayoutError> {
        self.batch_stride.checked_mul(batches).ok_or_else(|| too_large.clone())?;
        let [_, channels, depth, height, _] = self.dims;
        let mut axes = [
            ("row", self.row_stride, height),
            ("plane", self.plane_stride, channels),
            ("depth", self.depth_stride, depth),
            ("batch", self.batch_stride, batches),
        ];
        axes.sort_by_key(|(_, stride, _)| *stride);
        let mut least = self.row_bytes();
        for (axis, stride, count) in axes {
            if count > 1 && stride < least {
                return Err(LayoutError::Overlap { axis, stride, least });
            }
            let steps = stride.checked_mul(count - 1).ok_or_else(|| too_large.clone())?;
            least = least.checked_add(steps).ok_or_else(|| too_large.clone())?;
        }
        if least > self.bytes() {
            return Err(LayoutError::Outside { end: least, bytes: self.bytes() });
        }
        Ok(self)
    }

    /// The type of the elements.
    pub fn element(&self) -> ElementType {
        self.element
    }

    /// Batches, channels, depth, height, width.
    pub fn dims(&self) -> [usize; 5] {
        self.dims
    }

    /// Bytes from row to row.
    pub fn row_stride(&self) -> usize {
        self.row_stride
    }

    /// Bytes of the surface: batch stride times batches.
    pub fn bytes(&self) -> usize {
        self.batch_stride * self.dims[0]
    }

    /// Elements.
    pub fn elements(&self) -> usize {
        self.rows() * self.dims[4]
    }

    /// Rows, over all samples, channels, slices.
    pub fn rows(&self) -> usize {
        self.dims[..4].iter().product()
    }

    /// Bytes of a row's elements.
    pub fn row_bytes(&self) -> usize {
        self.dims[4] * self.element.size()
    }

    /// Whether the elements follow each other without a gap.
    pub fn dense(&self) -> bool {
        self.is_rows(self.row_bytes())
    }

    /// Whether row `i`, in row-major order, begins at byte `i * row_stride`: rows that are kept so can be the surface.
    pub fn is_rows(&self, row_stride: usize) -> bool {
        let [batches, channels, depth, height, _] = self.dims;
        // The stride of an axis of one element is never used.
        let fits =
            |count: usize, stride: usize, rows: usize| count == 1 || Some(stride) == row_stride.checked_mul(rows);
        fits(height, self.row_stride, 1)
            && fits(depth, self.depth_stride, height)
            && fits(channels, self.plane_stride, height * depth)
            && fits(batches, self.batch_stride, height * depth * channels)
    }

    /// The bytes of each row's elements in the surface, in row-major order.
    pub fn row_ranges(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let [_, channels, depth, height, _] = self.dims;
        (0..self.rows()).map(move |row| {
            let (h, rest) = (row % height, row / height);
            let (d, rest) = (rest % depth, rest / depth);
            let (c, b) = (rest % channels, rest / channels);
            let plane = b * self.batch_stride + c * self.plane_stride + d * self.depth_stride;
            let start = plane + h * self.row_stride;
            start..start + self.row_bytes()
        })
    }

    /// Copies a tensor into a surface. Its rows, in row-major order, are `stride` bytes apart. Nothing between the
    /// surface's rows is written.
    ///
    /// # Errors
    /// The tensor or the surface is too small.
    pub fn pack(&self, tensor: &[u8], stride: usize, surface: &mut [u8]) -> Result<(), LayoutError> {
        self.check_buffers(tensor.len(), stride, surface.len())?;
        for (row, range) in self.row_ranges().enumerate() {
            surface[range].copy_from_slice(&tensor[row * stride..][..self.row_bytes()]);
        }
        Ok(())
    }

    /// Copies a surface into a tensor. Its rows, in row-major order, are `stride` bytes apart. Nothing between the
    /// tensor's rows is written.
    ///
    /// # Errors
    /// The tensor or the surface is too small.
    pub fn unpack(&self, surface: &[u8], tensor: &mut [u8], stride: usize) -> Result<(), LayoutError> {
        self.check_buffers(tensor.len(), stride, surface.len())?;
        for (row, range) in self.row_ranges().enumerate() {
            tensor[row * stride..][..self.row_bytes()].copy_from_slice(&surface[range]);
        }
        Ok(())
    }

    fn check_buffers(&self, tensor: usize, stride: usize, surface: usize) -> Result<(), LayoutError> {
        let (rows, row) = (self.rows(), self.row_bytes());
        if stride < row {
            return Err(LayoutError::Overlap { axis: "tensor's row", stride, least: row });
        }
        let wanted = (rows - 1).saturating_mul(stride).saturating_add(row);
        if tensor < wanted {
            return Err(LayoutError::Tensor { found: tensor, rows, row, stride, wanted });
        }
        if surface < self.bytes() {
            return Err(LayoutError::Surface { found: surface, wanted: self.bytes() });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(batch: usize, depth: usize, plane: usize, row: usize) -> Strides {
        Strides { batch: Some(batch), depth: Some(depth), plane: Some(plane), row: Some(row) }
    }

    #[test]
    fn what_is_not_told_is_rows_on_64_bytes() {
        // Measured: an identity on [1, 4, 1, 4] fp16 has RowStride 64, PlaneStride 64, BatchStride 256.
        let layout = Layout::dense_rows(ElementType::Float16, [1, 4, 1, 1, 4]).unwrap();
        assert_eq!(layout, Layout::new(ElementType::Float16, [1, 4, 1, 1, 4], told(256, 256, 64, 64), 1).unwrap());
        assert_eq!((layout.bytes(), layout.rows(), layout.row_bytes()), (256, 4, 8));
        assert!(layout.is_rows(64) && !layout.dense());
        // Measured: [1, 100, 1, 4082] is laid out with a stride of 4096 elements.
        let layout = Layout::dense_rows(ElementType::Float16, [1, 100, 1, 1, 4082]).unwrap();
        assert_eq!(layout.row_stride(), 4096 * 2);
        let layout = Layout::dense_rows(ElementType::Float32, [2, 3, 1, 5, 16]).unwrap();
        assert!(layout.dense() && layout.is_rows(64));
        assert_eq!(layout.bytes(), 2 * 3 * 5 * 64);
    }

    #[test]
    fn strides_that_are_told_are_kept() {
        let strides = Strides { plane: Some(1024), ..Strides::default() };
        let layout = Layout::new(ElementType::Int8, [1, 2, 1, 3, 5], strides, 1).unwrap();
        assert_eq!(layout.bytes(), 2048);
        assert!(!layout.is_rows(64));
        let starts: Vec<_> = layout.row_ranges().map(|r| r.start).collect();
        assert_eq!(starts, [0, 64, 128, 1024, 1088, 1152]);
        // Depth outside of channels, as the defaults nest, and rows of the tensor in the order of N, C, D, H.
        let layout = Layout::dense_rows(ElementType::Float16, [1, 2, 2, 1, 4]).unwrap();
        assert_eq!(layout.row_ranges().map(|r| r.start).collect::<Vec<_>>(), [0, 128, 64, 192]);
        assert!(!layout.is_rows(64));
        // The stride of an axis of one element says nothing.
        let layout = Layout::new(ElementType::Float16, [1, 1, 1, 4, 32], told(256, 7, 9, 64), 1).unwrap();
        assert!(layout.dense());
    }

    #[test]
    fn a_layout_that_cannot_be_is_refused() {
        let new = |dims, strides, interleave| Layout::new(ElementType::Float16, dims, strides, interleave).unwrap_err();
        let dims = [1, 4, 1, 2, 40];
        assert_eq!(new([1, 4, 1, 0, 40], Strides::default(), 1), LayoutError::Empty { dims: [1, 4, 1, 0, 40] });
        let e = new([1, 4, 0, 1, 40], Strides::default(), 1).to_string();
        assert!(e.starts_with("a port of [1, 4, 0, 1, 40] ") && e.ends_with("has no elements: its depth is 0"), "{e}");
        assert_eq!(new(dims, Strides::default(), 4), LayoutError::Interleaved(4));
        assert_eq!(
            new(dims, told(1024, 1024, 256, 64), 1),
            LayoutError::Overlap { axis: "row", stride: 64, least: 80 }
        );
        let e = new(dims, told(1024, 1024, 128, 128), 1);
        assert_eq!(e, LayoutError::Overlap { axis: "plane", stride: 128, least: 208 });
        assert_eq!(new(dims, told(256, 1024, 256, 128), 1), LayoutError::Outside { end: 976, bytes: 256 });
        let huge = [usize::MAX / 2, 4, 1, 1, 4];
        assert_eq!(
            new(huge, Strides::default(), 1),
            LayoutError::TooLarge { dims: huge, element: ElementType::Float16 }
        );
        let huge = [1, 1, 1, 1, usize::MAX];
        assert!(matches!(new(huge, Strides::default(), 1), LayoutError::TooLarge { .. }));
        assert!(matches!(new(dims, told(usize::MAX, 1, usize::MAX, 80), 1), LayoutError::TooLarge { .. }));
        assert!(matches!(new([2, 4, 1, 2, 40], told(usize::MAX, 1, 256, 80), 1), LayoutError::TooLarge { .. }));
    }

    #[test]
    fn buffers_that_are_too_small_are_refused() {
        let layout = Layout::dense_rows(ElementType::Float16, [1, 3, 1, 1, 4]).unwrap();
        let (mut tensor, mut surface) = ([0; 24], [0; 192]);
        assert_eq!(layout.pack(&tensor, 8, &mut surface), Ok(()));
        assert!(matches!(layout.pack(&tensor[1..], 8, &mut surface), Err(LayoutError::Tensor { wanted: 24, .. })));
        assert!(matches!(layout.pack(&tensor, 7, &mut surface), Err(LayoutError::Overlap { .. })));
        assert!(matches!(layout.pack(&tensor, usize::MAX, &mut surface), Err(LayoutError::Tensor { .. })));
        let e = layout.unpack(&surface[1..], &mut tensor, 8).unwrap_err();
        assert_eq!(e, LayoutError::Surface { found: 191, wanted: 192 });
    }

    #[test]
    fn types_are_found_by_the_frameworks_names() {
        for element in ElementType::ALL {
            assert_eq!(ElementType::named(element.name()), Some(element));
        }
        assert_eq!(ElementType::named("uint8"), Some(ElementType::UInt8));
        assert_eq!(ElementType::named("Float8"), None);
    }

    /// A layout with random padding on every level, and the nesting of depth and channels either way.
    fn random_layout(u: &mut arbtest::arbitrary::Unstructured<'_>) -> arbtest::arbitrary::Result<Layout> {
        let element = *u.choose(&ElementType::ALL)?;
        let mut dims = [0; 5];
        for dim in &mut dims {
            *dim = u.int_in_range(1..=4)?;
        }
        let [_, channels, depth, height, width] = dims;
        let mut padding = || u.int_in_range(0..=40);
        let row = width * element.size() + padding()?;
        let (plane, slice) = if padding()? % 2 == 0 {
            let plane = row * height + padding()?;
            (plane, plane * channels + padding()?)
        } else {
            let slice = row * height + padding()?;
            (slice * depth + padding()?, slice)
        };
        let batch = (plane * channels).max(slice * depth) + padding()?;
        Ok(Layout::new(element, dims, told(batch, slice, plane, row), 1).expect("nested as it should be"))
    }

    #[test]
    fn packing_touches_rows_only_and_unpacking_is_its_inverse() {
        arbtest::arbtest(|u| {
            let layout = random_layout(u)?;
            let stride = layout.row_bytes() + u.int_in_range(0..=9)?;
            let tensor: Vec<u8> = (0..layout.rows() * stride).map(|i| (i % 251) as u8).collect();
            let mut surface = vec![0xEE; layout.bytes()];
            layout.pack(&tensor, stride, &mut surface).unwrap();

            // Byte by byte, by the definition of the strides.
            let mut expected = vec![0xEE; layout.bytes()];
            let [batches, channels, depth, height, width] = layout.dims;
            let mut row = 0;
            for b in 0..batches {
                for c in 0..channels {
                    for d in 0..depth {
                        for h in 0..height {
                            for byte in 0..width * layout.element.size() {
                                let plane = b * layout.batch_stride + c * layout.plane_stride;
                                let at = plane + d * layout.depth_stride + h * layout.row_stride + byte;
                                assert_eq!(expected[at], 0xEE, "two elements share byte {at} of {layout:?}");
                                expected[at] = tensor[row * stride + byte];
                            }
                            row += 1;
                        }
                    }
                }
            }
            assert_eq!(surface, expected, "{layout:?}");
            assert_eq!(layout.is_rows(layout.row_stride), {
                let starts = layout.row_ranges().map(|r| r.start);
                starts.enumerate().all(|(row, start)| start == row * layout.row_stride)
            });

            let mut back = vec![0x55; tensor.len()];
            layout.unpack(&surface, &mut back, stride).unwrap();
            for (at, byte) in back.iter().enumerate() {
                let padding = at % stride >= layout.row_bytes();
                assert_eq!(*byte, if padding { 0x55 } else { tensor[at] }, "byte {at} of {layout:?}");
            }
            Ok(())
        })
        .budget_ms(500);
    }
}
