//! What holds a secret directly: a pair, a cell, an element, an argument.

use super::Fragment;
use crate::Numbers;
use crate::building::one_line;
use crate::encode::Form;
use crate::secret::Secret;

/// What a carrier can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    /// Everything: it encodes.
    All,
    /// What needs no quotes.
    Bare,
    /// What shows by itself and needs no quotes: there is no name beside it.
    ShowingBare,
    /// What shows by itself, or a token, in one run of characters.
    Token,
    /// What only a name gives away.
    Named,
    /// What single quotes can hold.
    SingleQuoted,
}

/// One kind of carrier.
#[derive(Debug)]
pub(super) struct Carrier {
    name: &'static str,
    holds: Holds,
    write: fn(&Secret, &str, &mut Numbers) -> (String, Vec<Form>),
}

impl Carrier {
    pub(super) fn holds(&self, secret: &Secret) -> bool {
        let shows = secret.names.is_empty();
        match self.holds {
            Holds::All => true,
            Holds::Bare => secret.is_bare(),
            Holds::ShowingBare => shows && secret.is_bare(),
            Holds::Token => secret.is_token && (shows || secret.kind == "token"),
            Holds::Named => !shows,
            Holds::SingleQuoted => !secret.text.contains(['\'', '\\', '\n']),
        }
    }

    pub(super) fn write(&self, secret: &Secret, name: &str, layout: &mut Numbers) -> Fragment {
        let (text, forms) = (self.write)(secret, name, layout);
        Fragment {
            text,
            placement: self.name,
            nest: String::new(),
            forms,
        }
    }
}

const fn carrier(
    name: &'static str,
    holds: Holds,
    write: fn(&Secret, &str, &mut Numbers) -> (String, Vec<Form>),
) -> Carrier {
    Carrier { name, holds, write }
}

/// All carriers.
pub(super) const ALL: &[Carrier] = &[
    carrier("json", Holds::All, json),
    carrier("json", Holds::All, json_deep),
    carrier("name and value list", Holds::Named, name_value_list),
    carrier("form", Holds::All, form),
    carrier("cookie", Holds::Token, cookie),
    carrier("csv", Holds::ShowingBare, csv),
    carrier("xml attribute", Holds::All, xml_attribute),
    carrier("xml element", Holds::All, xml_element),
    carrier("html input", Holds::Named, html_input),
    carrier("logfmt", Holds::All, logfmt),
    carrier("yaml", Holds::All, yaml),
    carrier("graphql", Holds::All, graphql),
    carrier("curl header", Holds::Bare, curl_header),
    carrier("curl data", Holds::SingleQuoted, curl_data),
    carrier("call arguments", Holds::SingleQuoted, call_arguments),
    carrier("environment", Holds::Bare, environment),
    carrier("sql assignment", Holds::All, sql_assignment),
    carrier("sql values", Holds::ShowingBare, sql_values),
    carrier("path segment", Holds::Token, path_segment),
    carrier("header line", Holds::Bare, header_line),
    carrier("multipart", Holds::Named, multipart),
    carrier("ruby hash", Holds::All, ruby_hash),
    carrier("python dict", Holds::SingleQuoted, python_dict),
    carrier("java object", Holds::SingleQuoted, java_object),
    carrier("go struct", Holds::Bare, go_struct),
    carrier("php array", Holds::Bare, php_array),
    carrier("pipe fields", Holds::Bare, pipe_fields),
    carrier("java option", Holds::Bare, java_option),
    carrier("argument list", Holds::Named, argument_list),
    carrier("prose", Holds::ShowingBare, prose),
    carrier("markup", Holds::ShowingBare, markup),
];

fn json(secret: &Secret, name: &str, layout: &mut Numbers) -> (String, Vec<Form>) {
    let is_drawn = layout.once_in(3);
    let is_number = secret.text.bytes().all(|b| b.is_ascii_digit());
    if is_drawn && is_number && !secret.text.starts_with('0') {
        let text = format!("{{\"id\":31,\"{name}\":{},\"ok\":true}}", secret.text);
        return (text, vec![]);
    }
    let value = Form::Json.encode(&secret.text);
    (
        format!("{{\"id\": 31, \"{name}\": \"{value}\", \"ok\": true}}"),
        vec![Form::Json],
    )
}

fn json_deep(secret: &Secret, name: &str, _: &mut Numbers) -> (String, Vec<Form>) {
    let value = Form::JsonHtml.encode(&secret.text);
    (
        format!("{{\"req\":{{\"user\":{{\"id\":4,\"{name}\":\"{value}\"}}}},\"n\":[1,2]}}"),
        vec![Form::JsonHtml],
    )
}

