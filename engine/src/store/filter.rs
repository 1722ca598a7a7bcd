//! Filters: which sessions a run may know, in three bytes for each that it does.
//!
//! A batch asks each run that is near about some ten thousand sessions, and nearly all are new. So this is a Bloom filter
//! in blocks, and the blocks are in the order of sessions: who asks in that order goes through the filter from its
//! beginning to its end, and waits for memory once a block at most, not for each bit.

use super::codec::Session;
use std::ops::Range;

/// What a stored filter begins with.
const FORM: [u8; 4] = *b"BF1\0";
/// Bits for each session: one of thirty thousand that a run does not know seems known. Each such one is a part read for
/// nothing, from anywhere on the disk.
const BITS_PER_SESSION: usize = 24;
/// Bits that a session sets, all in one block.
const BITS_SET: u32 = 10;
/// Bits that are looked at before the first question: of a hundred other sessions, four get further.
const BITS_AT_ONCE: u32 = 3;
/// Words of a block. Smaller ones are filled less evenly, and mistaken more often.
const WORDS: usize = 16;

type Block = [u64; WORDS];

/// Tells which sessions a run may know.
#[derive(Debug, Clone)]
pub struct Filter(Vec<Block>);

/// What a filter knows of a session. Its upper half is in the order of sessions.
///
/// Session keys are keyed hashes: a part of one is a hash already, and nobody can choose it.
pub fn hash(session: &Session) -> u64 {
    let [a, b, c, d, .., e, f, g, h] = session.key.0;
    let of_application = session.application.0.wrapping_mul(0x9e37_79b9);
    u64::from(u32::from_be_bytes([a, b, c, d])) << 32 | u64::from(u32::from_be_bytes([e, f, g, h]) ^ of_application)
}

/// What a session sets in a filter: the same in each, and so worked out once for all that are asked.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    hash: u64,
    /// The hash spread over 128 bits, ten for each bit that is set.
    spread: u128,
}

impl Mark {
    /// That of a session with this hash.
    pub fn of(hash: u64) -> Self {
        Self { hash, spread: u128::from(hash ^ hash >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) }
    }

    /// Some of the bits that it sets in a block: the word, and which bit of that.
    fn bits(self, which: Range<u32>) -> impl Iterator<Item = (usize, u32)> {
        which.map(move |i| {
            let place = (self.spread >> (28 + 10 * i)) as u32 % (WORDS as u32 * u64::BITS);
            ((place / u64::BITS) as usize, place % u64::BITS)
        })
    }
}

impl Filter {
    /// Of sessions with these hashes.
    pub fn of(hashes: &[u64]) -> Self {
        let blocks = (hashes.len() * BITS_PER_SESSION).div_ceil(WORDS * 64).max(1);
        let mut filter = Self(vec![[0; WORDS]; blocks]);
        for mark in hashes.iter().map(|hash| Mark::of(*hash)) {
            let block = filter.block_of(mark);
            for (word, bit) in mark.bits(0..BITS_SET) {
                filter.0[block][word] |= 1 << bit;
            }
        }
        filter
    }

    /// Bytes that it takes in memory.
    pub fn size(&self) -> usize {
        self.0.len() * size_of::<Block>()
    }

    fn block_of(&self, mark: Mark) -> usize {
        ((u128::from(mark.hash) * self.0.len() as u128) >> 64) as usize
    }

    /// Whether the run may know a session. A `false` is certain.
    pub fn may_know(&self, mark: Mark) -> bool {
        let block = &self.0[self.block_of(mark)];
        // The first few without a branch: whether a bit is set the processor cannot guess, what they come to it can.
        let first = mark.bits(0..BITS_AT_ONCE).fold(1, |all, (word, bit)| all & block[word] >> bit);
        first & 1 != 0 && mark.bits(BITS_AT_ONCE..BITS_SET).all(|(word, bit)| block[word] >> bit & 1 != 0)
    }

    /// As it is stored.
    pub fn bytes(&self) -> Vec<u8> {
        FORM.into_iter().chain(self.0.iter().flatten().flat_map(|word| word.to_le_bytes())).collect()
    }

    /// A stored filter, unless it is of another form: then it is to be made anew.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let words = bytes.strip_prefix(&FORM)?.as_chunks::<8>().0;
        let (blocks, rest) = words.as_chunks::<WORDS>();
        let block = |words: &[[u8; 8]; WORDS]| words.map(u64::from_le_bytes);
        (rest.is_empty() && !blocks.is_empty()).then(|| Self(blocks.iter().map(block).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::session;

    fn mark(i: u32) -> Mark {
        Mark::of(hash(&session(i)))
    }

    fn filter_of(sessions: std::ops::Range<u32>) -> Filter {
        Filter::of(&sessions.map(|i| hash(&session(i))).collect::<Vec<u64>>())
    }

    #[test]
    fn a_filter_knows_its_sessions_and_few_others() {
        for size in [1, 2, 500, 20_000, 400_000] {
            let filter = Filter::from_bytes(&filter_of(0..size).bytes()).unwrap();
            assert!((0..size).all(|i| filter.may_know(mark(i))), "{size}");
            let mistaken = (size..size + 200_000).filter(|i| filter.may_know(mark(*i))).count();
            assert!(mistaken < 20, "{size}: {mistaken} of 200,000");
        }
    }

    #[test]
    fn what_is_no_filter_is_not_read_as_one() {
        let bytes = filter_of(0..3).bytes();
        assert!(Filter::from_bytes(&bytes).is_some());
        for other in [&bytes[..bytes.len() - 8], &bytes[4..], &FORM, &[11, 0, 0, 0, 144, 190, 40, 71, 244, 13, 78, 165]]
        {
            assert!(Filter::from_bytes(other).is_none());
        }
    }

    #[test]
    fn filters_that_were_stored_are_read_for_ever() {
        let words: [u64; WORDS] = [
            0x0000_0000_0001_4010,
            0x2000_0001_00c4_0020,
            0x0101_0000_0000_0000,
            0x1205_2400_0100_0000,
            0x1060_0000_0000_0000,
            0x0080_8000_0090_0800,
            0x0000_0008_000a_0000,
            0x0000_0000_0000_0000,
            0x4100_0880_9002_0080,
            0x0000_0005_0180_0008,
            0x0080_0880_8024_4100,
            0x1000_0000_5000_0010,
            0x08a0_0000_0040_1080,
            0x4100_0000_0001_4000,
            0x400c_0000_0100_2002,
            0x0410_4802_8000_2000,
        ];
        let stored: Vec<u8> = FORM.into_iter().chain(words.into_iter().flat_map(u64::to_le_bytes)).collect();
        let filter = Filter::from_bytes(&stored).unwrap();
        let known: Vec<u32> = (0..1_000).filter(|i| filter.may_know(mark(*i))).collect();
        assert_eq!(known, [0, 1, 2, 3, 4, 5, 6, 7], "sessions are hashed otherwise: filters need a new form");
    }

    #[test]
    fn hashes_are_in_the_order_of_sessions() {
        let mut sessions: Vec<Session> = (0..1_000).map(session).collect();
        sessions.sort_unstable();
        assert!(sessions.is_sorted_by_key(|session| hash(session) >> 32));
    }
}
