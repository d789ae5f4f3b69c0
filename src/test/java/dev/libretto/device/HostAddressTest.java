package dev.libretto.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HostAddressTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "10.0.0.2:7000",
                "train-worker-0.ns.svc:2222",
                "my_host:1",
                "[fd00::2]:65535",
                "[::ffff:10.0.0.2]:7000"
            })
    void addressIsParsed(String text) {
        assertThat(HostAddress.parse(text)).hasToString(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "10.0.0.2",
                "10.0.0.2:",
                ":7000",
                "7000",
                "h:0",
                "h:65536",
                "h:7000/",
                "grpc://h:7000",
                "::1:7000",
                "h:-1",
                "h :7000",
                "h:٧"
            })
    void anythingElseIsRejected(String text) {
        assertThatThrownBy(() -> HostAddress.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("must be an address and a port, such as 10.0.0.2:7000");
    }

    @Test
    void listHasEachHostOnce() {
        assertThat(HostAddress.parseAll("a:1,b:2,a:2"))
                .isEqualTo(List.of(new HostAddress("a", 1), new HostAddress("b", 2), new HostAddress("a", 2)));
        assertThatThrownBy(() -> HostAddress.parseAll("a:1,b:2,a:1")).hasMessage("must not name a host twice");
        assertThatThrownBy(() -> HostAddress.parseAll("a:1,")).hasMessageStartingWith("must be addresses with ports");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "8.8.8.8",
                "172.15.0.1",
                "172.32.0.1",
                "192.169.0.1",
                "100.63.0.1",
                "100.128.0.1",
                "11.0.0.1",
                "2001:db8::1",
                "fe00::1",
                "2606:4700::1111"
            })
    void publicAddressIsNeitherPrivateNorLinkLocal(String address) throws UnknownHostException {
        assertThat(HostAddress.isPublic(InetAddress.getByName(address))).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "10.255.0.1",
                "172.16.0.1",
                "172.31.255.1",
                "192.168.0.1",
                "100.64.0.1",
                "100.127.0.1",
                "169.254.1.1",
                "127.0.0.1",
                "fd00::2",
                "fc00::1",
                "fe80::1",
                "::1"
            })
    void privateAndLinkLocalAddressesAreNotPublic(String address) throws UnknownHostException {
        assertThat(HostAddress.isPublic(InetAddress.getByName(address))).isFalse();
    }
}
