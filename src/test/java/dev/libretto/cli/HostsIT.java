package dev.libretto.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.libretto.TcpProxy;
import dev.libretto.device.HostAddress;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import dev.libretto.run.RunDirectory;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A chief and its workers, some of which are late, stopped, cut off or killed. Each that is lost is a process. */
class HostsIT {
    private static final String TINY =
            " --device cpu --max-chars 650 --hidden-size 8 --batch-size 4 --parts 4 --length 5";

    /** Takes seconds. */
    private static final String LONG = TINY + " --seq-length 10 --optimizer adam --epochs 20 --report-every 5";

    private static final String CHECKPOINTS = " --checkpoint-every 1";

    @TempDir
    private static Path outside;

    /** Workers that no test ends. */
    private static String one;

    private static String two;
    private static String three;

    /** Each process by the name of the file that has what it prints. */
    private static final Map<String, Process> PROCESSES = new HashMap<>();

    /** The run of {@link #LONG} on one host. */
    private static Path whole;

    @TempDir
    private Path folder;

    @BeforeAll
    static void startWorkersAndTrainAlone() throws Exception {
        one = freeAddress();
        two = freeAddress();
        three = freeAddress();
        start("one", worker(one));
        start("two", worker(two));
        start("three", worker(three));
        whole = outside.resolve("whole");
        assertThat(run("train --run " + whole + LONG + CHECKPOINTS).exitCode()).isZero();
        awaitPrinted("ready on", "one");
        awaitPrinted("ready on", "two");
        awaitPrinted("ready on", "three");
    }

    @AfterEach
    void killOthers() {
        PROCESSES.keySet().removeIf(name -> !List.of("one", "two", "three").contains(name) && kill(name));
    }

    @AfterAll
    static void killAll() {
        PROCESSES.keySet().removeIf(HostsIT::kill);
    }

