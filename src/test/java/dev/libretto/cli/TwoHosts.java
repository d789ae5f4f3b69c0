package dev.libretto.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.List;

/**
 * Two hosts with a cable between them: network namespaces of Linux, in a namespace of users, which needs no root. A proxy could not
 * drop packets: the system answers for it whenever its port is open.
 */
final class TwoHosts implements AutoCloseable {
    static final String CHIEF = "10.0.0.1";
    static final String WORKER = "10.0.0.2";

    // The hosts know each other's hardware, so that they do not ask for it when the cable is cut.
    private static final String SET_UP = """
                    set -e
                    ip link add chief address 02:00:00:00:00:01 type veth peer name worker address 02:00:00:00:00:02
                    unshare -n sleep 1d &
                    worker=$!
                    trap "kill $worker" EXIT
                    until [ "$(readlink /proc/$worker/ns/net)" != "$(readlink /proc/$$/ns/net)" ]; do sleep 0.05; done
                    ip link set worker netns $worker
                    ip link set lo up
                    ip link set chief up
                    ip address add 10.0.0.1/24 dev chief
                    ip neighbor add 10.0.0.2 lladdr 02:00:00:00:00:02 dev chief
                    nsenter -t $worker -n bash -ec '
                      ip link set lo up
                      ip link set worker up
                      ip address add 10.0.0.2/24 dev worker
                      ip neighbor add 10.0.0.1 lladdr 02:00:00:00:00:01 dev worker'
                    tc qdisc add dev chief root blackhole
                    tc qdisc delete dev chief root
                    echo $$ $worker
                    cat >/dev/null
                    """;

    private final Process setUp;
    private final String[] processes;

    /** Skips the test where the system has no namespaces or does not let this user have them. */
    TwoHosts() throws IOException {
        setUp = new ProcessBuilder("bash", "-c", "exec unshare -rn bash -c \"$1\" 2>&1", "bash", SET_UP).start();
        String line = new BufferedReader(new InputStreamReader(setUp.getInputStream(), UTF_8)).readLine();
        assumeTrue(
                line != null && line.matches("[0-9]+ [0-9]+"),
                () -> "this system lets this user have no network of namespaces: " + line);
        processes = line.split(" ");
    }

    /** Returns the beginning of a command on the chief. */
    String onChief() {
        return "nsenter -t " + processes[0] + " -U --preserve-credentials -n ";
    }

    /** Returns the beginning of a command on the worker. */
    String onWorker() {
        return "nsenter -t " + processes[1] + " -U --preserve-credentials -n ";
    }

    /** Drops all packets: no host sees that the other's connections end, and no attempt to connect is answered. */
    void cutOff() throws Exception {
        change(onChief(), "add", "chief");
        change(onWorker(), "add", "worker");
    }

    void join() throws Exception {
        change(onChief(), "delete", "chief");
        change(onWorker(), "delete", "worker");
    }

    private static void change(String onHost, String what, String end) throws Exception {
        run(onHost + "tc qdisc " + what + " dev " + end + " root blackhole");
    }

    void giveWorkerAddress(String address) throws Exception {
        run(onWorker() + "ip address add " + address + "/32 dev worker");
    }

    /** Returns how many bytes the chief has sent and received. */
    List<Long> moved() throws Exception {
        for (String line : run(onChief() + "cat /proc/net/dev").split("\n")) {
            String[] cells = line.strip().split("[: ]+");
            if (cells[0].equals("chief")) {
                return List.of(Long.parseLong(cells[9]), Long.parseLong(cells[1]));
            }
        }
        throw new AssertionError("the chief has no network");
    }

    private static String run(String command) throws Exception {
        CliResult result = Program.run(new ProcessBuilder(command.split(" ")));
        assertThat(result.exitCode()).as(result.err()).isZero();
        return result.out();
    }

    @Override
    public void close() throws IOException {
        // The script ends when its input does.
        setUp.getOutputStream().close();
    }
}
