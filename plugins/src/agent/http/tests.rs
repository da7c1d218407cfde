//! Models over HTTP, driven by a server on this machine that speaks the real protocols, in pieces, wrongly, or not at all.

use super::*;
use crate::agent::tests::outside_world;
use crate::agent::{Answer, Image, Role};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

/// How long a server hangs: for all that a test waits.
const HANGS: Duration = Duration::from_secs(120);

/// Serves connections, each on a thread of its own and with its number; gives the bodies of requests.
fn serve(
    speak: impl Fn(usize, &mut TcpStream) + Send + Sync + 'static,
) -> (String, Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("it is bound"));
    let (send, receive) = channel();
    let speak = Arc::new(speak);
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { return };
            let (send, speak) = (send.clone(), speak.clone());
            thread::spawn(move || {
                let Some(request) = read_request(&mut stream) else { return };
                // Whoever reads requests may be content with fewer.
                let _ = send.send(request);
                speak(number, &mut stream);
            });
        }
    });
    (address, receive)
}

/// The path and the body of a request.
fn read_request(stream: &mut TcpStream) -> Option<(String, Value)> {
    let mut bytes = Vec::new();
    let mut piece = [0; 1024];
    loop {
        let read = stream.read(&mut piece).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        if length.is_some_and(|length| body.len() >= length) {
            let path = head.split(' ').nth(1)?.to_owned();
            return Some((path, serde_json::from_str(body).ok()?));
        }
    }
}

/// Sends pieces as chunks, with pauses, as a model that streams does.
fn stream_chunks(stream: &mut TcpStream, kind: &str, pieces: &[&str], ends: bool) {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n");
    let mut send = |bytes: String| {
        // Whoever asked may have gone.
        let _ = stream.write_all(bytes.as_bytes()).and_then(|()| stream.flush());
    };
    send(head);
    for piece in pieces {
        send(format!("{:x}\r\n{piece}\r\n", piece.len()));
        thread::sleep(Duration::from_millis(5));
    }
    if ends {
        send("0\r\n\r\n".to_owned());
    }
}

fn question() -> Question {
    let context = [(Role::User, "before"), (Role::Assistant, "then"), (Role::User, "now")];
    let images =
        [(ImageKind::Blob, "aGk="), (ImageKind::Url, "http://x/y.png"), (ImageKind::Attachment, "z")];
    Question {
        prompt: "Be brief.".to_owned(),
        context: context.map(|(role, text)| (role, text.to_owned())).into(),
        images: images.map(|(kind, at)| Image { kind, reference: at.to_owned() }).into(),
        wants_json: true,
    }
}

const LINES: [&str; 4] = [
    "{\"message\":{\"role\":\"assistant\",\"content\":\"Good \"},\"do",
    "ne\":false}\n{\"message\":{\"content\":\"day\"},\"done\":false}",
    "\n{\"message\":{\"content\":\"\"},\"done\":true,",
    "\"eval_count\":2}\n",
];
const EVENTS: [&str; 4] = [
    "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\ndata: {\"choices\":[{\"delta\":",
    "{\"content\":\"Good \"}}]}\n\n",
    "data: {\"choices\":[{\"delta\":{\"content\":\"day\"}}]}\n\n",
    "data: [DONE]\n\n",
];

/// Claim: both protocols are spoken as their servers do: what is sent is what they take, what they stream is the answer.
#[test]
fn both_protocols_are_spoken() {
    let (url, requests) = serve(|_, stream| stream_chunks(stream, "application/x-ndjson", &LINES, true));
    let ollama = Http::ollama(&url, "tiny").expect("an address");
    assert_eq!(ollama.answer(&question()).as_deref(), Ok("Good day"));
    let (path, body) = requests.recv().expect("asked");
    assert_eq!((&*path, &body["model"], &body["stream"]), ("/api/chat", &json!("tiny"), &json!(true)));
    assert_eq!(body["options"], json!({"temperature": 0.2, "top_p": 0.95, "num_predict": 512}));
    assert_eq!(body["messages"][0], json!({"role": "system", "content": "Be brief."}));
    assert_eq!(body["messages"][3], json!({"role": "user", "content": "now", "images": ["aGk="]}));
    assert_eq!(body["format"], "json");

    let (url, requests) = serve(|_, stream| stream_chunks(stream, "text/event-stream", &EVENTS, true));
    let openai = Http::openai(&format!("{url}/v1/"), "tiny").expect("an address");
    assert_eq!(openai.answer(&question()).as_deref(), Ok("Good day"));
    let (path, body) = requests.recv().expect("asked");
    assert_eq!(
        (&*path, &body["temperature"], &body["top_p"]),
        ("/v1/chat/completions", &json!(0.2), &json!(0.95))
    );
    assert_eq!((&body["max_tokens"], &body["stream"]), (&json!(512), &json!(true)));
    let shown = |url: &str| json!({"type": "image_url", "image_url": {"url": url}});
    assert_eq!(
        body["messages"][3]["content"],
        json!([
            {"type": "text", "text": "now"},
            shown("data:image/png;base64,aGk="),
            shown("http://x/y.png"),
        ])
    );
}

