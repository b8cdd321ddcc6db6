//! Drawings on the camera's picture.

use std::ffi::c_char;

use lens_media_sdk::{Annotation, AnnotationShape};

use crate::abi::{Sized32, bytes, check_pointer, init, lens_status, text};
use crate::handles::guard;
use crate::last_error::Refusal;

/// What is drawn between the points: one of `LENS_SHAPE_*`.
pub type lens_shape = i32;
/// A line through all points, as a hand drew it.
pub const LENS_SHAPE_STROKE: lens_shape = 1;
/// From the first point to the last, which it points at.
pub const LENS_SHAPE_ARROW: lens_shape = 2;
/// Around the box between the first and the last point.
pub const LENS_SHAPE_ELLIPSE: lens_shape = 3;
/// The box between the first and the last point.
pub const LENS_SHAPE_RECTANGLE: lens_shape = 4;
/// A mark at the first point.
pub const LENS_SHAPE_POINT: lens_shape = 5;
/// The label at the first point.
pub const LENS_SHAPE_TEXT: lens_shape = 6;

/// Something drawn on the camera's picture. Places are parts of the picture as the camera sent it,
/// before rotation, so that a phone that was turned and a frozen picture agree.
/// `lens_annotation_init` fills it with its defaults.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct lens_annotation {
    /// `sizeof(lens_annotation)`, set by `lens_annotation_init`.
    pub struct_size: u32,
    /// One of `LENS_SHAPE_*`.
    pub shape: lens_shape,
    /// Your own name for it; another with the same id replaces it.
    pub id: u64,
    /// `2 * point_count` numbers, x and y in turn, each 0 to 1 from the left and upper edge.
    pub points: *const f32,
    /// 1 to 512.
    pub point_count: usize,
    /// A label, `text_length` bytes of UTF-8, at most 200 characters; NULL for none.
    pub text: *const c_char,
    /// How many bytes.
    pub text_length: usize,
    /// The frame it was drawn on (`pts_us` of that frame), when `has_pts` is 1: in the count of whoever
    /// drew it. Ends count apart: it tells drawings on one frozen picture from those on another, and
    /// does not find the frame at another end.
    pub pts_us: u64,
    /// 1 when `pts_us` says something. Default 0.
    pub has_pts: u32,
    /// `0xRRGGBB`; -1, the default, when none is named.
    pub color: i32,
    /// Width of the line as a part of the picture's width, 0 to 1; -1, the default, when none is
    /// named.
    pub width: f32,
    /// 0.
    pub reserved: u32,
}

// SAFETY: it begins with its size; zeros are numbers and NULL.
unsafe impl Sized32 for lens_annotation {}

impl lens_annotation {
    const fn empty() -> Self {
        Self {
            struct_size: size_of::<Self>() as u32,
            shape: 0,
            id: 0,
            points: std::ptr::null(),
            point_count: 0,
            text: std::ptr::null(),
            text_length: 0,
            pts_us: 0,
            has_pts: 0,
            color: -1,
            width: -1.0,
            reserved: 0,
        }
    }

    /// Borrows the drawing's points and text.
    pub(crate) fn of(drawing: &Annotation) -> Self {
        let mut own = Self::empty();
        own.shape = shape_of(drawing.shape);
        own.id = drawing.id;
        own.points = drawing.points.as_ptr().cast();
        own.point_count = drawing.points.len();
        if let Some(text) = &drawing.text {
            own.text = text.as_ptr().cast();
            own.text_length = text.len();
        }
        if let Some(pts_us) = drawing.pts_us {
            (own.pts_us, own.has_pts) = (pts_us, 1);
        }
        if let Some([r, g, b]) = drawing.color {
            own.color = i32::from(r) << 16 | i32::from(g) << 8 | i32::from(b);
        }
        own.width = drawing.width.unwrap_or(-1.0);
        own
    }

    /// # Safety
    /// `points` and `text` point to as much as is said.
    pub(crate) unsafe fn to_annotation(self) -> Result<Annotation, Refusal> {
        // SAFETY: the caller's promise.
        let points = unsafe { points(self.points, self.point_count) }?;
        let mut drawing = Annotation::new(self.id, shape(self.shape)?, points);
        if !self.text.is_null() || self.text_length > 0 {
            // SAFETY: the caller's promise.
            let text = unsafe { text(self.text, self.text_length, "annotation.text") }?;
            drawing.text = Some(text.to_owned());
        }
        drawing.pts_us = (self.has_pts != 0).then_some(self.pts_us);
        drawing.width = (self.width != -1.0).then_some(self.width);
        drawing.color = match self.color {
            -1 => None,
            0..=0xFF_FFFF => {
                let [_, r, g, b] = self.color.to_be_bytes();
                Some([r, g, b])
            }
            _ => {
                return Err(Refusal::argument(
                    "annotation.color is neither -1 nor 0xRRGGBB",
                ));
            }
        };
        Ok(drawing)
    }
}

/// # Safety
/// `points` points to `2 * count` readable numbers, or is NULL.
unsafe fn points(points: *const f32, count: usize) -> Result<Vec<[f32; 2]>, Refusal> {
    // The library says what is allowed; this only keeps the sum below in its range.
    if count > 65_536 {
        return Err(Refusal::argument("annotation.point_count must be 1 to 512"));
    }
    check_pointer(points, "annotation.points")?;
    // SAFETY: the caller's promise.
    let bytes = unsafe { bytes(points.cast(), count * 8, "annotation.points") }?;
    let number = |part: &[u8]| part.try_into().map(f32::from_ne_bytes).unwrap_or_default();
    Ok(bytes
        .chunks_exact(8)
        .map(|pair| [number(&pair[..4]), number(&pair[4..])])
        .collect())
}

fn shape(shape: lens_shape) -> Result<AnnotationShape, Refusal> {
    Ok(match shape {
        LENS_SHAPE_STROKE => AnnotationShape::Stroke,
        LENS_SHAPE_ARROW => AnnotationShape::Arrow,
        LENS_SHAPE_ELLIPSE => AnnotationShape::Ellipse,
        LENS_SHAPE_RECTANGLE => AnnotationShape::Rectangle,
        LENS_SHAPE_POINT => AnnotationShape::Point,
        LENS_SHAPE_TEXT => AnnotationShape::Text,
        _ => {
            return Err(Refusal::argument(
                "annotation.shape is none of LENS_SHAPE_*",
            ));
        }
    })
}

const fn shape_of(shape: AnnotationShape) -> lens_shape {
    match shape {
        AnnotationShape::Stroke => LENS_SHAPE_STROKE,
        AnnotationShape::Arrow => LENS_SHAPE_ARROW,
        AnnotationShape::Ellipse => LENS_SHAPE_ELLIPSE,
        AnnotationShape::Rectangle => LENS_SHAPE_RECTANGLE,
        AnnotationShape::Point => LENS_SHAPE_POINT,
        AnnotationShape::Text => LENS_SHAPE_TEXT,
    }
}

/// Fills the annotation with its defaults. `struct_size` is `sizeof(lens_annotation)`.
///
/// # Safety
/// `annotation` points to `struct_size` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lens_annotation_init(
    annotation: *mut lens_annotation,
    struct_size: u32,
) -> lens_status {
    // SAFETY: the caller's promise.
    guard(|| unsafe { init(annotation, struct_size, lens_annotation::empty()) })
}
