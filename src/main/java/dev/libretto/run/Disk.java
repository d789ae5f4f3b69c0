package dev.libretto.run;

import dev.libretto.LibrettoException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Reads, lists and fsyncs files, and words the reason if that fails. */
public final class Disk {
    private Disk() {}

    /** Reads a file of a run. */
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

    /**
     * Returns a text without its byte order mark, which some editors write.
     *
     * @throws CharacterCodingException if it is not UTF-8
     */
    public static String decodeUtf8(byte[] bytes) throws CharacterCodingException {
        String text = StandardCharsets.UTF_8
                .newDecoder()
                .decode(ByteBuffer.wrap(bytes))
                .toString();
        return text.startsWith("\uFEFF") ? text.substring(1) : text;
    }

    static void sync(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.force(true);
        }
    }

    static void syncDirectory(Path directory) throws IOException {
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    static List<Path> list(Path directory) throws IOException {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.sorted().toList();
        }
    }

    /** Returns a directory and everything below it, children before parents. */
    static List<Path> tree(Path directory) throws IOException {
        try (Stream<Path> tree = Files.walk(directory)) {
            return tree.sorted(Comparator.reverseOrder()).toList();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
    }

    static long size(Path directory) throws IOException {
        long bytes = 0;
        for (Path path : tree(directory)) {
            bytes += Files.isRegularFile(path) ? Files.size(path) : 0;
        }
        return bytes;
    }

    /**
     * Returns why something failed: with the name of a file if the exception has it, and without TensorFlow's stack
     * trace.
     */
    public static String reason(Throwable e) {
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
        return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
    }
}
