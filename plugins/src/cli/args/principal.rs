//! The arguments of `principal`.

use std::path::PathBuf;

use clap::Subcommand;
use diptych::prelude::{ScopeAccess, TopicAccess};

/// A permission as it is given.
#[derive(Debug, Clone)]
pub(crate) enum Grant {
    Scope(String, ScopeAccess),
    Topic(u16, TopicAccess),
}

/// `principal`
#[derive(Subcommand, Debug)]
pub(crate) enum PrincipalArgs {
    /// Make a principal
    Add {
        /// Its name
        name: String,
        /// A permission in a scope: READ, WRITE or READ_WRITE
        #[arg(long, value_name = "SCOPE=ACCESS", value_parser = scope_grant)]
        scope: Vec<Grant>,
        /// A permission for a topic, on every channel: PUBLISH, SUBSCRIBE or PUBSUB
        #[arg(long, value_name = "TOPIC=ACCESS", value_parser = topic_grant, allow_hyphen_values = true)]
        topic: Vec<Grant>,
        /// Events a second that all its sessions may publish; 0 for any number
        #[arg(long, value_name = "N", default_value_t = 0)]
        max_rps: u32,
        /// The world's directory
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
    /// Grant permissions, in place of earlier ones
    #[command(group(clap::ArgGroup::new("granted").args(["scope", "topic"]).required(true).multiple(true)))]
    Grant {
        /// Its name
        name: String,
        /// A permission in a scope: READ, WRITE or READ_WRITE
        #[arg(long, value_name = "SCOPE=ACCESS", value_parser = scope_grant)]
        scope: Vec<Grant>,
        /// A permission for a topic, on every channel: PUBLISH, SUBSCRIBE or PUBSUB
        #[arg(long, value_name = "TOPIC=ACCESS", value_parser = topic_grant, allow_hyphen_values = true)]
        topic: Vec<Grant>,
        /// The world's directory
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
    /// Take permissions away
    #[command(group(clap::ArgGroup::new("revoked").args(["scope", "topic"]).required(true).multiple(true)))]
    Revoke {
        /// Its name
        name: String,
        /// A scope
        #[arg(long, value_name = "SCOPE")]
        scope: Vec<String>,
        /// A topic
        #[arg(long, value_name = "TOPIC", allow_hyphen_values = true)]
        topic: Vec<u16>,
        /// The world's directory
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
    /// List all principals and what they may do
    List {
        /// Print one line of JSON
        #[arg(long)]
        json: bool,
        /// The world's directory
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
    /// Remove a principal; its sessions can do nothing any more
    Remove {
        /// Its name
        name: String,
        /// The world's directory
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
    },
}

fn scope_grant(text: &str) -> Result<Grant, String> {
    let wrong = || "it is SCOPE=ACCESS, such as alice_data=READ_WRITE".to_owned();
    let (scope, access) = text.rsplit_once('=').ok_or_else(wrong)?;
    Ok(Grant::Scope(scope.to_owned(), access.parse().map_err(|error| format!("{error}"))?))
}

fn topic_grant(text: &str) -> Result<Grant, String> {
    let (topic, access) = text.split_once('=').ok_or("it is TOPIC=ACCESS, such as 100=PUBSUB")?;
    let number = topic.parse().map_err(|_| format!("{topic:?} is no topic; topics are 0 to 65535"))?;
    Ok(Grant::Topic(number, access.parse().map_err(|error| format!("{error}"))?))
}
