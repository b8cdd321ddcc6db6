//! A session that is live: started, both sides answered and connected.

use lens_protocol::id::{ConferenceId, ParticipantId};
use lens_protocol::session::{PersonRole, SessionView, TakingPart};
use serde_json::Value;

use super::page::Page;
use super::{Browser, House, take_part};

/// A live session: started, both sides answered and connected.
pub struct Case {
    pub house: House,
    pub anna: Browser,
    pub console: Page,
    pub customer: Browser,
    pub page: Page,
    pub id: String,
    pub conference: ConferenceId,
    pub camera: ParticipantId,
    pub viewer: ParticipantId,
}

impl Case {
    pub fn path(&self, verb: &str) -> String {
        format!("/api/sessions/{}/{verb}", self.id)
    }

    pub async fn view(&self) -> SessionView {
        self.anna.view(&self.id).await
    }
}

pub fn taking(answer: Value) -> TakingPart {
    serde_json::from_value(answer).unwrap()
}

pub fn participant(view: &SessionView, role: PersonRole) -> ParticipantId {
    let person = view.people.iter().find(|it| it.role == role).unwrap();
    person.participant.unwrap()
}

pub fn state(wanted: &'static str) -> impl Fn(&Value) -> bool {
    move |signal| {
        let view = [&signal["view"], &signal["customer"]]
            .into_iter()
            .find(|it| !it.is_null());
        signal["kind"] == "session" && view.is_some_and(|view| view["state"] == wanted)
    }
}

pub async fn live() -> Case {
    let house = House::open().await;
    let anna = house.technician("Anna Berg").await;
    let mut console = anna.console().await;
    let (session, customer, mut page) = house.waiting(&anna).await;
    let id = session.id.to_string();
    let path = format!("/api/sessions/{id}/start");
    let started = taking(anna.post(&path, take_part(&console.channel)).await.ok());
    let offer = page.wait_for("offer").await;
    page.answer(None, &offer).await;
    let own = serde_json::to_value(&started.offer).unwrap();
    console.answer(Some(&id), &own).await;
    let conference = started.offer.conference;
    let camera = participant(&started.session, PersonRole::Customer);
    let viewer = started.offer.participant;
    house.manager.connect(conference, camera);
    house.manager.connect(conference, viewer);
    anna.until(&id, "connects", |view| {
        view.people.iter().all(|it| it.connected)
    })
    .await;
    Case {
        house,
        anna,
        console,
        customer,
        page,
        id,
        conference,
        camera,
        viewer,
    }
}
