//! What a platform hears of: moments of the protocol, where they happen, and what is allocated.
//!
//! # Checked by
//! `tests/concurrent_platform.rs`: every moment comes, and names are read back.

use core::fmt;

/// What an allocation is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Object {
    /// A key, its value and its hash.
    Entry,
    /// A table without its segments.
    Table,
    /// The first buckets of [`Platform::SEGMENT_BUCKETS_LOG2`](super::Platform::SEGMENT_BUCKETS_LOG2) chains.
    Segment,
    /// A bucket further down a chain.
    OverflowBucket,
    /// Of another map than this crate's: what it calls it.
    Other(&'static str),
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Object::Other(name) => f.write_str(name),
            ours => write!(f, "{ours:?}"),
        }
    }
}

/// Where a moment happens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Place {
    /// Which table, counted from 0 in the order in which they succeed each other.
    pub generation: u64,
    /// Which bucket: at the moments of a segment, the one whose evacuation was its last; at those of
    /// a whole table, the number of buckets.
    pub bucket: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table {} bucket {}", self.generation, self.bucket)
    }
}

macro_rules! points {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal,)+) => {
        /// A named moment of the protocol.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[non_exhaustive]
        pub enum Point { $($(#[doc = $doc])+ $name,)+ }

        impl Point {
            /// Every moment, in the order of the protocol.
            pub const ALL: &'static [Point] = &[$(Point::$name,)+];

            /// The moment's name in files and messages: stable, kebab-case.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Point::$name => $text,)+ }
            }

            /// The moment with this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Point> {
                match name { $($text => Some(Point::$name),)+ _ => None }
            }
        }
    };
}

points! {
    /// Read the root; about to look at the bucket there.
    ReadRoot = "read-root",
    /// Saw an evacuated bucket; about to look in the successor.
    FollowSuccessor = "follow-successor",
    /// A reader is about to search a chain that was not evacuated a moment ago.
    SearchChain = "search-chain",
    /// A writer has searched and is about to lock the bucket.
    AboutToLock = "about-to-lock",
    /// A writer found the bucket locked and waits.
    WaitForLock = "wait-for-lock",
    /// A writer holds the bucket.
    Locked = "locked",
    /// About to write a slot of a table that has a predecessor (the evacuation barrier's moment).
    AboutToWriteNewTable = "about-to-write-new-table",
    /// About to store an entry in a slot, whose tophash is there: a key that is new becomes findable,
    /// a value is replaced.
    AboutToPublishEntry = "about-to-publish-entry",
    /// Stored the entry pointer.
    PublishedEntry = "published-entry",
    /// About to link a filled overflow bucket.
    AboutToLinkOverflow = "about-to-link-overflow",
    /// Cleared the slot; about to clear its tophash.
    ClearedSlot = "cleared-slot",
    /// About to unlock a bucket.
    AboutToUnlock = "about-to-unlock",
    /// Unlinked an entry; about to retire it.
    AboutToRetireEntry = "about-to-retire-entry",
    /// Allocated a successor; about to publish it.
    AboutToPublishSuccessor = "about-to-publish-successor",
    /// A growth has begun.
    PublishedSuccessor = "published-successor",
    /// Drew a claim ticket for an old bucket.
    ClaimedBucket = "claimed-bucket",
    /// Holds an old bucket; about to copy it.
    AboutToCopyBucket = "about-to-copy-bucket",
    /// In the middle of copying an old bucket.
    CopyingBucket = "copying-bucket",
    /// Copied an old bucket; about to publish EVACUATED.
    AboutToPublishEvacuated = "about-to-publish-evacuated",
    /// Published EVACUATED; about to count it.
    PublishedEvacuated = "published-evacuated",
    /// The last bucket of an old segment was counted; about to unlink the segment.
    AboutToDrainSegment = "about-to-drain-segment",
    /// Unlinked a drained segment; about to retire it.
    AboutToRetireSegment = "about-to-retire-segment",
    /// Saw a table fully drained; about to move the root to its successor.
    AboutToSwapRoot = "about-to-swap-root",
    /// Moved the root; about to retire the old table.
    AboutToRetireTable = "about-to-retire-table",
    /// An iterator is about to copy a bucket's entries.
    AboutToVisitBucket = "about-to-visit-bucket",
    /// `clear` is about to lock a bucket.
    AboutToClearBucket = "about-to-clear-bucket",
}

impl Point {
    /// The moments at which [`Platform::abandons`](super::Platform::abandons) is asked.
    #[must_use]
    pub fn abandonable(self) -> bool {
        matches!(
            self,
            Point::ClaimedBucket
                | Point::AboutToCopyBucket
                | Point::CopyingBucket
                | Point::AboutToPublishEvacuated
        )
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
