//! The independent peer: `lens-independent-peer` takes orders on its input and reports on its
//! output, as the library describes; `lens-independent-peer answer camera|viewer OFFER` prints what
//! webrtc-rs answers to an offer in a file. Start reading with `driver.rs`.

mod driver;
mod keyframes;
mod negotiation;
mod renumber;

use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};
use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::{Receiver, channel};

use lens_independent_peer::route::local_address;
use lens_independent_peer::{Event, Order, Start};

const USAGE: &str = "lens-independent-peer [answer camera|viewer OFFER]";
/// Stands for the peer in an answer that nobody connects to (RFC 5737).
const NOBODY: ([u8; 4], u16) = ([192, 0, 2, 20], 5_000);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => run(),
        [word, role, file] if word == "answer" => print_answer(role, file),
        _ => Err(USAGE.into()),
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut first = String::new();
    stdin().lock().read_line(&mut first)?;
    let start: Start = serde_json::from_str(&first)?;
    let orders = orders();
    let from = start.from.unwrap_or_else(|| local_address(&start.sdp));
    let socket = UdpSocket::bind((from, 0))?;
    let negotiated = negotiation::answer(&start, socket.local_addr()?)?;
    report(&Event::Answer(negotiated.answer.clone()))?;
    driver::Driver::new(negotiated, socket, &start)?.run(&orders)
}

/// Orders as they come; the channel closes with the input.
fn orders() -> Receiver<Order> {
    let (sender, orders) = channel();
    std::thread::spawn(move || {
        for line in stdin().lock().lines().map_while(Result::ok) {
            let Ok(order) = serde_json::from_str(&line) else {
                return;
            };
            if sender.send(order).is_err() {
                return;
            }
        }
    });
    orders
}

/// One line to whoever started this.
fn report(event: &Event) -> Result<(), Box<dyn Error>> {
    let mut output = stdout().lock();
    serde_json::to_writer(&mut output, event)?;
    output.write_all(b"\n")?;
    Ok(output.flush()?)
}

fn print_answer(role: &str, file: &str) -> Result<(), Box<dyn Error>> {
    // Which section it is follows from the offer; that there is one is said here.
    let own = Some(String::new());
    let start = Start {
        sdp: std::fs::read_to_string(file)?,
        video_up: own.clone().filter(|_| role == "camera"),
        audio_up: own,
        ..Start::default()
    };
    let negotiated = negotiation::answer(&start, SocketAddr::from(NOBODY))?;
    Ok(stdout().lock().write_all(negotiated.answer.as_bytes())?)
}
