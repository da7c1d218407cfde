//! Sorts waiting mail by target, for its reader.
//!
//! Targets are looked up once a letter; letters are then sorted by the handles' numbers, a digit of 11 bits
//! a pass, stably, so that a target's letters stay in order of issue; then targets are put in the order of
//! their `Id`s and letters copied there. Invariant: the cost follows the mail, not what exists, and the result
//! does not depend on how many parts the work is cut into.

#![expect(unsafe_code, reason = "threads write to places of one list that none of the others writes to")]

use super::Mail;
use super::mail::{Place, Waiting};
use crate::buffer::State;
use crate::id::{Id, IdIndex};
use crate::pool::{current_threads, join};
use bevy_ecs::entity::Entity;
use core::mem::MaybeUninit;

const DIGIT_BITS: u32 = 11;
const DIGITS: usize = 1 << DIGIT_BITS;
/// Letters of a part, at least: less is not worth another thread.
const PART_LETTERS_MIN: usize = 4096;
/// Parts a sort is cut into, at most; each has a table of [`DIGITS`] counts.
const PARTS_MAX: usize = 64;
/// Fewer letters than this are sorted by comparing.
const RADIX_LETTERS_MIN: usize = 1024;
/// The key of a letter whose target is gone. No handle has this number.
const DEAD: u32 = u32::MAX;

/// A letter on its way: the number of its target's handle, and where it lies.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    key: u32,
    place: Place,
}

/// The letters of one target: `count` from `from` in the sorted entries, and from `start` in the tray.
#[derive(Debug, Clone, Copy)]
struct Group {
    target: Id,
    entity: Entity,
    from: u32,
    start: u32,
    count: u32,
}

/// Mail as its reader sees it: targets in the order of their `Id`s, each with its messages.
#[derive(Debug)]
pub(crate) struct Tray<M> {
    groups: Vec<Group>,
    senders: Vec<Id>,
    messages: Vec<M>,
    dead: Vec<Place>,
    entries: Vec<Entry>,
    scratch: Vec<Entry>,
    counts: Vec<[u32; DIGITS]>,
}

impl<M> Default for Tray<M> {
    fn default() -> Self {
        Self {
            groups: Vec::new(),
            senders: Vec::new(),
            messages: Vec::new(),
            dead: Vec::new(),
            entries: Vec::new(),
            scratch: Vec::new(),
            counts: Vec::new(),
        }
    }
}

impl<M: State> Tray<M> {
    /// Messages to living targets.
    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// Where the others lie.
    pub(super) fn dead(&self) -> &[Place] {
        &self.dead
    }

    pub(super) fn mails(&self) -> impl Iterator<Item = (Entity, Mail<'_, M>)> {
        self.groups.iter().map(|group| (group.entity, self.mail(group)))
    }

