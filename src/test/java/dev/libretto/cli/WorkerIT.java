package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.LibrettoException;
import dev.libretto.device.Cluster;
import dev.libretto.device.Device;
import dev.libretto.device.Devices.Choice;
import dev.libretto.device.HostAddress;
import dev.libretto.device.LostHostException;
import dev.libretto.device.PartsSession;
import dev.libretto.device.Sessions;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.tensorflow.DeviceSpec;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.exceptions.TensorFlowException;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TString;

/** A worker is a process of its own; this one is the chief. */
class WorkerIT {
    /** Enough for a worker that answers. */
    private static final Duration LONG = Duration.ofMinutes(10);

    private static final Duration SHORT = Duration.ofSeconds(2);

    @TempDir
    private Path folder;

    private HostAddress address;
    private Process worker;
    private Path err;
    /** What the worker has printed until it was ready. */
    private String printed;

    @BeforeEach
    void startWorker() throws Exception {
        try (ServerSocket any = new ServerSocket(0)) {
            address = HostAddress.parse("127.0.0.1:" + any.getLocalPort());
        }
        start();
    }

    @AfterEach
    void killWorker() {
        worker.destroyForcibly();
        Sessions.use((Cluster) null);
    }

    /** Returns once the worker is ready or has ended. */
    private void start(String... more) throws Exception {
        err = Files.createTempFile(folder, "worker", ".err");
        // A process in the background would ignore SIGINT.
        List<String> line = List.of(
                "env",
                "--default-signal=INT,TERM",
                Program.LAUNCHER,
                "worker",
                "--insecure-network",
                "--device",
                "cpu",
                "--listen",
                address.toString());
        worker = new ProcessBuilder(Program.join(line, List.of(more)))
                .redirectError(err.toFile())
                .start();
        while (worker.isAlive() && !Files.readString(err).contains("ready ")) {
            Thread.sleep(20);
        }
        printed = Files.readString(err);
    }

    private Cluster join(Duration timeout) throws IOException {
        Cluster cluster = Cluster.join(List.of(address), timeout, Choice.CPU);
        Sessions.use(cluster);
        return cluster;
    }

    private static Session open(Cluster cluster, Sum sum) {
        Sessions.use(cluster);
        return Sessions.openForParts(sum.graph, 2).session();
    }

    /** Adds two numbers on the worker: x, and 1 if the worker is the given process. */
    private static final class Sum implements AutoCloseable {
        private final Graph graph = Sessions.newGraph();
        private final Placeholder<TFloat32> x;
        private final Operand<TFloat32> sum;

        Sum(Process worker) {
            List<DeviceSpec> hosts = Sessions.places();
            x = Ops.create(graph).withDevice(hosts.get(0)).placeholder(TFloat32.class);
            Ops tf = Ops.create(graph).withDevice(hosts.get(1));
            // The main thread of a process has its number.
            Operand<TString> thread = tf.constant("/proc/self/task/" + worker.pid());
            sum = tf.math.add(x, tf.dtypes.cast(tf.size(tf.io.matchingFiles(thread)), TFloat32.class));
        }

        float of(Session session, float value) {
            try (TFloat32 fed = TFloat32.scalarOf(value);
                    Result result = session.runner().feed(x, fed).fetch(sum).run()) {
                return ((TFloat32) result.get(0)).getFloat();
            }
        }

        @Override
        public void close() {
            graph.close();
        }
    }

    @Test
    void workerComputesForTheChief() throws Exception {
        assertThat(printed)
                .isEqualTo(
                        "warning: port %d is open on every interface, and whoever connects to it can run any code as %s\n"
                                        .formatted(address.port(), System.getProperty("user.name"))
                                + "ready on %s; train with --workers %s\n".formatted(Device.CPU, address));
        Cluster cluster = join(LONG);
        try (Sum sum = new Sum(worker);
                Session session = open(cluster, sum)) {
            assertThat(sum.of(session, 41)).isEqualTo(42);
        }
    }

    /** Closing the session does not wait for the worker either. */
    @Test
    void killedWorkerEndsTheRunAndIsNamed() throws Exception {
        Cluster cluster = join(SHORT);
        try (Sum sum = new Sum(worker);
                Session session = open(cluster, sum)) {
            sum.of(session, 1);
            worker.destroyForcibly().waitFor();

            assertThatThrownBy(() -> runOn(cluster, sum, session))
                    .isInstanceOf(LibrettoException.class)
                    .hasMessage(
                            "worker %s refused the connection; start it there with \"libretto worker --listen %s\"",
                            address, address);
        }
    }

    /** TensorFlow would try to connect until the time for a batch is over. */
    @Test
    void workerKilledBeforeTheSessionOpensIsNamedAtOnce() throws Exception {
        Cluster cluster = join(LONG);
        worker.destroyForcibly().waitFor();
        try (Sum sum = new Sum(worker)) {
            assertThatThrownBy(() -> open(cluster, sum))
                    .isInstanceOf(TensorFlowException.class)
                    .hasMessageStartingWith("worker %s refused the connection; ", address);
        }
    }

    @Test
    void stoppedWorkerEndsTheRunAndIsNamed() throws Exception {
        Cluster cluster = join(SHORT);
        try (Sum sum = new Sum(worker);
                Session session = open(cluster, sum)) {
            sum.of(session, 1);
            Program.signal(worker.pid(), "STOP");

            assertThatThrownBy(() -> runOn(cluster, sum, session))
                    .isInstanceOf(LibrettoException.class)
                    .hasMessage(
                            "worker %s did not answer within 2 s, but its port is open; see whether it is stopped or overloaded",
                            address);
        }
    }

