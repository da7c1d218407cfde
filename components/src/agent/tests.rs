//! What is stored of agents comes back as it went in, and streams are read whatever the pieces.

use super::*;

const NDJSON: &str = concat!(
    "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"Hello, \"},\"done\":false}\n",
    "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"w\\u00f6rld\"},\"done\":false}\r\n",
    "\n",
    "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"eval_count\":3}\n",
    "this is not read any more",
);
const EVENTS: &str = concat!(
    ": keep alive\n\n",
    "event: chunk\nid: 1\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"},\"finish_reason\":null}]}\n\n",
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hello, \"},\"finish_reason\":null}]}\n\n",
    "data:{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"w\\u00f6rld\"}}]}\r\n\r\n",
    "data: {\"choices\":[],\"usage\":{\"total_tokens\":9}}\n\n",
    "data: [DONE]\n\nthis is not read any more",
);

fn read(protocol: Protocol, text: &str, piece: usize) -> Result<String, StreamError> {
    let mut reader = AnswerReader::new(protocol);
    for piece in text.as_bytes().chunks(piece) {
        reader.feed(piece)?;
    }
    reader.finish()
}

/// Claim: both protocols give the answer, wherever the bytes are cut.
#[test]
fn streams_are_read_in_any_pieces() {
    for (protocol, text) in [(Protocol::Lines, NDJSON), (Protocol::Events, EVENTS)] {
        for piece in [1, 2, 3, 7, 64, 4096] {
            assert_eq!(
                read(protocol, text, piece).as_deref(),
                Ok("Hello, w\u{f6}rld"),
                "{protocol:?}, {piece}"
            );
        }
    }
    let whole = "{\"choices\":[{\"message\":{\"content\":\"all at once\"},\"finish_reason\":\"stop\"}]}";
    assert_eq!(read(Protocol::Events, whole, 5).as_deref(), Ok("all at once"));
}

/// Claim: what is no answer is an error that says what is wrong, and half an answer is none.
#[test]
fn garbage_is_no_answer() {
    let error = |protocol, text: &str| read(protocol, text, 9).expect_err(text).to_string();
    assert_eq!(
        error(Protocol::Lines, "{\"error\":\"model 'x' not found\"}"),
        "the model says: model 'x' not found"
    );
    assert_eq!(error(Protocol::Events, "data: {\"error\":{\"message\":\"busy\"}}\n"), "the model says: busy");
    assert!(error(Protocol::Lines, "<html>\n").starts_with("line 1 of the answer makes no sense: "));
    assert!(error(Protocol::Lines, "\n{\"a\":1}\n").starts_with("line 2 of the answer makes no sense"));
    assert!(error(Protocol::Events, "hello\n").contains("no field of an event"));
    assert!(error(Protocol::Events, "data: {\"choices\":7}\n").contains("it has no choices"));
    assert_eq!(error(Protocol::Lines, ""), "the answer ends before it is done");
    let half = "{\"message\":{\"content\":\"half\"},\"done\":false}\n";
    assert_eq!(error(Protocol::Lines, half), "the answer ends before it is done");
    assert!(error(Protocol::Lines, &"x".repeat(LINE_BYTES_MAX + 1)).contains("longer than 65536"));
    let long = format!("{{\"message\":{{\"content\":\"{}\"}}}}\n", "y".repeat(ANSWER_BYTES_MAX / 2 + 1));
    assert!(error(Protocol::Lines, &long.repeat(2)).contains("longer than 32768"));
}

/// Claim: fences around all of an answer go, others stay.
#[test]
fn fences_are_stripped() {
    for (text, inside) in [
        ("```json\n{\"a\": 1}\n```", "{\"a\": 1}"),
        ("  ```\nx\ny\n```\n", "x\ny"),
        ("no fence", "no fence"),
        ("```a```", "```a```"),
        ("```\na\n``` and ```\nb\n```", "```\na\n``` and ```\nb\n```"),
    ] {
        assert_eq!(strip_fences(text), inside);
    }
}

