package media.lens;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** The product, started from {@code LENS_BIN} with data of its own, and its HTTP API. */
final class Server implements AutoCloseable {
    private final Process process;
    private final Path data;
    private final String url;
    private final String key;
    private final HttpClient http;

    Server() throws Exception {
        data = Files.createTempDirectory("lens-java");
        process = lens("serve", "--ready-json", "--https", "127.0.0.1:0", "--media", "127.0.0.1:0",
                "--operator", "127.0.0.1:0", "--data-dir", data.resolve("d").toString());
        String ready = firstLine(process);
        String entrance = Offers.field(ready, "customer_url");
        url = entrance.substring(0, entrance.length() - 1);
        Process printed = lens("admin", "api-key", "add", "java", "--scope", "conferences:write",
                "--scope", "participants:write", "--data-dir", data.resolve("d").toString());
        key = keyIn(printed);
        http = HttpClient.newBuilder().sslContext(trusting(data.resolve("d/tls/certificate.pem"))).build();
    }

    private static Process lens(String... arguments) throws IOException {
        String binary = System.getenv("LENS_BIN");
        if (binary == null) {
            throw new IllegalStateException("LENS_BIN names no lens to be started");
        }
        List<String> command = new ArrayList<>(List.of(binary));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().keySet().removeIf(name -> name.startsWith("LENS_"));
        builder.environment().put("LENS_LOG", "warn");
        return builder.redirectError(ProcessBuilder.Redirect.INHERIT).start();
    }

    private static String firstLine(Process process) throws IOException {
        BufferedReader out = new BufferedReader(
                new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        return String.valueOf(out.readLine());
    }

    private static String keyIn(Process printed) throws IOException {
        String text = new String(printed.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        for (String word : text.split("\\s+")) {
            if (word.startsWith("lens_")) {
                return word;
            }
        }
        throw new IOException("no key was printed: " + text);
    }

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

    String call(String method, String path, String body) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url + path))
                .header("Authorization", "Bearer " + key)
                .header("Content-Type", "application/json")
                .method(method, HttpRequest.BodyPublishers.ofString(body))
                .build();
        HttpResponse<String> answer = http.send(request, HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() >= 300) {
            throw new IOException(method + " " + path + ": " + answer.body());
        }
        return answer.body();
    }

    @Override
    public void close() throws Exception {
        process.destroyForcibly().waitFor();
        try (Stream<Path> files = Files.walk(data)) {
            List<Path> all = files.collect(Collectors.toList());
            for (int at = all.size() - 1; at >= 0; at--) {
                Files.delete(all.get(at));
            }
        }
    }
}
