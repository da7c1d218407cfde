//! From transcripts to questions, and from answers to what is said.
//!
//! Invariant: a transcript is asked about once: what was taken is written into [`Orders`] in the frame that asks, and both
//! become true at one commit. A transcript without a word is taken and asks nothing. An answer is taken once, because its
//! errand is closed in the frame that takes it. A prompt template that cannot be filled is the failure of its question, which
//! no model is asked then.

use diptych_components::agent::{
    AgentInfo, Answer, CONTEXT_MAX, Errand, IMAGES_ASKED, MemoryNode, Message, Modality, NOBODY, Orders,
    PromptTemplate, PromptUse, Question, Role, Rules, Speak, Stream, TEXT_BYTES_MAX, Told, TranscriptFinal,
    Turn, VisionFrame, VisionRing,
};
use diptych_engine::prelude::*;
use std::collections::BTreeMap;

/// An agent as the orchestrator sees it.
type Agents<'w, 's> = Query<
    'w,
    's,
    (
        Id,
        (Prev<AgentInfo>, Option<Prev<PromptUse>>),
        Prev<TranscriptFinal>,
        Prev<Turn>,
        Prev<VisionRing>,
        Next<Orders>,
        Next<Stream>,
    ),
>;

/// Questions, and what came of them.
type Errands<'w, 's> = Query<'w, 's, (Id, Next<Errand>, Prev<Answer>, Prev<Told>)>;

/// What was said before, and what was seen.
type Past<'w, 's> = (Linked<'w, 's, Message>, Linked<'w, 's, VisionFrame>);

/// Templates of prompts, and their code.
type Templates<'w, 's> = (Linked<'w, 's, PromptTemplate>, Linked<'w, 's, MemoryNode>);

/// An answer that is to be taken.
struct Reply<'a> {
    question: Id,
    turn: u64,
    answer: &'a Answer,
}

/// Owns orders, streams of messages and errands; makes questions and messages.
pub fn orchestrate(
    mut agents: Agents<'_, '_>,
    mut errands: Errands<'_, '_>,
    ((messages, sights), templates): (Past<'_, '_>, Templates<'_, '_>),
    rules: Query<'_, '_, Prev<Rules>>,
    clock: Clock,
    mut structure: Structure<'_, '_>,
    mut speak: Outbox<'_, Speak>,
) {
    let Some(&rules) = rules.iter().next() else { return };
    let replies = close(&mut errands, &rules, clock.frame(), &mut structure);
    for (id, (info, chosen), last, turn, ring, mut orders, mut stream) in &mut agents {
        let mut next = *orders.prev();
        let mut talk = Talk { agent: id, stream: *stream.prev(), structure: &mut structure };
        for reply in replies.get(&id.bits()).into_iter().flatten() {
            match reply.answer {
                Answer::Text(text) => {
                    next.answered += 1;
                    talk.say(Role::Assistant, reply.question.bits(), text);
                    let text = clipped(text).to_owned();
                    speak.from(id).to(id, Speak { turn: reply.turn, priority: 1, barge_in: None, text });
                }
                _ => next.failed += 1,
            }
        }
        if last.serial != next.taken {
            next.taken = last.serial;
            if last.text.trim().is_empty() {
                next.empty += 1;
            } else {
                next.asked += 1;
                let (prompt, answer) = match prompt_of(info, chosen, &templates) {
                    Ok(prompt) => (prompt, Answer::Waiting),
                    Err(why) => (String::new(), Answer::Failed(why)),
                };
                let question = ask(prompt, last, ring, &talk.stream, &messages, &sights);
                let (agent, serial, asked) = (id.bits(), last.serial, clock.frame());
                let errand = Errand { agent, turn: turn.id, serial, asked, closed: 0 };
                let spawned = talk.structure.spawn((question, errand, answer, Told::default()));
                talk.say(Role::User, spawned.id.bits(), &last.text);
            }
        }
        let Talk { stream: said, .. } = talk;
        orders.set_if_changed(next);
        stream.set_if_changed(said);
    }
}

/// Takes answers, and lets questions go that were kept long enough and told of.
fn close<'w>(
    errands: &'w mut Errands<'_, '_>,
    rules: &Rules,
    frame: u64,
    structure: &mut Structure<'_, '_>,
) -> BTreeMap<u64, Vec<Reply<'w>>> {
    let mut replies: BTreeMap<u64, Vec<Reply<'w>>> = BTreeMap::new();
    for (id, mut errand, answer, told) in errands.iter_mut() {
        let old = *errand.prev();
        if old.closed == 0 && answer.is_there() {
            errand.set(Errand { closed: frame, ..old });
            replies.entry(old.agent).or_default().push(Reply { question: id, turn: old.turn, answer });
        } else if old.closed > 0 && told.count >= 2 && frame >= old.closed + u64::from(rules.keep) {
            structure.despawn(id);
        }
    }
    // Not in the order of tables.
    replies.values_mut().for_each(|replies| replies.sort_by_key(|reply| reply.question));
    replies
}

/// The stream of an agent, being said on.
struct Talk<'a, 'w, 's> {
    agent: Id,
    stream: Stream,
    structure: &'a mut Structure<'w, 's>,
}

impl Talk<'_, '_, '_> {
    fn say(&mut self, role: Role, caused_by: u64, text: &str) {
        let message = Message {
            stream: self.agent.bits(),
            sequence: self.stream.sequence,
            role,
            modality: Modality::Voice,
            caused_by,
            content: clipped(text).to_owned(),
        };
        let spawned = self.structure.spawn((message,));
        if let Some(oldest) = self.stream.push(spawned.id.bits()) {
            self.structure.despawn(Id::from_bits(oldest));
        }
    }
}

fn clipped(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES_MAX)]
}

/// What the model is told about the agent: its own prompt, or the template that was chosen for it, filled.
fn prompt_of(
    info: &AgentInfo,
    chosen: Option<&PromptUse>,
    (templates, nodes): &Templates<'_, '_>,
) -> Result<String, String> {
    let Some(chosen) = chosen.filter(|chosen| chosen.template != NOBODY) else {
        return Ok(info.prompt.clone());
    };
    let template = templates.get(Id::from_bits(chosen.template)).ok_or("the prompt template is gone")?;
    let node = nodes.get(Id::from_bits(template.code_ref));
    let node = node.ok_or_else(|| format!("the code of the prompt template {} is gone", template.name))?;
    template.fill(&node.text, &chosen.values).map_err(|error| error.to_string())
}

/// What a model is asked about a transcript. Messages of this very frame are not there yet to be read, and are left out.
fn ask(
    prompt: String,
    last: &TranscriptFinal,
    ring: &VisionRing,
    stream: &Stream,
    messages: &Linked<'_, '_, Message>,
    sights: &Linked<'_, '_, VisionFrame>,
) -> Question {
    let held = stream.held();
    let before = &held[held.len().saturating_sub(CONTEXT_MAX - 1)..];
    let known = before.iter().filter(|message| **message != NOBODY);
    let known = known.filter_map(|message| messages.get(Id::from_bits(*message)));
    let mut context: Vec<(Role, String)> =
        known.map(|message| (message.role, message.content.clone())).collect();
    context.push((Role::User, last.text.clone()));
    let seen = ring.held();
    let seen = &seen[seen.len().saturating_sub(IMAGES_ASKED)..];
    let images = seen.iter().filter_map(|frame| sights.get(Id::from_bits(*frame)));
    let images = images.map(|sight| sight.image.clone()).collect();
    Question { prompt, context, images, wants_json: false }
}
