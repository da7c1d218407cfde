//! What a build refuses about messages: each refusal names the type and every system involved.

use super::{Damage, Health};
use diptych_engine::prelude::*;

fn send(_damage: Outbox<Damage>) {}
fn read(_damage: Inbox<Damage>) {}

fn base() -> EngineBuilder {
    Engine::in_memory().state::<Health>("combat.health", 1)
}

#[track_caller]
fn refused(builder: EngineBuilder, parts: &[&str]) {
    let text = builder.build().expect_err("the build must refuse").to_string();
    for part in parts {
        assert!(text.contains(part), "no {part:?} in {text:?}");
    }
}

/// Two readers, no reader, no registration.
#[test]
fn readers_and_registration() {
    let message = || base().message::<Damage>("combat.damage", 1);
    refused(
        message().system("one", read).system("two", read).system("send", send),
        &["one, two name Inbox<engine::messages::Damage>, which has one reader"],
    );
    refused(
        message().system("one", send).system("two", send),
        &["one, two name Outbox<engine::messages::Damage>, and no system reads it"],
    );
    refused(
        base().system("send", send).system("read", read),
        &[
            "system send names Outbox<engine::messages::Damage>, which is no registered message",
            "system read names Inbox<engine::messages::Damage>, which is no registered message",
            "add .message::<engine::messages::Damage>(name, version)",
        ],
    );
    refused(message().message::<Damage>("combat.other", 1), &["combat.damage", "combat.other", "twice"]);
    refused(message().message::<Health>("combat.damage", 1), &["message combat.damage", "twice"]);
    refused(base().message::<Damage>("", 1), &["engine::messages::Damage", "which is empty"]);
}

/// A late system sends nothing, and neither it nor a startup system reads.
#[test]
fn phases() {
    let message = || base().message::<Damage>("combat.damage", 1);
    refused(
        message().late("late", send).system("read", read),
        &["system late names Outbox<engine::messages::Damage>, but it runs late"],
    );
    refused(
        message().late("late", read).system("send", send),
        &["system late names Inbox<engine::messages::Damage>, but it runs late"],
    );
    refused(
        message().startup("begin", read).system("send", send),
        &["system begin names Inbox<engine::messages::Damage>, but it runs in the first frame only"],
    );
}

/// One system may name both ends, and either twice; a reader without writers is no mistake.
#[test]
fn what_is_allowed() {
    let both = |_: Inbox<Damage>, _: Inbox<Damage>, _: Outbox<Damage>, _: Outbox<Damage>| {};
    let message = || base().message::<Damage>("combat.damage", 1);
    message().system("both", both).build().expect("one system");
    message().system("read", read).build().expect("no writer");
    message().build().expect("neither");
    message().system("read", read).startup("begin", send).build().expect("a writer at the start");
}
