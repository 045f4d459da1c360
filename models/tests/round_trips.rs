//! Text and bytes give back the case they were made of; every byte string is some case.

use models::case::{Case, Elements, Expectation};
use models::generators::hashers::Hasher;
use models::generators::ops::Mix;
use models::generators::strategy;
use models::input::{HEADER_BYTES, OP_BYTES_MAX, decode, decode_op, encode, encode_op};
use models::op::{Argument, Kind, Op};
use proptest::collection::vec;
use proptest::prelude::*;

/// Any case with words: a story, notes, an expectation, several threads.
fn worded_case() -> impl Strategy<Value = Case> {
    let words = vec("([a-zA-Z0-9#:`](.{0,30}[a-z.])?)?", 0..3);
    let threads = vec(
        ("[a-z-]{1,8}", vec(strategy::op(), 0..6), vec((0..6usize, "[a-z ]*[a-z]"), 0..3)),
        1..4,
    );
    (strategy::case(0), words, threads, any::<Option<bool>>()).prop_map(
        |(bare, story, threads, expect)| {
            let mut case = bare;
            case.story = story;
            case.expect = match expect {
                Some(true) => Expectation::Finding("reference".into()),
                _ => Expectation::Pass,
            };
            case.threads = threads
                .into_iter()
                .enumerate()
                .map(|(at, (name, ops, mut notes))| {
                    notes.iter_mut().for_each(|note| note.0 = note.0.min(ops.len()));
                    notes.sort_by_key(|note| note.0);
                    let notes =
                        notes.into_iter().map(|(at, text)| (at, text.trim().to_string())).collect();
                    // No two threads have one name.
                    models::case::Thread { name: format!("{name}{at}"), ops, notes }
                })
                .collect();
            case
        },
    )
}

proptest! {
    #[test]
    fn any_bytes_are_a_case_and_its_bytes_are_the_case(bytes in vec(any::<u8>(), 0..400)) {
        let case = decode(&bytes);
        prop_assert_eq!(decode(&encode(&case)), case);
    }

    #[test]
    fn a_case_encodes_to_bytes_that_are_dense(case in strategy::swarm_case(Mix::Full, 200)) {
        let bytes = encode(&case);
        prop_assert!(bytes.len() <= HEADER_BYTES + OP_BYTES_MAX * case.ops().len());
        prop_assert_eq!(decode(&bytes), case.bare());
    }

    #[test]
    fn the_text_of_a_case_is_the_case(case in worded_case()) {
        let text = case.to_string();
        let again = Case::parse(&text);
        prop_assert_eq!(again.as_ref(), Ok(&case), "{}", text);
        prop_assert_eq!(again.unwrap().to_string(), text);
    }

    #[test]
    fn arbitrary_and_decode_give_the_same_case(bytes in vec(any::<u8>(), 0..400)) {
        use arbitrary::{Arbitrary, Unstructured};
        let case = Case::arbitrary_take_rest(Unstructured::new(&bytes)).unwrap();
        prop_assert_eq!(&case, &decode(&bytes));
        let case = Case::arbitrary(&mut Unstructured::new(&bytes)).unwrap();
        prop_assert_eq!(&case, &decode(&bytes));
    }
}

/// Every kind of op with every argument at its ends.
fn extremes() -> impl Iterator<Item = Op> {
    let raws = [0u16, 1, 3, 127, 128, 255, 256, u16::MAX];
    Kind::ALL.iter().flat_map(move |&kind| {
        raws.into_iter().map(move |raw| Op::build(kind, |_| Ok::<_, ()>(raw)).unwrap())
    })
}

#[test]
fn every_kind_of_op_has_bytes_and_text() {
    for op in extremes() {
        let mut bytes = Vec::new();
        encode_op(op, &mut bytes);
        assert!(bytes.len() <= OP_BYTES_MAX, "{op} takes {} bytes", bytes.len());
        let mut rest = &bytes[..];
        assert_eq!(decode_op(&mut rest), op);
        assert!(rest.is_empty(), "{op} leaves {} bytes", rest.len());
        let case = Case::sequential(vec![op]);
        assert_eq!(Case::parse(&case.to_string()).as_ref(), Ok(&case));
        assert_eq!(op.kind().arguments().len(), {
            let mut count = 0;
            op.arguments(|_: Argument, _| count += 1);
            count
        });
    }
}

#[test]
fn random_bytes_are_about_half_as_many_ops() {
    let mut rng = fastrand::Rng::with_seed(1);
    let bytes: Vec<u8> = (0..4096).map(|_| rng.u8(..)).collect();
    let ops = decode(&bytes).ops().len();
    assert!(ops > 1200, "4096 random bytes are only {ops} ops");
}

#[test]
fn every_header_round_trips() {
    for hasher in Hasher::ALL.into_iter().chain([Hasher::Seeded(65535), Hasher::Fickle(65535)]) {
        for elements in Elements::ALL {
            let case = Case { hasher, elements, capacity: 40_000, ..Case::default() };
            assert_eq!(decode(&encode(&case)), case);
            assert_eq!(Case::parse(&case.to_string()), Ok(case));
        }
    }
}