/// Encodes, decodes, and tries every cut and a byte too many.
macro_rules! comes_back {
    ($($value:expr),+ $(,)?) => {$({
        let value = $value;
        let mut bytes = Vec::new();
        value.encode(&mut bytes);
        fn again<T>(_: &T, decoded: Result<T, crate::fields::FieldError>) -> Result<T, crate::fields::FieldError> {
            decoded
        }
        let decode = |bytes: &[u8]| again(&value, decode_like(&value, bytes));
        assert_eq!(decode(&bytes).as_ref(), Ok(&value));
        for end in 0..bytes.len() {
            assert!(decode(&bytes[..end]).is_err(), "{value:?} cut at {end}");
        }
        bytes.push(0);
        assert!(decode(&bytes).is_err(), "{value:?} and a byte");
    })+};
}

trait Coded: Sized {
    fn read_back(bytes: &[u8]) -> Result<Self, crate::fields::FieldError>;
}

macro_rules! coded_types {
    ($($name:ty),+) => {$(impl Coded for $name {
        fn read_back(bytes: &[u8]) -> Result<Self, crate::fields::FieldError> {
            <$name>::decode(bytes)
        }
    })+};
}

coded_types!(
    Answer,
    AgentInfo,
    Command,
    Ear,
    Grant,
    Heard,
    MemoryNode,
    Message,
    PromptTemplate,
    PromptUse,
    Question,
    Remember,
    Speak,
    TaskText,
    ToolResult,
    ToolText,
    TranscriptFinal,
    TranscriptPartial,
    VisionFrame,
    Words
);

fn decode_like<T: Coded>(_: &T, bytes: &[u8]) -> Result<T, crate::fields::FieldError> {
    T::read_back(bytes)
}

/// Claim: every value comes back; no cut of its bytes is a value, and none with a byte too many.
#[test]
fn values_come_back() {
    let text = || "w\u{f6}rds".to_owned();
    let image = Image { kind: ImageKind::Blob, reference: text() };
    let line = Line { text: text(), is_final: true };
    let scopes = vec!["clock.*".to_owned(), text()];
    let grant = Grant { scopes: scopes.clone(), expires: 9 };
    let tool = ToolText { name: text(), arguments: text() };
    let task = TaskText { topic: text(), payload: text() };
    let values = Values::from([("a".to_owned(), text()), ("b".to_owned(), String::new())]);
    let template = PromptTemplate {
        name: text(),
        macros: values.clone(),
        slots: ["c", "d"].map(str::to_owned).into(),
        default_ctx: values.clone(),
        code_ref: 5,
    };
    comes_back!(
        Answer::Waiting,
        Answer::Asked,
        Answer::Text(text()),
        Answer::Failed(text()),
        AgentInfo { number: 3, name: text(), prompt: text(), capabilities: scopes, memory: 8 },
        Ear { lines: vec![line.clone(), Line::default()], dropped: 2 },
        Heard(line.clone()),
        TranscriptFinal { text: text(), frame: 4, serial: 5 },
        TranscriptPartial { text: text(), frame: 4 },
        VisionFrame { agent: 1, frame: 2, image: image.clone() },
        Question {
            prompt: text(),
            context: vec![(Role::User, text()), (Role::Assistant, String::new())],
            images: vec![image.clone()],
            wants_json: true,
        },
        Message {
            stream: 1,
            sequence: 2,
            role: Role::Assistant,
            modality: Modality::Voice,
            caused_by: 3,
            content: text(),
        },
        MemoryNode {
            kind: NodeKind::Agent,
            text: text(),
            parents: vec![1],
            children: vec![2, 3],
            version: 4,
            sha256: core::array::from_fn(|n| n as u8),
        },
        Remember { below: true, text: text() },
        Speak { turn: 1, priority: 2, barge_in: Some(BargeIn::Stop), text: text() },
        Speak::default(),
        Words(text()),
        grant.clone(),
        task.clone(),
        tool.clone(),
        ToolResult(text()),
        Command::Hear(1, line),
        Command::Level(1, 0.5),
        Command::See(1, image),
        Command::Beat(1, Heartbeat { process: 7, ..Heartbeat::default() }),
        Command::Allow(1, grant),
        Command::Use(1, tool),
        Command::Do(2, task),
        Command::Cancel(9),
        template.clone(),
        PromptUse { template: 4, values: values.clone() },
        Command::Template(template, text()),
        Command::Prompt(1, text(), values),
    );
}

/// Claim: a notice comes back from the object that an event carries.
#[test]
fn notices_come_back() {
    use crate::event::{FromObject, ToObject};
    let notice = Notice {
        agent: u64::MAX - 3,
        turn: 2,
        frame: 3,
        number: -4,
        is_well: true,
        words: "said".to_owned(),
    };
    assert_eq!(Notice::from_object(&notice.to_object()), Some(notice));
    assert_eq!(Notice::from_object(&7_i64.to_object()), None);
}

