package dev.libretto.serve;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.libretto.LibrettoException;
import dev.libretto.device.Devices.Choice;
import dev.libretto.device.HostAddress;
import dev.libretto.run.Disk;
import dev.libretto.run.RunDirectory.Which;
import dev.libretto.text.Vocabulary;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.StandardSocketOptions;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.eclipse.jetty.io.ByteBufferPool;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.NetworkConnectionLimit;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.eclipse.jetty.util.thread.ScheduledExecutorScheduler;

/** Serves models and the page over HTTP. */
public final class ModelServer implements AutoCloseable {
    private static final int MAX_THREADS = 32;
    private static final int MAX_HEADER_BYTES = 16 << 10;
    private static final int EXAMPLE_LENGTH = 100;
    private static final int BACKLOG = 256;
    /** What the kernel keeps of an answer; it would let a slow client have megabytes, and would not tell when it last read. */
    private static final int SEND_BUFFER = 128 << 10;

    private static final Duration SWEEP = Duration.ofMillis(500);
    private static final Duration FAREWELL = Duration.ofSeconds(1);
    private static final Duration FOLLOW = Duration.ofSeconds(2);

    private final ServedModels models;
    private final Server server;
    private final ServerConnector connector;
    private final RequestHandler handler;
    private final ScheduledExecutorService housekeeping;
    private final HostAddress address;

    /**
     * Opens runs and serves them.
     *
     * @param which which checkpoint of each
     * @param log receives a line for each warning or failure
     * @throws IOException in one line, if a run cannot be opened, or the address not be listened on
     */
    public static ModelServer start(
            List<Path> runs, Which which, Choice device, ServeConfig config, Consumer<String> log) throws IOException {
        // Before the runs are read, which may take long.
        InetAddress ip = HostAddress.resolve(config.listen().host());
        ServerSocketChannel port = bind(config.listen(), ip);
        List<ServedModel> opened = new ArrayList<>();
        try {
            requireDifferentNames(runs);
            for (Path run : runs) {
                opened.add(new ServedModel(run, which, device, config, log));
            }
            return new ModelServer(new ServedModels(opened), port, ip.isLoopbackAddress(), config, log);
        } catch (IOException | RuntimeException | Error e) {
            opened.forEach(ServedModel::close);
            port.close();
            throw e;
        }
    }

    private static void requireDifferentNames(List<Path> runs) throws IOException {
        Map<String, Path> names = new HashMap<>();
        for (Path run : runs) {
            Path other = names.put(ServedModel.name(run), run);
            if (other != null && Files.isSameFile(other, run)) {
                throw new LibrettoException("the run " + run + " is named twice; name it once");
            }
            if (other != null) {
                throw new LibrettoException("two runs have the name " + ServedModel.name(run) + ", " + other + " and "
                        + run + "; rename one, because requests choose a model by its name");
            }
        }
    }

    private ModelServer(
            ServedModels models, ServerSocketChannel port, boolean isLoopback, ServeConfig config, Consumer<String> log)
            throws IOException {
        this.models = models;
        JettyLog.passTo(log);
        QueuedThreadPool threads = new QueuedThreadPool(MAX_THREADS);
        threads.setName("http");
        threads.setDaemon(true);
        // Jetty 12.1.13 may release the buffer of an aborted request twice. A pool would then lend it to two
        // connections, and a client could get the answer to another's request.
        server = new Server(threads, new ScheduledExecutorScheduler("http-timer", true), ByteBufferPool.NON_POOLING);
        // Two, because opening a checkpoint may take long.
        housekeeping = Executors.newScheduledThreadPool(2, task -> {
            Thread thread = new Thread(task, "housekeeping");
            thread.setDaemon(true);
            return thread;
        });
        HttpConfiguration http = new HttpConfiguration();
        http.setSendServerVersion(false);
        http.setRequestHeaderSize(MAX_HEADER_BYTES);
        // Memory outside the heap is dear unless it is pooled.
        http.setUseInputDirectByteBuffers(false);
        http.setUseOutputDirectByteBuffers(false);
        Connections connections = new Connections(config.limits().idle());
        connector = new ServerConnector(server, 1, 1, new HttpConnectionFactory(http));
        connector.setIdleTimeout(config.limits().idle().toMillis());
        connector.setAcceptedSendBufferSize(SEND_BUFFER);
        connector.addBean(connections);
        connector.addBean(new NetworkConnectionLimit(config.limits().connections(), connector));
        server.addConnector(connector);
        server.setErrorHandler(RequestHandler::answerBadRequest);
        Metrics metrics = new Metrics(models);
        handler = new RequestHandler(routes(config, metrics, log), config, isLoopback, metrics, connections, log);
        server.setHandler(handler);
        connector.open(port);
        address = new HostAddress(config.listen().host(), connector.getLocalPort());
        try {
            server.start();
        } catch (Exception e) {
            throw new IOException("cannot start the server: " + Disk.reason(e), e);
        }
        every(SWEEP, connections::closeLate, log);
        if (config.follow()) {
            every(FOLLOW, () -> models.all().forEach(ServedModel::follow), log);
        }
    }

