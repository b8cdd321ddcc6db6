//! How high the picture of each layer is, and which one is enough for how it is shown.
//!
//! VP8 says it in the clear header of its keyframes. What is encrypted end to end, or of another
//! codec, says nothing: there each layer is taken for half as high as the next larger, which is
//! what our offer's names stand for (`peer/rids.rs`).

use super::codec::MediaCodec;
use super::layers::{LAYERS, Rates};
use super::vp8;

/// Lines of the largest picture while nothing is known: what phones send. Higher would have viewers
/// get layers that are too small for them, lower ones that are too large.
const ASSUMED: u32 = 720;

/// Lines of each layer's picture as it is shown; 0 is the smallest layer.
pub(crate) type Heights = [u32; LAYERS];

/// What is known of the pictures of one camera.
#[derive(Debug, Default)]
pub(crate) struct Sizes {
    /// Width and height as coded.
    coded: [Option<(u16, u16)>; LAYERS],
    /// Whether viewers turn it by a quarter.
    turned: bool,
}

impl Sizes {
    /// The first packet of a keyframe of a layer.
    pub(crate) fn note(&mut self, layer: u8, codec: MediaCodec, payload: &[u8]) {
        let known = self.coded.get_mut(usize::from(layer));
        if let (Some(known), MediaCodec::Vp8) = (known, codec) {
            *known = vp8::size(payload);
        }
    }

    /// How viewers are to turn it: the two bits of 3GPP TS 26.114 §7.4.5, in quarters.
    pub(crate) fn turn(&mut self, orientation: u8) {
        self.turned = orientation & 1 != 0;
    }

    /// The heights, as far as they are known; the others by what each layer is of the next.
    pub(crate) fn heights(&self) -> Heights {
        let shown = |layer: usize| {
            let (width, height) = self.coded[layer]?;
            Some(u32::from(if self.turned { width } else { height }))
        };
        let mut known = (0..LAYERS).rev();
        let known = known.find_map(|layer| Some((layer, shown(layer)?)));
        let (layer, height) = known.unwrap_or((LAYERS - 1, ASSUMED));
        std::array::from_fn(|other| {
            shown(other).unwrap_or(match other < layer {
                true => height >> (layer - other),
                false => height << (other - layer),
            })
        })
    }
}

/// The largest layer that is of use to somebody who shows the picture in so many lines: the
/// smallest of those that are sent which has them.
pub(crate) fn enough(rates: &Rates, heights: &Heights, lines: u16) -> u8 {
    let sent = (0_u8..).zip(rates.iter().zip(heights));
    let mut fitting = sent.filter(|(_, (rate, height))| rate.is_some() && **height >= lines.into());
    fitting.next().map_or(LAYERS as u8 - 1, |(layer, _)| layer)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first bytes of a VP8 keyframe of this size.
    fn keyframe(width: u16, height: u16) -> Vec<u8> {
        let mut payload = vec![0x10, 0x10, 0, 0, 0x9D, 0x01, 0x2A];
        payload.extend(width.to_le_bytes());
        payload.extend(height.to_le_bytes());
        payload
    }

    #[test]
    fn heights_are_those_of_the_keyframes_and_by_halves_where_there_are_none() {
        let mut sizes = Sizes::default();
        assert_eq!(sizes.heights(), [180, 360, 720], "nothing known");
        sizes.note(1, MediaCodec::Vp8, &keyframe(320, 200));
        assert_eq!(sizes.heights(), [100, 200, 400]);
        sizes.note(2, MediaCodec::Vp8, &keyframe(640, 400));
        sizes.note(0, MediaCodec::Vp8, &keyframe(160, 96));
        assert_eq!(sizes.heights(), [96, 200, 400]);
        sizes.turn(1);
        assert_eq!(sizes.heights(), [160, 320, 640], "upright");
        sizes.note(2, MediaCodec::Vp8, &[0x10, 0x10, 0, 0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(sizes.heights(), [160, 320, 640], "encrypted from now on");
        sizes.note(3, MediaCodec::Vp8, &keyframe(1, 1));
        sizes.note(2, MediaCodec::Vp9(0), &keyframe(1, 1));
        assert_eq!(sizes.heights(), [160, 320, 640]);
    }

    #[test]
    fn enough_is_the_smallest_that_is_sent_and_has_the_lines() {
        let heights = [180, 360, 720];
        let all = [Some(1), Some(1), Some(1)];
        for (lines, layer) in [(0, 0), (180, 0), (181, 1), (360, 1), (361, 2), (4_320, 2)] {
            assert_eq!(enough(&all, &heights, lines), layer, "{lines}");
        }
        assert_eq!(enough(&[None, None, Some(1)], &heights, 0), 2);
        assert_eq!(enough(&[Some(1), None, Some(1)], &heights, 200), 2);
    }
}
