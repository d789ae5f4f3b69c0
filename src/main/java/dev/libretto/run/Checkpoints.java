package dev.libretto.run;

import dev.libretto.LibrettoException;
import dev.libretto.train.Checkpoint;
import dev.libretto.train.CheckpointPolicy;
import dev.libretto.train.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.commons.lang3.function.FailableFunction;

/**
 * The checkpoints of a run. Each is written under a temporary name, fsynced and renamed before older ones are deleted,
 * so there is a complete one at any time. {@link CheckpointPolicy} decides which to keep.
 */
final class Checkpoints {
    private static final String UNFINISHED = "unfinished";

    private final Path folder;

    private record Entry(Path path, long step, int rollbacks) {
        static final Comparator<Entry> BY_AGE =
                Comparator.comparingInt(Entry::rollbacks).thenComparingLong(Entry::step);

        private static final Pattern NAME = Pattern.compile("step-(\\d{8,18})(?:-rollback-(\\d{1,3}))?");

        static String name(Progress progress) {
            String name = String.format(Locale.ROOT, "step-%08d", progress.step());
            return progress.rollbacks() == 0 ? name : name + "-rollback-" + progress.rollbacks();
        }

        /**
         * Returns the position; throws if it does not match the directory's name, because the checkpoint was copied
         * here.
         */
        Progress checked(Progress progress) throws LibrettoException {
            if (!path.endsWith(name(progress))) {
                throw new LibrettoException(path + " is damaged: it holds the checkpoint " + name(progress));
            }
            return progress;
        }

        Progress readProgress() throws IOException {
            return checked(CheckpointFiles.readProgress(path));
        }

        Checkpoint read(RunConfig config) throws IOException {
            Checkpoint checkpoint = CheckpointFiles.read(path, config);
            checked(checkpoint.progress());
            return checkpoint;
        }

        /** Whether it contains a file that Libretto did not write. */
        boolean isForeign(Path run) throws IOException {
            return RunFiles.foreign(run, path).isPresent();
        }

        static List<Entry> of(Path path) {
            Matcher matcher = NAME.matcher(path.getFileName().toString());
            if (!matcher.matches()) {
                return List.of();
            }
            int rollbacks = matcher.group(2) == null ? 0 : Integer.parseInt(matcher.group(2));
            return List.of(new Entry(path, Long.parseLong(matcher.group(1)), rollbacks));
        }
    }

    Checkpoints(Path folder) {
        this.folder = folder;
    }

    /** Saves a checkpoint and deletes those that the policy does not keep, without verifying the others. */
    void save(Checkpoint checkpoint, CheckpointPolicy policy) throws IOException {
        Path target = folder.resolve(Entry.name(checkpoint.progress()));
        if (!Files.exists(target)) {
            write(checkpoint, target);
        }
        List<Entry> newestFirst = entries();
        if (newestFirst.size() <= policy.keep()) {
            return;
        }
        Map<Progress, Entry> saved = saved(newestFirst, false, warning -> {});
        Set<Progress> kept = policy.kept(List.copyOf(saved.keySet()));
        for (Map.Entry<Progress, Entry> each : saved.entrySet()) {
            if (!kept.contains(each.getKey()) && !each.getValue().isForeign(folder.getParent())) {
                discard(each.getValue());
            }
        }
    }

    /** Deletes a checkpoint. It is renamed first, so that a crash leaves no partial one under its name. */
    private void discard(Entry entry) throws IOException {
        Path unfinished = folder.resolve(UNFINISHED);
        requireDeleted(unfinished);
        Files.move(entry.path(), unfinished, StandardCopyOption.ATOMIC_MOVE);
        Disk.syncDirectory(folder);
        requireDeleted(unfinished);
    }

    private void requireDeleted(Path directory) throws IOException {
        if (!RunFiles.delete(folder.getParent(), directory)) {
            throw new LibrettoException(directory + " contains a file that is not part of a checkpoint; move it away");
        }
    }

    /** Deletes all checkpoints newer than the given one, newest first, so that a crash leaves a consistent run. */
    void discardAfter(Progress last) throws IOException {
        Entry entry = Entry.of(folder.resolve(Entry.name(last))).get(0);
        for (Entry newer : entries()) {
            if (Entry.BY_AGE.compare(newer, entry) > 0 && !newer.isForeign(folder.getParent())) {
                discard(newer);
            }
        }
    }

