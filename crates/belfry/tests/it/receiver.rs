//! A receiver of webhooks on loopback that checks signatures as our guide tells strangers to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64ct::{Base64, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

/// The secret both sides know, in the form of Standard Webhooks.
const KEY: &[u8; 32] = b"thirty-two bytes of test secret!";

/// One message that came.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) is_signed: bool,
    pub(crate) raw: String,
}

impl Message {
    pub(crate) fn body(&self) -> Value {
        serde_json::from_str(&self.raw).unwrap()
    }
}

/// Listens until the journey ends.
#[derive(Clone, Debug)]
pub(crate) struct Receiver {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<Message>>>,
}

impl Receiver {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let receiver = Self {
            address: listener.local_addr().unwrap(),
            heard: Arc::default(),
        };
        let heard = Arc::clone(&receiver.heard);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let heard = Arc::clone(&heard);
                std::thread::spawn(move || serve(stream, &heard));
            }
        });
        receiver
    }

    /// The table of the configuration that sends here.
    pub(crate) fn table(&self) -> String {
        format!(
            "[[alert.webhook]]\nname = 'pager'\nsecret_file = 'DIR/secret'\n\
             url = 'http://{}/hook'\n",
            self.address
        )
    }

    /// What belongs into the file of the secret.
    pub(crate) fn secret() -> String {
        format!("whsec_{}\n", Base64::encode_string(KEY))
    }

    pub(crate) fn heard(&self) -> Vec<Message> {
        self.heard.lock().unwrap().clone()
    }
}

/// Answers requests of one connection until it closes.
fn serve(mut stream: TcpStream, heard: &Mutex<Vec<Message>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            match line.trim_end().split_once(": ") {
                Some((name, value)) => headers.push((name.to_lowercase(), value.to_owned())),
                None if line.trim_end().is_empty() => break,
                None => {}
            }
        }
        let header = |wanted: &str| {
            let found = headers.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.as_str()).unwrap_or_default()
        };
        let mut body = vec![0; header("content-length").parse().ok()?];
        reader.read_exact(&mut body).ok()?;
        let message = Message {
            id: header("webhook-id").to_owned(),
            is_signed: is_signed(&header, &body),
            raw: String::from_utf8(body).ok()?,
        };
        heard.lock().unwrap().push(message);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .ok()?;
    }
}

fn is_signed<'a>(header: &impl Fn(&str) -> &'a str, body: &[u8]) -> bool {
    let mut mac = Hmac::<Sha256>::new_from_slice(KEY).unwrap();
    mac.update(format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")).as_bytes());
    mac.update(body);
    let expected = format!("v1,{}", Base64::encode_string(&mac.finalize().into_bytes()));
    header("webhook-signature")
        .split(' ')
        .any(|given| given == expected)
}
