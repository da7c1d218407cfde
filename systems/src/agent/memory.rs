//! What agents remember: nodes of expressions, each with a version and a hash.
//!
//! Invariant: a node's hash is that of its expression, and its text is one expression that can be read; what cannot is not
//! remembered, and counts nowhere but in the log.

use diptych_components::agent::{CHILDREN_MAX, MemoryNode, NodeKind, Remember};
use diptych_components::slp::{self, Limits, ParseError};
use diptych_engine::prelude::*;
use sha2::{Digest, Sha256};

/// SHA-256 of an expression's canonical text, which does not depend on how it is written: `sha256sum` of what
/// `diptych` prints of it.
///
/// # Errors
/// When the text is not one expression.
pub fn sha256_of(text: &str) -> Result<[u8; 32], ParseError> {
    let mut canonical = Vec::new();
    slp::parse_one(text, &Limits::default())?.view().print(&mut canonical);
    Ok(Sha256::digest(&canonical).into())
}

/// Owns memory nodes. Cost: what is to be remembered, not what is.
pub fn remember(mut nodes: Query<(Id, Next<MemoryNode>)>, mails: Inbox<Remember>, mut structure: Structure) {
    mails.deliver(&mut nodes, |(id, mut row), mail| {
        let mut next = row.prev().clone();
        for Remember { below, text } in mail.messages() {
            let sha256 = match sha256_of(text) {
                Ok(sha256) => sha256,
                Err(error) => {
                    tracing::warn!(%id, %error, "what is to be remembered is no expression, and is dropped");
                    continue;
                }
            };
            next.version += 1;
            if !below {
                next.sha256 = sha256;
                next.text.clone_from(text);
                continue;
            }
            if next.children.len() == CHILDREN_MAX {
                structure.despawn(Id::from_bits(next.children.remove(0)));
            }
            let child = MemoryNode {
                kind: NodeKind::Expr,
                text: text.clone(),
                parents: vec![id.bits()],
                children: Vec::new(),
                version: 1,
                sha256,
            };
            next.children.push(structure.spawn((child,)).id.bits());
        }
        row.set_if_changed(next);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Claim: the hash is SHA-256, of the expression and not of how it is written; what is none has none.
    #[test]
    fn hashes_are_of_expressions() {
        let hex = |text| {
            let sha256 = sha256_of(text).expect("an expression");
            sha256.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        // printf '(noted 7 "two words")' | sha256sum
        let noted = "b772c78f178561f72c83a16e58aa6f5ed0cde4e9bf24e519faea44f20cc56ffa";
        assert_eq!(hex("(noted 7 \"two words\")"), noted);
        assert_eq!(hex("  ( noted\n 7  \"two words\" )  "), noted);
        assert_ne!(hex("(noted 8 \"two words\")"), noted);
        for none in ["", "(", "a b"] {
            assert!(sha256_of(none).is_err(), "{none}");
        }
    }
}
