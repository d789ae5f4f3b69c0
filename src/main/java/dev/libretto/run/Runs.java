package dev.libretto.run;

import dev.libretto.LibrettoException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** The default folder of runs, with its link {@code latest} to the run started last. */
public record Runs(Path folder) {
    /** Returns an unused path, named after the current time. */
    public Path unusedPath() {
        String time =
                DateTimeFormatter.ofPattern("yyyy-MM-dd-HHmmss", Locale.ROOT).format(LocalDateTime.now());
        Path path = folder.resolve(time);
        for (int n = 2; Files.exists(path); n++) {
            path = folder.resolve(time + "-" + n);
        }
        return path;
    }

    public Path latest() throws IOException {
        if (!Files.isDirectory(link())) {
            throw new LibrettoException(
                    "there is no run yet (" + link() + " is missing); train a model, or name a run");
        }
        return resolve(link());
    }

    /** Returns the target of a link, or the path itself if it is not a link. */
    public static Path resolve(Path path) throws IOException {
        return Files.isSymbolicLink(path) ? path.resolveSibling(Files.readSymbolicLink(path)) : path;
    }

    public void requireWritable() throws IOException {
        if (Files.exists(folder) && !Files.isDirectory(folder)) {
            throw new LibrettoException(
                    folder + " is a file; move it away, the name is reserved for the folder of runs");
        }
        if (Files.exists(link(), LinkOption.NOFOLLOW_LINKS) && !Files.isSymbolicLink(link())) {
            throw new LibrettoException(
                    link() + " is not a link; move it away, the name is reserved for the latest run");
        }
    }

    public void pointLatestAt(RunDirectory run) throws IOException {
        requireWritable();
        Files.createDirectories(folder);
        Path here = folder.toAbsolutePath().normalize();
        Path target = run.path().toAbsolutePath().normalize();
        Path fresh = folder.resolve("latest." + ProcessHandle.current().pid());
        Files.deleteIfExists(fresh);
        Files.createSymbolicLink(fresh, target.startsWith(here) ? here.relativize(target) : target);
        Files.move(fresh, link(), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    private Path link() {
        return folder.resolve("latest");
    }
}
