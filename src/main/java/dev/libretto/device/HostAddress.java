package dev.libretto.device;

import dev.libretto.LibrettoException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a host of a cluster listens.
 *
 * @param host a name or an IP address; an IPv6 address is in brackets
 */
public record HostAddress(String host, int port) {
    private static final Pattern FORM = Pattern.compile("([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\]):([0-9]{1,5})");
    private static final int MAX_PORT = 65535;

    /** Parses {@code ADDRESS:PORT}. */
    public static HostAddress parse(String text) {
        return parse(text, 1, "must be an address and a port, such as 10.0.0.2:7000");
    }

    /** Parses {@code ADDRESS:PORT}, of which port 0 means any free one. */
    public static HostAddress parseListening(String text) {
        return parse(text, 0, "must be an address and a port, such as 127.0.0.1:8080");
    }

    private static HostAddress parse(String text, int minPort, String message) {
        Matcher form = FORM.matcher(text);
        int port = form.matches() ? Integer.parseInt(form.group(2)) : -1;
        if (port < minPort || port > MAX_PORT) {
            throw new IllegalArgumentException(message);
        }
        return new HostAddress(form.group(1), port);
    }

    /** Parses addresses that are separated by commas. */
    public static List<HostAddress> parseAll(String text) {
        List<HostAddress> addresses = new ArrayList<>();
        for (String address : text.split(",", -1)) {
            try {
                addresses.add(parse(address));
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(
                        "must be addresses with ports, separated by commas, such as 10.0.0.2:7000,10.0.0.3:7000", e);
            }
        }
        if (new HashSet<>(addresses).size() < addresses.size()) {
            throw new IllegalArgumentException("must not name a host twice");
        }
        return addresses;
    }

    static HostAddress of(InetAddress address, int port) {
        String literal = address.getHostAddress().replaceFirst("%.*", "");
        return new HostAddress(address instanceof Inet4Address ? literal : "[" + literal + "]", port);
    }

    /** Returns the address of a host by its name. */
    public static InetAddress resolve(String host) throws LibrettoException {
        try {
            return InetAddress.getByName(host);
        } catch (UnknownHostException e) {
            throw new LibrettoException("unknown host " + host + "; check the name, or use its IP address", e);
        }
    }

    /**
     * Connects to a worker's port, and returns the address of this host that the connection uses.
     *
     * @throws LibrettoException if nothing there accepts connections
     */
    InetAddress reach(Duration timeout) throws LibrettoException {
        InetAddress address;
        try {
            address = resolve(host);
        } catch (LibrettoException e) {
            throw new LibrettoException("worker " + this + ": " + e.getMessage(), e);
        }
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(address, port), Math.toIntExact(timeout.toMillis()));
            return socket.getLocalAddress();
        } catch (SocketTimeoutException e) {
            throw new LibrettoException(
                    "worker " + this + " did not answer within " + timeout.toSeconds()
                            + " s; check the address, the network and firewalls",
                    e);
        } catch (ConnectException e) {
            throw new LibrettoException(
                    "worker " + this + " refused the connection; start it there with \"libretto worker --listen " + this
                            + "\"",
                    e);
        } catch (IOException e) {
            throw new LibrettoException(
                    "worker " + this + " cannot be reached: "
                            + LibrettoException.oneLine(String.valueOf(e.getMessage()))
                            + "; check the address and the network",
                    e);
        }
    }

    /** Returns whether an address may be reachable from the internet: it is neither private nor link-local. */
    static boolean isPublic(InetAddress address) {
        byte[] bytes = address.getAddress();
        int first = bytes[0] & 0xff;
        // 100.64.0.0/10 for carriers and overlay networks, fc00::/7 in IPv6.
        boolean isShared = bytes.length == 4 ? first == 100 && (bytes[1] & 0xc0) == 64 : (first & 0xfe) == 0xfc;
        return !(isShared
                || address.isSiteLocalAddress()
                || address.isLinkLocalAddress()
                || address.isLoopbackAddress()
                || address.isAnyLocalAddress());
    }

    /** Returns the address of its TensorFlow server for a session; a server finds itself by the same text only. */
    String target() {
        return "grpc://" + this;
    }

    @Override
    public String toString() {
        return host + ":" + port;
    }
}
