package dev.libretto.run;

import com.fasterxml.jackson.core.type.TypeReference;
import dev.libretto.LibrettoException;
import dev.libretto.text.Vocabulary;
import dev.libretto.train.Checkpoint;
import dev.libretto.train.CheckpointPolicy;
import dev.libretto.train.CheckpointStore;
import dev.libretto.train.EpochMetrics;
import dev.libretto.train.MemoryEstimate;
import dev.libretto.train.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Consumer;
import org.apache.commons.lang3.function.FailableRunnable;

/** The directory of one training run, open for reading or, by one process at a time, for writing. */
public final class RunDirectory implements CheckpointStore, AutoCloseable {
    private static final String CONFIG = RunFiles.CONFIG;
    private static final String VOCABULARY = "vocabulary.json";
    static final String METRICS = "metrics.csv";
    private static final String CHECKPOINTS = "checkpoints";
    private static final String PICTURE = "perplexity.";
    private static final String TENSORBOARD = "tensorboard";

    private final Path path;
    private final RunConfig config;
    private final Vocabulary vocabulary;
    /** Held while writing; null in a reader. */
    private final RunLock lock;
    /** Lock of the older run that this one will replace; null without one. */
    private RunLock olderLock;
    /** The directory with the files: {@link #path}, or one next to it until this run replaces the older one. */
    private Path place;

    private MetricsFile metrics;
    private SamplesFile samples;
    private Checkpoints checkpoints;
    /** Whether a checkpoint was saved. */
    private boolean begun;

    private RunDirectory(
            Path path, Path place, RunConfig config, Vocabulary vocabulary, RunLock lock, RunLock olderLock) {
        this.path = path;
        this.config = config;
        this.vocabulary = vocabulary;
        this.lock = lock;
        this.olderLock = olderLock;
        moveTo(place);
    }

    private void moveTo(Path newPlace) {
        place = newPlace;
        metrics = new MetricsFile(place.resolve(METRICS));
        samples = new SamplesFile(place.resolve(SamplesFile.NAME));
        checkpoints = new Checkpoints(place.resolve(CHECKPOINTS));
    }

    /** Throws if a run cannot be created here; call before starting work. */
    public static void requireWritable(Path path, boolean overwrite) throws IOException {
        requireReadableByTensorFlow(path);
        requireNoMissingParent(path);
        if (Files.isSymbolicLink(path)) {
            throw new LibrettoException(path + " is a link; name a directory");
        }
        if (!Files.exists(path)) {
            return;
        }
        if (!Files.isDirectory(path)) {
            throw new LibrettoException(path + " is a file; name a directory");
        }
        if (RunFiles.isUnused(path)) {
            return;
        }
        Optional<Path> foreign = RunFiles.foreign(path, path);
        if (foreign.isPresent()) {
            throw new LibrettoException(
                    foreign.get() + " is not a file of a run, so " + path + " is not replaced; name another directory");
        }
        if (!RunFiles.isRun(path)) {
            throw new LibrettoException(path + " is not empty and has no " + CONFIG
                    + " of a run, so it is not replaced; name another directory");
        }
        if (!overwrite) {
            throw new LibrettoException(
                    path + " already holds a run; resume it, overwrite it, or name another directory");
        }
    }

    /** Java creates the directory missing/../run as run, but then the system does not find it by its path. */
    private static void requireNoMissingParent(Path path) throws LibrettoException {
        for (Path parent = path; parent != null; parent = parent.getParent()) {
            if (parent.endsWith("..") && !Files.exists(parent)) {
                throw new LibrettoException(parent + " does not exist; name another directory");
            }
        }
    }

    /** TensorFlow reads a checkpoint's path as a pattern. */
    private static void requireReadableByTensorFlow(Path path) throws LibrettoException {
        if (path.toString().matches("(?s).*[\\[\\]*?\\\\{}].*")) {
            throw new LibrettoException(
                    path + " has one of [ ] { } * ? \\ in it, which TensorFlow cannot read a checkpoint from;"
                            + " use another path");
        }
    }

