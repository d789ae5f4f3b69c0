package dev.libretto.cli;

import dev.libretto.LibrettoException;
import dev.libretto.device.Cluster;
import dev.libretto.device.Cluster.Worker;
import dev.libretto.device.HostAddress;
import dev.libretto.device.LostHostException;
import dev.libretto.device.TensorFlowServer;
import java.net.InetAddress;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
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
            "seconds that a batch may take before a worker counts as lost; ten times as many for the first",
            30,
            1,
            86400);
    static final Flag<Boolean> WAIT_FOR_WORKERS = Flag.toggle(
            "wait-for-workers", "wait for workers that are not there, also during training, and go on by itself");

    /** The options of the chief. */
    static final List<Flag<?>> ALL =
            List.of(WORKERS, LISTEN, ALLOW, INSECURE_NETWORK, WORKER_TIMEOUT, WAIT_FOR_WORKERS);

    private static final int WAIT_MILLIS = 1000;
    private static final String WAITING = "waiting for the workers%n";

    private HostFlags() {}

    /**
     * Returns the hosts that compute with this one: those of the options, or else those of {@code TF_CONFIG}.
     *
     * @throws LibrettoException if this host should not open a port
     */
    static List<HostAddress> workers(Arguments arguments, Optional<TfConfig> config)
            throws UsageException, LibrettoException {
        List<HostAddress> workers =
                arguments.getOr(WORKERS, config.map(TfConfig::workers).orElse(List.of()));
        for (Flag<?> flag : ALL) {
            if (workers.isEmpty() && arguments.has(flag)) {
                throw new UsageException("--" + flag.name() + " has no effect without --workers");
            }
            arguments.get(flag);
        }
        if (!workers.isEmpty()) {
            requirePrivateNetwork(arguments);
        }
        return workers;
    }

    /** Finds the workers, which compute as the sessions of this process do. */
    static Cluster join(List<HostAddress> workers, Arguments arguments, Optional<TfConfig> config, Console console)
            throws Exception {
        Set<InetAddress> allowed = allowed(arguments);
        HostAddress listen =
                arguments.getOr(LISTEN, config.map(TfConfig::address).orElse(null));
        Duration timeout = Duration.ofSeconds(arguments.get(WORKER_TIMEOUT));
        List<Worker> found = waitFor("", arguments, console, () -> Cluster.find(workers, timeout));
        Cluster cluster = Cluster.start(found, listen, allowed, timeout);
        warn(console, cluster.chief().port(), allowed);
        cluster.workers()
                .forEach(worker -> console.note(
                        "worker %s: %s%n", worker.address(), worker.info().machine()));
        return cluster;
    }

    /** Waits until the workers are there again. */
    static Cluster rejoin(Cluster cluster, LostHostException lost, Arguments arguments, Console console)
            throws Exception {
        console.warn(lost.getMessage());
        console.note(WAITING);
        Cluster again = waitFor(lost.getMessage(), arguments, console, cluster::rejoin);
        console.note("all workers are there%n");
        return again;
    }

    /** @param last what was said of the workers last */
    private static <T> T waitFor(
            String last, Arguments arguments, Console console, FailableSupplier<T, LibrettoException> workers)
            throws Exception {
        String said = last;
        while (true) {
            try {
                return workers.get();
            } catch (LibrettoException e) {
                if (!arguments.get(WAIT_FOR_WORKERS)) {
                    throw e;
                }
                if (!e.getMessage().equals(said)) {
                    console.warn(e.getMessage());
                }
                if (said.isEmpty()) {
                    console.note(WAITING);
                }
                said = e.getMessage();
                Thread.sleep(WAIT_MILLIS);
            }
        }
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
