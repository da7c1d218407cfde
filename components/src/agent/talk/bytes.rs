//! What agents hear, see, ask and are answered, as bytes and back.
//!
//! Invariant: equal values have equal bytes; a reader passes no limit and takes nothing that is left over.

use super::{
    Answer, CONTEXT_MAX, EAR_MAX, Ear, Heard, IMAGE_BYTES_MAX, IMAGES_ASKED, Image, Line, Message, Question,
    TEXT_BYTES_MAX, TranscriptFinal, TranscriptPartial, VisionFrame,
};
use crate::agent::code::{ImageKind, Modality, Role};
use crate::agent::fields::{code, coded, flag, list, put_list, put_text, text};
use crate::agent::stream::ANSWER_BYTES_MAX;
use crate::fields::{FieldError, Fields, put_u32, put_u64};

coded!(Heard, Ear, TranscriptPartial, TranscriptFinal, VisionFrame, Question, Answer, Message);

impl Line {
    pub(in crate::agent) fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.is_final));
        put_text(out, &self.text, TEXT_BYTES_MAX);
    }

    pub(in crate::agent) fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        let is_final = flag(fields)?;
        Ok(Self { text: text(fields, TEXT_BYTES_MAX)?, is_final })
    }
}

impl Heard {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        Line::read(fields).map(Self)
    }
}

impl Ear {
    fn put(&self, out: &mut Vec<u8>) {
        put_u64(out, self.dropped);
        put_list(out, &self.lines, EAR_MAX, |out, line| line.put(out));
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        let dropped = fields.u64()?;
        Ok(Self { lines: list(fields, EAR_MAX, Line::read)?, dropped })
    }
}

impl TranscriptPartial {
    fn put(&self, out: &mut Vec<u8>) {
        put_u64(out, self.frame);
        put_text(out, &self.text, TEXT_BYTES_MAX);
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        let frame = fields.u64()?;
        Ok(Self { text: text(fields, TEXT_BYTES_MAX)?, frame })
    }
}

impl TranscriptFinal {
    fn put(&self, out: &mut Vec<u8>) {
        put_u64(out, self.frame);
        put_u64(out, self.serial);
        put_text(out, &self.text, TEXT_BYTES_MAX);
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        let (frame, serial) = (fields.u64()?, fields.u64()?);
        Ok(Self { text: text(fields, TEXT_BYTES_MAX)?, frame, serial })
    }
}

impl Image {
    pub(in crate::agent) fn put(&self, out: &mut Vec<u8>) {
        put_u32(out, self.kind.code());
        // Half a reference leads nowhere: one that is too long becomes none.
        let fits = self.reference.len() <= IMAGE_BYTES_MAX;
        put_text(out, if fits { &self.reference } else { "" }, IMAGE_BYTES_MAX);
    }

    pub(in crate::agent) fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        let kind = ImageKind::of(code(fields, ImageKind::ALL.len(), "kind of image")?);
        Ok(Self { kind, reference: text(fields, IMAGE_BYTES_MAX)? })
    }
}

impl VisionFrame {
    fn put(&self, out: &mut Vec<u8>) {
        put_u64(out, self.agent);
        put_u64(out, self.frame);
        self.image.put(out);
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self { agent: fields.u64()?, frame: fields.u64()?, image: Image::read(fields)? })
    }
}

impl Question {
    pub(in crate::agent) fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.wants_json));
        put_text(out, &self.prompt, TEXT_BYTES_MAX);
        put_list(out, &self.context, CONTEXT_MAX, |out, (role, content)| {
            put_u32(out, role.code());
            put_text(out, content, TEXT_BYTES_MAX);
        });
        put_list(out, &self.images, IMAGES_ASKED, |out, image| image.put(out));
    }

    pub(in crate::agent) fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        let wants_json = flag(fields)?;
        let prompt = text(fields, TEXT_BYTES_MAX)?;
        let context = list(fields, CONTEXT_MAX, |fields| {
            let role = Role::of(code(fields, Role::ALL.len(), "role")?);
            Ok((role, text(fields, TEXT_BYTES_MAX)?))
        })?;
        let images = list(fields, IMAGES_ASKED, Image::read)?;
        Ok(Self { prompt, context, images, wants_json })
    }
}

impl Answer {
    fn put(&self, out: &mut Vec<u8>) {
        let (code, words) = match self {
            Self::Waiting => (0, ""),
            Self::Asked => (1, ""),
            Self::Text(words) => (2, &**words),
            Self::Failed(words) => (3, &**words),
        };
        out.push(code);
        put_text(out, words, ANSWER_BYTES_MAX);
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        let code = fields.u8()?;
        let words = text(fields, ANSWER_BYTES_MAX)?;
        match code {
            0 if words.is_empty() => Ok(Self::Waiting),
            1 if words.is_empty() => Ok(Self::Asked),
            2 => Ok(Self::Text(words)),
            3 => Ok(Self::Failed(words)),
            _ => {
                Err(FieldError(format!("{code} is no state of an answer, or has words that it cannot have")))
            }
        }
    }
}

impl Message {
    fn put(&self, out: &mut Vec<u8>) {
        [self.stream, self.sequence, self.caused_by].into_iter().for_each(|number| put_u64(out, number));
        put_u32(out, self.role.code());
        put_u32(out, self.modality.code());
        put_text(out, &self.content, TEXT_BYTES_MAX);
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        let [stream, sequence, caused_by] = [fields.u64()?, fields.u64()?, fields.u64()?];
        let role = Role::of(code(fields, Role::ALL.len(), "role")?);
        let modality = Modality::of(code(fields, Modality::ALL.len(), "modality")?);
        Ok(Self { stream, sequence, role, modality, caused_by, content: text(fields, TEXT_BYTES_MAX)? })
    }
}
