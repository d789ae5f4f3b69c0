package dev.libretto.cli;

import dev.libretto.LibrettoException;
import dev.libretto.device.HostAddress;
import dev.libretto.device.TensorFlowServer;
import java.net.InetAddress;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

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

    private HostFlags() {}

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
