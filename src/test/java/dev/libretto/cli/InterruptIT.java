package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.libretto.run.RunDirectory;
import dev.libretto.train.Progress;
import dev.libretto.train.TrainConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Ctrl-C, SIGTERM and SIGHUP at any stage leave complete files. */
class InterruptIT {
    /** So many time steps that a signal arrives while TensorFlow prepares their graph. */
    private static final String SLOW_START =
            "train --cell lstm --layers 2 --hidden-size 8 --batch-size 2 --seq-length " + TrainConfig.MAX_SEQ_LENGTH;

    @TempDir
    private Path folder;

    @TempDir
    private Path outside;

    private Path err;
    /** What a terminal receives. */
    private Path screen;

    /** Otherwise the launcher may first create the class archive, and bash would receive the signal for Java. */
    @BeforeAll
    static void startOnce() throws Exception {
        assertThat(Program.run(new ProcessBuilder(Program.LAUNCHER, "--version"))
                        .exitCode())
                .isZero();
    }

    @BeforeEach
    void createFiles() throws IOException {
        err = Files.createFile(outside.resolve("err"));
        screen = outside.resolve("screen");
    }

    @ParameterizedTest
    @CsvSource({"INT, 130", "TERM, 143", "HUP, 129"})
    void newRunInterruptedBeforeItsFirstBatchLeavesNothing(String signal, int exitCode) throws Exception {
        Process terminal = inTerminal(SLOW_START + " --run slow");
        awaitTask(terminal, "preparing", 1);
        signalProgram(terminal, signal);

        assertThat(terminal.waitFor()).isEqualTo(exitCode);
        assertThat(printed()).endsWith("interrupted before the first batch; nothing was saved");
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void resumedRunInterruptedBeforeItsFirstBatchIsUnchanged() throws Exception {
        assertThat(run(SLOW_START + " --run " + folder.resolve("slow") + " --epochs 0")
                        .exitCode())
                .isZero();
        // More epochs than in the configuration, and a row newer than the checkpoint: training would write both.
        Files.writeString(folder.resolve("slow/metrics.csv"), "1,2.5", StandardOpenOption.APPEND);
        Map<String, String> before = Snapshot.of(folder.resolve("slow"));
        Process terminal = inTerminal("train --resume slow --epochs 3");
        awaitTask(terminal, "preparing", 1);
        signalProgram(terminal, "INT");

        assertThat(terminal.waitFor()).isEqualTo(130);
        assertThat(printed()).endsWith("interrupted before the first batch; nothing was saved");
        assertThat(Snapshot.of(folder.resolve("slow"))).isEqualTo(before);
    }

    @Test
    void oneSignalInterruptsDrawingWeights() throws Exception {
        // A QR decomposition of 3000 by 3000 takes seconds, and there are eight.
        Process terminal = inTerminal("train --hidden-size 3000 --layers 8 --run large");
        awaitTask(terminal, "drawing weights", 1);
        signalProgram(terminal, "TERM");

        assertThat(terminal.waitFor()).isEqualTo(143);
        assertThat(printed()).containsExactly("interrupted before the first batch; nothing was saved");
        assertThat(screen).content().as("the last layer was not drawn").doesNotContain("layer_7");
        assertThat(folder).isEmptyDirectory();
    }

    /** Writing a run takes less time than reading the weights, so it is completed. */
    @Test
    void importedRunIsWrittenBeforeASignalEndsTheProcess() throws Exception {
        Path large = folder.resolve("large");
        // Many weights, with a single matrix that must be made orthogonal, which takes long.
        String model = "train --cell rnn --embedding-size 6000 --hidden-size 2000 --epochs 0 --run " + large;
        assertThat(run(model).exitCode()).isZero();
        assertThat(run("export --run " + large + " --out " + folder.resolve("w.safetensors"))
                        .exitCode())
                .isZero();
        Process process = start("import --weights w.safetensors --run back");
        while (process.isAlive() && !Files.exists(folder.resolve("back/config.json"))) {
            Thread.sleep(1);
        }
        Program.signal(process.pid(), "TERM");

        assertThat(process.waitFor()).isEqualTo(143);
        assertThat(RunDirectory.open(folder.resolve("back"))
                        .newest(warning -> {})
                        .progress())
                .isEqualTo(Progress.start());
        assertThat(folder.resolve("back/checkpoints")).isDirectoryContaining("glob:**/step-00000000");
        assertThat(folder.resolve("back/checkpoints/unfinished")).doesNotExist();
    }

    /** A closed terminal sends SIGHUP and nobody reads stdout and stderr. */
    @Test
    void closedTerminalSavesACheckpoint() throws Exception {
        Process process = new ProcessBuilder(
                        "env",
                        "--default-signal=HUP",
                        Program.LAUNCHER,
                        "train",
                        "--report-every",
                        "1",
                        "--run",
                        "kept")
                .directory(folder.toFile())
                .start();
        awaitMetrics("kept");
        process.getInputStream().close();
        process.getErrorStream().close();
        Program.signal(process.pid(), "HUP");

        assertThat(process.waitFor()).isEqualTo(129);
        RunDirectory run = RunDirectory.open(folder.resolve("kept"));
        long rows = Files.readAllLines(folder.resolve("kept/metrics.csv")).size() - 1;
        // The checkpoint is from the signal, not from the last minute.
        assertThat(run.newest(warning -> {}).progress().epoch())
                .isEqualTo((int) rows)
                .isPositive();
    }

    @Test
    void ignoredHangUpStaysIgnored() throws Exception {
        Process process = new ProcessBuilder(
                        "nohup", Program.LAUNCHER, "train", "--epochs", "15", "--report-every", "1", "--run", "whole")
                .directory(folder.toFile())
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(err.toFile())
                .start();
        awaitMetrics("whole");
        Program.signal(process.pid(), "HUP");

        assertThat(process.waitFor()).isZero();
        assertThat(Files.readAllLines(folder.resolve("whole/metrics.csv"))).hasSize(16);
    }

    /** Native destructors sometimes crash while other threads compute. */
    @Test
    void interruptedComputationDoesNotCrash() throws Exception {
        assertThat(run("train --epochs 1 --run " + folder.resolve("run")).exitCode())
                .isZero();
        Files.writeString(folder.resolve("long.txt"), "想你的时候".repeat(200_000));
        for (int i = 1; i <= 5; i++) {
            Process terminal = inTerminal("evaluate --run run --corpus long.txt");
            // A different moment each time; the bar is drawn four times a second.
            awaitTask(terminal, "evaluating", i);
            signalProgram(terminal, "INT");

            assertThat(terminal.waitFor()).isEqualTo(130);
            assertThat(printed()).isEmpty();
        }
    }

    /** Starts the program in a terminal. */
    private Process inTerminal(String arguments) throws IOException {
        String command = "exec env --default-signal=INT,TERM,HUP " + Program.IN_BASH + " " + arguments;
        ProcessBuilder builder = new ProcessBuilder(
                        "script", "--quiet", "--return", "--flush", "--command", command, "/dev/null")
                .directory(folder.toFile())
                .redirectOutput(screen.toFile());
        builder.environment().put("TERM", "xterm");
        return builder.start();
    }

    /** Waits until the terminal's status line has shown a task so many times. */
    private void awaitTask(Process terminal, String task, int times) throws Exception {
        while (terminal.isAlive() && Files.readString(screen).split(task, -1).length <= times) {
            Thread.sleep(20);
        }
    }

    private static void signalProgram(Process terminal, String signal) throws Exception {
        Program.signal(terminal.children().findFirst().orElseThrow().pid(), signal);
    }

    /** Returns the terminal's lines without the status line. */
    private List<String> printed() throws IOException {
        return Stream.of(Files.readString(screen).split("\r\n"))
                .map(line -> line.substring(line.lastIndexOf('\r') + 1).replace("\u001b[K", ""))
                .filter(line -> !line.isEmpty())
                .toList();
    }

    /** Runs a command in this process, which takes less time to start. */
    private CliResult run(String command) {
        return CliResult.of(outside.resolve("runs"), command.split(" "));
    }

    private Process start(String arguments) throws IOException {
        return new ProcessBuilder(
                        "bash",
                        "-c",
                        "exec env --default-signal=INT,TERM,HUP " + Program.IN_BASH + " " + arguments + " 2>" + err)
                .directory(folder.toFile())
                .start();
    }

    private void awaitMetrics(String name) throws Exception {
        Path metrics = folder.resolve(name).resolve("metrics.csv");
        while (!Files.exists(metrics) || Files.readAllLines(metrics).size() < 3) {
            Thread.sleep(20);
        }
    }
}
