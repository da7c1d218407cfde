//! Everything that happens to agents, as events.
//!
//! Invariant: each turn, transcript, question and answer, and the way of each utterance, is published once, in order. How far
//! that went is state of the world: what finds the queue full is published in a later frame, and nothing twice after a
//! restart. Of an utterance that ended meanwhile that it had begun is then not told.
//!
//! What lets entities go is told first: utterances, then questions, then agents, of whom another one is first in each step.
//! An agent takes its next transcript when the last was told, so a full queue slows down what is taken in.

use crate::event::{NotPublished, Publisher};
use core::cell::Cell;
use diptych_components::agent::{
    Answer, AudioRes, CHANNEL, Errand, Notice, Question, Status, TOPIC_LLM_REQUEST, TOPIC_LLM_RESULT,
    TOPIC_PLAYBACK, TOPIC_TRANSCRIPT, TOPIC_TTS_REQUEST, TOPIC_TTS_RESULT, TOPIC_TURN, Told, TranscriptFinal,
    Turn, Utterance, Words,
};
use diptych_engine::prelude::*;

/// Everything that is told of, and what it is: an agent, a question or an utterance.
type Rows<'w, 's> = Query<
    'w,
    's,
    (
        Id,
        Next<Told>,
        Option<(Prev<Turn>, Prev<TranscriptFinal>)>,
        Option<(Prev<Errand>, Prev<Question>, Prev<Answer>)>,
        Option<(Prev<Utterance>, Prev<Words>, Prev<AudioRes>)>,
    ),
>;

/// Owns how far everything was told.
pub fn publish(mut rows: Rows<'_, '_>, clock: Clock, mut publisher: Publisher<'_, '_>) {
    let frame = clock.frame();
    // Once the queue is full it stays so for the frame, and nobody looks for more to tell.
    let is_full = Cell::new(false);
    let mut say = |topic: u16, notice: Notice| {
        publisher.publish(CHANNEL, topic, notice).inspect_err(|why| {
            is_full.set(matches!(why, NotPublished::Full { .. }));
        })
    };
    let mut agents = 0;
    for (id, mut row, _, _, said) in &mut rows {
        if is_full.get() {
            return;
        }
        if let Some((utterance, words, sound)) = said {
            let next = tell_utterance(*row.prev(), id, utterance, words, sound, &mut say);
            row.set_if_changed(next);
        }
    }
    for (id, mut row, agent, asked, _) in &mut rows {
        if is_full.get() {
            return;
        }
        if let Some((errand, question, answer)) = asked {
            let next = tell_question(*row.prev(), id, errand, question, answer, frame, &mut say);
            row.set_if_changed(next);
        }
        agents += u64::from(agent.is_some());
    }
    let first = clock.step().wrapping_mul(STRIDE) % agents.max(1);
    for turn in [first..agents, 0..first] {
        let mut number = 0;
        for (id, mut row, agent, _, _) in &mut rows {
            if is_full.get() {
                return;
            }
            let Some((speech, last)) = agent else { continue };
            if turn.contains(&number) {
                let next = tell_agent(*row.prev(), id, speech, last, frame, &mut say);
                row.set_if_changed(next);
            }
            number += 1;
        }
    }
}

/// How far on the first agent of the next step is: about as many as a full queue takes.
const STRIDE: u64 = 997;

type Said = Result<(), NotPublished>;

/// Tells of an agent what was not told yet.
fn tell_agent(
    mut told: Told,
    id: Id,
    turn: &Turn,
    last: &TranscriptFinal,
    frame: u64,
    say: &mut impl FnMut(u16, Notice) -> Said,
) -> Told {
    let (agent, is_well) = (id.bits(), true);
    while told.count < turn.id {
        let turn = told.count + 1;
        let (number, words) = (turn as i64, String::new());
        if say(TOPIC_TURN, Notice { agent, turn, frame, number, is_well, words }).is_err() {
            return told;
        }
        told.count = turn;
    }
    if last.serial != told.last && !last.text.trim().is_empty() {
        let (turn, frame, number, words) = (turn.id, last.frame, last.serial as i64, last.text.clone());
        if say(TOPIC_TRANSCRIPT, Notice { agent, turn, frame, number, is_well, words }).is_ok() {
            told.last = last.serial;
        }
    }
    told
}

/// Tells of a question: that it is asked, and what came of it.
fn tell_question(
    mut told: Told,
    id: Id,
    errand: &Errand,
    question: &Question,
    answer: &Answer,
    frame: u64,
    say: &mut impl FnMut(u16, Notice) -> Said,
) -> Told {
    // Most have nothing to tell.
    if told.count >= 2 || (told.count == 1 && !answer.is_there()) {
        return told;
    }
    let base =
        Notice { agent: errand.agent, turn: errand.turn, number: id.bits() as i64, ..Notice::default() };
    if told.count == 0 {
        let words = question.context.last().map(|(_, words)| words.clone()).unwrap_or_default();
        let notice = Notice { frame: errand.asked, is_well: true, words, ..base.clone() };
        if say(TOPIC_LLM_REQUEST, notice).is_err() {
            return told;
        }
        told.count = 1;
    }
    let (is_well, words) = match answer {
        Answer::Text(words) if told.count == 1 => (true, words.clone()),
        Answer::Failed(why) if told.count == 1 => (false, why.clone()),
        _ => return told,
    };
    if say(TOPIC_LLM_RESULT, Notice { frame, is_well, words, ..base }).is_ok() {
        told.count = 2;
    }
    told
}

/// Tells of an utterance: that it is to become sound, that it is, that it begins, and how it ends.
fn tell_utterance(
    mut told: Told,
    id: Id,
    utterance: &Utterance,
    words: &Words,
    sound: &AudioRes,
    say: &mut impl FnMut(u16, Notice) -> Said,
) -> Told {
    let status = Status::of(utterance.status);
    // Most have nothing to tell.
    if told.last == 1 || (told.count >= 2 && status == Status::Queued) {
        return told;
    }
    let Utterance { agent, turn, frame, .. } = *utterance;
    let number = id.bits() as i64;
    let base = Notice { agent, turn, frame, number, is_well: true, words: String::new() };
    let playback = |said: &str| (TOPIC_PLAYBACK, Notice { words: said.to_owned(), ..base.clone() });
    let mut notices = vec![
        (TOPIC_TTS_REQUEST, Notice { words: words.0.clone(), ..base.clone() }),
        (TOPIC_TTS_RESULT, Notice { number: i64::from(sound.duration_ms), ..base.clone() }),
    ];
    if matches!(status, Status::Playing | Status::Done) {
        notices.push(playback("start"));
    }
    for (topic, notice) in notices.into_iter().skip(told.count as usize) {
        if say(topic, notice).is_err() {
            return told;
        }
        told.count += 1;
    }
    let end = match status {
        Status::Done => "end",
        Status::Cancelled => "cancel",
        Status::Queued | Status::Playing => return told,
    };
    let (topic, notice) = playback(end);
    if told.last == 0 && say(topic, notice).is_ok() {
        told.last = 1;
    }
    told
}
