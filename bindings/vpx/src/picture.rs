//! A picture as libvpx takes and gives it, whose sides, strides and planes fit together.

use crate::error::Error;

/// Largest side in pixels: what a keyframe's header can say (RFC 6386 §9.1).
pub(crate) const MOST: u32 = 16_383;
/// Longest row: libvpx counts in `int`, and multiplies with rows.
const LONGEST_STRIDE: usize = 1 << 20;

/// A picture in I420 (planar YUV 4:2:0), borrowed. Sides may be odd; chroma then has half of them,
/// rounded up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Picture<'a> {
    width: u32,
    height: u32,
    planes: [&'a [u8]; 3],
    strides: [usize; 2],
}

impl std::fmt::Debug for Picture<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({} × {})", self.width, self.height)
    }
}

impl<'a> Picture<'a> {
    /// A picture of so many pixels; planes in the order Y, U, V. `strides` are the bytes from one
    /// row to the next, of luma and of both chromas: libvpx takes one for both. The last row of a plane
    /// may end with its last pixel.
    ///
    /// # Errors
    /// [`Error::OutOfRange`], which names the first that does not fit: sides are 1 to 16,383 pixels,
    /// strides at least a row and at most 1 MiB.
    pub fn new(
        [width, height]: [u32; 2],
        planes: [&'a [u8]; 3],
        strides: [usize; 2],
    ) -> Result<Self, Error> {
        for (what, side) in [
            ("the picture's width", width),
            ("the picture's height", height),
        ] {
            if !(1..=MOST).contains(&side) {
                let range = "1 to 16,383";
                return Err(Error::OutOfRange { what, range });
            }
        }
        let picture = Self {
            width,
            height,
            planes,
            strides,
        };
        for index in 0..3 {
            picture.check_plane(index)?;
        }
        Ok(picture)
    }

    fn check_plane(&self, index: usize) -> Result<(), Error> {
        let (stride, [width, height]) = (self.stride(index), self.sides_of(index));
        if !(width..=LONGEST_STRIDE).contains(&stride) {
            let what = match index {
                0 => "the stride of luma",
                _ => "the stride of chroma",
            };
            let range = "at least the bytes of a row, and at most 1 MiB";
            return Err(Error::OutOfRange { what, range });
        }
        if self.planes[index].len() < stride * (height - 1) + width {
            let what = ["plane Y", "plane U", "plane V"][index];
            let range = "as long as its rows and its stride say";
            return Err(Error::OutOfRange { what, range });
        }
        Ok(())
    }

    /// Width in pixels.
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    pub const fn height(&self) -> u32 {
        self.height
    }

    /// Y, U and V.
    pub const fn planes(&self) -> [&'a [u8]; 3] {
        self.planes
    }

    /// Bytes from one row to the next, of luma and of both chromas.
    pub const fn strides(&self) -> [usize; 2] {
        self.strides
    }

    /// The rows of plane 0, 1 or 2, without what is between them.
    ///
    /// # Panics
    /// For another plane.
    pub fn rows(&self, plane: usize) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let (bytes, stride) = (self.planes[plane], self.stride(plane));
        let [width, height] = self.sides_of(plane);
        (0..height).map(move |row| &bytes[row * stride..][..width])
    }

    /// Width and height of a plane, in samples.
    pub(crate) fn sides_of(&self, plane: usize) -> [usize; 2] {
        sides_of([self.width, self.height], plane)
    }

    fn stride(&self, plane: usize) -> usize {
        self.strides[plane.min(1)]
    }
}

/// Width and height of a plane of a picture of these sides, in samples.
pub(crate) fn sides_of(sides: [u32; 2], plane: usize) -> [usize; 2] {
    sides.map(|side| match plane {
        0 => side as usize,
        _ => side.div_ceil(2) as usize,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(sides: [u32; 2], lengths: [usize; 3], strides: [usize; 2]) -> &'static str {
        let memory = vec![0; 1_000];
        let planes = lengths.map(|length| &memory[..length]);
        match Picture::new(sides, planes, strides) {
            Err(Error::OutOfRange { what, .. }) => what,
            Err(other) => panic!("{other}"),
            Ok(_) => "",
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        // 5 × 3: chroma is 3 × 2.
        assert_eq!(named([5, 3], [15, 6, 6], [5, 3]), "");
        assert_eq!(named([5, 3], [8 * 2 + 5, 4 + 3, 4 + 3], [8, 4]), "");
        assert_eq!(named([0, 3], [15, 6, 6], [5, 3]), "the picture's width");
        assert_eq!(
            named([5, 16_384], [15, 6, 6], [5, 3]),
            "the picture's height"
        );
        assert_eq!(named([5, 3], [15, 6, 6], [4, 3]), "the stride of luma");
        assert_eq!(named([5, 3], [15, 6, 6], [5, 2]), "the stride of chroma");
        assert_eq!(
            named([5, 3], [15, 6, 6], [usize::MAX, 3]),
            "the stride of luma"
        );
        assert_eq!(named([5, 3], [14, 6, 6], [5, 3]), "plane Y");
        assert_eq!(named([5, 3], [15, 5, 6], [5, 3]), "plane U");
        assert_eq!(named([5, 3], [15, 6, 5], [5, 3]), "plane V");
    }

    #[test]
    fn rows_leave_out_what_is_between_them() {
        let luma: Vec<u8> = (0..8 * 2 + 5).collect();
        let picture = Picture::new([5, 3], [&luma, &luma, &luma], [8, 4]).expect("it fits");
        let firsts = |plane| -> Vec<u8> { picture.rows(plane).map(|row| row[0]).collect() };
        assert_eq!((firsts(0), firsts(1)), (vec![0, 8, 16], vec![0, 4]));
        assert!(picture.rows(1).all(|row| row.len() == 3));
    }
}
