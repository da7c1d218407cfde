//! Any bytes at all are an answer of a language model or an error, by both protocols, wherever they are cut; and any bytes
//! are a command to agents or an error, and a command has one encoding; a template in one is filled or refused.
#![no_main]

use diptych_components::agent::{
    ANSWER_BYTES_MAX, AnswerReader, Command, PromptFault, PromptTemplate, Protocol, TEXT_BYTES_MAX, Values,
    strip_fences,
};
use libfuzzer_sys::fuzz_target;

fn read(protocol: Protocol, bytes: &[u8], piece: usize) -> Result<String, String> {
    let mut reader = AnswerReader::new(protocol);
    for piece in bytes.chunks(piece) {
        reader.feed(piece).map_err(|error| error.to_string())?;
    }
    reader.finish().map_err(|error| error.to_string())
}

/// What is found to be a template is filled where each slot has a value, unless that is too long.
fn fill(template: &PromptTemplate, code: &str) {
    let values: Values = template.slots.iter().map(|slot| (slot.clone(), "x".to_owned())).collect();
    match template.fill(code, &values) {
        Ok(prompt) => assert!(prompt.len() <= TEXT_BYTES_MAX),
        Err(PromptFault::Long(_)) => {}
        Err(_) => assert!(template.check(code).is_err()),
    }
}

fuzz_target!(|bytes: &[u8]| {
    for protocol in [Protocol::Lines, Protocol::Events] {
        let whole = read(protocol, bytes, usize::MAX);
        assert_eq!(whole, read(protocol, bytes, 1 + bytes.len() % 7));
        if let Ok(answer) = whole {
            assert!(answer.len() <= ANSWER_BYTES_MAX && strip_fences(&answer).len() <= answer.len());
        }
    }
    if let Ok(command) = Command::decode(bytes) {
        let mut again = Vec::new();
        command.encode(&mut again);
        assert_eq!(again, bytes);
        if let Command::Template(template, code) = command {
            fill(&template, &code);
        }
    }
});
