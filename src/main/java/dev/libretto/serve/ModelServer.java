package dev.libretto.serve;

import dev.libretto.CharModel;
import dev.libretto.LibrettoException;
import dev.libretto.device.Devices.Choice;
import dev.libretto.device.HostAddress;
import dev.libretto.run.Disk;
import dev.libretto.run.RunDirectory;
import dev.libretto.run.RunDirectory.Which;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.StandardSocketOptions;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.eclipse.jetty.http.HttpStatus;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.thread.QueuedThreadPool;

/** Serves models and the page over HTTP. */
public final class ModelServer implements AutoCloseable {
    private static final int MAX_THREADS = 32;
    private static final int MAX_HEADER_BYTES = 16 << 10;
    private static final int BACKLOG = 256;

    private final ServedModels models;
    private final Server server;
    private final ServerConnector connector;
    private final HostAddress address;

    /** Opens a run as a model to serve. */
    public static ModelServer start(
            List<Path> runs, Which which, Choice device, ServeConfig config, Consumer<String> log) throws IOException {
        List<ServedModel> opened = new ArrayList<>();
        try {
            for (Path run : runs) {
                Path path = run.toRealPath();
                CharModel model = CharModel.open(RunDirectory.open(path), which, device, log);
                opened.add(new ServedModel(path.getFileName().toString(), path, new OpenModel(model)));
            }
            return new ModelServer(new ServedModels(opened), config, log);
        } catch (IOException | RuntimeException e) {
            opened.forEach(ServedModel::close);
            throw e;
        }
    }

    private ModelServer(ServedModels models, ServeConfig config, Consumer<String> log) throws IOException {
        this.models = models;
        QueuedThreadPool threads = new QueuedThreadPool(MAX_THREADS);
        threads.setName("http");
        threads.setDaemon(true);
        server = new Server(threads);
        HttpConfiguration http = new HttpConfiguration();
        http.setSendServerVersion(false);
        http.setRequestHeaderSize(MAX_HEADER_BYTES);
        connector = new ServerConnector(server, 1, 1, new HttpConnectionFactory(http));
        connector.setIdleTimeout(config.limits().idle().toMillis());
        connector.open(bind(config.listen()));
        server.addConnector(connector);
        server.setHandler(new RequestHandler(routes(), config.keys(), config.limits(), log));
        address = new HostAddress(config.listen().host(), connector.getLocalPort());
        try {
            server.start();
        } catch (Exception e) {
            throw new IOException("cannot start the server: " + Disk.reason(e), e);
        }
    }

    private static ServerSocketChannel bind(HostAddress listen) throws IOException {
        InetAddress address = HostAddress.resolve(listen.host());
        if (!address.isAnyLocalAddress() && NetworkInterface.getByInetAddress(address) == null) {
            throw new LibrettoException(listen.host() + " is not an address of this host; use one that is");
        }
        ServerSocketChannel channel = ServerSocketChannel.open();
        try {
            channel.setOption(StandardSocketOptions.SO_REUSEADDR, true);
            return channel.bind(new InetSocketAddress(address, listen.port()), BACKLOG);
        } catch (IOException e) {
            channel.close();
            throw new LibrettoException(
                    "cannot listen on " + listen + ": " + Disk.reason(e)
                            + "; use another port, such as 0 for a free one",
                    e);
        }
    }

    private List<Route> routes() {
        Endpoint modelsEndpoint = new ModelsEndpoint(models);
        Endpoint page = new PageFiles();
        return List.of(
                Route.get("/v1/models", modelsEndpoint),
                Route.get("/v1/models/*", modelsEndpoint),
                Route.publicGet(
                        "/healthz",
                        exchange -> exchange.sendText(HttpStatus.OK_200, "text/plain; charset=utf-8", "ok\n")),
                Route.publicGet("/", page),
                Route.publicGet("/*", page));
    }

    /** Returns where it listens, with the port that was picked. */
    public HostAddress address() {
        return address;
    }

    /** Returns the names of the models. */
    public String models() {
        return models.names();
    }

    @Override
    public void close() {
        try {
            server.stop();
        } catch (Exception e) {
            throw new IllegalStateException("the server did not stop", e);
        } finally {
            models.close();
        }
    }
}
