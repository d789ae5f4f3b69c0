package dev.libretto.run;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** Which files of a run directory Libretto wrote. It deletes those only, and follows no links. */
final class RunFiles {
    static final String CONFIG = "config.json";

    /** How {@link AtomicWrite} ends the name of a temporary file; earlier versions left the process out. */
    private static final String TEMPORARY = "((\\.\\d+)?\\.new)?";

    private static final String IN_CHECKPOINT =
            "weights\\.(index|data-\\d{5}-of-\\d{5})(\\.tempstate\\d+)?|progress\\.json|SHA256SUMS";
    private static final String CHECKPOINT =
            "checkpoints/(unfinished|(damaged-)?step-\\d{8,18}(-rollback-\\d{1,3})?(-copy-\\d+)?)";
    private static final Pattern OWN_FILE = Pattern.compile(RunLock.FILE
            + "|(config\\.json|vocabulary\\.json|metrics\\.csv|samples\\.jsonl|perplexity\\.(png|svg))" + TEMPORARY
            + "|" + CHECKPOINT + "/(" + IN_CHECKPOINT + ")"
            + "|tensorboard/events\\.out\\.tfevents\\.\\d+\\..+\\.step-\\d+");
    private static final Pattern OWN_DIRECTORY = Pattern.compile("|checkpoints|tensorboard|" + CHECKPOINT);
    private static final Pattern OWN_CONFIG = Pattern.compile(
            "\\s*\\{\\s*(\"format\"\\s*:\\s*\\d+\\s*,\\s*\"libretto\"\\s*:\\s*\"[^\"]*\"\\s*,\\s*)?\"corpus\"\\s*:\\s*\\{");

    private RunFiles() {}

    /** Whether a directory holds nothing, or only the empty lock file of a run that was never started. */
    static boolean isUnused(Path directory) throws IOException {
        for (Path file : Disk.list(directory)) {
            if (!file.endsWith(RunLock.FILE)
                    || !Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)
                    || Files.size(file) > 0) {
                return false;
            }
        }
        return true;
    }

    /** Whether a directory has a configuration that Libretto wrote, also one that a crash left under its temporary name. */
    static boolean isRun(Path directory) throws IOException {
        for (Path file : Disk.list(directory)) {
            if (file.getFileName().toString().matches("config\\.json" + TEMPORARY) && isOwnConfig(file)) {
                return true;
            }
        }
        return false;
    }

    private static boolean isOwnConfig(Path file) throws IOException {
        if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
            return false;
        }
        // A crash may have left an empty file, in which nothing can be lost.
        String content = Disk.readText(file, Json.MAX_BYTES);
        return content.isEmpty() || OWN_CONFIG.matcher(content).lookingAt();
    }

    /** The first file or directory below a directory of a run that Libretto did not write. */
    static Optional<Path> foreign(Path run, Path directory) throws IOException {
        return Disk.tree(directory).stream().filter(path -> !isOwn(run, path)).min(Comparator.naturalOrder());
    }

    /**
     * Deletes a run or a directory of it, or leaves all of it if there is something in it that Libretto did not write.
     *
     * @return whether it is gone
     */
    static boolean delete(Path run, Path directory) throws IOException {
        if (!Files.exists(directory, LinkOption.NOFOLLOW_LINKS)) {
            return true;
        }
        boolean isOwn = foreign(run, directory).isEmpty();
        if (isOwn) {
            deleteAll(directory, run);
        }
        return isOwn;
    }

    /** The configuration last, so that what a crash leaves can still be recognized as a run. */
    private static void deleteAll(Path directory, Path run) throws IOException {
        Path config = run.resolve(CONFIG);
        List<Path> order = Disk.tree(directory).stream()
                .sorted(Comparator.comparingInt(path -> path.equals(run) ? 2 : path.equals(config) ? 1 : 0))
                .toList();
        for (Path path : order) {
            Files.delete(path);
        }
    }

    /** Whether a file in a checkpoint has a name that Libretto gives. */
    static boolean isOfCheckpoint(Path file) {
        return file.getFileName().toString().matches(IN_CHECKPOINT);
    }

    private static boolean isOwn(Path run, Path path) {
        String name = run.relativize(path).toString().replace('\\', '/');
        return Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)
                ? OWN_DIRECTORY.matcher(name).matches()
                : Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)
                        && OWN_FILE.matcher(name).matches();
    }
}
