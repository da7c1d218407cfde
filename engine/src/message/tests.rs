//! Mail beside a naive model, as bytes, and at its limit.

#![expect(unsafe_code, reason = "calls what a commit calls")]

use super::inbox::Inbox;
use super::merge::Tray;
use super::outbox::{Outbox, Outlet, Sheets};
use super::*;
use crate::id::{Id, IdIndex, SystemKey};
use crate::query::Split;
use bevy_ecs::entity::Entity;
use proptest::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Note {
    n: u64,
}

/// Place of the outlet in [`SYSTEMS`], number, sender, target.
type Sent = (u8, u8, u64, u64);

/// The system of each outlet; one has two.
const SYSTEMS: [&str; 3] = ["a", "b", "b"];

fn post<M: State>(make: impl FnOnce(&World) -> Post<M>) -> Post<M> {
    let mut world = World::new();
    world.insert_resource(Registry::new(Arc::new(Shared::new(0.0, 0))));
    make(&world)
}

fn outlet<M: State>(post: &Post<M>, system: &str) -> Arc<Outlet<M>> {
    let outlet = Arc::new(Outlet { system: system.to_owned(), sheets: Phased::new(Sheets::default()) });
    post.add_outlet(&outlet);
    outlet
}

fn id(n: u64) -> Id {
    Id::new(SystemKey(7), n)
}

/// Handles that do not ascend with their `Id`s; every third `Id` is nobody's.
fn index() -> IdIndex {
    let mut index = IdIndex::default();
    let entity = |n: u64| Entity::from_raw_u32((n as u32).wrapping_mul(7919) % 100_003).expect("small");
    let living = (0..3000).filter(|n| n % 3 != 2).map(|n| (id(n), entity(n)));
    index.insert_many(living, bevy_ecs::storage::TableId::empty(), 0);
    index
}

/// What the reader must see: by target, then in the order of systems, senders and issue; then the dead ones.
type Seen = Vec<(Id, Id, u64)>;

fn model(sent: &[Sent], index: &IdIndex) -> (Seen, Seen) {
    let mut sorted: Vec<_> = sent.to_vec();
    // Stable: what is left is the order of issue.
    sorted.sort_by_key(|letter| letter.0);
    sorted.sort_by_key(|letter| (SYSTEMS[usize::from(letter.0)], letter.2));
    let notes = sorted.iter().map(|(system, n, sender, target)| {
        (id(*target), id(*sender), u64::from(*system) << 8 | u64::from(*n))
    });
    let (mut living, dead): (Seen, Seen) = notes.partition(|(target, _, _)| index.get(*target).is_some());
    living.sort_by_key(|(target, _, _)| *target);
    (living, dead)
}

/// Writes it all as the systems would, a part of it by the chunks of a loop, and turns the post.
fn write(post: &Post<Note>, sent: &[Sent], outlets: &[Arc<Outlet<Note>>]) {
    for (system, outlet) in outlets.iter().enumerate() {
        let mine: Vec<&Sent> = sent.iter().filter(|letter| usize::from(letter.0) == system).collect();
        // SAFETY: no system runs, and this is the only way to the sheets.
        let mut outbox = Outbox { sheets: unsafe { outlet.sheets() } };
        let note = |letter: &Sent| Note { n: u64::from(letter.0) << 8 | u64::from(letter.1) };
        let (direct, looped) = mine.split_at(mine.len() / 3);
        for letter in direct {
            outbox.from(id(letter.2)).to(id(letter.3), note(letter));
        }
        let mut along = &mut outbox;
        let mut parts = along.split(4);
        for (part, letters) in parts.iter_mut().zip(looped.chunks(looped.len().div_ceil(4).max(1))) {
            for letter in letters {
                part.from(id(letter.2)).to(id(letter.3), note(letter));
            }
        }
        along.join(parts);
    }
    // SAFETY: no system runs.
    unsafe { post.turn() }.expect("few letters");
}

