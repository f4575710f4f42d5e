//! Tokens: minting, recognising, replacing.

use super::*;

fn minted(id: &str, fill: u8) -> Minted {
    mint(id, "shop", &Secret::new([fill; TOKEN_RANDOM_BYTES])).unwrap()
}

#[test]
fn a_minted_token_is_recognised_and_nothing_else() {
    let (one, two) = (minted("web-1", 1), minted("web-2", 2));
    let text = one.text.expose().clone();
    assert_eq!(
        text,
        "blf_web-1_AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"
    );
    let book = TokenBook::new(vec![two.record, one.record]);
    let bearer = book.bearer(text.as_bytes()).unwrap();
    assert_eq!((&*bearer.id, &*bearer.source), ("web-1", "shop"));
    assert!(bearer.first_use);
    assert!(!book.bearer(text.as_bytes()).unwrap().first_use);
    for wrong in [
        "",
        "blf_web-1_",
        &text[..text.len() - 1],
        &format!("{text} "),
    ] {
        assert_eq!(book.bearer(wrong.as_bytes()), None, "{wrong:?}");
    }
}

#[test]
fn a_replaced_book_forgets_the_old_and_keeps_the_mark_of_use() {
    let (one, two) = (minted("web-1", 1), minted("web-2", 2));
    let book = TokenBook::new(vec![one.record.clone()]);
    assert!(book.bearer(one.text.expose().as_bytes()).unwrap().first_use);
    book.replace(vec![one.record.clone(), two.record.clone()]);
    assert!(!book.bearer(one.text.expose().as_bytes()).unwrap().first_use);
    book.replace(vec![two.record]);
    assert_eq!(book.bearer(one.text.expose().as_bytes()), None);
    assert!(book.bearer(two.text.expose().as_bytes()).is_some());
}

#[test]
fn an_id_that_would_be_ambiguous_is_refused() {
    for id in ["", "a_b", "a b", "\u{e9}", &"x".repeat(33)] {
        assert!(mint(id, "s", &Secret::new([0; TOKEN_RANDOM_BYTES])).is_err());
    }
}

#[test]
fn nothing_prints_a_token() {
    let one = minted("web-1", 1);
    let printed = format!("{one:?}");
    assert!(!printed.contains("AQEB"), "{printed}");
}
