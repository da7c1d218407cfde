//! Templates of prompts: code with slots and macros, and how it is filled.
//!
//! Invariant: filling ends, whatever a template says: a macro expands once and names slots only, code is read without
//! recursion, and a prompt is at most [`TEXT_BYTES_MAX`] long. What cannot be filled is refused by a sentence that names the
//! template, never sent as half a prompt.
//!
//! Code is an expression: a text, or `(prompt part ..)` of texts, numbers and names, which are put together as they are.
//!
//! Source of the fields: row K14 of the requirements. Left out: what a memory node is, which holds the code.

use super::fields::{coded, list, put_list, put_text, text};
use super::talk::TEXT_BYTES_MAX;
use super::voice::NOBODY;
use super::work::NAME_BYTES_MAX;
use crate::fields::{FieldError, Fields, put_u64};
use crate::slp::{self, Kind, Limits, View};
use std::collections::{BTreeMap, BTreeSet};

/// Prompt templates of a world, at most.
pub const TEMPLATES_MAX: usize = 1024;
/// Slots of a template, and macros of it, at most.
pub const SLOTS_MAX: usize = 32;
/// Bytes of a slot's value, and of a macro.
pub const SLOT_BYTES_MAX: usize = 1024;

/// Texts by the names of slots or macros.
pub type Values = BTreeMap<String, String>;

/// A prompt with gaps; an entity.
///
/// ```
/// use diptych_components::agent::{PromptTemplate, Values};
/// let template = PromptTemplate {
///     name: "guide".to_owned(),
///     slots: ["place", "style"].map(str::to_owned).into(),
///     macros: [("manner".to_owned(), "(prompt \" Be \" style \".\")".to_owned())].into(),
///     default_ctx: [("style".to_owned(), "brief".to_owned())].into(),
///     ..PromptTemplate::default()
/// };
/// let code = "(prompt \"You show \" place \" to guests.\" manner)";
/// let values = Values::from([("place".to_owned(), "the tower".to_owned())]);
/// assert_eq!(template.fill(code, &values)?, "You show the tower to guests. Be brief.");
/// let refusal = template.fill(code, &Values::new()).unwrap_err();
/// assert_eq!(refusal.to_string(), "the prompt template guide has no value for its slot place, and no default");
/// # Ok::<(), diptych_components::agent::PromptFault>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PromptTemplate {
    /// What it is called; one of a world has a name.
    pub name: String,
    /// Code that a name in the code stands for; it names slots, and no macros.
    pub macros: Values,
    /// Names in the code that stand for values.
    pub slots: BTreeSet<String>,
    /// Values of slots that are given none.
    pub default_ctx: Values,
    /// The memory node that holds the code, or [`NOBODY`].
    pub code_ref: u64,
}

impl Default for PromptTemplate {
    fn default() -> Self {
        let (macros, slots, default_ctx) = (Values::new(), BTreeSet::new(), Values::new());
        Self { name: String::new(), macros, slots, default_ctx, code_ref: NOBODY }
    }
}

/// Which template an agent's questions are made with, and what is put into it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PromptUse {
    /// The template, or [`NOBODY`] for the agent's own prompt.
    pub template: u64,
    /// Values of its slots.
    pub values: Values,
}

impl Default for PromptUse {
    fn default() -> Self {
        Self { template: NOBODY, values: Values::new() }
    }
}

/// Why a template makes no prompt.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PromptFault {
    /// A slot that nothing fills.
    #[error("the prompt template {template} has no value for its slot {slot}, and no default")]
    Empty {
        /// Whose.
        template: String,
        /// Which.
        slot: String,
    },
    /// A name that stands for nothing, or for a macro where none may be.
    #[error("the {place} of the prompt template {template} names {name}, which is {what}")]
    Name {
        /// The code, or a macro.
        place: String,
        /// Whose.
        template: String,
        /// The name.
        name: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Code that is none.
    #[error("the {place} of the prompt template {template} cannot be read: {why}")]
    Code {
        /// The code, or a macro.
        place: String,
        /// Whose.
        template: String,
        /// What is wrong with it.
        why: String,
    },
    /// A prompt that is too long.
    #[error("the prompt of the template {0} is longer than {TEXT_BYTES_MAX} bytes")]
    Long(String),
    /// Macros, defaults or slots that pass a limit.
    #[error("of the prompt template {template} the {what} pass a limit: {why}")]
    Excess {
        /// Whose.
        template: String,
        /// Which.
        what: &'static str,
        /// How.
        why: String,
    },
    /// A template without a name.
    #[error("a prompt template has a name of 1 to {NAME_BYTES_MAX} bytes, and this one has not")]
    NoName,
}

