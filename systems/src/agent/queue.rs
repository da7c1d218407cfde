//! Tasks that wait, by topic, as agents ask for them.
//!
//! Invariant: whoever asks gets the first task that it takes, by priority, age and `Id`, as if all that wait were one line.
//! A task is looked at once when the line is made, and an agent looks at no more than the first of each topic it takes.

use core::cmp::Reverse;
use diptych_engine::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Where a task stands in the line.
pub(super) type Rank = (Reverse<u32>, u64, Id);

/// The line.
#[derive(Debug, Default)]
pub(super) struct Queue<'a> {
    topics: BTreeMap<&'a str, usize>,
    /// Of each topic the tasks that can be asked for, the first one last.
    waiting: Vec<Vec<Rank>>,
    /// The first task of each topic.
    first: BTreeSet<(Rank, usize)>,
}

impl<'a> Queue<'a> {
    /// Of tasks and their topics, for no more than `takers` that ask.
    ///
    /// Cost: the tasks times the logarithm of the topics, and of each topic as many sorted as there are takers.
    pub(super) fn new(tasks: impl Iterator<Item = (Rank, &'a str)>, takers: usize) -> Self {
        let mut queue = Self::default();
        for (rank, topic) in tasks {
            let place = *queue.topics.entry(topic).or_insert(queue.waiting.len());
            if place == queue.waiting.len() {
                queue.waiting.push(Vec::new());
            }
            queue.waiting[place].push(rank);
        }
        for (place, ranks) in queue.waiting.iter_mut().enumerate() {
            if ranks.len() > takers {
                ranks.select_nth_unstable(takers);
                ranks.truncate(takers);
            }
            ranks.sort_unstable_by_key(|rank| Reverse(*rank));
            queue.first.extend(ranks.last().map(|rank| (*rank, place)));
        }
        queue
    }

    /// Takes the first task of these topics, or of any where none are named.
    pub(super) fn take(&mut self, topics: &[String]) -> Option<Id> {
        let place = if topics.is_empty() {
            self.first.first()?.1
        } else {
            let known = topics.iter().filter_map(|topic| self.topics.get(&**topic));
            known.filter_map(|place| Some((*self.waiting[*place].last()?, *place))).min()?.1
        };
        let rank = self.waiting[place].pop()?;
        self.first.remove(&(rank, place));
        self.first.extend(self.waiting[place].last().map(|next| (*next, place)));
        Some(rank.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the line must be like: all tasks sorted, and everybody looks from its beginning on.
    fn naive(tasks: &[(Rank, &str)], takers: &[Vec<String>]) -> Vec<Option<Id>> {
        let mut line = tasks.to_vec();
        line.sort_unstable();
        let mut take = |topics: &Vec<String>| {
            let takes = |topic: &str| topics.is_empty() || topics.iter().any(|known| known == topic);
            let found = line.iter().position(|(_, topic)| takes(topic))?;
            Some(line.remove(found).0.2)
        };
        takers.iter().map(&mut take).collect()
    }

    /// Claim: everybody gets what the naive line gives, whatever topics there are and are taken, however few tasks or takers.
    #[test]
    fn the_line_is_the_naive_one() {
        let mut state = 7_u64;
        let mut draw = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        let topics = ["clock.read", "text.count", "memory.write", "", "nobody.takes"];
        let mut given = 0;
        for round in 0..300 {
            let tasks: Vec<(Rank, &str)> = (0..draw(60))
                .map(|n| {
                    let rank = (Reverse(draw(3) as u32), draw(5), Id::from_bits(n * 7919 % 61));
                    (rank, topics[draw(5) as usize])
                })
                .collect();
            let takers: Vec<Vec<String>> = (0..draw(40))
                .map(|_| (0..draw(4)).map(|_| topics[draw(4) as usize].to_owned()).collect())
                .collect();
            let mut queue = Queue::new(tasks.iter().copied(), takers.len());
            let taken: Vec<Option<Id>> = takers.iter().map(|topics| queue.take(topics)).collect();
            assert_eq!(taken, naive(&tasks, &takers), "round {round}");
            given += taken.iter().flatten().count();
        }
        assert!(given > 1000, "{given} tasks were taken");
    }
}