    private static boolean kill(String name) {
        PROCESSES.get(name).destroyForcibly();
        return true;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "--cell rnn --seq-length 70 --learning-rate 1 --clip-norm 1",
                "--cell gru --seq-length 10 --embedding-size 6 --optimizer adam --sampling random",
                "--cell lstm --seq-length 70 --layers 2 --freeze 0 --dropout 0.3 --ema-decay 0.9"
                        + " --sampling shifted --optimizer adam --validation-fraction 0.3",
                "--cell gru --seq-length 70 --layers 2 --documents lines --optimizer adam --validation-fraction 0.3"
            })
    void anyNumberOfHostsGivesTheSameRun(String settings) throws Exception {
        String line = TINY + " --epochs 4 --report-every 2 " + settings;
        CliResult alone = run("train --run " + folder.resolve("alone") + line);
        assertThat(alone.exitCode()).as(alone.err()).isZero();

        for (String workers : List.of(one, one + "," + two, one + "," + two + "," + three)) {
            CliResult together = run("train --overwrite" + newRun() + line + with(workers));
            assertThat(together.exitCode()).as(together.err()).isZero();
            assertThat(untimed(together.out())).isEqualTo(untimed(alone.out()));
            assertSameRun(folder.resolve("run"), folder.resolve("alone"));
        }
        assertThat(folderOf("one")).as("workers have no files").isEmptyDirectory();
    }

    @Test
    void stoppedRunResumesOnAnotherNumberOfHosts() throws Exception {
        String hosts = with(one + "," + two);
        Process chief = start("chief", "train" + newRun() + LONG + hosts);
        awaitEpochs(chief);
        Program.signal(chief.pid(), "TERM");

        assertThat(chief.waitFor()).isEqualTo(143);
        assertThat(printed("chief"))
                .contains("progress is saved; resume with:\n  " + Shell.quote(Program.LAUNCHER) + " train" + resumed()
                        + hosts + "\n");
        assertThat(run("train" + resumed() + with(two)).exitCode()).isZero();
        assertUndisturbed();
    }

    /** Each message and tensor that the chief sends or fetches is late; only a batch that is late for long is lost. */
    @Test
    void slowNetworkChangesNoBits() throws Exception {
        String line = TINY + " --epochs 2 --seq-length 70 --optimizer adam";
        assertThat(run("train --run " + folder.resolve("alone") + line).exitCode())
                .isZero();
        int port = HostAddress.parse(one).port();
        try (TcpProxy network = new TcpProxy(port, Duration.ofMillis(50))) {
            CliResult together = run("train" + newRun() + line + with("127.0.0.1:" + network.port()));
            assertThat(together.exitCode()).as(together.err()).isZero();
            assertThat(together.err().lines().filter(message -> message.startsWith("warning: ")))
                    .singleElement()
                    .asString()
                    .startsWith("warning: port ");
        }
        assertSameRun(folder.resolve("run"), folder.resolve("alone"));
    }

    @Test
    void lostWorkerEndsTrainingInOneLineThatContinuesIt() throws Exception {
        String lost = startWorker("lost");
        String hosts = with(one + "," + lost);
        Process chief = start("chief", "train" + newRun() + LONG + CHECKPOINTS + hosts);
        awaitEpochs(chief);
        PROCESSES.get("lost").destroyForcibly();

        assertThat(chief.waitFor()).isEqualTo(1);
        assertThat(messages("chief"))
                .containsExactly("libretto train: " + refused(lost) + "; continue with \""
                        + Shell.quote(Program.LAUNCHER) + " train" + resumed() + hosts + "\"");
        assertThat(run("train" + resumed()).exitCode()).isZero();
        assertUndisturbed();
    }

    @Test
    void restartedWorkerEndsTrainingInOneLineThatContinuesIt() throws Exception {
        String worker = startWorker("worker");
        Process chief = start("chief", "train" + newRun() + LONG + CHECKPOINTS + with(worker));
        awaitEpochs(chief);
        Program.signal(chief.pid(), "STOP");
        PROCESSES.get("worker").destroyForcibly().waitFor();
        startWorker("worker", worker);
        Program.signal(chief.pid(), "CONT");

        assertThat(chief.waitFor()).isEqualTo(1);
        assertThat(messages("chief"))
                .containsExactly("libretto train: worker " + worker + " was restarted; continue with \""
                        + Shell.quote(Program.LAUNCHER) + " train" + resumed() + with(worker) + "\"");
        assertThat(run("train" + resumed() + with(worker)).exitCode()).isZero();
        assertUndisturbed();
    }

    @Test
    void chiefWaitsForALateAndARestartedWorker() throws Exception {
        String late = freeAddress();
        Process chief = start(
                "chief", "train" + newRun() + LONG + CHECKPOINTS + with(late + "," + two) + " --wait-for-workers");
        awaitPrinted("waiting for the workers", "chief");
        startWorker("late", late);
        awaitEpochs(chief);
        PROCESSES.get("late").destroyForcibly().waitFor();
        awaitPrinted("waiting for the workers\n.*waiting for the workers\n", "chief");
        startWorker("late", late);

        assertThat(chief.waitFor()).as(printed("chief")).isZero();
        String refused = "warning: " + refused(late);
        assertThat(messages("chief")).hasSize(6).startsWith(refused, "waiting for the workers", refused);
        assertThat(messages("chief").subList(3, 5)).containsExactly("waiting for the workers", "all workers are there");
        assertThat(messages("chief").get(5)).matches("resuming after epoch \\d+, batch \\d+ of the next");
        assertUndisturbed();
    }

    /** The chief is suspended in the meantime, as by Ctrl-Z. The run has no checkpoint of its own before the end. */
    @Test
    void workerEndsOnASignalOnceTheChiefHasSaved() throws Exception {
        String worker = startWorker("worker");
        Process chief = start("chief", "train" + newRun() + LONG + with(worker) + " --wait-for-workers");
        awaitEpochs(chief);
        Program.signal(chief.pid(), "STOP");
        Program.signal(PROCESSES.get("worker").pid(), "TERM");
        awaitPrinted("ending once the chief 127.0.0.1:", "worker");
        Program.signal(chief.pid(), "CONT");
        assertThat(PROCESSES.get("worker").waitFor()).isEqualTo(143);
        assertThat(printed("worker")).hasLineCount(3);
        startWorker("worker", worker);

        assertThat(chief.waitFor()).as(printed("chief")).isZero();
        assertThat(messages("chief"))
                .startsWith(
                        "warning: worker " + worker + " is shutting down; start it again there with \"libretto worker"
                                + " --listen " + worker + "\"",
                        "waiting for the workers")
                .anyMatch(message -> message.matches("resuming after epoch ([3-9]|\\d\\d), batch \\d+ of the next"));
        assertUndisturbed();
    }

    @Test
    void stoppedWorkerIsWaitedForUntilItGoesOn() throws Exception {
        Process chief = start(
                "chief",
                "train" + newRun() + LONG + CHECKPOINTS + with(one) + " --wait-for-workers --worker-timeout 2");
        awaitEpochs(chief);
        try {
            Program.signal(PROCESSES.get("one").pid(), "STOP");
            awaitPrinted("waiting for the workers", "chief");
        } finally {
            Program.signal(PROCESSES.get("one").pid(), "CONT");
        }

        assertThat(chief.waitFor()).as(printed("chief")).isZero();
        assertThat(messages("chief"))
                .contains("warning: worker " + one
                        + " did not answer within 2 s, but its port is open; see whether it is stopped or overloaded");
        assertUndisturbed();
    }

    @Test
    void workerCutOffIsNamedAndWaitedFor() throws Exception {
        String worker = TwoHosts.WORKER + ":7000";
        String command = "train --worker-timeout 2 --workers " + worker;
        try (TwoHosts hosts = new TwoHosts()) {
            start("worker", hosts.onWorker(), "worker --device cpu --listen " + worker);
            awaitPrinted("ready on", "worker");
            Process chief = start("chief", hosts.onChief(), command + newRun() + LONG + CHECKPOINTS);
            awaitEpochs(chief);
            hosts.cutOff();

            assertThat(chief.waitFor()).isEqualTo(1);
            String silent =
                    "worker " + worker + " did not answer within 2 s; check the address, the network and firewalls";
            assertThat(messages("chief"))
                    .containsExactly("libretto train: " + silent + "; continue with \"" + Shell.quote(Program.LAUNCHER)
                            + " train" + resumed() + " --workers " + worker + " --worker-timeout 2\"");

            chief = start("chief", hosts.onChief(), command + resumed() + " --wait-for-workers");
            awaitPrinted("waiting for the workers", "chief");
            hosts.join();
            assertThat(chief.waitFor()).as(printed("chief")).isZero();
            assertThat(messages("chief")).contains("warning: " + silent);
        }
        assertUndisturbed();
    }

    /**
     * Each of two hosts holds half of the parameters: a batch sends them there and back, as parameters and as gradients. The
     * difference of two runs leaves out what is loaded at the start and read at the end.
     */
    @Test
    void batchMovesTheSizeOfTheParametersInEachDirection() throws Exception {
        String worker = TwoHosts.WORKER + ":7000";
        String line =
                "train --device cpu --hidden-size 600 --batch-size 4 --seq-length 5 --parts 4 --epochs 1 --length 1"
                        + " --workers " + worker;
        try (TwoHosts hosts = new TwoHosts()) {
            start("worker", hosts.onWorker(), "worker --device cpu --listen " + worker);
            awaitPrinted("ready on", "worker");
            List<List<Long>> moved = new ArrayList<>();
            // The last character of each row has no successor.
            for (int batches : List.of(2, 12)) {
                Path text = folder.resolve(batches + ".txt");
                Files.writeString(text, "abcdefghij".repeat(2 * batches) + "abcd");
                List<Long> before = hosts.moved();
                Process chief = start(
                        "chief",
                        hosts.onChief(),
                        line + " --corpus " + text + " --run " + folder.resolve("" + batches));
                assertThat(chief.waitFor()).as(printed("chief")).isZero();
                assertThat(printed("chief")).contains("batches: " + batches + " per epoch");
                List<Long> after = hosts.moved();
                moved.add(List.of(after.get(0) - before.get(0), after.get(1) - before.get(1)));
            }
            // W [10, 600], U [600, 600] and b [600]; W [600, 10] and b [10].
            long bytes = 4 * (10 * 600 + 600 * 600 + 600 + 600 * 10 + 10);
            for (int direction = 0; direction < 2; direction++) {
                long ofABatch = (moved.get(1).get(direction) - moved.get(0).get(direction)) / 10;
                assertThat(ofABatch).as("direction " + direction).isBetween(bytes, bytes * 11 / 10);
            }
        }
    }

    @Test
    void hostWithAPublicAddressIsRefused() throws Exception {
        String command = "worker --device cpu --listen " + TwoHosts.WORKER + ":7000";
        try (TwoHosts hosts = new TwoHosts()) {
            hosts.giveWorkerAddress("203.0.113.1");
            Process worker = start("worker", hosts.onWorker(), command);
            assertThat(worker.waitFor()).isEqualTo(1);
            assertThat(printed("worker"))
                    .isEqualTo(
                            "libretto worker: this host has a public address, 203.0.113.1, and whoever connects to the"
                                    + " port can run any code; use a host on a private network, or add --insecure-network if a"
                                    + " firewall protects the port\n");
            start("worker", hosts.onWorker(), command + " --insecure-network");
            awaitPrinted("ready on", "worker");
            assertThat(PROCESSES.get("worker").isAlive()).as(printed("worker")).isTrue();
        }
    }

    @Test
    void signalEndsAChiefThatWaitsForItsFirstWorker() throws Exception {
        Process chief = start("chief", "train" + newRun() + LONG + with(freeAddress()) + " --wait-for-workers");
        awaitPrinted("waiting for the workers", "chief");
        Program.signal(chief.pid(), "INT");

        assertThat(chief.waitFor()).isEqualTo(130);
        assertThat(printed("chief")).endsWith("interrupted before the first batch; nothing was saved\n");
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void signalEndsAChiefThatWaits() throws Exception {
        String worker = startWorker("worker");
        Process chief = start("chief", "train" + newRun() + LONG + CHECKPOINTS + with(worker) + " --wait-for-workers");
        awaitEpochs(chief);
        PROCESSES.get("worker").destroyForcibly().waitFor();
        awaitPrinted("waiting for the workers", "chief");
        Program.signal(chief.pid(), "TERM");

        assertThat(chief.waitFor()).isEqualTo(143);
        assertThat(printed("chief"))
                .endsWith("continue with \"" + Shell.quote(Program.LAUNCHER) + " train" + resumed() + with(worker)
                        + " --wait-for-workers\"\n");
    }

    @Test
    void workerOfAKilledChiefServesTheNextOne() throws Exception {
        Process chief = start("chief", "train" + newRun() + LONG + CHECKPOINTS + with(one));
        awaitEpochs(chief);
        chief.destroyForcibly().waitFor();

        CliResult next = run("train" + resumed() + with(one));
        assertThat(next.exitCode()).as(next.err()).isZero();
        assertThat(printed("one")).hasLineCount(2);
        assertUndisturbed();
    }

    /** Every host runs the same command. */
    @Test
    void rolesComeFromTfConfig() throws Exception {
        String cluster = "TF_CONFIG='{\"cluster\": {\"chief\": [\"" + freeAddress() + "\"], \"worker\": [\""
                + freeAddress() + "\"]}, \"task\": {\"type\": \"%s\", \"index\": 0}}' ";
        String line = "train" + newRun() + TINY + " --seq-length 10 --epochs 2 --insecure-network --wait-for-workers";
        start("worker", "env " + cluster.formatted("worker"), line);
        Process chief = start("chief", "env " + cluster.formatted("chief"), line);
        Process evaluator = start("evaluator", "env " + cluster.formatted("evaluator"), line);

        assertThat(evaluator.waitFor()).isZero();
        assertThat(printed("evaluator"))
                .isEqualTo("TF_CONFIG makes this host an evaluator, for which there is nothing to do\n");
        assertThat(chief.waitFor()).as(printed("chief")).isZero();
        assertThat(printed("worker")).contains("ready on CPU");
        assertThat(run("train --run " + folder.resolve("alone") + TINY + " --seq-length 10 --epochs 2")
                        .exitCode())
                .isZero();
        assertSameRun(folder.resolve("run"), folder.resolve("alone"));
    }

    private String newRun() {
        return " --run " + folder.resolve("run");
    }

    private String resumed() {
        return " --resume " + folder.resolve("run");
    }

    private static String refused(String worker) {
        return "worker " + worker + " refused the connection; start it there with \"libretto worker --listen " + worker
                + "\"";
    }

    private void assertUndisturbed() throws IOException {
        assertSameRun(folder.resolve("run"), whole);
    }

    /** Compares all but the times. So nothing is written twice. */
    private static void assertSameRun(Path one, Path other) throws IOException {
        Weights first = RunDirectory.open(one).newest(warning -> {}).weights();
        Weights second = RunDirectory.open(other).newest(warning -> {}).weights();
        for (Parameter parameter : first.parameters()) {
            assertThat(first.of(parameter)).as(parameter.name()).containsExactly(second.of(parameter));
        }
        assertThat(metrics(one)).isEqualTo(metrics(other));
        assertThat(one.resolve("samples.jsonl")).hasSameTextualContentAs(other.resolve("samples.jsonl"));
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
    private static String startWorker(String name) throws Exception {
        String address = freeAddress();
        startWorker(name, address);
        return address;
    }

    private static void startWorker(String name, String address) throws Exception {
        start(name, worker(address));
        awaitPrinted("ready on", name);
    }

    private static String worker(String address) {
        return "worker --device cpu --insecure-network --listen " + address;
    }

    private static Process start(String name, String command) throws IOException {
        return start(name, "", command);
    }

    /** @param before the program, a command that runs it */
    private static Process start(String name, String before, String command) throws IOException {
        Process process = new ProcessBuilder(
                        "bash",
                        "-c",
                        "exec " + before + "env --default-signal=INT,TERM " + Program.IN_BASH + " " + command)
                .directory(Files.createDirectories(folderOf(name)).toFile())
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(outside.resolve(name).toFile())
                .start();
        PROCESSES.put(name, process);
        return process;
    }

    /** Returns where a process runs. */
    private static Path folderOf(String name) {
        return outside.resolve("folder of " + name);
    }

    /** Runs a command in this process, which takes less time to start. */
    private static CliResult run(String command) {
        return CliResult.of(outside.resolve("runs"), command.replace("'", "").split(" "));
    }

    private static String printed(String name) throws IOException {
        return Files.readString(outside.resolve(name));
    }

    /** Returns what a chief has printed besides its settings and how training ended. */
    private static List<String> messages(String name) throws IOException {
        return printed(name)
                .lines()
                .filter(line ->
                        !line.matches("(corpus|batches|model|device|parts|memory|these characters|the run is|  ).*"
                                + "|warning: port .*|worker .*"))
                .toList();
    }

    private static void awaitPrinted(String pattern, String name) throws Exception {
        while (PROCESSES.get(name).isAlive() && !printed(name).matches("(?s).*" + pattern + ".*")) {
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