    /** Returns the position of the newest undamaged checkpoint at the start of the current epoch. */
    Optional<Progress> epochStart(Progress now) throws IOException {
        for (Entry entry : entries()) {
            try {
                Progress progress = CheckpointFiles.peekProgress(entry.path());
                if (progress.epoch() == now.epoch() && progress.batch() == 0) {
                    return Optional.of(entry.readProgress());
                }
            } catch (LibrettoException e) {
                // A damaged checkpoint cannot be restored.
            }
        }
        return Optional.empty();
    }

    private void write(Checkpoint checkpoint, Path target) throws IOException {
        Path unfinished = folder.resolve(UNFINISHED);
        requireDeleted(unfinished);
        Files.createDirectory(unfinished);
        try {
            CheckpointFiles.write(checkpoint, unfinished);
        } catch (IOException e) {
            requireDeleted(unfinished);
            throw e;
        }
        Files.move(unfinished, target, StandardCopyOption.ATOMIC_MOVE);
        Disk.syncDirectory(folder);
    }

    Progress newestProgress(Consumer<String> warnings) throws IOException {
        return newest(Entry::readProgress, warnings);
    }

    /** @param warnings receives a line for each damaged checkpoint skipped */
    Checkpoint newest(RunConfig config, Consumer<String> warnings) throws IOException {
        return newest(entry -> entry.read(config), warnings);
    }

    private <T> T newest(FailableFunction<Entry, T, IOException> reader, Consumer<String> warnings) throws IOException {
        List<String> damages = new ArrayList<>();
        for (Entry entry : entries()) {
            try {
                T checkpoint = reader.apply(entry);
                damages.forEach(damage -> warnings.accept(damage + "; using " + entry.path() + " instead"));
                return checkpoint;
            } catch (LibrettoException e) {
                damages.add(e.getMessage());
            } catch (NoSuchFileException e) {
                damages.add(Disk.reason(e));
            }
        }
        throw new LibrettoException(
                damages.isEmpty()
                        ? folder.getParent() + " has no checkpoint; its training ended before the first one"
                        : String.join("; ", damages) + "; there is no other checkpoint");
    }

    /** Reads the checkpoint that a policy chooses among the undamaged ones, or the newest if it chooses none. */
    Checkpoint read(Function<List<Progress>, Optional<Progress>> choice, RunConfig config, Consumer<String> warnings)
            throws IOException {
        Map<Progress, Entry> saved = saved(entries(), true, warnings);
        Optional<Progress> chosen = choice.apply(List.copyOf(saved.keySet()));
        return chosen.isPresent() ? saved.get(chosen.get()).read(config) : newest(config, warnings);
    }

    /** Returns the position of the checkpoint that {@link #read} would choose if none is damaged; the files are not verified. */
    Optional<Progress> peek(Function<List<Progress>, Optional<Progress>> choice) throws IOException {
        List<Progress> saved =
                List.copyOf(saved(entries(), false, warning -> {}).keySet());
        return choice.apply(saved).or(() -> saved.stream().findFirst());
    }

    /**
     * Returns the position of each undamaged checkpoint, newest first; unless verified, only the positions are read.
     */
    private static Map<Progress, Entry> saved(List<Entry> newestFirst, boolean verified, Consumer<String> warnings)
            throws IOException {
        Map<Progress, Entry> saved = new LinkedHashMap<>();
        for (Entry entry : newestFirst) {
            try {
                Progress progress =
                        verified ? entry.readProgress() : entry.checked(CheckpointFiles.peekProgress(entry.path()));
                saved.put(progress, entry);
            } catch (LibrettoException e) {
                warnings.accept(e.getMessage());
            }
        }
        return saved;
    }

    /** Renames damaged checkpoints, so that they do not block new ones. */
    void moveDamagedAside() throws IOException {
        for (Entry entry : entries()) {
            try {
                entry.readProgress();
            } catch (LibrettoException e) {
                String name = "damaged-" + entry.path().getFileName();
                Path aside = folder.resolve(name);
                for (int i = 2; Files.exists(aside); i++) {
                    aside = folder.resolve(name + "-copy-" + i);
                }
                Files.move(entry.path(), aside, StandardCopyOption.ATOMIC_MOVE);
            }
        }
    }

    /** Returns the entries, newest first. */
    private List<Entry> entries() throws IOException {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        return Disk.list(folder).stream()
                .flatMap(path -> Entry.of(path).stream())
                .sorted(Entry.BY_AGE.reversed())
                .toList();
    }
}
