//! Transfers between accounts of one scope, each a script of its own, each answer on disk before its caller goes on.
//!
//! Invariant: 64 callers have 40 transfers in flight each, and send the next in a slot when the one before is synced.
//! The callers make the text and parse it. No balance is lost: their sum is checked, also after reopening.

mod callers;

use crate::office::{Office, builder, seconds, settings};
use crate::writes::dir;
use benches::report::{Row, Samples};
use benches::{Suite, Target};
use callers::{Bank, CALLERS, IN_FLIGHT};
use diptych::prelude::*;
use diptych::runtime::script::{Call, Command, ParameterKind, Permission, Value};
use diptych::runtime::slp::Object;
use diptych::runtime::{Client, Operation};
use std::path::Path;
use std::sync::Arc;

const ACCOUNTS: usize = 100_000;
const TRANSFERS: usize = 200_000;
const BALANCE: i64 = 1_000_000_000;
const SCOPE: &str = "scope_00";

/// How the callers run.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// One thread does the work of all.
    Driver,
    /// The thread that makes the frames does it between them.
    Between,
    /// A thread each.
    Threads,
}

pub(crate) fn run(suite: &mut Suite) {
    let ways = [
        (Way::Driver, "callers on one thread", true),
        (Way::Between, "callers between frames", false),
        (Way::Threads, "64 threads of callers", false),
    ];
    for (way, what, judged) in ways {
        let name = |kind| format!("transfer, 100,000 accounts, 64 x 40 in flight, synced, {what}, {kind}");
        if !suite.wants(&name("uniform")) && !suite.wants(&name("Zipf 1.5")) {
            continue;
        }
        let dir = dir();
        let mut office = office(dir.path());
        let (uniform, zipf) = (draw(None), draw(Some(1.5)));
        let (mut even, mut skewed) = (Samples::default(), Samples::default());
        rate(&mut office, way, &uniform);
        rate(&mut office, way, &zipf);
        for _ in 0..suite.reps() {
            even.0.push(rate(&mut office, way, &uniform));
            skewed.0.push(rate(&mut office, way, &zipf));
        }
        check(&office.client);
        drop(office);
        let engine = bank(dir.path()).plugin(plugin()).build().expect("the world opens again");
        check(&engine.client().expect("it has a runtime"));
        let target = |target| if judged { target } else { Target::None };
        let row =
            |name, ours: &Samples, peer, target| Row { name, unit: "k/s", ours: ours.clone(), peer, target };
        suite.row(row(name("uniform"), &even, None, target(Target::AtLeast(300.0))));
        suite.row(row(name("Zipf 1.5"), &skewed, None, target(Target::AtLeast(300.0))));
        let peer = Some(("uniform".to_owned(), even));
        suite.row(row(name("Zipf 1.5 beside uniform"), &skewed, peer, target(Target::RatioAtLeast(1.0))));
    }
}

/// Thousands of transfers a second.
fn rate(office: &mut Office, way: Way, pairs: &[(u32, u32)]) -> f64 {
    let durable = office.engine.durable().expect("it has a store");
    let bank = Bank::new(&office.client, &office.sessions, durable, pairs);
    let engine = &mut office.engine;
    let taken = seconds(|| match way {
        Way::Driver => callers::beside(engine, &bank),
        Way::Between => callers::between(engine, &bank),
        Way::Threads => callers::threads(engine, &bank),
    });
    pairs.len() as f64 / taken / 1e3
}

fn bank(dir: &Path) -> EngineBuilder {
    builder(Some(dir), 2).durability(Durability::Synced)
}

fn plugin() -> Runtime {
    let command = Command::new("bank/transfer", transfer)
        .parameter("from", ParameterKind::Key)
        .parameter("to", ParameterKind::Key)
        .parameter("amount", ParameterKind::Evaluated)
        .permission(Permission::ReadWrite)
        .help("moves an amount from one account to another");
    Runtime::default().settings(settings()).command(command).expect("no other command has the name")
}

fn office(dir: &Path) -> Office {
    let mut office = Office::open(bank(dir), plugin(), 1);
    office.all(ACCOUNTS, |office, n| {
        office.send(0, Operation::Set(account(n as u32).as_bytes().into(), Object::integer(BALANCE)));
    });
    let sessions = (0..CALLERS).map(|_| {
        let session = office.client.session("clerk", SCOPE).expect("the session is right");
        Arc::from(session.id())
    });
    office.sessions = sessions.collect();
    office.settle();
    office
}

/// The key of an account.
fn account(number: u32) -> String {
    format!("account_{number:06}")
}

/// As in the example `bank`.
fn transfer(call: &mut Call<'_>) -> Result<Value, Object> {
    let (from, to) = (call.key(0)?, call.key(1)?);
    let amount = call.integer(2)?;
    let missing =
        |key: &[u8]| Object::error(&format!("there is no account {}", String::from_utf8_lossy(key)));
    let source = call.get_integer(from)?.ok_or_else(|| missing(from))?;
    let target = call.get_integer(to)?.ok_or_else(|| missing(to))?;
    if amount <= 0 || source < amount {
        return Err(call.error(&format!("{amount} cannot be taken from {source}")));
    }
    call.set_integer(from, source - amount)?;
    let target = if from == to { source - amount } else { target };
    call.set_integer(to, target + amount)?;
    Ok(Value::boolean(true))
}

/// The sum of all balances is what was paid in.
fn check(client: &Client) {
    let sum: i64 = client.look(|index| {
        let balance = |n| index.get(SCOPE, account(n).as_bytes()).and_then(|value| value.view().integer());
        (0..ACCOUNTS as u32).map(|n| balance(n).expect("the account is there")).sum()
    });
    assert_eq!(sum, BALANCE * ACCOUNTS as i64, "no balance is lost");
}

/// Two accounts for each transfer, never the same; by Zipf's law with this exponent, or all alike.
fn draw(exponent: Option<f64>) -> Vec<(u32, u32)> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut part = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    // How likely an account up to this one is, not yet divided by the sum.
    let weight = |n: usize| exponent.map_or(1.0, |exponent| libm::pow(n as f64 + 1.0, -exponent));
    let up_to: Vec<f64> = (0..ACCOUNTS)
        .scan(0.0, |sum, n| {
            *sum += weight(n);
            Some(*sum)
        })
        .collect();
    let all = up_to[ACCOUNTS - 1];
    let mut one = || {
        let at = part() * all;
        up_to.partition_point(|sum| *sum <= at).min(ACCOUNTS - 1) as u32
    };
    let pair = |_| {
        let from = one();
        let mut to = one();
        while to == from {
            to = one();
        }
        (from, to)
    };
    (0..TRANSFERS).map(pair).collect()
}

const _: () = assert!(CALLERS * IN_FLIGHT < TRANSFERS);
