//! The media nodes: what is known of each, calls to them, and how one is found to be lost.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lens_protocol::conference::Node;
use lens_protocol::id::{ConferenceId, NodeId};
use lens_protocol::media::{NodeReport, NodeState, SfuEvent};
use lens_protocol::{ErrorCode, Problem};
use lens_sfu::SfuControl;
use tokio::sync::{mpsc, watch as signal};

use crate::config::NodeTimes;
use crate::core::conference::Room;
use crate::core::placement::{self, NodeView};
use crate::metrics::Metrics;

/// Something the conferences of a node have to be told, in order.
pub(super) enum Job {
    /// The node reports. `first` in this life of the Session Manager: rooms it does not know are
    /// taken over, not ended.
    Report {
        report: Box<NodeReport>,
        first: bool,
    },
    /// The node's events, of this life of it.
    Events { events: Vec<SfuEvent> },
    /// The node, in this life of it, does not answer.
    Lost { node: NodeId, life: u64 },
}

/// What is to be done about one node.
pub(super) type Inbox = mpsc::UnboundedReceiver<Job>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Unknown,
    Up,
    Lost,
}

/// One node.
pub(super) struct NodeLink {
    pub(super) control: Arc<dyn SfuControl>,
    times: NodeTimes,
    view: Mutex<Option<NodeView>>,
    health: signal::Sender<Health>,
    reported: AtomicBool,
    /// Which node has which name, by its place in the list: two with one name would get each
    /// other's calls.
    names: Arc<Mutex<HashMap<NodeId, usize>>>,
    place: usize,
    jobs: mpsc::UnboundedSender<Job>,
    metrics: Metrics,
}

/// All nodes.
pub(super) struct Nodes {
    links: Vec<Arc<NodeLink>>,
}

impl Nodes {
    pub(super) fn new(
        controls: Vec<Arc<dyn SfuControl>>,
        times: NodeTimes,
        metrics: Metrics,
    ) -> (Self, Vec<Inbox>) {
        let names = Arc::new(Mutex::new(HashMap::new()));
        let with_inbox = |(place, control)| {
            // Bounded in practice: one report each two seconds and the node's own event window.
            let (jobs, inbox) = mpsc::unbounded_channel();
            let link = NodeLink {
                control,
                times,
                view: Mutex::new(None),
                health: signal::Sender::new(Health::Unknown),
                reported: AtomicBool::new(false),
                names: names.clone(),
                place,
                jobs,
                metrics: metrics.clone(),
            };
            (Arc::new(link), inbox)
        };
        let (links, inboxes) = controls.into_iter().enumerate().map(with_inbox).unzip();
        (Self { links }, inboxes)
    }

    pub(super) fn links(&self) -> &[Arc<NodeLink>] {
        &self.links
    }

    /// Waits until each node has been heard of or found lost, at most `wait`.
    pub(super) async fn first_reports(&self, wait: Duration) {
        let all = async {
            for link in &self.links {
                let mut health = link.health.subscribe();
                // The sender lives in the link, so this ends by a change only.
                let _ = health.wait_for(|health| *health != Health::Unknown).await;
            }
        };
        let _ = tokio::time::timeout(wait, all).await;
    }

    pub(super) fn any_up(&self) -> bool {
        self.links.iter().any(|link| link.is_up())
    }

    /// The node with this name, if it was ever heard of.
    pub(super) fn find(&self, node: &NodeId) -> Option<Arc<NodeLink>> {
        let named =
            |link: &&Arc<NodeLink>| link.view().as_ref().is_some_and(|view| view.id == *node);
        self.links.iter().find(named).cloned()
    }

    /// Every node that was ever heard of.
    pub(super) fn listed(&self) -> Vec<Node> {
        let views = self.links.iter().filter_map(|link| link.view().clone());
        let mut nodes: Vec<Node> = views.map(|view| view.listed()).collect();
        nodes.sort_by(|a, b| a.id.cmp(&b.id));
        nodes
    }

    /// Whether a node with this label may exist: one does, or one was never heard of yet.
    fn may_have(&self, region: &str) -> bool {
        self.links.iter().any(|link| match link.view().as_ref() {
            Some(view) => view.region.as_deref() == Some(region),
            None => true,
        })
    }

