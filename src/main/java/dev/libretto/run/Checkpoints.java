package dev.libretto.run;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import java.util.function.ToDoubleFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The checkpoints of a run. Each is written under another name, synced to the disk and then renamed, and older ones are
 * deleted only after that: at every instant there is a whole one. Those that stay are the newest, the one with the lowest loss
 * and the one with the lowest validation loss.
 */
final class Checkpoints {
    private static final String UNFINISHED = "unfinished";

    private final Path folder;

    /** A directory of the folder that has a checkpoint's name. */
    private record Entry(Path path, long step, int rollbacks) {
        private static final Pattern NAME = Pattern.compile("step-(\\d{8,18})(?:-rollback-(\\d{1,3}))?");

        static String name(Progress progress) {
            String name = String.format(Locale.ROOT, "step-%08d", progress.step());
            return progress.rollbacks() == 0 ? name : name + "-rollback-" + progress.rollbacks();
        }

        /**
         * Holds the checkpoint to its name, which says how new it is.
         *
         * @throws RunException if it has another: it was copied here
         */
        Progress checked(Progress progress) throws RunException {
            if (!path.endsWith(name(progress))) {
                throw new RunException(path + " is damaged: it holds the checkpoint " + name(progress));
            }
            return progress;
        }

        /** Reads how far training was, after a check of every file. */
        Progress readProgress() throws IOException {
            return checked(Checkpoint.readProgress(path));
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

    /**
     * Saves a checkpoint, and deletes those that are not among the newest or the best.
     *
     * @throws IOException if it cannot be written; the ones before it are untouched then
     */
    void save(Checkpoint checkpoint, CheckpointPolicy policy) throws IOException {
        Path target = folder.resolve(Entry.name(checkpoint.progress()));
        if (!Files.exists(target)) {
            write(checkpoint, target);
        }
        List<Entry> newestFirst = entries();
        if (newestFirst.size() <= policy.keep()) {
            return;
        }
        List<Whole> whole = whole(newestFirst, warning -> {});
        Path best = best(whole, policy);
        Path bestValidated = bestValidated(whole);
        for (Entry old : newestFirst.subList(policy.keep(), newestFirst.size())) {
            if (!old.path().equals(best) && !old.path().equals(bestValidated)) {
                Disk.deleteTree(old.path());
            }
        }
    }

    private void write(Checkpoint checkpoint, Path target) throws IOException {
        Path unfinished = folder.resolve(UNFINISHED);
        Disk.deleteTree(unfinished);
        Files.createDirectory(unfinished);
        try {
            checkpoint.write(unfinished);
        } catch (IOException e) {
            Disk.deleteTree(unfinished);
            throw e;
        }
        Files.move(unfinished, target, StandardCopyOption.ATOMIC_MOVE);
        Disk.syncList(folder);
    }

    /**
     * Reads the newest whole checkpoint.
     *
     * @param warnings is told of each damaged one that was passed over
     * @throws RunException if there is none
     */
    Checkpoint newest(RunConfig config, Consumer<String> warnings) throws IOException {
        List<String> damages = new ArrayList<>();
        for (Entry entry : entries()) {
            try {
                Checkpoint checkpoint = Checkpoint.read(entry.path(), config);
                entry.checked(checkpoint.progress());
                damages.forEach(damage -> warnings.accept(damage + "; using " + entry.path() + " instead"));
                return checkpoint;
            } catch (RunException e) {
                damages.add(e.getMessage());
            } catch (NoSuchFileException e) {
                damages.add(Disk.reason(e));
            }
        }
        throw new RunException(
                damages.isEmpty()
                        ? folder.getParent() + " has no checkpoint; its training ended before the first one"
                        : String.join("; ", damages) + "; there is no other checkpoint");
    }

    /**
     * Reads the checkpoint with the lowest loss, of those on the policy's schedule.
     *
     * @throws RunException if there is none
     */
    Checkpoint best(RunConfig config, Consumer<String> warnings) throws IOException {
        Path best = best(whole(entries(), warnings), config.training().checkpoints());
        return best == null ? newest(config, warnings) : Checkpoint.read(best, config);
    }

    /**
     * Reads the checkpoint with the lowest validation loss, or the newest before the first validation.
     *
     * @throws RunException if there is none
     */
    Checkpoint bestValidated(RunConfig config, Consumer<String> warnings) throws IOException {
        Path best = bestValidated(whole(entries(), warnings));
        return best == null ? newest(config, warnings) : Checkpoint.read(best, config);
    }

    /** A checkpoint none of whose files is damaged, and how far training was. */
    private record Whole(Path path, Progress progress) {}

    /** Reads every file of every one, for its checksum. */
    private static List<Whole> whole(List<Entry> entries, Consumer<String> warnings) throws IOException {
        List<Whole> whole = new ArrayList<>();
        for (Entry entry : entries) {
            try {
                whole.add(new Whole(entry.path(), entry.readProgress()));
            } catch (RunException e) {
                warnings.accept(e.getMessage());
            }
        }
        return whole;
    }

    /**
     * The one on the schedule of lowest loss; null where there is none. Of several it is the oldest, which ends the epoch of
     * that loss; those within the next epoch may have come near a divergence already.
     */
    private static Path best(List<Whole> newestFirst, CheckpointPolicy policy) {
        return lowest(newestFirst, progress -> {
            double loss = progress.loss() == null ? Double.MAX_VALUE : progress.loss();
            return policy.every().fallsOn(progress) ? loss : Double.POSITIVE_INFINITY;
        });
    }

    /** The one at the end of the epoch of lowest validation loss; null where there is none. */
    private static Path bestValidated(List<Whole> newestFirst) {
        return lowest(
                newestFirst,
                progress -> progress.endsBestValidated() ? progress.validation().lowest() : Double.POSITIVE_INFINITY);
    }

    /** The one of lowest finite value, the oldest of several; null where there is none. */
    private static Path lowest(List<Whole> newestFirst, ToDoubleFunction<Progress> valueOf) {
        Path best = null;
        double lowest = Double.POSITIVE_INFINITY;
        for (Whole checkpoint : newestFirst) {
            double value = valueOf.applyAsDouble(checkpoint.progress());
            if (value <= lowest && value < Double.POSITIVE_INFINITY) {
                lowest = value;
                best = checkpoint.path();
            }
        }
        return best;
    }

    /** Moves damaged checkpoints out of the way of new ones, under another name. */
    void setDamagedAside() throws IOException {
        for (Entry entry : entries()) {
            try {
                entry.readProgress();
            } catch (RunException e) {
                Path aside = folder.resolve("damaged-" + entry.path().getFileName());
                Disk.deleteTree(aside);
                Files.move(entry.path(), aside, StandardCopyOption.ATOMIC_MOVE);
            }
        }
    }

    /** Whether there is none, whole or damaged. */
    boolean isEmpty() throws IOException {
        return entries().isEmpty();
    }

    /** The newest first. */
    private List<Entry> entries() throws IOException {
        if (!Files.isDirectory(folder)) {
            return List.of();
        }
        return Disk.list(folder).stream()
                .flatMap(path -> Entry.of(path).stream())
                .sorted(Comparator.comparingInt(Entry::rollbacks)
                        .thenComparingLong(Entry::step)
                        .reversed())
                .toList();
    }
}
