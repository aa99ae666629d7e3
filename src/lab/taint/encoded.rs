//! Keys that are no text.

/// Whether a file is a private key in DER that is not locked by a password: a sequence of a version and an algorithm (PKCS #8,
/// RFC 5958, section 2), a modulus (PKCS #1, RFC 8017, appendix A.1.2), or 32 or 48 bytes (SEC 1, RFC 5915, section 3).
pub(super) fn is_private_key(content: &[u8]) -> bool {
    let inner = match content {
        [0x30, length, rest @ ..] if *length < 0x80 && rest.len() == usize::from(*length) => rest,
        [0x30, 0x81, length, rest @ ..] if rest.len() == usize::from(*length) => rest,
        [0x30, 0x82, high, low, rest @ ..] if rest.len() == usize::from(u16::from_be_bytes([*high, *low])) => rest,
        _ => return false,
    };
    matches!(
        inner,
        [0x02, 0x01, 0x00 | 0x01, 0x30, _, 0x06, ..]
            | [0x02, 0x01, 0x00, 0x02, 0x81 | 0x82, ..]
            | [0x02, 0x01, 0x01, 0x04, 0x20 | 0x30, ..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_without_a_word_in_it() {
        let ed25519 =
            [&[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20][..], &[7; 32]].concat();
        assert!(is_private_key(&ed25519));
        let certificate = [&[0x30, 0x2e, 0x30, 0x2c, 2, 1, 0][..], &[7; 41]].concat();
        assert!(!is_private_key(&certificate));
        assert!(!is_private_key(&ed25519[..40]));
    }
}
