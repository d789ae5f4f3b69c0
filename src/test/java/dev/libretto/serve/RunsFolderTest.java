package dev.libretto.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import dev.libretto.cli.CliResult;
import dev.libretto.run.RunDirectory;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RunsFolderTest {
    @TempDir
    private static Path trained;

    @TempDir
    private Path folder;

    private Path run;
    private RunsFolder runs;

    @BeforeAll
    static void train() {
        CliResult result = CliResult.of(
                trained.resolve("runs"),
                ("train --device cpu --hidden-size 4 --layers 2 --seq-length 5 --batch-size 2 --max-chars 100 --epochs 3"
                                + " --report-every 1 --length 3 --checkpoint-every 1 --validation-fraction 0.2 --run "
                                + trained + "/run")
                        .split(" "));
        assertThat(result.exitCode()).as(result.err()).isZero();
    }

    @BeforeEach
    void copy() throws IOException {
        run = copyTo(folder.resolve("run"));
        runs = new RunsFolder(Optional.of(folder), Set.of(run.toRealPath()));
    }

    private static Path copyTo(Path target) throws IOException {
        Path source = trained.resolve("run");
        try (Stream<Path> tree = Files.walk(source)) {
            for (Path path : tree.toList()) {
                Files.copy(
                        path, target.resolve(source.relativize(path).toString()), StandardCopyOption.COPY_ATTRIBUTES);
            }
        }
        return target;
    }

    private List<String> names() throws IOException {
        return runs.list().get("data").findValuesAsText("name");
    }

    @Test
    void listAndDetailHaveWhatInfoKnows() throws IOException {
        JsonNode listed = runs.list().get("data").get(0);
        assertThat(listed.get("name").asText()).isEqualTo("run");
        assertThat(listed.get("epoch").asInt()).isEqualTo(3);
        assertThat(listed.get("best").get("of").asText()).isEqualTo("validation");
        assertThat(listed.get("training").asBoolean()).isFalse();
        assertThat(listed.get("served").asBoolean()).isTrue();

        JsonNode detail = runs.run("run").orElseThrow();
        assertThat(detail.get("curve").get("validation")).hasSize(3);
        assertThat(detail.get("curve").get("time").get(2).asDouble())
                .isGreaterThan(detail.get("curve").get("time").get(0).asDouble());
        assertThat(detail.get("texts").findValuesAsText("epoch")).containsExactly("1", "2", "3");
        assertThat(detail.get("texts").get(0).get("texts").get(0).asText()).hasSizeGreaterThan(3);
        assertThat(detail.get("info").get("run").asText()).isEqualTo("run");
        assertThat(detail.get("info").get("layers")).hasSize(3);
        assertThat(detail.toString()).doesNotContain(folder.toString(), trained.toString());
    }

    @Test
    void runThatIsBeingTrainedIsMarked() throws Exception {
        Path metrics = run.resolve("metrics.csv");
        List<String> lines = Files.readAllLines(metrics);
        Files.write(metrics, lines.subList(0, 3));

        Process training = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Resumed.class.getName(),
                        run.toString())
                .redirectErrorStream(true)
                .start();
        try (BufferedReader output = training.inputReader()) {
            assertThat(output.readLine()).isEqualTo(run.toString());
            JsonNode listed = runs.list().get("data").get(0);
            assertThat(listed.get("epoch").asInt()).isEqualTo(2);
            assertThat(listed.get("training").asBoolean()).isTrue();
        } finally {
            training.destroyForcibly().waitFor();
        }
        JsonNode listed = runs.list().get("data").get(0);
        assertThat(listed.get("epoch").asInt()).isEqualTo(2);
        assertThat(listed.get("training").asBoolean()).isFalse();
    }

    /** Holds the lock of a run until it is killed. */
    static final class Resumed {
        private Resumed() {}

        public static void main(String[] arguments) throws IOException {
            Path run = Path.of(arguments[0]);
            try (RunDirectory held = RunDirectory.resume(
                            run, RunDirectory.open(run).config(), warning -> {})
                    .run()) {
                System.out.println(held.path());
                LockSupport.park();
            }
        }
    }

    @Test
    void runThatIsNotBeingTrainedIsNotMarkedForAnyOfSeveralRequests() throws Exception {
        assertThat(run.resolve("lock")).exists();
        Callable<List<Boolean>> request = () -> {
            List<Boolean> marked = new ArrayList<>();
            for (int i = 0; i < 1000; i++) {
                marked.add(runs.list().get("data").get(0).get("training").asBoolean());
            }
            return marked;
        };
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            for (Future<List<Boolean>> marked : threads.invokeAll(Collections.nCopies(4, request))) {
                assertThat(marked.get()).containsOnly(false);
            }
        } finally {
            threads.shutdown();
        }
    }

    @Test
    void lockThatIsALinkIsNotFollowed(@TempDir Path outside) throws IOException {
        Files.delete(run.resolve("lock"));
        Files.createSymbolicLink(run.resolve("lock"), Files.createFile(outside.resolve("secret")));
        assertThat(runs.list().get("data").get(0).get("training").asBoolean()).isFalse();
        assertThatThrownBy(() -> RunDirectory.isBeingTrained(run)).isInstanceOf(IOException.class);
    }

    @Test
    void divergencesAreCounted() throws IOException {
        CliResult result = CliResult.of(
                folder,
                ("train --device cpu --hidden-size 4 --seq-length 5 --batch-size 2 --max-chars 100 --epochs 3 --length 3"
                                + " --learning-rate 1e30 --on-divergence rollback --max-rollbacks 2 --run "
                                + folder + "/diverged")
                        .split(" "));
        assertThat(result.err()).contains("diverged", "after 2 rollbacks");
        for (JsonNode listed : runs.list().get("data")) {
            assertThat(listed.get("rollbacks").asInt())
                    .isEqualTo(listed.get("name").asText().equals("diverged") ? 2 : 0);
        }
        assertThat(names()).containsExactlyInAnyOrder("run", "diverged");
    }

    @Test
    void infinitePerplexityIsNotTheBest() throws IOException {
        Path metrics = run.resolve("metrics.csv");
        // Loss and perplexity, of training and of validation.
        Files.writeString(
                metrics,
                Files.readString(metrics)
                        .replaceAll("(?m)^(\\d+,)[^,]*,[^,]*(,.*,)[^,]*,[^,]*$", "$11e999,Infinity$21e999,Infinity"));
        assertThat(runs.list().get("data").get(0).has("best")).isFalse();
        JsonNode info = runs.run("run").orElseThrow().get("info");
        assertThat(info.get("best").isNull()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"metrics.csv", "samples.jsonl", "config.json", "vocabulary.json"})
    void halfWrittenFileNeverBreaksTheView(String name) throws IOException {
        byte[] whole = Files.readAllBytes(run.resolve(name));
        for (int size = 0; size < whole.length; size += 1 + whole.length / 50) {
            try (RandomAccessFile file = new RandomAccessFile(run.resolve(name).toFile(), "rw")) {
                file.setLength(size);
            }
            assertThat(names()).containsExactly("run");
            JsonNode fresh = new RunsFolder(Optional.of(folder), Set.of())
                    .list()
                    .get("data")
                    .get(0);
            assertThat(fresh.get("name").asText()).isEqualTo("run");
            JsonNode detail = runs.run("run").orElseThrow();
            assertThat(detail.path("problem").asText()).doesNotContain(folder.toString());
            Files.write(run.resolve(name), whole);
        }
    }

    @Test
    void linksOutOfTheFolderAreNotFollowed(@TempDir Path outside) throws IOException {
        Path secret = Files.writeString(outside.resolve("secret"), "epoch,perplexity\n1,31337\n");
        copyTo(outside.resolve("foreign"));
        Files.createSymbolicLink(folder.resolve("latest"), run);
        Files.createSymbolicLink(folder.resolve("foreign"), outside.resolve("foreign"));
        Files.createDirectory(folder.resolve("only-config"));
        Files.createSymbolicLink(folder.resolve("only-config/config.json"), run.resolve("config.json"));
        Path linked = copyTo(folder.resolve("linked"));
        Files.delete(linked.resolve("metrics.csv"));
        Files.createSymbolicLink(linked.resolve("metrics.csv"), secret);

        assertThat(names()).containsExactlyInAnyOrder("run", "linked");
        assertThat(runs.list().toString()).doesNotContain("31337");
        assertThat(runs.run("linked").orElseThrow().toString())
                .doesNotContain("31337")
                .contains("is a symbolic link");
        assertThat(runs.run("foreign")).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ".", "..", "../run", "run/..", "run/checkpoints", "/etc", "run\0", "run/../run"})
    void otherNamesAreNotFound(String name) throws IOException {
        assertThat(runs.run(name)).isEmpty();
    }

    @Test
    void listChangesWithTheRun() throws IOException {
        assertThat(names()).containsExactly("run");
        copyTo(folder.resolve("another"));
        assertThat(names()).containsExactlyInAnyOrder("run", "another");
        Files.writeString(
                run.resolve("metrics.csv"),
                Files.readString(run.resolve("metrics.csv")).replaceFirst("\n3,[^\n]*\n", "\n"));
        assertThat(runs.list().get("data").findValuesAsText("epoch")).contains("2");
    }

    @Test
    void withoutAFolderOnlyServedRunsAreShown() throws IOException {
        copyTo(folder.resolve("other"));
        assertThat(names()).containsExactlyInAnyOrder("run", "other");
        runs = new RunsFolder(Optional.empty(), Set.of(run.toRealPath()));
        assertThat(names()).containsExactly("run");
        assertThat(runs.run("other")).isEmpty();
    }

    @Test
    void folderThatIsMissingHasNoRuns() throws IOException {
        assertThat(new RunsFolder(Optional.of(folder.resolve("none")), Set.of())
                        .list()
                        .get("data"))
                .isEmpty();
    }
}
