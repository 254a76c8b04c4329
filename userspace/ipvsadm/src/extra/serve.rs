// SPDX-License-Identifier: GPL-2.0

//! A small server of HTTP for one page: it answers `GET /metrics` and nothing else.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use crate::error::Failure;

/// The longest head of a request.
const MOST: u64 = 8 * 1024;
/// How long a client has for its request, and for the answer. It is answered before the next one.
const PATIENCE: Duration = Duration::from_secs(5);

/// A client that has so much time, however little it says or takes at once.
struct Hurried<'a> {
    client: &'a TcpStream,
    began: Instant,
    patience: Duration,
}

impl Hurried<'_> {
    fn left(&self) -> io::Result<Option<Duration>> {
        let left = self.patience.saturating_sub(self.began.elapsed());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        Ok(Some(left))
    }
}

impl Read for Hurried<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.client.set_read_timeout(self.left()?)?;
        self.client.read(buffer)
    }
}

impl Write for Hurried<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.client.set_write_timeout(self.left()?)?;
        self.client.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Answers one client after the other, for ever.
///
/// # Errors
///
/// If the address cannot be listened at.
pub fn serve(
    address: SocketAddr,
    mut page: impl FnMut() -> Result<String, Failure>,
) -> Result<(), Failure> {
    let failed = |error: io::Error| Failure::io(&address.to_string(), &error);
    let listener = TcpListener::bind(address).map_err(failed)?;
    let at = listener.local_addr().map_err(failed)?;
    eprintln!("ipvsadm metrics: http://{at}/metrics");
    loop {
        // A client that went away is no reason to end.
        if let Ok((client, _)) = listener.accept() {
            let _ = answer(&client, &mut page);
        }
    }
}

/// Reads a request and answers it.
fn answer(
    client: &TcpStream,
    page: &mut impl FnMut() -> Result<String, Failure>,
) -> io::Result<()> {
    let hurried = || Hurried {
        client,
        began: Instant::now(),
        patience: PATIENCE,
    };
    let answer = response(&mut BufReader::new(hurried().take(MOST)), page)?;
    hurried().write_all(answer.as_bytes())
}

/// The response to a request.
fn response(
    request: &mut impl BufRead,
    page: &mut impl FnMut() -> Result<String, Failure>,
) -> io::Result<String> {
    let mut first = String::new();
    request.read_line(&mut first)?;
    let mut line = first.clone();
    // The head is read to its end, or a client would be reset before it has read the answer.
    while line.trim_end() != "" {
        line.clear();
        request.read_line(&mut line)?;
    }
    let mut words = first.split_ascii_whitespace();
    let (method, path) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let path = path.split('?').next().unwrap_or_default();
    let (status, body) = match (method, path) {
        ("GET" | "HEAD", "/metrics") => match page() {
            Ok(text) => ("200 OK", text),
            Err(failure) => ("503 Service Unavailable", format!("{}\n", failure.message)),
        },
        ("GET" | "HEAD", _) => ("404 Not Found", "It is /metrics.\n".to_owned()),
        ("", _) => ("400 Bad Request", String::new()),
        _ => ("405 Method Not Allowed", String::new()),
    };
    let length = body.len();
    let body = if method == "HEAD" { "" } else { &body };
    Ok(format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_page_is_answered() {
        let ask = |request: &str| {
            let mut page = || Ok("a 1\n".to_owned());
            response(&mut request.as_bytes(), &mut page).unwrap()
        };
        let found = ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
        assert!(found.starts_with("HTTP/1.1 200 OK\r\n") && found.ends_with("\r\n\r\na 1\n"));
        assert!(ask("GET /metrics?x=1 HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 200"));
        let head = ask("HEAD /metrics HTTP/1.1\r\n\r\n");
        assert!(head.contains("Content-Length: 4\r\n") && head.ends_with("\r\n\r\n"));
        assert!(ask("GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
        assert!(ask("POST /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405"));
        assert!(ask("").starts_with("HTTP/1.1 400"));
        assert!(ask("GET /metrics").starts_with("HTTP/1.1 200"));
    }

    #[test]
    fn a_client_that_says_little_at_a_time_has_no_more_time() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut slow = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let client = listener.accept().unwrap().0;
        let (began, patience) = (Instant::now(), Duration::from_millis(200));
        let mut hurried = Hurried {
            client: &client,
            began,
            patience,
        };
        std::thread::scope(|scope| {
            // Each byte comes in time, and all of them do not.
            scope.spawn(|| {
                (0..40).try_for_each(|_| {
                    std::thread::sleep(Duration::from_millis(10));
                    slow.write_all(b"a")
                })
            });
            let ended = io::copy(&mut hurried, &mut io::sink()).unwrap_err();
            assert!(matches!(
                ended.kind(),
                io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock
            ));
        });
        assert!(began.elapsed() >= patience);
    }

    #[test]
    fn what_the_kernel_refuses_is_said() {
        let mut page = || Err(Failure::kernel("no"));
        let said = response(&mut "GET /metrics HTTP/1.1\r\n\r\n".as_bytes(), &mut page).unwrap();
        assert!(said.starts_with("HTTP/1.1 503") && said.ends_with("no\n"));
    }
}
