//! What is read of descriptors, and what of strangers' bytes is not.

use proptest::prelude::*;

use super::example::{Bitstream, keyframe};
use super::*;

fn structure() -> Structure {
    let read = read(&keyframe(100), None).expect("a descriptor");
    read.structure.expect("a structure")
}

fn short(template: u32, number: u16) -> Vec<u8> {
    let mut bits = Bitstream::default();
    bits.mandatory((true, false), template, number).bytes()
}

#[test]
fn a_structure_tells_layers_sizes_and_what_includes_what() {
    let structure = structure();
    let layers: Vec<_> = (0..structure.targets())
        .map(|it| structure.layers(it))
        .collect();
    assert_eq!(layers, [(0, 0), (0, 1), (1, 0), (1, 1)]);
    assert_eq!(structure.size(0), Some((360, 640)));
    assert_eq!(structure.size(1), Some((720, 1_280)));
    assert_eq!(structure.size(2), None);
    let within = |one| {
        (0..4)
            .filter(|it| structure.includes(one, *it))
            .collect::<Vec<_>>()
    };
    assert_eq!([within(0), within(1)], [vec![0], vec![0, 1]]);
    assert_eq!([within(2), within(3)], [vec![0, 2], vec![0, 1, 2, 3]]);
}

#[test]
fn a_frame_is_what_its_template_says_and_numbers_of_both_wrap() {
    let structure = structure();
    // Templates 62, 63, 0, 1, 2, 3.
    let read = |template, number| read(&short(template, number), Some(&structure));
    let frame = read(3, 1).expect("the last template").frame;
    assert_eq!((frame.spatial, frame.temporal), (1, 1));
    assert_eq!(frame.references().collect::<Vec<_>>(), [0xFFFF, 0]);
    assert_eq!(
        (frame.to(3), frame.to(2)),
        (Indication::Discardable, Indication::NotPresent)
    );
    let base = read(63, 9).expect("the second").frame;
    assert_eq!(
        (base.to(0), base.to(3)),
        (Indication::Switch, Indication::Required)
    );
    assert!(base.starts && !base.ends);
    assert_eq!(read(4, 9), None, "there is no such template");
    assert_eq!(super::read(&short(63, 9), None), None, "nor a structure");
}

#[test]
fn what_is_custom_stands_in_place_of_the_template() {
    let structure = structure();
    let mut bits = Bitstream::default();
    bits.mandatory((true, true), 63, 500)
        .put(0b0_1111, 5)
        .put(0b0011, 4);
    bits.indications("SDR-");
    // Back by 3, by 256 and by 4,096; then none.
    bits.put(1, 2)
        .put(2, 4)
        .put(2, 2)
        .put(255, 8)
        .put(3, 2)
        .put(4_095, 12)
        .put(0, 2);
    bits.put(7, 8).put(8, 8);
    let read = read(&bits.bytes(), Some(&structure)).expect("a descriptor");
    assert_eq!(read.active, Some(0b0011));
    let frame = read.frame;
    let numbers: Vec<u16> = frame.references().collect();
    assert_eq!(numbers, [497, 244, 500_u16.wrapping_sub(4_096)]);
    let all = [0, 1, 2, 3].map(|it| frame.to(it));
    let expected = [
        Indication::Switch,
        Indication::Discardable,
        Indication::Required,
        Indication::NotPresent,
    ];
    assert_eq!(all, expected);
    // Chains are skipped, and have to be there.
    let cut = &bits.bytes()[..bits.bytes().len() - 2];
    assert_eq!(super::read(cut, Some(&structure)), None);
}

#[test]
fn numbers_below_a_bound_take_no_more_bits_than_they_need() {
    for most in 1..=33 {
        for value in 0..most {
            let mut bits = Bitstream::default();
            let bytes = bits.one_of(value, most).put(0b101, 3).bytes();
            let mut bits = Bits {
                bytes: &bytes,
                at: 0,
            };
            assert_eq!(bits.one_of(most), Some(value), "{value} of {most}");
            assert_eq!(bits.take(3), Some(0b101), "{value} of {most}");
        }
    }
    // The specification's own: of five, the first three take two bits and the others three.
    let mut bits = Bits {
        bytes: &[0b0001_1011, 0b0111_0000],
        at: 0,
    };
    let numbers: Vec<_> = (0..5).map(|_| bits.one_of(5)).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4].map(Some));
}

#[test]
fn what_is_active_is_written_into_each_form() {
    let structure = structure();
    let mut custom = Bitstream::default();
    custom
        .mandatory((true, true), 63, 7)
        .put(0b0_1100, 5)
        .put(0b1111, 4);
    custom.indications("SDR-");
    for (bytes, known) in [
        (short(63, 7), Some(&structure)),
        (keyframe(7), None),
        (custom.bytes(), Some(&structure)),
    ] {
        let before = read(&bytes, known).expect("a descriptor");
        let mut own = Rewritten::new(&bytes, 900).expect("short enough");
        own.activate(4, 0b0101);
        let after = read(own.bytes(), known).expect("a descriptor");
        assert_eq!(after.active, Some(0b0101));
        assert_eq!(after.structure, before.structure);
        assert_eq!(
            after.frame,
            Frame {
                number: 900,
                ..before.frame
            }
        );
    }
    let mut other = Rewritten::new(&keyframe(7), 7).expect("short enough");
    other.activate(5, 1);
    assert_eq!(other.bytes(), keyframe(7), "of another structure");
}

proptest! {
    #[test]
    fn nothing_breaks_the_reader(
        bytes in prop::collection::vec(any::<u8>(), 0..=LONGEST),
        cut in 0_usize..60,
        targets in 1_u8..=32,
    ) {
        let structure = structure();
        let whole = keyframe(3);
        for bytes in [&bytes[..], &whole[..cut.min(whole.len())]] {
            let _ = read(bytes, None);
            let _ = read(bytes, Some(&structure));
            if let Some(mut own) = number(bytes).and_then(|it| Rewritten::new(bytes, it)) {
                own.activate(targets, 1);
            }
        }
    }
}
