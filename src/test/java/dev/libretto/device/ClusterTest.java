package dev.libretto.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.LibrettoException;
import dev.libretto.device.Devices.Choice;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.tensorflow.DeviceSpec;
import org.tensorflow.TensorFlow;
import org.tensorflow.exceptions.TensorFlowException;
import org.tensorflow.proto.ClusterDef;
import org.tensorflow.proto.ConfigProto;
import org.tensorflow.proto.JobDef;

class ClusterTest {
    private static final Duration SOON = Duration.ofSeconds(1);
    /** Enough for a server that answers. */
    private static final Duration LONG = Duration.ofMinutes(10);

    private static final WorkerInfo INFO =
            new WorkerInfo("0.1.0", "2.18.0", "linux-x86_64-gpu", "float32", "EPYC", 2, List.of("CPU", "GPU"), "1-1");

    private static final List<String> TWO_GPUS = List.of("CPU", "GPU", "GPU");

    private static HostAddress free() throws IOException {
        try (ServerSocket any = new ServerSocket(0)) {
            return HostAddress.of(InetAddress.getLoopbackAddress(), any.getLocalPort());
        }
    }

    private static Cluster join(HostAddress worker, Duration timeout) throws LibrettoException {
        return Cluster.join(List.of(worker), timeout, Choice.CPU);
    }

    @Test
    void chiefAcceptsItsOwnConnections() throws Exception {
        HostAddress chief = HostAddress.parse("10.0.0.1:7000");
        InetAddress worker = InetAddress.getByName("10.0.0.2");

        assertThat(Cluster.withOwn(chief, Set.of(worker))).containsExactly(worker, InetAddress.getByName("10.0.0.1"));
        assertThat(Cluster.withOwn(chief, Set.of())).isEmpty();
    }

    @Test
    void workerThatIsNotStartedIsNamed() throws IOException {
        HostAddress nobody = free();
        assertThatThrownBy(() -> join(nobody, LONG))
                .isInstanceOf(LibrettoException.class)
                .hasMessage(
                        "worker %s refused the connection; start it there with \"libretto worker --listen %s\"",
                        nobody, nobody);
    }

    @Test
    void unknownHostIsNamed() {
        assertThatThrownBy(() -> join(HostAddress.parse("nohost.invalid:7000"), LONG))
                .isInstanceOf(LibrettoException.class)
                .hasMessage(
                        "worker nohost.invalid:7000: unknown host nohost.invalid; check the name, or use its IP address");
    }

    @Test
    void silentPortIsNamed() throws IOException {
        try (ServerSocket silent = new ServerSocket(0)) {
            HostAddress address = HostAddress.of(InetAddress.getLoopbackAddress(), silent.getLocalPort());
            assertThatThrownBy(() -> join(address, SOON))
                    .isInstanceOf(LibrettoException.class)
                    .hasMessage(
                            "worker %s did not answer within 1 s, but its port is open; see whether it is stopped or overloaded",
                            address);
        }
    }

    @Test
    void serverOfAnotherProgramIsNamed() throws IOException {
        HostAddress other = free();
        TensorFlowServer.start(other, Set.of());
        assertThatThrownBy(() -> join(other, LONG))
                .isInstanceOf(LibrettoException.class)
                .hasMessage(
                        "what listens on %s is not a worker of Libretto; start one there with \"libretto worker --listen %s\"",
                        other, other);
    }

    @Test
    void portInUseIsNamed() throws IOException {
        try (ServerSocket used = new ServerSocket(0)) {
            HostAddress address = HostAddress.of(InetAddress.getLoopbackAddress(), used.getLocalPort());
            assertThatThrownBy(() -> TensorFlowServer.start(address, Set.of()))
                    .isInstanceOf(LibrettoException.class)
                    .hasMessage("cannot listen on port %d: Address already in use; use another port", address.port());
        }
    }

    @Test
    void workerIsFoundAndTheChiefHasAnAddressThatReachesIt() throws IOException {
        HostAddress address = free();
        TensorFlowServer.startWorker(address, Set.of());

        Cluster cluster = join(address, LONG);

        assertThat(cluster.chief().host()).isEqualTo("127.0.0.1");
        assertThat(cluster.workers()).singleElement().satisfies(worker -> {
            assertThat(worker.address()).isEqualTo(address);
            assertThat(worker.info().libretto()).isEqualTo(Build.current().version());
            assertThat(worker.info().tensorflow()).isEqualTo(TensorFlowSetup.version());
            assertThat(worker.info().cores()).isEqualTo(Runtime.getRuntime().availableProcessors());
            assertThat(worker.info().devices()).isEqualTo(List.of("CPU"));
        });
    }

