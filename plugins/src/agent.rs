//! Agents as a plugin: they listen, ask a language model, speak, do tasks with tools and remember.
//!
//! Invariant: what a world was made from (options, rules, which kind of model, version of this plugin) is stored with it as
//! facts, so that it is never continued as another. What a model outside answers is in the record of the frame that took
//! it: a replay asks nobody.

pub use diptych_components::agent::*;
use diptych_engine::job::JOBS_OPEN_MAX;
use diptych_engine::prelude::*;
use diptych_systems::agent as systems;
pub use diptych_systems::agent::{NO_PROVIDER, Provider, Seeded, TOOLS, ask_in_order, seeded_answer};
use diptych_systems::event::{self, EVENTS_A_FRAME};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "llm")]
mod http;
mod options;
mod show;

#[cfg(feature = "llm")]
pub use http::{
    ATTACHMENT_BYTES_MAX, Http, HttpFault, MAX_TOKENS, OLLAMA_MODEL, OLLAMA_URL, OPENAI_MODEL, OPENAI_URL,
    PROVIDER_TIMEOUT, TEMPERATURE, TOP_P,
};
pub use options::{AGENTS_DEFAULT, Model, Options, OptionsFault};
pub use show::{draw, measures};

/// Version of this plugin's state and behaviour; a world made by another one is refused.
const VERSION: &str = "2";
const FACT_OPTIONS: &str = "agent.options";
const FACT_MODEL: &str = "agent.model";
/// Questions that models outside are asked at once, at most; others wait. How many of them are under way at a time is
/// up to [`job_threads`](diptych_engine::EngineBuilder::job_threads).
pub const ASKED_MAX: u32 = 64;
const _: () = assert!(ASKED_MAX <= JOBS_OPEN_MAX);

/// Agents with a voice, tasks, tools, memory and a language model.
///
/// Without anything else said the model is part of the world and the world makes up what agents hear. From outside they
/// are reached by [`Command`]s, as inputs:
///
/// ```
/// use diptych::agent::{AgentInfo, AgentPlugin, Command, Line, Options, Orders, Rules};
/// use diptych::prelude::*;
///
/// let rules = Rules { is_staged: 0, ..Rules::default() };
/// let plugin = AgentPlugin::new(Options { agents: 1, rules, ..Options::default() }).unwrap();
/// let mut engine = Engine::in_memory().plugin(plugin).build().unwrap();
/// let agent = engine.view().iter::<AgentInfo>().next().unwrap().0;
/// let line = Line { text: "Are you there?".to_owned(), is_final: true };
/// engine.inputs().send("example", &Command::Hear(agent.bits(), line)).unwrap();
/// engine.run(Pace::frames(20)).unwrap();
/// let orders = engine.view().get::<Orders>(agent).unwrap();
/// assert_eq!((orders.asked, orders.answered), (1, 1));
/// ```
#[derive(Clone, Debug)]
pub struct AgentPlugin {
    /// What frame 0 is made of; nothing for a stored world.
    options: Option<Options>,
    /// Which they are.
    fact: String,
    model: Model,
    providers: Vec<Arc<dyn Provider>>,
    /// Whether somebody else brings events.
    has_events: bool,
}

impl AgentPlugin {
    /// A world of these options.
    ///
    /// # Errors
    /// When an option is outside of what it may be.
    pub fn new(options: Options) -> Result<AgentPlugin, OptionsFault> {
        options.check()?;
        let (fact, model) = (options.to_string(), options.model);
        Ok(AgentPlugin { options: Some(options), fact, model, providers: Vec::new(), has_events: false })
    }

    /// The plugin of a world that is stored with these facts: for replays, which need neither options nor a model.
    #[must_use]
    pub fn stored(facts: &BTreeMap<String, String>) -> AgentPlugin {
        let fact = facts.get(FACT_OPTIONS).cloned().unwrap_or_default();
        let named = facts.get(FACT_MODEL).and_then(|name| Model::named(name));
        let model = named.unwrap_or_default();
        AgentPlugin { options: None, fact, model, providers: Vec::new(), has_events: false }
    }

    /// Asks these, in this order, where the model is [`Model::Outside`]. They are no fact of the world: it may be
    /// continued with others, as what they answer comes from outside.
    #[must_use]
    pub fn providers(mut self, providers: impl IntoIterator<Item = Arc<dyn Provider>>) -> Self {
        self.providers.extend(providers);
        self
    }

    /// For an engine that has the [`Runtime`](crate::runtime::Runtime) as well, which brings events: they are
    /// registered once.
    #[must_use]
    pub fn beside_runtime(mut self) -> Self {
        self.has_events = true;
        self
    }

    /// How long a question may take, all providers together, before it is given up for them.
    fn patience(&self) -> Duration {
        let each = self.providers.iter().map(|provider| provider.patience());
        let sum = each.fold(Duration::ZERO, Duration::saturating_add);
        sum.saturating_add(sum / 8).saturating_add(Duration::from_millis(50))
    }
}

