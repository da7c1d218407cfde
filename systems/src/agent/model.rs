//! Answers to questions: of the seeded model, which is part of the world, or of a model outside.
//!
//! Invariant: the seeded model's answer follows from the question and the seed alone, and comes after a fixed number of
//! frames. A model outside is asked by a job, off the frame; its answer, or why there is none, is in the record of the
//! frame that took it, so that a replay asks nobody. Every question is answered once, if only by a failure.

use crate::codec::codec;
use diptych_components::agent::{ANSWER_BYTES_MAX, Answer, Errand, Question, Rules, strip_fences};
use diptych_components::fields::{FieldError, Fields};
use diptych_engine::prelude::*;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// How the failure begins of a question that no model has answered.
pub const NO_PROVIDER: &str = "No providers responded";

/// How long an answer may take, unless a provider says otherwise.
const PATIENCE: Duration = Duration::from_secs(90);

/// A language model, or the way to one.
pub trait Provider: fmt::Debug + Send + Sync + 'static {
    /// What it is called in errors.
    fn name(&self) -> String;

    /// How long an answer may take; [`ask_in_order`] of several takes as long as all of them, at most.
    fn patience(&self) -> Duration {
        PATIENCE
    }

    /// Its answer. It may take its time, and must have an end of its own.
    ///
    /// # Errors
    /// Why there is none; a sentence.
    fn answer(&self, question: &Question) -> Result<String, String>;
}

/// The answer of the first provider that has one.
///
/// # Errors
/// When none has: [`NO_PROVIDER`], and what each says.
pub fn ask_in_order(providers: &[Arc<dyn Provider>], question: &Question) -> Result<String, String> {
    let mut reasons = Vec::new();
    for provider in providers {
        match provider.answer(question) {
            Ok(answer) => return Ok(strip_fences(&answer).to_owned()),
            Err(error) => reasons.push(format!("{}: {error}", provider.name())),
        }
    }
    let reasons = if reasons.is_empty() { "there is none".to_owned() } else { reasons.join("; ") };
    Err(format!("{NO_PROVIDER}: {reasons}"))
}

/// A model that makes its answers up, always the same for a question.
///
/// ```
/// use diptych_systems::agent::{Provider, Seeded};
/// use diptych_components::agent::Question;
/// let question = Question { prompt: "Be brief.".to_owned(), ..Question::default() };
/// let answer = Seeded { seed: 1 }.answer(&question);
/// assert_eq!(answer, Seeded { seed: 1 }.answer(&question));
/// assert_ne!(answer, Seeded { seed: 2 }.answer(&question));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seeded {
    /// Which one it is.
    pub seed: u64,
}

impl Provider for Seeded {
    fn name(&self) -> String {
        format!("seeded model {}", self.seed)
    }

    fn answer(&self, question: &Question) -> Result<String, String> {
        Ok(seeded_answer(question, self.seed))
    }
}

/// What the seeded model says.
const WORDS: [&str; 32] = [
    "yes", "no", "perhaps", "the", "a", "lamp", "river", "door", "is", "was", "will be", "open", "bright",
    "quiet", "near", "far", "and", "but", "so", "I", "you", "we", "see", "hear", "keep", "bring", "today",
    "soon", "again", "first", "then", "well",
];

/// What the seeded model answers: a few words that follow from every part of the question.
#[must_use]
pub fn seeded_answer(question: &Question, seed: u64) -> String {
    let mut bytes = seed.to_le_bytes().to_vec();
    question.encode(&mut bytes);
    let mut state = xxhash_rust::xxh3::xxh3_64(&bytes);
    let mut draw = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (mixed ^ (mixed >> 31)) >> 32
    };
    let count = 3 + draw() % 10;
    let words: Vec<&str> = (0..count).map(|_| WORDS[draw() as usize % WORDS.len()]).collect();
    words.join(" ")
}

/// Owns answers where the model is part of the world.
pub fn answer_seeded(
    mut questions: Query<(Next<Answer>, Prev<Question>, Prev<Errand>)>,
    rules: Query<Prev<Rules>>,
    clock: Clock,
) {
    let Some(&rules) = rules.iter().next() else { return };
    questions.par_rows(|(mut answer, question, errand)| {
        let due = errand.asked.saturating_add(u64::from(rules.latency));
        if !answer.prev().is_there() && clock.frame() >= due {
            answer.set(Answer::Text(seeded_answer(question, rules.seed)));
        }
    });
}

/// The job that asks a model outside.
#[derive(Debug)]
pub struct Ask;

impl Job for Ask {
    type Request = Asked;
    type Answer = String;
}

/// A question, and which it is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Asked {
    /// Its entity.
    pub id: u64,
    /// What is asked.
    pub question: Question,
}

impl Asked {
    /// `id u64 | question`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.id.to_le_bytes());
        self.question.encode(out);
    }

    /// Reads it back.
    ///
    /// # Errors
    /// When the bytes are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, FieldError> {
        let mut fields = Fields(bytes);
        Ok(Self { id: fields.u64()?, question: Question::decode(fields.0)? })
    }
}