    private void every(Duration pause, Runnable task, Consumer<String> log) {
        Runnable logged = () -> {
            try {
                task.run();
            } catch (RuntimeException | Error e) {
                // Otherwise the task would never run again.
                log.accept("warning: " + LibrettoException.oneLine(e.toString()));
            }
        };
        housekeeping.scheduleWithFixedDelay(logged, pause.toMillis(), pause.toMillis(), TimeUnit.MILLISECONDS);
    }

    private static ServerSocketChannel bind(HostAddress listen, InetAddress ip) throws IOException {
        if (!ip.isAnyLocalAddress() && !ip.isLoopbackAddress() && NetworkInterface.getByInetAddress(ip) == null) {
            throw new LibrettoException(listen.host() + " is not an address of this host; use one that is");
        }
        ServerSocketChannel channel = ServerSocketChannel.open();
        try {
            channel.setOption(StandardSocketOptions.SO_REUSEADDR, true);
            return channel.bind(new InetSocketAddress(ip, listen.port()), BACKLOG);
        } catch (IOException e) {
            channel.close();
            throw new LibrettoException(
                    "cannot listen on " + listen + ": " + Disk.reason(e)
                            + "; use another port, such as 0 for a free one",
                    e);
        }
    }

    /** Of two routes that match a path, the first answers. */
    private List<Route> routes(ServeConfig config, Metrics metrics, Consumer<String> log) {
        Endpoint modelsEndpoint = new ModelsEndpoint(models);
        Endpoint page = new PageFiles();
        Set<Path> served = models.all().stream().map(ServedModel::run).collect(Collectors.toSet());
        Endpoint runs = new RunsEndpoint(new RunsFolder(config.runs(), served));
        return List.of(
                Route.get("/v1/models", modelsEndpoint),
                Route.get("/v1/models/*", modelsEndpoint),
                Route.post(
                        "/v1/completions",
                        new ModelEndpoint(
                                models,
                                metrics,
                                log,
                                (exchange, fields, context) ->
                                        Completion.start(exchange, fields, context, config.limits()))),
                Route.post(
                        "/v1/score",
                        new ModelEndpoint(
                                models,
                                metrics,
                                log,
                                (exchange, fields, context) ->
                                        Scores.start(exchange, fields, context, config.limits()))),
                Route.get("/metrics", metrics),
                Route.post("/v1/inspect", new InspectEndpoint(models)),
                Route.get("/v1/runs", runs),
                Route.get("/v1/runs/*", runs),
                Route.publicGet("/healthz", new HealthEndpoint(models)),
                Route.publicGet("/", page),
                Route.publicGet("/*", page));
    }

    /** Returns where it listens, with the port that was picked. */
    public HostAddress address() {
        return address;
    }

    /** Returns the names of the models, the first one first. */
    public List<String> models() {
        return models.all().stream().map(ServedModel::name).toList();
    }

    /** Returns the body of a request to try. */
    public String example() {
        ServedModel first = models.all().get(0);
        ObjectNode body = JsonNodeFactory.instance.objectNode();
        if (models.all().size() > 1) {
            body.put("model", first.name());
        }
        try (OpenModel.Lease lease = first.lease()) {
            Vocabulary vocabulary = lease.model().vocabulary();
            String prompt = Stream.concat(Stream.of("Once", "The", "分开"), vocabulary.symbols().stream())
                    .filter(text -> text.codePoints().allMatch(c -> Character.isLetter(c) && vocabulary.idOf(c) >= 0))
                    .findFirst()
                    .orElse(vocabulary.symbols().get(0));
            return body.put("prompt", prompt).put("max_tokens", EXAMPLE_LENGTH).toString();
        }
    }

    /** Accepts no more connections and requests, and waits until running answers are complete, for a limited time. */
    public void drain(Duration grace) throws InterruptedException {
        handler.drain();
        connector.close();
        handler.await(grace);
    }

    /** Ends at once; answers that are not complete are cut off. */
    @Override
    public void close() {
        housekeeping.shutdownNow();
        models.close();
        try {
            // Clients are told why their answers end.
            handler.await(FAREWELL);
            server.stop();
        } catch (Exception e) {
            throw new IllegalStateException("the server did not stop", e);
        }
    }
}