    /** A session on a cluster with lost hosts is closed in the background, while the chief opens the next one. */
    @Test
    void closingASessionLateKeepsTheClaimOfTheNextOne() throws IOException {
        HostAddress address = free();
        TensorFlowServer.startWorker(address, Set.of());
        Sessions.use(join(address, LONG));
        try {
            PartsSession lost = Sessions.openForParts(Sessions.newGraph(), 2);
            PartsSession next = Sessions.openForParts(Sessions.newGraph(), 2);
            String claim = Notice.CHIEF.read(address, LONG);
            lost.close();
            assertThat(Notice.CHIEF.read(address, LONG)).isEqualTo(claim).isNotEmpty();
            next.close();
            assertThat(Notice.CHIEF.read(address, LONG)).isEmpty();
        } finally {
            Sessions.use((Cluster) null);
        }
    }

    @Test
    void failuresOfTheNetworkAreTold() throws IOException {
        HostAddress address = free();
        TensorFlowServer.startWorker(address, Set.of());
        Cluster cluster = join(address, LONG);
        assertThatCode(() -> cluster.explain(new TensorFlowException("OOM when allocating tensor")))
                .doesNotThrowAnyException();
        for (String message : List.of(
                "Deadline Exceeded", "DNS:{\"description\":\"Failed to pick subchannel\"}", "{\"grpc_status\":14}")) {
            assertThatThrownBy(() -> cluster.explain(new TensorFlowException(message)))
                    .isInstanceOf(LibrettoException.class)
                    .hasMessage(
                            "a batch failed or took longer than 600 s (the first 6000 s), although each worker answers this host; check that the workers"
                                    + " reach each other, and this host at %s, or allow more time with --worker-timeout",
                            cluster.chief());
        }
    }

    @Test
    void workerMustComputeTheSameBits() throws LibrettoException {
        HostAddress worker = HostAddress.parse("w:1");
        WorkerInfo slower = new WorkerInfo("0.1.0", "2.18.0", "linux-x86_64-gpu", "float32", "", 1, TWO_GPUS, "2-2");
        assertThatCode(() -> slower.requireLike(INFO, worker)).doesNotThrowAnyException();
        for (WorkerInfo other : List.of(
                new WorkerInfo(
                        "0.2.0", "2.18.0", "linux-x86_64-gpu", "float32", "EPYC", 2, List.of("CPU", "GPU"), "1-1"),
                new WorkerInfo(
                        "0.1.0", "2.21.0", "linux-x86_64-gpu", "float32", "EPYC", 2, List.of("CPU", "GPU"), "1-1"),
                new WorkerInfo("0.1.0", "2.18.0", "linux-x86_64", "float32", "EPYC", 2, List.of("CPU", "GPU"), "1-1"),
                new WorkerInfo("0.1.0", "2.18.0", "linux-x86_64-gpu", "tf32", "EPYC", 2, List.of("CPU", "GPU"), "1-1"),
                new WorkerInfo("0.1.0", "2.18.0", "linux-x86_64-gpu", "float32", "EPYC", 2, List.of("CPU"), "1-1"))) {
            assertThatThrownBy(() -> other.requireLike(INFO, worker))
                    .isInstanceOf(LibrettoException.class)
                    .hasMessageStartingWith("worker w:1 has Libretto ")
                    .hasMessageEndingWith(
                            "; this host has Libretto 0.1.0, TensorFlow 2.18.0 for linux-x86_64-gpu on a GPU, precision float32; use the same on both");
        }
    }

    @Test
    void whatAWorkerSaysIsReadBack() throws LibrettoException {
        HostAddress worker = HostAddress.parse("w:1");
        assertThat(WorkerInfo.parse(INFO.text(), worker)).isEqualTo(INFO);
        for (String text :
                List.of("", "hello", INFO.text() + "\nmore", INFO.text().replace("\n2\n", "\ntwo\n"))) {
            assertThatThrownBy(() -> WorkerInfo.parse(text, worker))
                    .isInstanceOf(LibrettoException.class)
                    .hasMessageStartingWith("worker w:1 runs another version of Libretto; install version ");
        }
    }

