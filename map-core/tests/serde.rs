//! The `serde` feature: a map is a map, in any state of growth, in both directions.
//!
//! # Properties
//! - **as std**: what we write is what std's map would write, and each reads the other's.
//! - **round trip**: reading back gives an equal map.
//! - **for any format**: one that writes lengths first is told the length.

mod common;

use common::counting::{Counting, live};
use common::in_every_state;
use map_core::Map;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde_test::{Token, assert_tokens};
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn round_trips_in_every_state() {
    in_every_state(
        |id| id,
        |id| id,
        |subject| {
            let text = serde_json::to_string(&subject.map).unwrap();
            let std: HashMap<u64, u64> = serde_json::from_str(&text).unwrap();
            assert_eq!(
                std.into_iter().collect::<BTreeMap<_, _>>(),
                subject.model,
                "{}",
                subject.name
            );
            let back: Map<u64, u64, common::By> = serde_json::from_str(&text).unwrap();
            back.check().unwrap();
            assert!(back == subject.map, "{}", subject.name);
            let from_std: Map<u64, u64> =
                serde_json::from_str(&serde_json::to_string(&subject.model).unwrap()).unwrap();
            assert_eq!(from_std.len(), subject.model.len());
        },
    );
}

#[test]
fn the_last_of_equal_keys_wins_and_nonsense_is_an_error() {
    let map: Map<String, u8> = serde_json::from_str(r#"{"a": 1, "b": 2, "a": 3}"#).unwrap();
    assert_eq!(map, Map::from([("a".to_owned(), 3), ("b".to_owned(), 2)]));
    assert_eq!(serde_json::to_string(&Map::<u8, u8>::new()).unwrap(), "{}");
    let error = serde_json::from_str::<Map<u8, u8>>("[1]").unwrap_err().to_string();
    assert!(error.contains("expected a map"), "{error}");
    assert!(serde_json::from_str::<Map<u8, u8>>(r#"{"x": 1}"#).is_err());
}

#[test]
fn a_format_is_told_how_many_entries_come() {
    let tokens = [Token::Map { len: Some(1) }, Token::U8(1), Token::Bool(true), Token::MapEnd];
    assert_tokens(&Map::from([(1u8, true)]), &tokens);
}

#[test]
fn what_is_read_in_place_takes_the_place_of_what_was_there() {
    let mut json = serde_json::Deserializer::from_str(r#"{"2": 3}"#);
    let mut map: Map<u8, u8> = Map::from([(1, 1)]);
    Deserialize::deserialize_in_place(&mut json, &mut map).unwrap();
    assert_eq!(map, Map::from([(2, 3)]));
}

#[test]
fn entries_without_a_size_are_read_too() {
    use serde::de::value::{Error, MapDeserializer};
    let entries = MapDeserializer::<_, Error>::new([((), ())].into_iter());
    let map: Map<(), ()> = Deserialize::deserialize(entries).unwrap();
    assert_eq!(map, Map::from([((), ())]));
}

/// A length that lies must not reserve what it claims.
#[test]
fn a_claimed_length_is_not_believed() {
    use serde::de::value::{Error, MapDeserializer};
    struct Claims<K>(Option<K>);
    impl<K> Iterator for Claims<K> {
        type Item = (K, ());
        fn next(&mut self) -> Option<(K, ())> {
            self.0.take().map(|key| (key, ()))
        }
        fn size_hint(&self) -> (usize, Option<usize>) {
            (usize::MAX / 2, Some(usize::MAX / 2))
        }
    }
    /// What a map takes that is told of endless entries, and gets one.
    fn taken<'de, K, V>(key: impl IntoDeserializer<'de, Error>) -> usize
    where
        K: Deserialize<'de> + Eq + Hash,
        V: Deserialize<'de>,
    {
        let before = live();
        let entries = MapDeserializer::new(Claims(Some(key)));
        let map: Map<K, V> = Deserialize::deserialize(entries).unwrap();
        assert_eq!(map.len(), 1);
        (live() - before).cast_unsigned()
    }
    #[expect(dead_code, reason = "its size is what matters")]
    struct Large([u64; 1 << 14]);
    impl<'de> Deserialize<'de> for Large {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Ok(Large([0; 1 << 14]))
        }
    }
    const MEBIBYTE: usize = 1 << 20;
    for taken in [taken::<(), ()>(()), taken::<u8, ()>(1u8), taken::<u32, ()>(1u32)] {
        assert!((MEBIBYTE / 4..MEBIBYTE + 256).contains(&taken), "{taken} bytes");
    }
    // One bucket, for the entry that came.
    assert!(taken::<u8, Large>(1u8) < MEBIBYTE + 256);
}
