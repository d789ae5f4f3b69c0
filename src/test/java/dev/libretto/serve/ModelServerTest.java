package dev.libretto.serve;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.libretto.LibrettoException;
import dev.libretto.device.Devices;
import dev.libretto.run.RunDirectory;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.commons.io.FileUtils;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests as the network may bring them. */
@Timeout(60)
class ModelServerTest {
    private static final String COMPLETIONS = "/v1/completions";
    /** Writes for longer than any of these tests waits. */
    private static final String LONG = "{'prompt': '的', 'max_tokens': 1000000, 'seed': 1, 'logprobs': 5";

    private static final Limits LIMITS = limits(4, 8, Duration.ofSeconds(20));
    private static final Duration SHORT = Duration.ofMillis(700);

    @TempDir
    private static Path folder;

    private static Path run;
    private static TestServer server;

    @BeforeAll
    static void start() throws Exception {
        run = TestServer.train(folder.resolve("lyrics"), "--max-chars", "2000");
        server = TestServer.with(LIMITS, Optional.empty(), run);
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static TestServer impatient() throws IOException {
        return TestServer.with(limits(2, 1, SHORT), Optional.empty(), run);
    }

    private static Limits limits(int rows, int queue, Duration idle) {
        return new Limits(rows, queue, 1 << 16, 1000, 10_000_000, 1L << 40, 64, idle);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "GET | / | 200",
                "GET | /index.html | 200",
                "GET | /uPlot.min.css | 200",
                "GET | /healthz | 200",
                "GET | /metrics | 200",
                "GET | /v1/models | 200",
                "GET | /v1/models/lyrics | 200",
                "GET | /v1/models/plays | 404",
                "GET | /v1/completions | 405",
                "GET | /v2 | 404",
                "GET | /v1/ | 404",
                "GET | /package-info.class | 404",
                "GET | /a.js | 404",
                "GET | /page/index.html | 404",
                "POST | /healthz | 405",
                "POST | /v1/chat/completions | 404",
                "DELETE | /v1/models | 405",
                "TRACE | / | 405",
                "HEAD | /v1/models | 200",
                "HEAD | /v1/completions | 405",
                "OPTIONS | /v1/completions | 204",
                "OPTIONS | /v1/models | 204",
                "OPTIONS | /v2 | 204",
            })
    void everyAnswerHasItsStatusAndSecurityHeaders(String method, String path, int status) throws Exception {
        HttpResponse<String> response =
                server.send(HttpRequest.newBuilder(server.uri(path)).method(method, BodyPublishers.noBody()));
        assertThat(response.statusCode()).isEqualTo(status);
        assertSecure(response.headers().map().toString().toLowerCase(Locale.ROOT));
        if (status == 405) {
            assertThat(response.headers().firstValue("Allow").orElseThrow()).contains("OPTIONS");
        }
        if (status >= 400 && !method.equals("HEAD")) {
            assertThat(TestServer.json(response).at("/error/message").textValue())
                    .isNotEmpty();
        }
    }

    private static void assertSecure(String headers) {
        assertThat(headers)
                .contains("default-src 'self'", "frame-ancestors 'none'", "nosniff", "no-referrer", "cache-control")
                .doesNotContain("jetty", "server", "access-control");
    }

    @Test
    void pageIsKeptUntilItChanges() throws Exception {
        String etag = server.get("/").headers().firstValue("ETag").orElseThrow();
        HttpResponse<String> again =
                server.send(HttpRequest.newBuilder(server.uri("/")).header("If-None-Match", etag));
        assertThat(again.statusCode()).isEqualTo(304);
        assertThat(again.body()).isEmpty();
    }

