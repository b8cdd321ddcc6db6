//! What is known of the video that a connection sends.

use crate::core::keyframe::Throttle;
use crate::core::layers::{Flow, LAYERS};
use crate::core::scalable::Scalable;

/// What is known of one video stream that the participant sends.
#[derive(Debug, Default)]
pub(crate) struct Source {
    /// Its layers; one that has none is the first.
    pub(crate) layers: [Layer; LAYERS],
    /// Whether a whole keyframe has been announced.
    pub(crate) announced: bool,
    /// What its layers send, when it has some.
    pub(crate) flow: Option<Box<Flow>>,
    /// What it is made of, when it is one scalable stream.
    pub(crate) scalable: Option<Box<Scalable>>,
}

impl Source {
    /// A layer by its number.
    pub(crate) fn layer(&mut self, number: u8) -> Option<&mut Layer> {
        self.layers.get_mut(usize::from(number))
    }

    /// Wants keyframes of these layers, as bits.
    pub(crate) fn want(&mut self, layers: u8) {
        let sent = match self.flow {
            Some(_) => layers,
            None => u8::from(layers != 0),
        };
        for (number, layer) in self.layers.iter_mut().enumerate() {
            if sent & 1 << number != 0 {
                layer.throttle.want();
            }
        }
    }
}

/// What is known of one layer.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    /// Keyframe requests to it.
    pub(crate) throttle: Throttle,
    /// Timestamp of the keyframe that is arriving.
    pub(crate) keyframe: Option<u32>,
}
