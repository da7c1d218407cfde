//! What agents remember: nodes of expressions, each with a version and a hash.
//!
//! Invariant: a node's hash is that of its text, and a text is one expression that can be read; what cannot is not
//! remembered, and counts nowhere but in the log.

use diptych_components::agent::{CHILDREN_MAX, MemoryNode, NodeKind, Remember};
use diptych_components::slp::{self, Limits};
use diptych_engine::prelude::*;

/// The hash of a text.
#[must_use]
pub fn hash_of(text: &str) -> u128 {
    xxhash_rust::xxh3::xxh3_128(text.as_bytes())
}

/// Owns memory nodes.
pub fn remember(mut nodes: Query<(Id, Next<MemoryNode>)>, mails: Inbox<Remember>, mut structure: Structure) {
    for (id, mut row) in &mut nodes {
        let mail = mails.of(id);
        if mail.is_empty() {
            continue;
        }
        let mut next = row.prev().clone();
        for Remember { below, text } in mail.messages() {
            if let Err(error) = slp::parse_one(text, &Limits::default()) {
                tracing::warn!(%id, %error, "what is to be remembered is no expression, and is dropped");
                continue;
            }
            next.version += 1;
            if !below {
                next.hash = hash_of(text);
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
                hash: hash_of(text),
            };
            next.children.push(structure.spawn((child,)).id.bits());
        }
        row.set_if_changed(next);
    }
}