    /** What URLs can name lies in the class path's folder of the page. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "/../libretto.properties",
                "/%2e%2e/libretto.properties",
                "/..%2flibretto.properties",
                "/..%5clibretto.properties",
                "/;/../libretto.properties",
                "//etc/passwd",
                "/.%00./x.html",
                "/v1/models/..%2f..%2fetc%2fpasswd",
                "/\u00ff\u00fe"
            })
    void nothingElseCanBeRead(String path) throws Exception {
        String answer = server.exchange(
                ("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").getBytes(ISO_8859_1));
        assertThat(answer).containsPattern("\\AHTTP/1.1 40[04] ").contains("\"error\"");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\r\n\r\n",
                "GET\r\n\r\n",
                "GET / HTTP/9.9\r\n\r\n",
                "GET / HTTP/1.1\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
                "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
                "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                        + "Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
                "GET / HTTP/1.1\r\nHost: localhost\r\nX y: z\r\n\r\n",
                "GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
                "GET /\u0001 HTTP/1.1\r\nHost: localhost\r\n\r\n",
                "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
                "\u0016\u0003\u0001\u0002"
            })
    void malformedHttpIsRefused(String bytes) throws Exception {
        try (TestServer impatient = impatient()) {
            String answer = impatient.exchange(bytes.getBytes(ISO_8859_1));
            if (!answer.isEmpty()) {
                assertThat(answer).containsPattern("\\AHTTP/1.1 (4\\d\\d|505) ");
                assertSecure(answer.substring(0, answer.indexOf("\r\n\r\n")).toLowerCase(Locale.ROOT));
            }
            assertThat(impatient.get("/healthz").body()).isEqualTo("ok\n");
            assertThat(impatient.log).isEmpty();
        }
    }

    @Test
    void randomBytesDoNoHarm() throws Exception {
        Random random = new Random(1);
        for (int i = 0; i < 50; i++) {
            byte[] bytes = new byte[random.nextInt(2000)];
            random.nextBytes(bytes);
            try (Socket socket = server.connect()) {
                socket.getOutputStream().write(bytes);
            } catch (IOException e) {
                // The server has closed the connection.
            }
        }
        assertThat(server.get("/healthz").body()).isEqualTo("ok\n");
        assertThat(server.log).isEmpty();
    }

    @Test
    void largeHeadersAndBodiesAreRefused() throws Exception {
        String header = server.exchange(
                ("GET / HTTP/1.1\r\nHost: localhost\r\nA: " + "a".repeat(20_000) + "\r\n\r\n").getBytes(UTF_8));
        assertThat(header).startsWith("HTTP/1.1 431 ");
        String uri = server.exchange(("GET /" + "a".repeat(20_000) + " HTTP/1.1\r\n\r\n").getBytes(UTF_8));
        assertThat(uri).startsWith("HTTP/1.1 414 ");
        String body = "{'prompt': '" + "a".repeat(1 << 16) + "'}";
        assertThat(server.post(COMPLETIONS, body).statusCode()).isEqualTo(413);
        // Of a chunked body the length is not known before.
        HttpRequest.Builder chunked = HttpRequest.newBuilder(server.uri(COMPLETIONS))
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body.getBytes(UTF_8))));
        assertThat(server.send(chunked).statusCode()).isEqualTo(413);
        JsonNode error = TestServer.json(server.post(COMPLETIONS, "{'prompt': '" + "的".repeat(1001) + "'}"));
        assertThat(error.at("/error/message").textValue())
                .isEqualTo("prompt has 1,001 characters, but this server reads at most 1,000; shorten it");
    }

    /** Sixteen large bodies fit, of which the server waits for the last byte. */
    @Test
    void bodiesAreLimitedTogether() throws Exception {
        try (TestServer small = TestServer.with(LIMITS, Optional.empty(), run)) {
            String large = TestServer.rawRequest(COMPLETIONS, " ".repeat(LIMITS.bodyBytes()));
            List<Socket> sockets = new ArrayList<>();
            HttpResponse<String> refused = small.post(COMPLETIONS, "{'prompt': '的'}");
            // The server reads at its leisure, and a large body may be refused because of a small one.
            while (refused.statusCode() == 200) {
                Socket socket = small.connect();
                sockets.add(socket);
                try {
                    socket.getOutputStream()
                            .write(large.substring(0, large.length() - 1).getBytes(UTF_8));
                } catch (IOException e) {
                    // The server has refused it, and closed the connection.
                }
                refused = small.post(COMPLETIONS, "{'prompt': '的'}");
            }
            assertThat(sockets).hasSizeGreaterThanOrEqualTo(16);
            assertThat(refused.statusCode()).isEqualTo(429);
            assertThat(refused.headers().firstValue("Retry-After")).hasValue("1");
            assertThat(TestServer.json(refused).at("/error/code").textValue()).isEqualTo("bodies_full");
            for (Socket socket : sockets) {
                socket.close();
            }
            while (small.post(COMPLETIONS, "{'prompt': '的'}").statusCode() != 200) {
                Thread.sleep(10);
            }
            assertThat(small.log).isEmpty();
        }
    }

