package dev.libretto.serve;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.libretto.cli.CliResult;
import dev.libretto.device.Devices.Choice;
import dev.libretto.device.HostAddress;
import dev.libretto.run.RunDirectory.Which;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Pattern;

/** A server in this process, and a client of it. */
final class TestServer implements AutoCloseable {
    static final Limits LIMITS = new Limits(4, 8, 1 << 16, 1000, 20_000, 1 << 30, 64, Duration.ofSeconds(20));

    private static final ObjectMapper JSON = new ObjectMapper();

    final List<String> log = new CopyOnWriteArrayList<>();
    final ModelServer server;
    private final HttpClient client = HttpClient.newHttpClient();

    private TestServer(List<Path> runs, ServeConfig config) throws IOException {
        server = ModelServer.start(runs, Which.LAST, Choice.CPU, config, log::add);
    }

    static TestServer of(Path... runs) throws IOException {
        return with(LIMITS, Optional.empty(), runs);
    }

    static TestServer with(Limits limits, Optional<ApiKeys> keys, Path... runs) throws IOException {
        return new TestServer(
                List.of(runs),
                new ServeConfig(
                        Optional.of(runs[0].resolveSibling("runs")),
                        new HostAddress("127.0.0.1", 0),
                        keys,
                        limits,
                        1 << 20,
                        false));
    }

    /** Trains a tiny model. */
    static Path train(Path run, String... options) {
        List<String> line = new ArrayList<>(List.of(
                "train",
                "--device",
                "cpu",
                "--hidden-size",
                "8",
                "--seq-length",
                "10",
                "--batch-size",
                "4",
                "--epochs",
                "1",
                "--length",
                "1",
                "--run",
                run.toString()));
        line.addAll(List.of(options));
        CliResult result = CliResult.of(run.resolveSibling("default"), line.toArray(String[]::new));
        if (result.exitCode() != 0) {
            throw new AssertionError(result.err());
        }
        return run;
    }

    URI uri(String path) {
        return URI.create("http://" + server.address() + path);
    }

    HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
        return client.send(request.build(), BodyHandlers.ofString(UTF_8));
    }

    HttpResponse<String> get(String path) throws Exception {
        return send(HttpRequest.newBuilder(uri(path)));
    }

    /** @param json with ' for " */
    HttpRequest.Builder request(String path, String json) {
        return HttpRequest.newBuilder(uri(path))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(json.replace('\'', '"')));
    }

    HttpResponse<String> post(String path, String json) throws Exception {
        return send(request(path, json));
    }

    /** Returns the answer to a request that succeeds. */
    JsonNode answer(String path, String json) throws Exception {
        HttpResponse<String> response = post(path, json);
        if (response.statusCode() != 200) {
            throw new AssertionError(response.body());
        }
        return json(response);
    }

    static JsonNode json(HttpResponse<String> response) throws IOException {
        return JSON.readTree(response.body());
    }

    static JsonNode json(String text) throws IOException {
        return JSON.readTree(text);
    }

    /** Returns the JSON of each event of a stream. */
    static List<JsonNode> events(String stream) throws IOException {
        List<JsonNode> events = new ArrayList<>();
        for (String line : stream.split("\n\n")) {
            if (!line.equals("data: [DONE]")) {
                events.add(json(line.substring("data: ".length())));
            }
        }
        return events;
    }

    /** Returns the sum of a metric's values. */
    double metric(String name) throws Exception {
        return Pattern.compile("(?m)^" + Pattern.quote(name) + "(?:[{,][^}]*})? (\\S+)$")
                .matcher(get("/metrics").body())
                .results()
                .mapToDouble(match -> Double.parseDouble(match.group(1)))
                .sum();
    }

    /** Waits until a metric has a value; a test's time limit ends it. */
    void awaitMetric(String name, double value) throws Exception {
        while (metric(name) != value) {
            Thread.sleep(10);
        }
    }

    Socket connect() throws IOException {
        return new Socket("127.0.0.1", server.address().port());
    }

    /** Sends bytes, and returns all that comes back until the server closes the connection. */
    String exchange(byte[] bytes) throws IOException {
        try (Socket socket = connect()) {
            socket.getOutputStream().write(bytes);
            socket.getOutputStream().flush();
            return new String(socket.getInputStream().readAllBytes(), UTF_8);
        }
    }

    /** @param json with ' for " */
    static String rawRequest(String path, String json) {
        String body = json.replace('\'', '"');
        return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
                + body.getBytes(UTF_8).length + "\r\n\r\n" + body;
    }

    @Override
    public void close() {
        server.close();
    }
}
