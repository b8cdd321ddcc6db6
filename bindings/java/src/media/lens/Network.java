package media.lens;

/**
 * Carries a participant's signals to the website; implemented by the host.
 *
 * <p>Signalling is turned around: the library says what has to be carried, the host carries it, by
 * whatever means it has. What arrives for the participant goes to
 * {@link Participant#receive(String)}, in any order, also twice.
 */
public interface Network {
    /**
     * Carries a signal. Called on a {@code lens-callback} thread, one at a time, also where callbacks
     * of the observer go to an executor: it may wait for the network, but holds up the participant's
     * callbacks meanwhile.
     *
     * <p>When the host knows what became of the signal it calls {@link Participant#signalSent},
     * {@link Participant#signalFailed} or {@link Participant#signalRefused} with {@code id}, from any
     * thread, also from within this method. Trying again, with growing pauses, is the library's
     * work; a signal that nothing is reported of within
     * {@link ParticipantOptions#signalTimeoutMs(int)} counts as failed. So the same signal, with the
     * same id, may have to be carried more than once.
     *
     * @param id to be quoted in the report; the same in each try
     * @param attempt which try this is, from 1
     * @param kind what the signal says
     * @param json the signal: an object with {@code kind} and its fields, as the signalling protocol
     *     of Lens has it
     * @throws Exception taken for {@code signalFailed(id, true)}: it is tried again later. An
     *     {@link Error} ends the participant with {@link Code#HOST_PANICKED}
     */
    void send(long id, int attempt, SignalKind kind, String json) throws Exception;
}
