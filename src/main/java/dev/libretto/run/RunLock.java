package dev.libretto.run;

import dev.libretto.LibrettoException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;

/** A lock on a run directory, so that only one process writes it. It is released when the process ends, even by a crash. */
final class RunLock implements AutoCloseable {
    static final String FILE = "lock";

    private final Path run;
    private final FileChannel channel;

    private RunLock(Path run, FileChannel channel) {
        this.run = run;
        this.channel = channel;
    }

    /** @throws LibrettoException if another process, or this one, holds the lock */
    static RunLock acquire(Path run) throws IOException {
        Path file = run.resolve(FILE);
        while (true) {
            Object before = fileKey(file);
            RunLock lock = tryAcquire(run, file);
            if (Objects.equals(before, fileKey(file))) {
                return lock;
            }
            // Another process replaced the run between opening and locking the file.
            lock.close();
        }
    }

    private static Object fileKey(Path file) throws IOException {
        try {
            return Files.readAttributes(file, BasicFileAttributes.class).fileKey();
        } catch (NoSuchFileException e) {
            return FILE;
        }
    }

    private static RunLock tryAcquire(Path run, Path file) throws IOException {
        FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        try {
            FileLock lock = channel.tryLock();
            if (lock != null) {
                return new RunLock(run, channel);
            }
        } catch (OverlappingFileLockException e) {
            // This process holds the lock.
        } catch (IOException e) {
            channel.close();
            throw e;
        }
        channel.close();
        throw heldElsewhere(run);
    }

    static LibrettoException heldElsewhere(Path run) {
        return new LibrettoException(
                run + " is being trained by another process; wait until it ends, or use another directory");
    }

    Path run() {
        return run;
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }
}