fn name_value_list(secret: &Secret, name: &str, _: &mut Numbers) -> (String, Vec<Form>) {
    let value = Form::Json.encode(&secret.text);
    (
        format!(
            "[{{\"name\":\"LANG\",\"value\":\"C\"}},{{\"name\":\"{name}\",\"value\":\"{value}\"}}]"
        ),
        vec![Form::Json],
    )
}

fn form(secret: &Secret, name: &str, layout: &mut Numbers) -> (String, Vec<Form>) {
    let form = if layout.once_in(2) {
        Form::FormUrl
    } else {
        Form::Percent
    };
    let value = form.encode(&secret.text);
    (format!("step=2&{name}={value}&remember=on"), vec![form])
}

fn cookie(secret: &Secret, name: &str, _: &mut Numbers) -> (String, Vec<Form>) {
    (
        format!(
            "Set-Cookie: {name}={}; Path=/; HttpOnly; SameSite=Lax",
            secret.text
        ),
        vec![],
    )
}

fn csv(secret: &Secret, _: &str, _: &mut Numbers) -> (String, Vec<Form>) {
    (format!("1042,\"ann\",{},ok,7.50", secret.text), vec![])
}

fn xml_attribute(secret: &Secret, name: &str, _: &mut Numbers) -> (String, Vec<Form>) {
    let value = Form::Xml.encode(&secret.text);
    (
        format!("<account id=\"9\" {name}=\"{value}\" active=\"yes\"/>"),
        vec![Form::Xml],
    )
}

fn xml_element(secret: &Secret, name: &str, _: &mut Numbers) -> (String, Vec<Form>) {
    let value = Form::Xml.encode(&secret.text);
    (
        format!("<req><id>9</id><{name}>{value}</{name}></req>"),
        vec![Form::Xml],
    )
}

fn html_input(secret: &Secret, name: &str, _: &mut Numbers) -> (String, Vec<Form>) {
    let value = Form::Xml.encode(&secret.text);
    (
        format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">"),
        vec![Form::Xml],
    )
}

fn logfmt(secret: &Secret, name: &str, _: &mut Numbers) -> (String, Vec<Form>) {
    let value = Form::Quoted.encode(&secret.text);
    (
        format!("op=save {name}=\"{value}\" took=12ms"),
        vec![Form::Quoted],
    )
}

fn yaml(secret: &Secret, name: &str, _: &mut Numbers) -> (String, Vec<Form>) {
    let value = Form::Quoted.encode(&secret.text);
    (
        format!("spec:\n  id: 9\n  {name}: \"{value}\"\n  on: true"),
        vec![Form::Quoted],
    )
}

fn graphql(secret: &Secret, name: &str, _: &mut Numbers) -> (String, Vec<Form>) {
    let value = Form::Json.encode(&secret.text);
    let field = snake(name);
    (
        format!(
            "{{\"query\":\"mutation M(${field}:String!){{save({field}:${field}){{id}}}}\",\
             \"variables\":{{\"{field}\":\"{value}\"}}}}"
        ),
        vec![Form::Json],
    )
}

fn curl_header(secret: &Secret, name: &str, _: &mut Numbers) -> (String, Vec<Form>) {
    (
        format!(
            "+ curl -sS -H '{name}: {}' https://api.example.org/v1",
            secret.text
        ),
        vec![],
    )
}

fn curl_data(secret: &Secret, name: &str, layout: &mut Numbers) -> (String, Vec<Form>) {
    if layout.once_in(2) {
        let value = Form::FormUrl.encode(&secret.text);
        return (
            format!("curl -X POST https://example.org/in -d 'a=1&{name}={value}' -o /dev/null"),
            vec![Form::FormUrl],
        );
    }
    let value = Form::Json.encode(&secret.text);
    (
        format!("curl --data '{{\"a\":1,\"{name}\":\"{value}\"}}' https://example.org/in"),
        vec![Form::Json],
    )
}

fn call_arguments(secret: &Secret, name: &str, _: &mut Numbers) -> (String, Vec<Form>) {
    (
        format!(
            "  File \"auth.py\", line 31, in login(user='bob', {}='{}')",
            snake(name),
            secret.text
        ),
        vec![],
    )
}

fn environment(secret: &Secret, name: &str, _: &mut Numbers) -> (String, Vec<Form>) {
    let name = snake(name).to_uppercase();
    (
        format!("PATH=/usr/bin:/bin {name}={} HOME=/root", secret.text),
        vec![],
    )
}

fn sql_assignment(secret: &Secret, name: &str, _: &mut Numbers) -> (String, Vec<Form>) {
    let value = Form::Sql.encode(&secret.text);
    (
        format!(
            "UPDATE accounts SET {} = '{value}', seen = now() WHERE id = 7",
            snake(name)
        ),
        vec![Form::Sql],
    )
}