/// Claim: what an agent sees goes along with its question as the interface takes it: addresses, bytes with their kind, and
/// attachments that can be opened. What cannot be shown is named with the reason, and keeps nothing else from being shown.
#[test]
fn images_go_along_or_are_named() {
    let (url, requests) = serve(|number, stream| match number {
        0 => stream_chunks(stream, "application/x-ndjson", &LINES, true),
        _ => stream_chunks(stream, "text/event-stream", &EVENTS, true),
    });
    let open = |model: Http| {
        model.attachments(|name| match name {
            "map" => Some(vec![0xff, 0xd8, 0xff, 0xe0]),
            "huge" => Some(vec![0; ATTACHMENT_BYTES_MAX + 1]),
            _ => None,
        })
    };
    let seen = [
        (ImageKind::Url, "http://x/y.png"),
        (ImageKind::Attachment, "map"),
        (ImageKind::Attachment, "lost"),
        (ImageKind::Attachment, "huge"),
    ];
    let images = seen.map(|(kind, at)| Image { kind, reference: at.to_owned() }).into();
    let question = Question { images, ..question() };
    let ollama = open(Http::ollama(&url, "tiny").expect("an address"));
    assert_eq!(ollama.answer(&question).as_deref(), Ok("Good day"));
    let (_, body) = requests.recv().expect("asked");
    assert_eq!(body["messages"][3], json!({"role": "user", "content": "now", "images": ["/9j/4A=="]}));
    let lost = "attachment lost, which nobody can open";
    let huge = "attachment huge, as its 4194305 bytes are too many";
    assert_eq!(
        ollama.left_out(&question),
        ["http://x/y.png, as this interface takes no addresses", lost, huge]
    );
    let openai = open(Http::openai(&url, "tiny").expect("an address"));
    assert_eq!(openai.answer(&question).as_deref(), Ok("Good day"));
    let (_, body) = requests.recv().expect("asked");
    let parts = body["messages"][3]["content"].as_array().expect("parts");
    let urls: Vec<&Value> = parts[1..].iter().map(|part| &part["image_url"]["url"]).collect();
    assert_eq!(urls, ["http://x/y.png", "data:image/jpeg;base64,/9j/4A=="]);
    assert_eq!(openai.left_out(&question), [lost, huge]);
    let blind = Http::openai(&url, "tiny").expect("an address");
    assert_eq!(blind.left_out(&question)[0], "attachment map, which nobody can open");
    for (blob, kind) in [("iVBORw0KGgo=", "png"), ("R0lGODlh", "gif"), ("UklGRiQA", "webp"), ("?", "png")] {
        assert_eq!(media_type(blob), format!("image/{kind}"));
    }
}

