//! Names, values and bytes of events.

use super::*;
use crate::slp::{Kind, Limits, parse_one};
use proptest::prelude::*;

/// Claim: code and name lead back to the channel, and nothing else leads anywhere.
#[test]
fn codes_and_names_lead_back() {
    for (n, channel) in Channel::ALL.into_iter().enumerate() {
        assert_eq!(usize::from(channel.code()), n + 1);
        assert_eq!(Channel::from_code(channel.code()), Some(channel));
        assert_eq!(Channel::from_symbol(channel.symbol().as_bytes()), Some(channel));
    }
    assert_eq!([0, 8, 255].map(Channel::from_code), [None; 3]);
    assert_eq!([&b""[..], b"G", b"a", b"AA", b"$CHANNEL_A"].map(Channel::from_symbol), [None; 5]);
}

/// Claim: a topic tells its channel and number, is ordered by them, and one that bytes made up names no channel.
#[test]
fn topics_are_ordered_by_channel_and_number() {
    let mut last = None;
    for channel in Channel::ALL {
        for number in [0, 1, 255, 256, u16::MAX] {
            let topic = Topic::new(channel, number);
            assert_eq!((topic.channel(), topic.number()), (Some(channel), number));
            assert!(last < Some(topic), "{topic} comes after the one before");
            assert!(last.map(Topic::key) < Some(topic.key()));
            last = Some(topic);
        }
    }
    assert_eq!(Topic::new(Channel::A, 50).to_string(), "A/50");
    let made_up: Topic = bytemuck::cast([256_u16, 7]);
    assert_eq!((made_up.channel(), made_up.to_string().as_str()), (None, "(channel 256)/7"));
}

fn session(scope: &str, session: &str) -> Arc<Origin> {
    Arc::new(Origin::Session { scope: scope.into(), session: session.into() })
}

fn system(name: &str) -> Arc<Origin> {
    Arc::new(Origin::System { name: name.into() })
}

fn sample() -> Vec<Event> {
    let (one, two) = (session("alice_data", "s1"), system("weather"));
    let form = parse_one(b"[wind 12 \"NW\"]", &Limits::default()).expect("one form");
    vec![
        Event::new(Topic::new(Channel::A, 50), &Object::string("work"), one.clone(), 0),
        Event::new(Topic::new(Channel::F, u16::MAX), &form, two, 7),
        Event::new(Topic::new(Channel::Execution, 0), &Object::none(), one, 1),
    ]
}

/// Claim: what waits is known by name: each publisher once, sessions before systems.
#[test]
fn held_events_say_whose_they_are() {
    let mut events = sample();
    events.push(Event::new(Topic::new(Channel::B, 1), &Object::none(), session("a", "z"), 0));
    let held = Held::new(events.into());
    assert_eq!(held.sessions().collect::<Vec<_>>(), [("a", "z"), ("alice_data", "s1")]);
    assert_eq!(held.origins().len(), 3);
    assert!(held.holds(&system("weather")) && !held.holds(&system("whether")));
    assert!(!held.holds(&session("alice_data", "s2")));
}

/// Claim: the stored bytes of a list stay what they are. If they have to change, the versions of `event.mail`,
/// `event.unheard` and `event.held` change with them.
#[test]
fn the_bytes_are_as_they_were() {
    let mut bytes = Vec::new();
    encode(&sample()[..1], &mut bytes);
    let mut expected = Vec::new();
    expected.extend_from_slice(b"\x01\0\0\0\x01\x0a\0\0\0alice_data\x02\0\0\0s1\x01\0\0\0");
    expected.extend_from_slice(b"\x02\x32\0\0\0\0\0\0\0\0\0\0\0\0\0\x30\0\0\0");
    expected.extend_from_slice(&Object::string("work").to_bytes());
    assert_eq!(bytes, expected);
    assert_eq!(decode(&bytes).as_deref(), Ok(&sample()[..1]));
}

/// Claim: every cut and every changed byte of a list is refused, or is another list that has exactly those bytes.
#[test]
fn damaged_bytes_are_refused_or_canonical() {
    let mut bytes = Vec::new();
    encode(&sample(), &mut bytes);
    assert_eq!(decode(&bytes).as_deref(), Ok(&sample()[..]));
    for length in 1..bytes.len() {
        assert!(decode(&bytes[..length]).is_err(), "cut at {length}");
    }
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            if let Ok(events) = decode(&damaged) {
                let mut again = Vec::new();
                encode(&events, &mut again);
                assert_eq!(again, damaged, "byte {at}, bit {bit}");
            }
        }
    }
    let mut longer = bytes.clone();
    longer.push(0);
    let error = decode(&longer).expect_err("a byte too many").to_string();
    assert!(error.contains("1 bytes are left over"), "{error}");
    // A count that would ask for all the memory there is.
    let error = decode(&[255; 12]).expect_err("no list").to_string();
    assert!(error.contains("4294967295 entries"), "{error}");
}

