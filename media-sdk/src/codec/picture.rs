//! Raw pictures: planar as encoders take them, and semi-planar as cameras of phones give them.

use crate::error::MediaError;
use crate::frame::Rotation;

/// Largest side of a picture, in pixels: what a VP8 header can say (RFC 6386 §9.1).
const MOST: u32 = 16_383;

/// A raw picture in I420 (planar YUV 4:2:0, BT.601 limited range), borrowed.
#[derive(Clone, Copy)]
pub struct I420<'a> {
    /// Width in pixels, even.
    pub width: u32,
    /// Height in pixels, even.
    pub height: u32,
    /// Planes in the order Y, U, V: `height`, `height / 2` and `height / 2` rows.
    pub planes: [&'a [u8]; 3],
    /// Bytes from one row to the next, of each plane.
    pub strides: [usize; 3],
    /// How it has to be turned.
    pub rotation: Rotation,
    /// When it was captured, in microseconds.
    pub pts_us: u64,
}

/// The same in NV12 (semi-planar: one plane of luma, one of both chromas), borrowed.
#[derive(Clone, Copy)]
pub struct Nv12<'a> {
    /// Width in pixels, even.
    pub width: u32,
    /// Height in pixels, even.
    pub height: u32,
    /// Planes in the order Y, UV: `height` and `height / 2` rows; the second one has a U and a V for
    /// every two pixels, in this order.
    pub planes: [&'a [u8]; 2],
    /// Bytes from one row to the next, of each plane.
    pub strides: [usize; 2],
    /// How it has to be turned.
    pub rotation: Rotation,
    /// When it was captured, in microseconds.
    pub pts_us: u64,
}

impl<'a> I420<'a> {
    /// Whether sides, strides and planes fit together. The last row of a plane may end with its
    /// last pixel.
    ///
    /// # Errors
    /// [`MediaError::OutOfRange`], which names the first that does not fit.
    pub fn check(&self) -> Result<(), MediaError> {
        let [width, height] = sides(self.width, self.height)?;
        let [y, u, v] = self.planes;
        let [y_stride, u_stride, v_stride] = self.strides;
        plane(
            ["plane Y", "the stride of plane Y"],
            y,
            y_stride,
            width,
            height,
        )?;
        let (width, height) = (width / 2, height / 2);
        plane(
            ["plane U", "the stride of plane U"],
            u,
            u_stride,
            width,
            height,
        )?;
        plane(
            ["plane V", "the stride of plane V"],
            v,
            v_stride,
            width,
            height,
        )
    }

    /// The rows of plane 0, 1 or 2, without what is between them.
    fn rows(&self, index: usize) -> impl Iterator<Item = &'a [u8]> {
        let half = if index == 0 { 1 } else { 2 };
        let (width, height) = (self.width as usize / half, self.height as usize / half);
        let (plane, stride) = (self.planes[index], self.strides[index]);
        (0..height).map(move |row| plane.get(row * stride..row * stride + width).unwrap_or(&[]))
    }

    /// Copies it into `memory`, which is cleared first, with rows that follow each other closely.
    ///
    /// # Errors
    /// As [`I420::check`].
    pub fn packed<'m>(&self, memory: &'m mut Vec<u8>) -> Result<I420<'m>, MediaError> {
        self.check()?;
        memory.clear();
        (0..3).for_each(|index| {
            self.rows(index)
                .for_each(|row| memory.extend_from_slice(row))
        });
        Ok(closely(
            self.width,
            self.height,
            memory,
            self.rotation,
            self.pts_us,
        ))
    }

    /// Copies it into `memory`, which is cleared first, as NV12 with close rows.
    ///
    /// # Errors
    /// As [`I420::check`].
    pub fn to_nv12<'m>(&self, memory: &'m mut Vec<u8>) -> Result<Nv12<'m>, MediaError> {
        self.check()?;
        memory.clear();
        self.rows(0).for_each(|row| memory.extend_from_slice(row));
        for (u, v) in self.rows(1).zip(self.rows(2)) {
            memory.extend(u.iter().zip(v).flat_map(|(u, v)| [*u, *v]));
        }
        let width = self.width as usize;
        let (y, uv) = memory.split_at(width * self.height as usize);
        Ok(Nv12 {
            width: self.width,
            height: self.height,
            planes: [y, uv],
            strides: [width; 2],
            rotation: self.rotation,
            pts_us: self.pts_us,
        })
    }
}

impl Nv12<'_> {
    /// Whether sides, strides and planes fit together; see [`I420::check`].
    ///
    /// # Errors
    /// [`MediaError::OutOfRange`], which names the first that does not fit.
    pub fn check(&self) -> Result<(), MediaError> {
        let [width, height] = sides(self.width, self.height)?;
        let [y, uv] = self.planes;
        let [y_stride, uv_stride] = self.strides;
        plane(
            ["plane Y", "the stride of plane Y"],
            y,
            y_stride,
            width,
            height,
        )?;
        plane(
            ["plane UV", "the stride of plane UV"],
            uv,
            uv_stride,
            width,
            height / 2,
        )
    }

    /// Copies it into `memory`, which is cleared first, as I420 with close rows: what encoders take.
    ///
    /// # Errors
    /// As [`Nv12::check`].
    pub fn to_i420<'m>(&self, memory: &'m mut Vec<u8>) -> Result<I420<'m>, MediaError> {
        self.check()?;
        memory.clear();
        let (width, height) = (self.width as usize, self.height as usize);
        let rows = |index: usize, height: usize| {
            let (plane, stride) = (self.planes[index], self.strides[index]);
            (0..height).map(move |row| plane.get(row * stride..row * stride + width).unwrap_or(&[]))
        };
        rows(0, height).for_each(|row| memory.extend_from_slice(row));
        for chroma in 0..2 {
            let half = |row: &[u8]| {
                row.iter()
                    .skip(chroma)
                    .step_by(2)
                    .copied()
                    .collect::<Vec<_>>()
            };
            rows(1, height / 2).for_each(|row| memory.extend(half(row)));
        }
        Ok(closely(
            self.width,
            self.height,
            memory,
            self.rotation,
            self.pts_us,
        ))
    }
}

