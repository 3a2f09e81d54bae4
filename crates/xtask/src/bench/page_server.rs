//! A page on this machine, and the result that it sends back.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{anyhow, bail};
use tiny_http::{Method, Response, Server};

use crate::interrupt;

/// Where a folder's files stand below the server's root.
pub struct Folder {
    pub prefix: &'static str,
    pub files: PathBuf,
}

pub struct PageServer {
    server: Server,
    folders: Vec<Folder>,
}

impl PageServer {
    /// A server on a free port of this machine.
    pub fn start(folders: Vec<Folder>) -> anyhow::Result<Self> {
        let server =
            Server::http("127.0.0.1:0").map_err(|error| anyhow!("no page can be served: {error}"))?;
        Ok(Self { server, folders })
    }

    pub fn url(&self) -> String {
        format!("http://{}/", self.server.server_addr())
    }

    /// Serves until something is posted.
    pub fn wait(&self, patience: Duration) -> anyhow::Result<String> {
        let begun = Instant::now();
        while begun.elapsed() < patience {
            interrupt::check()?;
            let Some(mut request) = self.server.recv_timeout(Duration::from_millis(200))? else { continue };
            if *request.method() == Method::Post {
                let mut posted = String::new();
                request.as_reader().read_to_string(&mut posted)?;
                // The page need not be told that it was heard.
                let _ = request.respond(Response::empty(204));
                return Ok(posted);
            }
            let answer = self.file(request.url());
            let (status, kind, bytes) = match answer {
                Some((bytes, kind)) => ("200 OK", kind, bytes),
                None => ("404 Not Found", "text/plain", Vec::new()),
            };
            // The browser opens more connections than the server has threads for, now and then, and each keeps its
            // thread while it is open: one that waited for its turn waited for ever. The server has no answer that
            // closes a connection, so that is written out.
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                bytes.len()
            );
            let mut writer = request.into_writer();
            let _ = writer.write_all(head.as_bytes()).and_then(|()| writer.write_all(&bytes));
            let _ = writer.flush();
        }
        bail!("the page sent no result within {} s", patience.as_secs())
    }

    fn file(&self, url: &str) -> Option<(Vec<u8>, &'static str)> {
        if url == "/" {
            let page = "<!doctype html><meta charset=utf-8><body><script type=module src=/page.js></script>";
            return Some((page.into(), "text/html"));
        }
        let kind = match url.rsplit_once('.')?.1 {
            "js" => "text/javascript",
            "wasm" => "application/wasm",
            _ => return None,
        };
        let found = self.folders.iter().find_map(|folder| Some((folder, url.strip_prefix(folder.prefix)?)));
        let (folder, name) = found.filter(|(_, name)| !name.contains(".."))?;
        Some((fs::read(folder.files.join(name)).ok()?, kind))
    }
}
