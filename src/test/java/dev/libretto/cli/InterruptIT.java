package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.libretto.run.RunDirectory;
import dev.libretto.train.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Ctrl-C, SIGTERM and SIGHUP at any stage leave complete files. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class InterruptIT {
    private static final String LAUNCHER = Path.of("libretto").toAbsolutePath().toString();
    /** The launcher as bash reads it, whose path may have spaces. */
    private static final String IN_BASH = "'" + LAUNCHER + "'";

    /** A graph so long that a signal arrives while TensorFlow prepares it. */
    private static final String SLOW_START =
            "train --cell lstm --layers 2 --hidden-size 8 --batch-size 2 --seq-length 400";

    @TempDir
    private Path folder;

    private Path err;

    /** Otherwise the launcher may first create the class archive, and bash would receive the signal for Java. */
    @BeforeEach
    void startOnce() throws Exception {
        err = Files.createFile(folder.resolve("err"));
        assertThat(start("--version", "/dev/null").waitFor()).isZero();
    }

    @ParameterizedTest
    @CsvSource({"INT, 130", "TERM, 143", "HUP, 129"})
    void newRunInterruptedBeforeItsFirstBatchLeavesNothing(String signal, int exitCode) throws Exception {
        Process process = start(SLOW_START + " --run slow", "/dev/null");
        await(process, "device: ");
        signal(process, signal);

        assertThat(process.waitFor()).isEqualTo(exitCode);
        assertThat(lastLine()).isEqualTo("interrupted before the first batch; nothing was saved");
        assertThat(folder.toFile().list()).containsExactly("err");
    }

    @Test
    void resumedRunInterruptedBeforeItsFirstBatchIsUnchanged() throws Exception {
        assertThat(start(SLOW_START + " --run slow --epochs 0", "/dev/null").waitFor())
                .isZero();
        // More epochs than in the configuration, and a row newer than the checkpoint: training would write both.
        Files.writeString(folder.resolve("slow/metrics.csv"), "1,2.5", StandardOpenOption.APPEND);
        Files.writeString(err, "");
        Map<String, String> before = Snapshot.of(folder.resolve("slow"));
        Process process = start("train --resume slow --epochs 3", "/dev/null");
        await(process, "resuming after epoch 0");
        signal(process, "INT");

        assertThat(process.waitFor()).isEqualTo(130);
        assertThat(lastLine()).isEqualTo("interrupted before the first batch; nothing was saved");
        assertThat(Snapshot.of(folder.resolve("slow"))).isEqualTo(before);
    }

    @Test
    void oneSignalInterruptsDrawingWeights() throws Exception {
        // A QR decomposition of 3000 by 3000 takes seconds, and there are eight.
        Process process = start("train --hidden-size 3000 --layers 8 --run large --debug", "/dev/null");
        awaitDrawing(process);
        signal(process, "TERM");

        assertThat(process.waitFor()).isEqualTo(143);
        assertThat(lastLine()).isEqualTo("interrupted before the first batch; nothing was saved");
        assertThat(folder.toFile().list()).containsExactly("err");
    }

    /** Writing a run takes less time than reading the weights, so it is completed. */
    @Test
    void importedRunIsWrittenBeforeASignalEndsTheProcess() throws Exception {
        String model = "train --cell lstm --hidden-size 2000 --epochs 0 --run large";
        assertThat(start(model, "/dev/null").waitFor()).isZero();
        assertThat(start("export --run large --out w.safetensors", "/dev/null").waitFor())
                .isZero();
        Process process = start("import --weights w.safetensors --run back", "/dev/null");
        while (process.isAlive() && !Files.exists(folder.resolve("back/config.json"))) {
            Thread.sleep(1);
        }
        signal(process, "TERM");

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
                        "env", "--default-signal=HUP", LAUNCHER, "train", "--report-every", "1", "--run", "kept")
                .directory(folder.toFile())
                .start();
        awaitMetrics("kept");
        process.getInputStream().close();
        process.getErrorStream().close();
        signal(process, "HUP");

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
                        "nohup", LAUNCHER, "train", "--epochs", "40", "--report-every", "1", "--run", "whole")
                .directory(folder.toFile())
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(err.toFile())
                .start();
        awaitMetrics("whole");
        signal(process, "HUP");

        assertThat(process.waitFor()).isZero();
        assertThat(Files.readAllLines(folder.resolve("whole/metrics.csv"))).hasSize(41);
    }

    /** Native destructors sometimes crash while other threads compute. */
    @Test
    void interruptedComputationDoesNotCrash() throws Exception {
        assertThat(start("train --epochs 1 --run run", "/dev/null").waitFor()).isZero();
        Files.writeString(folder.resolve("long.txt"), "想你的时候".repeat(200_000));
        for (int i = 0; i < 5; i++) {
            Files.writeString(err, "");
            Path out = folder.resolve("out");
            Process process = start("evaluate --run run --corpus long.txt", out.toString());
            // By then the checkpoint has been read; the exact moment does not matter.
            Thread.sleep(2500 + 300 * i);
            signal(process, "INT");

            assertThat(process.waitFor()).isEqualTo(130);
            assertThat(err).isEmptyFile();
            assertThat(out).isEmptyFile();
        }
    }

    private Process start(String arguments, String out) throws IOException {
        return new ProcessBuilder(
                        "bash",
                        "-c",
                        "exec env --default-signal=INT,TERM,HUP " + IN_BASH + " " + arguments + " >" + out + " 2>>"
                                + err)
                .directory(folder.toFile())
                .start();
    }

    private void await(Process process, String line) throws Exception {
        while (process.isAlive() && Files.readAllLines(err).stream().noneMatch(told -> told.startsWith(line))) {
            Thread.sleep(20);
        }
        // Gives TensorFlow time to build the graph.
        Thread.sleep(500);
    }

    /** Drawing weights writes nothing, so the processor time shows that it has started. */
    private void awaitDrawing(Process process) throws Exception {
        while (process.isAlive()
                && process.info().totalCpuDuration().orElseThrow().toSeconds() < 6) {
            Thread.sleep(50);
        }
    }

    private void awaitMetrics(String name) throws Exception {
        Path metrics = folder.resolve(name).resolve("metrics.csv");
        while (!Files.exists(metrics) || Files.readAllLines(metrics).size() < 3) {
            Thread.sleep(20);
        }
    }

    private String lastLine() throws IOException {
        return Files.readAllLines(err).stream()
                .reduce((first, second) -> second)
                .orElse("");
    }

    private static void signal(Process process, String signal) throws Exception {
        new ProcessBuilder("bash", "-c", "kill -" + signal + " " + process.pid())
                .start()
                .waitFor();
    }
}
