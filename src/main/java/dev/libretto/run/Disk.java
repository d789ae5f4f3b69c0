package dev.libretto.run;

import dev.libretto.LibrettoException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;

/** Reads, lists and fsyncs files, and words the reason if that fails. */
public final class Disk {
    private Disk() {}

    /**
     * Reads a file of a run.
     *
     * @param maxBytes the largest size accepted
     * @throws LibrettoException naming the file if it is missing, too large or not UTF-8
     */
    static String readText(Path file, int maxBytes) throws IOException {
        requireFile(file);
        try {
            if (Files.size(file) > maxBytes) {
                throw new LibrettoException(file + " is damaged: it has " + Files.size(file) + " bytes");
            }
            return Files.readString(file);
        } catch (NoSuchFileException e) {
            throw new LibrettoException(file + " is missing; the run directory is incomplete", e);
        } catch (CharacterCodingException e) {
            throw new LibrettoException(file + " is damaged: it is not UTF-8", e);
        }
    }

    /** @throws LibrettoException if it is a directory; Java's own message would not name it */
    static void requireFile(Path file) throws LibrettoException {
        if (Files.isDirectory(file)) {
            throw new LibrettoException(file + " is damaged: it is a directory");
        }
    }

    /** Fsyncs a file. */
    static void sync(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
    }

    /** Fsyncs a directory. */
    static void syncDirectory(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    /** Returns the entries of a directory, sorted by name. */
    static List<Path> list(Path directory) throws IOException {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.sorted().toList();
        }
    }

    /** Returns the total size of the files below a directory, in bytes. */
    static long size(Path directory) throws IOException {
        long bytes = 0;
        try (Stream<Path> tree = Files.walk(directory)) {
            for (Path file : tree.filter(Files::isRegularFile).toList()) {
                bytes += Files.size(file);
            }
        }
        return bytes;
    }

    /** Returns the first line of TensorFlow's message; a stack trace follows it. */
    public static String reason(RuntimeException e) {
        return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
    }

    /** Returns why a file could not be read or written, with its name if the exception has it. */
    public static String reason(IOException e) {
        if (e instanceof NoSuchFileException missing) {
            return missing.getFile() + " does not exist";
        }
        if (e instanceof AccessDeniedException denied) {
            return denied.getFile() + ": permission denied";
        }
        if (e instanceof FileAlreadyExistsException file) {
            return file.getFile() + " already exists";
        }
        if (e instanceof FileSystemException other && other.getReason() != null) {
            return other.getFile() + ": " + other.getReason();
        }
        return e.getMessage();
    }
}
