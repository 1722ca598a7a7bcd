//! Compressed bodies (RFC 9110 section 8.4): `gzip` (RFC 1952) and `zstd` (RFC 8878).

use crate::http::error::{ApiError, Malformed};
use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use std::io::Read;

/// What the header `Content-Encoding` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Nothing, or `identity`.
    Identity,
    Gzip,
    Zstd,
}

/// The binary logarithm of the largest window of zstd, in bytes: 8 MiB, as RFC 9659 has it for HTTP.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;
/// How much is made room for at once, as a multiple of the compressed length.
const USUAL_RATIO: usize = 8;

impl Encoding {
    /// Reads the header.
    ///
    /// # Errors
    /// [`ApiError::MediaTypeUnsupported`] if it names another encoding, or more than one.
    pub fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        let mut encoding = Self::Identity;
        for line in headers.get_all(CONTENT_ENCODING) {
            let line = line.to_str().map_err(|_| ApiError::MediaTypeUnsupported)?;
            for name in line.split(',').map(str::trim).filter(|name| !name.is_empty()) {
                let named = match name.to_ascii_lowercase().as_str() {
                    "identity" => continue,
                    "gzip" | "x-gzip" => Self::Gzip,
                    "zstd" => Self::Zstd,
                    _ => return Err(ApiError::MediaTypeUnsupported),
                };
                if encoding != Self::Identity {
                    return Err(ApiError::MediaTypeUnsupported);
                }
                encoding = named;
            }
        }
        Ok(encoding)
    }

    /// The body as it was before it was compressed. No more than `bytes_max` bytes are ever made of it, however much
    /// it would become.
    ///
    /// # Errors
    /// [`ApiError::BodyTooLarge`], or [`ApiError::MalformedJson`] if it is not encoded like this.
    pub fn decode(self, bytes: Bytes, bytes_max: usize) -> Result<Bytes, ApiError> {
        match self {
            Self::Identity => Ok(bytes),
            Self::Gzip => inflate(MultiGzDecoder::new(&bytes[..]), bytes.len(), bytes_max),
            Self::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(&bytes[..]).map_err(|_| broken())?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(|_| broken())?;
                inflate(decoder, bytes.len(), bytes_max)
            }
        }
    }
}

fn broken() -> ApiError {
    ApiError::MalformedJson(Malformed::Encoding)
}

fn inflate(decoder: impl Read, bytes_compressed: usize, bytes_max: usize) -> Result<Bytes, ApiError> {
    let mut decoded = Vec::with_capacity(bytes_compressed.saturating_mul(USUAL_RATIO).min(bytes_max));
    // One byte more than may be: then it is too large, and what would follow is not looked at.
    decoder.take(bytes_max as u64 + 1).read_to_end(&mut decoded).map_err(|_| broken())?;
    if decoded.len() > bytes_max {
        return Err(ApiError::BodyTooLarge { bytes_max });
    }
    Ok(decoded.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;
    use std::io::Write;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        zstd::encode_all(bytes, 19).unwrap()
    }

    #[test]
    fn encodings_are_named_once() {
        let of = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(CONTENT_ENCODING, line.parse().unwrap());
            }
            Encoding::of(&headers)
        };
        for identity in [&[][..], &[""], &["identity"], &["Identity, identity"], &["", " "]] {
            assert_eq!(of(identity), Ok(Encoding::Identity), "{identity:?}");
        }
        for gzip in ["gzip", "GZIP", "x-gzip", "identity, gzip"] {
            assert_eq!(of(&[gzip]), Ok(Encoding::Gzip), "{gzip}");
        }
        assert_eq!(of(&["zstd"]), Ok(Encoding::Zstd));
        for other in [&["br"][..], &["deflate"], &["gzip, gzip"], &["gzip", "zstd"], &["gzip;q=1"], &["é"]] {
            assert_eq!(of(other), Err(ApiError::MediaTypeUnsupported), "{other:?}");
        }
    }

    #[test]
    fn what_was_compressed_comes_back_up_to_the_limit() {
        let text = b"{\"type\": \"helpline_display\"}".repeat(40);
        for (encoding, compressed) in [(Encoding::Gzip, gzip(&text)), (Encoding::Zstd, zstd(&text))] {
            let decode = |bytes: &[u8], max| encoding.decode(Bytes::copy_from_slice(bytes), max);
            assert_eq!(decode(&compressed, text.len()).unwrap(), text);
            let bytes_max = text.len() - 1;
            assert_eq!(decode(&compressed, bytes_max), Err(ApiError::BodyTooLarge { bytes_max }));
            assert_eq!(decode(&compressed.repeat(2), 2 * text.len()).unwrap().len(), 2 * text.len(), "members follow");
            for cut in [0, 1, 5, compressed.len() / 2, compressed.len() - 1] {
                let cut = decode(&compressed[..cut], text.len());
                assert!(cut.as_ref().is_err_and(|e| *e == broken()) || cut.is_ok_and(|decoded| decoded.is_empty()));
            }
            assert_eq!(decode(&[&compressed[..], b"more"].concat(), text.len()), Err(broken()));
            assert_eq!(decode(&text, text.len()), Err(broken()));
        }
    }

    #[test]
    fn a_bomb_is_not_inflated() {
        let zeros = vec![0; 64 << 20];
        for (encoding, bomb) in [(Encoding::Gzip, gzip(&zeros)), (Encoding::Zstd, zstd(&zeros))] {
            assert_eq!(encoding.decode(bomb.into(), 1_000), Err(ApiError::BodyTooLarge { bytes_max: 1_000 }));
        }
    }

    #[test]
    fn a_window_that_is_too_large_is_refused() {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        encoder.window_log(27).unwrap();
        encoder.long_distance_matching(true).unwrap();
        encoder.write_all(b"{}").unwrap();
        assert_eq!(Encoding::Zstd.decode(encoder.finish().unwrap().into(), 1_000), Err(broken()));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200), magic in 0..3) {
            match magic {
                0 => drop(bytes.splice(0..0, [0x1f, 0x8b, 8, 0])),
                1 => drop(bytes.splice(0..0, [0x28, 0xb5, 0x2f, 0xfd])),
                _ => {}
            }
            for encoding in [Encoding::Gzip, Encoding::Zstd] {
                if let Ok(decoded) = encoding.decode(bytes.clone().into(), 1_000) {
                    prop_assert!(decoded.len() <= 1_000);
                }
            }
        }
    }
}