fn sql_values(secret: &Secret, _: &str, _: &mut Numbers) -> (String, Vec<Form>) {
    (
        format!("INSERT INTO notes VALUES (7, '{}', NULL)", secret.text),
        vec![],
    )
}

fn path_segment(secret: &Secret, _: &str, layout: &mut Numbers) -> (String, Vec<Form>) {
    let before = if secret.names.is_empty() {
        layout.pick(&["v2/items", "download", "u"])
    } else {
        layout.pick(&["reset/token", "access_token"])
    };
    (
        format!("GET /{before}/{}/confirm HTTP/1.1", secret.text),
        vec![],
    )
}

fn header_line(secret: &Secret, name: &str, _: &mut Numbers) -> (String, Vec<Form>) {
    (
        format!("Host: shop\r\n{name}: {}\r\nAccept: */*", secret.text),
        vec![],
    )
}

fn multipart(secret: &Secret, name: &str, _: &mut Numbers) -> (String, Vec<Form>) {
    (
        format!(
            "--b7\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{}\r\n--b7--",
            one_line(&secret.text)
        ),
        vec![],
    )
}

fn ruby_hash(secret: &Secret, name: &str, _: &mut Numbers) -> (String, Vec<Form>) {
    let value = Form::Quoted.encode(&secret.text);
    (
        format!(
            "Parameters: {{\"utf8\"=>\"1\", \"user\"=>{{\"{}\"=>\"{value}\"}}}}",
            snake(name)
        ),
        vec![Form::Quoted],
    )
}

fn python_dict(secret: &Secret, name: &str, _: &mut Numbers) -> (String, Vec<Form>) {
    (
        format!("{{'user': 'bob', '{name}': '{}', 'n': 3}}", secret.text),
        vec![],
    )
}

fn java_object(secret: &Secret, name: &str, _: &mut Numbers) -> (String, Vec<Form>) {
    (
        format!(
            "Login{{id=7, {}='{}', active=true}}",
            camel(name),
            secret.text
        ),
        vec![],
    )
}

fn go_struct(secret: &Secret, name: &str, _: &mut Numbers) -> (String, Vec<Form>) {
    (
        format!("req={{ID:7 {}:{} Active:true}}", camel(name), secret.text),
        vec![],
    )
}

fn php_array(secret: &Secret, name: &str, _: &mut Numbers) -> (String, Vec<Form>) {
    (
        format!(
            "Array ( [user] => bob [{name}] => {} [n] => 3 )",
            secret.text
        ),
        vec![],
    )
}

fn pipe_fields(secret: &Secret, name: &str, _: &mut Numbers) -> (String, Vec<Form>) {
    (
        format!("evt=login|user=bob|{name}={}|rc=0", secret.text),
        vec![],
    )
}

fn java_option(secret: &Secret, name: &str, _: &mut Numbers) -> (String, Vec<Form>) {
    (
        format!(
            "java -Xmx1g -Dapp.{}={} -jar shop.jar",
            snake(name).replace('_', "."),
            secret.text
        ),
        vec![],
    )
}

fn argument_list(secret: &Secret, name: &str, _: &mut Numbers) -> (String, Vec<Form>) {
    let value = Form::Json.encode(&secret.text);
    let flag = snake(name).replace('_', "-");
    (
        format!("{{\"cmd\":[\"deploy\",\"--{flag}\",\"{value}\",\"--dry-run\"]}}"),
        vec![Form::Json],
    )
}

fn prose(secret: &Secret, _: &str, layout: &mut Numbers) -> (String, Vec<Form>) {
    let value = &secret.text;
    let text = match layout.below(4) {
        0 => format!("customer wrote: please use {value}, thanks"),
        1 => format!("stored ({value}) for later"),
        2 => format!("got \"{value}\"; retrying"),
        _ => format!("value was {value}"),
    };
    (text, vec![])
}

fn markup(secret: &Secret, _: &str, _: &mut Numbers) -> (String, Vec<Form>) {
    (
        format!("<td class=\"n\">{}</td><td>12</td>", secret.text),
        vec![],
    )
}

/// `userPassword` and `X-Api-Key` as `user_password` and `x_api_key`.
fn snake(name: &str) -> String {
    let mut out = String::new();
    let mut before = '_';
    for c in name.chars() {
        if c.is_ascii_uppercase() && before.is_ascii_lowercase() {
            out.push('_');
        }
        out.push(if c == '-' {
            '_'
        } else {
            c.to_ascii_lowercase()
        });
        before = c;
    }
    out
}

/// `user_password` as `UserPassword`.
fn camel(name: &str) -> String {
    let snake = snake(name);
    let words = snake.split('_').map(|word| {
        let (head, rest) = word.split_at(word.len().min(1));
        format!("{}{rest}", head.to_uppercase())
    });
    words.collect()
}
