//! Templates are filled as they say, or refused with their name.

use super::*;

fn named(pairs: &[(&str, &str)]) -> Values {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn template() -> PromptTemplate {
    PromptTemplate {
        name: "guide".to_owned(),
        macros: named(&[("manner", "(prompt \" Be \" style \".\")"), ("sign", "\" --\"")]),
        slots: ["place", "style"].map(str::to_owned).into(),
        default_ctx: named(&[("style", "brief")]),
        code_ref: 3,
    }
}

fn refusal(template: &PromptTemplate, code: &str, values: &Values) -> String {
    template.fill(code, values).expect_err(code).to_string()
}

/// Claim: slots become values, or their defaults, macros what they stand for, each as often as it is named; what is put in
/// is never read as code.
#[test]
fn slots_and_macros_are_replaced() {
    let code = "(prompt \"You show \" place \", all \" 3 \" floors.\" manner manner sign)";
    let values = named(&[("place", "the tower (prompt style)"), ("nobody", "asks")]);
    let prompt = template().fill(code, &values).expect("it can be filled");
    assert_eq!(prompt, "You show the tower (prompt style), all 3 floors. Be brief. Be brief. --");
    let loud = named(&[("place", ""), ("style", "loud")]);
    assert_eq!(template().fill("(prompt place manner)", &loud).as_deref(), Ok(" Be loud."));
    assert_eq!(template().fill("\"just this\"", &values).as_deref(), Ok("just this"));
    assert_eq!(template().fill("style", &values).as_deref(), Ok("brief"));
    assert_eq!(template().fill("(prompt)", &values).as_deref(), Ok(""));
}

/// Claim: a slot without a value and a default is a refusal that names both; it is one only where the slot is named.
#[test]
fn a_slot_without_a_value_is_named() {
    let none = Values::new();
    assert_eq!(
        refusal(&template(), "(prompt place)", &none),
        "the prompt template guide has no value for its slot place, and no default"
    );
    let mut bare = template();
    bare.default_ctx.clear();
    let by_macro = refusal(&bare, "(prompt manner)", &none);
    assert_eq!(by_macro, "the prompt template guide has no value for its slot style, and no default");
    assert_eq!(bare.fill("(prompt sign)", &none).as_deref(), Ok(" --"));
}

/// Claim: a macro expands once: one that names a macro, itself among them, is refused, so nothing grows by itself; a prompt
/// is no longer than a text may be.
#[test]
fn macros_expand_once() {
    for inner in ["manner", "sign"] {
        let mut nested = template();
        nested.macros.insert("manner".to_owned(), format!("(prompt style {inner})"));
        assert_eq!(
            refusal(&nested, "(prompt manner)", &Values::new()),
            format!(
                "the macro manner of the prompt template guide names {inner}, which is a macro of it, and macros expand once"
            )
        );
        assert!(nested.check("(prompt place)").is_err());
    }
    let long = named(&[("place", &"x".repeat(SLOT_BYTES_MAX))]);
    let code = |times: usize| format!("(prompt{})", " place".repeat(times));
    let most = TEXT_BYTES_MAX / SLOT_BYTES_MAX;
    assert_eq!(template().fill(&code(most), &long).map(|prompt| prompt.len()), Ok(TEXT_BYTES_MAX));
    let refused = refusal(&template(), &code(most + 1), &long);
    assert_eq!(refused, "the prompt of the template guide is longer than 4096 bytes");
}

/// Claim: what is no code, or names what is not there, is refused with its place, before anybody fills it.
#[test]
fn bad_templates_are_refused() {
    let check = |template: &PromptTemplate, code: &str| match template.check(code) {
        Ok(()) => String::new(),
        Err(error) => error.to_string(),
    };
    assert_eq!(check(&template(), "(prompt \"a\" place manner)"), "");
    assert_eq!(
        check(&template(), "(prompt other)"),
        "the code of the prompt template guide names other, which is neither a slot nor a macro of it"
    );
    for (code, why) in [
        ("(prompt", "cannot be read"),
        ("(place style)", "begins with the word prompt"),
        ("(prompt (prompt place))", "cannot be read"),
        ("(prompt 'place)", "cannot be read"),
        ("[place]", "is no text, number or name"),
        ("", "cannot be read"),
    ] {
        let refused = check(&template(), code);
        assert!(
            refused.starts_with("the code of the prompt template guide") && refused.contains(why),
            "{refused}"
        );
    }
    let with = |change: fn(&mut PromptTemplate)| {
        let mut changed = template();
        change(&mut changed);
        check(&changed, "\"\"")
    };
    assert_eq!(
        with(|one| one.name.clear()),
        "a prompt template has a name of 1 to 128 bytes, and this one has not"
    );
    let unknown = with(|one| one.default_ctx.extend(named(&[("colour", "red")])));
    assert!(unknown.contains("default context") && unknown.contains("colour, which is no slot"), "{unknown}");
    let both = with(|one| one.slots.extend(["sign".to_owned()]));
    assert!(both.contains("names sign, which is a slot of it as well"), "{both}");
    let bad = with(|one| one.macros.extend(named(&[("bad", "((")])));
    assert!(bad.starts_with("the macro bad of the prompt template guide cannot be read"), "{bad}");
}

/// Claim: a template has one encoding: names that are not in order, or there twice, are none; what passes a limit is not cut,
/// but written as what can be read and is refused by a sentence that says what it was.
#[test]
fn templates_have_one_encoding() {
    let mut twice = Vec::new();
    put_list(&mut twice, &["b", "a"], SLOTS_MAX, |out, name| {
        put_text(out, name, NAME_BYTES_MAX);
        put_text(out, "", SLOT_BYTES_MAX);
    });
    assert!(values(&mut Fields(&twice)).expect_err("not in order").0.contains("not in order"));
    let refused = |change: &dyn Fn(&mut PromptTemplate)| {
        let (mut large, mut bytes) = (template(), Vec::new());
        change(&mut large);
        large.encode(&mut bytes);
        let read = PromptTemplate::decode(&bytes).expect("it was written");
        read.check("\"\"").expect_err("it passes a limit").to_string()
    };
    let many: Vec<String> = (0..=SLOTS_MAX).map(|n| format!("slot {n:03}")).collect();
    let long = refused(&|one| one.macros = named(&[("m", &"y".repeat(SLOT_BYTES_MAX + 1))]));
    assert_eq!(long, "of the prompt template guide the macros pass a limit: m has more than 1024 bytes");
    let name = refused(&|one| one.macros = named(&[(&"z".repeat(NAME_BYTES_MAX + 1), "gone")]));
    assert_eq!(name, "of the prompt template guide the macros pass a limit: a name has more than 128 bytes");
    let count =
        refused(&|one| one.default_ctx = many.iter().map(|name| (name.clone(), String::new())).collect());
    let over =
        "of the prompt template guide the defaults pass a limit: there are 33, more than the limit of 32";
    assert_eq!(count, over);
    let slots = refused(&|one| one.slots = many.iter().cloned().collect());
    assert!(slots.starts_with("of the prompt template guide the slots pass a limit"), "{slots}");
    let own = refused(&|one| one.name = "n".repeat(NAME_BYTES_MAX + 1));
    assert!(own.starts_with("a prompt template has a name of 1 to 128 bytes"), "{own}");
}
