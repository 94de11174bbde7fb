//! Words without what they say.

use super::*;

#[test]
fn words_keep_their_structure() {
    let packet = words::packet;
    assert_eq!(
        packet(r#"42/a,7["say","hi",-12.5e3,true,{"key":null}]"#),
        r#"42/a,7["say","xx",-11.1e1,true,{"xxx":null}]"#
    );
    assert_eq!(
        packet(r#"451-["f",{"_placeholder":true,"num":3}]"#),
        r#"451-["f",{"_placeholder":true,"num":3}]"#
    );
    assert_eq!(packet(r#"431[{"num":"no"}]"#), r#"431[{"num":"xx"}]"#);
    assert_eq!(packet(r#"40/a?b=c,"#), "40/a?x=x,");
    assert_eq!(packet(r#"40/a?pin=12/3-4,"#), "40/a?xxx=xxxxxx,");
    assert_eq!(packet("2/secret"), "2xxxxxxx");
    assert_eq!(
        packet(r#"451-["f",{"_placeholder": true, "num": 0}]"#),
        r#"451-["f",{"_placeholder": true, "num": 0}]"#
    );
    assert_eq!(
        packet(r#"42["a","\ud83d\n\"b"]"#),
        r#"42["a","\u0078\n\"x"]"#
    );
    assert_eq!(packet("b4QUJD=="), "b4AAAA==");
    assert_eq!(packet("4ü…𝄢"), "4ß…𝄞");
    assert_eq!(packet("2probe"), "2probe");
}

/// Not even in what is none of the protocol's.
#[test]
fn nothing_is_said_by_what_is_no_packet() {
    for (text, redacted) in [
        // A name is the first in the array, and nothing else is.
        (r#"42"secret""#, r#"42"xxxxxx""#),
        (r#"42[["secret"]]"#, r#"42[["xxxxxx"]]"#),
        (r#"42[[1],"secret"]"#, r#"42[[1],"xxxxxx"]"#),
        (r#"42[true"secret"]"#, r#"42[true"xxxxxx"]"#),
        (r#"42[7"secret"]"#, r#"42[1"xxxxxx"]"#),
        (r#"451-"secret""#, r#"451-"xxxxxx""#),
        (r#"42["say",secret]"#, r#"42["say",xxxxxx]"#),
        (r#"42["say","secret\"#, r#"42["say","xxxxxx\"#),
        ("42[\"say\",\u{663}\u{664},\u{1f600}]", "42[\"say\",ßß,𝄞]"),
        ("b4QU!JD==", "b4AAxAA=="),
    ] {
        assert_eq!(words::packet(text), redacted, "{text}");
    }
    let packet = words::packet;
    assert_eq!(words::counted("7:4secret", packet), "7:4xxxxxx");
    assert_eq!(
        words::counted("7:4secretmore:4secret", packet),
        "7:4xxxxxxxxxxxxxxxxxx"
    );
}