/// I420 whose rows and planes follow each other in `memory`.
fn closely(width: u32, height: u32, memory: &[u8], rotation: Rotation, pts_us: u64) -> I420<'_> {
    let (wide, high) = (width as usize, height as usize);
    let (y, chroma) = memory.split_at(wide * high);
    let (u, v) = chroma.split_at(chroma.len() / 2);
    I420 {
        width,
        height,
        planes: [y, u, v],
        strides: [wide, wide / 2, wide / 2],
        rotation,
        pts_us,
    }
}

fn sides(width: u32, height: u32) -> Result<[usize; 2], MediaError> {
    for (what, side) in [
        ("the picture's width", width),
        ("the picture's height", height),
    ] {
        if side % 2 != 0 || !(2..=MOST).contains(&side) {
            let range = "even, 2 to 16,382";
            return Err(MediaError::OutOfRange { what, range });
        }
    }
    Ok([width as usize, height as usize])
}

fn plane(
    [plane, its_stride]: [&'static str; 2],
    bytes: &[u8],
    stride: usize,
    width: usize,
    height: usize,
) -> Result<(), MediaError> {
    if stride < width {
        let range = "at least the bytes of a row";
        return Err(MediaError::OutOfRange {
            what: its_stride,
            range,
        });
    }
    let least = stride
        .checked_mul(height - 1)
        .and_then(|before| before.checked_add(width));
    if least.is_none_or(|least| bytes.len() < least) {
        let range = "as long as its rows and its stride say";
        return Err(MediaError::OutOfRange { what: plane, range });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each sample another, with `gap` bytes of 255 behind each row.
    fn planes(width: usize, height: usize, gap: usize) -> [Vec<u8>; 3] {
        let plane = |width: usize, height: usize, first: usize| {
            let row = |row: usize| {
                let samples = (0..width).map(move |x| ((first + row * width + x) % 250) as u8);
                samples.chain(std::iter::repeat_n(255, gap))
            };
            (0..height).flat_map(row).collect::<Vec<u8>>()
        };
        let (w, h) = (width / 2, height / 2);
        [plane(width, height, 0), plane(w, h, 70), plane(w, h, 140)]
    }

    fn picture(planes: &[Vec<u8>; 3], width: u32, height: u32, gap: usize) -> I420<'_> {
        let wide = width as usize;
        I420 {
            width,
            height,
            planes: [&planes[0], &planes[1], &planes[2]],
            strides: [wide + gap, wide / 2 + gap, wide / 2 + gap],
            rotation: Rotation::Quarter,
            pts_us: 7,
        }
    }

    #[test]
    fn nv12_and_i420_are_the_same_picture_whatever_the_strides() {
        let (close, loose) = (planes(6, 4, 0), planes(6, 4, 5));
        let (mut one, mut other, mut third) = (Vec::new(), Vec::new(), Vec::new());
        let packed = picture(&loose, 6, 4, 5).packed(&mut one).expect("valid");
        assert_eq!(packed.planes, picture(&close, 6, 4, 0).planes);
        let nv12 = picture(&loose, 6, 4, 5).to_nv12(&mut other).expect("valid");
        assert_eq!(nv12.planes[1][..4], [70, 140, 71, 141]);
        let again = nv12.to_i420(&mut third).expect("valid");
        assert_eq!(again.planes, packed.planes);
        assert_eq!((again.rotation, again.pts_us), (Rotation::Quarter, 7));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let planes = planes(6, 4, 0);
        let good = picture(&planes, 6, 4, 0);
        assert!(good.check().is_ok());
        let named = |picture: I420<'_>| match picture.check() {
            Err(MediaError::OutOfRange { what, .. }) => what,
            other => panic!("{other:?}"),
        };
        assert_eq!(named(I420 { width: 5, ..good }), "the picture's width");
        assert_eq!(named(I420 { height: 3, ..good }), "the picture's height");
        assert_eq!(named(I420 { height: 0, ..good }), "the picture's height");
        assert_eq!(named(I420 { height: 6, ..good }), "plane Y");
        let strides = [6, 2, 3];
        assert_eq!(named(I420 { strides, ..good }), "the stride of plane U");
        let strides = [6, 3, usize::MAX];
        assert_eq!(named(I420 { strides, ..good }), "plane V");
        let mut memory = Vec::new();
        let nv12 = good.to_nv12(&mut memory).expect("valid");
        let narrow = Nv12 {
            strides: [6, 5],
            ..nv12
        };
        assert!(narrow.check().is_err());
    }
}
