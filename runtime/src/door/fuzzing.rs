//! What a connection is taken for, whatever its pieces.

use super::first_bytes::judge;

/// However the first bytes come in, the connection is taken for the same. Input: the bytes.
pub(crate) fn first_bytes(bytes: &[u8]) {
    let mut known = None;
    for seen in 0..=bytes.len().min(16) {
        let kind = judge(&bytes[..seen]);
        assert!(known.is_none() || kind == known, "pieces matter at {seen}");
        assert!(kind.is_some() || seen < 10, "ten bytes tell");
        known = kind;
    }
}
