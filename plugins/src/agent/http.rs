//! Language models behind an address: Ollama's own interface, and that of OpenAI, which many servers speak.
//!
//! Invariant: a question has an end: an answer that is whole, or an error, within the time that was given. Only plain
//! `http` is spoken, meant for a server on this machine or a network of one's own; no redirect is followed, and no proxy asked.
//!
//! Source of addresses, settings and limits: row L15 of the requirements, and the two interfaces' own pages.

use super::{AnswerReader, Image, ImageKind, Protocol, Provider, Question};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use std::fmt;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;
use ureq::Agent;

/// Where Ollama listens.
pub const OLLAMA_URL: &str = "http://127.0.0.1:11434";
/// Where servers of OpenAI's interface listen, such as LM Studio.
pub const OPENAI_URL: &str = "http://127.0.0.1:1234/v1";
/// The model that Ollama is asked for, unless said otherwise.
pub const OLLAMA_MODEL: &str = "qwen2.5-coder:7b";
/// The model that others are asked for, unless said otherwise; servers of one model take any name.
pub const OPENAI_MODEL: &str = "local-model";
/// How freely a model chooses its words.
pub const TEMPERATURE: f64 = 0.2;
/// From which share of likely words it chooses.
pub const TOP_P: f64 = 0.95;
/// Tokens of an answer, at most.
pub const MAX_TOKENS: u32 = 512;
/// How long an answer may take, from the connection to its last byte.
pub const PROVIDER_TIMEOUT: Duration = Duration::from_secs(90);
/// Bytes of an attachment that is shown to a model, at most.
pub const ATTACHMENT_BYTES_MAX: usize = 4 << 20;
/// Bytes that are read of a refusal.
const REFUSAL_BYTES_MAX: u64 = 1024;
/// Bytes of a piece.
const PIECE_BYTES: usize = 4096;

/// A model that is asked over HTTP, and streams its answer.
///
/// ```
/// use diptych::agent::{Http, Provider, Question};
/// use std::time::Duration;
/// // Nobody listens there.
/// let model = Http::ollama("http://127.0.0.1:9", "any")?.timeout(Duration::from_secs(2));
/// let error = model.answer(&Question::default()).unwrap_err();
/// assert!(!error.is_empty(), "{error}");
/// # Ok::<(), diptych::agent::HttpFault>(())
/// ```
#[derive(Clone, Debug)]
pub struct Http {
    protocol: Protocol,
    url: String,
    model: String,
    timeout: Duration,
    agent: Agent,
    attachments: Attachments,
}

/// Finds the bytes of an attachment by its name.
type Find = dyn Fn(&str) -> Option<Vec<u8>> + Send + Sync;

/// The way to attachments.
#[derive(Clone)]
struct Attachments(Arc<Find>);

impl fmt::Debug for Attachments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Attachments")
    }
}

/// What is wrong with an address.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpFault {
    /// Another scheme.
    #[error("{0} cannot be asked: give an address that begins with http://, as https is not spoken here")]
    Scheme(String),
    /// Not an address.
    #[error("{0} is no address: {1}")]
    Address(String, String),
    /// No model.
    #[error("a model has a name: give one with --model, such as {OLLAMA_MODEL}")]
    NoModel,
}

impl Http {
    /// Ollama at an address, such as [`OLLAMA_URL`].
    ///
    /// # Errors
    /// When that is none that can be asked, or the model has no name.
    pub fn ollama(url: &str, model: &str) -> Result<Http, HttpFault> {
        Self::new(Protocol::Lines, url, "/api/chat", model)
    }

    /// A server of OpenAI's interface at an address, such as [`OPENAI_URL`].
    ///
    /// # Errors
    /// As [`Http::ollama`].
    pub fn openai(url: &str, model: &str) -> Result<Http, HttpFault> {
        Self::new(Protocol::Events, url, "/chat/completions", model)
    }

    fn new(protocol: Protocol, url: &str, path: &str, model: &str) -> Result<Http, HttpFault> {
        if !url.starts_with("http://") {
            return Err(HttpFault::Scheme(url.to_owned()));
        }
        if model.is_empty() {
            return Err(HttpFault::NoModel);
        }
        let whole = format!("{}{path}", url.trim_end_matches('/'));
        let parsed = whole.parse::<ureq::http::Uri>();
        if let Err(error) = parsed {
            return Err(HttpFault::Address(url.to_owned(), error.to_string()));
        }
        let (model, timeout) = (model.to_owned(), PROVIDER_TIMEOUT);
        let attachments = Attachments(Arc::new(|_| None));
        Ok(Http { protocol, url: whole, model, timeout, agent: agent(timeout), attachments })
    }

