package dev.libretto.cli;

import dev.libretto.LibrettoException;
import dev.libretto.device.Cluster;
import dev.libretto.device.HostAddress;
import dev.libretto.device.Sessions;
import dev.libretto.device.TensorFlowServer;
import java.net.InetAddress;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.apache.commons.lang3.function.FailableSupplier;

/** Options of hosts that train together. Each runs a TensorFlow server, which trusts whoever connects to it. */
final class HostFlags {
    static final Flag<List<HostAddress>> WORKERS = new Flag<>(
            "workers",
            "ADDRESS:PORT,...",
            "hosts that compute with this one, each running \"libretto worker\"",
            null,
            HostAddress::parseAll);
    static final Flag<HostAddress> LISTEN = new Flag<>(
            "listen",
            "ADDRESS:PORT",
            "where the other hosts reach this one; the port is open on every interface",
            null,
            HostAddress::parse);
    static final Flag<List<String>> ALLOW = new Flag<>(
            "allow",
            "ADDRESS,...",
            "accept connections from these hosts only, if the kernel lets this user filter them",
            null,
            HostFlags::hosts);
    static final Flag<Boolean> INSECURE_NETWORK =
            Flag.toggle("insecure-network", "listen although this host has a public address");

    static final Flag<Integer> WORKER_TIMEOUT = Flag.integer(
            "worker-timeout",
            "seconds that a batch may take, the first included, before a worker counts as lost",
            30,
            1,
            86400);
    static final Flag<Boolean> WAIT_FOR_WORKERS = Flag.toggle(
            "wait-for-workers", "wait for workers that are not there, also during training, and go on by itself");

    /** The options of the chief. */
    static final List<Flag<?>> ALL =
            List.of(WORKERS, LISTEN, ALLOW, INSECURE_NETWORK, WORKER_TIMEOUT, WAIT_FOR_WORKERS);

    private static final int WAIT_MILLIS = 1000;

    private HostFlags() {}

    /**
     * Makes the workers that the options or {@code TF_CONFIG} name compute parts of the batches.
     *
     * @param config read if the options name none
     */
    static void join(Arguments arguments, Optional<TfConfig> config, Console console) throws Exception {
        List<HostAddress> workers = workers(arguments, config);
        if (workers.isEmpty()) {
            for (Flag<?> flag : ALL) {
                if (arguments.has(flag)) {
                    throw new UsageException("--" + flag.name() + " has no effect without --workers");
                }
            }
            return;
        }
        requirePrivateNetwork(arguments);
        DeviceFlags.choose(arguments).use();
        Set<InetAddress> allowed = allowed(arguments);
        HostAddress listen =
                arguments.getOr(LISTEN, config.map(TfConfig::address).orElse(null));
        Duration timeout = Duration.ofSeconds(arguments.get(WORKER_TIMEOUT));
        Cluster cluster =
                waitFor(arguments, () -> false, console, () -> Cluster.join(workers, listen, allowed, timeout));
        warn(console, cluster.chief().port(), allowed);
        cluster.workers()
                .forEach(worker -> console.note(
                        "worker %s: %s%n", worker.address(), worker.info().machine()));
        Sessions.use(cluster);
    }

    /**
     * Waits until the workers of the last {@link #join} are there again, if the options ask for it.
     *
     * @param lost why training ended
     * @throws LibrettoException {@code lost} if not
     */
    static void rejoin(LibrettoException lost, Arguments arguments, StopSignal stop, Console console) throws Exception {
        if (!arguments.get(WAIT_FOR_WORKERS)) {
            throw lost;
        }
        console.warn(lost.getMessage());
        Sessions.use(waitFor(arguments, stop::isRequested, console, Sessions.cluster()::rejoin));
        console.note("all workers are there; going on from the last checkpoint%n");
    }

    private static Cluster waitFor(
            Arguments arguments,
            BooleanSupplier stopped,
            Console console,
            FailableSupplier<Cluster, LibrettoException> join)
            throws Exception {
        String last = "";
        while (true) {
            try {
                return join.get();
            } catch (LibrettoException e) {
                if (!arguments.get(WAIT_FOR_WORKERS) || stopped.getAsBoolean()) {
                    throw e;
                }
                if (!e.getMessage().equals(last)) {
                    console.warn("waiting: " + e.getMessage());
                }
                last = e.getMessage();
                Thread.sleep(WAIT_MILLIS);
            }
        }
    }

    /** Returns the hosts that compute with this one: those of the options, or else those of {@code TF_CONFIG}. */
    private static List<HostAddress> workers(Arguments arguments, Optional<TfConfig> config) throws UsageException {
        return arguments.getOr(WORKERS, config.map(TfConfig::workers).orElse(List.of()));
    }

    private static List<String> hosts(String value) {
        List<String> hosts = List.of(value.split(",", -1));
        // Java takes an empty name for this host.
        if (hosts.contains("")) {
            throw new IllegalArgumentException("must be addresses, separated by commas");
        }
        return hosts;
    }

    /** Returns the addresses from which connections are accepted; empty for all. */
    static Set<InetAddress> allowed(Arguments arguments) throws UsageException, LibrettoException {
        Set<InetAddress> allowed = new LinkedHashSet<>();
        for (String host : arguments.getOr(ALLOW, List.of())) {
            allowed.add(HostAddress.resolve(host));
        }
        return allowed;
    }

    /** Throws if this host has a public address and the options do not permit that. */
    static void requirePrivateNetwork(Arguments arguments) throws UsageException, LibrettoException {
        Optional<InetAddress> exposed = TensorFlowServer.publicAddress();
        if (exposed.isPresent() && !arguments.get(INSECURE_NETWORK)) {
            throw new LibrettoException(
                    "this host has a public address, " + exposed.get().getHostAddress()
                            + ", and whoever connects to the port can run any code; use a host on a private network, or add"
                            + " --insecure-network if a firewall protects the port");
        }
    }

    static void warn(Console console, int port, Set<InetAddress> allowed) {
        console.warn("port " + port + " is open on every interface, and whoever connects to it"
                + (allowed.isEmpty()
                        ? ""
                        : allowed.stream()
                                .map(InetAddress::getHostAddress)
                                .collect(Collectors.joining(", ", " from ", "")))
                + " can run any code as " + System.getProperty("user.name"));
    }
}
