//! `POST /api/password/strength`: the meter beside a new password, by the rule that decides.

use axum::extract::State;
use lens_protocol::account::{PasswordQuestion, PasswordStrength};
use lens_protocol::{ErrorCode, Problem};
use lens_runtime::http::{ClientAddress, Failure, Json};

use crate::app::{Shared, wait};

/// Most words that make a password easier to guess, and the longest of them in characters.
const ABOUT: (usize, usize) = (8, 254);

/// Judges a password. It is neither stored nor logged.
#[utoipa::path(
    post, path = "/api/password/strength", tag = "accounts", request_body = PasswordQuestion,
    responses(
        (status = 200, body = PasswordStrength),
        (status = 429, description = "`rate_limited`", body = Problem),
    )
)]
pub(crate) async fn strength(
    State(app): State<Shared>,
    address: ClientAddress,
    Json(question): Json<PasswordQuestion>,
) -> Result<Json<PasswordStrength>, Failure> {
    app.strengths
        .check(&address.network(), app.now())
        .map_err(wait)?;
    let (most, longest) = ABOUT;
    if question.about.len() > most || question.about.iter().any(|it| it.chars().count() > longest) {
        let detail = "about holds at most 8 words of 254 characters";
        return Err(Problem::new(ErrorCode::InvalidValue)
            .with_detail(detail)
            .into());
    }
    let judged = tokio::task::spawn_blocking(move || {
        let about: Vec<&str> = question.about.iter().map(String::as_str).collect();
        lens_auth::password::strength(&question.password, &about)
    });
    judged
        .await
        .map(Json)
        .map_err(|_| ErrorCode::Internal.into())
}