    /** Its answer is complete, and nobody reads it. */
    @Test
    void answersAreLimitedTogether() throws Exception {
        String large = "{'prompt': '的', 'max_tokens': 2000, 'logprobs': 100}";
        long bytes = 2000L * 101 * CompletionRequest.HELD_BYTES;
        // A text of 20,000 characters can be inspected alone.
        String inspected = "{'text': '" + "的".repeat(20_000) + "'}";
        Limits limits = new Limits(4, 8, 1 << 16, 20_000, 20_000, bytes + 100_000, 64, Duration.ofSeconds(20));
        try (TestServer small = TestServer.with(limits, Optional.empty(), run)) {
            try (Socket slow = new Socket()) {
                slow.setReceiveBufferSize(1024);
                slow.connect(new InetSocketAddress(
                        "127.0.0.1", small.server.address().port()));
                slow.getOutputStream()
                        .write(TestServer.rawRequest(COMPLETIONS, large).getBytes(UTF_8));
                small.awaitMetric("libretto_characters_written_total", 2000);
                small.awaitMetric("libretto_rows_busy", 0);
                for (HttpResponse<String> refused : List.of(
                        small.post(COMPLETIONS, large),
                        small.post("/v1/score", "{'input': '" + "的".repeat(9_000) + "'}"),
                        small.post("/v1/inspect", inspected))) {
                    assertThat(refused.statusCode()).isEqualTo(429);
                    assertThat(refused.headers().firstValue("Retry-After")).hasValue("1");
                    assertThat(TestServer.json(refused).at("/error/code").textValue())
                            .isEqualTo("answers_full");
                }
                // A stream is kept only until it is sent, and there is always room for small answers.
                assertThat(small.post(COMPLETIONS, large.replace("}", ", 'stream': true}"))
                                .statusCode())
                        .isEqualTo(200);
                assertThat(small.post(COMPLETIONS, "{'prompt': '的', 'max_tokens': 500}")
                                .statusCode())
                        .isEqualTo(200);
            }
            while (small.post("/v1/inspect", inspected).statusCode() != 200) {
                Thread.sleep(10);
            }
            // Neither the refused requests nor those that were answered hold anything.
            assertThat(small.post(COMPLETIONS, large).statusCode()).isEqualTo(200);
            assertThat(small.log).isEmpty();
        }
    }

    @Test
    void longTextIsNotInspected() throws Exception {
        Limits limits = new Limits(1, 1, 1 << 20, 1000, 1000, 1 << 30, 64, Duration.ofSeconds(20));
        try (TestServer large = TestServer.with(limits, Optional.empty(), run)) {
            HttpResponse<String> response = large.post("/v1/inspect", "{'text': '" + "的".repeat(100_001) + "'}");
            assertThat(response.statusCode()).isEqualTo(400);
            assertThat(TestServer.json(response).at("/error/message").textValue())
                    .isEqualTo("text has 100,001 characters, but this server reads at most 100,000; shorten it");
        }
    }

    @Test
    void onlyJsonIsAccepted() throws Exception {
        HttpResponse<String> form = server.send(HttpRequest.newBuilder(server.uri(COMPLETIONS))
                .header("Content-Type", "text/plain")
                .POST(BodyPublishers.ofString("{\"prompt\": \"的\"}")));
        assertThat(form.statusCode()).isEqualTo(415);
    }

    /** The name of another site may lead here in a browser: DNS rebinding. */
    @Test
    void otherHostNamesAreRefused() throws Exception {
        for (String host : List.of("evil.example", "evil.example:80", "127.0.0.1.evil.example", "10.0.0.1")) {
            assertThat(get("/v1/models", host)).as(host).startsWith("HTTP/1.1 403 ");
        }
        for (String host : List.of("localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:8080")) {
            assertThat(get("/v1/models", host)).as(host).startsWith("HTTP/1.1 200 ");
        }
    }

    private static String get(String path, String host) throws IOException {
        return server.exchange(
                ("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n").getBytes(UTF_8));
    }