    @Test
    void eachGpuOfAHostIsADevice() {
        WorkerInfo two = new WorkerInfo("", "", "", "", "", 1, TWO_GPUS, "");
        Cluster cluster = new Cluster(
                HostAddress.parse("c:1"),
                List.of(
                        new Cluster.Worker(HostAddress.parse("w:1"), two),
                        new Cluster.Worker(HostAddress.parse("w:2"), INFO)),
                Duration.ofSeconds(30));
        assertThat(cluster.devices())
                .extracting(DeviceSpec::toString)
                .containsExactly(
                        "/job:libretto/replica:0/task:0/device:CPU:0",
                        "/job:libretto/replica:0/task:1/device:GPU:0",
                        "/job:libretto/replica:0/task:1/device:GPU:1",
                        "/job:libretto/replica:0/task:2/device:GPU:0");
    }

    /** Without soft placement, an operation without a kernel for GPUs could not be where its device is named. */
    @Test
    void sessionOnGpusPlacesSoftly() throws LibrettoException {
        // The switch of TF32 is in TensorFlow's library.
        TensorFlow.version();
        Cluster cluster = new Cluster(HostAddress.parse("c:1"), List.of(), Duration.ofSeconds(30));
        assertThat(cluster.config().getAllowSoftPlacement()).isFalse();
        Sessions.use(new Device(List.of(FakeCuda.OLD, FakeCuda.NEW)), Precision.FLOAT32);
        try {
            assertThat(cluster.config().getAllowSoftPlacement()).isTrue();
            assertThat(cluster.devices()).hasSize(2);
            Sessions.use(cluster);
            assertThat(Sessions.countGpus()).isEqualTo(2);
        } finally {
            Sessions.use((Cluster) null);
            Devices.Choice.CPU.use();
        }
        assertThat(Sessions.countGpus()).isZero();
    }

    /** TensorFlow takes zero for no limit, with which a lost worker would be waited for without end. */
    @Test
    void limitIsFromASecondToADay() {
        for (Duration wrong : List.of(Duration.ZERO, Duration.ofMillis(999), Duration.ofDays(25))) {
            assertThatThrownBy(() -> join(HostAddress.parse("127.0.0.1:1"), wrong))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining(wrong.toMillis() + " ms; it must be from a second to a day");
        }
    }

    /** Without the list a worker would need a configuration of its own; without the options a lost worker hangs the chief. */
    @Test
    void sessionBringsTheListOfHostsAndItsLimits() {
        Cluster cluster = new Cluster(
                HostAddress.parse("10.0.0.1:7000"),
                List.of(
                        new Cluster.Worker(HostAddress.parse("w:1"), INFO),
                        new Cluster.Worker(HostAddress.parse("w:2"), INFO)),
                Duration.ofSeconds(30));
        ConfigProto config = cluster.config();

        assertThat(config.getClusterDef())
                .isEqualTo(ClusterDef.newBuilder()
                        .addJob(JobDef.newBuilder()
                                .setName("libretto")
                                .putTasks(0, "10.0.0.1:7000")
                                .putTasks(1, "w:1")
                                .putTasks(2, "w:2"))
                        .build());
        assertThat(cluster.chief().target()).isEqualTo("grpc://10.0.0.1:7000");
        assertThat(config.getIsolateSessionState()).isTrue();
        assertThat(config.getOperationTimeoutInMs()).isEqualTo(30_000);
        Sessions.use(cluster);
        assertThat(Sessions.firstRun().getTimeoutInMs()).isEqualTo(300_000);
        Sessions.use((Cluster) null);
        assertThat(Sessions.firstRun().getTimeoutInMs()).isZero();
        assertThat(config.getRpcOptions().getUseRpcForInprocessMaster()).isTrue();
        assertThat(config.getGraphOptions().getRewriteOptions().getDisableMetaOptimizer())
                .isTrue();
        assertThat(TensorFlowSetup.variables(Build.current())).containsEntry("GRPC_FAIL_FAST", "true");
    }
}
