//! Tools that agents use, if they have a grant.
//!
//! Invariant: a call is carried out once, in the frame after it was asked for, and only where the agent's grant allows
//! it in that frame; everything that it gives follows from the world.

use diptych_components::agent::{
    AgentInfo, CallStatus, Grant, Remember, Rules, ToolCall, ToolResult, ToolText,
};
use diptych_components::slp;
use diptych_engine::prelude::*;

/// The tools that there are.
pub const TOOLS: [&str; 3] = ["clock.read", "memory.write", "text.count"];

type Calls<'w, 's> = Query<'w, 's, (Id, Next<ToolCall>, Next<ToolResult>, Prev<ToolText>)>;

/// Owns calls of tools and what they give.
pub fn use_tools(
    mut calls: Calls,
    agents: (Linked<Grant>, Linked<AgentInfo>),
    rules: Query<Prev<Rules>>,
    clock: Clock,
    mut structure: Structure,
    mut memories: Outbox<Remember>,
) {
    let Some(&rules) = rules.iter().next() else { return };
    let (grants, infos) = agents;
    let frame = clock.frame();
    for (id, mut row, mut result, text) in &mut calls {
        let old = *row.prev();
        if CallStatus::of(old.status) != CallStatus::Requested {
            if frame >= old.finished + u64::from(rules.keep) {
                structure.despawn(id);
            }
            continue;
        }
        let agent = Id::from_bits(old.agent);
        let may = grants.get(agent).is_some_and(|grant| grant.allows(&text.name, frame));
        let outcome = match may {
            true => carry_out(text, frame, infos.get(agent).map(|info| Id::from_bits(info.memory))),
            false => Err(format!("the agent has no grant for {}", text.name)),
        };
        let (status, given) = match outcome {
            Ok((given, memory)) => {
                if let Some((node, memory)) = memory {
                    memories.from(agent).to(node, memory);
                }
                (CallStatus::Done, given)
            }
            Err(why) if may => (CallStatus::Failed, why),
            Err(why) => (CallStatus::Denied, why),
        };
        row.set(ToolCall { status: status.code(), finished: frame, ..old });
        result.set(ToolResult::new(given));
    }
}

/// What a tool gives, and what is to be remembered where.
type Given = (String, Option<(Id, Remember)>);

fn carry_out(text: &ToolText, frame: u64, memory: Option<Id>) -> Result<Given, String> {
    match (&*text.name, memory) {
        ("clock.read", _) => Ok((frame.to_string(), None)),
        ("text.count", _) => Ok((text.arguments.split_whitespace().count().to_string(), None)),
        ("memory.write", Some(node)) => {
            slp::parse_one(&text.arguments, &slp::Limits::default())
                .map_err(|error| format!("what is to be remembered is no expression: {error}"))?;
            let remember = Remember { below: true, text: text.arguments.clone() };
            Ok(("remembered".to_owned(), Some((node, remember))))
        }
        ("memory.write", None) => Err("the agent has no memory".to_owned()),
        (name, _) => Err(format!("there is no tool {name}; there are {}", TOOLS.join(", "))),
    }
}
