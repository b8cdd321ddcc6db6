import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import media.lens.Code;
import media.lens.Codec;
import media.lens.EncodedFrame;
import media.lens.LensEngine;
import media.lens.Network;
import media.lens.Participant;
import media.lens.ParticipantObserver;
import media.lens.ParticipantOptions;
import media.lens.Role;
import media.lens.SignalKind;
import media.lens.State;
import media.lens.Track;

/** A camera and a viewer in one conference, signalled over the HTTP API, to the first frame. */
public final class FirstFrame {
    private final HttpClient http;
    private final String server;
    private final String key;

    private FirstFrame(String server, String key, SSLContext trusting) {
        this.server = server;
        this.key = key;
        http = HttpClient.newBuilder().sslContext(trusting).build();
    }

    public static void main(String[] arguments) throws Exception {
        String server = System.getenv("LENS_SERVER");
        SSLContext trusting = trusting(Path.of(System.getenv("LENS_CERTIFICATE")));
        new FirstFrame(server, System.getenv("LENS_API_KEY"), trusting).run();
    }

    private void run() throws Exception {
        String conference = "/v1/conferences/" + field(call("POST", "/v1/conferences", "{}"), "id");
        CompletableFuture<String> firstFrame = new CompletableFuture<>();
        try (LensEngine engine = LensEngine.create();
                Peer camera = new Peer(engine, Role.CAMERA, conference);
                Peer viewer = new Peer(engine, Role.VIEWER, conference)) {
            viewer.onFrame =
                    (track, frame) ->
                            firstFrame.complete(
                                    frame.codec() + ", " + frame.data().remaining() + " bytes");
            camera.join();
            viewer.join();
            for (int number = 0; !firstFrame.isDone(); number++) {
                boolean keyframe = number == 0 || camera.keyframeWanted;
                camera.keyframeWanted = false;
                ByteBuffer picture = picture(keyframe);
                // Without a connection it is dropped and counted; that is no error.
                camera.participant.pushFrame(Codec.VP8, picture, number * 33_000L, keyframe);
                Thread.sleep(33);
            }
            System.out.println("first frame: " + firstFrame.get(30, TimeUnit.SECONDS));
        }
        call("DELETE", conference, null);
    }

    /** One endpoint, and how its signals travel. */
    private final class Peer implements Network, ParticipantObserver, AutoCloseable {
        private final Role role;
        private final String conference;
        private final Participant participant;
        private volatile String path;
        volatile boolean keyframeWanted;
        volatile BiConsumer<Track, EncodedFrame> onFrame = (track, frame) -> {};

        Peer(LensEngine engine, Role role, String conference) throws Exception {
            this.role = role;
            this.conference = conference;
            participant = engine.createParticipant(new ParticipantOptions(role), this, this);
        }

        void join() throws Exception {
            String body = "{\"role\":\"" + role.name().toLowerCase() + "\",\"display_name\":\"Java\"}";
            String offer = call("POST", conference + "/participants", body);
            path = conference + "/participants/" + field(offer, "participant");
            participant.receive(offer);
        }

        @Override
        public void send(long id, int attempt, SignalKind kind, String json) throws Exception {
            switch (kind) {
                case ANSWER:
                    call("PUT", path + "/answer", json);
                    break;
                case OFFER_REQUEST:
                    participant.receive(call("POST", path + "/offer", "{}"));
                    break;
                case BYE:
                    call("DELETE", path, null);
                    break;
                default: // This API carries nothing else; a signalling channel would.
            }
            participant.signalSent(id);
        }

        @Override
        public void onState(State state, Code failure) {
            System.out.println(role + ": " + state + (failure == null ? "" : ", " + failure));
        }

        @Override
        public void onKeyframeRequest() {
            keyframeWanted = true;
        }

        @Override
        public void onFrame(Track track, EncodedFrame frame) {
            onFrame.accept(track, frame);
        }

        @Override
        public void close() {
            participant.close();
        }
    }

    private String call(String method, String path, String body) throws Exception {
        HttpRequest.BodyPublisher content =
                body == null
                        ? HttpRequest.BodyPublishers.noBody()
                        : HttpRequest.BodyPublishers.ofString(body);
        HttpRequest request =
                HttpRequest.newBuilder(URI.create(server + path))
                        .header("Authorization", "Bearer " + key)
                        .header("Content-Type", "application/json")
                        .method(method, content)
                        .build();
        HttpResponse<String> answer = http.send(request, HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() >= 300) {
            throw new IOException(method + " " + path + ": " + answer.body());
        }
        return answer.body();
    }

    /** A text of a JSON object. Your program has a JSON library. */
    private static String field(String json, String name) {
        int start = json.indexOf("\"" + name + "\":\"") + name.length() + 4;
        return json.substring(start, json.indexOf('"', start));
    }

    /** Looks like VP8 to whoever carries it, 640 × 480. Your encoder's output goes here. */
    private static ByteBuffer picture(boolean keyframe) {
        byte[] head =
                keyframe
                        ? new byte[] {0x10, 2, 0, (byte) 0x9d, 1, 0x2a, (byte) 0x80, 2, (byte) 0xe0, 1}
                        : new byte[] {0x11, 2, 0};
        ByteBuffer picture = ByteBuffer.allocateDirect(1_000);
        picture.put(head).position(0);
        return picture;
    }

    /** Trusts the server's own certificate, as a fresh installation has one. */
    private static SSLContext trusting(Path certificate) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream pem = Files.newInputStream(certificate)) {
            CertificateFactory reader = CertificateFactory.getInstance("X.509");
            store.setCertificateEntry("lens", reader.generateCertificate(pem));
        }
        TrustManagerFactory trust =
                TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }
}
