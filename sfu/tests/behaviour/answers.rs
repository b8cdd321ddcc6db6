//! Bad answers get their code, and leave the participant able to send a good one.

use lens_protocol::ErrorCode;
use lens_protocol::id::{Epoch, Generation, NegotiationId, ParticipantId};
use lens_protocol::media::{ApplyAnswer, CauseCode, Role};
use lens_sfu::SfuControl;

use crate::support::{Client, Options, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_answer_is_named_and_a_good_one_still_counts() {
    let world = World::start();
    let conference = world.conference(2).await;
    let id = ParticipantId::from_bytes([77; 16]);
    let offered = world
        .offer(conference, id, Role::Camera, Generation(1))
        .await
        .unwrap();
    let (client, good) = Client::answer(&offered.sdp, Options::default());
    let without = |name: &str| {
        let lines = good.lines().filter(|line| !line.starts_with(name));
        lines.map(|line| format!("{line}\r\n")).collect::<String>()
    };
    let last_section = good.rfind("m=").unwrap();
    let candidates = |count: usize| {
        let line = "a=candidate:1 1 udp 2113937151 192.0.2.1 5000 typ host\r\n";
        format!("{good}{}", line.repeat(count))
    };
    for (name, bad, code) in [
        ("empty", String::new(), ErrorCode::InvalidSdp),
        ("prose", "no SDP at all".to_owned(), ErrorCode::InvalidSdp),
        ("no ufrag", without("a=ice-ufrag"), ErrorCode::InvalidSdp),
        ("no password", without("a=ice-pwd"), ErrorCode::InvalidSdp),
        (
            "no fingerprint",
            without("a=fingerprint"),
            ErrorCode::InvalidSdp,
        ),
        (
            "too few sections",
            good[..last_section].to_owned(),
            ErrorCode::InvalidSdp,
        ),
        (
            "a section twice",
            format!("{good}{}", &good[last_section..]),
            ErrorCode::InvalidSdp,
        ),
        (
            "video for audio",
            good.replace("m=audio", "m=video"),
            ErrorCode::InvalidSdp,
        ),
        (
            "a lite peer",
            good.replace("t=0 0\r\n", "t=0 0\r\na=ice-lite\r\n"),
            ErrorCode::InvalidSdp,
        ),
        (
            "a half of SCTP that cannot be read",
            good.replace("a=sctp-init:", "a=sctp-init:*"),
            ErrorCode::InvalidSdp,
        ),
        (
            "21 candidates",
            candidates(21),
            ErrorCode::TooManyCandidates,
        ),
        (
            "10,000 candidates",
            candidates(10_000),
            ErrorCode::TooManyCandidates,
        ),
        (
            "70 KiB",
            format!("{good}a=x:{}\r\n", "y".repeat(70_000)),
            ErrorCode::PayloadTooLarge,
        ),
    ] {
        let problem = world
            .answer(conference, id, offered.negotiation_id, &bad)
            .await;
        assert_eq!(problem.expect_err(name).code, code, "{name}");
    }
    let two_bandwidths = good.replace("a=mid:", "b=AS:2000\r\nb=TIAS:2000000\r\na=mid:");
    world
        .answer(conference, id, offered.negotiation_id, &two_bandwidths)
        .await
        .expect("two b= lines are no reason to refuse");
    client.wait("connected", |seen| seen.connected).await;
    let second = world
        .answer(conference, id, offered.negotiation_id, &good)
        .await;
    assert_eq!(second.unwrap_err().code, ErrorCode::AlreadyAnswered);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_another_offer_is_stale() {
    let world = World::start();
    let conference = world.conference(2).await;
    let id = ParticipantId::from_bytes([78; 16]);
    let first = world
        .offer(conference, id, Role::Camera, Generation(1))
        .await
        .unwrap();
    let second = world
        .offer(conference, id, Role::Camera, Generation(2))
        .await
        .unwrap();
    assert_ne!(first.negotiation_id, second.negotiation_id);
    let (_client, answer) = Client::answer(&first.sdp, Options::default());
    for negotiation in [first.negotiation_id, NegotiationId(9_999)] {
        let problem = world.answer(conference, id, negotiation, &answer).await;
        assert_eq!(problem.unwrap_err().code, ErrorCode::StaleGeneration);
    }
    let nobody = ParticipantId::from_bytes([79; 16]);
    let problem = world
        .answer(conference, nobody, second.negotiation_id, &answer)
        .await;
    assert_eq!(problem.unwrap_err().code, ErrorCode::ParticipantNotFound);
    let stranger = ApplyAnswer {
        conference,
        epoch: Epoch(0),
        participant: id,
        negotiation_id: second.negotiation_id,
        sdp: answer,
    };
    let problem = world.sfu.apply_answer(stranger).await;
    assert_eq!(problem.unwrap_err().code, ErrorCode::StaleEpoch);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_only_the_stack_refuses_ends_that_generation_and_a_new_one_mends_it() {
    let world = World::start();
    let conference = world.conference(3).await;
    // Without its bundle; and with three bytes that are no INIT chunk of SCTP's.
    for (number, start, other) in [
        (80, "a=group:", ""),
        (81, "a=sctp-init:", "a=sctp-init:AAAA\r\n"),
    ] {
        let id = ParticipantId::from_bytes([number; 16]);
        let offered = world
            .offer(conference, id, Role::Viewer, Generation(1))
            .await
            .unwrap();
        let (_client, good) = Client::answer(&offered.sdp, Options::default());
        let line = good.lines().find(|line| line.starts_with(start)).unwrap();
        let bad = good.replace(&format!("{line}\r\n"), other);
        let problem = world
            .answer(conference, id, offered.negotiation_id, &bad)
            .await;
        assert_eq!(problem.unwrap_err().code, ErrorCode::InvalidSdp);
        assert_eq!(world.failed(id).await, CauseCode::BadAnswer);
        let late = world
            .answer(conference, id, offered.negotiation_id, &good)
            .await;
        assert_eq!(late.unwrap_err().code, ErrorCode::AlreadyAnswered);

        let options = Options::default();
        let party = world
            .enter(conference, id, Role::Viewer, Generation(2), options)
            .await;
        world.connected(conference, &party).await;
    }
}
