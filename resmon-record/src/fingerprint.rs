//! Short names for values that must not appear in a file name.

/// Hashes `parts` to 16 hexadecimal digits with FNV-1a.
///
/// The result is the same for every version of Rust and of resmon. It is not cryptographic: whoever can guess a value
/// can confirm the guess.
#[must_use]
pub fn fingerprint(parts: &[&str]) -> String {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}
