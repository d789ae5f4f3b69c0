package dev.libretto.serve;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.libretto.device.Devices.Choice;
import dev.libretto.device.HostAddress;
import dev.libretto.generate.ContinuousDecoder;
import dev.libretto.generate.Decoder;
import dev.libretto.generate.End;
import dev.libretto.generate.ScoredCharacter;
import dev.libretto.run.RunDirectory.Which;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;
import org.eclipse.jetty.server.Server;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class AnswerTest {
    @TempDir
    private Path folder;

    /** An answer that cannot be written. */
    private static final class Failing extends Answer {
        Failing(Exchange exchange, Context context) {
            super(exchange, context, Exchange.JSON);
        }

        @Override
        byte[] next(boolean isLast) {
            throw new IllegalStateException("no answer");
        }

        @Override
        byte[] error(ApiException error) {
            setStatus(error.status());
            return JsonBody.write(error.toJson());
        }
    }

    private final List<String> log = new CopyOnWriteArrayList<>();

    /** A client of the routes for one model. */
    private interface Client {
        void use(ServedModel model, URI uri) throws Exception;
    }

    private void serve(Function<ServedModel, List<Route>> routes, Client client) throws Exception {
        Path run = TestServer.train(folder.resolve("run"), "--max-chars", "500");
        ServeConfig config = new ServeConfig(
                Optional.of(folder),
                new HostAddress("127.0.0.1", 0),
                Optional.empty(),
                TestServer.LIMITS,
                1 << 20,
                false);
        try (ServedModel model = new ServedModel(run, Which.LAST, Choice.CPU, config, log::add)) {
            Connections connections = new Connections(TestServer.LIMITS.idle());
            Server server = new Server(new InetSocketAddress("127.0.0.1", 0));
            server.setHandler(
                    new RequestHandler(routes.apply(model), config, true, metrics(model), connections, log::add));
            server.start();
            try {
                client.use(
                        model, URI.create("http://localhost:" + server.getURI().getPort() + "/"));
            } finally {
                server.stop();
            }
        }
    }

    private static Metrics metrics(ServedModel model) {
        return new Metrics(new ServedModels(List.of(model)));
    }

    private static CompletableFuture<HttpResponse<String>> send(HttpRequest.Builder request) {
        return HttpClient.newHttpClient().sendAsync(request.build(), BodyHandlers.ofString());
    }

    @Test
    void failureIsLoggedAndSent() throws Exception {
        serve(
                model -> List.of(Route.get(
                        "/",
                        exchange -> new Failing(
                                        exchange, new Answer.Context(model.lease(), "run", metrics(model), log::add))
                                .start(List.of()))),
                (model, uri) -> {
                    HttpResponse<String> response =
                            send(HttpRequest.newBuilder(uri)).join();
                    assertThat(response.statusCode()).isEqualTo(500);
                    assertThat(response.body()).contains("internal_error");
                });
        assertThat(log).singleElement().asString().contains("no answer");
    }

    /** An error on the decoder's thread, such as a class that is missing; the texts that are written go down with it. */
    @Test
    void failedModelIsToldToClientsAndHealthChecksAndLoggedOnce() throws Exception {
        serve(
                model -> {
                    ServedModels models = new ServedModels(List.of(model));
                    return List.of(
                            Route.publicGet("/healthz", new HealthEndpoint(models)),
                            Route.post(
                                    "/v1/completions",
                                    new ModelEndpoint(
                                            models,
                                            metrics(model),
                                            log::add,
                                            (exchange, fields, context) ->
                                                    Completion.start(exchange, fields, context, TestServer.LIMITS))));
                },
                (model, uri) -> {
                    HttpRequest.Builder health = HttpRequest.newBuilder(uri.resolve("/healthz"));
                    assertThat(send(health).join().body()).isEqualTo("ok\n");
                    String body = "{'prompt': '的', 'max_tokens': 20000, 'logprobs': 10".replace('\'', '"');
                    List<CompletableFuture<HttpResponse<String>>> running =
                            List.of(post(uri, body + "}"), post(uri, body + ", \"stream\": true}"));
                    while (model.counts().rows() < 2) {
                        Thread.sleep(1);
                    }
                    try (OpenModel.Lease lease = model.lease()) {
                        lease.decoder().submit(new int[1], 0, Decoder.Options.greedy(1), new BrokenListener());
                    }

                    HttpResponse<String> whole = running.get(0).join();
                    assertThat(whole.statusCode()).isEqualTo(503);
                    JsonNode error = TestServer.json(whole);
                    assertThat(error.at("/error/message").textValue())
                            .isEqualTo("the model failed; ask who runs this server to restart it");
                    assertThat(error.at("/error/type").textValue()).isEqualTo("server_error");
                    assertThat(error.at("/error/code").textValue()).isEqualTo("model_failed");
                    List<JsonNode> events =
                            TestServer.events(running.get(1).join().body());
                    assertThat(events.get(events.size() - 1)).isEqualTo(error);
                    HttpResponse<String> later = post(uri, body + "}").join();
                    assertThat(later.statusCode()).isEqualTo(503);
                    assertThat(TestServer.json(later)).isEqualTo(error);
                    HttpResponse<String> unwell = send(health).join();
                    assertThat(unwell.statusCode()).isEqualTo(503);
                    assertThat(unwell.body())
                            .isEqualTo(
                                    "run: the model failed: java.lang.AssertionError: made up; restart the server\n");
                });
        assertThat(log).containsExactly("run: the model failed: java.lang.AssertionError: made up; restart the server");
    }

    private static CompletableFuture<HttpResponse<String>> post(URI uri, String body) {
        return send(HttpRequest.newBuilder(uri.resolve("/v1/completions"))
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString(body)));
    }

    private static final class BrokenListener implements ContinuousDecoder.Listener {
        @Override
        public void written(ScoredCharacter character) {
            throw new AssertionError("made up");
        }

        @Override
        public void ended(End end) {}

        @Override
        public void failed(RuntimeException cause) {}
    }
}
