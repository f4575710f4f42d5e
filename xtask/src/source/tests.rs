//! The lexer on the literals and comments that trip such lexers.

use super::*;

fn check_mask(text: &str, code: &str) {
    assert_eq!(mask(text).trim_end(), code.trim_end(), "masking {text:?}");
}

#[test]
fn comments_and_literals_are_blanked() {
    check_mask("a // b\nc", "a     \nc");
    check_mask("a /* b /* c */ d */ e", "a                   e");
    check_mask(r#"f("x\"y", 'z')"#, "f(      ,    )");
    check_mask(r##"f(r#"a"b"#, b"c", br"d")"##, "f(        ,     ,      )");
    check_mask(r"x('\'', '\u{41}', b'\n')", "x(    ,         ,      )");
}

#[test]
fn lifetimes_and_names_stay() {
    check_mask(
        "fn f<'a>(x: &'a str, bar: r)",
        "fn f<'a>(x: &'a str, bar: r)",
    );
    check_mask("number\"x\"", "number   ");
}

#[test]
fn functions_have_a_length() {
    let text = "fn a(x: [u8; 3]) -> u8 {\n    {\n    }\n}\nfn b();\n#[test]\nfn c() {}\n";
    let found: Vec<(String, usize, usize, bool)> = Source::new("x.rs", text)
        .functions()
        .into_iter()
        .map(|function| {
            (
                function.name,
                function.line,
                function.lines,
                function.is_test,
            )
        })
        .collect();
    assert_eq!(
        found,
        [("a".to_owned(), 1, 4, false), ("c".to_owned(), 7, 1, true)]
    );
}

#[test]
fn test_code_is_known() {
    let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() {}\n}\nfn c() {}\n";
    let source = Source::new("crates/x/src/lib.rs", text);
    let is_test = |word| {
        source
            .find_word(word)
            .map(|at| source.is_test_at(at))
            .next()
    };
    assert_eq!(
        (is_test("a"), is_test("b"), is_test("c")),
        (Some(false), Some(true), Some(false))
    );
    assert!(Source::new("crates/x/src/foo/tests.rs", "fn a() {}").is_test_at(0));
}

#[test]
fn a_condition_on_a_module_file_covers_nothing_else() {
    let text = "#[cfg(any(test, feature = \"testkit\"))]\npub mod double;\nfn real() {}\n";
    let source = Source::new("crates/x/src/lib.rs", text);
    let at = source.find_word("real").next().unwrap();
    assert!(!source.is_test_at(at));
}
