package dev.libretto.run;

import com.fasterxml.jackson.core.type.TypeReference;
import dev.libretto.text.Vocabulary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Consumer;

/** The directory of one training run, open for reading or, by one process at a time, for writing. */
public final class RunDirectory implements AutoCloseable {
    private static final String CONFIG = "config.json";
    private static final String VOCABULARY = "vocabulary.json";
    static final String METRICS = "metrics.csv";
    private static final String CHECKPOINTS = "checkpoints";
    private static final String PICTURE = "perplexity.";
    private static final String TENSORBOARD = "tensorboard";
    /** All that a run consists of. */
    private static final Set<String> OWN = Set.of(
            RunLock.FILE,
            CONFIG,
            VOCABULARY,
            METRICS,
            CHECKPOINTS,
            TENSORBOARD,
            PICTURE + "png",
            PICTURE + "svg",
            PICTURE + "png.new",
            PICTURE + "svg.new",
            CONFIG + ".new",
            VOCABULARY + ".new",
            METRICS + ".new");

    private final Path path;
    private final RunConfig config;
    private final Vocabulary vocabulary;
    private final MetricsFile metrics;
    private final Checkpoints checkpoints;
    /** Held by who writes; null for a reader. */
    private final RunLock lock;

    private RunDirectory(Path path, RunConfig config, Vocabulary vocabulary, RunLock lock) {
        this.path = path;
        this.config = config;
        this.vocabulary = vocabulary;
        this.metrics = new MetricsFile(path.resolve(METRICS));
        this.checkpoints = new Checkpoints(path.resolve(CHECKPOINTS));
        this.lock = lock;
    }

    /**
     * Says whether a run can be started in a directory, before any work is done for it.
     *
     * @throws RunException if something is there that may not be replaced
     */
    public static void requireUsable(Path path, boolean overwrite) throws IOException {
        requireReadableByTensorFlow(path);
        if (Files.isSymbolicLink(path)) {
            throw new RunException(path + " is a link; name a directory with --run");
        }
        if (!Files.exists(path)) {
            return;
        }
        if (!Files.isDirectory(path)) {
            throw new RunException(path + " is a file; name a directory with --run");
        }
        boolean isRun = Files.exists(path.resolve(CONFIG));
        if (isRun && !overwrite) {
            throw new RunException(path + " already holds a run; go on with it by --resume " + path
                    + ", replace it by --overwrite, or name another with --run");
        }
        for (Path file : Disk.list(path)) {
            if (!OWN.contains(file.getFileName().toString())) {
                throw new RunException(file + " is not a file of a run, so " + path
                        + " is not replaced; name another directory with --run");
            }
        }
    }

    /** TensorFlow reads a checkpoint's path as a pattern. */
    private static void requireReadableByTensorFlow(Path path) throws RunException {
        if (path.toString().matches("(?s).*[\\[\\]*?\\\\{}].*")) {
            throw new RunException(
                    path + " has one of [ ] { } * ? \\ in it, which TensorFlow cannot read a checkpoint from;"
                            + " use another path");
        }
    }

    /**
     * Starts a run: writes its configuration and vocabulary and an empty metrics file.
     *
     * @param overwrite whether an older run there is deleted
     * @throws RunException if something is there that may not be replaced, or another process is writing it
     * @throws IOException if it cannot be written; then there is no such directory
     */
    public static RunDirectory create(Path path, RunConfig config, Vocabulary vocabulary, boolean overwrite)
            throws IOException {
        requireUsable(path, overwrite);
        if (Files.isDirectory(path)) {
            RunLock notBeingWritten = RunLock.acquire(path);
            try (notBeingWritten) {
                for (Path old : Disk.list(path)) {
                    Disk.deleteTree(old);
                }
            }
        }
        Files.createDirectories(path.resolve(CHECKPOINTS));
        RunLock lock = RunLock.acquire(path);
        try {
            RunDirectory run = new RunDirectory(path, config, vocabulary, lock);
            Disk.replace(path.resolve(VOCABULARY), Json.write(vocabulary.symbols()));
            run.metrics.create();
            Disk.replace(path.resolve(CONFIG), Json.write(config));
            return run;
        } catch (IOException | RuntimeException e) {
            lock.close();
            Disk.deleteTree(path);
            throw e;
        }
    }

    /**
     * Opens a run for reading.
     *
     * @throws RunException if the directory is not one, or is damaged
     */
    public static RunDirectory open(Path path) throws IOException {
        if (!Files.isDirectory(path)) {
            throw new RunException(
                    "there is no run directory " + path + "; the command train with --run " + path + " makes one");
        }
        requireReadableByTensorFlow(path);
        if (!Files.exists(path.resolve(CONFIG))) {
            throw new RunException(path + " is not a run directory: it has no " + CONFIG);
        }
        RunConfig config = Json.read(path.resolve(CONFIG), new TypeReference<>() {});
        Vocabulary vocabulary = readVocabulary(path.resolve(VOCABULARY));
        if (vocabulary.size() != config.model().vocabularySize()) {
            throw new RunException(String.format(
                    "%s has %d characters, but %s says %d; one of them is not of this run",
                    path.resolve(VOCABULARY),
                    vocabulary.size(),
                    CONFIG,
                    config.model().vocabularySize()));
        }
        return new RunDirectory(path, config, vocabulary, null);
    }

