//! Media tokens: what lets one participant answer, ask for a new generation and leave. Client
//! tokens: what lets one client bring its own offer by WHIP or WHEP.
//!
//! Both are EdDSA JSON Web Tokens (RFC 7519, RFC 8037) of at most 10 minutes, bound to one
//! participant of one conference. The key is made on first run and never leaves its file; doors in other
//! processes learn the public half ([`MediaKeys`]). Ed25519 signatures are deterministic, so the
//! same facts give the same token: a replayed join needs no stored secret.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use lens_protocol::id::{ConferenceId, OwnerId, ParticipantId};
use lens_protocol::media::{ClientProtocol, Role};
use lens_protocol::{ErrorCode, Problem, SecretText, Timestamp};
use serde::{Deserialize, Serialize};

use crate::client::{Caller, Grant};
use crate::error::StartError;

/// The audience every token names.
const AUDIENCE: &str = "lens-session-manager";
/// What every token grants, to its own participant.
const GRANTS: [&str; 4] = ["offer", "answer", "ice", "leave"];
/// Longest life of a token.
pub const LONGEST_LIFE: Duration = Duration::from_secs(600);
/// How far the clocks of two processes may differ. Higher values let expired tokens live on.
const LEEWAY: Duration = Duration::from_secs(30);
/// Longest text taken for a token. Ours have about 500 bytes.
const TOKEN_BYTES: usize = 2_048;
/// The key's file in the data directory.
pub const KEY_FILE: &str = "media-token.key";

/// Whom a token is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Whose conference.
    pub owner: OwnerId,
    /// Which conference.
    pub conference: ConferenceId,
    /// Which participant.
    pub participant: ParticipantId,
    /// In which role.
    pub role: Role,
}

/// Whom a client token is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHolder {
    /// Whose conference.
    pub owner: OwnerId,
    /// Which conference.
    pub conference: ConferenceId,
    /// Who the client will be.
    pub participant: ParticipantId,
    /// Which way it comes.
    pub protocol: ClientProtocol,
    /// Under which name.
    pub display_name: String,
}

/// What a token says; the two kinds have no required field in common but those of every token.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum AnyClaims {
    Media(Claims),
    Client(ClientClaims),
}

#[derive(Debug, Serialize, Deserialize)]
struct ClientClaims {
    aud: String,
    sub: ParticipantId,
    conference: ConferenceId,
    owner: OwnerId,
    protocol: ClientProtocol,
    name: String,
    iat: i64,
    exp: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    aud: String,
    sub: ParticipantId,
    conference: ConferenceId,
    owner: OwnerId,
    role: Role,
    grants: Vec<String>,
    iat: i64,
    exp: i64,
}

/// Where doors learn the public keys of media tokens.
#[async_trait]
pub trait MediaKeys: Send + Sync {
    /// The Ed25519 public key with this name; none when it is unknown.
    async fn media_key(&self, key_id: &str) -> Result<Option<[u8; 32]>, Problem>;
}

/// Signs media tokens.
pub struct MediaTokens {
    signing: EncodingKey,
    public: [u8; 32],
    key_id: String,
    life: Duration,
}

impl MediaTokens {
    /// Reads the key from `directory`, or makes it there (mode 0600) on first run.
    pub fn open(directory: &Path, life: Duration) -> Result<Self, StartError> {
        let path = directory.join(KEY_FILE);
        let failed = |source| StartError::KeyFile {
            path: path.clone(),
            source,
        };
        let der = match fs::read(&path) {
            Ok(der) => {
                if is_open_to_others(&path).map_err(failed)? {
                    return Err(StartError::KeyMode { path });
                }
                der
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make_key(&path).map_err(failed)?
            }
            Err(error) => return Err(failed(error)),
        };
        Self::from_pkcs8(&der, life).ok_or(StartError::KeyForm { path })
    }

    fn from_pkcs8(der: &[u8], life: Duration) -> Option<Self> {
        let pair = Ed25519KeyPair::from_pkcs8(der).ok()?;
        let public: [u8; 32] = pair.public_key().as_ref().try_into().ok()?;
        Some(Self {
            signing: EncodingKey::from_ed_der(der),
            public,
            key_id: key_id(&public),
            life: life.min(LONGEST_LIFE),
        })
    }

    /// The name and the public half of the key.
    pub fn public_key(&self) -> (&str, [u8; 32]) {
        (&self.key_id, self.public)
    }

    /// When a token issued at `now` ends, in whole seconds.
    pub fn end_of_one_issued(&self, now: Timestamp) -> Timestamp {
        Timestamp::from_unix_ms(now.plus(self.life).unix_s() * 1_000)
    }

    /// The token of `holder` that ends at `expires_at`; the same for the same arguments.
    pub fn sign(&self, holder: &Holder, expires_at: Timestamp) -> Result<SecretText, Problem> {
        let claims = Claims {
            aud: AUDIENCE.to_owned(),
            sub: holder.participant,
            conference: holder.conference,
            owner: holder.owner.clone(),
            role: holder.role,
            grants: GRANTS.map(str::to_owned).to_vec(),
            iat: expires_at.minus(self.life).unix_s(),
            exp: expires_at.unix_s(),
        };
        self.encode(&claims)
    }

