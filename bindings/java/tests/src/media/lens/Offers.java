package media.lens;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** Offers that a media server made once; it is gone, so that answering them connects to nobody. */
final class Offers {
    /** Somebody's id who is in no conference. */
    static final String SOMEBODY = "01a21a19-0000-7000-8000-000000000001";

    private static final String VIEWER_OFFER = read("viewer-offer.json");
    private static final String CAMERA_OFFER = read("camera-offer.json");
    /** Whose the viewer's offer is. */
    static final String VIEWER = field(VIEWER_OFFER, "participant");

    private Offers() {}

    static String viewer(int generation) {
        return at(VIEWER_OFFER, generation);
    }

    static String camera(int generation) {
        return at(CAMERA_OFFER, generation);
    }

    private static String at(String offer, int generation) {
        return offer.replace("\"generation\": 1", "\"generation\": " + generation);
    }

    /** A text field of a JSON object that has no other of this name before it. */
    static String field(String json, String name) {
        int at = json.indexOf('"' + name + '"');
        int start = json.indexOf('"', json.indexOf(':', at)) + 1;
        return json.substring(start, json.indexOf('"', start));
    }

    private static String read(String name) {
        try (InputStream file = Offers.class.getResourceAsStream(name)) {
            return new String(file.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