codec!(
    /// Of [`Asked`].
    AskedCodec,
    Asked,
    Asked::default()
);

/// Answers as their UTF-8 bytes.
#[derive(Debug)]
pub struct TextCodec;

impl Codec<String> for TextCodec {
    fn encode(text: &String, out: &mut Vec<u8>) {
        out.extend_from_slice(text.as_bytes());
    }

    fn decode(bytes: &[u8]) -> Result<String, CodecError> {
        String::from_utf8(bytes.to_vec()).map_err(CodecError::new)
    }
}

/// Owns answers where the model is outside: asks it for each new question, as many at once as jobs may be open; the others
/// wait for their turn.
pub fn answer_outside(
    mut questions: Query<(Id, Next<Answer>, Prev<Question>)>,
    ids: Ids,
    mut jobs: Jobs<Ask>,
) {
    for Answered { request, answer, .. } in jobs.answers() {
        let entity = ids.entity(Id::from_bits(request.id));
        let Some((_, mut row, _)) = entity.and_then(|entity| questions.get_mut(entity).ok()) else {
            continue;
        };
        row.set(match answer {
            Ok(text) if text.len() <= ANSWER_BYTES_MAX => Answer::Text(text),
            Ok(_) => failed(&format!("{NO_PROVIDER}: the answer is longer than {ANSWER_BYTES_MAX} bytes")),
            Err(JobError::Failed(why)) => failed(&why),
            Err(error) => failed(&format!("{NO_PROVIDER}: {error}")),
        });
    }
    let mut waiting: Vec<(Id, &Question)> = questions
        .iter()
        .filter(|(_, answer, _)| **answer == Answer::Waiting)
        .map(|(id, _, question)| (id, question))
        .collect();
    waiting.sort_unstable_by_key(|(id, _)| *id);
    let mut asked = Vec::new();
    for (id, question) in waiting {
        match jobs.start(&Asked { id: id.bits(), question: question.clone() }) {
            Ok(_) => asked.push((id, Answer::Asked)),
            Err(JobRefused::Full { .. }) => break,
            Err(error) => asked.push((id, failed(&format!("{NO_PROVIDER}: {error}")))),
        }
    }
    for (id, state) in asked {
        if let Some((_, mut row, _)) = ids.entity(id).and_then(|entity| questions.get_mut(entity).ok()) {
            row.set(state);
        }
    }
}

fn failed(why: &str) -> Answer {
    Answer::Failed(why[..why.floor_char_boundary(ANSWER_BYTES_MAX)].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use diptych_components::agent::{Image, ImageKind, Role};

    /// Claim: the seeded answer is one for a question and a seed, and depends on each part of both.
    #[test]
    fn seeded_answers_follow_from_the_question() {
        let question = Question {
            prompt: "prompt".to_owned(),
            context: vec![(Role::User, "said".to_owned())],
            images: vec![Image { kind: ImageKind::Url, reference: "a".to_owned() }],
            wants_json: false,
        };
        let base = seeded_answer(&question, 1);
        assert_eq!(base, seeded_answer(&question.clone(), 1));
        let mut others = vec![seeded_answer(&question, 2)];
        others.push(seeded_answer(&Question { prompt: "other".to_owned(), ..question.clone() }, 1));
        others.push(seeded_answer(&Question { context: Vec::new(), ..question.clone() }, 1));
        others.push(seeded_answer(&Question { images: Vec::new(), ..question.clone() }, 1));
        others.push(seeded_answer(&Question { wants_json: true, ..question }, 1));
        assert!(others.iter().all(|other| *other != base), "{base}: {others:?}");
    }

    /// Claim: providers are asked in order, the first answer counts, and where there is none every reason is named.
    #[test]
    fn providers_are_asked_in_order() {
        #[derive(Debug)]
        struct Fixed(&'static str, Result<String, String>);
        impl Provider for Fixed {
            fn name(&self) -> String {
                self.0.to_owned()
            }
            fn answer(&self, _: &Question) -> Result<String, String> {
                self.1.clone()
            }
        }
        let fixed = |name, answer: Result<&str, &str>| -> Arc<dyn Provider> {
            Arc::new(Fixed(name, answer.map(str::to_owned).map_err(str::to_owned)))
        };
        let (down, up) = (fixed("down", Err("it is off")), fixed("up", Ok("```\nhello\n```")));
        let ask = |providers: &[Arc<dyn Provider>]| ask_in_order(providers, &Question::default());
        assert_eq!(ask(&[down.clone(), up.clone()]).as_deref(), Ok("hello"));
        assert_eq!(ask(&[up, fixed("late", Ok("never"))]).as_deref(), Ok("hello"));
        let error = ask(&[down, fixed("gone", Err("it is away"))]).expect_err("none answers");
        assert_eq!(error, "No providers responded: down: it is off; gone: it is away");
        assert_eq!(ask(&[]).expect_err("none"), "No providers responded: there is none");
    }
}
