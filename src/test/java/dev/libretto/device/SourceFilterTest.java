package dev.libretto.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.libretto.LibrettoException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.util.LinkedHashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(OS.LINUX)
class SourceFilterTest {
    /** How long a connection is tried that is never answered. */
    private static final int MILLIS = 300;

    @Test
    void onlyAllowedAddressesConnect() throws IOException {
        try (ServerSocket server = new ServerSocket(0)) {
            attach(server, "127.0.0.3", "127.0.0.1", "fd00::7");

            assertThatCode(() -> connect(server, "127.0.0.1")).doesNotThrowAnyException();
            assertThatCode(() -> connect(server, "127.0.0.3")).doesNotThrowAnyException();
            assertThatThrownBy(() -> connect(server, "127.0.0.2")).isInstanceOf(SocketTimeoutException.class);
            if (hasIpv6()) {
                assertThatThrownBy(() -> connect(server, "::1")).isInstanceOf(SocketTimeoutException.class);
            }
        }
    }

    @Test
    void onlyAllowedIpv6AddressesConnect() throws IOException {
        assumeTrue(hasIpv6(), "the loopback interface has no IPv6 address");
        try (ServerSocket server = new ServerSocket(0)) {
            attach(server, "fd00::1", "::1");

            assertThatCode(() -> connect(server, "::1")).doesNotThrowAnyException();
            assertThatThrownBy(() -> connect(server, "127.0.0.1")).isInstanceOf(SocketTimeoutException.class);
        }
    }

    @Test
    void portThatIsNotOpenCannotBeFiltered() {
        assertThatThrownBy(() -> SourceFilter.attach(1, Set.of(InetAddress.getLoopbackAddress())))
                .isInstanceOf(LibrettoException.class)
                .hasMessageContaining("cannot filter");
    }

    private static void attach(ServerSocket server, String... allowed) throws IOException {
        Set<InetAddress> addresses = new LinkedHashSet<>();
        for (String address : allowed) {
            addresses.add(InetAddress.getByName(address));
        }
        try {
            SourceFilter.attach(server.getLocalPort(), addresses);
        } catch (LibrettoException e) {
            assertThat(e).hasMessageContaining("refuses to filter");
            assumeTrue(false, e.getMessage());
        }
    }

    /** Connects from an address of this host to itself. */
    private static void connect(ServerSocket server, String own) throws IOException {
        InetAddress address = InetAddress.getByName(own);
        try (Socket socket = new Socket()) {
            socket.bind(new InetSocketAddress(address, 0));
            socket.connect(new InetSocketAddress(address, server.getLocalPort()), MILLIS);
        }
    }

    private static boolean hasIpv6() {
        try (ServerSocket server = new ServerSocket(0)) {
            connect(server, "::1");
            return true;
        } catch (IOException e) {
            return false;
        }
    }
}