    @Test
    void keyIsRequired() throws Exception {
        try (TestServer guarded =
                TestServer.with(TestServer.LIMITS, Optional.of(ApiKeys.of(List.of("secret", "other"))), run)) {
            for (String header : List.of("", "Bearer", "Bearer secre", "Bearer secret2", "Basic secret", "secret")) {
                HttpRequest.Builder request = guarded.request(COMPLETIONS, "{'prompt': '的'}");
                HttpResponse<String> response =
                        guarded.send(header.isEmpty() ? request : request.header("Authorization", header));
                assertThat(response.statusCode()).as(header).isEqualTo(401);
                assertThat(response.headers().firstValue("WWW-Authenticate")).hasValue("Bearer");
                assertThat(response.body()).contains("invalid_api_key").doesNotContain("secre2");
            }
            assertThat(guarded.get("/metrics").statusCode()).isEqualTo(401);
            assertThat(guarded.get("/v1/models").statusCode()).isEqualTo(401);
            assertThat(guarded.get("/healthz").statusCode()).isEqualTo(200);
            assertThat(guarded.get("/").statusCode()).isEqualTo(200);
            for (String key : List.of("secret", "other")) {
                assertThat(guarded.send(guarded.request(COMPLETIONS, "{'prompt': '的'}")
                                        .header("Authorization", "Bearer " + key))
                                .statusCode())
                        .isEqualTo(200);
            }
        }
    }

    /** A proxy may pass the name on by which it was called. */
    @Test
    void keyAllowsOtherHostNames() throws Exception {
        try (TestServer guarded = TestServer.with(LIMITS, Optional.of(ApiKeys.of(List.of("secret"))), run)) {
            assertThat(guarded.exchange(("GET /v1/models HTTP/1.1\r\nHost: models.example\r\n"
                                    + "Authorization: Bearer secret\r\nConnection: close\r\n\r\n")
                            .getBytes(UTF_8)))
                    .startsWith("HTTP/1.1 200 ");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"}", ", 'stream': true}"})
    void closedConnectionFreesItsRows(String end) throws Exception {
        String gone = "libretto_requests_total{path=\"/v1/completions\",status=\"499\"}";
        double goneBefore = server.metric(gone);
        double before = server.metric("libretto_cancelled_total");
        try (Socket socket = server.connect()) {
            socket.getOutputStream()
                    .write(TestServer.rawRequest(COMPLETIONS, LONG + ", 'temperature': 1.5" + end)
                            .getBytes(UTF_8));
            server.awaitMetric("libretto_rows_busy", 1);
        }
        server.awaitMetric("libretto_rows_busy", 0);
        assertThat(server.metric("libretto_cancelled_total")).isEqualTo(before + 1);
        if (end.equals("}")) {
            server.awaitMetric(gone, goneBefore + 1);
        }
    }

    /** Each computes for longer than the test waits, or has a status that tells. */
    @ParameterizedTest
    @CsvSource({
        "/v1/score, input, 1000000, libretto_cancelled_total, ''",
        "/v1/inspect, text, 100000, libretto_requests_total, '{path=\"/v1/inspect\",status=\"499\"}'"
    })
    void closedConnectionEndsReading(String path, String field, int length, String metric, String labels)
            throws Exception {
        Limits limits = new Limits(1, 1, 1 << 22, 1_000_000, 1000, 1 << 30, 64, Duration.ofSeconds(20));
        try (TestServer large = TestServer.with(limits, Optional.empty(), run)) {
            try (Socket socket = large.connect()) {
                socket.getOutputStream()
                        .write(TestServer.rawRequest(path, "{'" + field + "': '" + "的".repeat(length) + "'}")
                                .getBytes(UTF_8));
            }
            large.awaitMetric(metric + labels, 1);
            large.awaitMetric("libretto_rows_busy", 0);
            assertThat(large.metric("libretto_characters_read_total")).isLessThan(length);
            assertThat(large.log).isEmpty();
        }
    }

    @Test
    void slowClientIsCutOff() throws Exception {
        try (TestServer impatient = impatient();
                Socket socket = new Socket()) {
            socket.setReceiveBufferSize(1024);
            socket.connect(new InetSocketAddress(
                    "127.0.0.1", impatient.server.address().port()));
            socket.getOutputStream()
                    .write(TestServer.rawRequest(
                                    COMPLETIONS,
                                    "{'prompt': '的', 'max_tokens': 50000, 'logprobs': 100, 'stream': true}")
                            .getBytes(UTF_8));
            impatient.awaitMetric("libretto_cancelled_total", 1);
            impatient.awaitMetric("libretto_rows_busy", 0);
        }
    }

