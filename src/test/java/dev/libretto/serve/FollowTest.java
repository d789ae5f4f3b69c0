package dev.libretto.serve;

import static org.assertj.core.api.Assertions.assertThat;

import dev.libretto.cli.CliResult;
import dev.libretto.device.Devices.Choice;
import dev.libretto.device.HostAddress;
import dev.libretto.generate.ContinuousDecoder;
import dev.libretto.generate.Decoder;
import dev.libretto.generate.End;
import dev.libretto.generate.ScoredCharacter;
import dev.libretto.run.RunDirectory.Which;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class FollowTest {
    @TempDir
    private Path folder;

    private final List<String> log = new ArrayList<>();

    private ServedModel open(Path run) throws Exception {
        ServeConfig config = new ServeConfig(
                Optional.of(folder),
                new HostAddress("127.0.0.1", 0),
                Optional.empty(),
                TestServer.LIMITS,
                1 << 20,
                true);
        return new ServedModel(run, Which.LAST, Choice.CPU, config, log::add);
    }

    private void trainOn(Path run) {
        trainOn(run, 2);
    }

    private void trainOn(Path run, int epochs) {
        CliResult result = CliResult.of(
                folder.resolve("default"),
                "train",
                "--resume",
                run.toString(),
                "--epochs",
                Integer.toString(epochs),
                "--length",
                "1",
                "--device",
                "cpu");
        assertThat(result.exitCode()).as(result.err()).isZero();
    }

    @Test
    void newRequestsUseTheNewerCheckpointWhileOldOnesFinish() throws Exception {
        Path run = TestServer.train(folder.resolve("run"), "--max-chars", "500");
        try (ServedModel served = open(run)) {
            served.follow();
            try (OpenModel.Lease old = served.lease()) {
                trainOn(run);
                served.follow();
                try (OpenModel.Lease newer = served.lease()) {
                    assertThat(newer.model()).isNotSameAs(old.model());
                    assertThat(newer.model().weights().sha256())
                            .isNotEqualTo(old.model().weights().sha256());
                    // Both can still be used.
                    assertThat(old.decoder().counts().rows()).isZero();
                    assertThat(old.model().write("的", 5)).hasSize(6);
                    assertThat(counted(served, old)).isEqualTo(1);
                    assertThat(counted(served, newer)).isEqualTo(2);
                    assertThat(newer.model().write("的", 5)).hasSize(6);
                }
                served.follow();
                try (OpenModel.Lease again = served.lease()) {
                    assertThat(again.model()).isNotSameAs(old.model());
                }
            }
            assertThat(served.counts().misses()).as("counted by both").isEqualTo(2);
            assertThat(log)
                    .containsExactly("run: serving the checkpoint of epoch 2, step "
                            + Files.list(run.resolve("checkpoints"))
                                    .map(path -> Integer.parseInt(
                                            path.getFileName().toString().substring("step-".length())))
                                    .max(Integer::compare)
                                    .orElseThrow());
        }
    }

    /** Returns how many texts were read from the start, after one more was. */
    private static long counted(ServedModel served, OpenModel.Lease lease) throws InterruptedException {
        CountDownLatch ended = new CountDownLatch(1);
        lease.decoder().submit(new int[] {0, 1}, 0, Decoder.Options.greedy(1), new ContinuousDecoder.Listener() {
            @Override
            public void written(ScoredCharacter character) {}

            @Override
            public void ended(End end) {
                ended.countDown();
            }

            @Override
            public void failed(RuntimeException cause) {}
        });
        ended.await();
        return served.counts().misses();
    }

    @Test
    void damagedNewestCheckpointIsNotReportedAsServed() throws Exception {
        Path run = TestServer.train(folder.resolve("run"), "--max-chars", "500");
        try (ServedModel served = open(run);
                OpenModel.Lease old = served.lease()) {
            trainOn(run);
            damage(checkpoints(run).get(0));
            served.follow();
            served.follow();
            try (OpenModel.Lease lease = served.lease()) {
                assertThat(lease.model()).isSameAs(old.model());
            }
            assertThat(log).isNotEmpty().noneMatch(line -> line.contains("serving the checkpoint of epoch 2"));
        }
    }

    private static void damage(Path checkpoint) throws Exception {
        for (Path file : Files.list(checkpoint).toList()) {
            if (!file.toString().endsWith(".json")) {
                Files.write(file, new byte[1]);
            }
        }
    }

    @Test
    void logNamesTheCheckpointThatIsServedNotTheOneFound() throws Exception {
        Path run = TestServer.train(folder.resolve("run"), "--max-chars", "500");
        try (ServedModel served = open(run)) {
            trainOn(run, 2);
            Path second = checkpoints(run).get(0);
            trainOn(run, 3);
            assertThat(checkpoints(run)).element(1).isEqualTo(second);
            damage(checkpoints(run).get(0));
            served.follow();
            assertThat(log)
                    .filteredOn(line -> line.contains("serving"))
                    .singleElement()
                    .asString()
                    .startsWith("run: serving the checkpoint of epoch 2, step ");
        }
    }

    /** Returns the checkpoints, newest first. */
    private static List<Path> checkpoints(Path run) throws Exception {
        try (Stream<Path> entries = Files.list(run.resolve("checkpoints"))) {
            return entries.sorted(Comparator.reverseOrder()).toList();
        }
    }

    @Test
    void damagedCheckpointLeavesTheOlderOneInUseAndIsReportedOnce() throws Exception {
        Path run = TestServer.train(folder.resolve("run"), "--max-chars", "500");
        try (ServedModel served = open(run)) {
            Files.writeString(run.resolve("vocabulary.json"), "[");
            served.follow();
            served.follow();
            try (OpenModel.Lease lease = served.lease()) {
                assertThat(lease.model().write("的", 5)).hasSize(6);
            }
            assertThat(log).singleElement().asString().startsWith("warning: run: still serving the older checkpoint: ");
        }
    }

    @Test
    void closingFailsTextsOfOlderWeights() throws Exception {
        Path run = TestServer.train(folder.resolve("run"), "--max-chars", "500");
        ServedModel served = open(run);
        try (OpenModel.Lease old = served.lease()) {
            CompletableFuture<End> end = new CompletableFuture<>();
            Decoder.Options options = Decoder.Options.greedy(Integer.MAX_VALUE);
            old.decoder().submit(new int[1], 0, options, new ContinuousDecoder.Listener() {
                @Override
                public void written(ScoredCharacter character) {}

                @Override
                public void ended(End reason) {
                    end.complete(reason);
                }

                @Override
                public void failed(RuntimeException cause) {
                    end.completeExceptionally(cause);
                }
            });
            trainOn(run);
            served.follow();
            served.close();
            assertThat(end).isCompletedExceptionally();
        }
    }
}
