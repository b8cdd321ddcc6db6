//! Field by field: what a request may say. The ranges stand in the API description too.

use lens_protocol::conference::{CreateConference, IceCandidates, Join};
use lens_protocol::limits::{CANDIDATES, ID_CHARS, NAME_CHARS, PARTICIPANTS, VIDEO_KBPS};
use lens_protocol::media::{ClientProtocol, MediaPolicy, VideoCodec};
use lens_protocol::{ErrorCode, Problem};

/// Longest ICE candidate line, in bytes. Chromium's are below 250.
const CANDIDATE_BYTES: usize = 1_024;
/// Longest placement label, in characters.
const REGION_CHARS: usize = 64;

fn invalid(field: &str, rule: &str) -> Problem {
    Problem::new(ErrorCode::InvalidValue).with_detail(format!("{field}: {rule}"))
}

fn in_range<T: PartialOrd + std::fmt::Display>(
    field: &str,
    value: T,
    least: T,
    most: T,
) -> Result<(), Problem> {
    if value < least || value > most {
        return Err(invalid(field, &format!("{least} to {most}")));
    }
    Ok(())
}

fn label(field: &str, text: &str, most: usize) -> Result<(), Problem> {
    let chars = text.chars().count();
    if chars == 0 || chars > most || text.chars().any(char::is_control) {
        let rule = format!("1 to {most} characters, no control characters");
        return Err(invalid(field, &rule));
    }
    Ok(())
}

/// Checks a creation and makes its codec list whole: VP8 is always in it.
pub fn creation(mut request: CreateConference) -> Result<CreateConference, Problem> {
    if let Some(external_id) = &request.external_id {
        label("external_id", external_id, ID_CHARS)?;
    }
    if let Some(region) = &request.region {
        label("region", region, REGION_CHARS)?;
    }
    in_range(
        "max_participants",
        request.max_participants,
        2,
        PARTICIPANTS,
    )?;
    in_range("empty_timeout_s", request.empty_timeout_s, 5, 86_400)?;
    in_range("departure_timeout_s", request.departure_timeout_s, 0, 3_600)?;
    in_range("max_duration_s", request.max_duration_s, 60, 86_400)?;
    media_policy(&mut request.media)?;
    Ok(request)
}

fn media_policy(media: &mut MediaPolicy) -> Result<(), Problem> {
    in_range(
        "media.max_video_kbps",
        media.max_video_kbps,
        *VIDEO_KBPS.start(),
        *VIDEO_KBPS.end(),
    )?;
    each_once("media.video_codecs", &media.video_codecs)?;
    if !media.video_codecs.contains(&VideoCodec::Vp8) {
        media.video_codecs.push(VideoCodec::Vp8);
    }
    Ok(())
}

fn each_once(field: &str, codecs: &[VideoCodec]) -> Result<(), Problem> {
    let twice = codecs
        .iter()
        .enumerate()
        .any(|(index, codec)| codecs[..index].contains(codec));
    if twice {
        return Err(invalid(field, "each codec at most once"));
    }
    Ok(())
}

/// Checks a join and trims its name.
pub fn join(mut request: Join) -> Result<Join, Problem> {
    // Before and after: blanks count towards the length, and nothing but blanks is no name.
    label("display_name", &request.display_name, NAME_CHARS)?;
    request.display_name = request.display_name.trim().to_owned();
    label("display_name", &request.display_name, NAME_CHARS)?;
    if let Some(codecs) = &request.codecs {
        each_once("codecs", codecs)?;
    }
    Ok(request)
}

/// The join of a client that comes this way, under its name or the protocol's.
pub fn client(protocol: ClientProtocol, name: Option<String>) -> Result<Join, Problem> {
    join(Join {
        role: protocol.role(),
        display_name: name.unwrap_or_else(|| protocol.as_str().to_ascii_uppercase()),
        codecs: None,
    })
}

/// Checks candidates, which are then ignored.
pub fn candidates(request: &IceCandidates) -> Result<(), Problem> {
    if request.candidates.len() > CANDIDATES {
        return Err(ErrorCode::TooManyCandidates.into());
    }
    let too_long = |line: &String| line.len() > CANDIDATE_BYTES;
    if request.candidates.iter().any(too_long) {
        return Err(invalid("candidates", "at most 1024 bytes each"));
    }
    Ok(())
}

