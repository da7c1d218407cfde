//! Who hears what: many handlers, none, the ends of the range of topics, values of all kinds.

use super::super::*;
use diptych_components::slp::{self, Object};
use diptych_systems::event::TopicMail;

/// Claim: each of many handlers hears each event once; a topic without one costs nobody anything and stays silent.
#[test]
fn everybody_hears_once_and_nobody_is_fine() {
    let logs: Vec<Log> = (0..10).map(|_| Log::default()).collect();
    let talk = |mut bus: Publisher<'_, '_>, clock: Clock| {
        if clock.frame() <= 3 {
            bus.publish(Channel::A, 0, clock.frame() as i64).expect("a place");
            bus.publish(Channel::A, u16::MAX, -(clock.frame() as i64)).expect("a place");
            bus.publish(Channel::E, 9, 0).expect("a place");
        }
    };
    let mut builder = world(100).system("talk", talk);
    for (n, log) in logs.iter().enumerate() {
        let log = log.clone();
        let listen = move |heard: Subscriber<'_, '_>| {
            let mut log = log.lock().expect("no panic under it");
            for topic in [0, u16::MAX] {
                let events = heard.on(Channel::A, topic);
                log.extend(events.iter().map(|event| (0, event.topic(), String::new(), said(event))));
            }
            assert!(heard.on(Channel::B, 0).is_empty() && heard.on(Channel::A, 1).is_empty());
        };
        builder = builder.system(&format!("listen.{n}"), listen);
    }
    let mut engine = builder.build().expect("a world");
    engine.run(Pace::frames(8)).expect("frames");
    for log in &logs {
        assert_eq!(values(log), [1, -1, 2, -2, 3, -3]);
    }
    // Three topics, all silent again.
    let mails: Vec<usize> = engine.view().iter::<TopicMail>().map(|(_, mail)| mail.0.len()).collect();
    assert_eq!(mails, [0, 0, 0]);
}

/// Claim: what is published comes out as the same type, and as no other.
#[test]
fn values_come_out_as_they_went_in() {
    let all = "[score (a 'b \"c\") 1.5]";
    let talk = move |mut bus: Publisher<'_, '_>, clock: Clock| {
        if clock.frame() > 1 {
            return;
        }
        let form = slp::parse_one(all.as_bytes(), &slp::Limits::default()).expect("one form");
        bus.publish(Channel::A, 1, 42_i64).expect("a place");
        bus.publish(Channel::A, 2, 0.5).expect("a place");
        bus.publish(Channel::A, 3, true).expect("a place");
        bus.publish(Channel::A, 4, "caf\u{e9}").expect("a place");
        bus.publish(Channel::A, 5, ()).expect("a place");
        bus.publish(Channel::A, 6, vec![0_u8, 255]).expect("a place");
        bus.publish(Channel::A, 7, (7_i64, "x", false)).expect("a place");
        bus.publish(Channel::A, 8, form).expect("a place");
    };
    fn one<T: diptych_systems::event::FromObject>(heard: &Subscriber<'_, '_>, topic: u16) -> Option<T> {
        heard.on(Channel::A, topic).iter().next().expect("one event").data()
    }
    let listen = move |heard: Subscriber<'_, '_>, clock: Clock| {
        if clock.frame() != 2 {
            assert!(heard.all().is_empty());
            return;
        }
        assert_eq!(one(&heard, 1), Some(42_i64));
        assert_eq!(one(&heard, 2), Some(0.5));
        assert_eq!(one(&heard, 3), Some(true));
        assert_eq!(one::<String>(&heard, 4).as_deref(), Some("caf\u{e9}"));
        assert_eq!(one(&heard, 5), Some(()));
        assert_eq!(one(&heard, 6), Some(vec![0_u8, 255]));
        assert_eq!(one(&heard, 7), Some((7_i64, "x".to_owned(), false)));
        assert_eq!(one::<Object>(&heard, 8).map(|object| object.to_string()).as_deref(), Some(all));
        assert_eq!(one::<f64>(&heard, 1), None);
        assert_eq!(one::<i64>(&heard, 2), None);
        assert_eq!(one::<String>(&heard, 6), None, "bytes that are not UTF-8");
        assert_eq!(one::<(i64, String)>(&heard, 7), None, "another number of values");
    };
    let mut engine = world(100).system("talk", talk).system("listen", listen).build().expect("a world");
    engine.run(Pace::frames(4)).expect("frames");
}
