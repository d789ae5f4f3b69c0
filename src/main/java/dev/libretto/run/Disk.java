package dev.libretto.run;

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

/** Reading, listing and syncing files, and why it failed. */
public final class Disk {
    private Disk() {}

    /**
     * Reads a file of a run.
     *
     * @param maxBytes more than any that is written takes
     * @throws RunException naming the file if it is missing, no text or too large
     */
    static String readText(Path file, int maxBytes) throws IOException {
        requireFile(file);
        try {
            if (Files.size(file) > maxBytes) {
                throw new RunException(file + " is damaged: it has " + Files.size(file) + " bytes");
            }
            return Files.readString(file);
        } catch (NoSuchFileException e) {
            throw new RunException(file + " is missing; the run directory is not complete", e);
        } catch (CharacterCodingException e) {
            throw new RunException(file + " is damaged: it is not UTF-8", e);
        }
    }

    /** @throws RunException naming the file if it is a directory, of which Java's message says only that it is one */
    static void requireFile(Path file) throws RunException {
        if (Files.isDirectory(file)) {
            throw new RunException(file + " is damaged: it is a directory");
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

    /** The entries of a directory, by name. */
    static List<Path> list(Path directory) throws IOException {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.sorted().toList();
        }
    }

    /** The bytes of all files below a directory. */
    static long size(Path directory) throws IOException {
        long bytes = 0;
        try (Stream<Path> tree = Files.walk(directory)) {
            for (Path file : tree.filter(Files::isRegularFile).toList()) {
                bytes += Files.size(file);
            }
        }
        return bytes;
    }

    /** What TensorFlow says is wrong: the first line of its message, which goes on with where it happened. */
    public static String reason(RuntimeException e) {
        return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
    }

    /** Why a file could not be read or written, in words, with its name where the exception has it. */
    public static String reason(IOException e) {
        if (e instanceof NoSuchFileException missing) {
            return missing.getFile() + " does not exist";
        }
        if (e instanceof AccessDeniedException denied) {
            return denied.getFile() + ": permission denied";
        }
        if (e instanceof FileAlreadyExistsException file) {
            return file.getFile() + " is in the way";
        }
        if (e instanceof FileSystemException other && other.getReason() != null) {
            return other.getFile() + ": " + other.getReason();
        }
        return e.getMessage();
    }
}
