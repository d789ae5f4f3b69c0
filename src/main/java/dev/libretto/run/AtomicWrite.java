package dev.libretto.run;

import dev.libretto.LibrettoException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Predicate;
import org.apache.commons.lang3.function.FailableConsumer;

/**
 * Writes files and directories atomically: under a temporary name in the same directory, fsynced, then renamed. Unfinished
 * ones are deleted if writing fails or a signal ends the process.
 */
public final class AtomicWrite {
    /** Also locked in steps that the end of the process must not interrupt. */
    private static final Set<Path> UNFINISHED = new HashSet<>();

    static {
        Runtime.getRuntime().addShutdownHook(new Thread(AtomicWrite::deleteUnfinished));
    }

    private AtomicWrite() {}

    /** Throws if files cannot be written; call before starting work. */
    public static void requireWritable(boolean overwrite, Path... files) throws LibrettoException {
        for (Path file : files) {
            requireParent(file);
            if (Files.isDirectory(file)) {
                throw new LibrettoException(file + " is a directory; name a file");
            }
            if (Files.exists(file) && !Files.isRegularFile(file)) {
                throw new LibrettoException(file + " is not a regular file; name another");
            }
            if (Files.exists(file) && !overwrite) {
                throw alreadyExists(file);
            }
        }
    }

    /** @param own which relative paths Libretto writes; a directory with any other file is never replaced */
    public static void requireWritableDirectory(boolean overwrite, Path directory, Predicate<String> own)
            throws IOException {
        requireParent(directory);
        if (Files.isSymbolicLink(directory) || Files.exists(directory) && !Files.isDirectory(directory)) {
            throw new LibrettoException(directory + " is not a directory; name another");
        }
        if (!Files.exists(directory)) {
            return;
        }
        if (!overwrite) {
            throw alreadyExists(directory);
        }
        for (Path path : Disk.tree(directory)) {
            if (!path.equals(directory) && !own.test(directory.relativize(path).toString())) {
                throw new LibrettoException(path + " was not written by Libretto, so " + directory
                        + " is not replaced; name another directory");
            }
        }
    }

    private static void requireParent(Path path) throws LibrettoException {
        Path parent = path.toAbsolutePath().getParent();
        if (!Files.isDirectory(parent)) {
            throw new LibrettoException(
                    "there is no directory " + parent + " to write " + path + " to; create it first");
        }
    }

    private static LibrettoException alreadyExists(Path path) {
        return new LibrettoException(path + " already exists; overwrite it, or name another");
    }

    /** Writes a text file in UTF-8, replacing an existing one. */
    public static void file(Path file, String content) throws IOException {
        file(file, content.getBytes(StandardCharsets.UTF_8));
    }

    public static void file(Path file, byte[] content) throws IOException {
        file(file, temporary -> Files.write(temporary, content));
    }

    /** @param writer writes the content under a temporary name */
    public static void file(Path file, FailableConsumer<Path, IOException> writer) throws IOException {
        write(file, temporary -> {
            writer.accept(temporary);
            Disk.sync(temporary);
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
        });
    }

    /** Writes a directory, replacing an existing one if {@link #requireWritableDirectory} allows it. */
    public static void directory(
            boolean overwrite, Path directory, Predicate<String> own, FailableConsumer<Path, IOException> writer)
            throws IOException {
        requireWritableDirectory(overwrite, directory, own);
        write(directory, temporary -> {
            Files.createDirectory(temporary);
            writer.accept(temporary);
            for (Path path : Disk.tree(temporary)) {
                if (Files.isDirectory(path)) {
                    Disk.syncDirectory(path);
                } else {
                    Disk.sync(path);
                }
            }
            requireWritableDirectory(overwrite, directory, own);
            synchronized (UNFINISHED) {
                exchange(temporary, directory);
            }
        });
    }

    private static void write(Path target, FailableConsumer<Path, IOException> writer) throws IOException {
        Path absolute = target.toAbsolutePath().normalize();
        Path temporary = absolute.resolveSibling(
                absolute.getFileName() + "." + ProcessHandle.current().pid() + ".new");
        synchronized (UNFINISHED) {
            UNFINISHED.add(temporary);
        }
        try {
            writer.accept(temporary);
            Disk.syncDirectory(absolute.getParent());
        } catch (LibrettoException e) {
            throw e;
        } catch (IOException e) {
            throw new LibrettoException(target + " could not be written: " + Disk.reason(e), e);
        } finally {
            synchronized (UNFINISHED) {
                delete(temporary);
                UNFINISHED.remove(temporary);
            }
        }
    }

    /** Moves a directory to its place. A directory that was there ends up under the temporary name. */
    private static void exchange(Path temporary, Path directory) throws IOException {
        if (!Files.exists(directory)) {
            Files.move(temporary, directory, StandardCopyOption.ATOMIC_MOVE);
            return;
        }
        Path older = temporary.resolveSibling(temporary.getFileName() + ".old");
        replace(directory, temporary, older);
        Files.move(older, temporary, StandardCopyOption.ATOMIC_MOVE);
    }

    /** Moves a directory aside and another one to its place; undoes the first step if the second fails. */
    static void replace(Path directory, Path newer, Path aside) throws IOException {
        Files.move(directory, aside, StandardCopyOption.ATOMIC_MOVE);
        try {
            Files.move(newer, directory, StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException e) {
            Files.move(aside, directory, StandardCopyOption.ATOMIC_MOVE);
            throw e;
        }
    }

    private static void delete(Path temporary) throws IOException {
        if (Files.exists(temporary)) {
            for (Path path : Disk.tree(temporary)) {
                Files.deleteIfExists(path);
            }
        }
    }

    /** Deletes unfinished files when the process ends. A thread that is still writing then fails. */
    private static void deleteUnfinished() {
        synchronized (UNFINISHED) {
            UNFINISHED.forEach(AtomicWrite::deleteInRounds);
        }
    }

    /** Another thread may add files meanwhile, which the next round deletes. */
    private static void deleteInRounds(Path temporary) {
        for (int round = 0; round < 100 && Files.exists(temporary); round++) {
            try {
                delete(temporary);
            } catch (IOException e) {
                // The next round tries again.
                continue;
            }
        }
    }
}
