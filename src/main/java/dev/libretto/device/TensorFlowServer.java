package dev.libretto.device;

import dev.libretto.LibrettoException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.SocketException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.tensorflow.Server;
import org.tensorflow.proto.ClusterDef;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.JobDef;
import org.tensorflow.proto.ServerDef;

/**
 * TensorFlow's server: it computes for sessions on its target, in this process or another. It listens on every interface, and runs
 * whatever it is sent. It runs until the process ends: TensorFlow cannot stop it, and closing it aborts the process.
 */
public final class TensorFlowServer {
    /** TensorFlow's name for the first job; a session's cluster has another, so that it can name its hosts as it likes. */
    private static final String JOB = "local";

    /** Enough for a server that answers. */
    static final Duration ANSWER_TIMEOUT = Duration.ofSeconds(5);

    private static final int WAIT_MILLIS = 200;

    private TensorFlowServer() {}

    /** Throws if an address is not one of this host. */
    public static void requireOwn(HostAddress address) throws LibrettoException {
        InetAddress own = HostAddress.resolve(address.host());
        if (!own.isLoopbackAddress()
                && !networks().anyMatch(network -> network.inetAddresses().anyMatch(own::equals))) {
            throw new LibrettoException(address.host() + " is not an address of this host; use one that is");
        }
    }

    /** Throws if another process listens on the port. */
    private static void requireFree(int port) throws LibrettoException {
        try {
            // TensorFlow listens on all addresses.
            new ServerSocket(port).close();
        } catch (IOException e) {
            throw new LibrettoException(
                    "cannot listen on port " + port + ": " + e.getMessage() + "; use another port", e);
        }
    }

    /** Returns an address of this host that may be reachable from the internet. */
    public static Optional<InetAddress> publicAddress() throws LibrettoException {
        return networks()
                .flatMap(NetworkInterface::inetAddresses)
                .filter(HostAddress::isPublic)
                .findFirst();
    }

    /** Returns the network interfaces that are up. */
    private static Stream<NetworkInterface> networks() throws LibrettoException {
        try {
            List<NetworkInterface> up = new ArrayList<>();
            for (NetworkInterface network : Collections.list(NetworkInterface.getNetworkInterfaces())) {
                if (network.isUp()) {
                    up.add(network);
                }
            }
            return up.stream();
        } catch (SocketException e) {
            throw new LibrettoException("cannot list the network interfaces: " + e.getMessage(), e);
        }
    }

    /**
     * Starts the server of a worker, which computes as the sessions of this process do. A chief can find it when this returns.
     *
     * @param allowed the addresses from which connections are accepted; empty for all
     * @throws LibrettoException if the port cannot be opened, or the system does not filter by address
     */
    public static void startWorker(HostAddress address, Set<InetAddress> allowed) throws LibrettoException {
        Server server = create(address, allowed);
        Notice.WORKER.write(address, WorkerInfo.current().text(), ANSWER_TIMEOUT);
        Notice.CHIEF.write(address, "", ANSWER_TIMEOUT);
        server.start();
    }

    /**
     * Announces that the worker of this process shuts down, and waits until its chief, if there is one, has saved its progress and
     * no longer computes on it.
     *
     * @param onWait receives the chief's address if there is one
     */
    public static void leave(HostAddress worker, Consumer<HostAddress> onWait) throws InterruptedException {
        Notice.WORKER.write(worker, WorkerInfo.SHUTTING_DOWN, ANSWER_TIMEOUT);
        boolean waits = false;
        while (true) {
            String claim = Notice.CHIEF.read(worker, ANSWER_TIMEOUT);
            if (claim.isEmpty()) {
                return;
            }
            HostAddress chief = Claim.parse(claim).chief();
            try {
                chief.reach(ANSWER_TIMEOUT);
            } catch (LibrettoException e) {
                // The chief was killed.
                return;
            }
            if (!waits) {
                onWait.accept(chief);
                waits = true;
            }
            Thread.sleep(WAIT_MILLIS);
        }
    }

    /** Starts the server of a chief. */
    static void start(HostAddress address, Set<InetAddress> allowed) throws LibrettoException {
        create(address, allowed).start();
    }

    private static Server create(HostAddress address, Set<InetAddress> allowed) throws LibrettoException {
        requireFree(address.port());
        TensorFlowSetup.apply();
        // It may lose another host at any time.
        NativeLog.suppress();
        // Sessions use the server's threads, whatever they ask for. As in Sessions.openForParts, one computes an
        // operation. One more than cores, so that sending does not wait for a free thread; more would compete.
        ConfigProto config = Sessions.device().config().toBuilder()
                .setIntraOpParallelismThreads(1)
                .setInterOpParallelismThreads(Runtime.getRuntime().availableProcessors() + 1)
                .build();
        Server server = new Server(ServerDef.newBuilder()
                .setCluster(ClusterDef.newBuilder()
                        .addJob(JobDef.newBuilder().setName(JOB).putTasks(0, address.toString())))
                .setJobName(JOB)
                .setTaskIndex(0)
                .setProtocol("grpc")
                .setDefaultSessionConfig(config)
                .build());
        if (!allowed.isEmpty()) {
            SourceFilter.attach(address.port(), allowed);
        }
        return server;
    }
}
