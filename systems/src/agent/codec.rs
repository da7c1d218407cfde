//! The engine's door to agents' values that bring their own bytes.
//!
//! Invariant: the bytes are those of `diptych_components::agent`.

use crate::codec::codec;
use diptych_components::agent::{
    AgentInfo, Answer, Command, Ear, Grant, Heard, Image, ImageKind, MemoryNode, Message, Modality, NOBODY,
    NodeKind, PromptTemplate, PromptUse, Question, Remember, Role, Speak, TaskText, ToolResult, ToolText,
    TranscriptFinal, TranscriptPartial, VisionFrame, Words,
};

macro_rules! codecs {
    ($($name:ident $value:ty,)+) => {$(
        codec!(
            #[doc = concat!("Of [`", stringify!($value), "`].")]
            $name,
            $value,
            <$value>::default()
        );
    )+};
}

codecs! {
    AgentInfoCodec AgentInfo,
    AnswerCodec Answer,
    CommandCodec Command,
    EarCodec Ear,
    GrantCodec Grant,
    HeardCodec Heard,
    PromptTemplateCodec PromptTemplate,
    PromptUseCodec PromptUse,
    QuestionCodec Question,
    RememberCodec Remember,
    SpeakCodec Speak,
    TaskTextCodec TaskText,
    ToolResultCodec ToolResult,
    ToolTextCodec ToolText,
    TranscriptFinalCodec TranscriptFinal,
    TranscriptPartialCodec TranscriptPartial,
    WordsCodec Words,
}

codec!(
    /// Of [`VisionFrame`].
    VisionFrameCodec,
    VisionFrame,
    VisionFrame { agent: NOBODY, frame: 0, image: Image { kind: ImageKind::Url, reference: String::new() } }
);
codec!(
    /// Of [`Message`].
    MessageCodec,
    Message,
    Message {
        stream: NOBODY,
        sequence: 0,
        role: Role::User,
        modality: Modality::Text,
        caused_by: NOBODY,
        content: String::new(),
    }
);
codec!(
    /// Of [`MemoryNode`].
    MemoryNodeCodec,
    MemoryNode,
    MemoryNode {
        kind: NodeKind::Expr,
        text: String::new(),
        parents: Vec::new(),
        children: Vec::new(),
        version: 0,
        sha256: [0; 32],
    }
);
