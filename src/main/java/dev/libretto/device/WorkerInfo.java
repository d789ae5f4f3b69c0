package dev.libretto.device;

import dev.libretto.LibrettoException;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import org.tensorflow.exceptions.TensorFlowException;

/**
 * What a worker says of itself. TensorFlow's servers work with those of other versions, which compute other bits, so the chief
 * compares. A worker keeps this as lines of text, {@link Notice#WORKER}.
 *
 * @param libretto the version of Libretto
 * @param tensorflow the version of TensorFlow
 * @param build the variant of TensorFlow's native library
 * @param precision of matrix products
 * @param processor its name; empty if unknown
 * @param devices the types of the devices, such as CPU
 * @param process differs whenever the worker is started
 */
public record WorkerInfo(
        String libretto,
        String tensorflow,
        String build,
        String precision,
        String processor,
        int cores,
        List<String> devices,
        String process) {
    /** What a worker says before it ends. */
    static final String SHUTTING_DOWN = "libretto worker, shutting down";

    private static final String GREETING = "libretto worker";
    private static final int LINES = 9;

    /** Returns what this process says of itself. */
    static WorkerInfo current() {
        Build build = Build.current();
        Host host = Host.current();
        return new WorkerInfo(
                build.version(),
                TensorFlowSetup.version(),
                build.classifier(),
                Sessions.precision().toString(),
                host.processor(),
                host.cores(),
                Devices.types(Sessions.device()),
                ProcessHandle.current().pid() + "-" + System.currentTimeMillis());
    }

    /**
     * Returns what a worker says of itself.
     *
     * @throws LibrettoException if it does not answer within the time, is no worker of this version, or is shutting down
     */
    static WorkerInfo read(HostAddress worker, Duration timeout) throws LibrettoException {
        // TensorFlow says the same of each reason why a server is not reached.
        worker.reach(timeout);
        try {
            return parse(Notice.WORKER.read(worker, timeout), worker);
        } catch (TensorFlowException e) {
            // It may have ended in the meantime.
            worker.reach(timeout);
            throw e.getMessage().contains("Deadline Exceeded")
                    ? new LibrettoException(
                            "worker " + worker + " did not answer within " + timeout.toSeconds()
                                    + " s, but its port is open; see whether it is stopped or overloaded",
                            e)
                    : new LibrettoException(
                            "what listens on " + worker
                                    + " is not a worker of Libretto; start one there with \"libretto"
                                    + " worker --listen " + worker + "\"",
                            e);
        }
    }

    /** Throws if a worker says that it is shutting down. If one does not answer, the next batch reports it. */
    static void requireNotShuttingDown(HostAddress worker, Duration timeout) throws LibrettoException {
        String text;
        try {
            text = Notice.WORKER.read(worker, timeout);
        } catch (TensorFlowException e) {
            return;
        }
        parse(text, worker);
    }

    String text() {
        return String.join(
                "\n",
                GREETING,
                libretto,
                tensorflow,
                build,
                precision,
                processor,
                Integer.toString(cores),
                String.join(" ", devices),
                process);
    }

    static WorkerInfo parse(String text, HostAddress worker) throws LibrettoException {
        if (text.equals(SHUTTING_DOWN)) {
            throw new LibrettoException("worker " + worker + " is shutting down; start it again there with \"libretto"
                    + " worker --listen " + worker + "\"");
        }
        String[] lines = text.split("\n", -1);
        if (lines.length != LINES || !lines[0].equals(GREETING) || !lines[6].matches("[0-9]{1,6}")) {
            throw new LibrettoException("worker " + worker + " runs another version of Libretto; install version "
                    + Build.current().version() + " there");
        }
        return new WorkerInfo(
                lines[1],
                lines[2],
                lines[3],
                lines[4],
                lines[5],
                Integer.parseInt(lines[6]),
                List.of(lines[7].split(" ")),
                lines[8]);
    }

    /** Throws if this worker would compute other bits than the chief. */
    void requireLike(WorkerInfo chief, HostAddress worker) throws LibrettoException {
        if (!software().equals(chief.software())) {
            throw new LibrettoException("worker " + worker + " has " + LibrettoException.oneLine(software())
                    + "; this host has " + chief.software() + "; use the same on both");
        }
    }

    private String software() {
        return String.format(
                Locale.ROOT,
                "Libretto %s, TensorFlow %s for %s on a %s, precision %s",
                libretto,
                tensorflow,
                build,
                countGpus() > 0 ? "GPU" : "CPU",
                precision);
    }

    int countGpus() {
        return Collections.frequency(devices, "GPU");
    }

    /** Returns the machine in words. */
    public String machine() {
        return String.join(" and ", devices) + ", " + cores + (cores == 1 ? " core" : " cores")
                + (processor.isEmpty() ? "" : ", " + processor);
    }
}