    pub(super) fn of(&self, target: Id) -> Mail<'_, M> {
        match self.groups.binary_search_by_key(&target, |group| group.target) {
            Ok(place) => self.mail(&self.groups[place]),
            Err(_) => Mail { target, senders: &[], messages: &[] },
        }
    }

    #[inline]
    fn mail(&self, group: &Group) -> Mail<'_, M> {
        let range = group.start as usize..(group.start + group.count) as usize;
        Mail { target: group.target, senders: &self.senders[range.clone()], messages: &self.messages[range] }
    }

    /// Takes the place of what was in the tray.
    pub(super) fn fill(&mut self, waiting: &Waiting<M>, ids: &IdIndex) {
        self.groups.clear();
        self.senders.clear();
        self.messages.clear();
        self.dead.clear();
        let count = waiting.len();
        if count == 0 {
            return;
        }
        // Entries keep their length where they can: all of them are written anyway.
        self.entries.resize(count, Entry::default());
        let most = current_threads().min(PARTS_MAX);
        let parts = if most == 1 { 1 } else { (count / PART_LETTERS_MIN).clamp(1, most) };
        let part = count.div_ceil(parts);
        let mut greatest = resolve(&mut self.entries, 0, part, waiting, ids);
        if greatest == DEAD {
            greatest = self.take_dead(waiting);
        }
        self.sort(greatest, parts);
        self.group(waiting, ids);
        if !self.groups.is_sorted_by_key(|group| group.target) {
            self.groups.sort_unstable_by_key(|group| group.target);
        }
        let mut start = 0;
        for group in &mut self.groups {
            group.start = start;
            start += group.count;
        }
        assert_eq!(start as usize, self.entries.len(), "every letter belongs to one group");
        self.copy(part, waiting);
    }

    /// Takes out the letters whose targets are gone; answers the greatest key of the others.
    fn take_dead(&mut self, waiting: &Waiting<M>) -> u32 {
        let Self { entries, dead, .. } = self;
        let mut greatest = 0;
        entries.retain(|entry| {
            let living = entry.key != DEAD;
            if living {
                greatest = greatest.max(entry.key);
            } else {
                dead.push(entry.place);
            }
            living
        });
        waiting.arrange(dead, &mut Vec::new());
        greatest
    }

    /// Sorts the entries by key and place; they are in the order of their places.
    fn sort(&mut self, greatest: u32, parts: usize) {
        if self.entries.len() < RADIX_LETTERS_MIN {
            return self.entries.sort_unstable_by_key(|entry| (entry.key, entry.place));
        }
        self.scratch.resize(self.entries.len(), Entry::default());
        self.counts.resize(parts, [0; DIGITS]);
        let mut shift = 0;
        while shift < u32::BITS && greatest >> shift > 0 {
            sort_digit(&self.entries, &mut self.scratch, &mut self.counts, shift);
            core::mem::swap(&mut self.entries, &mut self.scratch);
            shift += DIGIT_BITS;
        }
    }

    /// Finds the runs of one key.
    fn group(&mut self, waiting: &Waiting<M>, ids: &IdIndex) {
        let mut from = 0;
        for run in self.entries.chunk_by(|a, b| a.key == b.key) {
            let target = waiting.letter(run[0].place).target;
            let entity = ids.get(target).expect("the target was found a moment ago");
            let count = run.len() as u32;
            self.groups.push(Group { target, entity, from, start: 0, count });
            from += count;
        }
    }

    /// Copies the letters, group by group.
    fn copy(&mut self, part: usize, waiting: &Waiting<M>) {
        let count = self.entries.len();
        self.senders.reserve(count);
        self.messages.reserve(count);
        let senders = &mut self.senders.spare_capacity_mut()[..count];
        let messages = &mut self.messages.spare_capacity_mut()[..count];
        copy(&self.groups, &self.entries, senders, messages, part, waiting);
        // SAFETY: `copy` has written a sender for each entry.
        unsafe { self.senders.set_len(count) };
        // SAFETY: `copy` has written a message for each entry.
        unsafe { self.messages.set_len(count) };
    }
}

