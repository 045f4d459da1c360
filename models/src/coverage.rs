//! Evacuation-phase coverage: in which situations threads have met.
//!
//! A thread is in a **situation**: the kind of its op, its role by the moment it reached last, and the state of the bucket
//! that it is at. Each time a thread comes to a moment while another is in the middle of an op, the two make a **pair**:
//! who comes, whether it is at the same bucket as the other, at its sibling or elsewhere, and who is there.
//!
//! ```text
//!   insert evacuator copying | same | get reader copying
//!   └ who comes                       └ who is there
//! ```
//! The pairs a run has met say what it has tried of what the protocol is about; a new one is worth more of the same. They
//! are printed at the end of a run, kept beside the findings, and fed to `drivers::run`'s portfolio and to libFuzzer.
//!
//! # Not here
//! How situations are made out: see [`phases`]. How much of what there is has been seen: see [`saturation`].
//! # Checked by
//! `tests/coverage.rs`.

pub mod phases;
pub mod saturation;

use crate::files;
use crate::op::{Kind, Op};
use phases::State;
use std::fmt::{self, Write};
use std::io;
use std::path::Path;

/// The file beside the findings that keeps the pairs met.
pub const FILE: &str = "coverage.txt";

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// Every one, in the order of its code.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// The word for it.
            pub fn name(self) -> &'static str {
                [$($word,)+][self as usize]
            }

            /// The one that is called so.
            pub fn from_name(name: &str) -> Option<$name> {
                Self::ALL.iter().copied().find(|one| one.name() == name)
            }
        }
    };
}
pub(crate) use words;

words! {
    /// Ops, as far as the protocol tells them apart.
    Doing {
        /// A lookup.
        Get = "get",
        /// An insertion, also one that may find the key.
        Insert = "insert",
        /// A removal.
        Remove = "remove",
        /// `update`, `compute`.
        Update = "update",
        /// An iteration.
        Iterate = "iterate",
        /// `clear`.
        Clear = "clear",
        /// `retain`, by key or by value.
        Retain = "retain",
        /// `reserve`.
        Reserve = "reserve",
        /// Everything else.
        Other = "other",
    }
}

impl Doing {
    fn of(op: Op) -> Doing {
        match op.kind() {
            Kind::Get | Kind::ContainsKey | Kind::GetKeyValue => Doing::Get,
            Kind::Insert | Kind::EntryOrInsert | Kind::EntryOrInsertWith => Doing::Insert,
            Kind::Remove | Kind::RemoveEntry | Kind::EntryRemove | Kind::EntryRemoveEntry => {
                Doing::Remove
            }
            Kind::Update | Kind::UpdateWithin | Kind::Compute => Doing::Update,
            Kind::Iter | Kind::View | Kind::Check => Doing::Iterate,
            Kind::Clear => Doing::Clear,
            Kind::Retain | Kind::RetainValues => Doing::Retain,
            Kind::Reserve => Doing::Reserve,
            _ => Doing::Other,
        }
    }
}

words! {
    /// What a thread does for the protocol, by the moment it reached last.
    Role {
        /// Looks for a key.
        Reader = "reader",
        /// Is about to lock a bucket, holds it, or has just let go.
        Writer = "writer",
        /// Begins a growth.
        Grower = "grower",
        /// Claims, copies or publishes an old bucket.
        Evacuator = "evacuator",
        /// Gives a segment back, or ends the growth.
        Finisher = "finisher",
        /// Walks over all buckets.
        Walker = "walker",
    }
}

words! {
    /// Where a thread is, seen from another.
    Relation {
        /// At the same bucket.
        Same = "same",
        /// At one that feeds the other's, is fed by it, or is fed by the same.
        Sibling = "sibling",
        /// At another.
        Elsewhere = "elsewhere",
        /// One of them is at a whole table.
        Table = "table",
    }
}

/// Where a thread is in what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Situation {
    /// Its op.
    pub doing: Doing,
    /// Its part.
    pub role: Role,
    /// The state of its bucket.
    pub state: State,
}

const SITUATIONS: usize = Doing::ALL.len() * Role::ALL.len() * State::ALL.len();
/// How many pairs can be written down; far fewer can happen.
pub const PAIRS: usize = SITUATIONS * SITUATIONS * Relation::ALL.len();

impl Situation {
    fn code(self) -> usize {
        let Situation { doing, role, state } = self;
        (doing as usize * Role::ALL.len() + role as usize) * State::ALL.len() + state as usize
    }

    fn from_code(code: usize) -> Situation {
        let (rest, state) = (code / State::ALL.len(), code % State::ALL.len());
        let (doing, role) = (rest / Role::ALL.len(), rest % Role::ALL.len());
        Situation { doing: Doing::ALL[doing], role: Role::ALL[role], state: State::ALL[state] }
    }
}

impl fmt::Display for Situation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.doing.name(), self.role.name(), self.state.name())
    }
}

