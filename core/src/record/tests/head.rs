//! How logs begin, and what is none of them.

use super::*;

#[test]
fn a_log_says_how_its_connection_began() {
    let mut config = Config::v4();
    config.backlog_policy = BacklogPolicy::DropVolatile;
    let cookie = Cookie {
        on_every_response: true,
        ..Cookie::default()
    };
    config.cookie = Some(cookie);
    let now = Instant::from_nanos(4_711);
    let sid = Sid::from_random([7; 15]);
    let opened = Opened {
        transport: TransportKind::WebSocket,
        revision: Eio::V3,
        base64: true,
    };
    for (codec, parser) in [
        (Codec::BUILT_IN, ParserKind::Text),
        #[cfg(feature = "msgpack")]
        (crate::packet::parser::Msgpack.into(), ParserKind::Msgpack),
    ] {
        let recorded = Recorded::<u64>::open(
            now,
            sid.clone(),
            opened,
            Arc::new(config.clone()),
            &codec,
            ROOM,
        );
        let log = Log::read(recorded.log().to_vec()).unwrap();
        assert_eq!((log.began(), log.sid(), log.parser()), (now, &sid, parser));
        assert_eq!(format!("{:?}", log.opened()), format!("{opened:?}"));
        let its = log.config();
        assert_eq!(its.backlog_policy, BacklogPolicy::DropVolatile);
        assert!(its.cookie.as_ref().unwrap().on_every_response);
        let replay = Replay::new(log.clone()).unwrap();
        assert_eq!(replay.log().write(), log.write());
        let redacted = log.redact().map(drop);
        match parser {
            ParserKind::Text => assert_eq!(redacted, Ok(())),
            ParserKind::Msgpack | ParserKind::Own => {
                assert_eq!(redacted, Err(LogError::Opaque(parser)));
            }
        }
    }
}

#[test]
fn what_no_log_has_written_is_not_read() {
    use super::field::Field;

    let flags = |bits: u8| Flags::take(&mut Bytes::from(vec![bits])).is_some();
    let read: Vec<u8> = (0..=255).filter(|bits| flags(*bits)).collect();
    assert_eq!(read, (0..32).collect::<Vec<u8>>());
    let number = |bytes: &[u8]| usize::take(&mut Bytes::copy_from_slice(bytes));
    let most = [&[0xff; 9][..], &[1]].concat();
    assert_eq!(number(&most), Some(usize::MAX));
    assert_eq!(number(&[&[0xff; 9][..], &[2]].concat()), None, "65 bits");
    assert_eq!(number(&[0x80; 11]), None);
    assert_eq!(number(&[0x80]), None);
    for kind in [ParserKind::Text, ParserKind::Msgpack, ParserKind::Own] {
        let mut bytes = Vec::new();
        kind.put(&mut bytes);
        assert_eq!(ParserKind::take(&mut bytes.into()), Some(kind));
    }
    assert_eq!(ParserKind::take(&mut Bytes::from_static(&[3])), None);
}
