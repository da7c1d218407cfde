//! `diptych principal` and `diptych commands`: who may do what, and what there is to do.
//!
//! Invariant: a change is on disk when the command ends with 0; only `principal add` makes a world where there is none.

use diptych::prelude::*;
use diptych::runtime::{Ask, Change};
use diptych_components::kv::check_scope;
use serde_json::{Value, json};

use super::Failure;
use super::args::{Grant, PrincipalArgs};
use super::world::{World, write};

/// Changes or lists principals.
pub(crate) fn principal(args: &PrincipalArgs) -> Result<(), Failure> {
    match args {
        PrincipalArgs::Add { name, scope, topic, max_rps, data } => {
            let mut record = Principal::new(name).max_rps(*max_rps);
            for grant in scope.iter().chain(topic) {
                record = match grant.clone() {
                    Grant::Scope(scope, access) => record.scope(&scope, access),
                    Grant::Topic(topic, access) => record.topic(topic, access),
                };
            }
            record.check().map_err(|error| Failure::Refused(error.to_string()))?;
            let mut world = World::open(Some(data))?;
            if world.principal(name).is_some() {
                return Err(Failure::Refused(format!(
                    "there is a principal {name} already; use principal grant, or principal remove before"
                )));
            }
            done(&mut world, Ask::Principal(record))
        }
        PrincipalArgs::Grant { name, scope, topic, data } => {
            // All of it, or nothing: names are looked at before the first change.
            for grant in scope {
                if let Grant::Scope(scope, _) = grant {
                    check_scope(scope).map_err(|error| Failure::Refused(error.to_string()))?;
                }
            }
            let mut world = World::existing(data)?;
            for grant in scope.iter().chain(topic) {
                let change = match grant.clone() {
                    Grant::Scope(scope, access) => Change::GrantScope(scope.into(), access),
                    Grant::Topic(topic, access) => Change::GrantTopic(topic, access),
                };
                done(&mut world, Ask::Change(name.as_str().into(), change))?;
            }
            Ok(())
        }
        PrincipalArgs::Revoke { name, scope, topic, data } => {
            let mut world = World::existing(data)?;
            let scopes = scope.iter().map(|scope| Change::RevokeScope(scope.as_str().into()));
            for change in scopes.chain(topic.iter().map(|topic| Change::RevokeTopic(*topic))) {
                done(&mut world, Ask::Change(name.as_str().into(), change))?;
            }
            Ok(())
        }
        PrincipalArgs::Remove { name, data } => {
            done(&mut World::existing(data)?, Ask::Remove(name.as_str().into()))
        }
        PrincipalArgs::List { data, json } => list(&World::existing(data)?, *json),
    }
}

fn done(world: &mut World, ask: Ask) -> Result<(), Failure> {
    world.change(ask)?;
    world.keep()
}

fn list(world: &World, json: bool) -> Result<(), Failure> {
    let view = world.engine.view();
    let mut all: Vec<&Principal> = view.iter::<Principal>().map(|(_, record)| record).collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    let mut out = String::new();
    if json {
        let object = |record: &&Principal| {
            let scopes =
                record.scopes.iter().map(|(scope, access)| (scope.to_string(), access.to_string().into()));
            let topics =
                record.topics.iter().map(|(topic, access)| (topic.to_string(), access.to_string().into()));
            json!({"name": record.name, "scopes": Value::Object(scopes.collect()),
                "topics": Value::Object(topics.collect()), "max_rps": record.max_rps})
        };
        out = Value::from(all.iter().map(object).collect::<Vec<_>>()).to_string() + "\n";
    } else {
        for record in all {
            out += &record.name;
            record.scopes.iter().for_each(|(scope, access)| out += &format!("  {scope}={access}"));
            out += &topics(record);
            if record.max_rps > 0 {
                out += &format!("  {} events a second", record.max_rps);
            }
            out.push('\n');
        }
    }
    write(out.as_bytes())?.then_some(()).ok_or(Failure::Unread)
}

/// Neighbours with one permission as a range.
fn topics(record: &Principal) -> String {
    let mut ranges: Vec<(u16, u16, TopicAccess)> = Vec::new();
    for (topic, access) in &record.topics {
        match ranges.last_mut() {
            Some((_, to, same)) if *same == *access && to.checked_add(1) == Some(*topic) => *to = *topic,
            _ => ranges.push((*topic, *topic, *access)),
        }
    }
    let range = |(from, to, access): (u16, u16, TopicAccess)| match from == to {
        true => format!("  topic {from}={access}"),
        false => format!("  topics {from} to {to}={access}"),
    };
    ranges.into_iter().map(range).collect()
}

/// Lists what scripts can call.
pub(crate) fn commands(json: bool) -> Result<(), Failure> {
    let runtime = Runtime::default();
    let permission = diptych::stdio::permission;
    let out = if json {
        let object = |command: &diptych::runtime::Command| {
            let parameters = command.parameters().iter().map(|parameter| {
                json!({"name": parameter.name(), "kind": format!("{:?}", parameter.kind()),
                    "optional": parameter.is_optional(), "repeated": parameter.is_repeated()})
            });
            json!({"name": command.name(), "signature": command.signature(),
                "parameters": parameters.collect::<Vec<_>>(), "permission": permission(command.needs()),
                "help": command.help_text()})
        };
        Value::from(runtime.commands().iter().map(object).collect::<Vec<_>>()).to_string() + "\n"
    } else {
        let mut out = String::new();
        for command in runtime.commands().iter() {
            let (signature, needs) = (command.signature(), permission(command.needs()));
            out += &format!("{signature}\n    {} Needs of its scope: {needs}.\n", command.help_text());
        }
        out
    };
    write(out.as_bytes())?.then_some(()).ok_or(Failure::Unread)
}