/// Checks an `Idempotency-Key`.
pub fn idempotency_key(key: &str) -> Result<(), Problem> {
    let visible = |byte: u8| (b'!'..=b'~').contains(&byte);
    if !(1..=ID_CHARS).contains(&key.len()) || !key.bytes().all(visible) {
        let rule = "1 to 128 visible ASCII characters, no blanks";
        return Err(invalid("Idempotency-Key", rule));
    }
    Ok(())
}

/// The video codecs a participant is offered: its own order within the conference's policy, VP8
/// always.
pub fn codecs_for(policy: &MediaPolicy, preferred: Option<&[VideoCodec]>) -> Vec<VideoCodec> {
    let Some(preferred) = preferred else {
        return policy.video_codecs.clone();
    };
    let allowed = |codec: &&VideoCodec| policy.video_codecs.contains(codec);
    let mut codecs: Vec<VideoCodec> = preferred.iter().filter(allowed).copied().collect();
    if !codecs.contains(&VideoCodec::Vp8) {
        codecs.push(VideoCodec::Vp8);
    }
    codecs
}

#[cfg(test)]
mod tests {
    use lens_protocol::id::Generation;
    use lens_protocol::media::Role;

    use super::*;

    fn named(display_name: &str) -> Join {
        Join {
            role: Role::Viewer,
            display_name: display_name.to_owned(),
            codecs: None,
        }
    }

    #[test]
    fn the_defaults_are_within_their_ranges() {
        let request = CreateConference::default();
        assert_eq!(creation(request.clone()), Ok(request));
    }

    #[test]
    fn each_field_outside_its_range_is_named() {
        type Break = fn(&mut CreateConference);
        let broken: [(&str, Break); 9] = [
            ("external_id", |c| c.external_id = Some(String::new())),
            ("external_id", |c| c.external_id = Some("x".repeat(129))),
            ("external_id", |c| c.external_id = Some("a\nb".to_owned())),
            ("region", |c| c.region = Some("r".repeat(65))),
            ("max_participants", |c| c.max_participants = 17),
            ("empty_timeout_s", |c| c.empty_timeout_s = 4),
            ("departure_timeout_s", |c| c.departure_timeout_s = 3_601),
            ("max_duration_s", |c| c.max_duration_s = 59),
            ("media.max_video_kbps", |c| c.media.max_video_kbps = 99),
        ];
        for (field, break_it) in broken {
            let mut request = CreateConference::default();
            break_it(&mut request);
            let problem = creation(request).expect_err(field);
            assert_eq!(problem.code, ErrorCode::InvalidValue);
            let detail = problem.detail.unwrap_or_default();
            assert!(detail.starts_with(field), "{detail}");
        }
    }

    #[test]
    fn vp8_is_added_when_a_policy_leaves_it_out_and_a_codec_counts_once() {
        let mut request = CreateConference::default();
        request.media.video_codecs = vec![VideoCodec::H264];
        let checked = creation(request.clone()).expect("valid");
        assert_eq!(
            checked.media.video_codecs,
            [VideoCodec::H264, VideoCodec::Vp8]
        );
        request.media.video_codecs = vec![VideoCodec::H264, VideoCodec::H264];
        assert!(creation(request).is_err());
    }

    #[test]
    fn a_name_is_trimmed_and_may_not_be_empty_or_carry_controls() {
        assert_eq!(
            join(named("  Ana ")).map(|j| j.display_name),
            Ok("Ana".to_owned())
        );
        for bad in ["", "   ", "a\u{7}b", "a\u{85}b", &"x".repeat(81)] {
            assert!(join(named(bad)).is_err(), "{bad:?} was taken");
        }
        assert!(join(named(&"é".repeat(80))).is_ok());
    }

    #[test]
    fn candidates_are_counted_and_measured() {
        let with = |candidates| IceCandidates {
            generation: Generation(1),
            candidates,
        };
        assert_eq!(candidates(&with(vec!["c".to_owned(); 20])), Ok(()));
        let many = candidates(&with(vec!["c".to_owned(); 10_000])).expect_err("too many");
        assert_eq!(many.code, ErrorCode::TooManyCandidates);
        assert!(candidates(&with(vec!["c".repeat(1_025)])).is_err());
    }

    #[test]
    fn a_preference_orders_the_policy_and_never_widens_it() {
        let policy = MediaPolicy {
            video_codecs: vec![VideoCodec::Vp8, VideoCodec::H264],
            ..MediaPolicy::default()
        };
        assert_eq!(codecs_for(&policy, None), policy.video_codecs);
        assert_eq!(
            codecs_for(&policy, Some(&[VideoCodec::Av1, VideoCodec::H264])),
            [VideoCodec::H264, VideoCodec::Vp8]
        );
    }
}
