//! A command of one's own: `(bank/transfer from to amount)`, atomic by being one command.
//!
//! Sessions of a scope run in order, so nothing can come between its reads and its writes, and nothing ever aborts.

use diptych::prelude::*;
use diptych::runtime::script::{Call, Command, ParameterKind, Permission, Value};
use diptych::runtime::slp::Object;

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
    // Of an account to itself: what was just written is what is read.
    let target = if from == to { source - amount } else { target };
    call.set_integer(to, target + amount)?;
    Ok(Value::boolean(true))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let command = Command::new("bank/transfer", transfer)
        .parameter("from", ParameterKind::Key)
        .parameter("to", ParameterKind::Key)
        .parameter("amount", ParameterKind::Evaluated)
        .permission(Permission::ReadWrite)
        .help("moves an amount from one account to another");
    let mut engine = Engine::in_memory().plugin(Runtime::default().command(command)?).build()?;
    let client = engine.client()?;
    client.principal(Principal::new("bank").scope("accounts", ScopeAccess::ReadWrite))?;
    let teller = client.session("bank", "accounts")?;
    teller.run("(core/kv/set alice 100) (core/kv/set bob 20)")?;
    let moved = teller.run("(bank/transfer alice bob 70)")?;
    let refused = teller.run("(bank/transfer alice bob 70)")?;
    engine.answer()?;
    engine.answer()?;
    let text = |ticket: &diptych::runtime::Ticket| ticket.get().map(|answer| answer.result.to_string());
    println!("{:?}\n{:?}", text(&moved), text(&refused));
    assert_eq!(text(&moved).as_deref(), Some("true"));
    assert!(refused.get().is_some_and(|answer| answer.is_error()));
    let balance =
        |key: &str| client.look(|index| index.get("accounts", key.as_bytes()).map(ToString::to_string));
    assert_eq!((balance("alice"), balance("bob")), (Some("30".to_owned()), Some("90".to_owned())));
    Ok(())
}
