package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import dev.libretto.run.RunDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Training that is killed, runs out of disk space, or loses its directory. {@code -Dlibretto.kills=200} kills 200 times instead
 * of ten.
 */
class SurvivalIT {
    private static final int KILLS = Integer.getInteger("libretto.kills", 10);

    /** A checkpoint after every batch, so that most kills hit the writing of one. */
    private static final String SMALL =
            " --max-chars 650 --hidden-size 32 --seq-length 10 --batch-size 4 --parts 2 --epochs 6"
                    + " --learning-rate 10 --clip-norm 0.1 --checkpoint-every 1b --report-every 1 --length 5";

    @TempDir
    private Path folder;

    @Test
    void killedRunResumesToTheSameWeights() throws Exception {
        Path whole = folder.resolve("whole");
        assertThat(run("train --run " + whole + SMALL).exitCode()).isZero();
        String text = run("generate --run " + whole + " --prefix 一 --length 50").out();
        Random random = new Random();
        for (int kill = 0; kill < KILLS; kill++) {
            Path killed = folder.resolve("killed-" + kill);
            Process process = start("train --run " + killed + SMALL, folder.resolve("err"));
            while (process.isAlive() && !Files.exists(killed)) {
                Thread.sleep(5);
            }
            long delay = random.nextLong(1_500_000_000);
            TimeUnit.NANOSECONDS.sleep(delay);
            process.destroyForcibly().waitFor();

            CliResult rest = run(
                    hasCheckpoint(killed) ? "train --resume " + killed : "train --overwrite --run " + killed + SMALL);

            assertThat(rest.exitCode())
                    .as("killed after %d ns: %s", delay, rest.err())
                    .isZero();
            assertThat(rest.err()).doesNotContain("warning");
            assertSameWeights(killed, whole);
            assertThat(untimed(killed)).as("killed after %d ns", delay).isEqualTo(untimed(whole));
            assertThat(run("generate --run " + killed + " --prefix 一 --length 50")
                            .out())
                    .isEqualTo(text);
        }
    }

    @Test
    void secondProcessCannotWriteTheSameRun() throws Exception {
        Path one = folder.resolve("one");
        Process first = start("train --run " + one + " --epochs 10000 --report-every 1", folder.resolve("err"));
        awaitMetrics(one);
        CliResult second = run("train --resume " + one);
        first.destroyForcibly().waitFor();

        assertThat(second.exitCode()).isEqualTo(1);
        assertThat(lastLine(second.err()))
                .isEqualTo("libretto train: " + one + " is being trained by another process;"
                        + " wait until it ends, or use another directory");
        assertThat(run("train --resume " + one + " --epochs 1").exitCode()).isZero();
    }

    @Test
    void secondSignalEndsAtOnce() throws Exception {
        // A batch of 3e11 operations takes far longer than the second signal, sent after the message about the first.
        Process process = start(
                "train --run slow --max-chars 0 --hidden-size 1500 --seq-length 200 --batch-size 64",
                folder.resolve("err"));
        // Then the first batch has been computed.
        while (!Files.isSymbolicLink(folder.resolve("runs/latest"))) {
            Thread.sleep(10);
        }
        Program.signal(process.pid(), "INT");
        while (process.isAlive() && !Files.readString(folder.resolve("err")).contains("stopping after this batch")) {
            Thread.sleep(5);
        }
        Program.signal(process.pid(), "INT");

        assertThat(process.waitFor()).isEqualTo(130);
        assertThat(Files.readString(folder.resolve("err"))).doesNotContain("stopped in epoch");
    }

    @Test
    void deletedRunDirectoryFails() throws Exception {
        Process process = start("train --run here --epochs 10000 --checkpoint-every 1", folder.resolve("err"));
        awaitMetrics(folder.resolve("here"));
        Files.move(folder.resolve("here"), folder.resolve("elsewhere"));

        assertThat(process.waitFor()).isEqualTo(1);
        String err = Files.readString(folder.resolve("err"));
        assertThat(lastLine(err))
                .startsWith("libretto train: could not write ")
                .contains("does not exist")
                .endsWith("there is no checkpoint in here");
        assertThat(run("generate --run " + folder.resolve("elsewhere") + " --prefix 分")
                        .exitCode())
                .isZero();
    }

