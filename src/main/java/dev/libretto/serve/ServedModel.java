package dev.libretto.serve;

import dev.libretto.CharModel;
import dev.libretto.LibrettoException;
import dev.libretto.device.Devices.Choice;
import dev.libretto.generate.ContinuousDecoder;
import dev.libretto.run.Disk;
import dev.libretto.run.RunDirectory;
import dev.libretto.run.RunDirectory.Which;
import dev.libretto.train.Progress;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;

/** A run that is served, under the name of its directory. Its weights may be replaced by newer ones. */
final class ServedModel implements AutoCloseable {
    private final Path run;
    private final Which which;
    private final Choice device;
    private final ContinuousDecoder.Limits limits;
    private final Consumer<String> log;
    /** The checkpoint that was there when the weights were read. */
    private Optional<Progress> seen;

    private String lastProblem = "";
    private OpenModel current;

    /**
     * Opens a run.
     *
     * @param which which of its checkpoints
     * @param log receives a line for each problem
     * @throws IOException in one line, if there is no intact checkpoint
     */
    ServedModel(Path given, Which which, Choice device, ServeConfig config, Consumer<String> log) throws IOException {
        RunDirectory directory = RunDirectory.open(given);
        this.run = given.toRealPath();
        this.which = which;
        this.device = device;
        this.limits = new ContinuousDecoder.Limits(
                config.limits().rows(), config.limits().queue(), config.stateBytes());
        this.log = log;
        seen = directory.peek(which);
        current = open(directory);
    }

    private OpenModel open(RunDirectory directory) throws IOException {
        CharModel model = CharModel.open(directory, which, device, log);
        try {
            return new OpenModel(model, limits);
        } catch (RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }

    /** Returns what requests call it. */
    String name() {
        return run.getFileName().toString();
    }

    /** Returns what requests call a run, behind links such as {@code latest}. */
    static String name(Path run) throws IOException {
        return RunDirectory.open(run).path().toRealPath().getFileName().toString();
    }

    /** Returns the run's directory. */
    Path run() {
        return run;
    }

    /** Returns the current weights for one request, which closes them when it is done. */
    synchronized OpenModel.Lease lease() {
        return current.lease();
    }

    /** Returns what the decoder of the current weights does and has done. */
    synchronized ContinuousDecoder.Counts counts() {
        return current.decoder().counts();
    }

    /**
     * Opens a newer checkpoint if there is one. New requests use it; the old one is closed when the last request with it is done.
     * Called by one thread at a time.
     */
    void follow() {
        try {
            RunDirectory directory = RunDirectory.open(run);
            Optional<Progress> found = directory.peek(which);
            if (found.isEmpty() || found.equals(seen)) {
                return;
            }
            replace(open(directory));
            seen = found;
            lastProblem = "";
            log.accept(name() + ": serving the checkpoint of epoch "
                    + found.get().epoch() + ", step " + found.get().step());
        } catch (IOException | RuntimeException e) {
            // Training may be saving or deleting a checkpoint.
            String problem = LibrettoException.oneLine(Disk.reason(e));
            if (!problem.equals(lastProblem)) {
                log.accept("warning: " + name() + ": still serving the older checkpoint: " + problem);
            }
            lastProblem = problem;
        }
    }

    private void replace(OpenModel newer) {
        OpenModel older;
        synchronized (this) {
            older = current;
            current = newer;
        }
        older.close();
    }

    /** Fails the texts that are being written. */
    @Override
    public synchronized void close() {
        current.decoder().close();
        current.close();
    }

    @Override
    public String toString() {
        return name() + " (" + run + ")";
    }
}