    @Test
    void restartedWorkerIsNamedAndANewSessionComputesOnIt() throws Exception {
        Cluster cluster = join(LONG);
        try (Sum sum = new Sum(worker)) {
            try (Session session = open(cluster, sum)) {
                sum.of(session, 1);
                worker.destroyForcibly().waitFor();
                start();

                assertThatThrownBy(() -> runOn(cluster, sum, session))
                        .isInstanceOf(LibrettoException.class)
                        .hasMessage("worker %s was restarted", address);
            }
            Cluster again = cluster.rejoin();
            assertThat(again.workers()).isNotEqualTo(cluster.workers());
            try (Session session = open(again, sum)) {
                assertThat(sum.of(session, 1)).as("another process").isEqualTo(1);
            }
        }
    }

    /** TensorFlow reports the error of the worker alone, or sometimes that of the chief, too, whose receiving was cancelled. */
    @RepeatedTest(20)
    void laterChiefTakesTheWorker() throws Exception {
        Cluster earlier = join(LONG);
        Cluster later = join(LONG);
        try (Sum first = new Sum(worker);
                Sum second = new Sum(worker);
                Session session = open(earlier, first)) {
            first.of(session, 1);
            try (Session other = open(later, second)) {
                assertThat(second.of(other, 41)).isEqualTo(42);
                assertThatThrownBy(() -> runOn(earlier, first, session))
                        .isInstanceOf(LibrettoException.class)
                        .hasMessage("worker %s now computes for another chief; use another worker", address);
            }
        }
    }

    private static void runOn(Cluster cluster, Sum sum, Session session) throws LibrettoException {
        try {
            sum.of(session, 1);
        } catch (TensorFlowException e) {
            Sessions.use(cluster);
            Sessions.explain(e);
            throw e;
        }
    }

    @ParameterizedTest
    @CsvSource({"INT, 130", "TERM, 143"})
    void signalEndsTheWorker(String signal, int exitCode) throws Exception {
        Program.signal(worker.pid(), signal);
        assertThat(worker.waitFor()).isEqualTo(exitCode);
        assertThat(Files.readString(err)).isEqualTo(printed);
    }

    @Test
    void signalEndsTheWorkerOnceTheChiefHasClosedItsSession() throws Exception {
        Cluster cluster = join(LONG);
        try (Sum sum = new Sum(worker)) {
            PartsSession opened = Sessions.openForParts(sum.graph, 2);
            Sessions.requireNotShuttingDown();
            Program.signal(worker.pid(), "TERM");
            awaitMessage();

            assertThat(sum.of(opened.session(), 41)).isEqualTo(42);
            assertThatThrownBy(Sessions::requireNotShuttingDown)
                    .isInstanceOf(LostHostException.class)
                    .hasMessage(
                            "worker %s is shutting down; start it again there with \"libretto worker --listen %s\"",
                            address, address);
            assertThatThrownBy(cluster::rejoin).hasMessageStartingWith("worker " + address + " is shutting down");
            opened.close();
            assertThat(worker.waitFor()).isEqualTo(143);
            assertThat(Files.readString(err))
                    .isEqualTo(printed + "ending once the chief " + cluster.chief()
                            + " has saved its progress; a second signal ends at once\n");
        }
    }

    @Test
    void secondSignalEndsTheWorkerAtOnce() throws Exception {
        Cluster cluster = join(LONG);
        try (Sum sum = new Sum(worker);
                Session session = open(cluster, sum)) {
            sum.of(session, 1);
            Program.signal(worker.pid(), "TERM");
            awaitMessage();
            Program.signal(worker.pid(), "INT");
            assertThat(worker.waitFor()).isEqualTo(130);
        }
    }

    @Test
    void workerDoesNotWaitForAChiefThatIsGone() throws Exception {
        Cluster gone = new Cluster(HostAddress.parse("127.0.0.1:1"), join(LONG).workers(), SHORT);
        try (Sum sum = new Sum(worker);
                Session session = open(gone, sum)) {
            Program.signal(worker.pid(), "TERM");
            assertThat(worker.waitFor()).isEqualTo(143);
            assertThat(Files.readString(err)).isEqualTo(printed);
            assertThatThrownBy(() -> sum.of(session, 1)).isInstanceOf(TensorFlowException.class);
        }
    }

    /** Waits until the worker has printed more than at its start. */
    private void awaitMessage() throws Exception {
        while (worker.isAlive() && Files.readString(err).equals(printed)) {
            Thread.sleep(20);
        }
    }

    @Test
    void connectionsFromOtherAddressesAreNotAnswered() throws Exception {
        worker.destroyForcibly().waitFor();
        start("--allow", "127.0.0.2");
        if (!worker.isAlive()) {
            assertThat(printed).hasLineCount(1).contains("the kernel refuses to filter by address");
            return;
        }
        assertThat(printed).contains(" whoever connects to it from 127.0.0.2 can ");
        assertThatThrownBy(() -> Cluster.find(List.of(address), SHORT))
                .isInstanceOf(LibrettoException.class)
                .hasMessage(
                        "worker %s did not answer within 2 s; check the address, the network and firewalls", address);
    }
}