/// What a reader sees, on a pool of so many threads.
fn read(post: &Post<Note>, index: &IdIndex, threads: usize) -> (Seen, Seen) {
    let desk = Desk { system: "read".to_owned(), looked: AtomicBool::new(false), dead: AtomicU64::new(0) };
    let mut tray = Tray::default();
    let pool = crate::pool::Pool::new(Some(threads)).expect("threads");
    pool.install(|| tray.fill(post.waiting.get(), index));
    let inbox = Inbox { post, desk: &desk, tray: &tray };
    let seen = |(target, sender, note): (Id, Id, &Note)| (target, sender, note.n);
    (inbox.iter().map(seen).collect(), inbox.undeliverable().map(seen).collect())
}

fn outlets(post: &Post<Note>) -> Vec<Arc<Outlet<Note>>> {
    SYSTEMS.iter().map(|system| outlet(post, system)).collect()
}

fn bytes<M: State>(post: &Post<M>) -> Vec<u8> {
    let mut bytes = Vec::new();
    post.write(&mut bytes);
    bytes
}

fn letters(count: core::ops::Range<usize>, ascending: bool) -> impl Strategy<Value = Vec<Sent>> {
    let letter = (0..3_u8, any::<u8>(), 0..500_u64, 0..3000_u64);
    prop::collection::vec(letter, count).prop_map(move |mut letters| {
        if ascending {
            letters.sort_by_key(|letter| (letter.0, letter.2));
        }
        letters
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The reader sees what a stable sort gives, on one thread and on several, also after a restart.
    #[test]
    fn mail_is_that_of_the_model(
        sent in prop_oneof![letters(0..40, false), letters(9_000..20_000, false), letters(9_000..20_000, true)]
    ) {
        let index = index();
        let post = post(|world| Post::<Note>::pod(world, "test.note", 3));
        let outlets = outlets(&post);
        write(&post, &sent, &outlets);
        let expected = model(&sent, &index);
        for threads in if cfg!(feature = "threads") { 1..4 } else { 1..2 } {
            prop_assert!(read(&post, &index, threads) == expected, "{} letters, {threads} threads", sent.len());
        }
        let stored = bytes(&post);
        prop_assert_eq!(stored.len(), 16 + 24 * sent.len());
        let again = self::post(|world| Post::<Note>::pod(world, "test.note", 3));
        // SAFETY: nothing runs.
        unsafe { again.restore(&stored) }.expect("its own bytes");
        prop_assert!(bytes(&again) == stored, "the same mail, other bytes");
        prop_assert!(read(&again, &index, if cfg!(feature = "threads") { 2 } else { 1 }) == expected, "another order after a restart");
    }

    /// Mail that waits goes before what comes later, and its bytes do not say since when it waits.
    #[test]
    fn older_mail_comes_first(first in letters(0..50, false), second in letters(0..50, false)) {
        let index = index();
        let post = post(|world| Post::<Note>::pod(world, "test.note", 1));
        let outlets = outlets(&post);
        write(&post, &first, &outlets);
        let before = bytes(&post);
        // SAFETY: nothing runs.
        unsafe { post.turn() }.expect("few letters");
        prop_assert!(bytes(&post) == before, "a frame that sends nothing changes the bytes");
        write(&post, &second, &outlets);
        let (mut living, mut dead) = model(&first, &index);
        let (more, more_dead) = model(&second, &index);
        living.extend(more);
        living.sort_by_key(|(target, _, _)| *target);
        dead.extend(more_dead);
        prop_assert!(read(&post, &index, 1) == (living, dead));
    }

    /// No bytes make `restore` panic, and what it takes it writes again.
    #[test]
    fn any_bytes_are_mail_or_refused(mut stored in prop::collection::vec(any::<u8>(), 0..200), head: bool, count in 0..6_u64) {
        let pod = post(|world| Post::<Note>::pod(world, "test.note", 1));
        let coded = post(|world| Post::coded::<Text>(world, "test.text", 1));
        if head && stored.len() >= 16 {
            stored[..4].copy_from_slice(&1_u32.to_le_bytes());
            stored[8..16].copy_from_slice(&count.to_le_bytes());
        }
        for size in [8, u32::MAX] {
            if head && stored.len() >= 16 {
                stored[4..8].copy_from_slice(&size.to_le_bytes());
            }
            // SAFETY: nothing runs.
            if unsafe { pod.restore(&stored) }.is_ok() {
                prop_assert_eq!(&bytes(&pod), &stored);
            }
            // SAFETY: nothing runs.
            if unsafe { coded.restore(&stored) }.is_ok() {
                prop_assert_eq!(&bytes(&coded), &stored);
            }
        }
    }
}

/// A codec of texts.
struct Text;

impl Codec<String> for Text {
    fn encode(value: &String, out: &mut Vec<u8>) {
        out.extend_from_slice(value.as_bytes());
    }

    fn decode(bytes: &[u8]) -> Result<String, CodecError> {
        String::from_utf8(bytes.to_vec()).map_err(CodecError::new)
    }
}

/// Coded messages come back; what is cut off, longer, of another version or of another count is refused.
#[test]
fn damaged_mail_is_refused() {
    let post = post(|world| Post::coded::<Text>(world, "test.text", 2));
    let outlet = outlet(&post, "write");
    // SAFETY: no system runs.
    let mut outbox = Outbox { sheets: unsafe { outlet.sheets() } };
    outbox.from(id(1)).to(id(2), "hello".to_owned()).to(id(3), String::new());
    // SAFETY: no system runs.
    unsafe { post.turn() }.expect("two letters");
    let stored = bytes(&post);
    // SAFETY: no system runs.
    let restore = |bytes: &[u8]| unsafe { post.restore(bytes) }.map_err(|error| error.to_string());
    assert_eq!(restore(&stored), Ok(()));
    assert_eq!(bytes(&post), stored);
    for end in 0..stored.len() {
        assert!(restore(&stored[..end]).is_err(), "{end} of {} bytes", stored.len());
    }
    let with = |at: usize, byte: u8| {
        let mut stored = stored.clone();
        stored[at] = byte;
        restore(&stored).expect_err("damaged")
    };
    assert!(with(0, 1).contains("version 1 are under way, and version 2 is registered"), "{}", with(0, 1));
    assert!(with(4, 8).contains("where others are registered"), "{}", with(4, 8));
    assert!(with(15, 255).contains("cannot be in"), "{}", with(15, 255));
    let longer: Vec<u8> = stored.iter().copied().chain([0]).collect();
    assert!(restore(&longer).expect_err("longer").contains("1 bytes are left over"));
    assert_eq!(bytes(&post), stored, "what was refused has changed the mail");
}

/// One more than may wait is an error that names all involved; what was read does not count.
#[test]
fn the_limit_is_an_error() {
    let mut post = post(|world| Post::<Note>::pod(world, "test.note", 1));
    post.limit = 3;
    let desk = post.add_desk("read".to_owned());
    let outlet = outlet(&post, "write");
    let turn = |letters: u64| {
        // SAFETY: no system runs.
        let mut outbox = Outbox { sheets: unsafe { outlet.sheets() } };
        (0..letters).for_each(|n| {
            outbox.from(id(n)).to(id(0), Note { n });
        });
        // SAFETY: no system runs.
        unsafe { post.turn() }.map_err(|error| error.to_string())
    };
    assert_eq!(turn(3), Ok(()));
    desk.looked.store(true, Ordering::Relaxed);
    assert_eq!(turn(2), Ok(()));
    assert_eq!(turn(1), Ok(()));
    let text = turn(1).expect_err("four wait");
    assert!(text.starts_with("4 messages of ") && text.contains("wait for read, and 3 may"), "{text}");
    assert!(text.contains("they come from write"), "{text}");
}

/// A frame without messages keeps no memory and takes none; sheets are used again.
#[test]
fn sheets_are_used_again() {
    let post = post(|world| Post::<Note>::pod(world, "test.note", 1));
    let desk = post.add_desk("read".to_owned());
    let outlet = outlet(&post, "write");
    let mut places = Vec::new();
    for _ in 0..6 {
        // SAFETY: no system runs.
        let sheets = unsafe { outlet.sheets() };
        let mut outbox = Outbox { sheets };
        (0..100).for_each(|n| {
            outbox.from(id(n)).to(id(0), Note { n });
        });
        desk.looked.store(true, Ordering::Relaxed);
        // SAFETY: no system runs.
        unsafe { post.turn() }.expect("few");
        let letters = post.waiting.get().segments().nth(1).expect("one sheet");
        places.push(letters.as_ptr());
    }
    assert_eq!(places[2..4], places[4..6], "the sheets of two frames ago are used again");
}
