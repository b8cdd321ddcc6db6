//! A session's frames: given out when due and never twice, sent within what the way carries.

use std::time::Instant;

use super::generations::index;
use super::session::Session;
use super::{Event, OwnedFrame};
use crate::frame::{Codec, MediaKind};

impl Session {
    /// Gives out the frames whose time has come: the former generation's while the new one does
    /// not flow, and none twice.
    pub(super) fn give_frames(&mut self) {
        let now = self.now;
        let clock_us = u64::try_from((now - self.start).as_micros()).unwrap_or(u64::MAX);
        let flows = self
            .generations
            .current
            .as_ref()
            .map_or([false; 2], |it| it.flows);
        let mut given = Vec::new();
        let former = self.generations.former.iter_mut().map(|(it, _)| (it, true));
        let current = self.generations.current.iter_mut().map(|it| (it, false));
        for (connection, is_former) in former.chain(current) {
            self.stats.keyframe_requests_sent += connection.request_keyframes(now);
            while let Some((track, due)) = connection.poll_frame(now, clock_us, &mut self.stats) {
                let kind = index(track.kind);
                let from = (connection.id, connection.since);
                if is_former && flows[kind] || !self.shown.is_new(now, from, &due.arrived.data) {
                    self.stats.frames_dropped_late += 1;
                    continue;
                }
                connection.flows[kind] = true;
                given.push((track, due));
            }
        }
        for (track, due) in given {
            let arrived = due.arrived;
            self.note_received(
                now,
                track.kind,
                &arrived.data,
                arrived.keyframe,
                arrived.codec,
            );
            let frame = OwnedFrame {
                codec: arrived.codec,
                pts_us: due.pts_us,
                keyframe: arrived.keyframe,
                rotation: arrived.rotation,
                after_gap: due.after_gap,
                data: arrived.data,
            };
            self.tell(Event::Frame(track, frame));
        }
    }

    pub(super) fn note_received(
        &mut self,
        now: Instant,
        kind: MediaKind,
        data: &[u8],
        keyframe: bool,
        codec: Codec,
    ) {
        self.stats.frames_delivered += 1;
        self.received.note(now, data.len());
        if kind == MediaKind::Video {
            self.pictures.note(now, data.len());
            self.note_size(data, keyframe, codec);
        }
    }

    pub(super) fn note_size(&mut self, data: &[u8], keyframe: bool, codec: Codec) {
        self.stats.codec = Some(codec);
        if keyframe && let Some((width, height)) = super::vp8_size(codec, data) {
            self.stats.width = Some(width);
            self.stats.height = Some(height);
        }
    }

    pub(super) fn send(&mut self, frame: &OwnedFrame) {
        let kind = frame.codec.kind();
        let now = self.now;
        let withheld = self.muted[index(kind)] || self.capture_stopped;
        let sent = match &mut self.generations.current {
            Some(connection) if !withheld => connection.send(now, frame),
            _ => false,
        };
        if !sent {
            if let Some(connection) = self.generations.current.as_mut().filter(|_| withheld)
                && kind == MediaKind::Video
            {
                connection
                    .video_up
                    .iter_mut()
                    .for_each(|lane| lane.broken = true);
            }
            self.stats.frames_dropped_sending += 1;
            return;
        }
        self.stats.frames_sent += 1;
        self.sent.note(now, frame.data.len());
        if kind == MediaKind::Video {
            self.pictures.note(now, frame.data.len());
            self.note_size(&frame.data, frame.keyframe, frame.codec);
        }
    }

    pub(super) fn frame_lost(&mut self, kind: MediaKind) {
        self.stats.frames_dropped_sending += 1;
        if let Some(connection) = &mut self.generations.current
            && kind == MediaKind::Video
        {
            connection.break_chain(self.now);
        }
    }

    pub(super) fn mute(&mut self, kind: MediaKind, muted: bool) {
        let was = std::mem::replace(&mut self.muted[index(kind)], muted);
        if let Some(connection) = &mut self.generations.current
            && kind == MediaKind::Video
            && was
            && !muted
        {
            connection.break_chain(self.now);
        }
    }

    /// Bitrate, keyframes and messages of what sends.
    pub(super) fn look_after_sending(&mut self) {
        let now = self.now;
        let mut events = Vec::new();
        if let Some(connection) = self
            .generations
            .current
            .as_mut()
            .filter(|it| it.is_healthy())
        {
            self.stats.messages_sent += connection.write_messages(now, &mut self.talk);
            if connection.video_up.is_some() {
                if let Some((target_bps, max_fps)) = connection.uplink.poll() {
                    events.push(Event::Bitrate {
                        target_bps,
                        max_fps,
                    });
                }
                if connection.poll_keyframe_for_sending(now) {
                    events.push(Event::KeyframeRequest);
                }
            }
        }
        events.into_iter().for_each(|event| self.tell(event));
    }
}