    /// The client token of `holder` that ends at `expires_at`.
    pub fn sign_client(
        &self,
        holder: &ClientHolder,
        expires_at: Timestamp,
    ) -> Result<SecretText, Problem> {
        self.encode(&ClientClaims {
            aud: AUDIENCE.to_owned(),
            sub: holder.participant,
            conference: holder.conference,
            owner: holder.owner.clone(),
            protocol: holder.protocol,
            name: holder.display_name.clone(),
            iat: expires_at.minus(self.life).unix_s(),
            exp: expires_at.unix_s(),
        })
    }

    fn encode(&self, claims: &impl Serialize) -> Result<SecretText, Problem> {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some(self.key_id.clone());
        jsonwebtoken::encode(&header, claims, &self.signing)
            .map(SecretText::new)
            .map_err(|_| Problem::new(ErrorCode::Internal).with_detail("a token did not sign"))
    }
}

#[async_trait]
impl MediaKeys for MediaTokens {
    async fn media_key(&self, key_id: &str) -> Result<Option<[u8; 32]>, Problem> {
        Ok((key_id == self.key_id).then_some(self.public))
    }
}

/// Who holds `bearer`, if it is a media or client token in force at `now`. `token_invalid` for anything
/// else, whatever is wrong with it.
pub async fn verify(
    keys: &dyn MediaKeys,
    bearer: &SecretText,
    now: Timestamp,
) -> Result<Caller, Problem> {
    let invalid = || Problem::new(ErrorCode::TokenInvalid);
    if bearer.expose().len() > TOKEN_BYTES {
        return Err(invalid());
    }
    let header = jsonwebtoken::decode_header(bearer.expose()).map_err(|_| invalid())?;
    let key_id = header.kid.ok_or_else(invalid)?;
    let public = keys.media_key(&key_id).await?.ok_or_else(invalid)?;
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_audience(&[AUDIENCE]);
    // Judged below against `now`, which may be a simulation's.
    validation.validate_exp = false;
    let key = DecodingKey::from_ed_der(&public);
    let claims = jsonwebtoken::decode::<AnyClaims>(bearer.expose(), &key, &validation)
        .map_err(|_| invalid())?
        .claims;
    let (caller, iat, exp) = match claims {
        AnyClaims::Media(claims) => media_caller(claims).ok_or_else(invalid)?,
        AnyClaims::Client(claims) => client_caller(claims),
    };
    if is_in_force(iat, exp, now) {
        Ok(caller)
    } else {
        Err(invalid())
    }
}

/// The holder of a media token, and from when until when. None when it does not grant everything.
fn media_caller(claims: Claims) -> Option<(Caller, i64, i64)> {
    let granted = |grant: &&str| claims.grants.iter().any(|g| g == grant);
    if !GRANTS.iter().all(granted) {
        return None;
    }
    let grant = Grant::Participant {
        conference: claims.conference,
        participant: claims.sub,
    };
    let owner = claims.owner;
    Some((Caller { owner, grant }, claims.iat, claims.exp))
}

/// The holder of a client token, and from when until when.
fn client_caller(claims: ClientClaims) -> (Caller, i64, i64) {
    let grant = Grant::Client {
        conference: claims.conference,
        participant: claims.sub,
        protocol: claims.protocol,
        display_name: claims.name,
    };
    let owner = claims.owner;
    (Caller { owner, grant }, claims.iat, claims.exp)
}

fn is_in_force(iat: i64, exp: i64, now: Timestamp) -> bool {
    let longest = i64::try_from(LONGEST_LIFE.as_secs()).unwrap_or(0);
    let life = exp.saturating_sub(iat);
    (0..=longest).contains(&life)
        && now.minus(LEEWAY).unix_s() < exp
        && iat <= now.plus(LEEWAY).unix_s()
}

/// Names a key by its content, so that a replaced file is a new name.
fn key_id(public: &[u8; 32]) -> String {
    let hash = digest(&SHA256, public);
    URL_SAFE_NO_PAD.encode(hash.as_ref().get(..12).unwrap_or_default())
}

