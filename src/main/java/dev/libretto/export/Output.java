package dev.libretto.export;

import dev.libretto.run.Disk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Set;
import java.util.stream.Stream;

/** What is exported goes to the disk as a whole or not at all, and replaces nothing unasked. */
final class Output {
    private Output() {}

    /** Writes a file or fills a directory. */
    @FunctionalInterface
    interface Writer {
        void write(Path fresh) throws IOException;
    }

    /**
     * Says whether files can be written, before any work is done for them.
     *
     * @param file what {@code --out} names
     * @param more other files that are written beside it
     * @throws WeightsException if something is there that may not be replaced, or the directory is missing
     */
    static void requireUsableFile(Path file, boolean overwrite, Path... more) throws WeightsException {
        if (Files.isDirectory(file)) {
            throw new WeightsException(file, "it is a directory; name a file with --out");
        }
        requireParent(file);
        for (Path target : Stream.concat(Stream.of(file), Stream.of(more)).toList()) {
            if (Files.exists(target) && !(overwrite && Files.isRegularFile(target))) {
                throw inTheWay(target, "file");
            }
        }
    }

    /**
     * Says whether a directory can be written, before any work is done for it.
     *
     * @param own all that an older one consists of which may be replaced
     * @throws WeightsException if something is there that may not be replaced, or the directory above is missing
     */
    static void requireUsableDirectory(Path directory, boolean overwrite, Set<String> own) throws IOException {
        requireParent(directory);
        if (!Files.exists(directory)) {
            return;
        }
        if (!Files.isDirectory(directory) || Files.isSymbolicLink(directory)) {
            throw new WeightsException(directory, "it is not a directory; name another with --out");
        }
        if (!overwrite) {
            throw inTheWay(directory, "directory");
        }
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.sorted().toList()) {
                if (!own.contains(file.getFileName().toString())) {
                    throw new WeightsException(
                            directory,
                            file.getFileName() + " in it is not of a SavedModel, so it is not replaced; name another"
                                    + " directory with --out");
                }
            }
        }
    }

    private static WeightsException inTheWay(Path target, String kind) {
        return new WeightsException(
                target, "it is there already; replace it by --overwrite, or name another " + kind + " with --out");
    }

    private static void requireParent(Path file) throws WeightsException {
        Path parent = file.toAbsolutePath().getParent();
        if (!Files.isDirectory(parent)) {
            throw new WeightsException(file, "there is no directory " + parent + "; make it first");
        }
    }

    /** Writes a file under another name, and renames it once it is whole. */
    static void writeFile(Path file, Writer writer) throws IOException {
        Path fresh = beside(file, "new");
        try {
            writer.write(fresh);
            Disk.sync(fresh);
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
            Disk.syncList(file.toAbsolutePath().getParent());
        } catch (IOException e) {
            throw notWritten(file, e);
        } finally {
            Files.deleteIfExists(fresh);
        }
    }

    /** Fills a directory under another name, and renames it once it is whole. */
    static void writeDirectory(Path directory, Writer writer) throws IOException {
        Path fresh = beside(directory, "new");
        Path old = beside(directory, "old");
        try {
            Files.createDirectory(fresh);
            writer.write(fresh);
            sync(fresh);
            if (Files.exists(directory)) {
                Files.move(directory, old, StandardCopyOption.ATOMIC_MOVE);
            }
            Files.move(fresh, directory, StandardCopyOption.ATOMIC_MOVE);
            Disk.syncList(directory.toAbsolutePath().getParent());
            Disk.deleteTree(old);
        } catch (IOException e) {
            if (!Files.exists(directory) && Files.exists(old)) {
                Files.move(old, directory, StandardCopyOption.ATOMIC_MOVE);
            }
            throw notWritten(directory, e);
        } finally {
            Disk.deleteTree(fresh);
        }
    }

    private static void sync(Path directory) throws IOException {
        try (Stream<Path> tree = Files.walk(directory)) {
            for (Path path : tree.toList()) {
                if (Files.isDirectory(path)) {
                    Disk.syncList(path);
                } else {
                    Disk.sync(path);
                }
            }
        }
    }

    /** A name in the same directory for what is not yet, or no longer, there under its own. */
    static Path beside(Path file, String what) {
        Path absolute = file.toAbsolutePath().normalize();
        return absolute.resolveSibling(
                absolute.getFileName() + "." + ProcessHandle.current().pid() + "." + what);
    }

    static WeightsException notWritten(Path file, IOException e) {
        return new WeightsException(file, "it could not be written: " + Disk.reason(e), e);
    }
}
