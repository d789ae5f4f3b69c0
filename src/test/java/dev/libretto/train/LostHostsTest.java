package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.NativeMemory;
import dev.libretto.TcpProxy;
import dev.libretto.TestModels;
import dev.libretto.device.Cluster;
import dev.libretto.device.Devices.Choice;
import dev.libretto.device.HostAddress;
import dev.libretto.device.Sessions;
import dev.libretto.device.TensorFlowServer;
import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import dev.libretto.text.Batches.Batch;
import java.io.IOException;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.tensorflow.exceptions.TensorFlowException;

/** Training with a worker in this process, to which the network breaks. */
class LostHostsTest {
    /** No test takes so long. */
    private static final Duration NEVER = Duration.ofHours(24);

    private static final ModelConfig MODEL = new ModelConfig(CellType.RNN, 7, 4, 1, 0, false);
    private static final TrainConfig TRAINING =
            TestModels.runConfig(MODEL, 3, 2, 1).training();
    private static final Checkpoint START = Checkpoint.start(MODEL, TRAINING, TestModels.randomWeights(MODEL, 1));
    private static final Batch BATCH =
            new Batch(TestModels.randomIds(6, 7, 2), TestModels.randomIds(6, 7, 3), false, new long[0]);

    private TcpProxy network;
    private Cluster cluster;

    @BeforeEach
    void startWorker() throws IOException {
        HostAddress worker;
        try (ServerSocket any = new ServerSocket(0)) {
            worker = HostAddress.parse("127.0.0.1:" + any.getLocalPort());
        }
        TensorFlowServer.startWorker(worker, Set.of());
        network = new TcpProxy(worker.port(), Duration.ZERO);
        HostAddress seen = HostAddress.parse("127.0.0.1:" + network.port());
        cluster = Cluster.join(List.of(seen), NEVER, Choice.CPU);
    }

    @AfterEach
    void close() throws IOException {
        Sessions.use((Cluster) null);
        network.close();
    }

    /** Fails a step by breaking the connections to a worker that does not answer, until {@link TcpProxy#speak}. */
    private void lose(TrainStep step) throws InterruptedException {
        AtomicBoolean isLost = new AtomicBoolean();
        network.silence();
        Thread breaking = new Thread(() -> {
            while (!isLost.get()) {
                try {
                    network.breakConnections();
                    Thread.sleep(20);
                } catch (IOException | InterruptedException e) {
                    throw new AssertionError(e);
                }
            }
        });
        breaking.start();
        assertThatThrownBy(() -> step.run(BATCH, 0.1, 2)).isInstanceOf(TensorFlowException.class);
        isLost.set(true);
        breaking.join();
    }

    @Test
    void closingDoesNotWaitForALostWorker() throws Exception {
        Sessions.use(cluster);
        try (TrainStep step = new TrainStep(MODEL, TRAINING, START)) {
            step.run(BATCH, 0.1, 1);
            lose(step);
        }
        network.speak();
    }

    @Test
    void losingAWorkerAgainAndAgainLeavesNothingOpen() {
        NativeMemory.assertFlat(20, () -> {
            try {
                Sessions.use(cluster.rejoin());
                try (TrainStep step = new TrainStep(MODEL, TRAINING, START)) {
                    assertThat(step.run(BATCH, 0.1, 1).loss()).isFinite();
                    lose(step);
                    network.speak();
                }
            } catch (IOException | InterruptedException e) {
                throw new AssertionError(e);
            }
        });
    }
}