/// Claim: publishers that nobody needs, or in another order, are refused: a list has one encoding.
#[test]
fn publishers_stand_once_each_and_in_turn() {
    let mut swapped = Vec::new();
    let events = sample();
    let (a, b) = (events[0].clone(), events[1].clone());
    encode(&[a.clone(), b.clone()], &mut swapped);
    // Let the first event be the second publisher's.
    let place =
        swapped.windows(7).position(|bytes| bytes == [2, 50, 0, 0, 0, 0, 0]).expect("the first event");
    swapped[place + 3] = 1;
    let error = decode(&swapped).expect_err("out of turn").to_string();
    assert!(error.contains("out of turn"), "{error}");
    let mut same = Vec::new();
    encode(&[a.clone(), Event::new(b.topic(), b.object(), session("alice_data", "s2"), 7)], &mut same);
    let name = same.windows(2).position(|bytes| bytes == b"s2").expect("the second session");
    same[name + 1] = b'1';
    let error = decode(&same).expect_err("twice").to_string();
    assert!(error.contains("twice"), "{error}");
}

fn origin() -> impl Strategy<Value = Arc<Origin>> {
    prop_oneof![
        ("[a-c]{0,2}", "[a-c]{0,2}").prop_map(|(scope, id)| session(&scope, &id)),
        "[a-c]{0,2}".prop_map(|name| system(&name)),
    ]
}

fn event() -> impl Strategy<Value = Event> {
    let object = prop_oneof![
        any::<i64>().prop_map(Object::integer),
        any::<Vec<u8>>().prop_map(Object::string),
        any::<(i64, bool, String)>().prop_map(|value| value.to_object()),
        Just(Object::error("late")),
    ];
    (0..7_usize, any::<u16>(), object, origin(), any::<u64>()).prop_map(
        |(channel, number, object, origin, sequence)| {
            Event::new(Topic::new(Channel::ALL[channel], number), &object, origin, sequence)
        },
    )
}

proptest! {
    /// Claim: a list comes back from its bytes, and has no others.
    #[test]
    fn lists_come_back(events in prop::collection::vec(event(), 0..12)) {
        let mut bytes = Vec::new();
        encode(&events, &mut bytes);
        let back = decode(&bytes).expect("what was encoded");
        prop_assert_eq!(&*back, &events[..]);
        let mut again = Vec::new();
        encode(&back, &mut again);
        prop_assert_eq!(again, bytes);
    }

    /// Claim: no bytes make the decoder panic, and what it takes has exactly those bytes.
    #[test]
    fn any_bytes_are_refused_or_canonical(bytes in prop::collection::vec(0..4_u8, 0..80)) {
        if let Ok(events) = decode(&bytes) {
            let mut again = Vec::new();
            encode(&events, &mut again);
            prop_assert_eq!(again, bytes);
        }
    }

    /// Claim: values come out as they went in.
    #[test]
    fn values_come_back(value in any::<(i64, String, bool)>(), bytes in any::<Vec<u8>>(), real in any::<f64>()) {
        prop_assert_eq!(<(i64, String, bool)>::from_object(&value.to_object()), Some(value));
        prop_assert_eq!(Vec::<u8>::from_object(&bytes.to_object()), Some(bytes));
        prop_assert_eq!(f64::from_object(&real.to_object()).map(f64::to_bits), Some(real.to_bits()));
    }
}

/// Claim: a child of a larger object is published without the rest of it.
#[test]
fn an_event_keeps_nothing_but_its_data() {
    let list =
        Object::list(Kind::Bracket, &[Object::string("x".repeat(10_000)), Object::string("small one")]);
    let child = list.child(1).expect("two children");
    assert!(child.heap_bytes() > 10_000);
    let event = Event::new(Topic::new(Channel::A, 0), &child, system("s"), 0);
    assert!(event.object().heap_bytes() < 100);
    assert_eq!(event.data::<String>().as_deref(), Some("small one"));
}