    /**
     * It accepts less than is asked for, but often enough for Jetty, of an answer that is streamed and of one that is complete. The
     * answer is short, because the more of it waits, the more time the client has.
     */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void clientThatAcceptsAnAnswerBitByBitIsCutOff(boolean isStream) throws Exception {
        String cancelled = "libretto_cancelled_total{reason=\"slow_client\"}";
        try (TestServer impatient = impatient();
                Socket socket = new Socket()) {
            socket.setReceiveBufferSize(1 << 15);
            socket.connect(new InetSocketAddress(
                    "127.0.0.1", impatient.server.address().port()));
            socket.getOutputStream()
                    .write(TestServer.rawRequest(
                                    COMPLETIONS,
                                    "{'prompt': '的', 'max_tokens': 1500, 'logprobs': 100, 'stream': " + isStream + "}")
                            .getBytes(UTF_8));
            while (impatient.metric(cancelled) == 0) {
                socket.getInputStream().readNBytes(60_000);
                Thread.sleep(SHORT.toMillis() / 3);
            }
            impatient.awaitMetric("libretto_rows_busy", 0);
            assertThat(impatient.log).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "GET / HTTP/1.1\r\nHost: lo",
                "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2000\r\n\r\n{",
                // Answered before the body has arrived.
                "GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000\r\n\r\n{",
                "POST /v1/score HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000\r\n\r\n{",
                "PUT /v2 HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n{"
            })
    void slowRequestIsCutOff(String beginning) throws Exception {
        try (TestServer impatient = impatient();
                Socket socket = impatient.connect()) {
            socket.getOutputStream().write(beginning.getBytes(UTF_8));
            CompletableFuture<String> answer = CompletableFuture.supplyAsync(() -> rest(socket));
            while (!answer.isDone()) {
                try {
                    socket.getOutputStream().write(beginning.isEmpty() ? '\r' : ' ');
                } catch (IOException e) {
                    break;
                }
                Thread.sleep(SHORT.toMillis() / 10);
            }
            if (beginning.contains("application/json")) {
                assertThat(answer.get(10, TimeUnit.SECONDS)).startsWith("HTTP/1.1 408 ");
            }
        }
    }