/// Looks up the targets of the letters from number `first` on; answers the greatest key.
fn resolve<M: State>(
    entries: &mut [Entry],
    first: usize,
    part: usize,
    waiting: &Waiting<M>,
    ids: &IdIndex,
) -> u32 {
    if entries.len() > part {
        let half = entries.len() / 2;
        let (left, right) = entries.split_at_mut(half);
        let (a, b) = join(
            || resolve(left, first, part, waiting, ids),
            || resolve(right, first + half, part, waiting, ids),
        );
        return a.max(b);
    }
    let (mut skip, mut greatest, mut rest) = (first, 0, entries);
    let mut last = (Id::default(), ids.get(Id::default()).map_or(DEAD, |entity| entity.index_u32()));
    for (segment, letters) in waiting.segments().enumerate() {
        let begin = skip.min(letters.len());
        skip -= begin;
        let letters = &letters[begin..];
        let (here, after) = rest.split_at_mut(letters.len().min(rest.len()));
        for (number, (entry, letter)) in here.iter_mut().zip(letters).enumerate() {
            if letter.target != last.0 {
                last = (letter.target, ids.get(letter.target).map_or(DEAD, |entity| entity.index_u32()));
            }
            greatest = greatest.max(last.1);
            let place = Place { segment: segment as u32, letter: (begin + number) as u32 };
            *entry = Entry { key: last.1, place };
        }
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    greatest
}

/// A list that several threads write to.
struct Places(*mut Entry);

// SAFETY: who shares it writes to places that nobody else writes to or reads; see `sort_digit`.
unsafe impl Sync for Places {}

/// One pass of a radix sort, stable: `from` by the digit at `shift`, into `into`. A part for each of `counts`.
fn sort_digit(from: &[Entry], into: &mut [Entry], counts: &mut [[u32; DIGITS]], shift: u32) {
    assert_eq!(from.len(), into.len(), "a pass moves every entry");
    let digit = |entry: &Entry| (entry.key >> shift) as usize & (DIGITS - 1);
    let part = from.len().div_ceil(counts.len());
    let entries_of = |number: usize| {
        let end = ((number + 1) * part).min(from.len());
        &from[(number * part).min(end)..end]
    };
    for_each(0, counts, &|number, counts| {
        counts.fill(0);
        entries_of(number).iter().for_each(|entry| counts[digit(entry)] += 1);
    });
    // From counts to the place of each part's first entry with a digit.
    let mut next = 0;
    for digit in 0..DIGITS {
        for counts in &mut *counts {
            let count = counts[digit];
            counts[digit] = next;
            next += count;
        }
    }
    let places = Places(into.as_mut_ptr());
    let places = &places;
    for_each(0, counts, &|number, next| {
        for entry in entries_of(number) {
            let place = &mut next[digit(entry)];
            // SAFETY: the counts of all parts and digits add up to the length, which `into` has too.
            let target = unsafe { places.0.add(*place as usize) };
            // SAFETY: each place is given to one entry of one part; the borrow of `into` keeps others away.
            unsafe { target.write(*entry) };
            *place += 1;
        }
    });
}

/// Calls `work` with each item and its number, in parallel.
fn for_each<T: Send>(first: usize, items: &mut [T], work: &(impl Fn(usize, &mut T) + Sync)) {
    match items {
        [] => {}
        [item] => work(first, item),
        _ => {
            let half = items.len() / 2;
            let (left, right) = items.split_at_mut(half);
            join(|| for_each(first, left, work), || for_each(first + half, right, work));
        }
    }
}

/// Copies the letters of these groups into a part of the tray.
fn copy<M: State>(
    groups: &[Group],
    entries: &[Entry],
    senders: &mut [MaybeUninit<Id>],
    messages: &mut [MaybeUninit<M>],
    part: usize,
    waiting: &Waiting<M>,
) {
    if groups.len() > 1 && senders.len() > part {
        let first = groups[0].start as usize;
        let middle = first + senders.len() / 2;
        let split =
            groups.partition_point(|group| (group.start as usize) < middle).clamp(1, groups.len() - 1);
        let (left, right) = groups.split_at(split);
        let at = right[0].start as usize - first;
        let (left_senders, right_senders) = senders.split_at_mut(at);
        let (left_messages, right_messages) = messages.split_at_mut(at);
        join(
            || copy(left, entries, left_senders, left_messages, part, waiting),
            || copy(right, entries, right_senders, right_messages, part, waiting),
        );
        return;
    }
    let mixed = waiting.is_mixed();
    let (mut places, mut keys) = (Vec::new(), Vec::new());
    let mut room = senders.iter_mut().zip(messages);
    let put = |place: Place, (sender, message): (&mut MaybeUninit<Id>, &mut MaybeUninit<M>)| {
        let letter = waiting.letter(place);
        sender.write(letter.sender);
        message.write(letter.message.clone());
    };
    for group in groups {
        let entries = &entries[group.from as usize..(group.from + group.count) as usize];
        // The entries first: a place is not to be taken in vain when they end.
        if mixed {
            places.clear();
            places.extend(entries.iter().map(|entry| entry.place));
            waiting.arrange(&mut places, &mut keys);
            places.iter().zip(&mut room).for_each(|(place, room)| put(*place, room));
        } else {
            entries.iter().zip(&mut room).for_each(|(entry, room)| put(entry.place, room));
        }
    }
}