/// Claim: a server that refuses, talks garbage, breaks off, hangs or is not there is an error in its time that says so.
#[test]
fn bad_servers_are_errors() {
    let asked = |speak: fn(&mut TcpStream), timeout: Duration| {
        let (url, _requests) = serve(move |_, stream| speak(stream));
        let model = Http::ollama(&url, "tiny").expect("an address").timeout(timeout);
        model.answer(&Question::default()).expect_err("it is bad")
    };
    // However slow the machine is, what a server says is heard.
    let error = |speak| asked(speak, Duration::from_secs(90));
    let late = |speak| asked(speak, Duration::from_millis(400));
    let refused = error(|stream| {
        let _ = stream
            .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 21\r\n\r\n{\"error\":\"no such m\"}");
    });
    assert_eq!(refused, "the server refuses with status 404: {\"error\":\"no such m\"}");
    let garbage = error(|stream| stream_chunks(stream, "text/html", &["<html>hello\n</html>"], true));
    assert!(garbage.starts_with("line 1 of the answer makes no sense"), "{garbage}");
    let noise = error(|stream| {
        let _ = stream.write_all(&[0xff; 4000]);
    });
    assert!(!noise.is_empty());
    let half = error(|stream| stream_chunks(stream, "application/x-ndjson", &LINES[..2], true));
    assert_eq!(half, "the answer ends before it is done");
    let broken = error(|stream| stream_chunks(stream, "application/x-ndjson", &LINES[..2], false));
    assert!(broken.starts_with("the answer breaks off: "), "{broken}");
    let silent = late(|_| thread::sleep(HANGS));
    assert!(silent.contains("timeout"), "{silent}");
    let stuck = late(|stream| {
        stream_chunks(stream, "application/x-ndjson", &LINES[..1], false);
        thread::sleep(HANGS);
    });
    assert!(stuck.contains("timeout"), "{stuck}");
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        format!("http://{}", listener.local_addr().expect("it is bound"))
    };
    let absent = Http::openai(&closed, "tiny").expect("an address").answer(&Question::default());
    assert!(absent.expect_err("nobody listens").to_lowercase().contains("refused"));
}

/// Claim: an address that cannot be asked and a model without a name are refused with a sentence.
#[test]
fn wrong_addresses_are_refused() {
    let refusal = |url: &str, model: &str| Http::openai(url, model).expect_err("refused").to_string();
    assert_eq!(
        refusal("https://example.org", "m"),
        "https://example.org cannot be asked: give an address that begins with http://, as https is not spoken here"
    );
    assert!(refusal("http://a b", "m").starts_with("http://a b is no address: "));
    assert!(refusal(OPENAI_URL, "").starts_with("a model has a name"));
}

/// Claim: in a world, each of these is an answer or a failure of its question, frames go on, and the next question is
/// answered all the same.
#[test]
fn a_world_goes_on_beside_bad_servers() {
    let (url, _requests) = serve(|number, stream| match number {
        0 => stream_chunks(stream, "text/html", &["<html>\n"], true),
        1 => thread::sleep(HANGS),
        _ => stream_chunks(stream, "application/x-ndjson", &LINES, true),
    });
    let model = Http::ollama(&url, "tiny").expect("an address").timeout(Duration::from_secs(3));
    let answers = outside_world(model, &[], &["one", "two", "three"]);
    let [Answer::Failed(first), Answer::Failed(second), Answer::Text(third)] = &*answers else {
        panic!("{answers:?}")
    };
    let name = format!("No providers responded: tiny at {url}/api/chat: ");
    assert!(first.starts_with(&format!("{name}line 1 of the answer makes no sense")), "{first}");
    assert!(second.starts_with(&name) && second.contains("timeout"), "{second}");
    assert_eq!(third, "Good day");
}

/// Claim: the last four images that an agent saw reach the server with the agent's question, the latest last.
#[test]
fn what_an_agent_saw_reaches_the_server() {
    let (url, requests) = serve(|_, stream| stream_chunks(stream, "text/event-stream", &EVENTS, true));
    let url_of = |n: u32| Image { kind: ImageKind::Url, reference: format!("http://camera/{n}.png") };
    let mut seen: Vec<Image> = (0..5).map(url_of).collect();
    seen.push(Image { kind: ImageKind::Blob, reference: "R0lGODlh".to_owned() });
    let model = Http::openai(&url, "tiny").expect("an address");
    assert_eq!(outside_world(model, &seen, &["What is it?"]), [Answer::Text("Good day".to_owned())]);
    let (_, body) = requests.recv().expect("asked");
    let parts = body["messages"][1]["content"].as_array().expect("parts");
    assert_eq!(parts[0]["text"], "What is it?");
    let urls: Vec<&str> = parts[1..].iter().filter_map(|part| part["image_url"]["url"].as_str()).collect();
    let camera = [2, 3, 4].map(|n| format!("http://camera/{n}.png"));
    assert_eq!(urls, [&*camera[0], &*camera[1], &*camera[2], "data:image/gif;base64,R0lGODlh"]);
}
