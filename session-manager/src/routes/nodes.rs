//! `/v1/nodes`.

use axum::extract::State;
use axum::response::Response;
use lens_protocol::conference::Nodes;
use lens_protocol::id::NodeId;
use lens_runtime::http::{Failure, Json, Path};

use super::describe::Problems;
use super::door::Known;
use super::{Manager, no_content};

/// List the media nodes.
#[utoipa::path(
    get, path = "/v1/nodes", operation_id = "list_nodes", tag = "nodes",
    responses((status = 200, description = "All known nodes", body = Nodes), Problems),
)]
pub(super) async fn list(
    State(manager): State<Manager>,
    Known(caller): Known,
) -> Result<Json<Nodes>, Failure> {
    Ok(Json(manager.nodes(&caller).await?))
}

/// Drain a media node.
///
/// It takes no new conferences from now on; running ones go on. Repeatable.
#[utoipa::path(
    post, path = "/v1/nodes/{id}/drain", operation_id = "drain_node", tag = "nodes",
    params(("id" = NodeId, Path, description = "The node")),
    responses((status = 204, description = "It drains"), Problems),
)]
pub(super) async fn drain(
    State(manager): State<Manager>,
    Known(caller): Known,
    Path(id): Path<NodeId>,
) -> Result<Response, Failure> {
    manager.drain(&caller, id).await?;
    Ok(no_content())
}
