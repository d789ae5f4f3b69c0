package dev.libretto.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.commons.io.FileUtils;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The server as a process, and clients that exist. */
class ServeIT {
    private static final Path NODE_CLIENT =
            Path.of("src/test/node/completions.mjs").toAbsolutePath();

    private static final HttpClient HTTP = HttpClient.newHttpClient();

    /** The characters of each greedy text. */
    private static final int LENGTH = 100;

    @TempDir
    private static Path folder;

    private Process server;
    private Path err;
    private String url;

    @BeforeAll
    static void train() {
        CliResult result = CliResult.of(
                folder,
                ("train --device cpu --hidden-size 8 --seq-length 10 --batch-size 4 --max-chars 2000 --epochs 1 --length 1 --run "
                                + folder.resolve("lyrics"))
                        .split(" "));
        assertThat(result.exitCode()).as(result.err()).isZero();
    }

    @AfterEach
    void killServer() {
        if (server != null) {
            server.destroyForcibly();
        }
    }

    /** The JVM opens all jars, but classes of the server's jars would cost other commands time. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "generate --prefix 分开 --length 5",
                "evaluate --corpus @/text",
                "inspect --text @/text --out @/page.html --overwrite"
            })
    void otherCommandsLoadNoClassOfTheServersJars(String command) throws Exception {
        Files.writeString(folder.resolve("text"), "分开分开");
        Path loaded = folder.resolve("loaded");
        List<String> java = List.of(Program.JAVA, "-Xlog:class+load:file=" + loaded, "-jar", Program.JAR.toString());
        List<String> words = List.of((command + " --device cpu --run @/lyrics")
                .replace("@", folder.toString())
                .split(" "));
        ProcessBuilder builder = new ProcessBuilder(Program.join(java, words));
        builder.environment().put("LC_ALL", "C.UTF-8");
        CliResult result = Program.run(builder);
        assertThat(result.exitCode()).as(result.err()).isZero();
        assertThat(Files.readAllLines(loaded))
                .anyMatch(line -> line.contains("/tensorflow-core-api-"))
                .noneMatch(line -> line.matches(".*/(jetty|prometheus|uplot|slf4j)-[^/]*\\.jar"));
    }

    /** Returns once the server listens or has ended. */
    private void start(String... options) throws Exception {
        err = Files.createTempFile(folder, "serve", ".err");
        Path out = Files.createTempFile(folder, "serve", ".out");
        // A process in the background would ignore SIGINT.
        List<String> line = List.of(
                "env",
                "--default-signal=INT,TERM",
                Program.LAUNCHER,
                "serve",
                "--run",
                folder + "/lyrics",
                "--device",
                "cpu");
        server = new ProcessBuilder(Program.join(line, List.of(options)))
                .redirectOutput(out.toFile())
                .redirectError(err.toFile())
                .start();
        while (server.isAlive() && !Files.readString(out).contains("\n")) {
            Thread.sleep(20);
        }
        url = Files.readString(out).replaceFirst("(?s).* at (\\S+)/\n.*", "$1");
    }

    private static CliResult run(String... line) throws Exception {
        return Program.run(new ProcessBuilder(line));
    }

    private CliResult curl(String json, String... more) throws Exception {
        return run(Program.join(
                        List.of(
                                "curl",
                                "-sSN",
                                url + "/v1/completions",
                                "-H",
                                "Content-Type: application/json",
                                "-d",
                                json),
                        List.of(more))
                .toArray(String[]::new));
    }

    private static boolean isInstalled(String program) throws InterruptedException {
        try {
            return new ProcessBuilder(program, "--version")
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start()
                            .waitFor()
                    == 0;
        } catch (IOException e) {
            return false;
        }
    }

    @Test
    void curlGetsCompletionsAndStreams() throws Exception {
        assumeTrue(isInstalled("curl"), "curl is not installed");
        start("--listen", "127.0.0.1:0");
        while (!Files.readString(err).contains("try: curl " + url)) {
            Thread.sleep(20);
        }
        String json = "{\"prompt\": \"的\", \"max_tokens\": 20, \"seed\": 1";
        JsonNode whole = new ObjectMapper().readTree(curl(json + "}").out());
        assertThat(whole.at("/usage/completion_tokens").intValue()).isEqualTo(20);
        CliResult stream = curl(json + ", \"stream\": true}");
        assertThat(stream.out()).startsWith("data: {").endsWith("data: [DONE]\n\n");
        assertThat(curl(json + "}", "-o", "/dev/null", "-w", "%{http_code} %{num_connects}", url + "/healthz")
                        .out())
                .startsWith("200 1");
    }

    @Test
    void openAisClientWorksUnchanged() throws Exception {
        assumeTrue(isInstalled("node"), "node is not installed");
        assumeTrue(
                Files.isDirectory(NODE_CLIENT.resolveSibling("node_modules")),
                "the package openai is not installed; run npm ci in src/test/node");
        Path keys = Files.writeString(folder.resolve("keys"), "\nsecret\n");
        start("--listen", "127.0.0.1:0", "--api-key-file", keys.toString());
        CliResult client = run("node", NODE_CLIENT.toString(), url + "/v1", "secret", "的");
        assertThat(client.exitCode()).as(client.err()).isZero();
        JsonNode answer = new ObjectMapper().readTree(client.out());
        assertThat(answer.get("model").textValue()).isEqualTo("lyrics");
        assertThat(answer.get("tokens")).isEqualTo(answer.get("text"));
        assertThat(answer.get("streamed")).isEqualTo(answer.get("text"));
        assertThat(answer.get("streamedUsage")).isEqualTo(answer.get("usage"));
        assertThat(answer.at("/usage/completion_tokens").intValue()).isEqualTo(40);
        assertThat(answer.at("/error/status").intValue()).isEqualTo(400);
        assertThat(answer.at("/error/param").textValue()).isEqualTo("best_of");
        assertThat(answer.get("wrongKey").intValue()).isEqualTo(401);
    }

    @Test
    void signalLetsARunningAnswerFinish() throws Exception {
        start("--listen", "127.0.0.1:0", "--grace", "50");
        try (Socket client = ask(3000)) {
            Program.signal(server.pid(), "TERM");
            assertThat(new String(client.getInputStream().readAllBytes(), UTF_8))
                    .contains("data: [DONE]");
        }
        assertThat(server.waitFor()).isEqualTo(128 + 15);
        assertThat(Files.readString(err)).contains("ending once running answers are complete, after 50 s at most");
    }

    @Test
    void secondSignalEndsAtOnce() throws Exception {
        start("--listen", "127.0.0.1:0", "--grace", "1000", "--timeout", "1000");
        try (Socket client = ask(100_000)) {
            Program.signal(server.pid(), "INT");
            while (!Files.readString(err).contains("ending")) {
                Thread.sleep(10);
            }
            assertThat(server.isAlive()).isTrue();
            assertThat(client.isClosed()).isFalse();
            Program.signal(server.pid(), "INT");
            assertThat(server.waitFor()).isEqualTo(128 + 2);
        }
    }

    /** Clients that ask without a pause notice nothing of checkpoints that replace each other, but the newer texts. */
    @Test
    void trainingIsFollowedWhileClientsAsk() throws Exception {
        Path run = folder.resolve("followed");
        FileUtils.copyDirectory(folder.resolve("lyrics").toFile(), run.toFile());
        start("--listen", "127.0.0.1:0", "--run", run.toString(), "--checkpoint", "last", "--follow");
        String before = greedily(false);
        AtomicBoolean isEnding = new AtomicBoolean();
        ExecutorService clients = Executors.newFixedThreadPool(4);
        Process training = new ProcessBuilder(
                        Program.LAUNCHER,
                        "train",
                        "--resume",
                        run.toString(),
                        "--epochs",
                        "1000000",
                        "--checkpoint-every",
                        "5")
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("training.log").toFile())
                .start();
        try {
            List<Future<Integer>> answers = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                boolean isStream = i % 2 == 0;
                answers.add(clients.submit(() -> {
                    int count = 0;
                    for (; !isEnding.get(); count++) {
                        greedily(isStream);
                    }
                    return count;
                }));
            }
            while (checkpointsServed() < 3 || greedily(false).equals(before)) {
                assertThat(training.isAlive())
                        .as(Files.readString(folder.resolve("training.log")))
                        .isTrue();
                Thread.sleep(20);
            }
            Program.signal(training.pid(), "TERM");
            assertThat(training.waitFor()).isEqualTo(128 + 15);
            String line = "generate --device cpu --checkpoint last --prefix 的 --length " + LENGTH + " --run " + run;
            CliResult generated = run(Program.join(List.of(Program.LAUNCHER), List.of(line.split(" ")))
                    .toArray(String[]::new));
            assertThat(generated.exitCode()).as(generated.err()).isZero();
            String last = generated.out().substring(1, 1 + LENGTH);
            while (!greedily(false).equals(last)) {
                Thread.sleep(20);
            }
            isEnding.set(true);
            for (Future<Integer> count : answers) {
                assertThat(count.get()).isPositive();
            }
            assertThat(greedily(true)).isEqualTo(last);
            assertThat(Files.readString(err)).doesNotContain("warning", "error");
        } finally {
            isEnding.set(true);
            clients.shutdown();
            training.destroyForcibly();
        }
    }

    private long checkpointsServed() throws IOException {
        return Files.readString(err)
                .lines()
                .filter(line -> line.startsWith("followed: serving the checkpoint"))
                .count();
    }

    /** Returns the greedy continuation of a character by the run {@code followed}. */
    private String greedily(boolean isStream) throws IOException, InterruptedException {
        String body = "{\"model\": \"followed\", \"prompt\": \"的\", \"temperature\": 0, \"max_tokens\": " + LENGTH
                + ", \"stream\": " + isStream + "}";
        HttpResponse<String> response = HTTP.send(
                HttpRequest.newBuilder(URI.create(url + "/v1/completions"))
                        .header("Content-Type", "application/json")
                        .POST(HttpRequest.BodyPublishers.ofString(body))
                        .build(),
                HttpResponse.BodyHandlers.ofString(UTF_8));
        assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
        StringBuilder text = new StringBuilder();
        for (String event :
                response.body().replaceFirst("data: \\[DONE]\\s*$", "").split("\n\n")) {
            text.append(new ObjectMapper()
                    .readTree(event.replaceFirst("^data: ", ""))
                    .at("/choices/0/text")
                    .asText());
        }
        assertThat(text).as(response.body()).hasSize(LENGTH);
        return text.toString();
    }

    /** Asks for a stream, and returns when it has begun. */
    private Socket ask(int characters) throws IOException {
        String body = "{\"prompt\": \"的\", \"max_tokens\": " + characters + ", \"logprobs\": 5, \"stream\": true}";
        Socket client = new Socket("127.0.0.1", Integer.parseInt(url.replaceFirst(".*:", "")));
        client.getOutputStream()
                .write(
                        ("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
                                        + body.getBytes(UTF_8).length + "\r\n\r\n" + body)
                                .getBytes(UTF_8));
        client.getInputStream().read();
        return client;
    }

    @Test
    void portInUseIsOneLine() throws Exception {
        start("--listen", "127.0.0.1:0");
        String address = url.replace("http://", "");
        CliResult second = run(Program.LAUNCHER, "serve", "--run", folder + "/lyrics", "--listen", address);
        assertThat(second.exitCode()).isEqualTo(1);
        assertThat(second.err())
                .isEqualTo("libretto serve: cannot listen on " + address
                        + ": Address already in use; use another port, such as 0 for a free one\n");
        assertThat(second.out()).isEmpty();
    }
}
