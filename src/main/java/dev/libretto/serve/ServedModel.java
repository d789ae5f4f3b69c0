package dev.libretto.serve;

import dev.libretto.CharModel;
import dev.libretto.LibrettoException;
import dev.libretto.device.Devices.Choice;
import dev.libretto.generate.ContinuousDecoder;
import dev.libretto.generate.ContinuousDecoder.Counts;
import dev.libretto.generate.ModelFailedException;
import dev.libretto.run.Disk;
import dev.libretto.run.RunDirectory;
import dev.libretto.run.RunDirectory.Which;
import dev.libretto.train.Checkpoint;
import dev.libretto.train.Progress;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
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
    /** Guarded by this, as is the next. */
    private OpenModel current;

    private boolean isClosed;
    /** The weights that are in use; guarded by this, as is the next. */
    private final Set<OpenModel> inUse = new HashSet<>();
    /** The counts of those that are no longer. */
    private Counts past = new Counts(0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

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
        current = open(directory, directory.checkpoint(which, log));
    }

    private OpenModel open(RunDirectory directory, Checkpoint checkpoint) {
        CharModel model = CharModel.of(directory, checkpoint, device);
        try {
            OpenModel opened = new OpenModel(model, limits, this::failed, this::forget);
            synchronized (this) {
                inUse.add(opened);
            }
            return opened;
        } catch (RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }

    private void failed(ModelFailedException failure) {
        log.accept(message(failure));
    }

    private String message(ModelFailedException failure) {
        return name() + ": " + LibrettoException.oneLine(failure.getMessage()) + "; restart the server";
    }

    /** Returns why the current weights can no longer be used; empty if they can. */
    synchronized Optional<String> failure() {
        return current.decoder().modelFailure().map(this::message);
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

    /** Returns what the decoders of all weights that were in use do and have done, so that no counter goes back. */
    synchronized Counts counts() {
        return inUse.stream().map(opened -> opened.decoder().counts()).reduce(past, ServedModel::sum);
    }

    private synchronized void forget(OpenModel unused) {
        inUse.remove(unused);
        Counts last = unused.decoder().counts();
        past = sum(
                past,
                new Counts(
                        0,
                        0,
                        0,
                        0,
                        last.hits(),
                        last.misses(),
                        last.read(),
                        last.written(),
                        last.steps(),
                        last.stepRows()));
    }

    private static Counts sum(Counts a, Counts b) {
        return new Counts(
                a.rows() + b.rows(),
                a.waiting() + b.waiting(),
                a.states() + b.states(),
                a.stateBytes() + b.stateBytes(),
                a.hits() + b.hits(),
                a.misses() + b.misses(),
                a.read() + b.read(),
                a.written() + b.written(),
                a.steps() + b.steps(),
                a.stepRows() + b.stepRows());
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
            // Not always the one found, which may be damaged, or have a successor by now.
            Checkpoint checkpoint = directory.checkpoint(which, log);
            OpenModel newer = open(directory, checkpoint);
            seen = found;
            lastProblem = "";
            if (replace(newer)) {
                Progress served = checkpoint.progress();
                log.accept(name() + ": serving the checkpoint of epoch " + served.epoch() + ", step " + served.step());
            }
        } catch (IOException | RuntimeException | OutOfMemoryError e) {
            // Training may be saving or deleting a checkpoint.
            String problem = LibrettoException.oneLine(Disk.reason(e));
            if (!problem.equals(lastProblem)) {
                log.accept("warning: " + name() + ": still serving the older checkpoint: " + problem);
            }
            lastProblem = problem;
        }
    }

    /** Returns false, and closes the newer one, if it has the same weights, as when the newest checkpoint is damaged. */
    private boolean replace(OpenModel newer) {
        // Only this thread replaces the current one; hashing takes too long for the lock.
        boolean isSame = newer.hasWeightsOf(current);
        OpenModel unused = newer;
        synchronized (this) {
            if (!isClosed && !isSame) {
                unused = current;
                current = newer;
            }
        }
        unused.close();
        return unused != newer;
    }

    /** Fails the texts that are being written, those with older weights, too. */
    @Override
    public synchronized void close() {
        isClosed = true;
        inUse.forEach(opened -> opened.decoder().close());
        current.close();
    }

    @Override
    public String toString() {
        return name() + " (" + run + ")";
    }
}
