//! Zstandard data of any number of frames.

use std::io::{self, BufRead, Error, Read};

use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// A decoder that goes on to the next frame. `ruzstd` itself stops after the first.
pub(super) struct Zstd<R> {
    packed: R,
    frame: FrameDecoder,
    is_in_frame: bool,
}

impl<R: BufRead> Zstd<R> {
    pub(super) fn new(packed: R) -> Self {
        Self { packed, frame: FrameDecoder::new(), is_in_frame: false }
    }

    /// Returns whether data begins with a frame: one of text, or one to skip.
    pub(super) fn begins(start: &[u8]) -> bool {
        let magic = start.first_chunk().map(|magic| u32::from_le_bytes(*magic));
        matches!(magic, Some(0xfd2f_b528 | 0x184d_2a50..=0x184d_2a5f))
    }

    fn begin_frame(&mut self) -> io::Result<()> {
        match self.frame.reset(&mut self.packed) {
            Ok(()) => self.is_in_frame = true,
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length,
                ..
            })) => {
                let length = u64::from(length);
                if io::copy(&mut self.packed.by_ref().take(length), &mut io::sink())? < length {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            Err(error) => return Err(Error::other(error)),
        }
        Ok(())
    }

    fn end_frame(&mut self) -> io::Result<()> {
        self.is_in_frame = false;
        let told = self.frame.get_checksum_from_data();
        if told.is_some() && told != self.frame.get_calculated_checksum() {
            return Err(Error::other("its checksum is wrong"));
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if !self.is_in_frame {
                if self.packed.fill_buf()?.is_empty() {
                    return Ok(0);
                }
                self.begin_frame()?;
                continue;
            }
            while self.frame.can_collect() == 0 && !self.frame.is_finished() {
                let one = BlockDecodingStrategy::UptoBlocks(1);
                self.frame.decode_blocks(&mut self.packed, one).map_err(Error::other)?;
            }
            match self.frame.read(buffer)? {
                0 => self.end_frame()?,
                read => return Ok(read),
            }
        }
    }
}