    /**
     * Opens a run to train it further. Damaged checkpoints are moved aside, and rows of the metrics that are newer than the
     * checkpoint are cut off.
     *
     * @param config how it is trained and what it reports from here on
     * @param warnings is told of each damage that was passed over
     * @return the run and the checkpoint to go on from
     * @throws RunException if there is no whole checkpoint, or another process is writing the run
     */
    public static Resumed resume(Path path, RunConfig config, Consumer<String> warnings) throws IOException {
        RunDirectory reader = open(path);
        RunLock lock = RunLock.acquire(path);
        try {
            Checkpoint checkpoint = reader.checkpoints.newest(config, warnings);
            reader.checkpoints.setDamagedAside();
            int epochs = checkpoint.progress().epoch();
            int rows = reader.metrics.cutAfter(epochs);
            if (rows < epochs) {
                warnings.accept(
                        path.resolve(METRICS) + " has rows for " + rows + " of the " + epochs + " epochs trained");
            }
            if (!config.equals(reader.config)) {
                Disk.replace(path.resolve(CONFIG), Json.write(config));
            }
            return new Resumed(new RunDirectory(path, config, reader.vocabulary, lock), checkpoint);
        } catch (IOException | RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    /** A run that goes on, and from where. */
    public record Resumed(RunDirectory run, Checkpoint checkpoint) {}

    private static Vocabulary readVocabulary(Path file) throws IOException {
        try {
            return Vocabulary.ofSymbols(Json.read(file, new TypeReference<List<String>>() {}));
        } catch (IllegalArgumentException e) {
            throw RunException.damaged(file, e.getMessage(), e);
        }
    }

    /** Where it is. */
    public Path path() {
        return path;
    }

    /** Where its event files for TensorBoard go. */
    public Path tensorBoard() {
        return path.resolve(TENSORBOARD);
    }

    /** What it was started with, or resumed with. */
    public RunConfig config() {
        return config;
    }

    /** The characters its model knows. */
    public Vocabulary vocabulary() {
        return vocabulary;
    }

    /** Adds a row to {@code metrics.csv}. */
    public void append(EpochMetrics row) throws IOException {
        try {
            metrics.append(row);
        } catch (IOException e) {
            throw cannotWrite(METRICS, e);
        }
    }

    /**
     * Saves a checkpoint and deletes those that are not to be kept.
     *
     * @throws RunException saying why it cannot be written, and what is safe
     */
    public void save(Checkpoint checkpoint) throws IOException {
        try {
            metrics.sync();
            checkpoints.save(checkpoint, config.training().checkpoints());
        } catch (IOException e) {
            throw cannotWrite("a checkpoint", e);
        }
    }

    private RunException cannotWrite(String what, IOException cause) {
        String safe;
        try {
            Progress progress = checkpoints.newest(config, warning -> {}).progress();
            safe = String.format(
                    "the checkpoint of epoch %d, step %d is safe; mend it and go on with train --resume %s",
                    progress.epoch(), progress.step(), path);
        } catch (IOException e) {
            safe = "there is no checkpoint in " + path;
        }
        return new RunException(
                "could not write " + what + " in " + path + ": " + Disk.reason(cause) + "; " + safe, cause);
    }

    /**
     * Replaces one of the pictures of how it learns.
     *
     * @param extension {@code png} or {@code svg}, which is also the format
     */
    public void replacePicture(String extension, byte[] picture) throws IOException {
        Disk.replace(path.resolve(PICTURE + extension), picture);
    }

    /** Takes away the metrics' rows after an epoch, to which training has gone back. */
    public void cutMetricsAfter(int epoch) throws IOException {
        try {
            metrics.cutAfter(epoch);
        } catch (IOException e) {
            throw cannotWrite(METRICS, e);
        }
    }

    /**
     * Reads the newest whole checkpoint.
     *
     * @param warnings is told of each damaged one that was passed over
     * @throws RunException if there is none
     */
    public Checkpoint newest(Consumer<String> warnings) throws IOException {
        return checkpoints.newest(config, warnings);
    }

    /**
     * Reads the checkpoint with the lowest loss of its last epoch.
     *
     * @param warnings is told of each damaged one that was passed over
     * @throws RunException if there is none
     */
    public Checkpoint best(Consumer<String> warnings) throws IOException {
        return checkpoints.best(config, warnings);
    }

    /**
     * Reads the checkpoint to write and to measure with.
     *
     * @param which the best by validation, or the newest
     * @param warnings is told of each damaged one that was passed over
     * @throws RunException if there is none
     */
    public Checkpoint checkpoint(Which which, Consumer<String> warnings) throws IOException {
        return which == Which.BEST && config.training().validation().wanted()
                ? checkpoints.bestValidated(config, warnings)
                : newest(warnings);
    }

    /** Which of a run's checkpoints is meant. */
    public enum Which {
        /** The one with the lowest validation loss; without validation, the newest. */
        BEST,
        /** The newest. */
        LAST;

        /** The name on the command line. */
        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Deletes a run that has no checkpoint: one whose training failed before it began. */
    public void discardIfNeverBegun() throws IOException {
        if (checkpoints.isEmpty()) {
            Disk.deleteTree(path);
        }
    }

    /** Gives up the right to write. */
    @Override
    public void close() throws IOException {
        if (lock != null) {
            lock.close();
        }
    }
}
