//! Syslog listeners: RFC 5424 and RFC 3164 messages over UDP (RFC 5426) and TCP (RFC 6587).
//!
//! Plain syslog has no answer. Over TCP a full queue makes us stop reading, which the sender
//! feels; over UDP frames are dropped and counted.

mod tcp;
mod udp;

pub use tcp::{TcpConfig, serve_tcp};
pub use udp::{UdpConfig, bind_udp, serve_udp};

#[cfg(test)]
mod tests;