    /// With another time for an answer.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Http {
        self.timeout = timeout;
        self.agent = agent(timeout);
        self
    }

    /// Opens attachments by this: bytes of an image by its name, of which a model gets at most [`ATTACHMENT_BYTES_MAX`].
    /// Without it no attachment can be shown.
    #[must_use]
    pub fn attachments(mut self, find: impl Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static) -> Http {
        self.attachments = Attachments(Arc::new(find));
        self
    }

    /// Which images of a question this model does not get, each with the reason; they are named in the log when it is asked.
    #[must_use]
    pub fn left_out(&self, question: &Question) -> Vec<String> {
        self.body(question).1
    }

    /// What is sent, and which images are not.
    fn body(&self, question: &Question) -> (Value, Vec<String>) {
        let mut messages = vec![json!({"role": "system", "content": question.prompt})];
        for (role, content) in &question.context {
            messages.push(json!({"role": role.name(), "content": content}));
        }
        let last = messages.len() - 1;
        let left_out = self.show(question, &mut messages[last]);
        let mut body = json!({"model": self.model, "messages": messages, "stream": true});
        match self.protocol {
            Protocol::Lines => {
                body["options"] =
                    json!({"temperature": TEMPERATURE, "top_p": TOP_P, "num_predict": MAX_TOKENS});
                if question.wants_json {
                    body["format"] = json!("json");
                }
            }
            Protocol::Events => {
                body["temperature"] = json!(TEMPERATURE);
                body["top_p"] = json!(TOP_P);
                body["max_tokens"] = json!(MAX_TOKENS);
                if question.wants_json {
                    body["response_format"] = json!({"type": "json_object"});
                }
            }
        }
        (body, left_out)
    }

    /// Puts into the last message what was seen, as far as this interface takes it: bytes, and with OpenAI's addresses.
    fn show(&self, question: &Question, message: &mut Value) -> Vec<String> {
        let (mut shown, mut left_out) = (Vec::new(), Vec::new());
        for image in &question.images {
            match self.reach(image) {
                Ok(image) => shown.push(image),
                Err(why) => left_out.push(why),
            }
        }
        match self.protocol {
            _ if shown.is_empty() => {}
            Protocol::Lines => message["images"] = json!(shown),
            Protocol::Events => {
                let mut parts = vec![json!({"type": "text", "text": message["content"]})];
                let urls = shown.iter().map(|url| json!({"type": "image_url", "image_url": {"url": url}}));
                parts.extend(urls);
                message["content"] = Value::Array(parts);
            }
        }
        left_out
    }

    /// An image as this interface takes it, or which one it is and why it cannot be shown.
    fn reach(&self, Image { kind, reference }: &Image) -> Result<String, String> {
        let blob = match kind {
            ImageKind::Url if self.protocol == Protocol::Events => return Ok(reference.clone()),
            ImageKind::Url => return Err(format!("{reference}, as this interface takes no addresses")),
            ImageKind::Blob => reference.clone(),
            ImageKind::Attachment => {
                let found = (self.attachments.0)(reference);
                let bytes = found.ok_or_else(|| format!("attachment {reference}, which nobody can open"))?;
                if bytes.len() > ATTACHMENT_BYTES_MAX {
                    let size = bytes.len();
                    return Err(format!("attachment {reference}, as its {size} bytes are too many"));
                }
                BASE64.encode(bytes)
            }
        };
        match self.protocol {
            Protocol::Lines => Ok(blob),
            Protocol::Events => Ok(format!("data:{};base64,{blob}", media_type(&blob))),
        }
    }

    fn ask(&self, question: &Question) -> Result<String, String> {
        let (body, left_out) = self.body(question);
        if !left_out.is_empty() {
            tracing::warn!(
                model = self.name(),
                images = left_out.join("; "),
                "a model is not shown all images"
            );
        }
        let sent = self.agent.post(&self.url).content_type("application/json");
        let mut response = sent.send(body.to_string()).map_err(|error| error.to_string())?;
        let status = response.status();
        if !status.is_success() {
            let mut said = Vec::new();
            // What cannot be read of a refusal is no part of it.
            let _ = response.body_mut().as_reader().take(REFUSAL_BYTES_MAX).read_to_end(&mut said);
            let said = String::from_utf8_lossy(&said);
            return Err(format!("the server refuses with status {}: {}", status.as_u16(), said.trim()));
        }
        let mut reader = AnswerReader::new(self.protocol);
        let mut body = response.body_mut().as_reader();
        let mut piece = [0; PIECE_BYTES];
        while !reader.is_done() {
            let read = body.read(&mut piece).map_err(|error| format!("the answer breaks off: {error}"))?;
            if read == 0 {
                break;
            }
            reader.feed(&piece[..read]).map_err(|error| error.to_string())?;
        }
        reader.finish().map_err(|error| error.to_string())
    }
}

/// Which kind of image bytes in base64 are, by how they begin.
fn media_type(blob: &str) -> &'static str {
    let kinds = [("/9j/", "image/jpeg"), ("R0lGOD", "image/gif"), ("UklGR", "image/webp")];
    kinds.into_iter().find(|(beginning, _)| blob.starts_with(beginning)).map_or("image/png", |(_, kind)| kind)
}

fn agent(timeout: Duration) -> Agent {
    Agent::config_builder()
        .timeout_global(Some(timeout))
        .http_status_as_error(false)
        .max_redirects(0)
        // A connection that a server has closed meanwhile would be an error of the next question.
        .max_idle_connections(0)
        .proxy(None)
        .build()
        .into()
}

impl Provider for Http {
    fn name(&self) -> String {
        format!("{} at {}", self.model, self.url)
    }

    fn patience(&self) -> Duration {
        self.timeout
    }

    fn answer(&self, question: &Question) -> Result<String, String> {
        self.ask(question)
    }
}

#[cfg(test)]
mod tests;
