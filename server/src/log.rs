//! `lens log`: the record of one session, or of accounts, oldest first.

use std::io::Write;

use lens_chat_log::kind;
use lens_protocol::event::{Origin, SessionEvent};
use lens_storage::EventStore;
use lens_storage::events::PAGE_LIMIT;

use crate::cli::LogArgs;
use crate::error::ServerError;
use crate::{say, store};

pub(crate) async fn run(args: &LogArgs, out: &mut dyn Write) -> Result<(), ServerError> {
    let (_, database) = store::open(&args.data).await?;
    let of = args.session.unwrap_or(kind::SERVER);
    let mut after = None;
    loop {
        let page = database.events(of, after, PAGE_LIMIT).await?;
        if let (Some(session), None, true) = (args.session, after, page.is_empty()) {
            return Err(ServerError::Refused(format!(
                "there is no log of session {session}. Check the id; the console shows it beside the picture."
            )));
        }
        for event in &page {
            show(event, args.json, out);
        }
        match page.last() {
            Some(last) if page.len() == PAGE_LIMIT as usize => after = Some(last.id),
            _ => return Ok(()),
        }
    }
}

fn show(event: &SessionEvent, json: bool, out: &mut dyn Write) {
    if json {
        let line = serde_json::to_string(event).expect("an event is plain data");
        say(out, format_args!("{line}"));
        return;
    }
    let origin = match event.origin {
        Origin::Console => "console",
        Origin::App => "app",
        Origin::Gateway => "gateway",
        Origin::Sfu => "sfu",
        Origin::Server => "server",
    };
    let actor = event.actor.as_deref().unwrap_or("-");
    let body = match &event.body {
        serde_json::Value::Null => String::new(),
        serde_json::Value::Object(fields) if fields.is_empty() => String::new(),
        body => body.to_string(),
    };
    let line = format!(
        "{}  {origin:7}  {actor:20}  {:24}  {body}",
        event.at, event.kind
    );
    say(out, format_args!("{}", without_controls(line.trim_end())));
}

/// Chat text is a stranger's: it must not move the cursor or recolour the operator's terminal.
fn without_controls(line: &str) -> String {
    line.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chat_line_cannot_steer_the_terminal() {
        assert_eq!(without_controls("a\u{1b}[2Jb\r"), "a\u{fffd}[2Jb\u{fffd}");
    }
}