/// A piece of code.
enum Part {
    Text(String),
    Name(String),
}

impl PromptTemplate {
    /// The prompt: code with each slot's value in its place, or its default.
    ///
    /// # Errors
    /// As [`PromptTemplate::check`], when a slot that is named has no value, and when the prompt is too long.
    pub fn fill(&self, code: &str, values: &Values) -> Result<String, PromptFault> {
        let value = |slot: &String| {
            values
                .get(slot)
                .or_else(|| self.default_ctx.get(slot))
                .ok_or_else(|| PromptFault::Empty { template: self.name.clone(), slot: slot.clone() })
        };
        let mut prompt = String::new();
        for part in self.code(code)? {
            match part {
                Part::Text(text) => self.say(&mut prompt, &text)?,
                Part::Name(name) => match self.macros.get(&name) {
                    None => self.say(&mut prompt, value(&name)?)?,
                    Some(text) => {
                        for part in self.expand(&name, text)? {
                            match part {
                                Part::Text(text) => self.say(&mut prompt, &text)?,
                                Part::Name(slot) => self.say(&mut prompt, value(&slot)?)?,
                            }
                        }
                    }
                },
            }
        }
        Ok(prompt)
    }

    /// Looks at it and at its code, whatever its slots will be.
    ///
    /// # Errors
    /// When it has no name, when code or a macro cannot be read, and when they or the defaults name what is no slot.
    pub fn check(&self, code: &str) -> Result<(), PromptFault> {
        if self.name.is_empty() {
            return Err(PromptFault::NoName);
        }
        let over = |what: &'static str, why: &str| {
            let (template, why) = (self.name.clone(), why.to_owned());
            Err(PromptFault::Excess { template, what, why })
        };
        for (what, values) in [("macros", &self.macros), ("defaults", &self.default_ctx)] {
            excess(values).map_or(Ok(()), |why| over(what, why))?;
        }
        if self.slots.contains("") {
            return over("slots", "there are too many, or a name is too long or empty");
        }
        let known = self.default_ctx.keys().find(|name| !self.slots.contains(*name));
        known.map_or(Ok(()), |name| Err(self.unknown("default context", name, "no slot of it")))?;
        let both = self.macros.keys().find(|name| self.slots.contains(*name));
        both.map_or(Ok(()), |name| Err(self.unknown("list of macros", name, "a slot of it as well")))?;
        self.macros.iter().try_for_each(|(name, text)| self.expand(name, text).map(drop))?;
        self.code(code).map(drop)
    }

    fn say(&self, prompt: &mut String, more: &str) -> Result<(), PromptFault> {
        if prompt.len() + more.len() > TEXT_BYTES_MAX {
            return Err(PromptFault::Long(self.name.clone()));
        }
        prompt.push_str(more);
        Ok(())
    }

    /// The parts of the code, whose names are slots and macros.
    fn code(&self, code: &str) -> Result<Vec<Part>, PromptFault> {
        let may = |name: &str| self.slots.contains(name) || self.macros.contains_key(name);
        self.parts(
            "code",
            code,
            |name| if may(name) { None } else { Some("neither a slot nor a macro of it") },
        )
    }

    /// The parts of a macro, whose names are slots.
    fn expand(&self, name: &str, text: &str) -> Result<Vec<Part>, PromptFault> {
        self.parts(&format!("macro {name}"), text, |name| match self.slots.contains(name) {
            true => None,
            false if self.macros.contains_key(name) => Some("a macro of it, and macros expand once"),
            false => Some("no slot of it"),
        })
    }

    fn parts(
        &self,
        place: &str,
        text: &str,
        wrong: impl Fn(&str) -> Option<&'static str>,
    ) -> Result<Vec<Part>, PromptFault> {
        let parts = parts(text).map_err(|why| {
            let template = self.name.clone();
            PromptFault::Code { place: place.to_owned(), template, why }
        })?;
        for part in &parts {
            if let Part::Name(name) = part
                && let Some(what) = wrong(name)
            {
                return Err(self.unknown(place, name, what));
            }
        }
        Ok(parts)
    }

    fn unknown(&self, place: &str, name: &str, what: &'static str) -> PromptFault {
        let (place, template, name) = (place.to_owned(), self.name.clone(), name.to_owned());
        PromptFault::Name { place, template, name, what }
    }
}

/// What code is put together from.
fn parts(text: &str) -> Result<Vec<Part>, String> {
    let limits = Limits { depth: 1, bytes: TEXT_BYTES_MAX as u32 };
    let code = slp::parse_one(text, &limits).map_err(|error| error.to_string())?;
    let view = code.view();
    if view.kind() != Kind::Paren {
        return Ok(vec![part(view)?]);
    }
    let mut children = view.children();
    if !children.next().is_some_and(|head| head.is_symbol("prompt")) {
        return Err("a list of parts begins with the word prompt".to_owned());
    }
    children.map(part).collect()
}