fn make_key(path: &Path) -> io::Result<Vec<u8>> {
    let pair = Ed25519KeyPair::generate().map_err(io::Error::other)?;
    let der = pair.to_pkcs8().map_err(io::Error::other)?.as_ref().to_vec();
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let written = file.write_all(&der).and_then(|()| file.sync_all());
    if let Err(error) = written {
        // Half a key would stop every later start.
        let _ = fs::remove_file(path);
        return Err(error);
    }
    Ok(der)
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::metadata(path)?.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_path: &Path) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_ms(1_800_000_000_500);

    fn tokens(directory: &Path) -> MediaTokens {
        MediaTokens::open(directory, LONGEST_LIFE).expect("a key")
    }

    fn holder() -> Holder {
        Holder {
            owner: "website".parse().expect("a name"),
            conference: ConferenceId::from_bytes([1; 16]),
            participant: ParticipantId::from_bytes([2; 16]),
            role: Role::Camera,
        }
    }

    async fn code(tokens: &MediaTokens, bearer: &str, now: Timestamp) -> Option<ErrorCode> {
        let verified = verify(tokens, &SecretText::new(bearer), now).await;
        verified.err().map(|problem| problem.code)
    }

    #[tokio::test]
    async fn a_token_names_its_holder_and_outlives_a_restart() {
        let directory = tempfile::tempdir().expect("a directory");
        let first = tokens(directory.path());
        let end = first.end_of_one_issued(NOW);
        assert_eq!(end.unix_ms(), 1_800_000_600_000);
        let token = first.sign(&holder(), end).expect("signs");
        let second = tokens(directory.path());
        let caller = verify(&second, &token, NOW).await.expect("in force");
        assert_eq!(caller.owner, holder().owner);
        let own = Grant::Participant {
            conference: holder().conference,
            participant: holder().participant,
        };
        assert_eq!(caller.grant, own);
        assert!(second.sign(&holder(), end).expect("signs") == token);
    }

    #[tokio::test]
    async fn a_client_token_names_its_way_and_its_holder() {
        let directory = tempfile::tempdir().expect("a directory");
        let tokens = tokens(directory.path());
        let holder = ClientHolder {
            owner: holder().owner,
            conference: holder().conference,
            participant: holder().participant,
            protocol: ClientProtocol::Whep,
            display_name: "Wall screen".to_owned(),
        };
        let token = tokens.sign_client(&holder, tokens.end_of_one_issued(NOW));
        let token = token.expect("signs");
        let caller = verify(&tokens, &token, NOW).await.expect("in force");
        let grant = Grant::Client {
            conference: holder.conference,
            participant: holder.participant,
            protocol: ClientProtocol::Whep,
            display_name: holder.display_name,
        };
        assert_eq!(caller.grant, grant);
        let late = NOW.plus(Duration::from_secs(631));
        let late = code(&tokens, token.expose(), late).await;
        assert_eq!(late, Some(ErrorCode::TokenInvalid));
    }

    #[tokio::test]
    async fn a_token_ends_after_its_life_and_the_leeway_and_does_not_begin_early() {
        let directory = tempfile::tempdir().expect("a directory");
        let tokens = tokens(directory.path());
        let token = tokens
            .sign(&holder(), tokens.end_of_one_issued(NOW))
            .expect("signs");
        let at = |s| NOW.plus(Duration::from_secs(s));
        assert_eq!(code(&tokens, token.expose(), at(625)).await, None);
        let late = code(&tokens, token.expose(), at(631)).await;
        assert_eq!(late, Some(ErrorCode::TokenInvalid));
        let early = NOW.minus(Duration::from_secs(32));
        let early = code(&tokens, token.expose(), early).await;
        assert_eq!(early, Some(ErrorCode::TokenInvalid));
    }

    #[tokio::test]
    async fn anything_but_an_untouched_token_of_ours_is_invalid() {
        let directory = tempfile::tempdir().expect("a directory");
        let ours = tokens(directory.path());
        let token = ours
            .sign(&holder(), ours.end_of_one_issued(NOW))
            .expect("signs");
        let parts: Vec<&str> = token.expose().split('.').collect();
        let other_directory = tempfile::tempdir().expect("a directory");
        let foreign = tokens(other_directory.path());
        let foreign = foreign
            .sign(&holder(), foreign.end_of_one_issued(NOW))
            .expect("signs");
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        let hs256 = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"HS256","kid":"{}"}}"#, ours.key_id));
        let bad = [
            String::new(),
            "a.b.c".to_owned(),
            "x".repeat(TOKEN_BYTES + 1),
            format!("{}.{}.", parts[0], parts[1]),
            format!("{none}.{}.", parts[1]),
            format!("{hs256}.{}.{}", parts[1], parts[2]),
            format!("{}.{}x.{}", parts[0], parts[1], parts[2]),
            foreign.expose().to_owned(),
        ];
        for text in bad {
            let refused = code(&ours, &text, NOW).await;
            assert_eq!(refused, Some(ErrorCode::TokenInvalid), "{text} was taken");
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_key_is_private_to_its_owner_and_a_broken_one_is_said_to_be() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join(KEY_FILE);
        tokens(directory.path());
        let mode = fs::metadata(&path).expect("made").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("ours");
        let open = MediaTokens::open(directory.path(), LONGEST_LIFE);
        assert!(matches!(open, Err(StartError::KeyMode { .. })));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("ours");
        fs::write(&path, b"not a key").expect("ours");
        let broken = MediaTokens::open(directory.path(), LONGEST_LIFE);
        assert!(matches!(broken, Err(StartError::KeyForm { .. })));
    }
}