    /**
     * Creates a run: writes its configuration and vocabulary and an empty metrics file. If there is an older run, the
     * new one is written next to it until {@link #begin} or {@link #replaceOlder}. What was there is untouched by a
     * failure.
     */
    public static RunDirectory create(Path path, RunConfig config, Vocabulary vocabulary, boolean overwrite)
            throws IOException {
        restoreOlder(path);
        boolean isThere = Files.exists(path);
        RunLock lock = lockUsable(path, overwrite);
        try {
            // Another process may have left a run since.
            requireWritable(path, overwrite);
            if (RunFiles.isUnused(path)) {
                return fill(path, path, config, vocabulary, lock, null);
            }
            Path fresh = sibling(path, "new");
            removeLeftover(fresh);
            Files.createDirectory(fresh);
            return fill(path, fresh, config, vocabulary, RunLock.acquire(fresh), lock);
        } catch (IOException | RuntimeException e) {
            if (!isThere && Files.isDirectory(path) && RunFiles.isUnused(path)) {
                RunFiles.delete(path, path);
            }
            lock.close();
            throw e;
        }
    }

    /**
     * Locks a usable directory. A lock file is taken before the directory is read, because another process may replace
     * it.
     */
    private static RunLock lockUsable(Path path, boolean overwrite) throws IOException {
        try {
            if (!Files.isRegularFile(path.resolve(RunLock.FILE), LinkOption.NOFOLLOW_LINKS)) {
                requireWritable(path, overwrite);
                Files.createDirectories(path);
            }
            return RunLock.acquire(path);
        } catch (NoSuchFileException e) {
            if (Files.exists(path.toAbsolutePath().getParent())) {
                throw RunLock.heldElsewhere(path);
            }
            throw e;
        }
    }

    private static RunDirectory fill(
            Path path, Path place, RunConfig config, Vocabulary vocabulary, RunLock lock, RunLock olderLock)
            throws IOException {
        RunDirectory run = new RunDirectory(path, place, config, vocabulary, lock, olderLock);
        try {
            // The configuration first: by it, a run that a crash left unfinished is recognized.
            AtomicWrite.file(place.resolve(CONFIG), Json.write(config));
            AtomicWrite.file(place.resolve(VOCABULARY), Json.write(vocabulary.symbols()));
            run.metrics.create();
            Files.createDirectory(place.resolve(CHECKPOINTS));
            return run;
        } catch (IOException | RuntimeException e) {
            RunFiles.delete(place, place);
            lock.close();
            throw e;
        }
    }

    /** A hidden sibling of a run, for the run that replaces it or the one that was replaced. */
    private static Path sibling(Path path, String what) {
        Path absolute = path.toAbsolutePath().normalize();
        return absolute.resolveSibling("." + absolute.getFileName() + ".libretto-" + what);
    }

    /** Deletes what a killed process left next to a run. */
    private static void removeLeftover(Path leftover) throws IOException {
        if (!RunFiles.delete(leftover, leftover)) {
            throw new LibrettoException(leftover + " is in the way and has files that are not of a run; move it away");
        }
    }

