//! Compressed files and other encodings of text, known by their first bytes.

use std::io::{self, BufReader, Cursor, Error, Read};

use encoding_rs_io::DecodeReaderBytesBuilder;
use flate2::bufread::MultiGzDecoder;

use super::zstd::Zstd;

/// First bytes of files that are not read, and what such a file is called.
const OTHERS: [(&[u8], &str); 4] = [
    (b"PK\x03\x04", "a zip archive"),
    (b"\xfd7zXZ\0", "compressed by xz"),
    (b"BZh", "compressed by bzip2"),
    (b"\x04\x22\x4d\x18", "compressed by lz4"),
];

/// Returns the text of a stream as UTF-8 without a byte order mark. Unpacks gzip and zstd; UTF-16 is known by its mark.
pub(super) fn unpack(stream: Box<dyn Read>) -> io::Result<Box<dyn Read>> {
    let (start, stream) = peek(stream)?;
    if let Some((_, what)) = OTHERS.iter().find(|(magic, _)| start.starts_with(magic)) {
        return Err(Error::other(format!(
            "it is {what}: unpack it first (gzip and zstd are read as they are)"
        )));
    }
    let stream = BufReader::with_capacity(1 << 16, stream);
    let text: Box<dyn Read> = if start.starts_with(b"\x1f\x8b") {
        Box::new(Packed { name: "gzip", unpacked: MultiGzDecoder::new(stream) })
    } else if Zstd::<&[u8]>::begins(&start) {
        Box::new(Packed { name: "zstd", unpacked: Zstd::new(stream) })
    } else {
        Box::new(stream)
    };
    let decoder = DecodeReaderBytesBuilder::new().utf8_passthru(true).strip_bom(true).build(text);
    Ok(Box::new(decoder))
}

/// Returns the first bytes of a stream, and the whole stream.
fn peek(mut stream: Box<dyn Read>) -> io::Result<(Vec<u8>, impl Read)> {
    let mut start = Vec::new();
    stream.by_ref().take(6).read_to_end(&mut start)?;
    Ok((start.clone(), Cursor::new(start).chain(stream)))
}

/// Compressed data as it is unpacked. Its errors say what to do.
struct Packed<R> {
    name: &'static str,
    unpacked: R,
}

impl<R: Read> Read for Packed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.unpacked.read(buffer).map_err(|error| {
            // These are errors of the system, which has not said anything about the data.
            if error.raw_os_error().is_some() || error.kind() == io::ErrorKind::Interrupted {
                return error;
            }
            let Self { name, .. } = self;
            Error::other(format!(
                "the {name} data is damaged or cut off there ({error}): compress the records again"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::unpack;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        let level = ruzstd::encoding::CompressionLevel::Fastest;
        ruzstd::encoding::compress_to_vec(bytes, level)
    }

    fn unpacked(bytes: &[u8]) -> Result<String, String> {
        let mut text = String::new();
        let mut stream = unpack(Box::new(std::io::Cursor::new(bytes.to_vec())))
            .map_err(|error| error.to_string())?;
        stream.read_to_string(&mut text).map_err(|error| error.to_string())?;
        Ok(text)
    }

    fn utf16(text: &str, order: impl Fn(u16) -> [u8; 2]) -> Vec<u8> {
        "\u{feff}"
            .chars()
            .chain(text.chars())
            .flat_map(|c| {
                let mut units = [0; 2];
                c.encode_utf16(&mut units).iter().copied().flat_map(&order).collect::<Vec<_>>()
            })
            .collect()
    }

    #[test]
    fn text_is_the_same_however_it_is_packed() {
        let text = "{\"a\":\"ü 🦀\"}\n".repeat(20_000);
        let plain = text.as_bytes();
        let marked = [b"\xef\xbb\xbf", plain].concat();
        let little = utf16(&text, u16::to_le_bytes);
        for bytes in [plain, &marked, &little, &utf16(&text, u16::to_be_bytes)] {
            for packed in [bytes.to_vec(), gzip(bytes), zstd(bytes)] {
                assert!(unpacked(&packed).as_deref() == Ok(&text), "{:?}", &packed[..9]);
            }
        }
    }

    #[test]
    fn files_that_were_appended_to_are_read_to_the_end() {
        for pack in [gzip, zstd] {
            let two = [pack(b"one\n"), pack(b""), pack(b"two\n")].concat();
            assert_eq!(unpacked(&two).as_deref(), Ok("one\ntwo\n"));
        }
        let skipped = b"\x5a\x2a\x4d\x18\x03\0\0\0abc";
        let text = [&skipped[..], &zstd(b"one\n"), skipped].concat();
        assert_eq!(unpacked(&text).as_deref(), Ok("one\n"));
    }

    #[test]
    fn every_cut_in_compressed_data_is_an_error() {
        let text: String =
            (0..2000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_string() + "\n").collect();
        for packed in [gzip(text.as_bytes()), zstd(text.as_bytes())] {
            for cut in [7, 20, packed.len() / 2, packed.len() - 1] {
                let error = unpacked(&packed[..cut]).unwrap_err();
                assert!(error.contains("damaged or cut off"), "{error}");
            }
            let mut damaged = packed.clone();
            damaged[packed.len() / 2] ^= 0x10;
            assert!(unpacked(&damaged).is_err());
        }
    }

    #[test]
    fn what_is_not_unpacked_is_named() {
        let error = unpacked(b"PK\x03\x04 and more").unwrap_err();
        assert!(error.starts_with("it is a zip archive: unpack it first"), "{error}");
    }

    #[test]
    fn nothing_is_no_text() {
        assert_eq!(unpacked(b"").as_deref(), Ok(""));
        assert_eq!(unpacked(b"\xef\xbb\xbf").as_deref(), Ok(""));
        assert_eq!(unpacked(b"{").as_deref(), Ok("{"));
    }
}
