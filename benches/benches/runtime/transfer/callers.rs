//! The callers of transfers, and the three ways to run them.
//!
//! Invariant: a slot sends when the frame of its last answer is durable, not before.

use super::account;
use crate::office::forms;
use diptych::prelude::Engine;
use diptych::runtime::{Answer, Answers, Ask, Client, Ticket};
use diptych_engine::store::DurableFrames;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Callers, each with a session.
pub(super) const CALLERS: usize = 64;
/// Transfers of a caller that are under way at once.
pub(super) const IN_FLIGHT: usize = 40;
/// What no frame takes.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// What a caller that has nothing to do sleeps at most before it looks for answers again.
const NAP: Duration = Duration::from_millis(1);

/// What callers share.
pub(super) struct Bank<'a> {
    client: &'a Client,
    sessions: &'a [Arc<str>],
    durable: DurableFrames,
    pairs: &'a [(u32, u32)],
    finished: AtomicUsize,
}

impl<'a> Bank<'a> {
    pub(super) fn new(
        client: &'a Client,
        sessions: &'a [Arc<str>],
        durable: DurableFrames,
        pairs: &'a [(u32, u32)],
    ) -> Self {
        Self { client, sessions, durable, pairs, finished: AtomicUsize::new(0) }
    }

    /// The request of one transfer, as its caller makes it.
    fn ask(&self, caller: usize, number: usize) -> Ask {
        let (from, to) = self.pairs[number];
        let text = format!("(bank/transfer {} {} 1)", account(from), account(to));
        Ask::Run(Arc::clone(&self.sessions[caller]), forms(&text))
    }
}

/// All callers in one place.
struct Desk<'a> {
    bank: &'a Bank<'a>,
    answers: Arc<Answers>,
    sent: usize,
    done: usize,
    /// Slots that are answered and not durable yet, with their frames.
    open: VecDeque<(u64, u64)>,
}

impl<'a> Desk<'a> {
    fn new(bank: &'a Bank<'a>) -> Self {
        let mut desk = Self { bank, answers: Arc::default(), sent: 0, done: 0, open: VecDeque::new() };
        (0..(CALLERS * IN_FLIGHT) as u64).for_each(|slot| desk.send(slot));
        desk
    }

    fn send(&mut self, slot: u64) {
        let ask = self.bank.ask(slot as usize % CALLERS, self.sent);
        self.bank.client.ask_into(ask, &self.answers, slot).expect("there is room");
        self.sent += 1;
    }

    fn is_done(&self) -> bool {
        self.done == self.bank.pairs.len()
    }

    /// Goes on in every slot that may; whether there was one.
    fn turn(&mut self) -> bool {
        let answers = self.answers.take();
        self.note(answers);
        let durable = self.bank.durable.frame();
        let before = self.done;
        while let Some((_, slot)) = self.open.pop_front_if(|(frame, _)| *frame <= durable) {
            self.done += 1;
            if self.sent < self.bank.pairs.len() {
                self.send(slot);
            }
        }
        self.done > before
    }

    /// Waits for the disk, or for answers.
    fn wait(&mut self) {
        match self.open.front() {
            Some((frame, _)) => {
                self.bank.durable.wait(*frame, NAP).expect("the store works");
            }
            None => {
                let answers = self.answers.wait(NAP);
                self.note(answers);
            }
        }
    }

    fn note(&mut self, answers: Vec<(u64, Answer)>) {
        for (slot, answer) in answers {
            assert!(!answer.is_error(), "a transfer was answered with {}", answer.result);
            self.open.push_back((answer.frame, slot));
        }
    }
}

/// One thread for all callers; this one makes frames.
pub(super) fn beside(engine: &mut Engine, bank: &Bank<'_>) {
    std::thread::scope(|threads| {
        let driver = threads.spawn(|| {
            let mut desk = Desk::new(bank);
            while !desk.is_done() {
                if !desk.turn() {
                    desk.wait();
                }
            }
        });
        serve(engine, bank, || driver.is_finished());
    });
}

/// The callers' work is done by this thread, between frames.
pub(super) fn between(engine: &mut Engine, bank: &Bank<'_>) {
    let mut desk = Desk::new(bank);
    while !desk.is_done() {
        let went_on = desk.turn();
        if bank.client.is_waiting() {
            engine.answer().expect("the frame is made");
        } else if !went_on {
            desk.wait();
        }
    }
}

/// A thread for each caller, which waits for its tickets one by one.
pub(super) fn threads(engine: &mut Engine, bank: &Bank<'_>) {
    std::thread::scope(|threads| {
        for caller in 0..CALLERS {
            threads.spawn(move || call(bank, caller));
        }
        serve(engine, bank, || bank.finished.load(Ordering::Relaxed) == CALLERS);
    });
}

fn call(bank: &Bank<'_>, caller: usize) {
    let mut numbers = (caller..bank.pairs.len()).step_by(CALLERS);
    let send = |number| bank.client.ask(bank.ask(caller, number)).expect("there is room");
    let mut open: VecDeque<Ticket> = numbers.by_ref().take(IN_FLIGHT).map(send).collect();
    while let Some(ticket) = open.pop_front() {
        let answer = ticket.wait_durable(&bank.durable, WAIT_MAX).expect("it is answered");
        assert!(!answer.is_error(), "a transfer was answered with {}", answer.result);
        open.extend(numbers.next().map(send));
    }
    // Relaxed: only the count matters.
    bank.finished.fetch_add(1, Ordering::Relaxed);
}

/// Makes frames while requests wait.
fn serve(engine: &mut Engine, bank: &Bank<'_>, is_over: impl Fn() -> bool) {
    while !is_over() {
        let made = engine.answer_while(|| bank.client.is_waiting()).expect("the frames are made");
        if made == 0 {
            std::thread::yield_now();
        }
    }
}