    /** Undoes a replacement that a crash interrupted between its two renames. */
    private static void restoreOlder(Path path) throws IOException {
        Path older = sibling(path, "old");
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS) && Files.exists(older.resolve(CONFIG))) {
            try (RunLock notBeingReplaced = RunLock.acquire(older)) {
                Files.move(notBeingReplaced.run(), path, StandardCopyOption.ATOMIC_MOVE);
            }
        }
    }

    /** Replaces the older run with this one, if there is an older one. */
    void replaceOlder() throws IOException {
        if (olderLock == null) {
            return;
        }
        requireWritable(path, true);
        Path older = sibling(path, "old");
        removeLeftover(older);
        AtomicWrite.replace(path, place, older);
        moveTo(path);
        Disk.syncDirectory(older.getParent());
        RunFiles.delete(older, older);
        olderLock.close();
        olderLock = null;
    }

    public static RunDirectory open(Path path) throws IOException {
        restoreOlder(path);
        if (!Files.isDirectory(path)) {
            throw new LibrettoException("there is no run directory " + path + "; train a model there, or name another");
        }
        requireReadableByTensorFlow(path);
        if (!Files.exists(path.resolve(CONFIG))) {
            throw new LibrettoException(path + " is not a run directory: it has no " + CONFIG);
        }
        RunConfig config = RunConfig.read(path.resolve(CONFIG));
        Vocabulary vocabulary = readVocabulary(path.resolve(VOCABULARY), config);
        if (vocabulary.size() != config.model().vocabularySize()) {
            throw new LibrettoException(String.format(
                    Locale.ROOT,
                    "%s has %d characters, but %s says %d; one of them is not of this run",
                    path.resolve(VOCABULARY),
                    vocabulary.size(),
                    CONFIG,
                    config.model().vocabularySize()));
        }
        if (vocabulary.hasEnd() != config.model().endSymbol()) {
            throw new LibrettoException(path.resolve(VOCABULARY) + " has " + (vocabulary.hasEnd() ? "an" : "no")
                    + " end of a document, but " + CONFIG + " says otherwise; one of them is not of this run");
        }
        return new RunDirectory(path, path, config, vocabulary, null, null);
    }

    /** Opens a run to resume training, with new settings. Nothing in it changes before {@link #begin}. */
    public static Resumed resume(Path path, RunConfig config, Consumer<String> warnings) throws IOException {
        RunDirectory reader = open(path);
        RunLock lock = RunLock.acquire(path);
        try {
            Checkpoint checkpoint = reader.checkpoints.newest(config, warnings);
            int epochs = checkpoint.progress().epoch();
            int rows = reader.metrics.countRows(epochs);
            if (rows < epochs) {
                warnings.accept(
                        path.resolve(METRICS) + " has rows for " + rows + " of the " + epochs + " epochs trained");
            }
            removeLeftover(sibling(path, "new"));
            removeLeftover(sibling(path, "old"));
            RunDirectory run = new RunDirectory(path, path, config, reader.vocabulary, lock, null);
            run.begun = true;
            return new Resumed(run, checkpoint);
        } catch (IOException | RuntimeException e) {
            lock.close();
            throw e;
        }
    }

    /**
     * Returns whether another process trains a run now. Must not be called by the process that trains it.
     *
     * @throws IOException if the run's lock cannot be read, or is a symbolic link
     */
    public static boolean isBeingTrained(Path path) throws IOException {
        return RunLock.isHeld(path);
    }

    /** A resumed run and the checkpoint that it continues from. */
    public record Resumed(RunDirectory run, Checkpoint checkpoint) {}

    private static Vocabulary readVocabulary(Path file, RunConfig config) throws IOException {
        try {
            Vocabulary vocabulary = Vocabulary.ofSymbols(
                    Json.read(file, new TypeReference<List<String>>() {}),
                    config.hasUnknownCharacter(),
                    config.corpus().normalization());
            if (config.hasVocabularyOfText() && !vocabulary.isInCodePointOrder()) {
                throw new IllegalArgumentException("its characters are out of order");
            }
            return vocabulary;
        } catch (IllegalArgumentException e) {
            throw LibrettoException.damaged(file, e.getMessage(), e);
        }
    }

    public Path path() {
        return path;
    }

    public Path tensorBoard() {
        return place.resolve(TENSORBOARD);
    }

    public RunConfig config() {
        return config;
    }

    public Vocabulary vocabulary() {
        return vocabulary;
    }

    /**
     * Changes the run to where training starts: writes the configuration, moves damaged checkpoints aside, saves the
     * checkpoint, removes newer rows of the metrics, and replaces the older run if there is one.
     */
    @Override
    public void begin(Checkpoint start) throws IOException {
        write("the files", () -> {
            AtomicWrite.file(place.resolve(CONFIG), Json.write(config));
            checkpoints.moveDamagedAside();
        });
        rollBack(start);
        replaceOlder();
    }

    @Override
    public void append(EpochMetrics row) throws IOException {
        write(METRICS, () -> metrics.append(row));
    }

    /** Keeps the texts of a report. */
    public void append(ReportedTexts report) throws IOException {
        samples.append(report);
    }

    @Override
    public void save(Checkpoint checkpoint) throws IOException {
        write("a checkpoint", () -> {
            metrics.sync();
            checkpoints.save(checkpoint, config.training().checkpoints());
        });
        begun = true;
    }

    @Override
    public void discardAfter(Progress last) throws IOException {
        write("the checkpoints", () -> checkpoints.discardAfter(last));
    }

    /** Saves the checkpoint first: a crash before the second step leaves rows that a resume cuts off. */
    @Override
    public void rollBack(Checkpoint checkpoint) throws IOException {
        save(checkpoint);
        int epoch = checkpoint.progress().epoch();
        write(METRICS, () -> metrics.cutAfter(epoch));
        write(SamplesFile.NAME, () -> samples.cutAfter(epoch));
    }

    @Override
    public Optional<Progress> epochStart(Progress now) throws IOException {
        return checkpoints.epochStart(now);
    }

    /** @throws LibrettoException if the step fails, with the reason, and which checkpoint was saved last */
    private void write(String what, FailableRunnable<IOException> step) throws IOException {
        try {
            step.run();
        } catch (IOException e) {
            throw new LibrettoException(
                    "could not write " + what + " in " + path + ": " + Disk.reason(e) + "; " + describeSaved(), e);
        }
    }

    private String describeSaved() {
        try {
            Progress saved = newestProgress(warning -> {});
            return "the checkpoint of epoch " + saved.epoch() + ", step " + saved.step()
                    + " was saved; fix the problem, then resume this run";
        } catch (IOException e) {
            return "there is no checkpoint in " + path;
        }
    }

    public void replacePicture(String extension, byte[] picture) throws IOException {
        AtomicWrite.file(place.resolve(PICTURE + extension), picture);
    }

    /** @param warnings receives a line for each damaged checkpoint skipped */
    public Checkpoint newest(Consumer<String> warnings) throws IOException {
        return checkpoints.newest(config, warnings);
    }

    /** Returns the progress of {@link #newest}. */
    public Progress newestProgress(Consumer<String> warnings) throws IOException {
        return checkpoints.newestProgress(warnings);
    }

    @Override
    public Checkpoint best(Consumer<String> warnings) throws IOException {
        return checkpoints.read(config.training().checkpoints()::best, config, warnings);
    }

    /** Returns the checkpoint to generate and evaluate with; throws if the model does not fit into memory. */
    public Checkpoint checkpoint(Which which, Consumer<String> warnings) throws IOException {
        MemoryEstimate.ofModel(config.model(), config.training()).requireFits();
        return isValidated(which)
                ? checkpoints.read(CheckpointPolicy::bestValidated, config, warnings)
                : newest(warnings);
    }

    /** Returns the position of {@link #checkpoint} without verifying its files; empty if there is none yet. */
    public Optional<Progress> peek(Which which) throws IOException {
        return checkpoints.peek(isValidated(which) ? CheckpointPolicy::bestValidated : saved -> Optional.empty());
    }

    private boolean isValidated(Which which) {
        return which == Which.BEST && config.training().validation().wanted();
    }

    /** Which of a run's checkpoints to use. */
    public enum Which {
        /** The one with the lowest validation loss; without validation, the newest. */
        BEST,
        LAST;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Returns whether the run has a checkpoint. */
    public boolean hasBegun() {
        return begun;
    }

    /** Deletes a new run that has no checkpoint yet, or whose first batch failed while an older run is still there. */
    public void discardIfNeverBegun() throws IOException {
        if (lock != null && (!begun || olderLock != null)) {
            RunFiles.delete(place, place);
        }
    }

    @Override
    public void close() throws IOException {
        if (lock != null) {
            lock.close();
        }
        if (olderLock != null) {
            olderLock.close();
        }
    }
}
