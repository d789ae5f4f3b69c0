package dev.libretto.serve;

import static org.assertj.core.api.Assertions.assertThat;

import dev.libretto.device.Devices.Choice;
import dev.libretto.device.HostAddress;
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
import java.util.concurrent.CopyOnWriteArrayList;
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

    @Test
    void failureIsLoggedAndSent() throws Exception {
        Path run = TestServer.train(folder.resolve("run"), "--max-chars", "500");
        List<String> log = new CopyOnWriteArrayList<>();
        ServeConfig config = new ServeConfig(
                Optional.of(folder),
                new HostAddress("127.0.0.1", 0),
                Optional.empty(),
                TestServer.LIMITS,
                1 << 20,
                false);
        try (ServedModel model = new ServedModel(run, Which.LAST, Choice.CPU, config, log::add)) {
            Metrics metrics = new Metrics(new ServedModels(List.of(model)));
            Route route = Route.get(
                    "/",
                    exchange -> new Failing(exchange, new Answer.Context(model.lease(), "run", metrics, log::add))
                            .start(List.of()));
            Connections connections = new Connections(TestServer.LIMITS.idle());
            Server server = new Server(new InetSocketAddress("127.0.0.1", 0));
            server.setHandler(new RequestHandler(List.of(route), config, true, metrics, connections, log::add));
            server.start();
            try {
                URI uri = URI.create("http://localhost:" + server.getURI().getPort() + "/");
                HttpResponse<String> response = HttpClient.newHttpClient()
                        .send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString());
                assertThat(response.statusCode()).isEqualTo(500);
                assertThat(response.body()).contains("internal_error");
            } finally {
                server.stop();
            }
        }
        assertThat(log).singleElement().asString().contains("no answer");
    }
}