/// Two threads' situations, when one of them came to a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// Who came.
    pub comes: Situation,
    /// How they are to each other.
    pub relation: Relation,
    /// Who was there.
    pub there: Situation,
}

impl Pair {
    /// The pair's number, below [`PAIRS`].
    pub fn code(self) -> usize {
        let Pair { comes, relation, there } = self;
        (comes.code() * Relation::ALL.len() + relation as usize) * SITUATIONS + there.code()
    }

    /// The pair with this number.
    pub fn from_code(code: usize) -> Pair {
        let (rest, there) = (code / SITUATIONS, code % SITUATIONS);
        let (comes, relation) = (rest / Relation::ALL.len(), rest % Relation::ALL.len());
        Pair {
            comes: Situation::from_code(comes),
            relation: Relation::ALL[relation],
            there: Situation::from_code(there),
        }
    }

    fn parse(line: &str) -> Option<Pair> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [a, b, c, "|", relation, "|", d, e, f] = words[..] else { return None };
        let situation = |doing, role, state| {
            Some(Situation {
                doing: Doing::from_name(doing)?,
                role: Role::from_name(role)?,
                state: State::from_name(state)?,
            })
        };
        let relation = Relation::from_name(relation)?;
        Some(Pair { comes: situation(a, b, c)?, relation, there: situation(d, e, f)? })
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} | {} | {}", self.comes, self.relation.name(), self.there)
    }
}

/// The pairs met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// A bit for each pair; nothing, as long as there is none.
    bits: Vec<u64>,
    count: usize,
}

impl Coverage {
    /// Adds a pair; true if it is new.
    pub fn meet(&mut self, pair: Pair) -> bool {
        if self.bits.is_empty() {
            self.bits.resize(PAIRS.div_ceil(64), 0);
        }
        let (word, bit) = (pair.code() / 64, 1 << (pair.code() % 64));
        let is_new = self.bits[word] & bit == 0;
        self.bits[word] |= bit;
        self.count += usize::from(is_new);
        is_new
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Every pair, in the order of the codes.
    pub fn pairs(&self) -> impl Iterator<Item = Pair> {
        self.codes().map(Pair::from_code)
    }

    fn codes(&self) -> impl Iterator<Item = usize> {
        let rest = |word: u64| Some(word & word.wrapping_sub(1)).filter(|&rest| rest != 0);
        let words = self.bits.iter().copied().enumerate().filter(|(_, word)| *word != 0);
        words.flat_map(move |(at, word)| {
            let words = std::iter::successors(Some(word), move |&word| rest(word));
            words.map(move |word| 64 * at + word.trailing_zeros() as usize)
        })
    }

    /// Adds what another has met; returns how much of it is new.
    pub fn add(&mut self, other: &Coverage) -> usize {
        let before = self.count;
        for pair in other.pairs() {
            self.meet(pair);
        }
        self.count - before
    }

    /// Reads what [`save`](Self::save) wrote; empty if there is no file.
    ///
    /// # Errors
    /// When the file cannot be read, or the first line that is no pair.
    pub fn load(path: &Path) -> io::Result<Coverage> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Coverage::default()),
            Err(error) => return Err(error),
        };
        let mut coverage = Coverage::default();
        for (number, line) in text.lines().enumerate() {
            let pair = Pair::parse(line).ok_or_else(|| {
                let said = format!("line {}: `{line}` is no pair", number + 1);
                io::Error::new(io::ErrorKind::InvalidData, said)
            })?;
            coverage.meet(pair);
        }
        Ok(coverage)
    }

    /// Writes every pair, a line each: the file is complete or not there.
    ///
    /// # Errors
    /// When the directory cannot be made or written.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let mut text = String::new();
        for pair in self.pairs() {
            writeln!(text, "{pair}").expect("a string takes everything");
        }
        files::replace(path, text.as_bytes())
    }
}

/// The table of a run: for each op and state of its bucket, how many pairs at the same bucket, a sibling, elsewhere.
impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut counts = [[[0; Relation::ALL.len()]; State::ALL.len()]; Doing::ALL.len()];
        for Pair { comes, relation, .. } in self.pairs() {
            counts[comes.doing as usize][comes.state as usize][relation as usize] += 1;
        }
        write!(f, "{:9}", "")?;
        State::ALL.iter().try_for_each(|state| write!(f, "{:>16}", state.name()))?;
        for doing in Doing::ALL {
            let rows = &counts[*doing as usize];
            if rows.iter().flatten().all(|&count| count == 0) {
                continue;
            }
            write!(f, "\n{:9}", doing.name())?;
            for [same, sibling, elsewhere, table] in rows {
                let cell = match same + sibling + elsewhere + table {
                    0 => "·".to_string(),
                    _ => format!("{same}/{sibling}/{}", elsewhere + table),
                };
                write!(f, "{cell:>16}")?;
            }
        }
        Ok(())
    }
}