/// Claim: a grant allows what it names, by name or beginning, until it expires.
#[test]
fn grants_allow_what_they_name() {
    let grant = Grant { scopes: vec!["fs.read".to_owned(), "ws.publish:*".to_owned()], expires: 10 };
    assert!(grant.allows("fs.read", 9) && grant.allows("ws.publish:a", 0));
    assert!(!grant.allows("fs.reader", 0) && !grant.allows("fs.rea", 0) && !grant.allows("fs.read", 10));
    assert!(!Grant::default().allows("", 0));
}

/// Claim: rings keep the latest and give back the oldest, and a number of places that is none counts as all of them.
#[test]
fn rings_keep_the_latest() {
    let mut ring = VisionRing::default();
    let out: Vec<u64> = (0..15).filter_map(|frame| ring.push(frame)).collect();
    assert_eq!((out, ring.held().to_vec()), (vec![0, 1, 2], (3..15).collect()));
    let mut stream = Stream::default();
    let out: Vec<u64> = (0..9).filter_map(|message| stream.push(message)).collect();
    assert_eq!((out, stream.held().to_vec(), stream.sequence), (vec![0], (1..9).collect(), 9));
    let mut broken = VisionRing { count: u64::MAX, ..ring };
    assert_eq!(
        (broken.held().len(), broken.push(15), broken.count),
        (VISION_MAX, Some(3), VISION_MAX as u64)
    );
}

/// Claim: rules that make no world are refused with a sentence.
#[test]
fn wrong_rules_are_refused() {
    assert_eq!(Rules::default().check(), Ok(()));
    let error = Rules { latency: 0, ..Rules::default() }.check().expect_err("no latency").to_string();
    assert_eq!(error, "the agents' latency is 0, and must be 1 to 1048576 frames");
    assert!(Rules { patience: 4, ..Rules::default() }.check().is_err());
}

/// Claim: each seed of the fuzzer is what its name says, so that it begins where there is something to find.
#[test]
fn the_seeds_of_the_fuzzer_are_read() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz/seeds/answer");
    let seed =
        |name: &str| std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let text = |name: &str| String::from_utf8(seed(name)).expect("a text");
    assert_eq!(read(Protocol::Lines, &text("lines"), 9).as_deref(), Ok("Good day"));
    assert_eq!(read(Protocol::Events, &text("events"), 9).as_deref(), Ok("Good day"));
    assert_eq!(
        read(Protocol::Lines, &text("error"), 9),
        Err(StreamError::Said("model not found".to_owned()))
    );
    let line = Line { text: "hello".to_owned(), is_final: true };
    assert_eq!(Command::decode(&seed("hear")), Ok(Command::Hear(7, line)));
    let Ok(Command::Template(template, code)) = Command::decode(&seed("template")) else {
        panic!("it is a template")
    };
    let values = Values::from([("place".to_owned(), "the tower".to_owned())]);
    assert_eq!(template.fill(&code, &values).as_deref(), Ok("You show the tower. Be brief."));
}

/// Claim: what is too long is cut when it is written, a reference to nothing, so that whatever was sent can be read.
#[test]
fn what_is_too_long_can_be_read() {
    let again = |command: &Command| {
        let mut bytes = Vec::new();
        command.encode(&mut bytes);
        Command::decode(&bytes).expect("it was written")
    };
    let long = "\u{f6}".repeat(TEXT_BYTES_MAX);
    let line = Line { text: long.clone(), is_final: true };
    let Command::Hear(_, line) = again(&Command::Hear(1, line)) else { panic!("it is heard") };
    assert_eq!(line.text.len(), TEXT_BYTES_MAX);
    let image = Image { kind: ImageKind::Url, reference: long.clone() };
    let Command::See(_, image) = again(&Command::See(1, image)) else { panic!("it is seen") };
    assert_eq!(image.reference, "");
    let grant = Grant { scopes: vec![long; SCOPES_MAX + 9], expires: 1 };
    let Command::Allow(_, grant) = again(&Command::Allow(1, grant)) else { panic!("it is allowed") };
    assert_eq!((grant.scopes.len(), grant.scopes[0].len()), (SCOPES_MAX, 128));
}
