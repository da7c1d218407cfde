//! Kinds and states as numbers that are stored, and back.
//!
//! Invariant: a number that names nothing reads as the first kind, so that no stored row stops a world.

/// An enum with a number for each variant, from 0 on.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $variant:ident $text:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        #[repr(u32)]
        pub enum $name {
            $($(#[$about])* $variant,)+
        }

        impl $name {
            /// All of them, by number.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// How it is stored.
            #[must_use]
            pub const fn code(self) -> u32 {
                self as u32
            }

            /// Which one a number is; the first where it is none.
            #[must_use]
            pub fn of(code: u32) -> Self {
                Self::ALL.get(code as usize).copied().unwrap_or(Self::ALL[0])
            }

            /// Its name, in small letters.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }
    )+};
}

codes! {
    /// What becomes of an utterance while somebody else speaks.
    BargeIn {
        /// It waits, and goes on where it was. What is said unless another is.
        Pause "pause",
        /// It goes on as if nothing were.
        None "none",
        /// It goes on, more quietly.
        Duck "duck",
        /// It is cancelled.
        Stop "stop",
    }

    /// How far an utterance is.
    Status {
        /// It waits for its turn.
        Queued "queued",
        /// It is being said.
        Playing "playing",
        /// It was said to its end.
        Done "done",
        /// It was not, and will not be.
        Cancelled "cancelled",
    }

    /// What a player does.
    Player {
        /// Nothing.
        Idle "idle",
        /// It plays.
        Playing "playing",
        /// It plays quietly.
        Ducked "ducked",
        /// It waits.
        Paused "paused",
    }

    /// Who says something to a model.
    Role {
        /// Whoever speaks to the agent.
        User "user",
        /// The agent.
        Assistant "assistant",
        /// Who made the agent.
        System "system",
    }

    /// How an image is referred to.
    ImageKind {
        /// By an address.
        Url "url",
        /// By the name of an attachment.
        Attachment "attachment",
        /// It is here, in base64.
        Blob "blob",
    }

    /// How a message was said.
    Modality {
        /// In writing.
        Text "text",
        /// By voice.
        Voice "voice",
    }

    /// What an agent is about.
    AgentMode {
        /// Nothing.
        Idle "idle",
        /// It has asked for a task.
        Claiming "claiming",
        /// It has one.
        Working "working",
        /// Its heartbeat is late.
        Gone "gone",
    }

    /// How far a task is.
    TaskStatus {
        /// Nobody has it.
        Queued "queued",
        /// An agent has it, until its lease ends.
        Leased "leased",
        /// It is done.
        Done "done",
        /// It was tried as often as it may be.
        Dead "dead",
    }

    /// How far a tool call is.
    CallStatus {
        /// Asked for.
        Requested "requested",
        /// It has a result.
        Done "done",
        /// It has an error.
        Failed "failed",
        /// The agent has no grant for it.
        Denied "denied",
    }

    /// What a memory node is.
    NodeKind {
        /// An expression.
        Expr "expr",
        /// A prompt.
        Prompt "prompt",
        /// The root of what an agent remembers.
        Agent "agent",
        /// A field.
        Field "field",
    }
}
