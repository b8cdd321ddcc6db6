package media.lens;

import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * What a participant tells its host. Every method has a default that does nothing.
 *
 * <p>Calls come one at a time and in order, on a {@code lens-callback} thread or the host's
 * {@linkplain EngineOptions#callbackExecutor executor}, and never from within a call of the host's.
 * A slow observer delays its own participant only: frames that wait too long are dropped, oldest
 * first, and counted; messages are not, and an observer that lets thousands of them pile up ends its
 * participant with {@link Code#HOST_TOO_SLOW}. An observer that throws ends its participant with
 * {@link Code#HOST_PANICKED}, after {@link #onHostError}.
 *
 * <p>After {@link Participant#close()} has returned nothing is called any more. An observer that
 * keeps its participant keeps it from being collected until it is closed.
 */
public interface ParticipantObserver {
    /**
     * The state changed. Nothing comes after one that {@linkplain State#isOver() is over} but
     * {@link #onDestroyed}. A state that the host brought about by {@code close()} is not told.
     *
     * @param state the new one
     * @param failure why, for {@link State#FAILED}; else null
     */
    default void onState(State state, Code failure) {}

    /**
     * A new generation has taken over.
     *
     * @param generation counts from 1
     */
    default void onGeneration(int generation) {}

    /**
     * Who takes part now.
     *
     * @param participants all of them, ourselves included; cannot be changed
     */
    default void onRoster(List<RosterEntry> participants) {}

    /**
     * Somebody is in a slot, and can be seen or heard.
     *
     * @param track which slot, whose
     */
    default void onTrack(Track track) {}

    /**
     * They are gone from their slot.
     *
     * @param track as told by {@link #onTrack}
     */
    default void onTrackEnd(Track track) {}

    /**
     * A frame, due to be decoded and shown now.
     *
     * @param track where it comes from
     * @param frame its bytes may be read until this returns; the next frame overwrites them
     */
    default void onFrame(Track track, EncodedFrame frame) {}

    /**
     * What the encoder may produce. Told when it changes noticeably.
     *
     * @param targetBps most bits per second of video
     * @param maxFps most pictures a second
     */
    default void onBitrate(int targetBps, int maxFps) {}

    /** Somebody cannot go on without a keyframe: let the encoder make one now. */
    default void onKeyframeRequest() {}

    /**
     * Without connection for 60 s, capture has to stop: nobody films for nobody unknowingly. Frames
     * are refused until {@link Participant#resumeCapture()}.
     */
    default void onCaptureStopped() {}

    /**
     * This participant hears what is said from now on, and what they say is heard here. Told for
     * each of the others, and again after either side had a new connection. What is said before
     * reaches only those who hear already: chat, commands and drawings are kept by nobody.
     *
     * @param participant who
     */
    default void onTalkReady(String participant) {}

    /**
     * A line of talk.
     *
     * @param chat what was said, by whom
     */
    default void onChat(Chat chat) {}

    /**
     * A viewer asks for something. Answer it, in your own time, with
     * {@link Participant#replyCommand}; the customer may refuse.
     *
     * @param request for what, by whom
     */
    default void onCommand(CommandRequest request) {}

    /**
     * What became of a command of ours.
     *
     * @param id as {@link Participant#sendCommand} returned it
     * @param outcome what became of it
     */
    default void onCommandReply(long id, CommandOutcome outcome) {}

    /**
     * Somebody draws on the picture.
     *
     * @param from whose drawing
     * @param annotation what is drawn, and where
     */
    default void onAnnotation(String from, Annotation annotation) {}

    /**
     * Somebody takes one drawing of theirs away, or all of them.
     *
     * @param from whose
     * @param id which drawing; null for all
     */
    default void onAnnotationClear(String from, Long id) {}

    /**
     * Key agreement, from another participant.
     *
     * @param from whose
     * @param payload opaque text
     */
    default void onKeyMessage(String from, String payload) {}

    /**
     * A callback of this observer, a {@linkplain ParticipantOptions#receiverTransform transform}, or
     * the network threw. A {@link RuntimeException} of the network's is taken for a signal that
     * failed; anything else told here has ended this participant, and no other. A checked exception
     * of the network's is not told: it is what a network that is away looks like.
     *
     * <p>The default logs it as {@code SEVERE} to the logger {@code media.lens}. What this method
     * itself throws goes to the thread's {@link Thread.UncaughtExceptionHandler}.
     *
     * @param thrown what was thrown
     */
    default void onHostError(Throwable thrown) {
        Logger.getLogger("media.lens").log(Level.SEVERE, "a callback of the host threw", thrown);
    }

    /**
     * The library has let this observer and its network go: nothing is called after this. Comes
     * once for each participant that was created, before {@link Participant#close()} returns (unless
     * that was called from a callback), on whichever thread ends it.
     */
    default void onDestroyed() {}
}
