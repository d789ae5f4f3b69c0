package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import dev.libretto.run.RunDirectory;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A chief and its workers, each a process, of which some are late, stopped or killed. */
class HostsIT {
    private static final String TINY =
            " --device cpu --max-chars 650 --hidden-size 8 --batch-size 4 --parts 4 --length 5";

    /** Takes seconds, with a checkpoint after every epoch. */
    private static final String LONG =
            TINY + " --seq-length 10 --optimizer adam --epochs 30 --checkpoint-every 1 --report-every 30";

    /** The run of {@link #LONG} on one host. */
    private static Path whole;

    @TempDir
    private Path folder;

    /** Each process by the name of the file that has what it prints. */
    private final Map<String, Process> processes = new HashMap<>();

    @BeforeAll
    static void trainAlone(@TempDir Path outside) throws Exception {
        assertThat(run(outside, "train --run whole" + LONG).exitCode()).isZero();
        whole = outside.resolve("whole");
    }

    @AfterEach
    void killAll() {
        processes.values().forEach(Process::destroyForcibly);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--cell rnn --seq-length 70 --learning-rate 1 --clip-norm 1",
                "--cell gru --seq-length 10 --embedding-size 6 --optimizer adam --sampling random",
                "--cell lstm --seq-length 70 --layers 2 --freeze 0 --dropout 0.3 --optimizer adam --validation-fraction 0.3",
                "--cell gru --seq-length 70 --layers 2 --documents lines --optimizer adam --validation-fraction 0.3"
            })
    void anyNumberOfHostsGivesTheSameRun(String settings) throws Exception {
        String one = startWorker("one");
        String two = startWorker("two");
        String line = TINY + " --epochs 4 --report-every 2 " + settings;
        CliResult alone = run("train --run alone" + line);
        assertThat(alone.exitCode()).as(alone.err()).isZero();

        for (String workers : List.of(one, one + "," + two)) {
            CliResult together = run("train --overwrite --run together" + line + with(workers));
            assertThat(together.exitCode()).as(together.err()).isZero();
            assertThat(untimed(together.out())).isEqualTo(untimed(alone.out()));
            assertSameRun(folder.resolve("together"), folder.resolve("alone"));
        }
    }

    @Test
    void runResumesOnAnotherNumberOfHosts() throws Exception {
        String one = startWorker("one");
        String two = startWorker("two");
        assertThat(run("train --run run" + LONG.replace("--epochs 30", "--epochs 10") + with(one + "," + two))
                        .exitCode())
                .isZero();
        assertThat(run("train --resume run --epochs 20").exitCode()).isZero();
        assertThat(run("train --resume run --epochs 30" + with(two)).exitCode()).isZero();
        assertUndisturbed();
    }

    @ParameterizedTest
    @CsvSource({"KILL, 137", "TERM, 143"})
    void lostWorkerEndsTrainingInOneLineThatContinuesIt(String signal, int exitCode) throws Exception {
        String worker = startWorker("worker");
        Process chief = start("chief", "train --run run" + LONG + with(worker));
        awaitEpochs(chief);
        Program.signal(processes.get("worker").pid(), signal);

        assertThat(processes.get("worker").waitFor()).isEqualTo(exitCode);
        assertThat(printed("worker")).hasLineCount(2);
        assertThat(chief.waitFor()).isEqualTo(1);
        String lost = "libretto train: worker " + worker + " refused the connection; start it there with"
                + " \"libretto worker --listen " + worker + "\"; continue with \"" + Shell.quote(Program.LAUNCHER)
                + " train --resume run" + with(worker) + "\"";
        assertThat(messages("chief")).containsExactly(lost);

        startWorker("worker", worker);
        assertThat(run("train --resume run" + with(worker)).exitCode()).isZero();
        assertUndisturbed();
    }

    @Test
    void chiefWaitsForALateAndARestartedWorker() throws Exception {
        String worker = freeAddress();
        Process chief = start("chief", "train --run run" + LONG + with(worker) + " --wait-for-workers");
        awaitPrinted("waiting for the workers", "chief");
        startWorker("worker", worker);
        awaitEpochs(chief);
        processes.get("worker").destroyForcibly().waitFor();
        awaitPrinted("waiting for the workers\n.*waiting for the workers\n", "chief");
        startWorker("worker", worker);

        assertThat(chief.waitFor()).as(printed("chief")).isZero();
        String refused = "warning: worker " + worker + " refused the connection; start it there with"
                + " \"libretto worker --listen " + worker + "\"";
        assertThat(messages("chief")).hasSize(6).startsWith(refused, "waiting for the workers", refused);
        assertThat(messages("chief").subList(3, 5)).containsExactly("waiting for the workers", "all workers are there");
        assertThat(messages("chief").get(5)).matches("resuming after epoch \\d+, batch \\d+ of the next");
        assertUndisturbed();
    }

    @Test
    void stoppedWorkerIsWaitedForUntilItGoesOn() throws Exception {
        String worker = startWorker("worker");
        Process chief =
                start("chief", "train --run run" + LONG + with(worker) + " --wait-for-workers --worker-timeout 3");
        awaitEpochs(chief);
        Program.signal(processes.get("worker").pid(), "STOP");
        awaitPrinted("waiting for the workers", "chief");
        Program.signal(processes.get("worker").pid(), "CONT");

        assertThat(chief.waitFor()).as(printed("chief")).isZero();
        assertThat(messages("chief"))
                .contains("warning: worker " + worker
                        + " did not answer within 3 s, but its port is open; see whether it is stopped or overloaded");
        assertUndisturbed();
    }

    @Test
    void signalEndsAChiefThatWaits() throws Exception {
        String worker = startWorker("worker");
        Process chief = start("chief", "train --run run" + LONG + with(worker) + " --wait-for-workers");
        awaitEpochs(chief);
        processes.get("worker").destroyForcibly().waitFor();
        awaitPrinted("waiting for the workers", "chief");
        Program.signal(chief.pid(), "TERM");

        assertThat(chief.waitFor()).isEqualTo(143);
        assertThat(printed("chief"))
                .endsWith("continue with \"" + Shell.quote(Program.LAUNCHER) + " train --resume run" + with(worker)
                        + " --wait-for-workers\"\n");
    }

    @Test
    void workerOfAKilledChiefServesTheNextOne() throws Exception {
        String worker = startWorker("worker");
        Process chief = start("chief", "train --run run" + LONG + with(worker));
        awaitEpochs(chief);
        chief.destroyForcibly().waitFor();

        CliResult next = run("train --resume run" + with(worker));
        assertThat(next.exitCode()).as(next.err()).isZero();
        assertThat(printed("worker")).hasLineCount(2);
        assertUndisturbed();
    }

    /** Every host runs the same command. */
    @Test
    void rolesComeFromTfConfig() throws Exception {
        String cluster = "TF_CONFIG='{\"cluster\": {\"chief\": [\"" + freeAddress() + "\"], \"worker\": [\""
                + freeAddress() + "\"]}, \"task\": {\"type\": \"%s\", \"index\": 0}}' ";
        String line = "train --run run" + TINY + " --seq-length 10 --epochs 2 --insecure-network --wait-for-workers";
        start("worker", cluster.formatted("worker"), line);
        Process chief = start("chief", cluster.formatted("chief"), line);
        Process evaluator = start("evaluator", cluster.formatted("evaluator"), line);

        assertThat(evaluator.waitFor()).isZero();
        assertThat(printed("evaluator"))
                .isEqualTo("TF_CONFIG makes this host an evaluator, for which there is nothing to do\n");
        assertThat(chief.waitFor()).as(printed("chief")).isZero();
        assertThat(printed("worker")).contains("ready on CPU");
        assertThat(run("train --run alone" + TINY + " --seq-length 10 --epochs 2")
                        .exitCode())
                .isZero();
        assertSameRun(folder.resolve("run"), folder.resolve("alone"));
    }

    private void assertUndisturbed() throws IOException {
        assertSameRun(folder.resolve("run"), whole);
    }

    /** Compares all but the times. */
    private static void assertSameRun(Path one, Path other) throws IOException {
        Weights first = RunDirectory.open(one).newest(warning -> {}).weights();
        Weights second = RunDirectory.open(other).newest(warning -> {}).weights();
        for (Parameter parameter : first.parameters()) {
            assertThat(first.of(parameter)).as(parameter.name()).containsExactly(second.of(parameter));
        }
        assertThat(metrics(one)).isEqualTo(metrics(other));
    }

    private static List<String> metrics(Path run) throws IOException {
        List<String> rows = new ArrayList<>();
        for (String row : Files.readAllLines(run.resolve("metrics.csv"))) {
            String[] cells = row.split(",", -1);
            // Without seconds and characters per second.
            rows.add(String.join(",", cells[0], cells[1], cells[2], cells[5], cells[6], cells[7], cells[8]));
        }
        return rows;
    }

    private static String untimed(String reports) {
        return reports.replaceAll("time [0-9.]+ sec", "");
    }

    private static String with(String workers) {
        return " --workers " + Shell.quote(workers) + " --insecure-network";
    }

    private static String freeAddress() throws IOException {
        try (ServerSocket any = new ServerSocket(0)) {
            return "127.0.0.1:" + any.getLocalPort();
        }
    }

    /** Returns the address of a new worker. */
    private String startWorker(String name) throws Exception {
        String address = freeAddress();
        startWorker(name, address);
        return address;
    }

    private void startWorker(String name, String address) throws Exception {
        start(name, "worker --device cpu --insecure-network --listen " + address);
        awaitPrinted("ready on", name);
    }

    private Process start(String name, String command) throws IOException {
        return start(name, "", command);
    }

    private Process start(String name, String environment, String command) throws IOException {
        Process process = new ProcessBuilder(
                        "bash",
                        "-c",
                        environment + "exec env --default-signal=INT,TERM " + Program.IN_BASH + " " + command)
                .directory(folder.toFile())
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(folder.resolve(name).toFile())
                .start();
        processes.put(name, process);
        return process;
    }

    private CliResult run(String command) throws Exception {
        return run(folder, command);
    }

    private static CliResult run(Path folder, String command) throws Exception {
        return Program.run(
                new ProcessBuilder("bash", "-c", Program.IN_BASH + " " + command).directory(folder.toFile()));
    }

    private String printed(String name) throws IOException {
        return Files.readString(folder.resolve(name));
    }

    /** Returns what a chief has printed besides its settings and how training ended. */
    private List<String> messages(String name) throws IOException {
        return printed(name)
                .lines()
                .filter(line ->
                        !line.matches("(corpus|batches|model|device|parts|memory|these characters|the run is|  ).*"
                                + "|warning: port .*|worker .*"))
                .toList();
    }

    private void awaitPrinted(String pattern, String name) throws Exception {
        while (processes.get(name).isAlive() && !printed(name).matches("(?s).*" + pattern + ".*")) {
            Thread.sleep(20);
        }
    }

    /** Waits until some epochs are over. */
    private void awaitEpochs(Process chief) throws Exception {
        Path metrics = folder.resolve("run/metrics.csv");
        while (chief.isAlive()
                && (!Files.exists(metrics) || Files.readAllLines(metrics).size() < 4)) {
            Thread.sleep(20);
        }
    }
}