fn part(view: View<'_>) -> Result<Part, String> {
    if let Some(name) = view.symbol_str() {
        return Ok(Part::Name(name.to_owned()));
    }
    if let Some(text) = view.string() {
        return Ok(Part::Text(String::from_utf8_lossy(text).into_owned()));
    }
    let mut text = Vec::new();
    view.print(&mut text);
    let text = String::from_utf8_lossy(&text).into_owned();
    match view.integer().is_some() || view.real().is_some() {
        true => Ok(Part::Text(text)),
        false => Err(format!("{text} is no text, number or name")),
    }
}

coded!(PromptTemplate, PromptUse);

impl PromptTemplate {
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_u64(out, self.code_ref);
        // Half a name is another one: it goes as none, which is refused.
        let name = if self.name.len() > NAME_BYTES_MAX { "" } else { &self.name };
        put_text(out, name, NAME_BYTES_MAX);
        put_values(out, &self.macros);
        put_values(out, &self.default_ctx);
        let over = excess_of(self.slots.iter()).map(|_| BTreeSet::from([String::new()]));
        let slots: Vec<&String> = over.as_ref().unwrap_or(&self.slots).iter().collect();
        put_list(out, &slots, SLOTS_MAX, |out, name| put_text(out, name, NAME_BYTES_MAX));
    }

    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        let (code_ref, name) = (fields.u64()?, text(fields, NAME_BYTES_MAX)?);
        let (macros, default_ctx) = (values(fields)?, values(fields)?);
        let slots = list(fields, SLOTS_MAX, |fields| text(fields, NAME_BYTES_MAX))?;
        in_order(&slots)?;
        Ok(Self { name, macros, slots: slots.into_iter().collect(), default_ctx, code_ref })
    }
}

impl PromptUse {
    fn put(&self, out: &mut Vec<u8>) {
        put_u64(out, self.template);
        put_values(out, &self.values);
    }

    fn read(fields: &mut Fields<'_>) -> Result<Self, FieldError> {
        Ok(Self { template: fields.u64()?, values: values(fields)? })
    }
}

/// Appends texts by name, in the order of names; what passes a limit goes as [`excess`].
pub(super) fn put_values(out: &mut Vec<u8>, values: &Values) {
    let over = excess_of(values.keys()).or_else(|| {
        let long = values.iter().find(|(_, value)| value.len() > SLOT_BYTES_MAX);
        long.map(|(name, _)| format!("{name} has more than {SLOT_BYTES_MAX} bytes"))
    });
    let over = over.map(|over| Values::from([(String::new(), over)]));
    let values: Vec<_> = over.as_ref().unwrap_or(values).iter().collect();
    put_list(out, &values, SLOTS_MAX, |out, (name, value)| {
        put_text(out, name, NAME_BYTES_MAX);
        put_text(out, value, SLOT_BYTES_MAX);
    });
}

/// Which limit names of slots or macros pass, if they pass one.
fn excess_of<'a>(names: impl ExactSizeIterator<Item = &'a String>) -> Option<String> {
    if names.len() > SLOTS_MAX {
        return Some(format!("there are {}, more than the limit of {SLOTS_MAX}", names.len()));
    }
    let mut names = names;
    names
        .find(|name| name.len() > NAME_BYTES_MAX)
        .map(|_| format!("a name has more than {NAME_BYTES_MAX} bytes"))
}

/// What is wrong with values that passed a limit where they were sent. Half of them would be another prompt, so they are sent
/// as what no code can name: nothing, which is what is wrong.
#[must_use]
pub fn excess(values: &Values) -> Option<&str> {
    values.get("").map(String::as_str)
}

pub(super) fn values(fields: &mut Fields<'_>) -> Result<Values, FieldError> {
    let values =
        list(fields, SLOTS_MAX, |fields| Ok((text(fields, NAME_BYTES_MAX)?, text(fields, SLOT_BYTES_MAX)?)))?;
    in_order(values.iter().map(|(name, _)| name))?;
    Ok(values.into_iter().collect())
}

/// A set has one encoding: names go up.
fn in_order<'a>(names: impl IntoIterator<Item = &'a String>) -> Result<(), FieldError> {
    match names.into_iter().is_sorted_by(|a, b| a < b) {
        true => Ok(()),
        false => Err(FieldError("names are not in order, or one is there twice".to_owned())),
    }
}

#[cfg(test)]
mod tests;