    /// Chooses the node for a conference and reckons with it from now on. `no_media_node`;
    /// `invalid_value` for a region that no node has.
    pub(super) fn place(
        &self,
        region: Option<&str>,
        excluded: &[NodeId],
        conference: ConferenceId,
    ) -> Result<(Arc<NodeLink>, NodeView), Problem> {
        if region.is_some_and(|region| !self.may_have(region)) {
            let detail = "region: no media node has this label";
            return Err(Problem::new(ErrorCode::InvalidValue).with_detail(detail));
        }
        let views: Vec<NodeView> = self
            .links
            .iter()
            .filter_map(|link| link.view().clone())
            .collect();
        let chosen = placement::choose(&views, region, excluded)
            .ok_or_else(|| Problem::new(ErrorCode::NoMediaNode).retry_after_s(1))?;
        let link = self
            .find(&chosen.id)
            .ok_or_else(|| Problem::new(ErrorCode::NoMediaNode).retry_after_s(1))?;
        if let Some(view) = link.view().as_mut() {
            view.placed_since.push(conference);
        }
        Ok((link, chosen.clone()))
    }

    /// Reckons no longer with a conference that is over, if the node's report does not know of it
    /// yet: who creates and deletes many in a moment would else find the node full.
    pub(super) fn unplace(&self, room: &Room) {
        let Some(link) = self.find(&room.placement.node) else {
            return;
        };
        if let Some(view) = link.view().as_mut() {
            view.placed_since.retain(|placed| *placed != room.id);
        }
    }
}

impl NodeLink {
    /// What is known of it.
    pub(super) fn view(&self) -> MutexGuard<'_, Option<NodeView>> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_up(&self) -> bool {
        *self.health.borrow() == Health::Up
    }

    /// Whether it answers in this very life.
    pub(super) fn runs(&self, life: u64) -> bool {
        self.is_up() && self.view().as_ref().is_some_and(|view| view.life == life)
    }

    /// Makes a call to it. `media_node_lost` when it does not answer in time, or as soon as it is
    /// found lost; its own problems as they are.
    pub(super) async fn call<T>(
        &self,
        call: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        let mut health = self.health.subscribe();
        let lost = async {
            let _ = health.wait_for(|health| *health == Health::Lost).await;
        };
        let silent = || Problem::new(ErrorCode::MediaNodeLost);
        tokio::select! {
            biased;
            () = lost => Err(silent()),
            answer = tokio::time::timeout(self.times.call_timeout, call) => match answer {
                Err(_) => Err(silent()),
                Ok(Err(problem)) if problem.code == ErrorCode::Unavailable => Err(silent()),
                Ok(result) => result,
            },
        }
    }

    /// A second opinion on a node that did not answer: asks for a report, and takes the node for
    /// lost when that fails too. True when it is lost.
    pub(super) async fn is_lost(&self) -> bool {
        if *self.health.borrow() == Health::Lost {
            return true;
        }
        let asked = tokio::time::timeout(self.times.confirm_timeout, self.control.report()).await;
        let lost = !matches!(asked, Ok(Ok(_)));
        if lost {
            self.lose();
        }
        lost
    }

    /// Takes it for lost: its calls end at once, its conferences will be told.
    pub(super) fn lose(&self) {
        let mut job = None;
        if let Some(view) = self.view().as_mut() {
            if view.state != NodeState::Lost {
                tracing::warn!(node = %view.id, "media node lost");
                job = Some(Job::Lost {
                    node: view.id.clone(),
                    life: view.life,
                });
            }
            view.state = NodeState::Lost;
        }
        let before = self.health.send_replace(Health::Lost);
        if before == Health::Up {
            self.metrics.nodes_up.dec();
            self.metrics.nodes_lost.inc();
        }
        if let Some(job) = job {
            self.post(job);
        }
    }

    /// Takes its report: the node answers. False when it goes by another node's name; then it is
    /// as good as lost.
    pub(super) fn heard(&self, report: NodeReport) -> bool {
        if !self.claims(&report.node) {
            tracing::error!(node = %report.node, "two media nodes go by this name: rename one");
            return false;
        }
        let mut view = NodeView::of(&report);
        {
            let mut kept = self.view();
            let life = kept.as_ref().map(|kept| kept.life);
            if life.is_some_and(|life| life != view.life) {
                tracing::warn!(node = %view.id, "media node restarted");
            }
            // A drain asked for a moment ago may not stand in this report yet.
            let draining = kept
                .as_ref()
                .is_some_and(|kept| kept.state == NodeState::Draining && kept.life == view.life);
            if draining {
                view.state = NodeState::Draining;
            }
            *kept = Some(view);
        }
        let first = !self.reported.swap(true, Ordering::Relaxed);
        self.post(Job::Report {
            report: Box::new(report),
            first,
        });
        if self.health.send_replace(Health::Up) != Health::Up {
            self.metrics.nodes_up.inc();
        }
        true
    }

    fn claims(&self, name: &NodeId) -> bool {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        *names.entry(name.clone()).or_insert(self.place) == self.place
    }

    pub(super) fn post(&self, job: Job) {
        // The receiver ends with the service only.
        let _ = self.jobs.send(job);
    }
}
