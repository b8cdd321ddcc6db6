/**
 * MediaSDK of Lens: take part in a conference, as its camera or as a viewer.
 *
 * <p>A thin library that hides WebRTC and shows what is meaningful to peers. Encoded frames go in
 * and come out; signalling is the host's ({@link media.lens.Network}). Start with
 * {@link media.lens.LensEngine}, then {@link media.lens.Participant} and
 * {@link media.lens.ParticipantObserver}. {@code docs/JAVA-API.md} gets you to a first frame.
 *
 * <h2>Threads</h2>
 *
 * <p>All methods may be called from any thread; none blocks on the network, none calls back on its
 * caller's stack but for a {@linkplain media.lens.ParticipantOptions#senderTransform sender's
 * transform} and {@link media.lens.ParticipantObserver#onDestroyed}. Callbacks of one participant come one at a time and in order, on daemon threads
 * {@code lens-callback} that the engine makes, or on an
 * {@linkplain media.lens.EngineOptions#callbackExecutor executor} of the host's.
 *
 * <h2>Errors</h2>
 *
 * <p>{@link media.lens.LensException} carries a stable {@link media.lens.Code}. Misuse is thrown
 * unchecked: {@link IllegalStateException} after {@code close()},
 * {@link IllegalArgumentException} for an argument outside its range, {@link NullPointerException}
 * for null where it is not allowed.
 *
 * <p>The classes need Java 8, no other library, and no {@code android.*}; the native library
 * {@code lens_media_jni} has to lie on {@code java.library.path}, in the APK, or at the path of the
 * system property {@code lens.media.library}.
 */
package media.lens;
