//! What customers do: redeem an invitation, agree or decline, leave. Their browser is known by
//! the cookie that redeeming gave it, and by nothing else.

pub(crate) mod consent;
pub(crate) mod redeem;