    /** Uses a small file system as the disk. */
    @Test
    void fullDiskFailsAndKeepsOlderCheckpoints() throws Exception {
        CliResult full = inSmallFileSystem("size=2m", "train --run disk/run --keep 1000" + SMALL);

        assertThat(full.out()).contains("exit 1").contains("generate 0");
        assertThat(full.err().lines().filter(line -> line.startsWith("libretto")))
                .singleElement()
                .asString()
                .startsWith("libretto train: could not write ")
                .contains("No space left on device")
                .containsPattern(
                        "the checkpoint of epoch \\d+, step \\d+ was saved; fix the problem, then resume this run");
    }

    @Test
    void readOnlyFileSystemFails() throws Exception {
        CliResult readOnly = inSmallFileSystem("ro", "train --run disk/run --epochs 1");

        assertThat(readOnly.out()).contains("exit 1");
        assertThat(readOnly.err().lines().filter(line -> line.startsWith("libretto train")))
                .singleElement()
                .asString()
                .contains("disk/run")
                .endsWith("Read-only file system");
    }

    /** Runs a command in a mount namespace where {@code disk} is its own file system, then generates with the run. */
    private CliResult inSmallFileSystem(String options, String command) throws Exception {
        String unshare = "unshare --mount " + (isRoot() ? "" : "--user --map-root-user ");
        assumeTrue(
                bash(unshare + "mount -t tmpfs -o size=1m tmpfs .").exitCode() == 0,
                "this machine does not let the test mount a file system");
        Files.createDirectories(folder.resolve("disk"));
        String script = "mount -t tmpfs -o " + options + " tmpfs disk; " + Program.IN_BASH + " " + command
                + "; echo exit $?; " + Program.IN_BASH + " generate --run disk/run --prefix 一; echo generate $?";
        return bash(unshare + "bash -c '" + script + "'");
    }

    private boolean isRoot() throws Exception {
        return bash("id -u").out().strip().equals("0");
    }

    private static boolean hasCheckpoint(Path run) throws IOException {
        Path checkpoints = run.resolve("checkpoints");
        if (!Files.isDirectory(checkpoints)) {
            return false;
        }
        try (Stream<Path> saved = Files.list(checkpoints)) {
            return saved.anyMatch(path -> path.getFileName().toString().startsWith("step-"));
        }
    }

    private static void awaitMetrics(Path run) throws Exception {
        Path metrics = run.resolve("metrics.csv");
        while (!Files.exists(metrics) || Files.readAllLines(metrics).size() < 3) {
            Thread.sleep(20);
        }
    }

    private static String lastLine(String text) {
        return text.lines().reduce((first, second) -> second).orElseThrow();
    }

    private static void assertSameWeights(Path one, Path two) throws IOException {
        Weights first = RunDirectory.open(one).newest(warning -> {}).weights();
        Weights second = RunDirectory.open(two).newest(warning -> {}).weights();
        for (Parameter parameter : first.parameters()) {
            assertThat(first.of(parameter)).containsExactly(second.of(parameter));
        }
    }

    private static List<String> untimed(Path run) throws IOException {
        List<String> rows = new ArrayList<>();
        for (String row : Files.readAllLines(run.resolve("metrics.csv"))) {
            String[] cells = row.split(",");
            rows.add(String.join(",", cells[0], cells[1], cells[2], cells[5], cells[6]));
        }
        return rows;
    }

    /** Runs a command in this process, which takes less time to start. */
    private CliResult run(String command) {
        return CliResult.of(folder.resolve("runs"), command.split(" "));
    }

    private CliResult bash(String script) throws Exception {
        return Program.run(new ProcessBuilder("bash", "-c", script).directory(folder.toFile()));
    }

    private Process start(String command, Path err) throws IOException {
        return new ProcessBuilder("bash", "-c", "exec env --default-signal=INT " + Program.IN_BASH + " " + command)
                .directory(folder.toFile())
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(err.toFile())
                .start();
    }
}