    @Test
    void idleConnectionIsReusedForAnotherRequest() throws Exception {
        String request = TestServer.rawRequest(COMPLETIONS, "{'prompt': '的', 'max_tokens': 3, 'seed': 1}");
        try (Socket socket = server.connect()) {
            BufferedReader reader = new BufferedReader(new InputStreamReader(socket.getInputStream(), UTF_8));
            List<String> answers = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                socket.getOutputStream().write(request.getBytes(UTF_8));
                int length = 0;
                for (String line = reader.readLine(); !line.isEmpty(); line = reader.readLine()) {
                    if (line.startsWith("Content-Length: ")) {
                        length = Integer.parseInt(line.substring("Content-Length: ".length()));
                    }
                }
                StringBuilder body = new StringBuilder();
                for (int bytes = 0; bytes < length; ) {
                    char next = (char) reader.read();
                    body.append(next);
                    bytes += Character.toString(next).getBytes(UTF_8).length;
                }
                answers.add(
                        TestServer.json(body.toString()).at("/choices/0/text").textValue());
            }
            assertThat(answers).hasSize(20).containsOnly(answers.get(0));
        }
    }

    /** The answer is complete; the second request's bytes were read to notice a closed connection. */
    @Test
    void connectionWithAnEarlySecondRequestIsClosed() throws Exception {
        String request = TestServer.rawRequest(
                COMPLETIONS, "{'prompt': '的', 'max_tokens': 20000, 'seed': 1, 'temperature': 1.1, 'stream': true}");
        try (Socket socket = server.connect()) {
            socket.getOutputStream().write(request.getBytes(UTF_8));
            assertThat(socket.getInputStream().read()).isEqualTo('H');
            socket.getOutputStream().write(request.getBytes(UTF_8));
            String answer = new String(socket.getInputStream().readAllBytes(), UTF_8);
            assertThat(answer)
                    .startsWith("TTP/1.1 200 ")
                    .endsWith("\r\n0\r\n\r\n")
                    .containsOnlyOnce("data: [DONE]")
                    .doesNotContain("HTTP/1.1");
        }
    }

    @Test
    void fullQueueIsAnsweredWithRetryAfter() throws Exception {
        try (TestServer small = impatient()) {
            List<Socket> sockets = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                Socket socket = small.connect();
                sockets.add(socket);
                socket.getOutputStream()
                        .write(TestServer.rawRequest(COMPLETIONS, LONG + "}").getBytes(UTF_8));
                small.awaitMetric("libretto_rows_busy", Math.min(i + 1, 2));
            }
            small.awaitMetric("libretto_queue_length", 1);
            HttpResponse<String> response = small.post(COMPLETIONS, "{'prompt': '的'}");
            assertThat(response.statusCode()).isEqualTo(429);
            assertThat(response.headers().firstValue("Retry-After")).hasValue("1");
            assertThat(TestServer.json(response).at("/error/type").textValue()).isEqualTo("rate_limit_error");
            for (Socket socket : sockets) {
                socket.close();
            }
            small.awaitMetric("libretto_rows_busy", 0);
            assertThat(small.post(COMPLETIONS, "{'prompt': '的'}").statusCode()).isEqualTo(200);
        }
    }

    @Test
    void runningAnswerIsCompletedWhenTheServerEnds() throws Exception {
        try (TestServer ending = TestServer.with(LIMITS, Optional.empty(), run);
                Socket socket = ending.connect();
                Socket idle = ending.connect()) {
            socket.getOutputStream()
                    .write(TestServer.rawRequest(
                                    COMPLETIONS, "{'prompt': '的', 'max_tokens': 3000, 'stream': true, 'logprobs': 0}")
                            .getBytes(UTF_8));
            assertThat(socket.getInputStream().read()).isEqualTo('H');
            CompletableFuture<String> answer = CompletableFuture.supplyAsync(() -> rest(socket));
            ending.server.drain(Duration.ofSeconds(50));
            assertThatThrownBy(ending::connect).isInstanceOf(ConnectException.class);
            idle.getOutputStream().write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".getBytes(UTF_8));
            assertThat(new String(idle.getInputStream().readAllBytes(), UTF_8)).startsWith("HTTP/1.1 503 ");
            ending.server.close();
            assertThat(answer.join()).contains("data: [DONE]");
        }
    }

    /** Returns what a socket still receives, until it is closed or reset. */
    private static String rest(Socket socket) {
        ByteArrayOutputStream read = new ByteArrayOutputStream();
        try {
            socket.getInputStream().transferTo(read);
        } catch (IOException e) {
            // The connection was reset.
        }
        return read.toString(UTF_8);
    }

    @Test
    void clientIsToldIfItsAnswerIsCutOffByTheEnd() throws Exception {
        try (TestServer ending = TestServer.with(LIMITS, Optional.empty(), run);
                Socket socket = ending.connect()) {
            socket.getOutputStream()
                    .write(TestServer.rawRequest(COMPLETIONS, LONG + ", 'temperature': 1.2}")
                            .getBytes(UTF_8));
            ending.awaitMetric("libretto_rows_busy", 1);
            ending.server.drain(Duration.ZERO);
            ending.server.close();
            assertThat(new String(socket.getInputStream().readAllBytes(), UTF_8))
                    .startsWith("HTTP/1.1 503 ")
                    .contains("shutting_down");
        }
    }

    @Test
    void portInUseIsOneLine() {
        assertThatThrownBy(() -> ModelServer.start(
                        List.of(run),
                        RunDirectory.Which.LAST,
                        Devices.Choice.CPU,
                        new ServeConfig(
                                Optional.of(folder),
                                server.server.address(),
                                Optional.empty(),
                                TestServer.LIMITS,
                                0,
                                false),
                        line -> {}))
                .isInstanceOf(LibrettoException.class)
                .hasMessage("cannot listen on " + server.server.address()
                        + ": Address already in use; use another port, such as 0 for a free one");
    }

    @Test
    void runsOfTheSameNameAreRefused(@TempDir Path other) throws IOException {
        FileUtils.copyDirectory(run.toFile(), other.resolve("lyrics").toFile());
        assertThatThrownBy(() -> TestServer.of(run, other.resolve("lyrics")))
                .isInstanceOf(LibrettoException.class)
                .hasMessage("two runs have the name lyrics, " + run + " and " + other.resolve("lyrics")
                        + "; rename one, because requests choose a model by its name");
    }

    @Test
    void metricsCountWhatHappened() throws Exception {
        double written = server.metric("libretto_characters_written_total");
        double requests = server.metric("libretto_requests_total");
        server.answer(COMPLETIONS, "{'prompt': '的', 'n': 2, 'max_tokens': 5, 'temperature': 1}");
        assertThat(server.metric("libretto_characters_written_total")).isEqualTo(written + 10);
        // Those of /metrics itself are counted, too.
        assertThat(server.metric("libretto_requests_total")).isGreaterThanOrEqualTo(requests + 2);
        assertThat(server.get("/metrics").body())
                .contains("libretto_requests_total{path=\"/v1/completions\",status=\"200\"}")
                .contains("libretto_first_character_seconds_bucket{model=\"lyrics\",le=\"+Inf\"}")
                .contains("# TYPE libretto_request_duration_seconds histogram");
    }
}