impl Plugin for AgentPlugin {
    fn name(&self) -> &'static str {
        "agent"
    }

    fn build(self, registrar: &mut Registrar) -> Result<(), Error> {
        if !self.has_events {
            event::register(registrar, EVENTS_A_FRAME)?;
        }
        register_state(registrar);
        registrar
            .message_with::<Heard, systems::HeardCodec>("agent.heard", 1)
            .message_with::<Speak, systems::SpeakCodec>("agent.speak", 1)
            .message::<TaskNote>("agent.note", 1)
            .message_with::<Remember, systems::RememberCodec>("agent.remember", 1)
            .input_with::<Command, systems::CommandCodec>("agent.command", 1, systems::apply_command)
            .system("agent.memory", systems::remember)
            .system("agent.orchestrate", systems::orchestrate)
            .system("agent.publish", systems::publish)
            .system("agent.see", systems::keep_sights)
            .system("agent.speak", systems::speak)
            .system("agent.stage", systems::play)
            .system("agent.task", systems::keep_tasks)
            .system("agent.tool", systems::use_tools)
            .system("agent.transcribe", systems::transcribe)
            .system("agent.turn", systems::detect_turns)
            .system("agent.vad", systems::update_vad)
            .system("agent.work", systems::work)
            .fact("agent.version", VERSION)
            .fact(FACT_MODEL, self.model.name())
            .fact(FACT_OPTIONS, &self.fact);
        match self.model {
            Model::Seeded => registrar.system("agent.model", systems::answer_seeded),
            Model::Outside => {
                let (providers, patience) = (self.providers.clone(), self.patience());
                registrar
                    .job_with::<systems::Ask, systems::AskedCodec, systems::TextCodec>(
                        "agent.ask",
                        1,
                        move |asked| ask_in_order(&providers, &asked.question),
                    )
                    .job_timeout::<systems::Ask>(patience)
                    .jobs_open_max::<systems::Ask>(ASKED_MAX)
                    .system("agent.model", systems::answer_outside)
            }
        };
        if let Some(options) = self.options {
            registrar
                .setup("agent.setup", move |structure: &mut Structure<'_, '_>| set_up(&options, structure));
        }
        Ok(())
    }
}

fn register_state(registrar: &mut Registrar) {
    registrar
        .state::<Rules>("agent.rules", 1)
        .state_with::<AgentInfo, systems::AgentInfoCodec>("agent.info", 1)
        .state::<AgentState>("agent.state", 1)
        .state::<Heartbeat>("agent.heartbeat", 1)
        .state_with::<Grant, systems::GrantCodec>("agent.grant", 1)
        .state::<Told>("agent.told", 1)
        .state::<RawVad>("agent.raw", 1)
        .state::<Vad>("agent.vad", 2)
        .state::<Turn>("agent.turn", 1)
        .state::<Policy>("agent.policy", 1)
        .state_with::<Ear, systems::EarCodec>("agent.ear", 1)
        .state_with::<TranscriptPartial, systems::TranscriptPartialCodec>("agent.partial", 1)
        .state_with::<TranscriptFinal, systems::TranscriptFinalCodec>("agent.final", 1)
        .state_with::<VisionFrame, systems::VisionFrameCodec>("agent.sight", 1)
        .state::<VisionRing>("agent.vision", 1)
        .state::<Orders>("agent.orders", 1)
        .state::<Stream>("agent.stream", 1)
        .state_with::<Message, systems::MessageCodec>("agent.message", 1)
        .state_with::<Question, systems::QuestionCodec>("agent.question", 1)
        .state::<Errand>("agent.errand", 1)
        .state_with::<Answer, systems::AnswerCodec>("agent.answer", 1)
        .state::<Utterance>("agent.utterance", 1)
        .state_with::<Words, systems::WordsCodec>("agent.words", 1)
        .state::<AudioRes>("agent.sound", 1)
        .state::<PlaybackQueue>("agent.queue", 1)
        .state::<AudioRef>("agent.player", 1)
        .state::<BargeState>("agent.barge", 1)
        .state::<Task>("agent.task", 1)
        .state_with::<TaskText, systems::TaskTextCodec>("agent.taskText", 1)
        .state::<TaskTally>("agent.tally", 2)
        .state::<ToolCall>("agent.call", 1)
        .state_with::<ToolText, systems::ToolTextCodec>("agent.tool", 1)
        .state_with::<ToolResult, systems::ToolResultCodec>("agent.result", 1)
        .state_with::<MemoryNode, systems::MemoryNodeCodec>("agent.memory", 2)
        .state_with::<PromptTemplate, systems::PromptTemplateCodec>("agent.template", 1)
        .state_with::<PromptUse, systems::PromptUseCodec>("agent.prompt", 1);
}

/// Makes the agents of frame 0.
fn set_up(options: &Options, structure: &mut Structure<'_, '_>) {
    structure.spawn((options.rules, TaskTally::default()));
    for number in 0..options.agents {
        let (info, grant) = options.agent(number);
        let text = format!("(agent {number})");
        let root = MemoryNode {
            kind: NodeKind::Agent,
            sha256: systems::sha256_of(&text).expect("a word and a number are an expression"),
            text,
            parents: Vec::new(),
            children: Vec::new(),
            version: 1,
        };
        let memory = structure.spawn((root,)).id.bits();
        let heartbeat = Heartbeat { session: options.rules.seed, process: number, ..Heartbeat::default() };
        let who = (AgentInfo { memory, ..info }, AgentState::default(), heartbeat, grant, Told::default());
        let id = structure.spawn(who).id;
        structure.insert(id, RawVad::default());
        structure.insert(id, Vad::default());
        structure.insert(id, Turn::default());
        // Every way of barging in has its agents.
        let barge_in = BargeIn::ALL[number as usize % BargeIn::ALL.len()].code();
        structure.insert(id, Policy { barge_in });
        structure.insert(id, Ear::default());
        structure.insert(id, TranscriptPartial::default());
        structure.insert(id, TranscriptFinal::default());
        structure.insert(id, VisionRing::default());
        structure.insert(id, Orders::default());
        structure.insert(id, Stream::default());
        structure.insert(id, PlaybackQueue::default());
        structure.insert(id, AudioRef::default());
        structure.insert(id, BargeState::default());
        structure.insert(id, PromptUse::default());
    }
}

#[cfg(test)]
mod tests;
