//! `lens admin api-key`: credentials of programs.

use std::io::Write;
use std::time::Duration;

use lens_auth::token::generate_api_key;
use lens_chat_log::kind;
use lens_protocol::id::{ApiKeyId, OwnerId};
use lens_protocol::limits::NAME_CHARS;
use lens_runtime::entropy::SystemEntropy;
use lens_session_manager::client::Scope;
use lens_storage::{ApiKeyRecord, ApiKeyStore, StorageError};
use serde_json::json;

use super::record;
use crate::cli::ApiKeyCommand;
use crate::error::ServerError;
use crate::{say, store};

pub(super) async fn run(command: ApiKeyCommand, out: &mut dyn Write) -> Result<(), ServerError> {
    match command {
        ApiKeyCommand::Add {
            data,
            name,
            scopes,
            owner,
            origins,
            days,
        } => {
            let (_, database) = store::open(&data).await?;
            let (text, key) = make(&name, &scopes, owner, origins, days)?;
            database.add_api_key(&key).await?;
            let (id, owner) = (key.id, &key.owner);
            let body = json!({
                "api_key": id, "name": key.name, "owner": owner, "scopes": key.scopes,
            });
            record::write(&database, kind::API_KEY_MADE, body).await?;
            say(out, format_args!("Key {id} for owner {owner}."));
            say(out, format_args!("Key (shown once): {}", text.expose()));
        }
        ApiKeyCommand::Revoke { data, id } => {
            let (_, database) = store::open(&data).await?;
            match database.revoke_api_key(id, store::now()).await {
                Ok(true) => {
                    let body = json!({"api_key": id});
                    record::write(&database, kind::API_KEY_REVOKED, body).await?;
                    say(out, format_args!("Key {id} is revoked."));
                }
                Ok(false) => say(out, format_args!("Key {id} had ended before.")),
                Err(StorageError::NotFound(_)) => {
                    let sentence = format!("there is no key {id}. See `lens admin api-key list`.");
                    return Err(ServerError::Refused(sentence));
                }
                Err(error) => return Err(error.into()),
            }
        }
        ApiKeyCommand::List(data) => {
            let (_, database) = store::open(&data).await?;
            for key in database.api_keys().await? {
                show(&key, out);
            }
        }
    }
    Ok(())
}

fn make(
    name: &str,
    scopes: &[String],
    owner: Option<String>,
    allowed_origins: Vec<String>,
    days: Option<u32>,
) -> Result<(lens_protocol::SecretText, ApiKeyRecord), ServerError> {
    let refused = |sentence: String| Err(ServerError::Refused(sentence));
    if name.is_empty() || name.chars().count() > NAME_CHARS {
        return refused(format!("the key's name: use 1 to {NAME_CHARS} characters."));
    }
    for scope in scopes {
        if serde_json::from_value::<Scope>(scope.as_str().into()).is_err() {
            return refused(format!(
                "there is no scope '{scope}'. `lens admin api-key add --help` lists them."
            ));
        }
    }
    if let Some(origin) = allowed_origins.iter().find(|origin| !is_origin(origin)) {
        return refused(format!(
            "'{origin}' is no web origin such as https://crm.example.com."
        ));
    }
    let now = store::now();
    let mut entropy = SystemEntropy::default();
    let id = ApiKeyId::generate(now, &mut entropy);
    let owner = owner.unwrap_or_else(|| format!("key-{id}"));
    let Ok(owner) = owner.parse::<OwnerId>() else {
        return refused(format!(
            "'{owner}' is no owner: use 1 to 64 of a-z, 0-9, '-', '_' and '.'."
        ));
    };
    if owner.as_str() == "website" {
        return refused("the owner 'website' is the console itself; choose another.".to_owned());
    }
    let (text, secret) = generate_api_key(id, &mut entropy);
    let life = days.map(|days| Duration::from_secs(u64::from(days) * 86_400));
    let record = ApiKeyRecord {
        id,
        owner,
        name: name.to_owned(),
        secret,
        scopes: scopes.to_vec(),
        allowed_origins,
        created_at: now,
        expires_at: life.map(|life| now.plus(life)),
        revoked_at: None,
        last_used_at: None,
    };
    Ok((text, record))
}

fn is_origin(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b);
    rest.is_some_and(|host| !host.is_empty() && host.bytes().all(plain))
}

fn show(key: &ApiKeyRecord, out: &mut dyn Write) {
    let state = match (key.revoked_at, key.expires_at) {
        (Some(at), _) => format!("revoked {at}"),
        (None, Some(at)) if at <= store::now() => format!("expired {at}"),
        (None, Some(at)) => format!("until {at}"),
        (None, None) => "until revoked".to_owned(),
    };
    let (id, owner, name) = (key.id, &key.owner, &key.name);
    let scopes = key.scopes.join(" ");
    let used = key
        .last_used_at
        .map_or("never".to_owned(), |at| at.to_string());
    say(
        out,
        format_args!("{id}  {name}  owner {owner}  {scopes}  {state}  last used {used}"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add(scope: &str, owner: Option<&str>, origin: Option<&str>) -> Result<(), String> {
        let owner = owner.map(str::to_owned);
        let origins = origin.map(str::to_owned).into_iter().collect();
        make("crm", &[scope.to_owned()], owner, origins, Some(30))
            .map(|_| ())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_key_takes_known_scopes_plain_owners_and_origins_only() {
        assert_eq!(
            add("nodes:read", Some("crm"), Some("https://crm.example.com")),
            Ok(())
        );
        assert!(add("nodes:all", None, None).is_err());
        assert!(add("nodes:read", Some("Big Corp"), None).is_err());
        assert!(add("nodes:read", Some("website"), None).is_err());
        assert!(add("nodes:read", None, Some("https://crm.example.com/x")).is_err());
    }
}
