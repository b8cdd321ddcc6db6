//! Which media node takes a conference: the least loaded one by its own report.

use lens_protocol::conference::Node;
use lens_protocol::id::{ConferenceId, NodeId};
use lens_protocol::media::{MediaAddress, NodeReport, NodeState};

/// Seats a conference placed since the last report is reckoned with. Lower values let a burst of
/// creations pile up on one node; higher ones make a small node look full.
const SEATS_PER_NEW_CONFERENCE: u32 = 2;

/// What is known of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeView {
    /// Its name.
    pub id: NodeId,
    /// Its life, by its last report.
    pub life: u64,
    /// Placement label.
    pub region: Option<String>,
    /// By its last report, or `Lost` when it does not answer.
    pub state: NodeState,
    /// Where peers reach it.
    pub addresses: Vec<MediaAddress>,
    /// Conferences in its last report.
    pub conferences: u32,
    /// Participants in its last report.
    pub participants: u32,
    /// Most participants it may carry.
    pub max_participants: u32,
    /// Forwarded packets per second in its last report.
    pub packets_per_s: u64,
    /// Conferences placed on it since, and not ended again.
    pub placed_since: Vec<ConferenceId>,
}

impl NodeView {
    /// What `report` says; nothing has been placed since.
    pub fn of(report: &NodeReport) -> Self {
        Self {
            id: report.node.clone(),
            life: report.life,
            region: report.region.clone(),
            state: report.state,
            addresses: report.addresses.clone(),
            conferences: u32::try_from(report.rooms.len()).unwrap_or(u32::MAX),
            participants: report.participants,
            max_participants: report.max_participants,
            packets_per_s: report.packets_per_s,
            placed_since: Vec::new(),
        }
    }

    /// As `GET /v1/nodes` lists it.
    pub fn listed(&self) -> Node {
        Node {
            id: self.id.clone(),
            region: self.region.clone(),
            state: self.state,
            conferences: self.conferences.saturating_add(self.placed()),
            participants: self.participants,
            max_participants: self.max_participants,
            packets_per_s: self.packets_per_s,
            addresses: self.addresses.clone(),
        }
    }

    fn placed(&self) -> u32 {
        u32::try_from(self.placed_since.len()).unwrap_or(u32::MAX)
    }

    fn seats_taken(&self) -> u32 {
        let reckoned = self.placed().saturating_mul(SEATS_PER_NEW_CONFERENCE);
        self.participants.saturating_add(reckoned)
    }

    fn takes(&self, region: Option<&str>) -> bool {
        self.state == NodeState::Up
            && !self.addresses.is_empty()
            && self.seats_taken() < self.max_participants
            && region.is_none_or(|wanted| self.region.as_deref() == Some(wanted))
    }

    /// Seats taken in thousandths of the node's own measure, so that a small node is not judged
    /// by a large one's figures; then packets, conferences and the name.
    fn load(&self) -> (u64, u64, u32, &NodeId) {
        let seats = u64::from(self.seats_taken()) * 1_000 / u64::from(self.max_participants.max(1));
        let conferences = self.conferences.saturating_add(self.placed());
        (seats, self.packets_per_s, conferences, &self.id)
    }
}

/// The least loaded node that is up, has room, carries the label `region` when one is asked for,
/// and is none of `excluded`. `None` when there is none.
pub fn choose<'a>(
    nodes: impl IntoIterator<Item = &'a NodeView>,
    region: Option<&str>,
    excluded: &[NodeId],
) -> Option<&'a NodeView> {
    nodes
        .into_iter()
        .filter(|node| node.takes(region) && !excluded.contains(&node.id))
        .min_by(|a, b| a.load().cmp(&b.load()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, participants: u32, max_participants: u32) -> NodeView {
        NodeView {
            id: name.parse().expect("a name"),
            life: 1,
            region: None,
            state: NodeState::Up,
            addresses: vec![MediaAddress {
                udp: "192.0.2.1:8443".parse().expect("an address"),
                tcp: None,
            }],
            conferences: 0,
            participants,
            max_participants,
            packets_per_s: 0,
            placed_since: Vec::new(),
        }
    }

    fn chosen(nodes: &[NodeView], region: Option<&str>) -> Option<String> {
        choose(nodes, region, &[]).map(|node| node.id.to_string())
    }

    #[test]
    fn the_node_with_the_smallest_share_of_taken_seats_is_chosen() {
        let nodes = [node("a", 30, 100), node("b", 20, 40), node("c", 31, 100)];
        assert_eq!(chosen(&nodes, None).as_deref(), Some("a"));
    }

    #[test]
    fn equal_seats_are_decided_by_packets() {
        let mut nodes = [node("a", 10, 100), node("b", 10, 100)];
        nodes[0].packets_per_s = 9_000;
        assert_eq!(chosen(&nodes, None).as_deref(), Some("b"));
    }

    #[test]
    fn draining_lost_full_and_unreachable_nodes_are_left_out() {
        let mut nodes = vec![
            node("a", 0, 10),
            node("b", 0, 10),
            node("c", 10, 10),
            node("d", 0, 9),
        ];
        nodes[0].state = NodeState::Draining;
        nodes[1].state = NodeState::Lost;
        nodes[3].addresses.clear();
        assert_eq!(chosen(&nodes, None), None);
        nodes.push(node("e", 9, 10));
        assert_eq!(chosen(&nodes, None).as_deref(), Some("e"));
        assert!(choose(&nodes, None, &["e".parse().expect("a name")]).is_none());
    }

    #[test]
    fn an_asked_region_is_kept_to() {
        let mut nodes = [node("a", 0, 10), node("b", 5, 10)];
        nodes[1].region = Some("fra".to_owned());
        assert_eq!(chosen(&nodes, Some("fra")).as_deref(), Some("b"));
        assert_eq!(chosen(&nodes, Some("ams")), None);
        assert_eq!(chosen(&nodes, None).as_deref(), Some("a"));
    }

    #[test]
    fn a_burst_between_two_reports_spreads_over_equal_nodes() {
        let mut nodes = [node("a", 0, 100), node("b", 0, 100)];
        for _ in 0..10 {
            let id = choose(&nodes, None, &[]).expect("room").id.clone();
            let taken = nodes.iter_mut().find(|node| node.id == id);
            let conference = ConferenceId::from_bytes([0; 16]);
            taken.expect("one of them").placed_since.push(conference);
        }
        assert_eq!(nodes.map(|node| node.placed()), [5, 5]);
    }
}
