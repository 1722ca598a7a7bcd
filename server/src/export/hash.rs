//! What is written, hashed on its way.

use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::{Read, Result, Write};

/// Bytes that are read at once.
const READ_BYTES: usize = 1 << 16;

/// Passes on what is written, and knows its length and SHA-256.
pub struct Hashing<W> {
    to: W,
    hash: Sha256,
    bytes: u64,
}

/// The length of a file and the SHA-256 of all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hashed {
    pub bytes: u64,
    /// In hexadecimal.
    pub sha256: String,
}

impl<W: Write> Hashing<W> {
    /// Hashes all that is written to `to` from now on.
    pub fn new(to: W) -> Self {
        Self { to, hash: Sha256::new(), bytes: 0 }
    }

    /// Ends it.
    ///
    /// # Errors
    /// If the last bytes cannot be written.
    pub fn finish(mut self) -> Result<Hashed> {
        self.to.flush()?;
        let mut sha256 = String::new();
        for byte in self.hash.finalize() {
            // Writing to a String cannot fail.
            let _ = write!(sha256, "{byte:02x}");
        }
        Ok(Hashed { bytes: self.bytes, sha256 })
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        let written = self.to.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> Result<()> {
        self.to.flush()
    }
}

/// Hashes what was written already.
///
/// # Errors
/// If it cannot be read.
pub fn hash(mut from: impl Read) -> Result<Hashed> {
    let mut hashing = Hashing::new(std::io::sink());
    let mut bytes = vec![0; READ_BYTES];
    loop {
        let read = from.read(&mut bytes)?;
        if read == 0 {
            return hashing.finish();
        }
        hashing.write_all(&bytes[..read])?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_sha_256_of_all_bytes() {
        let mut hashing = Hashing::new(Vec::new());
        hashing.write_all(b"a").unwrap();
        hashing.write_all(b"bc").unwrap();
        let hashed = hashing.finish().unwrap();
        assert_eq!(hashed.bytes, 3);
        assert_eq!(hashed.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(hash(&b"abc"[..]).unwrap(), hashed);
    }
}
